//! Names that are met for the first time: each is told once, so that a flood of them is not.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The most names that are remembered; beyond them none is new any more.
const NAMES_MAX: usize = 256;
/// The longest name that is remembered, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Names that have been met.
#[derive(Debug, Default)]
pub struct Novelty(Mutex<BTreeSet<Box<str>>>);

impl Novelty {
    /// Whether `name` is met for the first time.
    pub fn is_new(&self, name: &str) -> bool {
        if name.len() > NAME_BYTES_MAX {
            return false;
        }
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.len() < NAMES_MAX && !names.contains(name) && names.insert(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_new_once_and_there_are_not_too_many() {
        let novelty = Novelty::default();
        assert!(novelty.is_new("a"));
        assert!(!novelty.is_new("a"));
        assert!(!novelty.is_new(&"x".repeat(NAME_BYTES_MAX + 1)));
        assert_eq!((0..1000).filter(|number| novelty.is_new(&number.to_string())).count(), NAMES_MAX - 1);
    }
}
