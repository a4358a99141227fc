//! From a YAML tree to the types that mirror a file.
//!
//! [`read`] lets a source type be a plain `#[derive(Deserialize)]` struct and still reports *everything*
//! that is wrong, each at its place: unknown keys are reported and skipped, and what stands in a
//! [`Field`], [`Each`], [`Entries`] or [`OneOrMany`] is reported when it is broken while its neighbours are
//! read on. A struct whose fields are bare is given up at its first wrong value, so wrap fields in `Field`.
//!
//! [`Spanned`], [`Node`] and [`Duration`](std::time::Duration) work wherever a type can stand. What serde
//! reads through a buffer (`flatten`, `untagged`, inner `tag`) loses its places: do not use it here.

use std::cell::RefCell;

use serde::de::DeserializeOwned;

use super::super::diagnostic::Diagnostic;
use super::yaml::Node;

mod access;
mod duration;
mod fault;
mod outline;
mod reader;
mod types;
mod words;

pub use duration::duration;
pub(crate) use outline::written;
pub use outline::{Anything, Mapping, Text, Texts};
pub use types::{Each, Entries, Field, OneOrMany, Spanned, TextLike};
pub(super) use words::CAN_HAVE;
use words::Shown;

/// Reads a `T` from `node` and adds what is wrong to `found`; `what` names it in messages: `a rule`.
///
/// `None` says that something outside of every [`Field`] was wrong. `Some` does not promise that nothing
/// was: look for errors in `found`. The structs inside of `T` are named after their types
/// (`RetrySource` is "a retry") or, better, by `#[serde(rename = "a retry policy")]`.
pub fn read<T: DeserializeOwned>(node: &Node, what: &str, found: &mut Vec<Diagnostic>) -> Option<T> {
    read_showing(Shown::Values, node, what, found)
}

/// As [`read`], for what holds secrets: no message says what stands in `node`, only of which kind it is.
pub fn read_secret<T: DeserializeOwned>(node: &Node, what: &str, found: &mut Vec<Diagnostic>) -> Option<T> {
    read_showing(Shown::Names, node, what, found)
}

fn read_showing<T: DeserializeOwned>(shown: Shown, node: &Node, what: &str, found: &mut Vec<Diagnostic>) -> Option<T> {
    let findings = RefCell::new(Vec::new());
    fault::take();
    let reader = reader::Reader::new(node, what, shown, &findings);
    let value = reader.settle(T::deserialize(reader)).ok();
    let mut new = findings.into_inner();
    new.sort_by_key(|diagnostic: &Diagnostic| diagnostic.span);
    found.append(&mut new);
    value
}

#[cfg(test)]
mod tests;
