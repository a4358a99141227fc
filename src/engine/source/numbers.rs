//! Telephone numbers that a call is sent to.

use super::Workshop;
use super::rule::answer::span_of;
use super::yaml::Node;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::reply::Step;
use crate::engine::template::{Constant, Template};

impl Workshop<'_> {
    /// Warns of a number without its country in the `destination` of what stands at `node`, of which `template` was
    /// made: Vapi refuses it unless it is told not to look (contract, section 5).
    pub(super) fn check_destination(&mut self, node: &Node, template: &Template) {
        let Some(destination) = entry(template, "destination") else { return };
        let is_unchecked = entry(destination, "numberE164CheckEnabled").is_some();
        if is_unchecked || text(destination, "type") != Some("number") {
            return;
        }
        let Some(number) = text(destination, "number").filter(|number| !is_international(number)) else { return };
        let path = [Step::Key("destination".into()), Step::Key("number".into())];
        let message = format!("`{number}` is no number in the international form, which Vapi wants");
        self.found.push(
            Diagnostic::warning("local-number", span_of(node, &path, false), message)
                .help("write `+`, the country and the number without blanks: `+4930123456`")
                .help("if your own carrier takes it as it is, add `numberE164CheckEnabled: false`"),
        );
    }
}

/// Whether a number is as E.164 has it, or filled in by Vapi.
fn is_international(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && (7..=15).contains(&digits.len());
    is_number || number.contains("{{")
}

fn entry<'t>(template: &'t Template, name: &str) -> Option<&'t Template> {
    let Template::Map(entries) = template else { return None };
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A text that is known when the rules are loaded.
fn text<'t>(template: &'t Template, name: &str) -> Option<&'t str> {
    match entry(template, name)? {
        Template::Constant(Constant::Text(text)) => Some(text),
        _ => None,
    }
}
