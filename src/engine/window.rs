//! Time windows as authors write them: `mon-fri 09:00-17:30 America/New_York`.
//!
//! A window is read off the clock on the wall: it holds while a clock and a calendar in its time zone
//! show a time of a span, start included and end excluded. So it opens at nine whether summer time is in
//! force or not, an hour that is skipped is simply not there, and one that comes twice counts twice.
//! A span over midnight belongs to the day on which it begins: `fri 18:00-02:00` holds on Saturday at one.
//!
//! [`Window::parse`] may read the system's time zone files; [`Window::holds`] never does.

mod dates;
mod holidays;
mod parse;
mod zone;

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use dates::Dates;
pub use holidays::Holidays;

/// A stretch of time that comes back: some days, some spans of each, in one time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// As written; none means every day.
    days: Vec<Days>,
    /// As written; none means whole days.
    spans: Vec<Span>,
    zone: TimeZone,
    zone_name: Box<str>,
    /// What the word `holidays` among the days means.
    holidays: Holidays,
}

/// Why a text is no time window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WindowError {
    /// The part of the text that is wrong, in bytes.
    pub at: Range<usize>,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// One item of a list of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    /// From one day of the week up to and with another, over Sunday if need be.
    Weekdays(Weekday, Weekday),
    Dates(Dates),
    Holidays,
}

/// From a minute of the day up to another, which lies on the next day unless it is the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: Minute,
    end: Minute,
}

/// Minutes since midnight, up to and with 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Minute(i16);

impl Window {
    /// Reads a window: days, spans of time, and a time zone, of which the zone alone is required.
    ///
    /// # Errors
    /// If the text is no window; the error says where and what to write instead.
    pub fn parse(text: &str) -> Result<Window, WindowError> {
        parse::window(text)
    }

    /// Says what the word `holidays` among the days means. Until then it means no day at all.
    #[must_use]
    pub fn with_holidays(self, holidays: Holidays) -> Window {
        Window { holidays, ..self }
    }

    /// Whether the word `holidays` is among the days, so that somebody must say what it means.
    #[must_use]
    pub fn names_holidays(&self) -> bool {
        self.days.contains(&Days::Holidays)
    }

    /// Whether the window holds at `now`. A span that began on a date of `except` does not count.
    #[must_use]
    pub fn holds(&self, now: Timestamp, except: Option<&Holidays>) -> bool {
        let clock = self.zone.to_datetime(now);
        let (today, minute) = (clock.date(), Minute::of(clock.time()));
        let day_counts = |day: Date| self.has_day(day) && !except.is_some_and(|dates| dates.contains(day));

        let began_today = self.spans.is_empty() || self.spans.iter().any(|span| span.holds_today(minute));
        if began_today && day_counts(today) {
            return true;
        }
        let began_yesterday = self.spans.iter().any(|span| span.holds_next_day(minute));
        began_yesterday && today.yesterday().is_ok_and(day_counts)
    }

    /// What the clocks and calendars in the zones of `windows` show, for people.
    #[must_use]
    pub fn clocks(windows: &[Window], now: Timestamp) -> String {
        let mut shown: Vec<String> = Vec::new();
        for window in windows {
            let clock = window.zone.to_datetime(now).strftime("%a %Y-%m-%d %H:%M");
            let text = format!("{clock} {}", window.zone_name);
            if !shown.contains(&text) {
                shown.push(text);
            }
        }
        shown.join(", ")
    }

    fn has_day(&self, day: Date) -> bool {
        let among = |days: &Days| match days {
            Days::Weekdays(first, last) => first.until(day.weekday()) <= first.until(*last),
            Days::Dates(dates) => dates.contain(day),
            Days::Holidays => self.holidays.contains(day),
        };
        self.days.is_empty() || self.days.iter().any(among)
    }
}

impl Span {
    fn over_midnight(self) -> bool {
        self.end < self.start
    }

    /// Whether `minute` of the day on which the span begins lies in it.
    fn holds_today(self, minute: Minute) -> bool {
        self.start <= minute && (minute < self.end || self.over_midnight())
    }

    /// Whether `minute` of the day after lies in it.
    fn holds_next_day(self, minute: Minute) -> bool {
        self.over_midnight() && minute < self.end
    }
}

impl Minute {
    const END_OF_DAY: Minute = Minute(24 * 60);

    /// The minute that a clock at `time` shows.
    fn of(time: Time) -> Minute {
        Minute(i16::from(time.hour()) * 60 + i16::from(time.minute()))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.days)?;
        write_list(f, &self.spans)?;
        f.write_str(&self.zone_name)
    }
}

