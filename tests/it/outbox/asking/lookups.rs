//! Names that hang: how many are looked up at a time, and whom they hold up.

use std::sync::{Mutex, RwLock};

use futures_util::future::join_all;
use switchhook::client::lookup::{LOOKUPS_MAX, LOOKUPS_PER_DOMAIN_MAX, resolver};
use switchhook::engine::question::Question;
use switchhook::server::asking::{self, Asking};

use super::*;

/// What has a place begins at once, so that nobody has to wait for longer.
const BRIEF: Limits = Limits { connect: Duration::from_millis(50), whole: Duration::from_millis(50), ..LIMITS };
const BRIEF_FOR_NOBODY: Limits = Limits { asker: Asker::Nobody, ..BRIEF };

/// A client, and a destination to which all names lead.
struct Ground {
    names: Arc<Names>,
    client: Client,
    destination: Destination,
}

/// Names of which all but `well.example` hang while the gate is closed.
#[derive(Default)]
struct Names {
    gate: RwLock<()>,
    asked: Mutex<Vec<String>>,
}

impl Ground {
    fn new() -> Ground {
        let (names, destination) = (Arc::new(Names::default()), Destination::open());
        let (asked, address) = (Arc::clone(&names), destination.address);
        let find = move |name: &str| {
            asked.asked.lock().unwrap().push(name.to_owned());
            if name != "well.example" {
                drop(asked.gate.read().unwrap());
            }
            Ok(vec![address])
        };
        let guard = Guard { networks: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new() };
        let outbound = Outbound { guard, ..Outbound::default() };
        let client = Client::resolving(&outbound, resolver(Arc::new(find))).unwrap();
        Ground { names, client, destination }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.destination.address.port())
    }

    /// Asks all of `hosts` at once, in vain, and waits until there were so many `lookups` in all.
    fn ask_in_vain(&self, hosts: &[String], lookups: usize) {
        self.ask_in_vain_within(&BRIEF, hosts, lookups);
    }

    fn ask_in_vain_within(&self, limits: &Limits, hosts: &[String], lookups: usize) {
        let urls = hosts.iter().map(|host| self.url(host));
        let asking = urls.map(|url| async move { self.client.send(request(&url), limits).await });
        for outcome in Runtime::new().unwrap().block_on(join_all(asking)) {
            assert!(outcome.is_err(), "{outcome:?}");
        }
        let deadline = Deadline::after(PATIENCE);
        while self.lookups() < lookups && !deadline.passed() {
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(self.lookups(), lookups);
    }

    fn lookups(&self) -> usize {
        self.names.asked.lock().unwrap().len()
    }

    fn is_reached_as(&self, host: &str) {
        let (client, url) = (self.client.clone(), self.url(host));
        let asking = thread::spawn(move || get(&client, &url, LIMITS));
        self.destination.next().answer(204);
        assert_eq!(asking.join().unwrap().unwrap().status, 204);
    }
}

fn hosts(name: impl Fn(usize) -> String) -> Vec<String> {
    (0..2 * LOOKUPS_MAX).map(name).collect()
}

#[test]
fn names_that_hang_hold_up_no_other_domain() {
    let ground = Ground::new();
    let closed = ground.names.gate.write().unwrap();
    let hosts = hosts(|n| format!("h{n}.hangs.example"));
    ground.ask_in_vain(&hosts, LOOKUPS_PER_DOMAIN_MAX);
    // Nobody waits for them any more, and still they have their places.
    ground.ask_in_vain(&hosts, LOOKUPS_PER_DOMAIN_MAX);
    ground.is_reached_as("well.example");
    drop(closed);
    ground.is_reached_as("h0.hangs.example");
}

#[test]
fn neighbours_below_a_name_that_registries_sell_are_no_domain() {
    let ground = Ground::new();
    let closed = ground.names.gate.write().unwrap();
    let hosts = hosts(|n| format!("crm.n{n}.co.uk"));
    ground.ask_in_vain(&hosts[..2 * LOOKUPS_PER_DOMAIN_MAX], 2 * LOOKUPS_PER_DOMAIN_MAX);
    drop(closed);
}

