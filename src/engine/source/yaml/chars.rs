//! From the parser's character counts to the bytes that everybody else counts in.

/// Every how many characters a byte offset is noted down.
const STEP: usize = 64;

/// Where in a text its characters stand.
pub(super) struct Chars<'a> {
    text: &'a str,
    /// The byte offsets of the characters 0, [`STEP`], 2 × [`STEP`], …; none for plain ASCII.
    marks: Vec<usize>,
}

impl<'a> Chars<'a> {
    pub(super) fn new(text: &'a str) -> Chars<'a> {
        let marks =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).step_by(STEP).collect() };
        Chars { text, marks }
    }

    /// The byte at which the character number `index` begins; the text's end if there is no such character.
    pub(super) fn byte(&self, index: usize) -> usize {
        if self.marks.is_empty() {
            return index.min(self.text.len());
        }
        let mark = self.marks.get(index / STEP).copied().unwrap_or(self.text.len());
        let rest = self.text.get(mark..).unwrap_or_default();
        rest.char_indices().nth(index % STEP).map_or(self.text.len(), |(at, _)| mark + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_found() {
        for text in ["", "plain", &"aü€😀\n".repeat(100)] {
            let chars = Chars::new(text);
            for (index, (at, _)) in text.char_indices().enumerate() {
                assert_eq!(chars.byte(index), at);
            }
            assert_eq!(chars.byte(text.chars().count()), text.len());
            assert_eq!(chars.byte(usize::MAX), text.len());
        }
    }
}
