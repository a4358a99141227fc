//! Whatever happens to the process or to the file, what was taken is kept, and the outbox opens.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use switchhook::outbox::{Bounds, Which};

use super::*;
use crate::support::Destination;

/// So many items lie in a file that is damaged.
const ITEMS: usize = 60;

#[test]
fn what_was_taken_outlives_a_crash() {
    let desk = Desk::closed();
    let items: Vec<Enqueued> = (0..ITEMS).map(|number| post(&number.to_string(), "http://127.0.0.1:1/")).collect();
    for item in &items {
        desk.enqueue(vec![item.clone()]).unwrap();
    }
    let again = Desk::at(desk.crashed(), Bounds::default());
    assert_eq!(again.rows(None), desk.rows(None));
    again.enqueue(items).unwrap();
    assert_eq!(again.rows(None).len(), ITEMS, "their keys are known");
}

#[test]
fn an_attempt_that_was_cut_off_is_made_again_under_the_same_key() {
    let (desk, destination) = (Desk::open(), Destination::open());
    desk.enqueue(vec![post("key-1", &destination.url("/"))]).unwrap();
    let first = destination.next();
    let again = Desk::at(desk.crashed(), Bounds::default());
    first.answer(200);
    desk.until_empty();
    again.deliver();
    let second = destination.next();
    assert_eq!(second.header("idempotency-key"), Some("key-1"));
    second.answer(200);
    again.until_empty();
}

#[test]
fn an_orderly_end_waits_for_what_is_under_way() {
    let (desk, destination) = (Desk::open(), Destination::open());
    desk.enqueue(vec![post("1", &destination.url("/"))]).unwrap();
    let under_way = destination.next();
    desk.outbox.stop();
    desk.enqueue(vec![post("2", &destination.url("/"))]).unwrap();
    let closing = thread::spawn(move || desk.close());
    under_way.answer(200);
    let again = Desk::at(closing.join().unwrap(), Bounds::default());
    let left: Vec<_> = again.rows(None).iter().map(|row| row["action"].clone()).collect();
    assert_eq!(left, ["rule/2"]);
    assert!(destination.ready().is_none(), "nothing is sent once it stops");
}

/// A file with items, closed in good order or not, and what it holds.
fn filled(orderly: bool) -> (TempDir, HashSet<String>) {
    let desk = Desk::closed();
    let items = (0..ITEMS).map(|number| post(&number.to_string(), "http://127.0.0.1:1/"));
    for item in items {
        desk.enqueue(vec![item]).unwrap();
    }
    let rows = shown(&desk);
    let folder = if orderly { desk.close() } else { desk.crashed() };
    (folder, rows)
}

/// Every item whose request can be read: its number, its key and what it says. What became of it may be lost.
fn shown(desk: &Desk) -> HashSet<String> {
    let ids = desk.rows(None).into_iter().map(|row| row["id"].as_u64().unwrap());
    let shown = ids.filter_map(|id| desk.runtime.block_on(desk.outbox.show(id)));
    let shown = shown.map(|shown| shown.json()).filter(|item| !item["body"].is_null());
    shown.map(|item| format!("{} {} {} {}", item["id"], item["idempotency_key"], item["url"], item["body"])).collect()
}

/// Opens what is left of a file: nothing but what was in it is there, and others are taken.
fn opens(bytes: &[u8], items: &HashSet<String>, what: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("outbox.redb"), bytes).unwrap();
    let desk = Desk::at(folder, Bounds::default());
    let left = shown(&desk);
    assert!(left.is_subset(items), "{what}: {:?}", left.difference(items).next());
    desk.enqueue(vec![post("another", "http://127.0.0.1:1/")]).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(shown(&desk).len(), left.len() + 1, "{what}");
    left.len()
}

/// Places all over a file, the first ones close to each other: there are the headers.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..24).map(|at| at * 14).chain((1..64).map(move |part| part * length / 64 + part)).filter(move |at| *at < length)
}

#[test]
fn a_flipped_bit_costs_no_more_than_what_it_lies_in() {
    for orderly in [true, false] {
        let (folder, items) = filled(orderly);
        let bytes = fs::read(folder.path().join("outbox.redb")).unwrap();
        assert_eq!(opens(&bytes, &items, "as it was"), ITEMS);
        for at in places(bytes.len()) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            let left = opens(&damaged, &items, &format!("a bit of byte {at}"));
            assert!(ITEMS - 1 <= left, "a bit of byte {at} costs {} items", ITEMS - left);
        }
    }
}

/// Whether the whole record of an item lies in a part of a file: it ends in its key and a moment of 13 digits.
fn lies_in(number: usize, bytes: &[u8]) -> bool {
    let key = format!("\"idempotency_key\":\"{number}\",\"decided_at\":");
    let mut ends = bytes.windows(key.len() + 14);
    ends.any(|end| end.starts_with(key.as_bytes()) && end.ends_with(b"}"))
}