#[test]
fn what_nobody_waits_for_leaves_half_of_the_lookups_to_callers() {
    for (hosts, max) in [
        (hosts(|n| format!("h{n}.hangs.example")), LOOKUPS_PER_DOMAIN_MAX),
        (hosts(|n| format!("www.n{n}.example")), LOOKUPS_MAX),
    ] {
        let ground = Ground::new();
        let closed = ground.names.gate.write().unwrap();
        ground.ask_in_vain_within(&BRIEF_FOR_NOBODY, &hosts, max / 2);
        ground.ask_in_vain_within(&BRIEF_FOR_NOBODY, &hosts, max / 2);
        ground.ask_in_vain(&hosts, max);
        drop(closed);
        ground.is_reached_as("well.example");
    }
}

/// For whom each name is looked up, one after the other.
fn told() -> (Client, std::sync::mpsc::Receiver<Asker>) {
    let (tell, told) = std::sync::mpsc::channel();
    let resolver: Resolver = Arc::new(move |_, _, asker| {
        _ = tell.send(asker);
        Box::pin(async { Err(io::Error::other("nobody knows it")) })
    });
    (Client::resolving(&Outbound::default(), resolver).unwrap(), told)
}

#[test]
fn whoever_asks_is_told_of_to_lookups() {
    let (client, told) = told();
    let (client, secrets) = (Live::new(client), Live::new(Secrets::default()));
    let request = post("1", "http://a.example/").action.request;
    let asking = Asking::new(client, secrets, asking::Bounds::default());
    for asker in [Asker::Caller, Asker::Nobody] {
        for cache in [None, Some(Duration::from_secs(60))] {
            let question = Question { request: request.clone(), cache, occurrence: None };
            Runtime::new().unwrap().block_on(asking.ask(vec![question], asker, Deadline::after(PATIENCE)));
            assert_eq!(told.try_recv(), Ok(asker));
        }
    }
}

#[test]
fn a_delivery_is_for_nobody_unless_it_is_told_to_the_call() {
    for (target, asker) in [(Target::Anybody, Asker::Nobody), (Target::CallControl, Asker::Caller)] {
        let (desk, (client, told)) = (Desk::closed(), told());
        let context = desk.runtime.enter();
        desk.outbox.deliver(Live::new(client), Live::new(Secrets::default()), Arc::new(Undecided));
        drop(context);
        let mut item = post("1", "https://a.vapi.ai/control");
        item.action.request.target = target;
        desk.enqueue(vec![item]).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE), Ok(asker));
    }
}

#[test]
fn a_name_is_looked_up_once_for_all_who_ask() {
    let ground = Ground::new();
    let closed = ground.names.gate.write().unwrap();
    let hosts = hosts(|n| if n % 2 == 0 { "one.example" } else { "One.Example" }.to_owned());
    ground.ask_in_vain(&hosts, 1);
    ground.ask_in_vain(&hosts, 1);
    drop(closed);
    ground.is_reached_as("one.example");
}

#[test]
fn changed_settings_make_no_room_for_more_lookups() {
    let mut ground = Ground::new();
    let names = Arc::clone(&ground.names);
    let closed = names.gate.write().unwrap();
    ground.ask_in_vain(&hosts(|n| format!("www.n{n}.example")), LOOKUPS_MAX);
    let guard = Guard { networks: vec!["127.0.0.0/16".parse().unwrap()], hosts: Vec::new() };
    ground.client = ground.client.changed(&Outbound { guard, ..Outbound::default() }).unwrap();
    ground.ask_in_vain(&hosts(|n| format!("www.m{n}.example")), LOOKUPS_MAX);
    drop(closed);
    ground.is_reached_as("well.example");
}

#[test]
fn there_is_a_bound_on_all_lookups_and_an_address_needs_none() {
    let ground = Ground::new();
    let closed = ground.names.gate.write().unwrap();
    ground.ask_in_vain(&hosts(|n| format!("www.n{n}.example")), LOOKUPS_MAX);
    ground.is_reached_as("127.0.0.1");
    drop(closed);
    ground.is_reached_as("well.example");
    assert_eq!(ground.lookups(), LOOKUPS_MAX + 1);
}
