//! `conditions.yaml`: what holds for which events, and when.

use serde_json::{Value, json};
use switchhook::engine::Engine;
use switchhook::engine::decision::Considered;

use super::{World, decide, engine_of, message, table};

/// Most conditions are about messages of this kind, which knows many fields and waits for no reply.
const USUAL_KIND: &str = "end-of-call-report";

/// A condition and the messages that it is tried on.
struct Case {
    written: Value,
    kind: String,
    engine: Engine,
}

impl Case {
    fn new(written: Value) -> Case {
        let kind = written["kind"].as_str().unwrap_or(USUAL_KIND).to_owned();
        let mut rule = json!({ "name": "case", "on": kind });
        for field in ["when", "if", "let"] {
            if let Some(value) = written.get(field) {
                rule[field] = value.clone();
            }
        }
        let mut rules = json!({ "rules": [rule] });
        if let Some(vars) = written.get("vars") {
            rules["vars"] = vars.clone();
        }
        let engine = engine_of(&rules);
        Case { written, kind, engine }
    }

    /// The items of one of the case's lists.
    fn list(&self, key: &str) -> Vec<Value> {
        self.written[key].as_array().cloned().unwrap_or_default()
    }

    fn holds(&self, fields: &Value, facts: &Value) -> bool {
        let (_, decision, _) = decide(&self.engine, &message(&self.kind, fields), &World::of(facts));
        assert!(decision.faults.is_empty(), "{:?} in {}", decision.faults, self.written);
        decision.trace.0.iter().any(|(_, considered)| *considered == Considered::Matched)
    }
}

#[test]
fn conditions_hold_for_what_they_say_and_for_nothing_else() {
    let mut wrong = Vec::new();
    for case in table("conditions.yaml").into_iter().map(Case::new) {
        for (key, expected) in [("holds", true), ("misses", false)] {
            let messages = case.list(key).into_iter().map(|fields| (fields, json!({})));
            let times = case.list(&format!("{key}_at")).into_iter().map(|at| (json!({}), json!({ "now": at })));
            for (fields, facts) in messages.chain(times) {
                if case.holds(&fields, &facts) != expected {
                    wrong.push(format!("{} for {fields} {facts}", case.written));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_condition_is_tried_on_both_sides() {
    for case in table("conditions.yaml").into_iter().map(Case::new) {
        let tried = |key: &str| case.list(key).len() + case.list(&format!("{key}_at")).len();
        assert!(tried("holds") > 0 && tried("misses") > 0, "{}", case.written);
    }
}
