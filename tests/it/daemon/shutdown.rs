//! How a daemon stops: what has begun is finished, nothing new begins, and health is told until the end.

use crate::support::{Client, Daemon};

const RULES: &str = "rules:\n  - { name: predial, on: campaign.predial, respond: { eligible: true } }\n";
const GOOD: &str = r#"{"message":{"type":"campaign.predial"}}"#;

#[test]
fn what_is_in_flight_is_answered_before_the_daemon_ends() {
    let mut daemon = Daemon::start(&[("rules/rules.yaml", RULES)]);
    let mut operator = Client::connect(daemon.admin);
    assert_eq!(operator.ask("GET", "/healthz").text(), "ok\n");
    let (mut idle, mut busy) = (daemon.connect(), daemon.connect());
    assert_eq!(idle.post("/", &[], GOOD).status, 200);
    busy.begin("POST", "/", &[("expect", "100-continue")], GOOD.len());
    assert_eq!(busy.answer().status, 100);

    daemon.terminate();
    assert_eq!(daemon.logged("draining")["address"], daemon.address.to_string());
    idle.closed();
    assert!(Client::try_connect(daemon.address).is_err(), "it still accepts connections");
    assert_eq!(operator.ask("GET", "/healthz").status, 200);
    assert_eq!(Client::connect(daemon.admin).ask("GET", "/healthz").status, 200);

    busy.send(GOOD);
    let answer = busy.answer();
    assert_eq!((answer.text().as_str(), answer.header("connection")), (r#"{"eligible":true}"#, Some("close")));
    busy.closed();
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0));
    let stopped = log.last().unwrap();
    assert_eq!((&stopped["message"], &stopped["cut_off"]), (&"stopped".into(), &0.into()));
}
