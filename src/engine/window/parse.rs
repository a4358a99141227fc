//! From text to [`Window`]: `[days] [spans] zone`.
//!
//! The words are told apart by their looks: the last one is the zone, times hold a `:`, and what remains
//! are the days. White space around `,`, `-` and `..` means nothing.

use std::ops::Range;

use jiff::civil::Weekday;

use super::dates::Dates;
use super::{Days, Holidays, Minute, Span, Window, WindowError, zone};
use crate::engine::diagnostic::closest;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Four-letter short forms that people use beside the usual three letters.
const SHORT_DAYS: [(&str, &str); 4] =
    [("tues", "tuesday"), ("weds", "wednesday"), ("thur", "thursday"), ("thurs", "thursday")];

const HOLIDAYS: &str = "holidays";
const EXAMPLE: &str = "mon-fri 09:00-17:30 Europe/Berlin";

/// A part of the text and where in it it begins.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    at: usize,
    text: &'a str,
}

/// See [`Window::parse`].
pub(super) fn window(text: &str) -> Result<Window, WindowError> {
    let words = words(text);
    let Some((last, before)) = words.split_last() else {
        return Err(zone_is_missing(text, &words));
    };
    let Some((zone, zone_name)) = zone::find(last.text) else {
        return Err(no_such_zone(text, &words, *last));
    };
    let (days, spans) = match *before {
        [] => (Vec::new(), Vec::new()),
        [times] if times.has_times() => (Vec::new(), spans(times)?),
        [days] => (self::days(days)?, Vec::new()),
        [days, times] => (self::days(days)?, spans(times)?),
        [_, _, extra, ..] => return Err(one_word_too_many(extra)),
    };
    Ok(Window { days, spans, zone, zone_name, holidays: Holidays::default() })
}

fn days(list: Part) -> Result<Vec<Days>, WindowError> {
    list.split(|c| c == ',').into_iter().map(day_item).collect()
}

fn day_item(item: Part) -> Result<Days, WindowError> {
    if item.text.starts_with(|c: char| c.is_ascii_digit()) {
        return dates(item);
    }
    if item.text.eq_ignore_ascii_case(HOLIDAYS) {
        return Ok(Days::Holidays);
    }
    match *item.split(is_dash).as_slice() {
        [day] => weekday(day).map(|day| Days::Weekdays(day, day)),
        [first, last] => Ok(Days::Weekdays(weekday(first)?, weekday(last)?)),
        _ => Err(item.error(format!("`{}` is not a range of days", item.text), "write `mon-fri`, or `mon,wed,fri`")),
    }
}

fn dates(item: Part) -> Result<Days, WindowError> {
    const HELP: &str = "write a date `2026-12-24`, dates `2026-12-24..2026-12-31`, or times `09:00-17:00`";
    match Dates::parse(item.text) {
        Ok(dates @ Dates::Range(..)) => Ok(Days::Dates(dates)),
        // It looks too much like `9-17`, from nine to five, to be taken for a date.
        Ok(Dates::Yearly(..)) => Err(item.error(format!("`{}` is neither a date nor a time", item.text), HELP)),
        Err(message) => Err(item.error(message, HELP)),
    }
}

fn weekday(day: Part) -> Result<Weekday, WindowError> {
    let written = day.text.to_ascii_lowercase();
    let full = SHORT_DAYS.iter().find(|(short, _)| *short == written).map_or(written.as_str(), |(_, full)| full);
    let is_meant = |(name, _): &&(&str, Weekday)| *name == full || name.get(..3) == Some(full);
    if let Some((_, weekday)) = DAYS.iter().find(is_meant) {
        return Ok(*weekday);
    }
    let short = DAYS.iter().filter_map(|(name, _)| name.get(..3));
    let help = match closest(full, DAYS.iter().map(|(name, _)| *name).chain(short).chain([HOLIDAYS])) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "days are written `mon`, `mon-fri`, `mon,wed,fri`, `2026-12-24` or `holidays`".to_owned(),
    };
    let message =
        if written.is_empty() { "a day is missing".to_owned() } else { format!("`{}` is not a day", day.text) };
    Err(day.error(message, help))
}

fn spans(list: Part) -> Result<Vec<Span>, WindowError> {
    list.split(|c| c == ',').into_iter().map(span).collect()
}

