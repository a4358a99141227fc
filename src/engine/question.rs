//! What a decision has to ask others before it is made, and what they said, as data.
//!
//! The engine asks nobody. A decision that lacks an answer says so ([`Unfinished`](super::decision::Unfinished)), with
//! every question that it can think of; whoever wants it made finds the answers and has it made again, with them among
//! the [`Facts`](super::facts::Facts). So a test answers from a file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::facts::bytes_kept;
use super::json::{Json, Val};
use super::path::Segment;
use super::request::{Request, may_fare_better};

/// How many questions one decision may ask.
pub const QUESTIONS_MAX: usize = 32;

/// What is known of an answer, by the names that rules use.
pub const FIELDS: [&str; 6] = ["status", "json", "text", "headers", "bytes", "error"];

/// A request whose answer a decision needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The request.
    pub request: Request,
    /// For how long its answer may be given to whoever asks the same; `None`: it is asked anew.
    pub cache: Option<Duration>,
    /// What tells it from others that are alike. What only reads, and what `fetch` asks, is the same for all of a decision.
    pub occurrence: Option<Occurrence>,
}

/// Which of several questions that are alike it is: a script that posts twice means it, and so do two.
///
/// It is counted in each part of a rule by itself. An event that is decided again leaves out the parts that are done, and
/// what the others ask must not be taken for what those have asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Occurrence {
    /// Where the script stands that asks; nothing is known of one that is tried by itself.
    pub origin: Option<Origin>,
    /// How often the same was asked before from there.
    pub number: u32,
}

/// Where in the rules a script stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The name of its rule.
    pub rule: Arc<str>,
    /// The part of that.
    pub within: Within,
}

/// A part of a rule: of each, either all scripts run again, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within<N = Arc<str>> {
    /// Its conditions.
    Conditions,
    /// Its answer.
    Answer,
    /// What it says when that fails.
    Fallback,
    /// Its action of this name.
    Act(N),
    /// What stands behind this name of its own, whoever looks at it first.
    Name(N),
}

impl Within<&Arc<str>> {
    /// The same, for who keeps it.
    #[must_use]
    pub fn cloned(self) -> Within {
        match self {
            Within::Conditions => Within::Conditions,
            Within::Answer => Within::Answer,
            Within::Fallback => Within::Fallback,
            Within::Act(name) => Within::Act(Arc::clone(name)),
            Within::Name(name) => Within::Name(Arc::clone(name)),
        }
    }
}

/// The answers that a decision may know, each by its question. Cheap to clone, and nothing at all while there are none.
#[derive(Debug, Clone, Default)]
pub struct Answers(Option<Arc<HashMap<Question, Arc<Fetched>>>>);

impl Answers {
    /// What was said to `question`, if it was asked.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Arc<Fetched>> {
        self.0.as_ref()?.get(question)
    }

    /// These and `more`.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = (Question, Arc<Fetched>)>) -> Answers {
        let mut all = self.0.as_deref().cloned().unwrap_or_default();
        all.extend(more);
        Answers(Some(Arc::new(all)))
    }

    /// Those that stay as they are, however often they are asked for.
    #[must_use]
    pub fn settled(&self) -> Answers {
        self.only(|fetched| !fetched.is_passing())
    }

    /// Those that gave what was asked for.
    #[must_use]
    pub fn given(&self) -> Answers {
        self.only(|fetched| fetched.error().is_none())
    }

    fn only(&self, is_meant: impl Fn(&Fetched) -> bool) -> Answers {
        let meant = self.iter().filter(|(_, fetched)| is_meant(fetched));
        let meant: HashMap<_, _> = meant.map(|(question, it)| (question.clone(), Arc::clone(it))).collect();
        Answers((!meant.is_empty()).then(|| Arc::new(meant)))
    }

    /// Each question with what was said to it, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Question, &Arc<Fetched>)> {
        self.0.iter().flat_map(|all| all.iter())
    }

    /// How long their bodies are together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().filter_map(|(_, fetched)| fetched.response()).map(|response| response.body.len()).sum()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What came of a question.
#[derive(Debug)]
pub struct Fetched {
    came: Result<Response, Failure>,
    /// The body, if it is JSON; found out when somebody asks.
    json: OnceLock<Option<Box<str>>>,
}

/// Why nothing came.
#[derive(Debug)]
struct Failure {
    why: String,
    is_passing: bool,
}

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header fields, names in lower case, several of a name joined by commas.
    pub headers: Map<String, Value>,
    /// The body.
    pub body: Bytes,
}

impl From<Response> for Fetched {
    fn from(response: Response) -> Fetched {
        Fetched { came: Ok(response), json: OnceLock::new() }
    }
}

impl Fetched {
    /// Nothing came, and this is why; another time, something may.
    #[must_use]
    pub fn failed(why: impl Into<String>) -> Fetched {
        Fetched { came: Err(Failure { why: why.into(), is_passing: true }), json: OnceLock::new() }
    }

