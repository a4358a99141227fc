//! How items come to their destinations, and what becomes of those that do not.

use switchhook::outbox::{Bounds, EnqueueError, Which};

use std::sync::Arc;

use super::*;
use crate::support::Destination;

#[test]
fn a_request_is_as_the_action_says() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/a?b=c"));
    item.action.request.method = Method::Put;
    item.action.request.headers = vec![("authorization".to_owned(), asking_for("crm", Written::Plain))];
    item.action.request.body =
        Some(Body { content_type: "text/plain".to_owned(), text: asking_for("crm", Written::Json) });
    desk.enqueue(vec![item]).unwrap();
    let arrival = destination.next();
    assert_eq!((arrival.method(), arrival.path()), ("PUT", "/a?b=c"));
    assert_eq!(arrival.header("authorization"), Some(&*format!("<{SECRET}>")));
    assert_eq!(arrival.header("content-type"), Some("text/plain"));
    assert_eq!(arrival.header("idempotency-key"), Some("key-1"));
    assert!(arrival.header("user-agent").unwrap().starts_with("switchhook/"));
    assert_eq!(arrival.header("webhook-signature"), None);
    assert_eq!(arrival.body, "<correct-horse\\\"battery>");
    arrival.answer(204);
    desk.until_empty();
    assert!(desk.rows(None).is_empty());
}

#[test]
fn a_request_is_signed_as_standard_webhooks_are() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.sign = Some(Text(vec![Part::Secret { name: "hook".to_owned(), written: Written::Plain }]));
    desk.enqueue(vec![item]).unwrap();
    let arrival = destination.next();
    let (id, at) = (arrival.header("webhook-id").unwrap(), arrival.header("webhook-timestamp").unwrap());
    assert_eq!(id, "key-1");
    let key = data_encoding::BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let signed = aws_lc_rs::hmac::sign(&key, format!("{id}.{at}.{}", arrival.body).as_bytes());
    let expected = format!("v1,{}", data_encoding::BASE64.encode(signed.as_ref()));
    assert_eq!(arrival.header("webhook-signature"), Some(&*expected));
}

#[test]
fn a_failed_attempt_is_made_again_under_the_same_key() {
    let (desk, destination) = (Desk::open(), Destination::open());
    desk.enqueue(vec![post("key-1", &destination.url("/"))]).unwrap();
    destination.next().answer(503);
    // A broken connection is a failure, too.
    drop(destination.next());
    let third = destination.next();
    assert_eq!(third.header("idempotency-key"), Some("key-1"));
    third.answer(200);
    desk.until_empty();
    assert!(destination.ready().is_none());
}

#[test]
fn what_is_done_is_done_once() {
    let (desk, destination) = (Desk::closed(), Destination::open());
    let item = || post("key-1", &destination.url("/"));
    desk.enqueue(vec![item(), item()]).unwrap();
    desk.enqueue(vec![item()]).unwrap();
    assert_eq!(desk.rows(None).len(), 1);
    let elsewhere = Enqueued { server: "/clinic".to_owned(), ..item() };
    desk.enqueue(vec![elsewhere]).unwrap();
    assert_eq!(desk.rows(None).len(), 2, "each server has keys of its own");
    desk.deliver();
    destination.next().answer(200);
    destination.next().answer(200);
    desk.until_empty();
    desk.enqueue(vec![item(), post("key-2", &destination.url("/"))]).unwrap();
    let next = destination.next();
    assert_eq!(next.header("idempotency-key"), Some("key-2"));
}

#[test]
fn who_says_when_is_asked_no_sooner() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.retry.age_max = Duration::from_secs(100_000);
    let before = Clock::now();
    desk.enqueue(vec![item]).unwrap();
    destination.next().answer_with(429, "retry-after: 1800\n", "");
    desk.until("an attempt", |desk| desk.rows(None)[0]["attempts"] == 1);
    let row = &desk.rows(None)[0];
    let due_at: Timestamp = row["due_at"].as_str().unwrap().parse().unwrap();
    assert!(Duration::from_secs(1799) < Duration::try_from(due_at.duration_since(before)).unwrap(), "{row}");
    assert_eq!(row["note"], "it answered 429");
}

#[test]
fn items_of_a_call_go_in_order() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let ordered = |key: &str| {
        let mut item = post(key, &destination.url("/"));
        item.action.in_order = true;
        item
    };
    desk.enqueue(vec![ordered("1"), ordered("2"), ordered("3")]).unwrap();
    let first = destination.next();
    desk.enqueue(vec![post("between", &destination.url("/"))]).unwrap();
    let between = destination.next();
    first.answer(503);
    between.answer(200);
    let mut keys = vec!["1".to_owned(), "between".to_owned()];
    for _ in 0..3 {
        let next = destination.next();
        keys.push(next.header("idempotency-key").unwrap().to_owned());
        next.answer(200);
    }
    assert_eq!(keys, ["1", "between", "1", "2", "3"], "the second waits for the first, which is tried again");
}