#[test]
fn a_file_that_is_cut_gives_what_lies_before_the_cut() {
    for orderly in [true, false] {
        let (folder, items) = filled(orderly);
        let bytes = fs::read(folder.path().join("outbox.redb")).unwrap();
        let mut most = 0;
        for at in places(bytes.len()) {
            let left = opens(&bytes[..at], &items, &format!("cut at {at}"));
            let whole = (0..ITEMS).filter(|number| lies_in(*number, &bytes[..at])).count();
            assert!(whole <= left, "cut at {at}, {left} are left of {whole}");
            most = most.max(whole);
        }
        assert!(ITEMS / 2 < most, "at most {most} lay before a cut");
    }
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    const FORMAT: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("format");
    let folder = Desk::closed().close();
    let file = folder.path().join("outbox.redb");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "nobody else reads it");
    let database = redb::Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(FORMAT).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Outbox::open(Some(folder.path()), Bounds::default()).err().unwrap();
    assert!(error.to_string().contains("the format 2, which is newer"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it is where it was");
}

#[test]
fn nonsense_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("outbox.redb"), "nonsense ".repeat(1000)).unwrap();
    let desk = Desk::at(folder, Bounds::default());
    desk.enqueue(vec![post("1", "http://127.0.0.1:1/")]).unwrap();
    let aside = desk.folder.path().join("outbox.damaged-1.redb");
    assert!(fs::read_to_string(aside).unwrap().starts_with("nonsense"), "it can be looked at");
    assert!(Outbox::open(Some(desk.folder.path()), Bounds::default()).is_err(), "a file has one daemon");
}

#[test]
fn what_is_found_in_a_damaged_file_is_for_an_operator_to_decide() {
    let (folder, _) = filled(false);
    let file = folder.path().join("outbox.redb");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1000]).unwrap();
    let desk = Desk::at(folder, Bounds::default());
    let rows = desk.rows(None);
    assert!(ITEMS / 2 < rows.len(), "{} were found", rows.len());
    for row in &rows {
        assert_eq!((&row["state"], &row["cause"]), (&"dead".into(), &"salvaged".into()), "{row}");
        assert_eq!(row["note"], "found in a damaged file: it may have been delivered, or not");
    }
    let another = post("another", "http://127.0.0.1:1/");
    desk.enqueue(vec![another]).unwrap();
    assert_eq!(desk.rows(Some(Phase::Waiting)).len(), 1, "nothing of it is sent by itself");
    assert_eq!(desk.runtime.block_on(desk.outbox.retry(Which::Dead)), rows.len());
    assert_eq!(desk.rows(Some(Phase::Dead)), Vec::<Value>::new());
}

/// The process that is killed: it takes items for ever and tells of each one that is on disk. Whoever runs this by hand
/// says nothing to it, and it ends.
#[test]
#[ignore = "`a_kill_loses_nothing` runs it"]
fn the_process_that_is_killed() {
    let mut folder = String::new();
    std::io::stdin().read_line(&mut folder).unwrap();
    if folder.trim().is_empty() {
        return;
    }
    let outbox = Outbox::open(Some(Path::new(folder.trim())), Bounds::default()).unwrap();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let tasks = (0..16).map(|task| {
            let outbox = outbox.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let key = format!("{task}-{number}");
                    outbox.enqueue(vec![post(&key, "http://127.0.0.1:1/")]).await.unwrap();
                    // Past the harness, which would keep it.
                    writeln!(std::io::stdout(), "taken {key}").unwrap();
                }
            })
        });
        futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    });
}

#[test]
fn a_kill_loses_nothing() {
    for taken_before in [1, 200, 500] {
        let folder = tempfile::tempdir().unwrap();
        let name = "outbox::crashing::the_process_that_is_killed";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([name, "--exact", "--ignored", "--nocapture"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", folder.path().display()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while told.matches("taken ").count() < taken_before {
            assert_ne!(lines.read_line(&mut told).unwrap(), 0, "it ended: {told}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.read_to_string(&mut told).unwrap();
        let whole = told.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let taken: HashSet<String> =
            whole.lines().filter_map(|line| line.split_once("taken ")).map(|(_, key)| format!("rule/{key}")).collect();

        let desk = Desk::at(folder, Bounds::default());
        let mut kept = HashSet::new();
        let mut after = 0;
        loop {
            let page = desk.runtime.block_on(desk.outbox.page(None, after, 1000)).unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            kept.extend(page.iter().map(|row| row.json()["action"].as_str().unwrap().to_owned()));
        }
        assert_eq!(taken.difference(&kept).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
