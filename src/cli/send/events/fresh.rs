//! A message as one of a call that never was: with new ids, and of now.
//!
//! By its ids a daemon knows what has come before, and answers it as then (contract, section 7).

use aws_lc_rs::rand;
use serde_json::Value;

use crate::clock::Clock;

/// Where the ids stand by which an event is known again.
const IDS: &[&str] = &["/call/id", "/chat/id", "/session/id", "/contact/id", "/simulationRunItemId"];
/// Lists of tool calls, and where each has its id.
const CALLS: &[(&str, &str)] =
    &[("/toolCallList", "/id"), ("/toolCalls", "/id"), ("/toolWithToolCallList", "/toolCall/id")];
/// The id of what a hook calls. It is always this one, and never stands for one call (contract, section 4).
const OF_HOOKS: &str = "hook-function-call";
/// An id that is as long as this one stands for nothing else, and is replaced inside of other texts, such as addresses.
const LONG: usize = 16;
/// What takes the place of a letter.
const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The event with new ids and a new time.
pub(super) fn fresh(event: &Value) -> Value {
    let mut event = event.clone();
    let message = if event.get("message").is_some() { "/message" } else { "" };
    for old in ids(event.pointer(message).unwrap_or(&Value::Null)) {
        replace(&mut event, &old, &id(&old));
    }
    if let Some(timestamp) = event.pointer_mut(&format!("{message}/timestamp")).filter(|it| it.is_number()) {
        *timestamp = Clock::now().as_millisecond().into();
    }
    event
}

/// The ids of a message, each once.
fn ids(message: &Value) -> Vec<String> {
    let in_lists = CALLS.iter().flat_map(|(list, id)| {
        let calls = message.pointer(list).and_then(Value::as_array).into_iter().flatten();
        calls.filter_map(move |call| call.pointer(id))
    });
    let ids = IDS.iter().filter_map(|id| message.pointer(id)).chain(in_lists).filter_map(Value::as_str);
    let mut ids: Vec<String> = ids.filter(|id| !id.is_empty() && *id != OF_HOOKS).map(ToOwned::to_owned).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Puts `new` wherever `old` stands.
fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text == old => new.clone_into(text),
        Value::String(text) if LONG <= old.len() && text.contains(old) => *text = text.replace(old, new),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, old, new)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| replace(entry, old, new)),
        _ => {}
    }
}

/// A new id that looks like `old`: a UUID, or what stands behind the same beginning (`call_`).
pub(in crate::cli::send) fn id(old: &str) -> String {
    let is_hex = old.chars().all(|c| c == '-' || (c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
    let kept = old.find('_').map_or(0, |at| at + 1);
    let letters = if is_hex { LETTERS.get(..16).unwrap_or(LETTERS) } else { LETTERS };
    let mut bytes = vec![0; old.len()];
    // Without chance the ids stay what they are: the daemon takes it for a repeated delivery.
    if rand::fill(&mut bytes).is_err() {
        return old.to_owned();
    }
    let renewed = old.char_indices().zip(bytes).map(|((at, c), byte)| match c {
        c if at < kept || !c.is_ascii_alphanumeric() => c,
        // The version of a UUID.
        c if is_hex && at == 14 => c,
        _ => letters.get(usize::from(byte) % letters.len()).map_or(c, |letter| char::from(*letter)),
    });
    renewed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn an_event_is_of_another_call_each_time() {
        let sample = samples::named("tool-calls").unwrap();
        let (one, other) = (fresh(&sample), fresh(&sample));
        for pointer in ["/message/call/id", "/message/toolCallList/0/id", "/message/call/monitor/controlUrl"] {
            assert_ne!(one.pointer(pointer), sample.pointer(pointer), "{pointer}");
            assert_ne!(one.pointer(pointer), other.pointer(pointer), "{pointer}");
        }
        let same =
            ["/message/toolCallList/0/id", "/message/toolCalls/0/id", "/message/toolWithToolCallList/0/toolCall/id"];
        assert!(same.iter().all(|it| one.pointer(it).is_some() && one.pointer(it) == one.pointer(same[0])));
        assert!(
            one["message"]["call"]["monitor"]["controlUrl"]
                .as_str()
                .unwrap()
                .contains(one["message"]["call"]["id"].as_str().unwrap())
        );
        assert_eq!(one["message"]["call"]["customer"], sample["message"]["call"]["customer"]);
    }

    #[test]
    fn what_a_hook_calls_keeps_its_id() {
        let sample = samples::named("tool-calls.hook").unwrap();
        assert_eq!(fresh(&sample)["message"]["toolCallList"][0]["id"], OF_HOOKS);
    }

    #[test]
    fn a_new_id_looks_like_the_old_one() {
        let uuid = id("019a3f52-8c1e-7d40-b6a9-2f5e81c7d093");
        assert!(uuid.len() == 36 && uuid.matches('-').count() == 4 && uuid.chars().nth(14) == Some('7'), "{uuid}");
        assert!(id("call_Vx4mQ81LtRbzKc0e").starts_with("call_"));
        assert_eq!(id("call_51kj").len(), 9);
    }
}
