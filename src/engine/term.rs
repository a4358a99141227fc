//! Terms: how a value that a rule names is found while a decision is made.
//!
//! A plain path such as `customer.number` is a [`Lookup`] and never enters a script; anything else that
//! stands between `${` and `}` is an [`Evaluation`].

use serde_json::Value;

use super::event::Slot;
use super::path::Steps;
use super::script::{Expression, Function};

/// Where a named value is found.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// In the message.
    Event(Slot),
    /// In the arguments of the tool call being decided.
    Arguments(Steps),
    /// The tool call's `name` and `id`, or what lies below.
    Tool(Steps),
    /// In the request's headers.
    Headers(Steps),
    /// In what earlier decisions of this call have set.
    State(Steps),
    /// The time at which the event arrived, as an RFC 3339 text.
    Now,
    /// In the rule's own `let` of this number.
    Let(usize, Steps),
    /// Known since the rules were loaded.
    Constant(Box<Value>),
    /// The reply that was given, or what lies below; known to actions.
    Reply(Steps),
    /// What a tool call was answered with, result or error; known to actions.
    Result(Steps),
    /// A secret, by its name. Nobody here knows more of it: it is filled in where the request is sent.
    Secret(Box<str>),
}

impl Lookup {
    /// The way that is left from where the value begins, if one is.
    pub fn steps_mut(&mut self) -> Option<&mut Steps> {
        match self {
            Lookup::Event(Slot { rest, .. })
            | Lookup::Arguments(rest)
            | Lookup::Tool(rest)
            | Lookup::Headers(rest)
            | Lookup::State(rest)
            | Lookup::Let(_, rest)
            | Lookup::Reply(rest)
            | Lookup::Result(rest) => Some(rest),
            Lookup::Now | Lookup::Constant(_) | Lookup::Secret(_) => None,
        }
    }
}

/// An expression or a block of statements, with where each value that it looks at is found.
#[derive(Debug)]
pub struct Evaluation {
    /// What to evaluate.
    pub expression: Expression,
    /// One for each of the expression's uses, in their order.
    pub inputs: Box<[Lookup]>,
}

/// A script function that a rule's `run` names, with where each value that it looks at is found.
#[derive(Debug)]
pub struct Handler {
    /// What to call.
    pub function: Function,
    /// One for each of the function's uses, in their order.
    pub inputs: Box<[Lookup]>,
}

/// What stands between `${` and `}`.
#[derive(Debug)]
pub enum Term {
    /// A plain path.
    Lookup(Lookup),
    /// Anything else.
    Evaluation(Box<Evaluation>),
}
