//! The admin address: health, for whoever runs the daemon. Never for callers, so it is a socket of its own.

use std::net::SocketAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use secrecy::{ExposeSecret as _, SecretString};

use super::refusal::Refusal;
use super::{Answer, Received};

/// The admin address would be open to anybody.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the admin address {address} can be reached from other machines, so it needs a token")]
pub struct TokenMissing {
    address: SocketAddr,
}

/// Answers on the admin address.
pub struct Admin {
    token: Option<SecretString>,
}

impl Admin {
    /// Answers on `address`, to those who bring the bearer `token`, and to anybody if there is none.
    ///
    /// # Errors
    /// If there is none, `address` must be a loopback address.
    pub fn new(address: SocketAddr, token: Option<SecretString>) -> Result<Self, TokenMissing> {
        let token = token.filter(|token| !token.expose_secret().is_empty());
        if token.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(TokenMissing { address });
        }
        Ok(Self { token })
    }

    fn check(&self, head: &Parts) -> Result<(), Refusal> {
        if !self.knows(head) {
            return Err(Refusal::Unauthorized);
        }
        if head.uri.path() != "/healthz" {
            return Err(Refusal::NotFound);
        }
        match head.method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" }),
        }
    }

    fn knows(&self, head: &Parts) -> bool {
        let Some(token) = &self.token else { return true };
        let brought = head.headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
        brought.is_some_and(|(scheme, brought)| {
            scheme.eq_ignore_ascii_case(b"bearer ")
                && verify_slices_are_equal(brought, token.expose_secret().as_bytes()).is_ok()
        })
    }
}

impl Answer for Admin {
    fn refuse(&self, head: &Parts, _: SocketAddr) -> Option<Response<Full<Bytes>>> {
        self.check(head).err().map(|refusal| refusal.response())
    }

    async fn answer(&self, _: Received) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from("ok\n"));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:9090";

    fn admin(address: &str, token: Option<&str>) -> Result<Admin, TokenMissing> {
        Admin::new(address.parse().unwrap(), token.map(SecretString::from))
    }

    fn checked(token: Option<&str>, request: &str, authorization: &str) -> Result<(), Refusal> {
        let (method, path) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, authorization);
        let (head, ()) = request.body(()).unwrap().into_parts();
        admin(LOOPBACK, token).unwrap().check(&head)
    }

    #[test]
    fn beyond_loopback_a_token_is_required() {
        for open in ["0.0.0.0:9090", "192.0.2.1:9090", "[::]:9090"] {
            assert!(admin(open, None).is_err());
            assert!(admin(open, Some("")).is_err());
            assert!(admin(open, Some("t")).is_ok());
        }
        for closed in [LOOPBACK, "127.9.9.9:1", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
            assert!(admin(closed, None).is_ok());
        }
    }

    #[test]
    fn health_is_all_there_is() {
        assert_eq!(checked(None, "GET /healthz", ""), Ok(()));
        assert_eq!(checked(None, "HEAD /healthz?deep", ""), Ok(()));
        assert_eq!(checked(None, "POST /healthz", ""), Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" }));
        assert_eq!(checked(None, "GET /", ""), Err(Refusal::NotFound));
    }

    #[test]
    fn the_token_must_be_right() {
        assert_eq!(checked(Some("abc"), "GET /healthz", "Bearer abc"), Ok(()));
        assert_eq!(checked(Some("abc"), "GET /healthz", "bearer abc"), Ok(()));
        for wrong in ["", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Basic abc", "abc"] {
            assert_eq!(checked(Some("abc"), "GET /healthz", wrong), Err(Refusal::Unauthorized), "{wrong}");
        }
    }
}
