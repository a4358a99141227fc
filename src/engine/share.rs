//! A stable share of all callers: `share: { of: customer.number, percent: 20 }`.
//!
//! Each value is given a place between 0 and 100 that depends on its text and a salt alone, so the same
//! caller is always in or always out, on every machine and in every version: changing the arithmetic
//! below would shuffle the callers of running experiments. Raising the percentage only adds callers, and
//! two rules with different salts pick independent shares.

/// Whether `value` is among the `percent` of all values that `salt` picks.
///
/// Its place is the 64-bit FNV-1a hash of the salt, a byte 0xFF (which no text holds) and the value, mixed
/// as in `SplitMix64`; the upper 32 bits, divided by 2³², are the place. FNV-1a alone would not do: its
/// upper bits hardly depend on the last characters, in which telephone numbers differ.
#[must_use]
pub fn falls_in(value: &str, salt: &str, percent: f64) -> bool {
    place(value, salt) * 100.0 < percent
}

/// The place of `value`, in `0.0..1.0`.
fn place(value: &str, salt: &str) -> f64 {
    let bytes = salt.bytes().chain([0xFF]).chain(value.bytes());
    let upper = mixed(fnv1a(bytes)) >> 32;
    f64::from(u32::try_from(upper).unwrap_or(u32::MAX)) / 4_294_967_296.0
}

/// The 64-bit Fowler-Noll-Vo hash, variant 1a.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The last step of `SplitMix64`: every bit of the result depends on every bit of `hash`.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand callers whose numbers differ in their last digits.
    fn callers() -> impl Iterator<Item = String> {
        (0..10_000).map(|n| format!("+1555{n:07}"))
    }

    #[test]
    fn places_never_change() {
        // The hash by itself, with the values of its authors.
        assert_eq!(fnv1a("".bytes()), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a("a".bytes()), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_F739_67E8);
        let places = [("+15550100", "regulars"), ("+15550101", "regulars"), ("+15550100", ""), ("", "")]
            .map(|(value, salt)| mixed(fnv1a(salt.bytes().chain([0xFF]).chain(value.bytes()))) >> 32);
        assert_eq!(places, [2_973_944_808, 1_695_266_934, 4_145_672_784, 1_328_395_535]);
    }

    #[test]
    fn the_share_is_the_one_that_was_asked_for() {
        for percent in [1, 5, 20, 50, 80, 99] {
            let among = callers().filter(|caller| falls_in(caller, "regulars", f64::from(percent))).count();
            let wanted = usize::try_from(percent * 100).unwrap();
            assert!(among.abs_diff(wanted) <= 150, "{among} of 10,000 instead of {wanted}");
        }
    }

    #[test]
    fn a_higher_percentage_only_adds_callers() {
        for caller in callers().step_by(10) {
            let among = (0..=100).map(|percent| falls_in(&caller, "regulars", f64::from(percent)));
            assert!(among.is_sorted(), "{caller}");
        }
    }

    #[test]
    fn nobody_is_nought_percent_and_everybody_a_hundred() {
        assert!(callers().all(|caller| falls_in(&caller, "", 100.0) && !falls_in(&caller, "", 0.0)));
        assert!(!falls_in("+15550100", "", f64::NAN) && !falls_in("+15550100", "", -1.0));
    }

    #[test]
    fn different_salts_pick_independent_shares() {
        let both = |caller: &String| falls_in(caller, "one", 50.0) && falls_in(caller, "two", 50.0);
        assert!(callers().filter(both).count().abs_diff(2_500) <= 150);
        // The salt and the value do not run into each other.
        assert!(place("bc", "a").to_bits() != place("c", "ab").to_bits());
    }
}
