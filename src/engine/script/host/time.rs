//! `time::…`: times are texts as RFC 3339 has them, and the present is when the event arrived.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use rhai::plugin::{EvalAltResult, NativeCallContext, export_module};

use super::{at, fail};
use crate::engine::script::run;

/// What is said of times that nobody can write down.
const BEYOND: &str = "this time lies outside of the years -9999 to 9999";

#[export_module]
pub(super) mod functions {
    /// When the event arrived, in UTC. It is the same for the whole decision, and for a replay of it.
    ///
    /// ```rhai
    /// time::now() // "2026-11-23T15:00:00Z"
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn now(context: NativeCallContext) -> Result<String, Box<EvalAltResult>> {
        at(&context, || run::with(|work| work.facts.now.to_string()))
    }

    /// The moment that `text` names, in UTC: an RFC 3339 time, or seconds or milliseconds since 1970.
    ///
    /// ```rhai
    /// time::parse("2026-11-23T10:00:00-05:00") // "2026-11-23T15:00:00Z"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || Ok(moment(text)?.timestamp().to_string()))
    }

    /// The moment so many seconds, or milliseconds, since 1970, in UTC.
    ///
    /// ```rhai
    /// time::parse(1795446000) // "2026-11-23T15:00:00Z"
    /// ```
    #[rhai_fn(name = "parse", return_raw)]
    pub fn parse_number(context: NativeCallContext, number: i64) -> Result<String, Box<EvalAltResult>> {
        at(&context, || Ok(since_1970(number)?.to_string()))
    }

    /// `time` written by a pattern of strftime: `%Y-%m-%d`, `%H:%M`, `%A`, …, at the offset it is given in.
    ///
    /// ```rhai
    /// time::format("2026-11-23T10:00:00-05:00", "%A %H:%M") // "Monday 10:00"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn format(context: NativeCallContext, time: &str, pattern: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || written(&moment(time)?, pattern))
    }

    /// `time` written by a pattern of strftime, as the clocks of `zone` show it.
    ///
    /// ```rhai
    /// time::format("2026-11-23T15:00:00Z", "%-I:%M %p", "America/New_York") // "10:00 AM"
    /// ```
    #[rhai_fn(name = "format", return_raw)]
    pub fn format_in(
        context: NativeCallContext,
        time: &str,
        pattern: &str,
        zone: &str,
    ) -> Result<String, Box<EvalAltResult>> {
        at(&context, || written(&zoned(time, zone)?, pattern))
    }

    /// The same moment as the clocks of `zone` show it.
    ///
    /// ```rhai
    /// time::in_zone("2026-11-23T15:00:00Z", "Europe/Berlin") // "2026-11-23T16:00:00+01:00"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn in_zone(context: NativeCallContext, time: &str, zone: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || Ok(rfc3339(&zoned(time, zone)?)))
    }

    /// `time` moved by a duration such as `"2h"`, `"1h 30m"`, `"-3d"` or `"1 week"`. Days and longer are of
    /// 24 hours each, unless the time names its offset: then the clock's reading is moved.
    ///
    /// ```rhai
    /// time::add("2026-11-23T15:00:00Z", "1h 30m") // "2026-11-23T16:30:00Z"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn add(context: NativeCallContext, time: &str, duration: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || {
            let span: Span = duration.parse().map_err(|_| fail("this is not a duration such as `1h 30m`"))?;
            let sum = moment(time)?.checked_add(span).map_err(|_| fail(BEYOND))?;
            Ok(rfc3339(&sum))
        })
    }

    /// How many seconds lie between `from` and `to`; negative if `to` comes first.
    ///
    /// ```rhai
    /// time::seconds_between("2026-11-23T15:00:00Z", "2026-11-23T15:01:30Z") // 90
    /// ```
    #[rhai_fn(return_raw)]
    pub fn seconds_between(context: NativeCallContext, from: &str, to: &str) -> Result<i64, Box<EvalAltResult>> {
        at(&context, || Ok(moment(from)?.timestamp().duration_until(moment(to)?.timestamp()).as_secs()))
    }
}

/// The moment that `text` names, in a zone of the offset it is given in.
fn moment(text: &str) -> Result<Zoned, Box<EvalAltResult>> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return Ok(since_1970(number)?.to_zoned(TimeZone::UTC));
    }
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok();
    let offset = pieces.and_then(|pieces| pieces.to_numeric_offset());
    let zone = offset.map_or(TimeZone::UTC, jiff::tz::Offset::to_time_zone);
    match text.parse::<Timestamp>() {
        Ok(timestamp) => Ok(timestamp.to_zoned(zone)),
        Err(_) => Err(fail("this is not a time such as `2026-11-23T15:00:00Z`")),
    }
}

/// Numbers above 100,000,000,000 are milliseconds: as seconds they would lie beyond the year 5000.
fn since_1970(number: i64) -> Result<Timestamp, Box<EvalAltResult>> {
    let time = match number.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_second(number),
        _ => Timestamp::from_millisecond(number),
    };
    time.map_err(|_| fail(BEYOND))
}

fn zoned(time: &str, zone: &str) -> Result<Zoned, Box<EvalAltResult>> {
    let zone =
        TimeZone::get(zone).map_err(|_| fail("no time zone is called so; they are named like `Europe/Berlin`"))?;
    Ok(moment(time)?.with_time_zone(zone))
}

fn written(time: &Zoned, pattern: &str) -> Result<String, Box<EvalAltResult>> {
    let pattern = pattern.as_bytes();
    jiff::fmt::strtime::format(pattern, time).map_err(fail)
}

fn rfc3339(time: &Zoned) -> String {
    match time.offset() {
        jiff::tz::Offset::UTC => time.timestamp().to_string(),
        offset => time.timestamp().display_with_offset(offset).to_string(),
    }
}
