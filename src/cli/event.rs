//! Events that a command line names: samples, and files as Vapi posts them.

use std::path::Path;

use serde_json::Value;

use crate::engine::diagnostic::closest;
use crate::load;
use crate::samples;

/// The event in a file.
pub(super) fn in_file(file: &Path) -> Result<Value, String> {
    let text = load::read(file).map_err(|error| error.told("name a file with the event as Vapi posts it"))?;
    match serde_json::from_str(&text) {
        Ok(event @ Value::Object(_)) => Ok(event),
        Ok(_) => Err(format!("`{}` holds no event, which is a JSON object", load::shown(file))),
        Err(error) => Err(format!("`{}` holds no event: it is no JSON: {error}", load::shown(file))),
    }
}

/// The sample of a kind; `otherwise` is what to do where there is none of a similar name.
pub(super) fn sample(kind: &str, otherwise: &str) -> Result<Value, String> {
    samples::named(kind).ok_or_else(|| {
        let near = closest(kind, samples::names()).map(|near| format!("did you mean `{near}`?"));
        format!("there is no sample of `{kind}`; {}", near.as_deref().unwrap_or(otherwise))
    })
}
