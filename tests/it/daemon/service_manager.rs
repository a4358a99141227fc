//! What passes between a service manager and the daemon, with the test as the manager.

use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener};

use rustix::process::Signal;

use crate::support::{Client, Daemon, Ended, Folder, PATIENCE, activated, switchhook};

const RULES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const GOOD: &str = r#"{"message":{"type":"campaign.predial"}}"#;

fn rules() -> Folder {
    Folder::with(&[("rules/rules.yaml", RULES)])
}

/// The manager's ear.
struct Manager(UnixDatagram);

impl Manager {
    /// Waits for a message with this line in it, and returns the whole message.
    fn told(&self, line: &str) -> String {
        let mut message = [0; 4096];
        loop {
            let count = self.0.recv(&mut message).unwrap_or_else(|error| panic!("{error}: nobody said {line}"));
            let text = String::from_utf8_lossy(&message[..count]).into_owned();
            if text.lines().any(|it| it == line) {
                return text;
            }
        }
    }
}

#[test]
fn the_manager_hears_how_the_daemon_fares() {
    let folder = rules();
    let socket = folder.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&socket).unwrap());
    manager.0.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = switchhook(&folder);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "100000");
    let daemon = Daemon::of(folder, &mut command);

    let ready = manager.told("READY=1");
    assert!(ready.contains(&format!("STATUS=1 rules on {}\n", daemon.address)), "{ready}");
    for _ in 0..3 {
        manager.told("WATCHDOG=1");
    }
    daemon.signal(Signal::HUP);
    let reloading = manager.told("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.told("READY=1");

    let mut busy = daemon.connect();
    busy.begin("POST", "/", &[("expect", "100-continue")], GOOD.len());
    assert_eq!(busy.answer().status, 100);
    daemon.terminate();
    manager.told("STOPPING=1");
    // Who drains is alive, too.
    manager.told("WATCHDOG=1");
    busy.send(GOOD);
    assert_eq!(busy.answer().status, 200);
    busy.closed();
    assert_eq!(daemon.ended().0, Some(0));
}

#[test]
fn a_manager_that_is_gone_does_not_matter() {
    let folder = rules();
    let mut command = switchhook(&folder);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("NOTIFY_SOCKET", "no/such/socket");
    let mut daemon = Daemon::of(folder, &mut command);
    daemon.logged("cannot reach the service manager");
    assert_eq!(daemon.post("/", GOOD).status, 200);
    daemon.stop();
}

#[test]
fn inherited_sockets_are_served_whatever_the_settings_say() {
    let (public, admin) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = (public.local_addr().unwrap(), admin.local_addr().unwrap());
    // Nobody has accepted yet, but whoever comes before the daemon is answered.
    let mut early = Client::connect(addresses.0);
    early.begin("POST", "/", &[], GOOD.len());

    let folder = rules();
    let mut command = activated(&folder, &public, Some(&admin));
    command.args(["--listen", "192.0.2.1:1", "--admin", "192.0.2.1:1"]);
    let daemon = Daemon::of(folder, &mut command);
    assert_eq!((daemon.address, daemon.admin), addresses);
    early.send(GOOD);
    assert_eq!(early.answer().status, 200);
    assert_eq!(Client::connect(daemon.admin).ask("GET", "/healthz").text(), "ok\n");
    drop(early);
    daemon.stop();
}

/// Checks that a daemon with these settings and sockets says why it does not start.
#[track_caller]
fn refuses<S: AsFd>(settings: &str, first: &S, second: Option<&S>, says: &[&str]) {
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", RULES)]);
    let mut command = activated(&folder, first, second);
    command.args(["run", "--admin", "127.0.0.1:0"]);
    let ended = Ended::without_stdout(&mut command);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for text in says {
        assert!(ended.stderr.contains(text), "it does not say {text:?}: {}", ended.stderr);
    }
}

#[test]
fn an_inherited_socket_asks_for_what_its_address_asks_for() {
    let exposed = TcpListener::bind("0.0.0.0:0").unwrap();
    let loopback = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = exposed.local_addr().unwrap().to_string();
    refuses("listen: 127.0.0.1:8080\n", &exposed, None, &["has no `auth`", &address]);
    refuses("auth: none\n", &loopback, Some(&exposed), &["needs a token", &address]);

    let settings = "auth: none\nadmin: { token: abc }\n";
    let folder = Folder::with(&[("switchhook.yaml", settings), ("rules/rules.yaml", RULES)]);
    let mut command = activated(&folder, &exposed, Some(&exposed));
    Daemon::of(folder, &mut command).stop();
}

#[test]
fn what_cannot_be_served_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let local = UnixListener::bind(folder.path().join("socket")).unwrap();
    refuses("", &local, None, &["socket 1 of the service manager is no TCP socket that listens"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    refuses("", &connection, None, &["socket 1", "it is a connection"]);
}
