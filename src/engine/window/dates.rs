//! Dates as authors write them: `2026-12-24`, `2026-12-24..2026-12-31`, and `12-24` for every year.

use std::fmt;

use jiff::civil::Date;

/// A date, a stretch of dates, or a date of every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// From one date up to and with another.
    Range(Date, Date),
    /// Month and day.
    Yearly(i8, i8),
}

impl Dates {
    /// Reads one of the three spellings; the error is a message without place.
    pub(super) fn parse(text: &str) -> Result<Dates, String> {
        let Some((first, last)) = text.split_once("..") else {
            return one(text.trim());
        };
        match (one(first.trim())?, one(last.trim())?) {
            (Dates::Range(first, _), Dates::Range(last, _)) if first <= last => Ok(Dates::Range(first, last)),
            (Dates::Range(..), Dates::Range(..)) => Err(format!("`{text}` ends before it begins")),
            _ => Err(format!("`{text}` needs a year in both dates")),
        }
    }

    /// Whether `day` is one of them.
    pub(super) fn contain(self, day: Date) -> bool {
        match self {
            Dates::Range(first, last) => first <= day && day <= last,
            Dates::Yearly(month, date) => day.month() == month && day.day() == date,
        }
    }
}

fn one(text: &str) -> Result<Dates, String> {
    let is_no_date = || format!("`{text}` is not a date");
    let parts: Vec<&str> = text.split('-').collect();
    match *parts.as_slice() {
        [year, month, day] if year.len() == 4 => {
            let (year, month, day) = (digits(year), digits(month), digits(day));
            let date = year.zip(month).zip(day).and_then(|((year, month), day)| date(year, month, day));
            date.map(|date| Dates::Range(date, date)).ok_or_else(is_no_date)
        }
        // A leap year, so that 02-29 is a date.
        [month, day] => {
            let date = digits(month).zip(digits(day)).and_then(|(month, day)| date(2000, month, day));
            date.map(|date| Dates::Yearly(date.month(), date.day())).ok_or_else(is_no_date)
        }
        _ => Err(is_no_date()),
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// A number of digits alone: `parse` would take a sign too.
fn digits(text: &str) -> Option<i16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dates::Range(first, last) if first == last => write!(f, "{first}"),
            Dates::Range(first, last) => write!(f, "{first}..{last}"),
            Dates::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_shown_as_they_were_written() {
        for text in ["2026-12-24", "2026-12-24..2026-12-31", "12-24", "02-29", "2028-02-29"] {
            assert_eq!(Dates::parse(text).map(|dates| dates.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Dates::parse("2026-1-5 .. 2026-1-6").unwrap().to_string(), "2026-01-05..2026-01-06");
    }

    #[test]
    fn what_is_no_date_is_said_to_be_none() {
        let wrong = |text| Dates::parse(text).unwrap_err();
        for text in ["2026-13-01", "2026-02-29", "26-12-24", "2026", "", "+026-01-01", "1-2-3-4", "12-32", "99999-1"] {
            assert_eq!(wrong(text), format!("`{text}` is not a date"));
        }
        assert_eq!(wrong("2026-12-31..2026-12-24"), "`2026-12-31..2026-12-24` ends before it begins");
        assert_eq!(wrong("12-24..12-31"), "`12-24..12-31` needs a year in both dates");
        assert_eq!(wrong("2026-12-24.."), "`` is not a date");
    }

    #[test]
    fn both_ends_of_a_stretch_belong_to_it() {
        let dates = Dates::parse("2026-12-24..2026-12-31").unwrap();
        let contain = |year, month, day| dates.contain(Date::constant(year, month, day));
        assert!(contain(2026, 12, 24) && contain(2026, 12, 31));
        assert!(!contain(2026, 12, 23) && !contain(2027, 1, 1));
        assert!(Dates::parse("12-25").unwrap().contain(Date::constant(2031, 12, 25)));
    }
}
