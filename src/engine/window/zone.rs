//! Time zones by their IANA names, and what to say of names that are none.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::engine::diagnostic::closest;

/// Abbreviations that people write for a time zone. None of them says when summer time is: most are no
/// IANA names, and the few that are (`EST`, `MST`) mean a zone without it, which is never what is meant.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("MT", "America/Denver"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("CT", "America/Chicago"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("BST", "Europe/London"),
    ("CEST", "Europe/Berlin"),
    ("EEST", "Europe/Athens"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("Z", "UTC"),
];

/// The zone called `name` and its name in the usual spelling.
///
/// The system's zone files come first, since they are kept up to date. What they lack (a bare container
/// has none, Debian ships old names apart) is taken from the ones built in.
pub(super) fn find(name: &str) -> Option<(TimeZone, Box<str>)> {
    if by_abbreviation(name).is_some() {
        return None;
    }
    let zone = jiff::tz::db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name)).ok()?;
    let name = zone.iana_name().filter(|_| !zone.is_unknown())?.into();
    Some((zone, name))
}

/// The zone that somebody who wrote `name` most likely meant.
pub(super) fn suggestion(name: &str) -> Option<String> {
    if let Some(zone) = by_abbreviation(name) {
        return Some(zone.to_owned());
    }
    let mut known: Vec<String> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    known.sort_unstable();
    let city = |zone: &&String| zone.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(name));
    let found = known.iter().find(city).map(String::as_str);
    found.or_else(|| closest(name, known.iter().map(String::as_str))).map(str::to_owned)
}

fn by_abbreviation(name: &str) -> Option<&'static str> {
    ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, zone)| *zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_however_they_are_spelt() {
        let name = |written| find(written).map(|(_, name)| name);
        assert_eq!(name("europe/BERLIN").as_deref(), Some("Europe/Berlin"));
        assert_eq!(name("utc").as_deref(), Some("UTC"));
        assert_eq!(name("America/Argentina/Buenos_Aires").as_deref(), Some("America/Argentina/Buenos_Aires"));
        for none in ["", "EST", "cest", "Etc/Unknown", "Europe/Munich", "../etc/passwd", "+02:00"] {
            assert_eq!(name(none), None, "{none}");
        }
    }

    #[test]
    fn what_was_most_likely_meant_is_suggested() {
        for (written, meant) in [
            ("Europe/Berlni", Some("Europe/Berlin")),
            ("berlin", Some("Europe/Berlin")),
            ("America/NewYork", Some("America/New_York")),
            ("New_York", Some("America/New_York")),
            ("EST", Some("America/New_York")),
            ("pst", Some("America/Los_Angeles")),
            ("Middle-Earth/Mordor", None),
        ] {
            assert_eq!(suggestion(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn every_abbreviation_stands_for_a_zone() {
        assert!(ABBREVIATIONS.iter().all(|(_, zone)| find(zone).is_some()));
    }
}
