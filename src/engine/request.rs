//! A request to somebody else, as data.
//!
//! A [`Request`] is rendered: its texts are final but for secrets, which travel by their names. Whoever sends it fills
//! them in, so that nothing that keeps or shows a request can leak one.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked of somebody else, or told to them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Whom it is for.
    pub target: Target,
    /// How it is sent.
    pub method: Method,
    /// Where to.
    pub url: Text,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Text)>,
    /// What is sent.
    pub body: Option<Body>,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl Request {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        self.url.len() + headers.sum::<usize>() + self.body.as_ref().map_or(0, |body| body.text.len())
    }

    /// Its method and URL, for people, with names in the place of secrets.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.method.as_str(), self.url.redacted())
    }

    /// Its method and whom it asks, for the log: what follows the host may be what a caller said.
    #[must_use]
    pub fn addressee(&self) -> String {
        let url = self.url.redacted();
        let method = self.method.as_str();
        origin(&url)
            .map_or_else(|| format!("{method} {NO_ORIGIN}"), |(scheme, host)| format!("{method} {scheme}://{host}"))
    }

    /// Its header fields, for people, with names in the place of secrets.
    #[must_use]
    pub fn headers_redacted(&self) -> Value {
        self.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.redacted()))).collect()
    }

    /// The names of all secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let texts = self.headers.iter().map(|(_, value)| value).chain([&self.url]);
        texts.chain(self.body.as_ref().map(|body| &body.text)).flat_map(Text::secrets)
    }
}

/// The header by which those who get the same twice can tell.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What stands for the origin of a URL that has none.
const NO_ORIGIN: &str = "[no URL]";
/// Header fields that say how a request is sent.
const TAKEN: &[&str] = &["host", "content-length", "connection", "transfer-encoding", "upgrade", "te"];

/// Why a request cannot have a header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// It says how the request is sent.
    Taken,
    /// No header is called so (RFC 9110, section 5.1).
    NoName,
}

impl HeaderFault {
    /// What is wrong with a field of this name, for people.
    #[must_use]
    pub fn of(self, name: &str) -> String {
        match self {
            HeaderFault::Taken => format!("`{name}` is set by the daemon"),
            HeaderFault::NoName => format!("no header can be called `{name}`"),
        }
    }
}

/// Why a request cannot have a header field of this `name`, in lower case, if it cannot.
#[must_use]
pub fn header_fault(name: &str) -> Option<HeaderFault> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if TAKEN.contains(&name) {
        return Some(HeaderFault::Taken);
    }
    (name.is_empty() || !name.bytes().all(token)).then_some(HeaderFault::NoName)
}

/// Whether a request that was answered with `status` may fare better another time.
#[must_use]
pub fn may_fare_better(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Whom a request is for, which says where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Anybody whose address is not refused.
    Anybody,
    /// A call that is going on, by its `monitor.controlUrl`: only below `vapi.ai`, unless settings say otherwise
    /// (contract, section 6).
    CallControl,
    /// Vapi's REST API (contract, section 6).
    Vapi,
}

/// Where Vapi's REST API is (contract, section 6), unless settings say otherwise.
pub const VAPI: &str = "https://api.vapi.ai";

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

    /// The method that a rule calls so: `get`, `post`, `put`, `patch` or `delete`.
    #[must_use]
    pub fn named(word: &str) -> Option<Method> {
        match word {
            "get" => Some(Method::Get),
            "post" => Some(Method::Post),
            "put" => Some(Method::Put),
            "patch" => Some(Method::Patch),
            "delete" => Some(Method::Delete),
            _ => None,
        }
    }

    /// The method as it is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// What is sent, with its content type unless a header names another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Body {
    /// The content type.
    pub content_type: String,
    /// The content.
    pub text: Text,
}

impl Body {
    /// Content of JSON.
    #[must_use]
    pub fn json(text: Text) -> Body {
        Body { content_type: "application/json".to_owned(), text }
    }

    /// A form, as browsers send it.
    #[must_use]
    pub fn form(text: Text) -> Body {
        Body { content_type: "application/x-www-form-urlencoded".to_owned(), text }
    }

    /// Content that is text and no more.
    #[must_use]
    pub fn text(text: Text) -> Body {
        Body { content_type: "text/plain; charset=utf-8".to_owned(), text }
    }
}

/// A text in which secrets stand by their names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Part>);

/// A part of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Plain text.
    Plain(String),
    /// The secret of that name, written as the place needs it.
    Secret {
        /// Its name.
        name: String,
        /// How it is written there.
        written: Written,
    },
}

