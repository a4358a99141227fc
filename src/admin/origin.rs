//! Keeps web pages out: a browser on the same machine reaches the admin address too, and does as any page tells it.

use std::net::IpAddr;

use hyper::header::{HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use crate::server::refusal::Refusal;

/// A page of another site may not ask (Fetch Metadata, and for older browsers `Origin`).
pub(super) fn same_site(head: &Parts) -> Result<(), Refusal> {
    let site = head.headers.get("sec-fetch-site").map(hyper::http::HeaderValue::as_bytes);
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        return Err(Refusal::Foreign { why: "`Sec-Fetch-Site` is another one" });
    }
    let Some(origin) = head.headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    if origin.is_some() && origin == host(head) {
        return Ok(());
    }
    Err(Refusal::Foreign { why: "`Origin` is another one" })
}

/// Where no token is asked for, the host must not be a name either, but for `localhost`: whoever owns a name can make it
/// lead to this machine, and a page under it would be of the same site.
pub(super) fn same_machine(head: &Parts) -> Result<(), Refusal> {
    same_site(head)?;
    let host = host(head).and_then(|host| host.parse::<Authority>().ok());
    let own = host.is_some_and(|authority| {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
    });
    if own {
        Ok(())
    } else {
        Err(Refusal::Foreign { why: "without a token, `Host` must be an address or `localhost`" })
    }
}

fn host(head: &Parts) -> Option<&str> {
    let written = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    written.or_else(|| head.uri.authority().map(Authority::as_str))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn pages_of_other_sites_are_kept_out() {
        let from = |name, value| same_site(&head(&[("host", "admin.example:9090"), (name, value)])).is_ok();
        assert!(from("accept", "*/*"));
        assert!(from("origin", "https://admin.example:9090"));
        assert!(!from("origin", "https://evil.example"));
        assert!(!from("origin", "https://admin.example"));
        assert!(!from("origin", "null"));
        assert!(from("sec-fetch-site", "same-origin"));
        assert!(from("sec-fetch-site", "none"));
        assert!(!from("sec-fetch-site", "cross-site"));
        assert!(!from("sec-fetch-site", "same-site"));
    }

    #[test]
    fn without_a_token_a_name_is_not_trusted() {
        for (host, own) in [
            ("127.0.0.1:9090", true),
            ("localhost:9090", true),
            ("LOCALHOST", true),
            ("[::1]:9090", true),
            ("10.1.2.3", true),
            ("evil.example:9090", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(same_machine(&head(&[("host", host)])).is_ok(), own, "{host}");
        }
        assert!(same_machine(&head(&[("host", "127.0.0.1"), ("origin", "http://evil.example")])).is_err());
    }
}
