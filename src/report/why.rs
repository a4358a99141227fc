//! Why a decision came out as it did, as people and programs read it.

mod conditions;

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::conditions::missed;
pub use self::conditions::written;
use super::{Paint, clean, cut};
use crate::engine::Engine;
use crate::engine::action::Action;
use crate::engine::decision::Decision;
use crate::engine::diagnostic::Span;
use crate::engine::event::Event;
use crate::engine::explanation::{ConditionSeen, Explanation, RuleSeen, Seen};
use crate::engine::question::{Fetched, Question};
use crate::engine::reply::Reply;
use crate::engine::rows::Row;
use crate::engine::rule::{Answer, Rule, RuleId};

/// How much of a value is shown to people.
const SHOWN_MAX: usize = 120;

/// A decision and what was seen on the way to it.
pub struct Why<'a> {
    /// Who decided.
    pub engine: &'a Engine,
    /// What was decided.
    pub decision: &'a Decision,
    /// What was seen.
    pub explanation: &'a Explanation,
}

impl Why<'_> {
    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let Decision { reply, actions, faults, logs, state, answered_by, .. } = self.decision;
        let faults = faults
            .iter()
            .map(|it| json!({ "rule": self.name(it.rule), "place": it.place.to_string(), "message": it.message }));
        json!({
            "answered_by": answered_by.map(|id| self.name(id)),
            "row": self.row().map(|row| json!({ "number": row.number, "place": self.place(row.span) })),
            "reply": reply.to_json(),
            "made": self.explanation.made,
            "rules": self.explanation.rules.iter().map(|rule| self.rule_json(rule)).collect::<Value>(),
            "nearest_miss": self.nearest_miss().map(|rule| self.name(rule.rule)),
            "asked": self.explanation.asked.iter().map(asked_json).collect::<Value>(),
            "actions": actions.iter().map(action_json).collect::<Value>(),
            "faults": faults.collect::<Value>(),
            "logs": logs.iter().map(|line| line.text.as_str()).collect::<Value>(),
            "state": state.as_deref(),
        })
    }

    fn rule_json(&self, seen: &RuleSeen) -> Value {
        let conditions = seen.conditions.iter().map(|condition| {
            let (place, text) = self.condition(seen.rule, condition);
            let ConditionSeen { holds, value, .. } = condition;
            let action = self.action(seen.rule, condition);
            json!({ "place": place, "condition": text, "action": action, "holds": holds, "value": value })
        });
        let values = self.values(seen).map(|(name, value)| match value {
            Ok(value) => (name.to_owned(), value.clone()),
            Err(why) => (name.to_owned(), json!({ "failed": why })),
        });
        json!({
            "rule": self.name(seen.rule),
            "place": self.rule(seen.rule).map(|rule| rule.place.to_string()),
            "outcome": self.outcome(seen),
            "conditions": conditions.collect::<Value>(),
            "values": Value::Object(values.collect()),
            "began_us": seen.began.map(micros), "ended_us": seen.ended.map(micros),
        })
    }

    /// For people; `colour` is for a terminal.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let paint = Paint(colour);
        let mut text = String::new();
        // A text has room for everything.
        let _ = match self.decision.answered_by {
            Some(id) => writeln!(text, "answered by {}{}", paint.bold(&self.name(id)), self.of_row()),
            None if self.decision.refused_arguments => {
                writeln!(text, "the arguments do not fit the tool's schema; no rule was asked")
            }
            None => writeln!(text, "{}", self.unanswered()),
        };
        if let Some(near) = self.nearest_miss() {
            text += &self.nearest(near, paint);
        }
        text += "\nrules\n";
        for seen in &self.explanation.rules {
            text += &self.rule_text(seen, paint);
        }
        if !self.explanation.asked.is_empty() {
            text += "\nasked\n";
            for (question, fetched) in &self.explanation.asked {
                let _ = writeln!(text, "  {}: {}", asked(question), clean(&came(fetched)));
            }
        }
        text += &self.consequences(paint);
        text
    }

    /// Why no rule has answered, where none had to.
    fn unanswered(&self) -> String {
        if self.decision.reply != Reply::Nothing {
            return "no rule answered".to_owned();
        }
        let matched = self.explanation.rules.iter().filter(|seen| seen.outcome == Seen::Matched);
        let names: Vec<String> = matched.map(|seen| format!("`{}`", self.name(seen.rule))).collect();
        match names.as_slice() {
            [] => "nobody waits for a reply to this, and no rule matches it".to_owned(),
            [one] => format!("nobody waits for a reply to this; {one} acts"),
            several => format!("nobody waits for a reply to this; {} act", several.join(", ")),
        }
    }

    fn consequences(&self, paint: Paint) -> String {
        let mut text = format!("\nreply\n  {}\n", self.decision.reply.to_json());
        let made = self.explanation.made.as_ref().filter(|made| **made != self.decision.reply.to_json());
        if let Some(made) = made.filter(|_| self.decision.answered_by.is_some()) {
            let _ = writeln!(text, "  {}", paint.faint(&format!("made of {}", shown(&made.to_string()))));
        }
        for (number, action) in self.decision.actions.iter().enumerate() {
            text += if number == 0 { "\nactions\n" } else { "" };
            let _ = writeln!(text, "  {}: {}", action.name, clean(&request(action)));
        }
        for (number, fault) in self.decision.faults.iter().enumerate() {
            text += if number == 0 { "\nfaults\n" } else { "" };
            let _ = writeln!(text, "  {}: {}", fault.place, clean(&fault.message));
        }
        for (number, line) in self.decision.logs.iter().enumerate() {
            text += if number == 0 { "\nlog\n" } else { "" };
            let _ = writeln!(text, "  {}", clean(&line.text));
        }
        if let Some(state) = &self.decision.state {
            let _ = write!(text, "\nstate\n  {}\n", Value::Object(Map::clone(state)));
        }
        text
    }

    fn nearest(&self, near: &RuleSeen, paint: Paint) -> String {
        let Some(missed) = missed(near) else { return String::new() };
        format!("nearest miss: {} {}\n", paint.bold(&self.name(near.rule)), self.wants(near.rule, missed))
    }

    /// What kept a rule from answering this event; nothing if it did answer.
    #[must_use]
    pub fn kept_from_answering(&self, id: RuleId, event: &Event) -> Option<String> {
        let name = format!("`{}`", self.name(id));
        let first = match self.decision.answered_by {
            Some(first) if first == id => return None,
            Some(first) => format!("`{}`", self.name(first)),
            None if self.decision.refused_arguments => {
                return Some("the arguments do not fit the tool's schema, so no rule was asked".to_owned());
            }
            None => "an earlier rule".to_owned(),
        };
        let Some(seen) = self.explanation.rules.iter().find(|seen| seen.rule == id) else {
            let is_for_it = self.engine.rules().for_kind(event).any(|(known, _)| known == id);
            return Some(match self.explanation.rules.last() {
                Some(last) if is_for_it => format!("`{}` comes before {name}, and stops", self.name(last.rule)),
                _ => format!("{name} is not for `{}` events", event.kind()),
            });
        };
        Some(match (seen.outcome, missed(seen)) {
            (Seen::Missed(_), Some(missed)) => format!("{name} {}", self.wants(id, missed)),
            (Seen::Missed(_), None) => format!("{name} does not match"),
            (Seen::Failed, _) => format!("{name} could not tell whether its conditions hold"),
            (Seen::Passed, _) => format!("{first} comes before {name}, and answers"),
            (Seen::Matched, _) if self.rule(id).is_some_and(|rule| rule.answer.is_none()) => {
                format!("{name} matches, but it has no answer of its own")
            }
            (Seen::Matched, _) => format!("{name} matches too, but {first} comes before it"),
        })
    }

    fn rule_text(&self, seen: &RuleSeen, paint: Paint) -> String {
        let place = self.rule(seen.rule).map(|rule| rule.place.to_string()).unwrap_or_default();
        let took =
            seen.began.zip(seen.ended).map(|(began, ended)| format!(", {} us", micros(ended.saturating_sub(began))));
        let about = format!("{}{} ({place})", self.outcome(seen), took.unwrap_or_default());
        let mut text = format!("  {} {}\n", paint.bold(&self.name(seen.rule)), paint.faint(&about));
        for condition in &seen.conditions {
            let (_, written) = self.condition(seen.rule, condition);
            let mark = if condition.holds { "holds " } else { "misses" };
            let action = self.action(seen.rule, condition).filter(|_| !condition.holds);
            let so = action.map(|action| format!(", so action `{action}` is left out")).unwrap_or_default();
            let why = paint.faint(&format!("since {}{}", self.seen(seen.rule, condition), clean(&so)));
            let _ = writeln!(text, "    {mark} {} {why}", clean(&written));
        }
        for (name, value) in self.values(seen) {
            let value = value.map_or_else(|why| format!("failed: {why}"), |value| shown(&value.to_string()));
            let _ = writeln!(text, "    {name} = {}", clean(&value));
        }
        text
    }

    /// The rule that missed and of which most conditions held, the earliest of several.
    fn nearest_miss(&self) -> Option<&RuleSeen> {
        let missed = |seen: &&RuleSeen| matches!(seen.outcome, Seen::Missed(_));
        let share = |seen: &RuleSeen| {
            let held = seen.conditions.iter().filter(|condition| condition.holds).count();
            (held * 1000).checked_div(seen.conditions.len()).unwrap_or_default()
        };
        let mut nearest: Option<&RuleSeen> = None;
        for seen in self.explanation.rules.iter().filter(missed) {
            if nearest.is_none_or(|nearest| share(nearest) < share(seen)) {
                nearest = Some(seen);
            }
        }
        nearest
    }

    fn values<'s>(&'s self, seen: &'s RuleSeen) -> impl Iterator<Item = (&'s str, Result<&'s Value, &'s str>)> {
        seen.bindings.iter().filter_map(|(number, value)| {
            let name = self.rule(seen.rule)?.names.get(*number)?;
            Some((&**name, value.as_ref().map_err(String::as_str)))
        })
    }

    fn outcome(&self, seen: &RuleSeen) -> &'static str {
        match seen.outcome {
            Seen::Matched if self.decision.answered_by == Some(seen.rule) => "matched, and answered",
            Seen::Matched => "matched",
            Seen::Missed(_) => "missed",
            Seen::Failed if self.decision.answered_by == Some(seen.rule) => "failed, and answered with its fallback",
            Seen::Failed => "failed",
            Seen::Passed => "not considered: an earlier one has answered",
        }
    }

    /// The row of its table with which the rule answered.
    fn row(&self) -> Option<&Row> {
        let number = self.decision.row?;
        let Some(Answer::Rows(rows)) = &self.rule(self.decision.answered_by?)?.answer else { return None };
        rows.rows().iter().find(|row| row.number == number)
    }

    fn of_row(&self) -> String {
        self.row().map(|row| format!(", row {} ({})", row.number, self.place(row.span))).unwrap_or_default()
    }

    fn place(&self, span: Span) -> String {
        self.engine.sources().place(span).to_string()
    }

    fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.engine.rules().rule(id)
    }

    fn name(&self, id: RuleId) -> String {
        self.rule(id).map_or_else(String::new, |rule| clean(&rule.name))
    }
}

