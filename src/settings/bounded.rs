//! Numbers and times that can serve: within these ranges the daemon neither chokes nor runs out of memory at its start.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::engine::schema::{Definitions, Outline, both};

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within<const LEAST: u64, const MOST: u64>(pub(super) u64);

/// A time from `LEAST` to `MOST` milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lasting<const LEAST: u64, const MOST: u64>(pub(super) Duration);

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Within<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = i64::deserialize(deserializer)?;
        let number = u64::try_from(written).ok().filter(|number| (LEAST..=MOST).contains(number));
        number.map(Within).ok_or_else(|| D::Error::custom(format!("this can be from {LEAST} to {MOST}, not {written}")))
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Lasting<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = Duration::deserialize(deserializer)?;
        let (least, most) = (Duration::from_millis(LEAST), Duration::from_millis(MOST));
        if (least..=most).contains(&time) {
            return Ok(Lasting(time));
        }
        Err(D::Error::custom(format!("this can last from {} to {}", words(least), words(most))))
    }
}

impl<const LEAST: u64, const MOST: u64> Outline for Within<LEAST, MOST> {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

impl<const LEAST: u64, const MOST: u64> Outline for Lasting<LEAST, MOST> {
    fn outline(defs: &mut Definitions) -> Value {
        let (least, most) = (Duration::from_millis(LEAST), Duration::from_millis(MOST));
        both(Duration::outline(defs), &json!({ "title": format!("from {} to {}", words(least), words(most)) }))
    }
}

/// A time as authors write it.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match () {
        () if time.subsec_millis() != 0 => format!("{}ms", time.as_millis()),
        () if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        () if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        () => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_worded_as_they_are_written() {
        for (millis, written) in [(1, "1ms"), (1_500, "1500ms"), (5_000, "5s"), (600_000, "10m"), (86_400_000, "24h")] {
            assert_eq!(words(Duration::from_millis(millis)), written);
        }
    }
}
