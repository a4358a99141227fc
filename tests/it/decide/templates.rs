//! `templates.yaml`: what stands between `${` and `}`, and what becomes of it.

use serde_json::{Value, json};

use super::{World, decide, engine_of, message, table};

/// The value that a case's template becomes. An api-request may be answered by anything, and have any field.
fn rendered(case: &Value) -> Value {
    let mut rule = json!({ "name": "case", "on": "api-request", "respond": { "value": case["template"] } });
    if let Some(lets) = case.get("let") {
        rule["let"] = lets.clone();
    }
    let mut rules = json!({ "rules": [rule] });
    if let Some(vars) = case.get("vars") {
        rules["vars"] = vars.clone();
    }
    let (_, decision, _) = decide(&engine_of(&rules), &message("api-request", &case["event"]), &World::of(case));
    assert!(decision.faults.is_empty(), "{:?} in {case}", decision.faults);
    decision.reply.to_json()["value"].clone()
}

#[test]
fn placeholders_become_values() {
    let mut wrong = Vec::new();
    for case in table("templates.yaml") {
        let value = rendered(&case);
        if value != case["value"] {
            wrong.push(format!("{value} of {case}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
