//! Server messages to try rules with: one of every kind, and some of other shapes, written from the contract.

use serde_json::Value;

/// Each by its name, which is that of its kind, perhaps with a variant behind it: `tool-calls`, `tool-calls.two`.
const ALL: &[(&str, &str)] = &[
    ("api-request", include_str!("samples/events/api-request.json")),
    ("assistant-request", include_str!("samples/events/assistant-request.json")),
    ("assistant.speechStarted", include_str!("samples/events/assistant.speechStarted.json")),
    ("assistant.started", include_str!("samples/events/assistant.started.json")),
    ("call.artifact.upload", include_str!("samples/events/call.artifact.upload.json")),
    ("call.delete.failed", include_str!("samples/events/call.delete.failed.json")),
    ("call.deleted", include_str!("samples/events/call.deleted.json")),
    ("call.endpointing.request", include_str!("samples/events/call.endpointing.request.json")),
    ("campaign.archived", include_str!("samples/events/campaign.archived.json")),
    ("campaign.cancelled", include_str!("samples/events/campaign.cancelled.json")),
    ("campaign.ended", include_str!("samples/events/campaign.ended.json")),
    ("campaign.job.continued", include_str!("samples/events/campaign.job.continued.json")),
    ("campaign.predial", include_str!("samples/events/campaign.predial.json")),
    ("campaign.started", include_str!("samples/events/campaign.started.json")),
    ("campaign.unarchived", include_str!("samples/events/campaign.unarchived.json")),
    ("chat.created", include_str!("samples/events/chat.created.json")),
    ("chat.deleted", include_str!("samples/events/chat.deleted.json")),
    ("contact.completed", include_str!("samples/events/contact.completed.json")),
    ("contact.dispatched", include_str!("samples/events/contact.dispatched.json")),
    ("contact.failed", include_str!("samples/events/contact.failed.json")),
    ("contact.predial-failed", include_str!("samples/events/contact.predial-failed.json")),
    ("contact.skipped", include_str!("samples/events/contact.skipped.json")),
    ("conversation-update", include_str!("samples/events/conversation-update.json")),
    ("end-of-call-report", include_str!("samples/events/end-of-call-report.json")),
    ("function-call", include_str!("samples/events/function-call.json")),
    ("function-call-result", include_str!("samples/events/function-call-result.json")),
    ("function-call.parameters-text", include_str!("samples/events/function-call.parameters-text.json")),
    ("handoff-destination-request", include_str!("samples/events/handoff-destination-request.json")),
    ("hang", include_str!("samples/events/hang.json")),
    ("knowledge-base-request", include_str!("samples/events/knowledge-base-request.json")),
    ("language-change-detected", include_str!("samples/events/language-change-detected.json")),
    ("language-changed", include_str!("samples/events/language-changed.json")),
    ("metadata", include_str!("samples/events/metadata.json")),
    ("model-output", include_str!("samples/events/model-output.json")),
    ("phone-call-control", include_str!("samples/events/phone-call-control.json")),
    ("session.created", include_str!("samples/events/session.created.json")),
    ("session.deleted", include_str!("samples/events/session.deleted.json")),
    ("session.updated", include_str!("samples/events/session.updated.json")),
    ("simulation.run.ended", include_str!("samples/events/simulation.run.ended.json")),
    ("simulation.run.started", include_str!("samples/events/simulation.run.started.json")),
    ("speech-update", include_str!("samples/events/speech-update.json")),
    ("status-update", include_str!("samples/events/status-update.json")),
    ("tool-calls", include_str!("samples/events/tool-calls.json")),
    ("tool-calls-result", include_str!("samples/events/tool-calls-result.json")),
    ("tool-calls.arguments-text", include_str!("samples/events/tool-calls.arguments-text.json")),
    ("tool-calls.cut-arguments", include_str!("samples/events/tool-calls.cut-arguments.json")),
    ("tool-calls.flat-arguments", include_str!("samples/events/tool-calls.flat-arguments.json")),
    ("tool-calls.flat-parameters", include_str!("samples/events/tool-calls.flat-parameters.json")),
    ("tool-calls.function-parameters", include_str!("samples/events/tool-calls.function-parameters.json")),
    ("tool-calls.hook", include_str!("samples/events/tool-calls.hook.json")),
    ("tool-calls.tool-calls-only", include_str!("samples/events/tool-calls.tool-calls-only.json")),
    ("tool-calls.two-calls", include_str!("samples/events/tool-calls.two-calls.json")),
    ("tool-calls.with-tool-named-outside", include_str!("samples/events/tool-calls.with-tool-named-outside.json")),
    ("tool-calls.with-tool-only", include_str!("samples/events/tool-calls.with-tool-only.json")),
    ("tool-calls.without-arguments", include_str!("samples/events/tool-calls.without-arguments.json")),
    ("tool.completed", include_str!("samples/events/tool.completed.json")),
    ("transcript", include_str!("samples/events/transcript.json")),
    ("transcript.final-unsaid", include_str!("samples/events/transcript.final-unsaid.json")),
    ("transfer-destination-request", include_str!("samples/events/transfer-destination-request.json")),
    ("transfer-update", include_str!("samples/events/transfer-update.json")),
    ("user-interrupted", include_str!("samples/events/user-interrupted.json")),
    ("voice-input", include_str!("samples/events/voice-input.json")),
    ("voice-request", include_str!("samples/events/voice-request.json")),
    ("workflow.node.started", include_str!("samples/events/workflow.node.started.json")),
];

/// The message of this name, as Vapi would post it.
#[must_use]
pub fn named(name: &str) -> Option<Value> {
    let (_, text) = ALL.iter().find(|(known, _)| *known == name)?;
    serde_json::from_str(text).ok()
}

/// The names of all of them, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kind::Kind;

    #[test]
    fn there_is_one_of_every_kind() {
        for kind in Kind::ALL {
            let message = named(kind.name()).unwrap_or_else(|| panic!("there is no `{}`", kind.name()));
            let its = message.pointer("/message/type").or_else(|| message.get("type"));
            // An API's request has no type (contract, section 1).
            assert_eq!(its.and_then(Value::as_str).unwrap_or("api-request"), kind.name());
        }
        assert!(names().all(|name| named(name).is_some()));
    }
}
