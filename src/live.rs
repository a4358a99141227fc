//! What is in force, as a handle: readers take the whole of it and hold on to it, one writer replaces it.
//!
//! A request takes what is in force once, and sees nothing else until it is answered, whatever is reloaded meanwhile.

pub mod hits;
pub mod snapshot;
pub mod version;

use std::sync::Arc;

use arc_swap::ArcSwap;

/// A handle on a value that is replaced as a whole. Cheap to clone.
#[derive(Debug)]
pub struct Live<T>(Arc<ArcSwap<T>>);

impl<T> Live<T> {
    /// A handle on `value`.
    pub fn new(value: T) -> Live<T> {
        Live(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// What is in force. Take it once for each piece of work and hold on to it.
    #[must_use]
    pub fn current(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// Puts `value` in force, for whoever takes it from now on. What was in force before is returned: to let go of it can
    /// take a while.
    pub fn replace(&self, value: T) -> Arc<T> {
        self.0.swap(Arc::new(value))
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Live<T> {
        Live(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_taken_a_value_keeps_it() {
        let live = Live::new(1);
        let (before, other) = (live.current(), live.clone());
        live.replace(2);
        assert_eq!((*before, *other.current()), (1, 2));
    }
}
