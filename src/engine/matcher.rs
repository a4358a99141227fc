//! Conditions that a rule places on an event.
//!
//! A [`Condition`] says yes, or no with the number of the leaf that said so, so that `explain` can
//! point at it. Conditions are made only by [`compile`](super::source::compile), with patterns compiled
//! and paths resolved: all that can fail here is an author's script.

mod test;

use std::sync::Arc;

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
            Ask::All(conditions) => return all(conditions, None, scope),
            Ask::Value(lookup, tests) => {
                let value = scope.value(lookup)?;
                tests.iter().all(|test| test.passes(&value))
            }
            Ask::KindName(names) => names.iter().any(|name| **name == *scope.kind_name()),
            Ask::Within(windows, except) => {
                windows.iter().any(|window| window.holds(scope.facts().now, except.as_ref()))
            }
            Ask::Share { of, salt, percent } => {
                scope.value(of)?.as_str().is_some_and(|value| share::falls_in(&value, salt, *percent))
            }
            Ask::If(evaluation) => scope.is_true(evaluation)?,
            Ask::Row(rows) => scope.fitting(rows)?.is_some(),
            Ask::Any(conditions) => any(conditions, scope)?,
            Ask::Not(conditions) => all(conditions, None, scope)? != Verdict::Holds,
        };
        Ok(if holds { Verdict::Holds } else { Verdict::Misses(self.leaf) })
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
