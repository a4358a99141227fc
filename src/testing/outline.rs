//! How a test file looks.

use serde_json::{Value, json};

use super::world::TestSource;
use crate::engine::schema::{Definitions, Fields, Outline, both, document};
use crate::samples;

/// The JSON Schema of a test file.
#[must_use]
pub fn schema() -> Value {
    document("Tests of Switchhook's rules", |defs| {
        let test = both(
            TestSource::outline(defs),
            &json!({ "required": ["name"], "anyOf": [
            { "required": ["event"] }, { "required": ["steps"] },
        ], "not": { "required": ["expect", "steps"] } }),
        );
        let tests = json!({ "type": "array", "items": test });
        Fields::default().field("tests", "The tests, each behind a dash.", tests, false).closed()
    })
}

/// What may stand behind `event`.
pub(super) enum EventOutline {}

impl Outline for EventOutline {
    fn outline(_: &mut Definitions) -> Value {
        let samples = json!({ "enum": samples::names().collect::<Vec<_>>(), "description": "A sample." });
        let file = json!({ "type": "string", "pattern": r"\.json$", "description": "A file beside this one." });
        json!({ "anyOf": [samples, file, { "type": "object", "description": "The message itself." }] })
    }
}

/// Events of one call.
pub(super) enum Steps {}

impl Outline for Steps {
    fn outline(defs: &mut Definitions) -> Value {
        let step = both(TestSource::outline(defs), &json!({ "not": { "required": ["steps"] } }));
        json!({ "type": "array", "items": step })
    }
}