fn span(item: Part) -> Result<Span, WindowError> {
    let [start, end] = *item.split(is_dash).as_slice() else {
        return Err(item.error(format!("`{}` is not a span of time", item.text), "write `09:00-17:30`"));
    };
    let span = Span { start: minute(start)?, end: minute(end)? };
    if span.start == Minute::END_OF_DAY {
        return Err(start.error("a span cannot begin at `24:00`".into(), "write `00:00`"));
    }
    if span.start == span.end {
        let help = "for whole days leave the times out, or write `00:00-24:00`";
        return Err(item.error(format!("`{}` ends when it begins", item.text), help));
    }
    Ok(span)
}

fn minute(time: Part) -> Result<Minute, WindowError> {
    let number = |digits: &str| {
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse::<i16>().ok()).flatten()
    };
    let found = time.text.split_once(':').filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2);
    let found = found.and_then(|(hour, minute)| number(hour).zip(number(minute)));
    match found {
        Some((hour, minute)) if minute < 60 && hour * 60 + minute <= Minute::END_OF_DAY.0 => {
            Ok(Minute(hour * 60 + minute))
        }
        _ => {
            Err(time
                .error(format!("`{}` is not a time", time.text), "times are written `09:00`, `17:30`, up to `24:00`"))
        }
    }
}

fn zone_is_missing(text: &str, words: &[Part]) -> WindowError {
    let help = match *words {
        [] => format!("for example `{EXAMPLE}`"),
        [first, second, ..] if zone::find(first.text).is_some() => {
            let rest = text.get(second.at..).unwrap_or_default().trim();
            format!("it stands at the end: `{rest} {}`", first.text)
        }
        _ => format!("add one, for example `{} Europe/Berlin`", text.trim()),
    };
    Part { at: 0, text }.error("a time window needs a time zone".into(), help)
}

fn no_such_zone(text: &str, words: &[Part], last: Part) -> WindowError {
    let begins_like_a_day = last.split(|c| c == ',' || is_dash(c)).first().is_some_and(|day| weekday(*day).is_ok());
    let is_holidays = last.text.eq_ignore_ascii_case(HOLIDAYS);
    if begins_like_a_day || is_holidays || last.text.starts_with(|c: char| c.is_ascii_digit()) {
        return zone_is_missing(text, words);
    }
    // `America/New York` is two words.
    let joined = words.iter().nth_back(1).map(|before| format!("{}_{}", before.text, last.text));
    let help = match joined.and_then(|name| zone::suggestion(&name)).or_else(|| zone::suggestion(last.text)) {
        Some(zone) => format!("did you mean `{zone}`?"),
        None => "zones have names such as `Europe/Berlin`, `America/New_York` and `UTC`".to_owned(),
    };
    last.error(format!("no time zone is called `{}`", last.text), help)
}

fn one_word_too_many(extra: Part) -> WindowError {
    let help = if extra.has_times() {
        "put a comma between spans of the same days: `09:00-12:00,13:00-17:00`"
    } else {
        "a window is days, times and a zone; write a list of windows where days differ in their times"
    };
    extra.error(format!("`{}` is one word too many", extra.text), help)
}

/// Splits at white space, but not around what joins words.
fn words(text: &str) -> Vec<Part<'_>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for word in text.split_whitespace() {
        let from = words.last().map_or(0, |last| last.end);
        let start = from + text.get(from..).and_then(|rest| rest.find(word)).unwrap_or(0);
        let range = start..start + word.len();
        let joins = |c: char| c == ',' || is_dash(c);
        let before = words.last_mut().filter(|last| {
            let last = text.get(last.start..last.end).unwrap_or_default();
            last.ends_with(joins) || last.ends_with("..") || word.starts_with(joins) || word.starts_with("..")
        });
        match before {
            Some(last) => last.end = range.end,
            None => words.push(range),
        }
    }
    words.into_iter().map(|range| Part { at: range.start, text: text.get(range).unwrap_or_default() }).collect()
}

/// A hyphen, or what a word processor made of it.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2013}')
}

impl<'a> Part<'a> {
    fn has_times(self) -> bool {
        self.text.contains(':')
    }

