//! What others say in a test: answers by patterns of what is asked.

use serde::Deserialize;
use serde_json::Value;

use crate::engine::diagnostic::Diagnostic;
use crate::engine::question::{Fetched, Question, Response};
use crate::engine::source::read::{Field, read};
use crate::engine::source::yaml::Node;

/// An answer, and what it is an answer to.
#[derive(Debug)]
pub(super) struct Answer {
    /// A method and a URL, in which `*` stands for anything.
    pattern: String,
    said: Said,
}

#[derive(Debug)]
enum Said {
    Nothing(String),
    Response(Response),
}

#[derive(Debug, Deserialize)]
#[serde(rename = "an answer")]
struct AnswerSource {
    status: Option<Field<u16>>,
    headers: Option<Node>,
    json: Option<Node>,
    text: Option<Field<String>>,
    error: Option<Field<String>>,
}

/// Reads `answers`, a mapping of patterns to answers.
pub(super) fn answers(node: &Node, found: &mut Vec<Diagnostic>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (key, node) in node.entries() {
        if !key.text.contains(' ') {
            let message = format!("`{}` is not a method and a URL", key.text);
            let help = "write for example `\"GET https://crm.example.com/*\": { json: { name: Ada } }`";
            found.push(Diagnostic::error("invalid-value", key.span, message).help(help));
        }
        if let Some(source) = read::<AnswerSource>(node, "an answer", found) {
            answers.push(Answer { pattern: key.text.clone(), said: source.said() });
        }
    }
    answers
}

impl AnswerSource {
    fn said(&self) -> Said {
        if let Some(error) = self.error.as_ref().and_then(Field::get) {
            return Said::Nothing(error.clone());
        }
        let text = self.text.as_ref().and_then(Field::get).cloned();
        let json = self.json.as_ref().map(|json| json.to_json().to_string());
        let headers = self.headers.as_ref().map(Node::to_json).and_then(|headers| match headers {
            Value::Object(headers) => Some(headers),
            _ => None,
        });
        Said::Response(Response {
            status: self.status.as_ref().and_then(Field::get).copied().unwrap_or(200),
            headers: headers.unwrap_or_default().into_iter().map(lower).collect(),
            body: text.or(json).unwrap_or_default().into(),
        })
    }
}

fn lower((name, value): (String, Value)) -> (String, Value) {
    (name.to_ascii_lowercase(), value)
}

/// What is said to `question`; nothing if nobody has thought of it.
pub(super) fn said(answers: &[Answer], question: &Question) -> Option<Fetched> {
    let asked = question.request.title();
    let answer = answers.iter().find(|answer| fits(&answer.pattern, &asked))?;
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
