//! What others say in a test: answers by patterns of what is asked.

use serde_json::{Value, json};

use super::words;
use super::world::{header_fields, object};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::question::{Fetched, Question, Response};
use crate::engine::request::Method;
use crate::engine::schema::{Definitions, Outline};
use crate::engine::source::read::{Anything, Field, Mapping, Spanned, read, written};
use crate::engine::source::yaml::{Key, Node};

/// An answer, and what it is an answer to.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// A method and a URL, in which `*` stands for anything.
    pattern: String,
    said: Said,
}

#[derive(Debug, Clone)]
enum Said {
    Nothing(String),
    Response(Response),
}

written! {
    #[derive(Debug)]
    #[serde(rename = "an answer")]
    struct AnswerSource {
        status: Option<Field<Spanned<u16>>> = "The status; 200 if nothing is said.",
        headers: Option<Node> as Mapping = "Header fields.",
        json: Option<Node> as Anything = "The body, as JSON.",
        text: Option<Field<Spanned<String>>> = "The body, as a text.",
        error: Option<Field<Spanned<String>>> = "Why there is no answer at all.",
    }
}

/// Answers by patterns of what is asked: a method and a URL.
pub(super) enum AnswersOutline {}

impl Outline for AnswersOutline {
    fn outline(defs: &mut Definitions) -> Value {
        let answer = AnswerSource::outline(defs);
        json!({ "type": "object", "propertyNames": { "pattern": " " }, "additionalProperties": answer })
    }
}

/// Reads `answers`, a mapping of patterns to answers.
pub(super) fn answers(node: &Node, found: &mut Vec<Diagnostic>) -> Vec<Answer> {
    object("answers", node, found);
    let mut answers = Vec::new();
    for (key, node) in node.entries() {
        let pattern = pattern(key, found);
        if let Some(source) = read::<AnswerSource>(node, "an answer", found) {
            one_thing(node, found);
            let said = source.said(found);
            answers.extend(pattern.map(|pattern| Answer { pattern, said }));
        }
    }
    answers
}

/// A method and a URL; `*` alone is any of them.
fn pattern(key: &Key, found: &mut Vec<Diagnostic>) -> Option<String> {
    const EXAMPLE: &str = "write for example `\"GET https://crm.example.com/*\": { json: { name: Ada } }`";
    let Some((method, url)) = key.text.split_once(' ') else {
        let message = format!("`{}` is not a method and a URL", key.text);
        found.push(Diagnostic::error("invalid-value", key.span, message).help(EXAMPLE));
        return None;
    };
    let (method, url) = (method.to_ascii_uppercase(), url.trim_start());
    if method != "*" && Method::named(&method.to_ascii_lowercase()).is_none() {
        let wrong = Diagnostic::error("unknown-value", key.span, format!("`{method}` is not a method"));
        found.push(wrong.suggest_or(&method, METHODS, format!("it can be `{}` or `*`", METHODS.join("`, `"))));
    }
    if !["https://", "http://", "*"].iter().any(|begin| url.starts_with(begin)) {
        let wrong = Diagnostic::error("bad-url", key.span, format!("`{url}` is not a URL: it begins with `https://`"));
        found.push(wrong.help(EXAMPLE));
    }
    Some(format!("{method} {url}"))
}

/// The methods with which somebody can be asked.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

impl AnswerSource {
    fn said(&self, found: &mut Vec<Diagnostic>) -> Said {
        self.check_status(found);
        if let Some(error) = self.error.as_ref().and_then(Field::get) {
            return Said::Nothing(error.value.clone());
        }
        let text = self.text.as_ref().and_then(Field::get).map(|text| text.value.clone());
        let json = self.json.as_ref().map(|json| json.to_json().to_string());
        let headers = self.headers.as_ref().map(|node| header_fields(node, found));
        Said::Response(Response {
            status: self.status.as_ref().and_then(Field::get).map_or(200, |status| status.value),
            headers: headers.unwrap_or_default(),
            body: text.or(json).unwrap_or_default().into(),
        })
    }

    fn check_status(&self, found: &mut Vec<Diagnostic>) {
        let status = self.status.as_ref().and_then(Field::get);
        if let Some(status) = status.filter(|status| !(200..600).contains(&status.value)) {
            let message = format!("no answer has the status {}", status.value);
            let wrong = Diagnostic::error("invalid-value", status.span, message);
            found.push(wrong.help("write one from 200 to 599: `status: 404`"));
        }
    }
}

/// An answer holds one thing; if nothing came, it holds none.
fn one_thing(node: &Node, found: &mut Vec<Diagnostic>) {
    let nothing = node.get("error").is_some();
    let one_of: &[&str] = if nothing { &["error", "json", "text", "status", "headers"] } else { &["json", "text"] };
    let mut given = one_of.iter().filter_map(|name| node.entries().iter().find(|(key, _)| key.text == *name));
    if let (Some((first, _)), Some((other, _))) = (given.next(), given.next()) {
        let message = if nothing {
            format!("`error` says that nothing came, so there is no `{}`", other.text)
        } else {
            "an answer holds `json` or `text`, not both".to_owned()
        };
        let wrong = Diagnostic::error("two-answers", other.span, message);
        found.push(wrong.note(first.span, "the other one is here").help("keep one of them"));
    }
}

/// What is said to `question`; nothing if nobody has thought of it.
pub(super) fn said(answers: &[Answer], question: &Question) -> Option<Fetched> {
    // Secrets stand in it as in a rule, or as in what `explain` shows.
    let asked = [words::asked(&question.request), question.request.title()];
    let answer = answers.iter().find(|answer| asked.iter().any(|asked| fits(&answer.pattern, asked)))?;
    Some(match &answer.said {
        Said::Nothing(why) => Fetched::failed(why.clone()),
        Said::Response(response) => Fetched::from(response.clone()),
    })
}

/// Whether `text` is what `pattern` says, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = rest.get(at + str::len(part)..).unwrap_or_default(),
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn an_asterisk_stands_for_anything() {
        for (pattern, text, is) in [
            ("GET https://a/", "GET https://a/", true),
            ("GET https://a/", "GET https://a/b", false),
            ("GET https://a/*", "GET https://a/", true),
            ("GET https://a/*", "GET https://a/b?c=d", true),
            ("* https://a/*/c", "POST https://a/b/c", true),
            ("* https://a/*/c", "POST https://a/b/d", false),
            ("*a*a", "a", false),
            ("*a*a", "aa", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }
}
