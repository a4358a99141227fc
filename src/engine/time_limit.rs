//! How long the rule that is being considered may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::facts::Host;

/// Operations that the scripts in a fallback may use, once the time for the answer itself is gone.
const GRACE_OPERATIONS: u64 = 10_000;
/// No limit of the rule's own.
const NONE: u64 = u64::MAX;

/// A host that also keeps the `timeout` of the rule at hand. One thread uses it; it is shared with the scripts.
pub(super) struct TimeLimit {
    host: Arc<dyn Host>,
    micros_max: AtomicU64,
    grace: AtomicBool,
}

impl TimeLimit {
    pub(super) fn new(host: Arc<dyn Host>) -> TimeLimit {
        TimeLimit { host, micros_max: AtomicU64::new(NONE), grace: AtomicBool::new(false) }
    }

    /// Begins with the next rule.
    pub(super) fn set(&self, time_max: Option<Duration>) {
        let micros = time_max.map_or(NONE, |time| u64::try_from(time.as_micros()).unwrap_or(NONE));
        self.micros_max.store(micros, Ordering::Relaxed);
        self.grace.store(false, Ordering::Relaxed);
    }

    /// From here on only the number of operations counts, and that is small.
    pub(super) fn grant_grace(&self) {
        self.grace.store(true, Ordering::Relaxed);
    }

    fn graceful(&self) -> bool {
        self.grace.load(Ordering::Relaxed)
    }
}

impl Host for TimeLimit {
    fn out_of_time(&self) -> bool {
        let max = self.micros_max.load(Ordering::Relaxed);
        let rule_is_late = || max != NONE && self.host.passed(Duration::from_micros(max));
        !self.graceful() && (self.host.out_of_time() || rule_is_late())
    }

    fn passed(&self, time: Duration) -> bool {
        self.host.passed(time)
    }

    fn elapsed(&self) -> Option<Duration> {
        self.host.elapsed()
    }

    fn may_answer(&self) -> bool {
        self.host.may_answer()
    }

    fn may_ask(&self) -> bool {
        !self.graceful() && !self.out_of_time()
    }

    fn operations_max(&self) -> Option<u64> {
        if self.graceful() { Some(GRACE_OPERATIONS) } else { self.host.operations_max() }
    }
}