#[test]
fn an_event_in_time_calls_off() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut late = unless("end-of-call-report", post("late", &destination.url("/")));
    late.decided_at -= Duration::from_secs(3601);
    let waiting = unless("end-of-call-report", post("a", &destination.url("/")));
    let other_kind = unless("status-update", post("b", &destination.url("/")));
    desk.enqueue(vec![late, waiting, other_kind]).unwrap();
    let late = destination.next();
    assert_eq!(late.header("idempotency-key"), Some("late"), "its time was over");
    assert_eq!(desk.happened("call-2", "end-of-call-report"), 0, "that was another call");
    assert_eq!(desk.happened("call-1", "end-of-call-report"), 1);
    let left: Vec<_> = desk.rows(Some(Phase::Waiting)).iter().map(|row| row["action"].clone()).collect();
    assert_eq!(left, ["rule/b"]);
    let again = Desk::at(desk.crashed(), Bounds::default());
    assert_eq!(again.rows(None).len(), 2, "it stays called off");
}

#[test]
fn what_was_called_off_does_not_come_again() {
    let desk = Desk::closed();
    let item = || unless("status-update", post("a", "http://127.0.0.1:1/"));
    desk.enqueue(vec![item()]).unwrap();
    assert_eq!(desk.happened("call-1", "status-update"), 1);
    let desk = Desk::at(desk.close(), Bounds::default());
    desk.enqueue(vec![item()]).unwrap();
    assert!(desk.rows(None).is_empty(), "whoever wants it has come again after a crash: {:#?}", desk.rows(None));
}

#[test]
fn an_event_does_not_call_off_what_it_wants() {
    let desk = Desk::closed();
    for (key, wanted_by) in [("own", Some("first")), ("others", Some("second")), ("unknown", None)] {
        let item = unless("hang", post(key, "http://127.0.0.1:1/"));
        desk.enqueue(vec![Enqueued { wanted_by: wanted_by.map(str::to_owned), ..item }]).unwrap();
    }
    let desk = Desk::at(desk.close(), Bounds::default());
    assert_eq!(desk.happened_again("call-1", "hang", "first"), 2);
    assert_eq!(desk.rows(None)[0]["action"], "rule/own");
    assert_eq!(desk.happened_again("call-1", "hang", "third"), 1);
}

#[test]
fn an_event_that_comes_again_after_a_crash_calls_off_nothing_that_a_later_one_wants() {
    let wanted_by = |event: &str| {
        let item = unless("hang", post(event, "http://127.0.0.1:1/"));
        Enqueued { wanted_by: Some(event.to_owned()), ..item }
    };
    let desk = Desk::closed();
    desk.enqueue(vec![wanted_by("first")]).unwrap();
    assert_eq!(desk.happened_again("call-1", "hang", "second"), 1);
    desk.enqueue(vec![wanted_by("second"), wanted_by("third")]).unwrap();
    let desk = Desk::at(desk.crashed(), Bounds::default());
    assert_eq!(desk.happened_again("call-1", "hang", "first"), 0, "it was called off itself");
    assert_eq!(desk.happened_again("call-1", "hang", "second"), 0, "it has called off what it could");
    assert_eq!(desk.happened_again("call-1", "hang", "fourth"), 2);
}

#[test]
fn a_destination_that_hangs_or_fails_holds_up_no_other() {
    let (desk, quick, hanging) = (Desk::open(), Destination::open(), Destination::open());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failing = format!("http://{closed}/");
    let mut batch: Vec<Enqueued> = Vec::new();
    for number in 0..40 {
        batch.push(post(&format!("hanging-{number}"), &hanging.url("/")));
        batch.push(post(&format!("failing-{number}"), &failing));
    }
    batch.extend((0..40).map(|number| post(&format!("quick-{number}"), &quick.url("/"))));
    desk.enqueue(batch).unwrap();
    let held: Vec<_> = (0..2).map(|_| hanging.next()).collect();
    for _ in 0..40 {
        quick.next().answer(200);
    }
    desk.until("an open breaker", |desk| {
        let status = desk.runtime.block_on(desk.outbox.status()).unwrap().json();
        let destinations = status["destinations"].as_array().unwrap().clone();
        destinations.iter().any(|it| it["destination"] == format!("http://{closed}") && it["breaker"] == "open")
    });
    assert!(hanging.ready().is_none(), "two at a time, until it has answered");
    drop(held);
}

#[test]
fn what_is_refused_becomes_a_dead_letter_that_hides_secrets() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.request.headers = vec![("authorization".to_owned(), asking_for("crm", Written::Plain))];
    desk.enqueue(vec![item]).unwrap();
    let body = format!("no such person\nyou sent {SECRET}");
    destination.next().answer_with(422, "", &body);
    let letter = desk.dead_letter();
    assert_eq!((&letter["cause"], &letter["attempts"]), (&"refused".into(), &1.into()));
    assert_eq!(letter["note"], "it answered 422\n\nno such person\nyou sent [secret crm]");
    assert_eq!(letter["headers"]["authorization"], "<[secret crm]>");
    assert!(!letter.to_string().contains("correct-horse"), "{letter}");

    assert_eq!(desk.runtime.block_on(desk.outbox.retry(Which::Dead)), 1);
    destination.next().answer(400);
    let id = desk.dead_letter()["id"].as_u64().unwrap();
    assert_eq!(desk.runtime.block_on(desk.outbox.discard(Which::One(id))), 1);
    assert!(desk.rows(None).is_empty());
    assert_eq!(desk.runtime.block_on(desk.outbox.retry(Which::One(id))), 0);
}

