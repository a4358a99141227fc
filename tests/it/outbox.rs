//! The outbox, with real servers as destinations: as a library where tests want to see every step, and in the daemon.

mod asking;
mod bounds;
mod crashing;
mod delivering;
mod operating;
mod putting_off;
mod secretive;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use switchhook::client::guard::Guard;
use switchhook::client::{Client, Outbound};
use switchhook::clock::{Clock, Deadline};
use switchhook::engine::action::{Action, Retry, UnlessBy};
use switchhook::engine::request::{Body, Method, Part, Request, Target, Text, Written};
use switchhook::live::Live;
use switchhook::outbox::put_off::{self, Decided, Decider, PutOff};
use switchhook::outbox::view::Phase;
use switchhook::outbox::{Bounds, EnqueueError, Enqueued, Happened, Outbox};
use switchhook::secrets::Secrets;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::PATIENCE;

/// What nothing may show.
const SECRET: &str = "correct-horse\"battery";

/// An outbox in a folder of its own.
struct Desk {
    runtime: Runtime,
    outbox: Outbox,
    folder: TempDir,
}

impl Desk {
    /// One from which nothing is sent.
    fn closed() -> Desk {
        Desk::at(tempfile::tempdir().unwrap(), Bounds::default())
    }

    /// One from which everything is sent.
    fn open() -> Desk {
        let desk = Desk::closed();
        desk.deliver();
        desk
    }

    fn at(folder: TempDir, bounds: Bounds) -> Desk {
        let outbox = Outbox::open(Some(folder.path()), bounds).unwrap();
        Desk { runtime: Runtime::new().unwrap(), outbox, folder }
    }

    fn deliver(&self) {
        self.deliver_with(secrets(), Undecided);
    }

    fn deliver_with(&self, secrets: Secrets, decider: impl Decider) {
        let _context = self.runtime.enter();
        self.outbox.deliver(Live::new(client()), Live::new(secrets), Arc::new(decider));
    }

    fn enqueue(&self, batch: Vec<Enqueued>) -> Result<(), EnqueueError> {
        self.runtime.block_on(self.outbox.enqueue(batch))
    }

    fn happened(&self, call: &str, kind: &str) -> usize {
        self.happened_again(call, kind, "another")
    }

    /// An event that comes with this key.
    fn happened_again(&self, call: &str, kind: &str, key: &str) -> usize {
        let [server, call, kind, idempotency_key] = ["*", call, kind, key].map(str::to_owned);
        let event = Happened { server, call, kind, idempotency_key, at: Clock::now() };
        self.runtime.block_on(self.outbox.happened(event)).unwrap()
    }

    fn rows(&self, phase: Option<Phase>) -> Vec<Value> {
        let rows = self.runtime.block_on(self.outbox.page(phase, 0, 1000)).unwrap();
        rows.iter().map(switchhook::outbox::view::Row::json).collect()
    }

    /// Waits until there is a dead letter, and shows it.
    fn dead_letter(&self) -> Value {
        self.until("a dead letter", |desk| !desk.rows(Some(Phase::Dead)).is_empty());
        let id = self.rows(Some(Phase::Dead))[0]["id"].as_u64().unwrap();
        self.runtime.block_on(self.outbox.show(id)).unwrap().json()
    }

    /// Waits until nothing waits and nothing is being sent.
    fn until_empty(&self) {
        self.until("an empty outbox", |desk| {
            let status = desk.runtime.block_on(desk.outbox.status()).unwrap();
            status.waiting + status.leased == 0
        });
    }

    fn until(&self, what: &str, is_so: impl Fn(&Desk) -> bool) {
        let deadline = Deadline::after(PATIENCE);
        while !is_so(self) {
            assert!(!deadline.passed(), "there was never {what}: {:#?}", self.rows(None));
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes it in good order.
    fn close(self) -> TempDir {
        self.runtime.block_on(self.outbox.close(PATIENCE));
        self.folder
    }

    /// Copies the file as it is, as if the process had been killed at this moment.
    fn crashed(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        folder
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from.join("outbox.redb"), to.join("outbox.redb")).unwrap();
}

/// A client that may ask this machine.
fn client() -> Client {
    let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new() };
    Client::new(&Outbound { guard, ..Outbound::default() }).unwrap()
}

fn secrets() -> Secrets {
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    Secrets::new([("crm".to_owned(), SecretString::from(SECRET)), ("hook".to_owned(), SecretString::from(key))])
}

/// A text that asks for a secret between two words.
fn asking_for(name: &str, written: Written) -> Text {
    Text(vec![
        Part::Plain("<".to_owned()),
        Part::Secret { name: name.to_owned(), written },
        Part::Plain(">".to_owned()),
    ])
}

/// Nobody puts off events here.
struct Undecided;

impl Decider for Undecided {
    fn decide<'a>(&'a self, _: &'a PutOff, _: bool) -> BoxFuture<'a, Decided> {
        Box::pin(async { Decided::Refused("nothing was put off".to_owned()) })
    }
}

/// An event that is decided later.
fn event(key: &str, body: &str) -> PutOff {
    let (kind, body) = ("end-of-call-report".to_owned(), body.to_owned());
    PutOff {
        event: put_off::Event { kind, body, headers: serde_json::Map::new(), seed: 1 },
        server: "*".to_owned(),
        call: None,
        idempotency_key: key.to_owned(),
        arrived_at: Clock::now(),
    }
}

/// A plain post.
fn post(key: &str, url: &str) -> Enqueued {
    let action = Action {
        name: format!("rule/{key}"),
        request: Request {
            target: Target::Anybody,
            method: Method::Post,
            url: Text::plain(url),
            headers: Vec::new(),
            body: Some(Body {
                content_type: "application/json".to_owned(),
                text: Text::plain(format!("{{\"key\":\"{key}\"}}")),
            }),
            timeout: PATIENCE,
        },
        after: Duration::ZERO,
        unless_by: None,
        retry: Retry { attempts_max: 10, age_max: Duration::from_secs(3600) },
        in_order: false,
        sign: None,
    };
    Enqueued {
        action,
        server: "*".to_owned(),
        call: Some("call-1".to_owned()),
        idempotency_key: key.to_owned(),
        decided_at: Clock::now(),
        wanted_by: None,
    }
}

/// The same, if no event of `kind` comes within an hour.
fn unless(kind: &str, enqueued: Enqueued) -> Enqueued {
    let unless_by = Some(UnlessBy { kind: kind.to_owned(), within: Duration::from_secs(3600) });
    Enqueued { action: Action { unless_by, ..enqueued.action }, ..enqueued }
}
