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
