//! A reply as it came over the wire, held against the contract by whoever is in Vapi's place.

use serde_json::Value;

use super::audio;
use super::check_wire;
use super::fault::{Fault, Step};
use crate::engine::kind::Kind;

/// Everything in which `body`, as Vapi would receive it, breaks the contract of `kind`; `calls` are the ids of the tool
/// calls of the message, in their order.
#[must_use]
pub fn check_body(kind: Kind, calls: &[&str], body: &[u8]) -> Vec<Fault> {
    if !kind.expects_reply() {
        return Vec::new();
    }
    if kind == Kind::VoiceRequest {
        let not_speech = audio::check(body).err();
        return not_speech.map(|it| Fault::new(&[], format!("the reply {}", it.message()))).into_iter().collect();
    }
    let reply = match serde_json::from_slice::<Value>(body) {
        Ok(reply) => reply,
        Err(error) => return vec![Fault::new(&[], format!("the reply is not JSON: {error}"))],
    };
    let mut faults = check_wire(kind, &reply);
    if let (Kind::ToolCalls, Some(Value::Array(results))) = (kind, reply.get("results")) {
        faults.extend(unasked(calls, results));
        faults.extend(unanswered(calls, results));
    }
    faults
}

/// Vapi finds the result of a call by its id alone, and drops what it has not asked for.
fn unasked(calls: &[&str], results: &[Value]) -> Vec<Fault> {
    let results = results.iter().enumerate().filter_map(|(at, result)| Some((at, id(result)?)));
    let strange = results.filter(|(_, id)| !calls.contains(id));
    let fault = |(at, id): (usize, &str)| {
        let path = [Step::Key("results".into()), Step::Item(at), Step::Key("toolCallId".into())];
        Fault::new(&path, format!("`results[{at}].toolCallId` is `{id}`, which is no call of this message"))
    };
    strange.map(fault).collect()
}

fn unanswered(calls: &[&str], results: &[Value]) -> Vec<Fault> {
    let answered: Vec<&str> = results.iter().filter_map(id).collect();
    let path = [Step::Key("results".into())];
    let missing = calls.iter().filter(|call| !answered.contains(call));
    let mut faults: Vec<Fault> =
        missing.map(|call| Fault::new(&path, format!("the tool call `{call}` has no result"))).collect();
    if faults.is_empty() && answered.len() == calls.len() && answered != calls {
        faults.push(Fault::new(&path, "the results stand in another order than the calls"));
    }
    faults
}

fn id(result: &Value) -> Option<&str> {
    result.get("toolCallId")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: Kind, calls: &[&str], body: &str) -> Vec<String> {
        check_body(kind, calls, body.as_bytes()).into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn each_call_is_answered_under_its_own_id_and_in_its_place() {
        let reply = |ids: &[&str]| {
            let result = |id: &&str| serde_json::json!({ "toolCallId": id, "name": "book", "result": "done" });
            serde_json::json!({ "results": ids.iter().map(result).collect::<Vec<_>>() }).to_string()
        };
        for (answered, expected) in [
            (&["a", "b"][..], &[][..]),
            (&["a"], &["the tool call `b` has no result"]),
            (&["b", "a"], &["the results stand in another order than the calls"]),
            (&["a", "b", "c"], &["`results[2].toolCallId` is `c`, which is no call of this message"]),
        ] {
            assert_eq!(faults(Kind::ToolCalls, &["a", "b"], &reply(answered)), expected);
        }
    }

    #[test]
    fn what_is_not_what_vapi_reads_is_told() {
        let not_json = faults(Kind::AssistantRequest, &[], "<html>");
        assert!(not_json.len() == 1 && not_json[0].starts_with("the reply is not JSON"), "{not_json:?}");
        assert_eq!(faults(Kind::StatusUpdate, &[], "<html>"), [""; 0]);
        assert_eq!(faults(Kind::CampaignPredial, &[], r#"{"eligible":true}"#), [""; 0]);
        assert_eq!(faults(Kind::CampaignPredial, &[], "{}").len(), 1);
        assert_eq!(faults(Kind::VoiceRequest, &[], "\u{1}\u{2}"), [""; 0]);
        let recording = faults(Kind::VoiceRequest, &[], "RIFF1234WAVE");
        assert_eq!(recording, ["the reply is a recording with a header, but must be bare samples"]);
    }
}