    /// What stands between separators, without the white space around it.
    fn split(self, separates: impl Fn(char) -> bool) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut at = self.at;
        for piece in self.text.split_inclusive(&separates) {
            parts.push(Part { at, text: piece.strip_suffix(&separates).unwrap_or(piece) }.trim());
            at += piece.len();
        }
        if self.text.is_empty() || self.text.ends_with(&separates) {
            parts.push(Part { at, text: "" });
        }
        parts
    }

    fn trim(self) -> Part<'a> {
        let text = self.text.trim_start();
        Part { at: self.at + self.text.len() - text.len(), text: text.trim_end() }
    }

    fn error(self, message: String, help: impl Into<String>) -> WindowError {
        WindowError { at: self.at..self.at + self.text.len(), message, help: Some(help.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that `text` is refused at `at` with this message and this help.
    fn refused(text: &str, at: &str, message: &str, help: &str) {
        let error = window(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.help.as_deref()), (message, Some(help)), "{text}");
        assert_eq!(text.get(error.at), Some(at), "{text}");
    }

    #[test]
    fn a_window_without_zone_is_refused_with_an_example() {
        let refused = |text, help| refused(text, text, "a time window needs a time zone", help);
        refused("mon-fri 09:00-17:00", "add one, for example `mon-fri 09:00-17:00 Europe/Berlin`");
        refused("sat,sun", "add one, for example `sat,sun Europe/Berlin`");
        refused("holidays", "add one, for example `holidays Europe/Berlin`");
        refused("2026-12-24", "add one, for example `2026-12-24 Europe/Berlin`");
        refused("  ", "for example `mon-fri 09:00-17:30 Europe/Berlin`");
        refused("UTC mon-fri 9:00-17:00", "it stands at the end: `mon-fri 9:00-17:00 UTC`");
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused_with_a_suggestion() {
        let refused = |text, at, help| refused(text, at, &format!("no time zone is called `{at}`"), help);
        refused("mon-fri Europe/Berlni", "Europe/Berlni", "did you mean `Europe/Berlin`?");
        refused("09:00-17:00 EST", "EST", "did you mean `America/New_York`?");
        refused("mon-fri America/New York", "York", "did you mean `America/New_York`?");
        refused("Mordor", "Mordor", "zones have names such as `Europe/Berlin`, `America/New_York` and `UTC`");
    }

    #[test]
    fn wrong_days_are_pointed_at() {
        refused("mon-fry UTC", "fry", "`fry` is not a day", "did you mean `fri`?");
        refused("mon,wendesday UTC", "wendesday", "`wendesday` is not a day", "did you mean `wednesday`?");
        refused("holiday UTC", "holiday", "`holiday` is not a day", "did you mean `holidays`?");
        let help = "days are written `mon`, `mon-fri`, `mon,wed,fri`, `2026-12-24` or `holidays`";
        refused("mon,,fri UTC", "", "a day is missing", help);
        refused("mon-,fri UTC", "", "a day is missing", help);
        refused(
            "mon-wed-fri UTC",
            "mon-wed-fri",
            "`mon-wed-fri` is not a range of days",
            "write `mon-fri`, or `mon,wed,fri`",
        );
        let help = "write a date `2026-12-24`, dates `2026-12-24..2026-12-31`, or times `09:00-17:00`";
        refused("9-17 UTC", "9-17", "`9-17` is neither a date nor a time", help);
        refused("mon, 2026-02-30 UTC", "2026-02-30", "`2026-02-30` is not a date", help);
    }

    #[test]
    fn wrong_times_are_pointed_at() {
        let help = "times are written `09:00`, `17:30`, up to `24:00`";
        for time in ["9", "25:00", "24:01", "9:60", "9:0", "009:00", "9:00pm", "+9:00", ":"] {
            refused(&format!("mon 8:00-{time} UTC"), time, &format!("`{time}` is not a time"), help);
        }
        refused("9:00 UTC", "9:00", "`9:00` is not a span of time", "write `09:00-17:30`");
        refused("24:00-2:00 UTC", "24:00", "a span cannot begin at `24:00`", "write `00:00`");
        let help = "for whole days leave the times out, or write `00:00-24:00`";
        refused("0:00-00:00 UTC", "0:00-00:00", "`0:00-00:00` ends when it begins", help);
    }

    #[test]
    fn too_many_words_are_pointed_at() {
        let help = "put a comma between spans of the same days: `09:00-12:00,13:00-17:00`";
        refused("mon 9:00-12:00 13:00-17:00 UTC", "13:00-17:00", "`13:00-17:00` is one word too many", help);
        let help = "a window is days, times and a zone; write a list of windows where days differ in their times";
        refused("mon 9:00-12:00 fri UTC", "fri", "`fri` is one word too many", help);
    }
}
