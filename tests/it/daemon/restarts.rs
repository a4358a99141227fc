//! Restarts under load: whoever holds the listening socket can have the daemon replaced, and no client notices.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

use crate::support::{Answer, Client, Daemon, Folder, PATIENCE, activated};

const RULES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const GOOD: &str = r#"{"message":{"type":"campaign.predial"}}"#;

/// How many clients of each sort there are.
const CLIENTS: usize = 2;

/// How many answers each client gets from a daemon before that is replaced.
const ANSWERS: usize = 20;

#[test]
fn five_restarts_lose_nothing() {
    restart(5);
}

#[test]
#[ignore = "takes some seconds: cargo test --test it -- --ignored a_hundred_restarts"]
fn a_hundred_restarts_lose_nothing() {
    restart(100);
}

/// Replaces the daemon so often, while clients post events. Each of their requests must be answered.
fn restart(times: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let load = Load::default();
    thread::scope(|scope| {
        // However this ends, the clients do.
        let stop = Stop(&load);
        for client in 0..CLIENTS {
            let (load, mut connection) = (&load, None);
            scope.spawn(move || load.make(client, || one_request(address)));
            scope.spawn(move || load.make(CLIENTS + client, || next_request(address, &mut connection)));
        }
        for _ in 0..times {
            let daemon = start(&listener);
            load.goes_on();
            stop_without_cutting_off(daemon);
        }
        // The last requests of all wait for it.
        let last = start(&listener);
        drop(stop);
        load.wait_until(|clients| clients.iter().all(|client| client.ended));
        stop_without_cutting_off(last);
    });
}

fn start(listener: &TcpListener) -> Daemon {
    let folder = Folder::with(&[("rules/rules.yaml", RULES)]);
    let mut command = activated(&folder, listener, None);
    command.args(["run", "--admin", "127.0.0.1:0", "--log", "warn,switchhook::server=info"]);
    Daemon::of(folder, &mut command)
}

fn stop_without_cutting_off(daemon: Daemon) {
    let log = daemon.stop();
    let stopped = log.last().unwrap();
    assert_eq!((&stopped["message"], &stopped["cut_off"]), (&"stopped".into(), &0.into()), "{log:#?}");
}

/// Posts an event over a connection of its own.
fn one_request(address: SocketAddr) {
    check(&Client::connect(address).post("/", &[("connection", "close")], GOOD));
}

/// Posts an event over the connection that is kept, or over a new one if the server has said that there is an end to it.
fn next_request(address: SocketAddr, connection: &mut Option<Client>) {
    let client = connection.get_or_insert_with(|| Client::connect(address));
    let answer = client.post("/", &[], GOOD);
    check(&answer);
    if answer.header("connection") == Some("close") {
        connection.take().unwrap().closed();
    }
}

fn check(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"eligible":true}"#));
}

/// What the clients have done so far.
#[derive(Default)]
struct Load {
    clients: Mutex<[Progress; 2 * CLIENTS]>,
    changed: Condvar,
    stopped: AtomicBool,
}

#[derive(Default, Clone, Copy)]
struct Progress {
    answered: usize,
    ended: bool,
}

impl Load {
    /// Makes the requests of one client until the test has seen enough, and counts those that were answered.
    fn make(&self, client: usize, mut request: impl FnMut()) {
        let _ended = Ended { load: self, client };
        while !self.stopped.load(Ordering::SeqCst) {
            request();
            self.change(client, |progress| progress.answered += 1);
        }
    }

    fn change(&self, client: usize, change: impl FnOnce(&mut Progress)) {
        change(&mut self.clients.lock().unwrap()[client]);
        self.changed.notify_all();
    }

    /// Waits until each client has got some more answers.
    fn goes_on(&self) {
        let before = *self.clients.lock().unwrap();
        let enough = |now: &Progress, before: Progress| before.answered + ANSWERS <= now.answered;
        self.wait_until(|clients| clients.iter().zip(before).all(|(now, before)| now.ended || enough(now, before)));
        let failed = self.clients.lock().unwrap().iter().any(|client| client.ended);
        assert!(!failed, "a client has failed");
    }

    fn wait_until(&self, reached: impl Fn(&[Progress]) -> bool) {
        let clients = self.clients.lock().unwrap();
        let waited = self.changed.wait_timeout_while(clients, PATIENCE, |now| !reached(&*now)).unwrap();
        let timed_out = waited.1.timed_out();
        drop(waited);
        assert!(!timed_out, "the clients are not answered");
    }
}

/// Says that a client makes no more requests, or cannot.
struct Ended<'a> {
    load: &'a Load,
    client: usize,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.load.change(self.client, |progress| progress.ended = true);
    }
}

/// Stops the clients when dropped.
struct Stop<'a>(&'a Load);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }
}
