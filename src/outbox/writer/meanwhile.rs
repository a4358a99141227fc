//! Which events came while earlier ones of their calls were not decided yet: what those want done unless such an event comes
//! is superfluous from the beginning.

use std::collections::HashMap;

use crate::outbox::queue::Vigil;
use crate::outbox::record::State;
use crate::outbox::retry::Millis;

/// When events came, by what stands for their call and kind.
#[derive(Debug, Default)]
pub(super) struct Meanwhile(HashMap<Vigil, Vec<Millis>>);

impl Meanwhile {
    pub(super) fn add(&mut self, vigil: Vigil, at: Millis) {
        self.0.entry(vigil).or_default().push(at);
    }

    pub(super) fn forget(&mut self, vigil: Vigil, at: Millis) {
        if let Some(all) = self.0.get_mut(&vigil) {
            all.retain(|it| *it != at);
            if all.is_empty() {
                self.0.remove(&vigil);
            }
        }
    }

    /// Whether the event came that makes an action superfluous, after what it was decided about and in time.
    pub(super) fn calls_off(&self, action: &State) -> bool {
        let came = self.0.get(&action.vigil).filter(|_| action.vigil != 0);
        came.is_some_and(|all| all.iter().any(|at| (action.decided_at..=action.vigil_until).contains(at)))
    }
}
