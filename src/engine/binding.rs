//! Names of a rule's own: values that are computed, and requests that are made, when first needed.

use std::time::Duration;

use super::diagnostic::Span;
use super::outgoing::{Outgoing, Unmade};
use super::question::Question;
use super::scope::Scope;
use super::script::ScriptFault;
use super::template::Template;

/// What a name of a rule stands for.
#[derive(Debug)]
pub enum Binding {
    /// A value: an entry of `let`, or of an action's `with`.
    Value(Template),
    /// The answer to a request: an entry of `fetch`.
    Fetch(Box<Fetch>),
}

/// A request that is made before the rule answers, with placeholders.
#[derive(Debug)]
pub struct Fetch {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The request.
    pub request: Outgoing,
    /// For how long its answer may be used again.
    pub cache: Option<Duration>,
    /// Whether the rule goes on without an answer.
    pub optional: bool,
}

/// The bindings that parts of a rule surely look at, by their numbers: what they ask is asked at once. Most rules ask
/// nobody, and of these no decision has to look further.
#[derive(Debug, Default)]
pub struct Needs(Option<Box<Parts>>);

#[derive(Debug)]
struct Parts {
    conditions: Box<[usize]>,
    answer: Box<[usize]>,
}

impl Needs {
    /// What the conditions of a rule need, and its answer. Its actions know for themselves.
    #[must_use]
    pub fn new(conditions: Box<[usize]>, answer: Box<[usize]>) -> Needs {
        let asks = !conditions.is_empty() || !answer.is_empty();
        Needs(asks.then(|| Box::new(Parts { conditions, answer })))
    }

    /// What is needed by its conditions that look at a fetch.
    #[must_use]
    pub fn conditions(&self) -> &[usize] {
        self.0.as_ref().map_or(&[], |parts| &parts.conditions)
    }

    /// What its answer needs.
    #[must_use]
    pub fn answer(&self) -> &[usize] {
        self.0.as_ref().map_or(&[], |parts| &parts.answer)
    }
}

impl Fetch {
    /// What is to be asked.
    ///
    /// # Errors
    /// When a script in it fails, or the event does not say where to.
    pub fn question(&self, scope: &Scope<'_>) -> Result<Question, Unmade> {
        Ok(Question { request: self.request.render(scope)?, cache: self.cache, occurrence: None })
    }

    /// What is said of a failure.
    #[must_use]
    pub fn failed(&self, why: &str, is_passing: bool) -> ScriptFault {
        let message = format!("`{}` could not be fetched: {why}", self.name);
        ScriptFault::Unfetched { message, at: self.span, is_passing }
    }
}
