//! Fields that stand in a rule and belong further in.

use super::super::actions::VERBS;
use super::super::read::CAN_HAVE;
use super::super::yaml::Node;
use crate::engine::diagnostic::Diagnostic;
use crate::engine::reply;

/// Says where the unknown fields of the rule at `node` belong, where that is certain.
pub(super) fn explain(node: &Node, found: &mut [Diagnostic]) {
    // Who is near a field of the rule has been told of that.
    let is_far = |one: &&mut Diagnostic| one.help.first().is_some_and(|help| help.starts_with(CAN_HAVE));
    for one in found.iter_mut().filter(|one| one.slug == "unknown-field").filter(is_far) {
        let key = node.entries().iter().map(|(key, _)| key).find(|key| key.span == one.span);
        if let Some(help) = key.and_then(|key| remedy(&key.text)) {
            one.help = help;
        }
    }
}

fn remedy(field: &str) -> Option<Vec<String>> {
    if VERBS.contains(&field) {
        return Some(vec![format!("it is an action: write `- {field}: …` below `do:`, indented")]);
    }
    if field.contains('.') {
        return Some(vec!["it is a condition: write it below `when:`, indented".into()]);
    }
    let below = "it belongs to the reply: write it below `respond:`, indented".to_owned();
    if reply::has_entry(field) {
        return Some(vec![below]);
    }
    reply::advice(field).map(|advice| vec![below, advice.to_owned()])
}
