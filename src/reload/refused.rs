//! Why files were not put in force.

use std::fmt::{self, Display};

use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::report;

/// Findings with the files that they are about.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was found.
    pub found: Vec<Diagnostic>,
    /// In what.
    pub sources: Sources,
}

/// Why files were not put in force.
#[derive(Debug, Clone)]
pub enum Refused {
    /// They cannot be read.
    Unreadable(String),
    /// There are mistakes in them.
    Broken(Findings),
    /// There are no mistakes in them, but what they say cannot be served.
    Unservable(String),
    /// More than half of the rules are gone, which is a mistake more often than not.
    Shrunk {
        /// The rules in force.
        before: usize,
        /// The rules in the files.
        after: usize,
    },
    /// They do not pass their own tests, which the settings require.
    Failing {
        /// How many tests fail.
        failed: usize,
        /// How many there are.
        tests: usize,
        /// The first that fails: where it stands, and what it is called.
        first: String,
    },
    /// They changed each time that they were read.
    Unsettled,
    /// It has nothing to do with the files: an operator wants something that cannot be done.
    NotDone(String),
}

impl Refused {
    /// The mistakes, if that is why.
    #[must_use]
    pub fn findings(&self) -> Option<&Findings> {
        match self {
            Refused::Broken(findings) => Some(findings),
            _ => None,
        }
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unreadable(why) | Refused::Unservable(why) | Refused::NotDone(why) => f.write_str(why),
            Refused::Broken(findings) => f.write_str(&report::summary(&findings.found, &findings.sources)),
            Refused::Shrunk { before, after } => write!(
                f,
                "of {before} rules only {after} would be left; if that is meant, say `switchhook reload --force`"
            ),
            Refused::Failing { failed, tests, first } => {
                write!(f, "{failed} of {tests} tests failed, the first is {first}; `switchhook test` says how")
            }
            Refused::Unsettled => f.write_str("the files changed each time they were read; try again when they rest"),
        }
    }
}
