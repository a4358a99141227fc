//! Where the lines of a file begin, so that many places in a large file stay cheap.

/// The first byte of each line.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Vec<u32>);

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        // The byte order mark is no column of the first line.
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).filter_map(|at| u32::try_from(at + 1).ok());
        Lines(std::iter::once(first).chain(breaks).collect())
    }

    /// The line and the column, in characters, both from 1, of a byte of `text`.
    pub(super) fn place(&self, text: &str, byte: u32) -> (u32, u32) {
        let byte = byte.min(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let (line, start) = self.containing(byte);
        let until = text.get(start as usize..byte.max(start) as usize).unwrap_or_default();
        (line, u32::try_from(until.chars().count() + 1).unwrap_or(u32::MAX))
    }

    /// The line that a byte of `text` lies in, without its line break.
    pub(super) fn line<'a>(&self, text: &'a str, byte: u32) -> &'a str {
        let (_, start) = self.containing(byte);
        text.get(start as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// The number, from 1, and the first byte of the line that a byte lies in.
    fn containing(&self, byte: u32) -> (u32, u32) {
        let count = self.0.partition_point(|start| *start <= byte).max(1);
        let start = self.0.get(count - 1).copied().unwrap_or_default();
        (u32::try_from(count).unwrap_or(u32::MAX), start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_byte() {
        let text = "\u{feff}a\nüb\r\n\nlast";
        let lines = Lines::of(text);
        for (byte, place, line) in [
            (0, (1, 1), "a"),
            (3, (1, 1), "a"),
            (4, (1, 2), "a"),
            (5, (2, 1), "üb"),
            (7, (2, 2), "üb"),
            (10, (3, 1), ""),
            (15, (4, 5), "last"),
            (99, (4, 5), "last"),
        ] {
            assert_eq!((lines.place(text, byte), lines.line(text, byte)), (place, line), "{byte}");
        }
    }
}
