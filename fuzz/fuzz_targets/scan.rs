//! Whether a body is read as `serde_json` reads it, whatever is in it: the same values at the same places, the same kind,
//! and refused if it is no JSON and all of it is looked at.
//!
//! ```console
//! $ cargo fuzz run --sanitizer none scan fuzz/corpus/scan src/samples/events
//! ```

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use switchhook::engine::event::{Event, EventError, Slot, Wanted, WantedBuilder};
use switchhook::engine::json::Val;
use switchhook::engine::kind::KindSet;
use switchhook::engine::path::{Path, Segment};

/// What is looked for, below a message: on short ways and long ones, in objects and lists, before and behind one another.
const PATHS: [&str; 16] = [
    "it.type",
    "it.timestamp",
    "it.call",
    "it.call.id",
    "it.call.monitor.controlUrl",
    "it.customer.number",
    "it.phoneNumber.number",
    "it.status",
    "it.endedReason",
    "it.analysis.summary",
    "it.artifact.messages[0].role",
    "it.artifact.messages[-1].message",
    "it.artifact.messages[2]",
    "it.toolCallList[0].function.arguments",
    "it.a.b",
    "it.a[1][0]",
];

/// What some rules want, and where it is found.
struct Wishes {
    wanted: Wanted,
    places: Vec<(Path, Slot)>,
}

static SOME: LazyLock<Wishes> = LazyLock::new(|| {
    let mut builder = WantedBuilder::new();
    let place = |path: &str| {
        let path = Path::parse(path).expect("a path");
        let slot = builder.want(KindSet::ALL, path.rest());
        (path, slot)
    };
    let places = PATHS.map(place).into();
    Wishes { wanted: builder.build(), places }
});

/// What somebody wants who looks at the whole message.
static ALL: LazyLock<Wanted> = LazyLock::new(|| {
    let mut builder = WantedBuilder::new();
    builder.want(KindSet::ALL, &[]);
    builder.build()
});

fuzz_target!(|body: &[u8]| {
    let (some, all) = (Event::scan(body.to_vec(), &SOME.wanted), Event::scan(body.to_vec(), &ALL));
    if let Ok(tree) = serde_json::from_slice::<Value>(body) {
        hold_against(&tree, &all);
        if let Some((event, message)) = hold_against(&tree, &some) {
            SOME.places.iter().for_each(|(path, slot)| look(event, message, path, slot));
        }
        return;
    }
    // What a tree cannot hold, half a surrogate pair or `1e999`, may be read all the same.
    let is_json = str::from_utf8(body).is_ok_and(|body| serde_json::from_str::<IgnoredAny>(body).is_ok());
    match all {
        Ok(_) | Err(EventError::NotAnObject | EventError::NoType) => assert!(is_json, "it is no JSON and was read"),
        Err(EventError::NotUtf8 { .. } | EventError::NotJson { .. }) => assert!(!is_json, "it is JSON and was refused"),
        Err(EventError::TooDeep { .. } | EventError::TooManyToolCalls { .. }) => {}
    }
});

/// Holds what became of a body against its tree; returns the event and its message, if it is one.
fn hold_against<'a>(tree: &'a Value, found: &'a Result<Event, EventError>) -> Option<(&'a Event, &'a Value)> {
    let envelope = tree.get("message").filter(|inner| inner.is_object());
    let message = envelope.unwrap_or(tree);
    let kind = message.get("type").and_then(Value::as_str);
    let event = match found {
        Ok(event) => event,
        Err(error) => {
            match error {
                EventError::NotAnObject => assert!(!tree.is_object(), "it is an object"),
                EventError::NoType => assert!(envelope.is_some() && kind.is_none(), "it has a type"),
                EventError::TooManyToolCalls { .. } | EventError::TooDeep { .. } => {}
                EventError::NotUtf8 { .. } | EventError::NotJson { .. } => {
                    panic!("it is JSON and was refused: {error}")
                }
            }
            return None;
        }
    };
    assert!(tree.is_object() && (envelope.is_none() || kind.is_some()), "it is no message and was read");
    let name = match kind {
        Some(r#"transcript[transcriptType="final"]"#) => "transcript",
        Some(kind) => kind,
        None => "api-request",
    };
    assert_eq!(event.kind().name(), name);
    assert_eq!(event.whole().to_value(), *message);
    Some((event, message))
}

/// Looks at one place of a message. A null is as good as nothing there.
fn look(event: &Event, message: &Value, path: &Path, slot: &Slot) {
    let there = path.rest().iter().try_fold(message, step).filter(|value| !value.is_null()).cloned();
    let found = match event.get(slot) {
        Val::Json(json) => Some(json.to_value()).filter(|value| !value.is_null()),
        _ => None,
    };
    assert_eq!(found, there, "{path:?}");
}

fn step<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Key(key) => value.get(&**key),
        Segment::Index(index) => {
            let items = value.as_array()?;
            let at = if *index < 0 { items.len().checked_sub(index.unsigned_abs() as usize)? } else { *index as usize };
            items.get(at)
        }
    }
}
