//! Fills in what a request says of itself by name: its secrets.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

use super::Request;
use crate::engine::request::{self, Text};
use crate::secrets::{Secrets, UnknownSecret};

/// What the client writes by itself, or what would make one request look like two.
const NOT_OURS: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// Why a request cannot be sent as it is.
#[derive(Debug, thiserror::Error)]
pub enum Unsendable {
    /// It asks for a secret that there is not.
    #[error("{0}")]
    Secret(#[from] UnknownSecret),
    /// A header that is not its to set.
    #[error("`{0}` is not a header that can be set")]
    Header(String),
    /// A header with something in it that no header holds.
    #[error("the header `{0}` would hold signs that no header holds")]
    Value(String),
}

impl Request {
    /// The request with its secrets in their places.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub fn filled(request: &request::Request, secrets: &Secrets) -> Result<Request, Unsendable> {
        let body = request.body.as_ref().map(|body| secrets.fill(&body.text)).transpose()?.unwrap_or_default();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut headers = HeaderMap::new();
        for (name, text) in &request.headers {
            let known = name.parse::<HeaderName>().ok().filter(|name| !NOT_OURS.contains(name));
            headers.append(known.ok_or_else(|| Unsendable::Header(name.clone()))?, value(name, text, secrets)?);
        }
        if let Some(body) = &request.body {
            let content_type = value("content-type", &Text::plain(body.content_type.clone()), secrets)?;
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
        let url = secrets.fill(&request.url)?.to_string();
        Ok(Request { target: request.target, method: method(request.method), url, headers, body })
    }
}

/// A header's value. One that holds a secret is not shown, and not sent on to somebody else.
fn value(name: &str, text: &Text, secrets: &Secrets) -> Result<HeaderValue, Unsendable> {
    let filled = secrets.fill(text)?;
    let value = HeaderValue::from_bytes(filled.as_bytes()).map_err(|_| Unsendable::Value(name.to_owned()));
    value.map(|mut value| {
        value.set_sensitive(text.secrets().next().is_some());
        value
    })
}

fn method(method: request::Method) -> Method {
    match method {
        request::Method::Get => Method::GET,
        request::Method::Post => Method::POST,
        request::Method::Put => Method::PUT,
        request::Method::Patch => Method::PATCH,
        request::Method::Delete => Method::DELETE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::request::{Method, Target};

    fn filled(header: &str) -> Result<Request, Unsendable> {
        let request = request::Request {
            target: Target::Anybody,
            method: Method::Get,
            url: Text::plain("https://crm.example.com/"),
            headers: vec![("x-name".to_owned(), Text::plain(header))],
            body: None,
            timeout: std::time::Duration::from_secs(1),
        };
        Request::filled(&request, &Secrets::default())
    }

    #[test]
    fn a_name_is_sent_as_it_is_written() {
        let request = filled("Jürgen").unwrap();
        assert_eq!(request.headers.get("x-name").map(HeaderValue::as_bytes), Some("Jürgen".as_bytes()));
        assert!(matches!(filled("a\nb"), Err(Unsendable::Value(_))));
    }
}
