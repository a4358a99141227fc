//! What the outbox costs: actions taken per second beside the bare disk, memory and time with a million that wait, and how
//! long deliveries take beside destinations that are unwell.
//!
//! The bare disk is a file to which the same bytes are appended, whatever waits together with one sync, as the outbox
//! does it: it keeps no index, takes nothing out, and knows no key. A process of its own measures memory, so that
//! nothing is counted that making the items has cost.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::figures::{Options, Target, line, median};
use jiff::Timestamp;
use switchhook::engine::action::{Action, Retry};
use switchhook::engine::request::{self, Body, Method, Request, Text};
use switchhook::outbox::{Bounds, Enqueued, Outbox};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod daemon;
    pub(crate) mod figures;
    pub(crate) mod load;
    pub(crate) mod message;
    pub(crate) mod process;
}

mod deliveries {
    pub(crate) mod neighbours;
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// So many wait for the disk at a time.
const WAITERS: usize = 32;
/// How many may go with one sync, as in the outbox.
const BATCH_MAX: usize = 512;
const MILLION: usize = 1_000_000;
const MILLION_SMOKE: usize = 10_000;
/// The word by which this program asks itself to open an outbox and say what that took.
const REOPEN: &str = "--reopen";

fn main() -> Outcome<ExitCode> {
    let mut arguments = std::env::args().skip_while(|argument| argument != REOPEN).skip(1);
    if let Some(folder) = arguments.next() {
        return reopen(Path::new(&folder));
    }
    let options = Options::given();
    // First, while the disk has nothing else to do.
    let [deliveries, replies] = deliveries::neighbours::measure(options)?;
    let items = if options.rounds == 1 { MILLION_SMOKE } else { MILLION };
    let (mut taken, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        taken.push(enqueued_per_second(options.round)?);
        bare.push(appended_per_second(options.round)?);
    }
    let (taken, bare) = (median(taken), median(bare));
    println!("\noutbox: {WAITERS} waiters, {} bytes each", bytes(0).len());
    line("taken, durable", &[format!("{taken:.0} /s")]);
    line("the bare disk", &[format!("{bare:.0} /s")]);
    let Reopened { seconds, mebibytes } = waiting(items)?;
    line(&format!("{items} items: opening"), &[format!("{seconds:.2} s")]);
    line(&format!("{items} items: memory"), &[format!("{mebibytes:.0} MiB")]);
    Ok(options.conclude(&[
        Target { what: "the bare disk beside it", figure: bare / taken, at_most: 2.0, unit: "x as quick" },
        Target { what: "opening with a million items", figure: seconds, at_most: 3.0, unit: "s" },
        Target { what: "memory with a million items", figure: mebibytes, at_most: 150.0, unit: "MiB" },
        deliveries,
        replies,
    ]))
}

/// An action of about a kilobyte, to one of a hundred destinations.
fn item(number: usize) -> Enqueued {
    let action = Action {
        name: "book-table/1".to_owned(),
        request: Request {
            target: request::Target::Anybody,
            method: Method::Post,
            url: Text::plain(format!("https://crm-{}.example.com/calls", number % 100)),
            headers: vec![("authorization".to_owned(), Text::plain("Bearer of a token"))],
            body: Some(Body { content_type: "application/json".to_owned(), text: Text::plain("x".repeat(600)) }),
            timeout: Duration::from_secs(10),
        },
        after: Duration::from_secs(3600),
        unless_by: None,
        retry: Retry { attempts_max: 10, age_max: Duration::from_secs(86_400) },
        in_order: false,
        sign: None,
    };
    let call = Some(format!("3f0c6e1a-6c1e-4a57-9d1f-{number:012}"));
    Enqueued {
        action,
        server: "/bistro".to_owned(),
        call,
        idempotency_key: format!("key-{number}"),
        decided_at: Timestamp::now(),
        wanted_by: None,
    }
}

fn bytes(number: usize) -> Vec<u8> {
    serde_json::to_vec(&item(number)).unwrap_or_default()
}

/// A folder on the disk that is measured: where a temporary folder lies in memory, syncing costs nothing.
fn folder() -> Outcome<TempDir> {
    Ok(TempDir::with_prefix_in("switchhook-bench-", env!("CARGO_TARGET_TMPDIR"))?)
}

fn bounds() -> Bounds {
    Bounds { items_max: usize::MAX, bytes_max: u64::MAX, ..Bounds::default() }
}

fn enqueued_per_second(round: Duration) -> Outcome<f64> {
    let (folder, runtime) = (folder()?, Runtime::new()?);
    let outbox = Outbox::open(Some(folder.path()), bounds())?;
    let begun_at = Instant::now();
    let counts = runtime.block_on(async {
        let waiters = (0..WAITERS).map(|waiter| {
            let outbox = outbox.clone();
            tokio::spawn(async move {
                let mut count = 0;
                while begun_at.elapsed() < round {
                    outbox.enqueue(vec![item(waiter + count * WAITERS)]).await?;
                    count += 1;
                }
                Ok::<usize, switchhook::outbox::EnqueueError>(count)
            })
        });
        futures_util::future::join_all(waiters.collect::<Vec<_>>()).await
    });
    let took = begun_at.elapsed();
    runtime.block_on(outbox.close(Duration::ZERO));
    let mut total = 0;
    for count in counts {
        total += count??;
    }
    Ok(per_second(total, took))
}

/// The same bytes, appended by one thread for as many that wait for it.
fn appended_per_second(round: Duration) -> Outcome<f64> {
    let folder = folder()?;
    let file = OpenOptions::new().create_new(true).append(true).open(folder.path().join("bare"))?;
    let (sender, jobs) = channel();
    let writer = thread::spawn(move || append(file, &jobs));
    let begun_at = Instant::now();
    let waiters: Vec<_> = (0..WAITERS)
        .map(|waiter| {
            let sender: Sender<(Vec<u8>, Sender<()>)> = sender.clone();
            thread::spawn(move || {
                let mut count = 0;
                while begun_at.elapsed() < round {
                    let (done, told) = channel();
                    let sent = sender.send((bytes(waiter + count * WAITERS), done));
                    if sent.is_err() || told.recv().is_err() {
                        break;
                    }
                    count += 1;
                }
                count
            })
        })
        .collect();
    drop(sender);
    let counts = waiters.into_iter().map(|waiter| waiter.join().map_err(|_| "a waiter panicked"));
    let total = counts.sum::<Result<usize, _>>()?;
    let took = begun_at.elapsed();
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(per_second(total, took))
}

fn append(mut file: File, jobs: &Receiver<(Vec<u8>, Sender<()>)>) -> std::io::Result<()> {
    while let Ok(first) = jobs.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(jobs.try_iter()).take(BATCH_MAX).collect();
        let all: Vec<u8> = batch.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
        file.write_all(&all)?;
        file.sync_data()?;
        for (_, done) in batch {
            // Whoever waited may have gone.
            let _ = done.send(());
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What opening a full outbox took.
struct Reopened {
    seconds: f64,
    mebibytes: f64,
}

/// Fills an outbox, leaves it as a crash would, and has another process open it.
fn waiting(items: usize) -> Outcome<Reopened> {
    let (folder, runtime) = (folder()?, Runtime::new()?);
    let outbox = Outbox::open(Some(folder.path()), bounds())?;
    for first in (0..items).step_by(1000) {
        runtime.block_on(outbox.enqueue((first..items.min(first + 1000)).map(item).collect()))?;
    }
    let crashed = self::folder()?;
    std::fs::copy(folder.path().join(switchhook::outbox::FILE), crashed.path().join(switchhook::outbox::FILE))?;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg(REOPEN).arg(crashed.path()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    let mut figure = || figures.next().ok_or("the other process said nothing")?.map_err(|error| error.to_string());
    let (waiting, seconds, mebibytes) = (figure()?, figure()?, figure()?);
    if (waiting - per_second(items, Duration::from_secs(1))).abs() > 0.5 {
        return Err(format!("of {items} items {waiting} were found").into());
    }
    Ok(Reopened { seconds, mebibytes })
}

/// The other process: says how many items it found, how long that took, and how much memory it occupies.
fn reopen(folder: &Path) -> Outcome<ExitCode> {
    let begun_at = Instant::now();
    let outbox = Outbox::open(Some(folder), bounds())?;
    let took = begun_at.elapsed();
    let status = Runtime::new()?.block_on(outbox.status()).ok_or("the outbox is closed")?;
    let memory = std::fs::read_to_string("/proc/self/status")?;
    let memory = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the process has no memory")?;
    let kibibytes: f64 = memory.trim().trim_end_matches(" kB").parse()?;
    println!("{} {} {}", status.waiting, took.as_secs_f64(), kibibytes / 1024.0);
    Ok(ExitCode::SUCCESS)
}
