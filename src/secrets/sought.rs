//! What is sought in what others say, and hidden there.

use std::borrow::Cow;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::spelling::{MAY_STAND_FOR_ANOTHER, first_bytes, length};

/// How many bytes stand for one at most, as in `\u0041`.
const SPELLING_BYTES_MAX: usize = 6;

/// Texts that give secrets away.
pub struct Sought {
    /// Each once, with the name of its secret.
    texts: Vec<(Zeroizing<String>, String)>,
    /// For each byte, which of them begin with it.
    begun_by: Vec<Vec<usize>>,
    /// For each byte, whether a spelling of one may begin with it: most are passed over.
    may_begin: [bool; 256],
}

impl Sought {
    pub(super) fn new(texts: impl IntoIterator<Item = (Zeroizing<String>, String)>) -> Sought {
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_by(|(a, _), (b, _)| a.cmp(b));
        texts.dedup_by(|(a, _), (b, _)| a == b);
        let mut begun_by = vec![Vec::new(); 256];
        for (number, (text, _)) in texts.iter().enumerate() {
            if let Some(begun) = text.bytes().next().and_then(|byte| begun_by.get_mut(usize::from(byte))) {
                begun.push(number);
            }
        }
        let mut may_begin = [false; 256];
        for ((byte, may_begin), begun) in (0..=u8::MAX).zip(&mut may_begin).zip(&begun_by) {
            *may_begin = !begun.is_empty() || MAY_STAND_FOR_ANOTHER.contains(&byte);
        }
        Sought { texts, begun_by, may_begin }
    }

    /// How many bytes one of them takes at most, in whichever way it is written.
    pub(super) fn longest(&self) -> usize {
        self.texts.iter().map(|(text, _)| text.len() * SPELLING_BYTES_MAX).max().unwrap_or(0)
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// `answer` with the names of secrets where they are given away.
    #[must_use]
    pub fn hide(&self, answer: Bytes) -> Bytes {
        match self.hidden(&answer) {
            Cow::Borrowed(_) => answer,
            Cow::Owned(hidden) => hidden.into(),
        }
    }

    pub(super) fn hidden<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut shown = Vec::new();
        let mut behind = 0;
        while let Some((begin, mut end, name)) = self.next(text, behind) {
            shown.extend_from_slice(text.get(behind..begin).unwrap_or_default());
            shown.extend_from_slice(format!("[secret {name}]").as_bytes());
            // What begins before the end of this and goes on behind it would leave its own end.
            let mut at = begin + 1;
            while at < end {
                end = self.found_at(text, at).map_or(end, |(further, _)| further.max(end));
                at += 1;
            }
            behind = end;
        }
        if behind == 0 {
            return Cow::Borrowed(text);
        }
        shown.extend_from_slice(text.get(behind..).unwrap_or_default());
        Cow::Owned(shown)
    }

    /// What is found first from `from` on: where it begins and ends, and whose it is.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize, &str)> {
        if self.is_empty() {
            return None;
        }
        let mut begin = from;
        loop {
            let rest = text.get(begin..)?;
            begin += rest.iter().position(|byte| self.may_begin.get(usize::from(*byte)) == Some(&true))?;
            if let Some((end, name)) = self.found_at(text, begin) {
                return Some((begin, end, name));
            }
            begin += 1;
        }
    }

    /// Where the longest ends that begins at `at`, and whose it is.
    fn found_at(&self, text: &[u8], at: usize) -> Option<(usize, &str)> {
        let rest = text.get(at..)?;
        let begun = first_bytes(rest).filter_map(|byte| self.begun_by.get(usize::from(byte)));
        let texts = begun.flatten().filter_map(|number| self.texts.get(*number));
        let found = texts.filter_map(|(text, name)| Some((at + length(text, rest)?, name.as_str())));
        found.max_by_key(|(end, _)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(sought: &[(&str, &str)], text: &str) -> String {
        let texts = sought.iter().map(|(text, name)| (Zeroizing::new((*text).to_owned()), (*name).to_owned()));
        String::from_utf8(Sought::new(texts).hidden(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn nothing_of_what_overlaps_stays() {
        let sought = [("abc", "a"), ("abcde", "b"), ("dexy", "c"), ("yz", "d")];
        for (text, shown) in [
            ("abcabcde", "[secret a][secret b]"),
            ("-abcdexyz-", "-[secret b]-"),
            ("-dexyzabc-", "-[secret c][secret a]-"),
            ("ab-cde-x-%79z", "ab-cde-x-[secret d]"),
            ("", ""),
        ] {
            assert_eq!(hidden(&sought, text), shown, "{text}");
        }
    }

    #[test]
    fn where_nothing_is_found_the_answer_stays_as_it_is() {
        let sought = Sought::new([(Zeroizing::new("abc".to_owned()), "a".to_owned())]);
        assert!(matches!(sought.hidden(b"ab%63 was it nearly: ab%6"), Cow::Owned(_)));
        assert!(matches!(sought.hidden(b"ab%6"), Cow::Borrowed(_)));
        assert!(matches!(Sought::new([]).hidden(b"abc"), Cow::Borrowed(_)));
    }
}
