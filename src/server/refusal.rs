//! Why the transport turned a request or a connection away, and what the caller is told.
//!
//! Every refusal is a status and a small JSON body, `{"error": "…"}`, that names what was wrong and the limit. The
//! exception is a header that is not HTTP, is too long or has too many fields: hyper answers those itself (400, 414,
//! 431) without a body, because it never becomes a request that we see.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use crate::engine::event::EventError;

/// Why a request was not answered by what stands behind the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server holds as many connections as it may.
    #[error("there are already {connections_max} connections")]
    TooManyConnections {
        /// The limit.
        connections_max: usize,
    },
    /// The caller's address holds as many connections as it may.
    #[error("there are already {connections_max} connections from this address")]
    TooManyConnectionsFromAddress {
        /// The limit.
        connections_max: usize,
    },
    /// As many requests are being answered as may be.
    #[error("{requests_max} requests are already being answered")]
    TooManyRequests {
        /// The limit.
        requests_max: usize,
    },
    /// The client does not speak TLS where nothing else is spoken.
    #[error("this address speaks TLS: write `https`")]
    NotTls,
    /// The header stopped halfway.
    #[error("the header did not arrive within {} s", .within.as_secs_f32())]
    HeaderTooSlow {
        /// The limit.
        within: Duration,
    },
    /// There are more header fields than may be.
    #[error("there are more than {headers_max} header fields")]
    TooManyHeaders {
        /// The limit.
        headers_max: usize,
    },
    /// The request does not say, or says twice, which host it is for.
    #[error("there must be exactly one `Host`")]
    NotOneHost,
    /// The body is longer than may be.
    #[error("the body is larger than {bytes_max} bytes")]
    BodyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body stopped halfway.
    #[error("the request did not arrive within {} s", .within.as_secs_f32())]
    BodyTooSlow {
        /// The limit.
        within: Duration,
    },
    /// The body ended early or is badly encoded.
    #[error("the body is incomplete or badly encoded")]
    BodyBroken,
    /// The body is not a server message that can be read.
    #[error("{0}")]
    NotAnEvent(#[source] EventError),
    /// Nothing is served at this path.
    #[error("nothing is served at this path")]
    NotFound,
    /// The path is served, but not by this method.
    #[error("this method is not allowed here, only {allow}")]
    MethodNotAllowed {
        /// The methods that are, as in the `Allow` header.
        allow: &'static str,
    },
    /// The request does not prove who sent it.
    #[error("the credentials are missing or wrong")]
    Unauthorized,
    /// A web page asks, perhaps without its reader's knowledge.
    #[error("this is not for web pages of other sites: {why}")]
    Foreign {
        /// What gave it away.
        why: &'static str,
    },
    /// The body does not say what can be done.
    #[error("{why}")]
    NotUnderstood {
        /// What is wrong.
        why: String,
    },
    /// What the event asks for could not be kept, so that it must come again.
    #[error("what this event asks for cannot be kept now; send it again")]
    Unkept,
    /// The daemon is about to stop.
    #[error("the daemon is about to stop")]
    Stopping,
    /// What stands behind the server panicked.
    #[error("an internal error; the log has the details")]
    Panicked,
}

impl Refusal {
    /// The only place a refusal becomes a status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooManyConnections { .. }
            | Self::TooManyConnectionsFromAddress { .. }
            | Self::TooManyRequests { .. }
            | Self::Unkept
            | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::HeaderTooSlow { .. } | Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyHeaders { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotTls | Self::NotOneHost | Self::BodyBroken | Self::NotAnEvent(_) | Self::NotUnderstood { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Foreign { .. } => StatusCode::FORBIDDEN,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer that tells the caller.
    #[must_use]
    pub fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.body()));
        *response.status_mut() = self.status();
        for (name, value) in self.headers() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// The same answer as the bytes of an HTTP/1.1 response, for a connection without a request to answer.
    pub(super) fn http1(&self) -> String {
        let body = self.body();
        let mut lines = vec![format!("HTTP/1.1 {}", self.status())];
        lines.extend(self.headers().map(|(name, value)| format!("{name}: {value}")));
        lines.push(format!("content-length: {}", body.len()));
        lines.join("\r\n") + "\r\n\r\n" + &body
    }

    fn body(&self) -> String {
        serde_json::json!({ "error": self.to_string() }).to_string()
    }

    fn headers(&self) -> impl Iterator<Item = (HeaderName, &'static str)> {
        let special = match self {
            Self::MethodNotAllowed { allow } => Some((ALLOW, *allow)),
            Self::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let close = self.closes().then_some((CONNECTION, "close"));
        std::iter::once((CONTENT_TYPE, "application/json")).chain(special).chain(close)
    }

    /// Whether nothing sensible can follow on an HTTP/1 connection. HTTP/2 gives up the one stream only.
    fn closes(&self) -> bool {
        match self {
            Self::TooManyConnections { .. }
            | Self::TooManyConnectionsFromAddress { .. }
            | Self::NotTls
            | Self::HeaderTooSlow { .. }
            | Self::NotOneHost
            | Self::BodyTooLarge { .. }
            | Self::BodyTooSlow { .. }
            | Self::BodyBroken
            | Self::Panicked => true,
            Self::TooManyRequests { .. }
            | Self::TooManyHeaders { .. }
            | Self::NotAnEvent(_)
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::Unauthorized
            | Self::Foreign { .. }
            | Self::NotUnderstood { .. }
            | Self::Unkept
            | Self::Stopping => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_limit() {
        let refusal = Refusal::BodyTooLarge { bytes_max: 9 };
        assert_eq!(refusal.body(), r#"{"error":"the body is larger than 9 bytes"}"#);
        assert_eq!(
            Refusal::HeaderTooSlow { within: Duration::from_secs(5) }.to_string(),
            "the header did not arrive within 5 s"
        );
    }

    #[test]
    fn the_raw_form_is_a_whole_response() {
        assert_eq!(
            Refusal::TooManyConnections { connections_max: 2 }.http1(),
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
             content-length: 43\r\n\r\n{\"error\":\"there are already 2 connections\"}"
        );
    }

    #[test]
    fn a_wrong_method_is_told_the_right_one() {
        let response = Refusal::MethodNotAllowed { allow: "POST" }.response();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers().get(ALLOW).unwrap(), "POST");
    }
}
