//! What a script reaches besides the values that it is given: others, and tables.

use std::collections::BTreeSet;

use super::walk::Found;

/// What a script reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether it may ask others something.
    pub asks: bool,
    /// Whether it may have others told something.
    pub tells: bool,
    /// The tables that it names.
    pub tables: BTreeSet<String>,
    /// Whether it may look at other tables, too, whose names it computes.
    pub any_table: bool,
}

impl Reach {
    /// What is reached by what was `found`; functions of modules are not followed.
    pub(super) fn of(found: &Found) -> Reach {
        let mut reach = Reach { asks: found.calls_group("http"), tells: found.calls_group("act"), ..Reach::default() };
        for call in found.calls.iter().filter(|call| call.name == "lookup" && call.namespace.is_empty()) {
            match &call.text {
                Some(table) if !call.method => drop(reach.tables.insert(table.clone())),
                _ => reach.any_table = true,
            }
        }
        reach
    }

    /// Whether it asks others something, or has them told.
    #[must_use]
    pub fn others(&self) -> bool {
        self.asks || self.tells
    }

    /// Adds whom another one may reach.
    pub(super) fn append_others(&mut self, other: &Reach) {
        self.asks |= other.asks;
        self.tells |= other.tells;
    }

    /// Adds what another one reaches.
    pub(super) fn append(&mut self, other: Reach) {
        self.append_others(&other);
        self.tables.extend(other.tables);
        self.any_table |= other.any_table;
    }
}
