//! Paths that people often write although they lead nowhere, or not where they seem to.

use crate::engine::path::Segment;

/// What to say of a well-known mistake: the paths that begin like this, and the remedy.
///
/// Some come from Vapi's own pages, which show a caller's number at `call.from.phoneNumber`.
const MISTAKES: &[(&str, &str)] = &[
    ("message", "the envelope is already opened: leave `message` out and write `call.id`, `status`, …"),
    ("body", "the fields of the message are names of their own: write `call.id`, `status`, …"),
    ("call.from", "the caller's number is `customer.number`"),
    ("call.to", "the number that was called is `phoneNumber.number`"),
    ("call.phoneNumber", "the caller's number is `customer.number`, the one that was called `phoneNumber.number`"),
    ("call.customer.phone", "the caller's number is `customer.number`"),
    ("call.customer.phoneNumber", "the caller's number is `customer.number`"),
    ("call.caller", "the caller's number is `customer.number`"),
    ("caller", "the caller's number is `customer.number`"),
    ("from", "the caller's number is `customer.number`"),
    ("to", "the number that was called is `phoneNumber.number`"),
    ("customer.phone", "the caller's number is `customer.number`"),
    ("customer.phoneNumber", "the caller's number is `customer.number`"),
    ("phoneNumber.phone", "the number that was called is `phoneNumber.number`"),
    ("phoneNumber.phoneNumber", "the number that was called is `phoneNumber.number`"),
    ("call.status", "it stays what it was when the call was made: use `status` of a `status-update`"),
    ("call.updatedAt", "it stays what it was when the call was made: use `timestamp`"),
    ("call.ended", "use a `status-update` whose `status` is `ended`, or the `end-of-call-report`"),
    ("callId", "it is `call.id`"),
    ("call_id", "it is `call.id`"),
    ("call.duration", "it is `durationSeconds` of an `end-of-call-report`"),
    ("duration", "it is `durationSeconds` of an `end-of-call-report`"),
    ("call.transcript", "it is `artifact.transcript` of an `end-of-call-report`"),
    ("call.summary", "it is `analysis.summary` of an `end-of-call-report`"),
    ("call.recordingUrl", "it is `artifact.recordingUrl` of an `end-of-call-report`"),
    ("call.controlUrl", "it is `call.monitor.controlUrl`"),
    ("call.listenUrl", "it is `call.monitor.listenUrl`"),
    ("monitor", "it is `call.monitor`"),
    ("structuredData", "it is `analysis.structuredData` of an `end-of-call-report`"),
    ("successEvaluation", "it is `analysis.successEvaluation` of an `end-of-call-report`"),
    ("analysis.structuredOutputs", "it is `artifact.structuredOutputs`"),
    ("structuredOutputs", "it is `artifact.structuredOutputs`"),
    ("variableValues", "it is `call.assistantOverrides.variableValues`, or `artifact.variableValues` at the end"),
    (
        "metadata",
        "it comes back where it was set: `call.metadata`, `call.assistantOverrides.metadata` or `assistant.metadata`",
    ),
    ("functionCall.arguments", "it is `functionCall.parameters`; `args` works for every tool call"),
    ("toolCall", "a tool call is `tool.name`, `tool.id` and `args`"),
    ("tool_calls", "a tool call is `tool.name`, `tool.id` and `args`"),
    ("tool.arguments", "the arguments are `args`"),
    ("tool.parameters", "the arguments are `args`"),
];

/// The remedy for a path that is a well-known mistake, whether it leads nowhere (`call.from`) or to a
/// field that is not what it seems (`call.status`). Names of the rule's own (`let`, `fetch`) come first:
/// ask only for paths that start at none of them.
#[must_use]
pub fn wrong_turns(path: &[Segment]) -> Option<&'static str> {
    MISTAKES.iter().find(|(mistake, _)| begins_like(path, mistake)).map(|(_, remedy)| *remedy)
}

/// Whether `path` begins with the names in `mistake`. Every path of every rule is held against every mistake.
fn begins_like(path: &[Segment], mistake: &str) -> bool {
    let mut rest = mistake;
    for segment in path {
        let Segment::Key(name) = segment else { return false };
        let Some(after) = rest.strip_prefix(&**name) else { return false };
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None => return after.is_empty(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::{Verdict, look_up};
    use crate::engine::kind::Kind;
    use crate::engine::path::Path;

    fn remedy(path: &str) -> Option<&'static str> {
        wrong_turns(Path::parse(path).unwrap().segments())
    }

    #[test]
    fn well_known_mistakes_are_recognised_by_how_they_begin() {
        assert_eq!(remedy("call.from.phoneNumber"), Some("the caller's number is `customer.number`"));
        assert_eq!(remedy("message.call.id"), remedy("message"));
        assert!(remedy("call.status").is_some_and(|remedy| remedy.contains("status-update")));
        assert!(remedy("call.phoneNumber").is_some() && remedy("phoneNumber.phone").is_some());
        for right in ["call.id", "call.phoneNumberId", "customer.number", "call", "status", "call.metadata.from"] {
            assert_eq!(remedy(right), None, "{right}");
        }
    }

    #[test]
    fn every_remedy_names_a_field_that_exists_or_a_name_in_scope() {
        for (mistake, remedy) in MISTAKES {
            let exists = |name: &str| {
                let path = Path::parse(name).map(|path| path.segments().to_vec()).unwrap_or_default();
                let known = |kind: &Kind| look_up(*kind, &path) == Verdict::Known;
                !path.is_empty() && (Kind::ALL.iter().any(known) || ["tool", "args"].contains(&path_root(&path)))
            };
            let named: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
            assert!(named.iter().any(|name| exists(name)), "{mistake}: {remedy}");
        }
    }

    fn path_root(path: &[Segment]) -> &str {
        match path.first() {
            Some(Segment::Key(name)) => name,
            _ => "",
        }
    }
}
