//! Makes requests to others of what stands in the YAML: for actions, and for what is asked before an answer.

use std::time::Duration;

use super::Workshop;
use super::names::{Names, Stage};
use super::read::{Field, Spanned};
use super::yaml::{Node, Yaml};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::outgoing::Content;
use crate::engine::request::{HeaderFault, IDEMPOTENCY_KEY, header_fault};
use crate::engine::template::Template;

/// The three ways to write what a request holds.
#[derive(Clone, Copy)]
pub(super) struct BodySource<'a> {
    pub(super) json: &'a Option<Node>,
    pub(super) form: &'a Option<Node>,
    pub(super) body: &'a Option<Node>,
}

/// Headers that hold nothing but credentials.
const CREDENTIALS: &[&str] =
    &["api-key", "apikey", "authorization", "proxy-authorization", "x-access-token", "x-api-key", "x-auth-token"];

/// A credential that is written out.
fn literal_credential(name: &str, value: &Node) -> Option<Diagnostic> {
    /// What is shorter is a word that stands for one, in an example.
    const LEN_MIN: usize = 12;
    let text = value.as_str().filter(|text| !text.contains("${"))?;
    let (scheme, credential) = text.rsplit_once(' ').unwrap_or(("", text));
    if !CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()) || credential.len() < LEN_MIN {
        return None;
    }
    let written = format!("{scheme} ${{secrets.crm}}");
    let found = Diagnostic::hint("literal-secret", value.span, format!("this `{name}` stands in the rule as it is"))
        .help(format!(
            "name it in `switchhook.yaml`, `secrets: {{ crm: {{ env: CRM_TOKEN }} }}`, and write `{name}: \"{}\"`",
            written.trim()
        ));
    Some(Diagnostic { sensitive: true, ..found })
}

impl Workshop<'_> {
    pub(super) fn content(&mut self, given: BodySource<'_>, names: &Names) -> Option<Content> {
        let given = [("json", given.json), ("form", given.form), ("body", given.body)];
        let mut given = given.into_iter().filter_map(|(name, node)| Some((name, node.as_ref()?)));
        let (name, node) = given.next()?;
        if let Some((other, second)) = given.next() {
            let message = format!("a request has one of `json`, `form` and `body`, not `{name}` and `{other}`");
            self.found.push(
                Diagnostic::error("two-actions", second.span, message)
                    .note(node.span, "the other one is here")
                    .help("keep the one that the other service reads"),
            );
        }
        match name {
            "json" => Some(Content::Json(self.template(node, names))),
            "form" => self.fields("`form`", node, names).map(Content::Form),
            _ => self.text("`body`", node, names).map(Content::Text),
        }
    }

    pub(super) fn headers(&mut self, node: Option<&Node>, names: &Names) -> Vec<(String, Template)> {
        let Some(node) = node else { return Vec::new() };
        for (key, _) in node.entries() {
            let name = key.text.to_ascii_lowercase();
            // What is asked has no key but its author's.
            let is_taken = name == IDEMPOTENCY_KEY && names.stage != Stage::Asking;
            let (message, help) = match header_fault(&name) {
                Some(HeaderFault::Taken) => (HeaderFault::Taken.of(&key.text), "remove it"),
                None if is_taken => (HeaderFault::Taken.of(&key.text), "remove it"),
                Some(HeaderFault::NoName) => {
                    (HeaderFault::NoName.of(&key.text), "a name is made of letters, digits and `-`")
                }
                None => continue,
            };
            self.found.push(Diagnostic::error("invalid-value", key.span, message).help(help));
        }
        self.found.extend(node.entries().iter().filter_map(|(key, value)| literal_credential(&key.text, value)));
        let headers = self.fields("`headers`", node, names).unwrap_or_default();
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
    }

    pub(super) fn at_most(&mut self, field: Option<&Field<Spanned<Duration>>>, most: Duration) -> Option<Duration> {
        let written = field.and_then(Field::get)?;
        if most < written.value {
            let message = format!("this can last for {} at most", words(most));
            self.found.push(Diagnostic::error("invalid-value", written.span, message));
        }
        Some(written.value)
    }

    pub(super) fn not_zero(&mut self, field: Option<&Field<Spanned<Duration>>>, message: &str, example: &str) {
        if let Some(written) = field.and_then(Field::get).filter(|written| written.value.is_zero()) {
            let help = format!("write for example `{example}`, or leave it out");
            self.found.push(Diagnostic::error("invalid-value", written.span, message).help(help));
        }
    }

    /// A mapping of names to texts.
    fn fields(&mut self, what: &str, node: &Node, names: &Names) -> Option<Vec<(String, Template)>> {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("{what} is a mapping of names to texts, not {}", node.describe());
            self.found.push(Diagnostic::error("wrong-type", node.span, message));
            return None;
        };
        let fields = entries.iter().filter_map(|(key, value)| {
            let name = format!("`{}`", key.text);
            Some((key.text.clone(), self.text(&name, value, names)?))
        });
        Some(fields.collect())
    }

    /// A text that may hold placeholders.
    pub(super) fn text(&mut self, what: &str, node: &Node, names: &Names) -> Option<Template> {
        if matches!(node.value, Yaml::List(_) | Yaml::Map(_) | Yaml::Null) {
            let message = format!("{what} is a text, not {}", node.describe());
            self.found.push(Diagnostic::error("wrong-type", node.span, message));
            return None;
        }
        Some(self.template(node, names))
    }
}

/// A time as authors write it, in its largest whole unit.
#[must_use]
pub fn words(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = units.into_iter().find(|(length, _)| millis.is_multiple_of(*length));
    let (length, unit) = unit.unwrap_or((1, "ms"));
    format!("{}{unit}", millis / length)
}

#[cfg(test)]
mod tests {
    use super::super::read::duration;
    use super::words;

    #[test]
    fn a_time_is_said_as_it_is_written() {
        for written in ["30d", "5m", "36h", "90s", "1500ms"] {
            assert_eq!(words(duration(written).unwrap()), written);
        }
    }
}