/// Writes `a,b,c ` or nothing at all.
fn write_list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { "," })?;
    }
    f.write_str(if items.is_empty() { "" } else { " " })
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Days::Weekdays(first, last) if first == last => f.write_str(short_name(*first)),
            Days::Weekdays(first, last) => write!(f, "{}-{}", short_name(*first), short_name(*last)),
            Days::Dates(dates) => dates.fmt(f),
            Days::Holidays => f.write_str("holidays"),
        }
    }
}

fn short_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the window holds at a time written with its offset, `2026-11-23T09:00-05:00`.
    fn holds(window: &str, now: &str) -> bool {
        let holidays = Holidays::parse(["2026-12-25", "01-01"]).unwrap();
        let window = Window::parse(window).unwrap_or_else(|error| panic!("{window}: {error}"));
        window.with_holidays(holidays).holds(now.parse().unwrap(), None)
    }

    /// Asserts that the window holds at all of `times` and at none of `others`.
    fn check(window: &str, times: &[&str], others: &[&str]) {
        for (now, expected) in times.iter().map(|now| (now, true)).chain(others.iter().map(|now| (now, false))) {
            assert_eq!(holds(window, now), expected, "`{window}` at {now}");
        }
    }

    #[test]
    fn the_start_belongs_to_a_window_and_the_end_does_not() {
        check(
            "mon-fri 09:00-17:30 America/New_York",
            &["2026-11-23T09:00-05:00", "2026-11-23T17:29:59.999-05:00", "2026-11-27T12:00-05:00"],
            &["2026-11-23T08:59:59-05:00", "2026-11-23T17:30-05:00", "2026-11-28T12:00-05:00"],
        );
    }

    #[test]
    fn without_times_whole_days_hold_and_without_days_every_day() {
        check(
            "sat-sun Europe/Berlin",
            &["2026-11-28T00:00+01:00", "2026-11-29T23:59+01:00"],
            &["2026-11-27T23:59+01:00", "2026-11-30T00:00+01:00"],
        );
        check("09:00-17:00 UTC", &["2026-11-28T09:00Z", "2026-11-30T16:00Z"], &["2026-11-28T17:00Z"]);
        check("UTC", &["2026-11-28T09:00Z"], &[]);
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
        check(
            "mon-fri 18:00-09:00 Europe/Berlin",
            &["2026-11-23T18:00+01:00", "2026-11-24T08:59+01:00", "2026-11-28T08:59+01:00"],
            &["2026-11-23T08:00+01:00", "2026-11-24T09:00+01:00", "2026-11-28T18:00+01:00", "2026-11-30T08:00+01:00"],
        );
        check("fri 18:00-24:00 UTC", &["2026-11-27T23:59Z"], &["2026-11-28T00:00Z", "2026-11-27T00:00Z"]);
        check("fri 18:00-00:00 UTC", &["2026-11-27T23:59Z"], &["2026-11-28T00:00Z", "2026-11-27T00:00Z"]);
    }

    #[test]
    fn days_come_in_lists_and_ranges_that_may_wrap() {
        check("mon,Wednesday,FRI UTC", &["2026-11-23T12:00Z", "2026-11-25T12:00Z"], &["2026-11-24T12:00Z"]);
        check(
            "fri-mon UTC",
            &["2026-11-27T12:00Z", "2026-11-29T12:00Z", "2026-11-30T12:00Z"],
            &["2026-11-26T12:00Z", "2026-12-01T12:00Z"],
        );
        check("mon-sun UTC", &["2026-11-26T12:00Z"], &[]);
    }

    #[test]
    fn several_spans_leave_the_lunch_break_out() {
        check(
            "mon-fri 09:00-12:00,13:00-17:00 UTC",
            &["2026-11-23T11:59Z", "2026-11-23T13:00Z"],
            &["2026-11-23T12:00Z", "2026-11-23T17:00Z"],
        );
    }

    #[test]
    fn dates_hold_in_the_zone_of_the_window() {
        check(
            "2026-12-24,2026-12-30..2027-01-02 Europe/Berlin",
            &["2026-12-24T00:00+01:00", "2026-12-30T12:00+01:00", "2027-01-02T23:59+01:00"],
            &["2026-12-24T00:00+02:00", "2026-12-25T00:00+01:00", "2027-01-03T00:00+01:00"],
        );
        check("2026-12-24 22:00-02:00 UTC", &["2026-12-25T01:00Z"], &["2026-12-24T01:00Z"]);
    }

    #[test]
    fn the_word_holidays_stands_for_dates() {
        check("holidays UTC", &["2026-12-25T12:00Z", "2031-01-01T00:00Z"], &["2026-12-24T12:00Z"]);
        check("sun,holidays 10:00-12:00 UTC", &["2026-12-25T10:00Z", "2026-12-27T10:00Z"], &["2026-12-25T12:00Z"]);
        let window = Window::parse("holidays UTC").unwrap();
        assert!(window.names_holidays() && !window.holds("2026-12-25T12:00Z".parse().unwrap(), None));
        assert!(!Window::parse("sun UTC").unwrap().names_holidays());
    }

    #[test]
    fn excepted_dates_count_by_the_day_on_which_the_span_began() {
        let window = Window::parse("18:00-09:00 Europe/Berlin").unwrap();
        let except = Holidays::parse(["12-25"]).unwrap();
        let holds = |now: &str| window.holds(now.parse().unwrap(), Some(&except));
        assert!(holds("2026-12-25T08:00+01:00"), "began on the 24th");
        assert!(!holds("2026-12-25T18:00+01:00"));
        assert!(!holds("2026-12-26T08:00+01:00"), "began on the 25th");
        assert!(holds("2026-12-26T18:00+01:00"));
    }

    #[test]
    fn nine_is_nine_on_both_sides_of_a_change_in_either_hemisphere() {
        let berlin = "09:00-17:00 Europe/Berlin";
        check(berlin, &["2026-03-28T08:00Z", "2026-03-29T07:00Z"], &["2026-03-28T07:59Z", "2026-03-29T15:00Z"]);
        check(berlin, &["2026-10-24T07:00Z", "2026-10-25T08:00Z"], &["2026-10-24T15:00Z", "2026-10-25T07:59Z"]);
        let sydney = "09:00-17:00 Australia/Sydney";
        check(sydney, &["2026-04-03T22:00Z", "2026-04-04T23:00Z"], &["2026-04-03T21:59Z", "2026-04-04T22:59Z"]);
        check(sydney, &["2026-10-02T23:00Z", "2026-10-03T22:00Z"], &["2026-10-02T22:59Z", "2026-10-04T06:00Z"]);
    }

    #[test]
    fn in_the_night_of_a_change_the_clock_on_the_wall_decides() {
        // Berlin, 29 March 2026: at two it is three. 25 October: at three it is two again.
        check("02:15-02:45 Europe/Berlin", &[], &["2026-03-29T00:59Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"]);
        check("01:00-02:30 Europe/Berlin", &["2026-03-29T00:59Z"], &["2026-03-29T01:00Z"]);
        check("02:30-09:00 Europe/Berlin", &["2026-03-29T01:00Z"], &["2026-03-29T00:59Z"]);
        check("02:15-02:45 Europe/Berlin", &["2026-10-25T00:30Z", "2026-10-25T01:30Z"], &["2026-10-25T01:00Z"]);
        // Sydney, 4 October 2026: at two it is three. 5 April: at three it is two again.
        check("02:15-02:45 Australia/Sydney", &[], &["2026-10-03T16:00Z", "2026-10-03T16:30Z"]);
        check("02:15-02:45 Australia/Sydney", &["2026-04-04T15:30Z", "2026-04-04T16:30Z"], &["2026-04-04T16:00Z"]);
        // A night shift keeps to its day across either change.
        check("sat 22:00-06:00 Europe/Berlin", &["2026-03-29T03:59Z", "2026-10-25T04:59Z"], &["2026-03-29T04:00Z"]);
    }

    #[test]
    fn windows_are_shown_as_they_were_written() {
        for text in [
            "mon-fri 09:00-17:30 America/New_York",
            "mon,wed,fri-sun Europe/Berlin",
            "09:00-12:00,13:00-24:00 UTC",
            "2026-12-24,2026-12-30..2027-01-02,holidays 18:00-02:00 Asia/Tokyo",
            "UTC",
        ] {
            assert_eq!(Window::parse(text).unwrap().to_string(), text);
        }
        let loose = Window::parse(" Monday - FRIDAY , sat  9:00 – 12:00, 13:00-17:00   europe/berlin ").unwrap();
        assert_eq!(loose.to_string(), "mon-fri,sat 09:00-12:00,13:00-17:00 Europe/Berlin");
    }

    #[test]
    fn no_moment_is_too_far_away() {
        for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            assert!(Window::parse("Europe/Berlin").unwrap().holds(now, None));
            assert!(!Window::parse("2026-12-24 18:00-09:00 Europe/Berlin").unwrap().holds(now, None));
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn any_text_is_a_window_or_an_error_inside_it(text in "[a-z0-9:,. –-]{0,12}( UTC)?|\\PC{0,16}") {
            match Window::parse(&text) {
                Ok(window) => assert_eq!(Window::parse(&window.to_string()).unwrap(), window),
                Err(error) => assert!(text.get(error.at).is_some()),
            }
        }
    }
}
