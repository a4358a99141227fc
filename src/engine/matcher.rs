//! Conditions that a rule places on an event.
//!
//! A [`Condition`] says yes, or no with the number of the leaf that said so, so that `explain` can
//! point at it. Conditions are made only by [`compile`](super::source::compile), with patterns compiled
//! and paths resolved: all that can fail here is an author's script.

mod test;

use std::sync::Arc;

use serde_json::Value;

use super::json::Val;
use super::phone;
use super::rows::Rows;
use super::scope::Scope;
use super::script::ScriptFault;
use super::share;
use super::term::{Evaluation, Lookup};
use super::window::{Holidays, Window};

pub use test::{Bound, Test};

/// The number of a condition within its rule, in the order in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf(pub u32);

/// Whether a condition holds, and if not, which one did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold, because of this leaf.
    Misses(Leaf),
}

/// One condition of a rule, with its number.
#[derive(Debug)]
pub struct Condition {
    /// Its number.
    pub leaf: Leaf,
    /// What it asks.
    pub ask: Ask,
}

/// What a condition asks.
#[derive(Debug)]
pub enum Ask {
    /// A value must pass all of these.
    Value(Lookup, Vec<Test>),
    /// The event's kind must have one of these names; only for kinds that the contract does not know.
    KindName(Vec<Box<str>>),
    /// The event must have arrived within one of these windows, and not on an excepted day.
    Within(Vec<Window>, Option<Holidays>),
    /// The value must fall into a stable share of all values.
    Share {
        /// The value that decides.
        of: Lookup,
        /// The rule's name, which makes its share another than the next rule's.
        salt: String,
        /// From 0 to 100.
        percent: f64,
    },
    /// The expression must be `true`.
    If(Box<Evaluation>),
    /// All must hold.
    All(Vec<Condition>),
    /// One must hold.
    Any(Vec<Condition>),
    /// They must not all hold.
    Not(Vec<Condition>),
    /// A row of the rule's table must fit.
    Row(Arc<Rows>),
}

/// Whether all of `conditions` hold; the first that does not is named. The one that is `proved` is not tested again.
///
/// # Errors
/// When an author's script fails.
pub fn all(conditions: &[Condition], proved: Option<Leaf>, scope: &Scope<'_>) -> Result<Verdict, ScriptFault> {
    for condition in conditions.iter().filter(|condition| Some(condition.leaf) != proved) {
        if let Verdict::Misses(leaf) = condition.test(scope)? {
            return Ok(Verdict::Misses(leaf));
        }
    }
    Ok(Verdict::Holds)
}

impl Condition {
    /// Whether the condition holds.
    ///
    /// # Errors
    /// When an author's script fails.
    pub fn test(&self, scope: &Scope<'_>) -> Result<Verdict, ScriptFault> {
        let holds = match &self.ask {
            Ask::All(conditions) => {
                let verdict = all(conditions, None, scope)?;
                // The one inside says more than this one, which is written down all the same.
                self.verdict(verdict == Verdict::Holds, None, scope);
                return Ok(verdict);
            }
            Ask::Value(lookup, tests) => {
                let value = scope.value(lookup)?;
                let holds = tests.iter().all(|test| test.passes(&value));
                return Ok(self.verdict(holds, Some(&value), scope));
            }
            Ask::KindName(names) => names.iter().any(|name| **name == *scope.kind_name()),
            Ask::Within(windows, except) => {
                let now = scope.facts().now;
                let holds = windows.iter().any(|window| window.holds(now, except.as_ref()));
                // Nobody wants to know while a caller waits.
                let value = scope.recorder().map(|_| Val::from(Value::String(Window::clocks(windows, now))));
                return Ok(self.verdict(holds, value.as_ref(), scope));
            }
            Ask::Share { of, salt, percent } => {
                scope.value(of)?.as_str().is_some_and(|value| share::falls_in(&value, salt, *percent))
            }
            Ask::If(evaluation) => scope.is_true(evaluation)?,
            Ask::Row(rows) => scope.fitting(rows)?.is_some(),
            Ask::Any(conditions) => any(conditions, scope)?,
            Ask::Not(conditions) => all(conditions, None, scope)? != Verdict::Holds,
        };
        Ok(self.verdict(holds, None, scope))
    }

    fn verdict(&self, holds: bool, value: Option<&Val<'_>>, scope: &Scope<'_>) -> Verdict {
        if let Some(recorder) = scope.recorder() {
            recorder.condition(self.leaf, holds, value);
        }
        if holds { Verdict::Holds } else { Verdict::Misses(self.leaf) }
    }

    /// Whether it can be tried without any consequence, and without a value of the rule's own.
    fn is_plain(&self) -> bool {
        match &self.ask {
            Ask::Value(lookup, _) | Ask::Share { of: lookup, .. } => !matches!(lookup, Lookup::Let(..)),
            Ask::All(inner) | Ask::Any(inner) | Ask::Not(inner) => inner.iter().all(Condition::is_plain),
            Ask::KindName(_) | Ask::Within(..) => true,
            Ask::If(_) | Ask::Row(_) => false,
        }
    }
}

/// Tries those of `conditions` that were not tried yet, and can be without any consequence: somebody wants to know.
pub(super) fn try_the_rest(conditions: &[Condition], scope: &Scope<'_>) {
    let untried = |leaf| scope.recorder().is_some_and(|recorder| !recorder.has_tried(leaf));
    for condition in conditions.iter().filter(|condition| condition.is_plain() && untried(condition.leaf)) {
        // It is written down, whatever it comes to.
        let _ = condition.test(scope);
    }
}

fn any(conditions: &[Condition], scope: &Scope<'_>) -> Result<bool, ScriptFault> {
    for condition in conditions {
        if condition.test(scope)? == Verdict::Holds {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A telephone number or a prefix of one.
pub type PhonePattern = phone::Pattern;
