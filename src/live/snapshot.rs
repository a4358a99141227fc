//! A rule set in force.

use jiff::Timestamp;

use super::hits::Hits;
use super::version::Version;
use crate::engine::Engine;
use crate::engine::source::Options;

/// A rule set in force, with what there is to know about it. Immutable but for its tallies.
#[derive(Debug)]
pub struct Snapshot {
    /// Decides.
    pub engine: Engine,
    /// What its files hold, as a name.
    pub version: Version,
    /// Which load of its server it came from, counted from 1.
    pub generation: u64,
    /// Where it came from.
    pub origin: Origin,
    /// When it was put in force.
    pub loaded_at: Timestamp,
    /// How often its rules have matched.
    pub hits: Hits,
}

/// Where a rule set came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the files have never been sound, so nothing can be decided, and every event gets the emptiest valid
    /// reply.
    Nothing,
    /// The files.
    Files,
    /// What was kept of the last sound files, because those that are there are broken.
    LastGood,
    /// What was kept of earlier files, because somebody wanted them back.
    Rollback,
}

impl Origin {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Origin::Nothing => "nothing",
            Origin::Files => "files",
            Origin::LastGood => "last-good",
            Origin::Rollback => "rollback",
        }
    }
}

impl Snapshot {
    /// What is in force before anything sound has been loaded.
    #[must_use]
    pub fn nothing(options: &Options, now: Timestamp) -> Snapshot {
        Snapshot {
            engine: Engine::without_rules(options),
            version: Version::none(),
            generation: 0,
            origin: Origin::Nothing,
            loaded_at: now,
            hits: Hits::default(),
        }
    }

    /// Whether it can decide anything.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.origin != Origin::Nothing
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.engine.rules().rules().len()
    }
}
