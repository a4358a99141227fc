//! What a rule does besides answering: compiled, and rendered into [`Action`]s once it is known what was answered.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::action::{Action, Retry, UnlessBy};
use super::diagnostic::Span;
use super::matcher::Condition;
use super::outgoing::{self, Outgoing, Unmade};
use super::scope::Scope;
use super::script::ScriptFault;
use super::template::Template;

/// One entry of a rule's `do`.
#[derive(Debug)]
pub struct Act {
    /// Where it stands.
    pub span: Span,
    /// What it is called: its own name, or its number in the rule, from 1.
    pub name: Arc<str>,
    /// What it is called among the actions of all rules.
    pub full_name: Box<str>,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// The numbers of these, and of those in them, among the conditions of its rule.
    pub leaves: Range<u32>,
    /// The bindings that ask others and that it surely looks at.
    pub needs: Box<[usize]>,
    /// What it does.
    pub does: Does,
}

/// What an entry of `do` does.
#[derive(Debug)]
pub enum Does {
    /// Has a request sent.
    Request(Box<Errand>),
    /// Keeps values for the length of the call.
    Set(Vec<(String, Template)>),
    /// Writes a line to the log.
    Log(Template),
}

/// A request that is sent once it was decided, with placeholders.
#[derive(Debug)]
pub struct Errand {
    /// The request.
    pub request: Outgoing,
    /// How long after the decision it is sent.
    pub after: Duration,
    /// What makes it superfluous.
    pub unless_by: Option<UnlessBy>,
    /// How it is tried again.
    pub retry: Retry,
    /// Whether it waits for earlier ones of its call.
    pub in_order: bool,
    /// The key to sign it with.
    pub sign: Option<Template>,
}

/// Why an action cannot be made.
#[derive(Debug)]
pub enum ActFault {
    /// A script in it failed.
    Script(ScriptFault),
    /// The event does not say where to.
    Nowhere,
    /// The state of the call has no room.
    State(String),
}

impl From<ScriptFault> for ActFault {
    fn from(fault: ScriptFault) -> ActFault {
        ActFault::Script(fault)
    }
}

impl From<Unmade> for ActFault {
    fn from(unmade: Unmade) -> ActFault {
        match unmade {
            Unmade::Script(fault) => ActFault::Script(fault),
            Unmade::Nowhere => ActFault::Nowhere,
        }
    }
}

/// Names one behind the other, such that no two lists of them make the same text. What begins with `%` is no author's.
#[must_use]
pub fn joined(names: &[&str]) -> String {
    let escaped = |name: &&str| {
        let is_ours = ["%when", "%fallback", "%script"].contains(name);
        if is_ours { (*name).to_owned() } else { name.replace('%', "%25").replace('/', "%2F") }
    };
    names.iter().map(escaped).collect::<Vec<_>>().join("/")
}

impl Act {
    /// Whether it has a request sent.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.does, Does::Request(_))
    }

    /// What makes it superfluous, if there is such a thing.
    #[must_use]
    pub fn unless_by(&self) -> Option<&UnlessBy> {
        if let Does::Request(errand) = &self.does { errand.unless_by.as_ref() } else { None }
    }
}

impl Errand {
    /// The action that is to be carried out, called `name`.
    ///
    /// # Errors
    /// When a script in a placeholder fails, or there is no URL.
    pub fn render(&self, name: String, scope: &Scope<'_>) -> Result<Action, ActFault> {
        Ok(Action {
            name,
            request: self.request.render(scope)?,
            after: self.after,
            unless_by: self.unless_by.clone(),
            retry: self.retry,
            in_order: self.in_order,
            sign: self.sign.as_ref().map(|key| outgoing::plain(key, scope)).transpose()?,
        })
    }
}
