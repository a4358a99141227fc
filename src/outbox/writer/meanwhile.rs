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

    /// Whether the event came that makes an action superfluous, after what it was decided about and in time. What came at
    /// the very time of that is that event itself.
    pub(super) fn calls_off(&self, action: &State) -> bool {
        let came = self.0.get(&action.vigil).filter(|_| action.vigil != 0);
        came.is_some_and(|all| all.iter().any(|at| action.decided_at < *at && *at <= action.vigil_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_an_event_and_in_time_calls_off_what_it_wants() {
        let action = State { vigil: 7, vigil_until: 20, ..State::new(String::new(), 10, 20, 0) };
        for (at, calls_off) in [(9, false), (10, false), (11, true), (20, true), (21, false)] {
            let mut meanwhile = Meanwhile::default();
            meanwhile.add(7, at);
            assert_eq!(meanwhile.calls_off(&action), calls_off, "{at}");
            assert!(!meanwhile.calls_off(&State { vigil: 8, ..action.clone() }), "that is another event");
            meanwhile.forget(7, at);
            assert!(!meanwhile.calls_off(&action));
        }
    }
}