impl Part {
    /// The part as people see it: a secret by its name.
    #[must_use]
    pub fn redacted(&self) -> Cow<'_, str> {
        match self {
            Part::Plain(text) => Cow::Borrowed(text),
            Part::Secret { name, .. } => Cow::Owned(format!("[secret {name}]")),
        }
    }
}

/// How a value is written into a text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// As it is.
    Plain,
    /// As the inside of a JSON text, without its quotes.
    Json,
    /// As a part of a URL or of a form, in percent signs.
    Percent,
}

impl Written {
    /// `text` as it is written there.
    #[must_use]
    pub fn write(self, text: &str) -> Cow<'_, str> {
        match self {
            Written::Json if text.bytes().any(is_escaped_in_json) => {
                let mut quoted = Value::from(text).to_string();
                quoted.pop();
                quoted.drain(..1);
                Cow::Owned(quoted)
            }
            Written::Percent if !text.bytes().all(is_unreserved) => Cow::Owned(percent(text)),
            Written::Plain | Written::Json | Written::Percent => Cow::Borrowed(text),
        }
    }
}

/// Whether a byte of a text is not written as it is inside a JSON text (RFC 8259, section 7).
fn is_escaped_in_json(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether a byte means itself in a URL, wherever it stands (RFC 3986, section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Every byte that is not unreserved in percent signs.
fn percent(text: &str) -> String {
    // In one piece from the beginning: it may be a secret, and nobody wipes what is left behind by growing.
    let mut written = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if is_unreserved(byte) {
            written.push(char::from(byte));
        } else {
            // A text has room for everything.
            _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// The scheme of a URL, and its host with the port, without a user. Secrets may stand in it by their names.
#[must_use]
pub fn origin(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    known.then(|| (scheme, authority.rsplit('@').next().unwrap_or_default()))
}

impl Text {
    /// A text without secrets.
    pub fn plain(text: impl Into<String>) -> Text {
        Text(vec![Part::Plain(text.into())])
    }

    /// The text with names in the place of secrets, for people.
    #[must_use]
    pub fn redacted(&self) -> String {
        self.0.iter().map(Part::redacted).collect()
    }

    /// The text with what `stands_in` says in the place of each secret, by its name.
    #[must_use]
    pub fn standing_in(&self, stands_in: impl Fn(&str) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Plain(text) => Cow::Borrowed(text.as_str()),
            Part::Secret { name, .. } => Cow::Owned(stands_in(name)),
        });
        parts.collect()
    }

    /// The text as the value of a header: a line break in what a caller said must not begin another header.
    #[must_use]
    pub fn on_one_line(mut self) -> Text {
        for part in &mut self.0 {
            if let Part::Plain(plain) = part {
                *plain = plain.replace(|c: char| c.is_control(), " ");
            }
        }
        self
    }

    /// How long it is without its secrets.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "one that holds a secret alone is not empty")]
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| if let Part::Plain(text) = part { text.len() } else { 0 }).sum()
    }

    /// The names of its secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Plain(_) => None,
            Part::Secret { name, .. } => Some(name.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_stays_a_part() {
        assert_eq!(Written::Percent.write("+1 555/&=ü~a.b-c_d"), "%2B1%20555%2F%26%3D%C3%BC~a.b-c_d");
        assert_eq!(Written::Json.write("say \"a\"\n"), r#"say \"a\"\n"#);
    }

    #[test]
    fn an_addressee_is_told_without_what_may_have_been_said() {
        for (url, told) in [
            ("https://crm.example:8443/people/Ada?born=1815", "GET https://crm.example:8443"),
            ("HTTP://Crm.example?who=Ada", "GET HTTP://Crm.example"),
            ("https://Ada:1815@crm.example#Ada", "GET https://crm.example"),
            ("https://crm.example\\Ada", "GET https://crm.example"),
            ("Ada Lovelace", "GET [no URL]"),
            ("Ada://Lovelace", "GET [no URL]"),
        ] {
            let (target, method, url) = (Target::Anybody, Method::Get, Text::plain(url));
            let request = Request { target, method, url, headers: Vec::new(), body: None, timeout: Duration::ZERO };
            assert_eq!(request.addressee(), told);
        }
    }

    #[test]
    fn a_secret_is_shown_by_its_name() {
        let secret = Part::Secret { name: "crm".to_owned(), written: Written::Plain };
        let text = Text(vec![Part::Plain("Bearer ".to_owned()), secret]);
        assert_eq!(text.redacted(), "Bearer [secret crm]");
        assert_eq!(text.secrets().collect::<Vec<_>>(), ["crm"]);
    }
}
