//! Dates on which a window does not hold, or on which alone it does.

use jiff::civil::Date;

use super::WindowError;
use super::dates::Dates;

/// A set of dates: single ones, stretches, and some that come back every year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays(Vec<Dates>);

impl Holidays {
    /// Reads a set of dates, each written `2026-12-25`, `2026-12-24..2026-12-31` or, for every year, `12-25`.
    ///
    /// # Errors
    /// If a text is none of these: its position in `texts`, and what is wrong with it.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Holidays, (usize, WindowError)> {
        let mut holidays = Holidays::default();
        for (at, text) in texts.into_iter().enumerate() {
            holidays.add(text).map_err(|error| (at, error))?;
        }
        Ok(holidays)
    }

    /// Adds what one text says.
    ///
    /// # Errors
    /// If the text is no date; the set stays as it was.
    pub fn add(&mut self, text: &str) -> Result<(), WindowError> {
        let dates = Dates::parse(text.trim()).map_err(|message| WindowError {
            at: 0..text.len(),
            message,
            help: Some("write `2026-12-25`, `2026-12-24..2026-12-31` or, for every year, `12-25`".into()),
        })?;
        self.0.push(dates);
        Ok(())
    }

    /// Whether `day` is one of them.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        self.0.iter().any(|dates| dates.contain(day))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_single_dates_stretches_and_yearly_ones() {
        let holidays = Holidays::parse(["2026-04-06", " 12-25 ", "2026-08-01..2026-08-14"]).unwrap();
        let has = |year, month, day| holidays.contains(Date::constant(year, month, day));
        assert!(has(2026, 4, 6) && has(2030, 12, 25) && has(2026, 8, 7));
        assert!(!has(2027, 4, 6) && !has(2026, 8, 15));
        assert!(Holidays::default().is_empty() && !holidays.is_empty());
    }

    #[test]
    fn a_wrong_date_is_named_by_its_position() {
        let (at, error) = Holidays::parse(["12-25", "christmas"]).unwrap_err();
        assert_eq!((at, error.to_string().as_str()), (1, "`christmas` is not a date"));
    }
}
