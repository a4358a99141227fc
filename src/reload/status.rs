//! What is known of reloading, for operators and what they monitor with.

use std::sync::Arc;

use jiff::Timestamp;

use super::refused::Refused;
use super::server::Outcome;

/// How putting files in force has gone so far.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    /// When files were last found to be sound: put in force, or found to be in force.
    pub last_success: Option<Timestamp>,
    /// When files were last refused.
    pub last_failure: Option<Timestamp>,
    /// Why what the files say now is not in force; nothing if it is.
    pub refused: Option<Arc<Refused>>,
}

impl Attempts {
    pub(super) fn note(&mut self, outcome: &Outcome, now: Timestamp) {
        match outcome {
            Outcome::Unchanged | Outcome::Loaded(_) => {
                self.last_success = Some(now);
                self.refused = None;
            }
            // Nothing was found out of what the files say.
            Outcome::RolledBack => self.refused = None,
            Outcome::StillRefused(_) => {}
            Outcome::Refused(why) => {
                self.last_failure = Some(now);
                self.refused = Some(Arc::clone(why));
            }
        }
    }
}

/// How reloading stands.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Of the settings.
    pub settings: Attempts,
    /// The settings that have changed and hold only after a restart.
    pub restart_for: Vec<&'static str>,
    /// Of each server, by its path, in order.
    pub servers: Vec<(String, Attempts)>,
}

impl Status {
    pub(super) fn note(&mut self, path: &str, outcome: &Outcome, now: Timestamp) {
        if let Some((_, attempts)) = self.servers.iter_mut().find(|(known, _)| known == path) {
            attempts.note(outcome, now);
        } else {
            let mut attempts = Attempts::default();
            attempts.note(outcome, now);
            self.servers.push((path.to_owned(), attempts));
        }
    }

    /// Of the server at `path`.
    #[must_use]
    pub fn server(&self, path: &str) -> Option<&Attempts> {
        self.servers.iter().find(|(known, _)| known == path).map(|(_, attempts)| attempts)
    }
}
