//! What becomes of the outbox when the disk under it fails.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use redb::StorageBackend;
use redb::backends::FileBackend;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::clock::Deadline;
use crate::engine::action::{Retry, UnlessBy};
use crate::engine::request::{Method, Request, Target, Text};

/// A disk that fails when it is told to.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    folder: Arc<TempDir>,
    fails: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

/// Who holds it makes readers wait.
#[derive(Debug, Default)]
struct Gate {
    held: Mutex<()>,
    reads: AtomicUsize,
}

/// A file on it.
#[derive(Debug)]
pub(super) struct Spun {
    file: FileBackend,
    fails: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

impl Disk {
    fn new() -> Disk {
        Disk { folder: Arc::new(tempfile::tempdir().unwrap()), fails: Arc::default(), gate: Arc::default() }
    }

    pub(super) fn spin_up(&self) -> Result<Spun, StoreError> {
        let file: File = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.folder.path().join(FILE))
            .unwrap();
        Ok(Spun { file: FileBackend::new(file)?, fails: Arc::clone(&self.fails), gate: Arc::clone(&self.gate) })
    }
}

impl Spun {
    fn now(&self) -> io::Result<&FileBackend> {
        if self.fails.load(Ordering::Relaxed) { Err(io::Error::other("the disk is gone")) } else { Ok(&self.file) }
    }
}

impl StorageBackend for Spun {
    fn len(&self) -> io::Result<u64> {
        self.now()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.gate.reads.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.held.lock().unwrap());
        self.now()?.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.now()?.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.now()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.now()?.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

fn item(key: &str) -> Enqueued {
    let action = Action {
        name: key.to_owned(),
        request: Request {
            target: Target::Anybody,
            method: Method::Get,
            url: Text::plain("http://127.0.0.1:1/"),
            headers: Vec::new(),
            body: None,
            timeout: Duration::from_secs(1),
        },
        after: Duration::from_secs(3600),
        unless_by: None,
        retry: Retry { attempts_max: 1, age_max: Duration::from_secs(1) },
        in_order: false,
        sign: None,
    };
    let (server, call) = ("*".to_owned(), None);
    Enqueued { action, server, call, idempotency_key: key.to_owned(), decided_at: Clock::now(), wanted_by: None }
}

#[test]
fn a_disk_that_fails_is_told_of_and_tried_again() {
    let (runtime, disk) = (Runtime::new().unwrap(), Disk::new());
    let outbox = Outbox::at(Place::Flaky(disk.clone()), Bounds::default()).unwrap();
    let enqueue = |key| runtime.block_on(outbox.enqueue(vec![item(key)]));
    let names = || {
        let page = runtime.block_on(outbox.page(None, 0, 10)).unwrap();
        page.iter().map(|row| row.json()["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    enqueue("before").unwrap();
    disk.fails.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        assert!(matches!(enqueue("lost"), Err(EnqueueError::Unwritable(_))));
        assert!(outbox.trouble().unwrap().contains("the disk is gone"), "{:?}", outbox.trouble());
    }
    disk.fails.store(false, Ordering::Relaxed);
    let deadline = Deadline::after(Duration::from_secs(60));
    while outbox.trouble().is_some() {
        assert!(!deadline.passed(), "it is never tried again");
        thread::yield_now();
    }
    enqueue("after").unwrap();
    assert_eq!(names(), ["before", "after"]);
    assert_eq!(outbox.shared.queue().waiting(), 2);
}

#[test]
fn nobody_waits_for_a_file_that_is_read_anew() {
    let (runtime, disk) = (Runtime::new().unwrap(), Disk::new());
    let outbox = Outbox::at(Place::Flaky(disk.clone()), Bounds::default()).unwrap();
    let unless = UnlessBy { kind: "hang".to_owned(), within: Duration::from_secs(3600) };
    let mut awaiting = Enqueued { call: Some("c1".to_owned()), ..item("a") };
    awaiting.action.unless_by = Some(unless);
    runtime.block_on(outbox.enqueue(vec![awaiting])).unwrap();
    disk.fails.store(true, Ordering::Relaxed);
    runtime.block_on(outbox.enqueue(vec![item("lost")])).unwrap_err();
    let held = disk.gate.held.lock().unwrap();
    let before = disk.gate.reads.load(Ordering::SeqCst);
    disk.fails.store(false, Ordering::Relaxed);
    while disk.gate.reads.load(Ordering::SeqCst) == before {
        thread::yield_now();
    }
    assert!(outbox.shared.queue.try_lock().is_ok(), "each event would wait for it");
    assert!(outbox.awaits("*", "c1", "hang"), "and would call off nothing");
    assert!(outbox.trouble().is_some());
    drop(held);
    while outbox.trouble().is_some() {
        thread::yield_now();
    }
    assert!(outbox.awaits("*", "c1", "hang"));
}

#[test]
fn a_lease_that_ends_while_the_disk_fails_is_written_down_later() {
    let (runtime, disk) = (Runtime::new().unwrap(), Disk::new());
    let outbox = Outbox::at(Place::Flaky(disk.clone()), Bounds::default()).unwrap();
    runtime.block_on(outbox.enqueue(vec![item("a"), item("b")])).unwrap();
    let far = i64::MAX - 1;
    let leases = outbox.shared.queue().lease(far);
    assert_eq!(leases.len(), 2);
    disk.fails.store(true, Ordering::Relaxed);
    let (next, health) = (Some(retry::Next::Done), queue::Health::Answers);
    let settle = job::Settle { id: leases[0].id, health, next, note: "it answered 200".to_owned(), now: 0 };
    outbox.jobs.send(Job::Write(job::Write::Settle(settle))).unwrap();
    while outbox.trouble().is_none() {
        thread::yield_now();
    }
    disk.fails.store(false, Ordering::Relaxed);
    while outbox.shared.queue().is_leased(leases[0].id) {
        thread::yield_now();
    }
    assert_eq!(runtime.block_on(outbox.page(None, 0, 10)).unwrap().len(), 1);
    assert!(outbox.shared.queue().is_leased(leases[1].id), "the other one is still on its way");
}

#[test]
fn what_earlier_versions_have_written_is_read() {
    let item = Enqueued { decided_at: Timestamp::UNIX_EPOCH, ..item("a") };
    let written = serde_json::to_string(&item).unwrap();
    assert!(!written.contains("wanted_by"), "as it was before there was such a thing: {written}");
    assert_eq!(serde_json::from_str::<Enqueued>(&written).unwrap(), item);
    let wanted = Enqueued { wanted_by: Some("b".to_owned()), ..item };
    let written = serde_json::to_string(&wanted).unwrap();
    assert_eq!(serde_json::from_str::<Enqueued>(&written).unwrap(), wanted);
}