#[test]
fn a_secret_is_hidden_also_where_an_answer_is_cut() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.request.headers = vec![("authorization".to_owned(), asking_for("crm", Written::Plain))];
    desk.enqueue(vec![item]).unwrap();
    let body = format!("{}{SECRET}", "x".repeat((64 << 10) - SECRET.len() + 1));
    destination.next().answer_with(422, "", &body);
    let note = desk.dead_letter()["note"].as_str().unwrap().to_owned();
    assert!(note.starts_with("it answered 422\n\nxxx") && note.ends_with("xxx\n[cut]"), "{note}");
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.request.method = Method::Get;
    item.action.request.headers = vec![("authorization".to_owned(), asking_for("crm", Written::Plain))];
    desk.enqueue(vec![item]).unwrap();
    // Not every program puts the same signs into percent signs.
    let location = "location: /new?token=%3ccorrect%2Dhorse%22battery>&b=c\n";
    destination.next().answer_with(302, location, "");
    let note = "it answered 302, a redirect, which is not followed; if it is right, \
                ask /new?token=%3c[secret crm]>&b=c instead";
    assert_eq!(desk.dead_letter()["note"], note);
    assert!(destination.ready().is_none());
}

#[test]
fn what_cannot_be_sent_is_explained() {
    for (spoil, why) in [
        (
            spoil(|item| item.action.request.url = Text::plain("ftp://a.example/")),
            "this is not an `http` or `https` URL",
        ),
        (
            spoil(|item| item.action.request.url = Text::plain("http://10.0.0.1/")),
            "`10.0.0.1` leads to 10.0.0.1, which is refused",
        ),
        (spoil(|item| item.action.request.target = Target::CallControl), "`127.0.0.1` does not control calls"),
        (spoil(|item| item.action.request.target = Target::Vapi), "`127.0.0.1` is not Vapi's REST API"),
        (spoil(|item| item.action.sign = Some(Text::plain("?"))), "the key to sign with is not base64"),
        (spoil(|item| item.action.sign = Some(asking_for("who", Written::Plain))), "there is no secret `who`"),
        (
            spoil(|item| item.action.request.headers = vec![("host".to_owned(), Text::plain("a"))]),
            "`host` is not a header",
        ),
        (
            spoil(|item| item.action.request.headers = vec![("a".to_owned(), Text::plain("b\nc"))]),
            "the header `a` would hold signs",
        ),
    ] {
        let desk = Desk::open();
        let mut item = post("key-1", "http://127.0.0.1:1/");
        spoil(&mut item);
        desk.enqueue(vec![item]).unwrap();
        let note = desk.dead_letter()["note"].to_string();
        assert!(note.contains(why), "{note}");
    }
}

type Spoil = Box<dyn Fn(&mut Enqueued)>;

fn spoil(spoil: impl Fn(&mut Enqueued) + 'static) -> Spoil {
    Box::new(spoil)
}

#[test]
fn attempts_and_age_come_to_an_end() {
    let (desk, destination) = (Desk::open(), Destination::open());
    let mut item = post("key-1", &destination.url("/"));
    item.action.retry.attempts_max = 2;
    desk.enqueue(vec![item]).unwrap();
    destination.next().answer(500);
    destination.next().answer(500);
    assert_eq!(desk.dead_letter()["cause"], "attempts");
    desk.runtime.block_on(desk.outbox.discard(Which::Dead));

    let mut item = post("key-2", &destination.url("/"));
    item.decided_at -= Duration::from_secs(3601);
    desk.enqueue(vec![item]).unwrap();
    let letter = desk.dead_letter();
    assert_eq!((&letter["cause"], &letter["attempts"]), (&"age".into(), &0.into()));
}

#[test]
fn an_outbox_without_a_folder_works_until_it_ends() {
    let runtime = Runtime::new().unwrap();
    let (outbox, destination) = (Outbox::open(None, Bounds::default()).unwrap(), Destination::open());
    runtime.block_on(outbox.enqueue(vec![post("key-1", &destination.url("/"))])).unwrap();
    let _context = runtime.enter();
    outbox.deliver(Live::new(client()), Live::new(secrets()), Arc::new(Undecided));
    destination.next().answer(200);
    runtime.block_on(outbox.close(PATIENCE));
    let closed = runtime.block_on(outbox.enqueue(vec![post("key-2", &destination.url("/"))]));
    assert_eq!(closed, Err(EnqueueError::Closed));
}
