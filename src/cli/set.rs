//! `--set path=value`: values that a command line puts into an event.

use serde_json::{Map, Value};

use crate::engine::diagnostic::Sources;
use crate::engine::source::yaml;

/// The values by their paths.
pub(super) fn values(pairs: &[String]) -> Result<Map<String, Value>, String> {
    let split = |pair: &String| {
        let (path, value) =
            pair.split_once('=').ok_or_else(|| format!("`--set {pair}`: write it as `--set customer.number=+1555`"))?;
        Ok((path.trim().to_owned(), of(value)))
    };
    pairs.iter().map(split).collect()
}

/// What is no number, no `true`, `false` or `null`, and does not stand in brackets or quotes, is a text as it stands: a
/// shell has its own quotes, and `--set transcript="No: never"` means what it says.
fn of(written: &str) -> Value {
    let json = || serde_json::from_str(written).ok();
    let flow = || {
        let (mut sources, mut found) = (Sources::default(), Vec::new());
        let node = yaml::parse(sources.add("value", written), written, &mut found);
        node.filter(|_| found.is_empty()).map(|node| node.to_json())
    };
    let value = json().or_else(|| written.starts_with(['{', '[', '"', '\'']).then(flow).flatten());
    value.unwrap_or_else(|| written.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_what_it_looks_like() {
        for (written, value) in [
            ("+15550100", json!("+15550100")),
            ("7", json!(7)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("", json!("")),
            ("No: never # ever", json!("No: never # ever")),
            ("\"7\"", json!("7")),
            ("'7'", json!("7")),
            ("[1, a]", json!([1, "a"])),
            ("{ a: { b: 1 } }", json!({ "a": { "b": 1 } })),
            ("{\"a\":1}", json!({ "a": 1 })),
            ("[not closed", json!("[not closed")),
            ("{{name}}", json!("{{name}}")),
        ] {
            assert_eq!(of(written), value, "{written}");
        }
    }

    #[test]
    fn the_first_sign_ends_the_path() {
        assert_eq!(values(&["a.b=c=d".to_owned()]), Ok(json!({ "a.b": "c=d" }).as_object().unwrap().clone()));
        assert!(values(&["a".to_owned()]).unwrap_err().contains("write it as"));
    }
}