fn asked(question: &Question) -> String {
    clean(&question.request.title())
}

fn came(fetched: &Fetched) -> String {
    match (fetched.response(), fetched.error()) {
        (Some(response), _) => format!("{} {}", response.status, shown(&response.text())),
        (None, Some(error)) => error.into_owned(),
        (None, None) => String::new(),
    }
}

fn asked_json((question, fetched): &(Question, std::sync::Arc<Fetched>)) -> Value {
    json!({ "question": asked(question), "answer": fetched.get(&[]).to_value() })
}

fn action_json(action: &Action) -> Value {
    let request = &action.request;
    json!({
        "name": action.name, "method": request.method.as_str(), "url": request.url.redacted(),
        "headers": request.headers_redacted(),
        "body": request.body.as_ref().map(|body| body.text.redacted()),
        "after_ms": u64::try_from(action.after.as_millis()).unwrap_or(u64::MAX),
        "unless_by": action.unless_by.as_ref().map(|it| it.kind.clone()), "in_order": action.in_order,
    })
}

fn request(action: &Action) -> String {
    let request = &action.request;
    let body = request.body.as_ref().map(|body| format!(" {}", shown(&body.text.redacted()))).unwrap_or_default();
    request.title() + &body
}

fn shown(text: &str) -> String {
    cut(text, SHOWN_MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