    /// Nothing can come of such a question, and this is why.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Fetched {
        Fetched { came: Err(Failure { why: why.into(), is_passing: false }), json: OnceLock::new() }
    }

    /// What came, if anything did.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        self.came.as_ref().ok()
    }

    /// Why it failed: nothing came, or the answer was no success.
    #[must_use]
    pub fn error(&self) -> Option<Cow<'_, str>> {
        match &self.came {
            Err(failure) => Some(Cow::Borrowed(&failure.why)),
            Ok(response) if (200..300).contains(&response.status) => None,
            Ok(response) => Some(Cow::Owned(format!("it answered {}", response.status))),
        }
    }

    /// Whether it failed in a way that may pass: asked again, the same may be answered.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match &self.came {
            Err(failure) => failure.is_passing,
            Ok(response) => may_fare_better(response.status),
        }
    }

    /// Whether looking at the value at `path` is to make a failed fetch known; who looks at these knows already.
    #[must_use]
    pub fn is_about_failure(path: &[Segment]) -> bool {
        matches!(path.first(), Some(Segment::Key(field)) if matches!(&**field, "status" | "error"))
    }

    /// The value at `path`, whose first segment is one of [`FIELDS`]; without a path, all of it.
    #[must_use]
    pub fn get(&self, path: &[Segment]) -> Val<'_> {
        let Some((first, rest)) = path.split_first() else { return Val::from(self.whole()) };
        let Segment::Key(field) = first else { return Val::Absent };
        match (&**field, self.response()) {
            ("error", _) => self.error().map(|error| Value::String(error.into_owned())).into(),
            ("json", Some(_)) => self.json().map_or(Val::Absent, |json| Val::Json(json).walk(rest)),
            ("headers", Some(response)) => match rest {
                [] => Val::from(Value::Object(response.headers.clone())),
                [Segment::Key(name), ..] => response.headers.get(&*name.to_ascii_lowercase()).into(),
                [Segment::Index(_), ..] => Val::Absent,
            },
            ("status", Some(response)) => Val::from(Value::from(response.status)),
            ("text", Some(response)) => Val::from(Value::String(response.text())),
            ("bytes", Some(response)) => Val::from(Value::String(BASE64.encode(&response.body))),
            _ => Val::Absent,
        }
    }

    /// All of it but the bytes, which are in the text too.
    fn whole(&self) -> Value {
        let fields = FIELDS.iter().filter(|field| **field != "bytes");
        let entry = |field: &&str| {
            let value = self.get(&[Segment::Key((*field).into())]).to_value();
            (!value.is_null()).then(|| ((*field).to_owned(), value))
        };
        Value::Object(fields.filter_map(entry).collect())
    }

    fn json(&self) -> Option<Json<'_>> {
        let read = || {
            let text = std::str::from_utf8(&self.response()?.body).ok()?;
            Json::parse(text).ok().map(|json| json.raw().into())
        };
        self.json.get_or_init(read).as_deref().map(Json::of_checked)
    }
}

impl Response {
    /// About how many bytes of memory it takes; a body of JSON may be kept twice.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| bytes_kept(name, value));
        2 * self.body.len() + headers.sum::<usize>()
    }

    /// The body as text; what is no UTF-8 in it is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::path::Path;

    fn response(status: u16, body: &'static str) -> Fetched {
        let headers = Map::from_iter([("x-id".to_owned(), json!("7"))]);
        Fetched::from(Response { status, headers, body: Bytes::from_static(body.as_bytes()) })
    }

    fn at(fetched: &Fetched, path: &str) -> Value {
        fetched.get(Path::parse(path).unwrap().rest()).to_value()
    }

    #[test]
    fn an_answer_is_known_by_its_fields() {
        let fetched = response(200, " {\"name\":\"Ada\",\"seats\":[1,2]} ");
        for (path, value) in [
            ("crm.status", json!(200)),
            ("crm.json.name", json!("Ada")),
            ("crm.json.seats[-1]", json!(2)),
            ("crm.json.seats.x", json!(null)),
            ("crm.headers[\"X-Id\"]", json!("7")),
            ("crm.bytes", json!("IHsibmFtZSI6IkFkYSIsInNlYXRzIjpbMSwyXX0g")),
            ("crm.error", json!(null)),
            ("crm.nothing", json!(null)),
        ] {
            assert_eq!(at(&fetched, path), value, "{path}");
        }
        let whole = at(&response(200, "x"), "crm");
        assert_eq!(whole, json!({ "status": 200, "text": "x", "headers": { "x-id": "7" } }));
    }

    #[test]
    fn what_is_no_success_is_an_error() {
        assert_eq!(at(&response(404, "{}"), "crm.error"), json!("it answered 404"));
        assert_eq!(at(&response(404, "{\"code\":1}"), "crm.json.code"), json!(1));
        let failed = Fetched::failed("nobody listens there");
        assert_eq!(at(&failed, "crm"), json!({ "error": "nobody listens there" }));
        assert_eq!(at(&failed, "crm.status"), json!(null));
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        for (status, passes) in [(200, false), (301, false), (404, false), (408, true), (429, true), (503, true)] {
            assert_eq!(response(status, "").is_passing(), passes, "{status}");
        }
        assert!(Fetched::failed("nobody listens there").is_passing());
        assert!(!Fetched::refused("the address is not public").is_passing());
    }
}
