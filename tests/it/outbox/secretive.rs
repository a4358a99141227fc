//! URLs that are secrets, as those of webhooks often are.

use super::*;
use crate::support::Destination;

/// A post to a URL that is a secret as a whole.
fn post_to(secret: &str) -> Enqueued {
    let mut item = post(secret, "");
    item.action.request.url = Text(vec![Part::Secret { name: secret.to_owned(), written: Written::Plain }]);
    item
}

/// An outbox that knows these secrets.
fn desk<const N: usize>(urls: [(&str, String); N]) -> Desk {
    let desk = Desk::closed();
    let urls = urls.map(|(name, url)| (name.to_owned(), SecretString::from(url)));
    desk.deliver_with(Secrets::new(urls), Undecided);
    desk
}

#[test]
fn each_secret_is_a_destination_of_its_own() {
    let (hanging, well) = (Destination::open(), Destination::open());
    let desk = desk([("hangs", hanging.url("/a")), ("is-well", well.url("/b"))]);
    let to_hanging = |number: usize| Enqueued { idempotency_key: number.to_string(), ..post_to("hangs") };
    desk.enqueue((0..10).map(to_hanging).collect()).unwrap();
    let held = [hanging.next(), hanging.next()];
    desk.enqueue(vec![post_to("is-well")]).unwrap();
    well.next().answer(200);
    let status = desk.runtime.block_on(desk.outbox.status()).unwrap().json();
    assert_eq!(status["destinations"][0]["destination"], "[secret hangs]", "{status}");
    drop(held);
}

/// What becomes known of a URL that is a secret when what it asks for is refused.
fn told_of(path: &str, status: u16, headers: &str, body: &str) -> Value {
    let destination = Destination::open();
    let desk = desk([("hook", destination.url(path))]);
    desk.enqueue(vec![post_to("hook")]).unwrap();
    destination.next().answer_with(status, headers, body);
    desk.dead_letter()
}

#[test]
fn a_redirect_does_not_tell_where_a_secret_leads() {
    let letter = told_of("/services/TOKEN", 308, "location: /services/TOKEN/\n", "");
    assert_eq!(letter["note"], "it answered 308, a redirect, which is not followed");
}

#[test]
fn an_answer_that_repeats_the_path_does_not_tell_it() {
    let letter = told_of("/services/TOKEN?a=b", 404, "", "Cannot POST /services/TOKEN");
    assert_eq!(letter["note"], "it answered 404\n\nCannot POST [secret hook]");
    let letter = told_of("/services/TOKEN", 404, "", "{\"path\":\"\\/services\\/TOKEN\",\"at\":\"127.0.0.1\"}");
    assert_eq!(letter["note"], "it answered 404\n\n{\"path\":\"[secret hook]\",\"at\":\"[secret hook]\"}");
    assert!(!letter.to_string().contains("TOKEN"), "{letter}");
    let echo = r#"{"asked":"/hooks/t0kent0ken?a=1\u0026sig=C0RRECT-HORSE"} {"sig":"C0RRECT-HORSE"}"#;
    let letter = told_of("/hooks/t0kent0ken?a=1&sig=C0RRECT-HORSE", 400, "", echo);
    assert_eq!(letter["note"], "it answered 400\n\n{\"asked\":\"[secret hook]\"} {\"sig\":\"[secret hook]\"}");
}

/// What becomes known of a URL that is a secret when it is not asked at all.
fn told_of_unasked(url: &str) -> Value {
    let desk = desk([("hook", url.to_owned())]);
    desk.enqueue(vec![post_to("hook")]).unwrap();
    desk.dead_letter()
}

#[test]
fn a_host_that_is_not_reached_is_not_named() {
    let refused = "attempt 1: `[elsewhere]` leads to an address that is refused";
    let refused = format!("{refused}; if that is meant, allow it with `outbound: {{ allow: […] }}`");
    for url in ["http://10.0.0.1/", "http://[fd00:1:2::7]:81/"] {
        let letter = told_of_unasked(url);
        assert_eq!(letter["note"], refused);
        assert!(!letter.to_string().contains("10.0.0.1") && !letter.to_string().contains("fd00"), "{letter}");
    }
    let letter = told_of_unasked("ftp://tenant.example/").to_string();
    assert!(!letter.contains("tenant"), "{letter}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let desk = desk([("hook", format!("http://{closed}/"))]);
    desk.enqueue(vec![post_to("hook")]).unwrap();
    desk.until("a note", |desk| !desk.rows(None)[0]["note"].is_null());
    let note = desk.rows(None)[0]["note"].to_string();
    assert!(note.contains("cannot connect to `[elsewhere]`"), "{note}");
}
