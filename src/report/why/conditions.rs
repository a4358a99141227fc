//! Conditions as people read them: as their author wrote them, and what they saw.

use serde_json::Value;

use super::{Why, shown};
use crate::engine::Engine;
use crate::engine::diagnostic::Span;
use crate::engine::explanation::{ConditionSeen, RuleSeen, Seen};
use crate::engine::matcher::Ask;
use crate::engine::rule::RuleId;
use crate::report::clean;

impl Why<'_> {
    pub(super) fn wants(&self, rule: RuleId, missed: &ConditionSeen) -> String {
        let (place, condition) = self.condition(rule, missed);
        format!("wants `{}` ({place}), but {}", clean(&condition), self.seen(rule, missed))
    }

    /// Where a condition stands, and the line in which it does.
    pub(super) fn condition(&self, rule: RuleId, condition: &ConditionSeen) -> (String, String) {
        let span = self.rule(rule).and_then(|rule| rule.leaves.get(condition.leaf.0 as usize));
        let Some(span) = span else { return (String::new(), String::new()) };
        (self.place(*span), written(self.engine, *span))
    }

    /// The action that a condition is one of, if it is none of the rule itself.
    pub(super) fn action(&self, rule: RuleId, condition: &ConditionSeen) -> Option<&str> {
        let acts = &self.rule(rule)?.acts;
        acts.iter().find(|act| act.leaves.contains(&condition.leaf.0)).map(|act| &*act.name)
    }

    /// What a condition saw.
    pub(super) fn seen(&self, rule: RuleId, condition: &ConditionSeen) -> String {
        let own = self.rule(rule).into_iter().flat_map(|rule| rule.conditions.iter());
        let is_row = own.filter(|it| it.leaf == condition.leaf).any(|it| matches!(it.ask, Ask::Row(_)));
        match &condition.value {
            Some(Value::Null) => "it is absent".to_owned(),
            Some(value) => format!("it is {}", clean(&shown(&value.to_string()))),
            None if is_row && condition.holds => "a row of it fits".to_owned(),
            None if is_row => "no row of it fits".to_owned(),
            None if condition.holds => "it is so".to_owned(),
            None => "it is not so".to_owned(),
        }
    }
}

/// A condition as its author wrote it, what stands below it on the same line; of a lonely word, the line in which it stands.
#[must_use]
pub fn written(engine: &Engine, span: Span) -> String {
    let sources = engine.sources();
    let file = sources.file(span.file).map(|file| &*file.text).unwrap_or_default();
    let text = file.get(span.start as usize..span.end as usize).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.ends_with(':') {
        return shown(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let text =
        if first.contains([' ', ':']) { first } else { sources.line(span).trim_start().trim_start_matches("- ") };
    text.trim().to_owned()
}

/// The condition that decided that a rule missed.
pub(super) fn missed(seen: &RuleSeen) -> Option<&ConditionSeen> {
    let Seen::Missed(leaf) = seen.outcome else { return None };
    let own = seen.conditions.iter().find(|condition| condition.leaf == leaf && !condition.holds);
    own.or_else(|| seen.conditions.iter().find(|condition| !condition.holds))
}
