//! Caches of what happened of late.
//!
//! By default `quick_cache` gives nearly all of its room to entries that are asked for often, and leaves what is new a
//! thirtieth of it: what filled it first stays for good. Here the likeliest to be asked for is the newest, so most of the
//! room goes to new entries; those that are asked for stay longer.

use std::hash::Hash;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// How much room a cache has, and for what.
pub(super) struct Room {
    /// What all entries may weigh together.
    pub(super) weight_max: u64,
    /// What one of them usually weighs.
    pub(super) weight_usual: u64,
    /// Parts that do not wait for each other.
    pub(super) shards: usize,
    /// The part of each shard that is for entries that were asked for again. No single one can be larger.
    pub(super) asked_again: f64,
}

/// A cache with this much room.
#[expect(clippy::expect_used, reason = "building fails only if one of the two sizes is missing")]
pub(super) fn cache<K, V, W>(room: &Room, weighter: W) -> Cache<K, V, W>
where
    K: Eq + Hash,
    V: Clone,
    W: Weighter<K, V> + Clone,
{
    let entries = usize::try_from(room.weight_max / room.weight_usual).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .shards(room.shards)
        .hot_allocation(room.asked_again)
        .estimated_items_capacity(entries.clamp(128, 1 << 20))
        .weight_capacity(room.weight_max)
        .build()
        .expect("both sizes are given");
    Cache::with_options(options, weighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

#[cfg(test)]
mod tests {
    use quick_cache::UnitWeighter;

    use super::*;

    const ROOM: Room = Room { weight_max: 1000, weight_usual: 1, shards: 4, asked_again: 0.25 };

    #[test]
    fn what_is_new_stays_whatever_there_was_before() {
        let cache = cache(&ROOM, UnitWeighter);
        for number in 0..10_000 {
            cache.insert(number, ());
        }
        // Numbers are not spread over the shards quite evenly.
        assert!((9400..10_000).all(|number| cache.contains_key(&number)));
    }

    #[test]
    fn what_is_asked_for_stays_longer() {
        let cache = cache(&ROOM, UnitWeighter);
        for number in 0..10_000 {
            cache.insert(number, ());
            assert_eq!(cache.get(&(number - number % 300)), Some(()), "{number}");
        }
    }
}
