//! What an author most likely meant by a name that does not exist.

/// The one of `known` that `written` most likely meant, if any is close enough.
///
/// Case and separators count for nothing. A name is close if few letters differ, if it has the same
/// words in another order, or if `written` is how it begins.
#[must_use]
pub fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(written);
    let wanted_words = words(written);
    known
        .into_iter()
        .filter_map(|name| Some((distance(&wanted, &wanted_words, name)?, name)))
        .min_by_key(|(distance, name)| (*distance, name.len().abs_diff(written.len())))
        .map(|(_, name)| name)
}

/// How far `name` is from what was written; `None` if too far to be meant.
fn distance(wanted: &str, wanted_words: &[String], name: &str) -> Option<usize> {
    /// At least so many letters are needed to guess the rest.
    const PREFIX_MIN: usize = 3;

    let plain = plain(name);
    let letters = strsim::damerau_levenshtein(wanted, &plain);
    // A third of the letters may differ, one in the shortest names, but never all of them.
    let allowed = plain.chars().count().max(3) / 3;
    if letters <= allowed && letters < plain.chars().count() {
        return Some(letters);
    }
    let reordered = wanted_words.len() > 1 && words(name) == wanted_words;
    let begun = wanted.chars().count() >= PREFIX_MIN && plain.starts_with(wanted);
    (reordered || begun).then_some(allowed + 1)
}

/// `text` without case and separators.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['_', '-', '.', ' '], "")
}

/// The words of `text`, sorted.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.to_lowercase().split(['_', '-', '.', ' ']).map(str::to_owned).collect();
    words.sort();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_suggested_and_a_far_one_is_not() {
        for (written, known, meant) in [
            ("respnd", &["respond", "run"][..], Some("respond")),
            ("tool-call", &["transcript", "tool-calls"], Some("tool-calls")),
            ("toolCalls", &["transcript", "tool-calls"], Some("tool-calls")),
            ("report-end-of-call", &["end-of-call-report"], Some("end-of-call-report")),
            ("desc", &["tags", "description"], Some("description")),
            ("statusupdate", &["status-update", "speech-update"], Some("status-update")),
            ("frobnicate", &["respond", "run"], None),
            ("x", &["if", "on"], None),
            ("", &["if"], None),
        ] {
            assert_eq!(closest(written, known.iter().copied()), meant, "{written}");
        }
    }
}
