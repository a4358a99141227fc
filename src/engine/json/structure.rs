//! Where JSON text opens and closes lists and objects, 64 bytes at a time.
//!
//! Brackets inside strings do not count. The text need not be valid: what stands here never fails,
//! and on nonsense it finds nonsense. A backslash escapes the byte behind it wherever it stands, so
//! that the blocks and the plain loop of the tests agree on nonsense too.

use memchr::memchr;
use wide::u8x16;

/// How deep a document may be nested.
pub const DEPTH_MAX: usize = 128;

const BLOCK: usize = 64;
const ODD_BITS: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// Whether lists and objects of `text` lie in each other more than [`DEPTH_MAX`] deep.
pub(crate) fn too_deep(text: &str) -> bool {
    // What is opened must be closed: a shorter text is no JSON or not that deep.
    text.len() > 2 * DEPTH_MAX && deeper_than(DEPTH_MAX, text)
}

fn deeper_than(depth_max: usize, text: &str) -> bool {
    let mut depth = 0_i64;
    let depth_max = i64::try_from(depth_max).unwrap_or(i64::MAX);
    blocks(text).any(|block| {
        if depth + block.opened() > depth_max {
            return block.depths(&mut depth).any(|(_, depth)| depth > depth_max);
        }
        depth += block.opened() - block.closed();
        false
    })
}

/// The length of the list or object that `text` begins with; `None` if it is never closed, or nested more than
/// `depth_max` deep.
pub(super) fn container_len(text: &str, depth_max: usize) -> Option<usize> {
    let (mut depth, mut start) = (0_i64, 0);
    let depth_max = i64::try_from(depth_max).unwrap_or(i64::MAX);
    let mut scanner = Scanner::default();
    while start < text.len() {
        let block = scanner.brackets(&block_at(text, start));
        if depth <= block.closed() || depth + block.opened() > depth_max {
            let beyond = |depth: i64| depth == 0 || depth > depth_max;
            match block.depths(&mut depth).find(|(_, depth)| beyond(*depth)) {
                Some((at, 0)) => return Some(start + at + 1),
                Some(_) => return None,
                None => {}
            }
        } else {
            depth += block.opened() - block.closed();
        }
        start = scanner.next_block(text.as_bytes(), start + BLOCK)?;
    }
    None
}

/// The 64 bytes of `text` from `start` on; what is missing at its end is spaces.
fn block_at(text: &str, start: usize) -> [u8; BLOCK] {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut last = [b' '; BLOCK];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        last
    })
}

/// The brackets of 64 bytes, a bit each, the first byte being the lowest.
#[derive(Clone, Copy)]
struct Brackets {
    opening: u64,
    closing: u64,
}

impl Brackets {
    fn opened(self) -> i64 {
        i64::from(self.opening.count_ones())
    }

    fn closed(self) -> i64 {
        i64::from(self.closing.count_ones())
    }

    /// Each bracket's place with the depth behind it, counted on in `depth`.
    fn depths(self, depth: &mut i64) -> impl Iterator<Item = (usize, i64)> {
        let mut left = self.opening | self.closing;
        std::iter::from_fn(move || {
            let bit = left & left.wrapping_neg();
            if bit == 0 {
                return None;
            }
            left ^= bit;
            *depth += if self.opening & bit == 0 { -1 } else { 1 };
            Some((bit.trailing_zeros() as usize, *depth))
        })
    }
}

/// The brackets outside strings, block by block; the last block is filled up with spaces.
fn blocks(text: &str) -> impl Iterator<Item = Brackets> {
    let (whole, rest) = text.as_bytes().as_chunks::<BLOCK>();
    let mut last = [b' '; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let last = (!rest.is_empty()).then_some(last);
    let mut scanner = Scanner::default();
    whole.iter().copied().chain(last).map(move |block| scanner.brackets(&block))
}

/// What one block must know of those before it.
#[derive(Default)]
struct Scanner {
    /// 1 if the next byte is escaped by a backslash.
    escaped: u64,
    /// All ones inside a string, else 0.
    in_string: u64,
}

impl Scanner {
    fn brackets(&mut self, block: &[u8; BLOCK]) -> Brackets {
        let bytes = lanes(block);
        let quotes = bits(bytes, |lane| lane.simd_eq(u8x16::splat(b'"')));
        let backslashes = bits(bytes, |lane| lane.simd_eq(u8x16::splat(b'\\')));
        let escaped = self.escaped(backslashes);
        let counting = !self.strings(quotes & !escaped) & !escaped;
        // Half of a usual body is prose: blocks that lie in a string altogether.
        if counting == 0 {
            return Brackets { opening: 0, closing: 0 };
        }
        // `[` and `{`, and `]` and `}`, differ in this bit, and no other byte becomes one of them by it.
        let folded = bytes.map(|lane| lane | u8x16::splat(b'[' ^ b'{'));
        let opening = bits(folded, |lane| lane.simd_eq(u8x16::splat(b'{')));
        let closing = bits(folded, |lane| lane.simd_eq(u8x16::splat(b'}')));
        Brackets { opening: opening & counting, closing: closing & counting }
    }

    /// Where to go on behind a block that ends at `start`: further off if a long string begins there, since prose
    /// holds no brackets that count. `None` if the string never ends.
    fn next_block(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        if self.in_string == 0 {
            return Some(start);
        }
        let quote = start + memchr(b'"', bytes.get(start..)?)?;
        let next = start + (quote - start) / BLOCK * BLOCK;
        if next > start {
            let backslashes = bytes.get(start..next)?.iter().rev().take_while(|byte| **byte == b'\\').count();
            // A row of backslashes that reaches back to `start` may begin with one that is escaped itself.
            let all = backslashes == next - start;
            self.escaped = (backslashes as u64 ^ if all { self.escaped } else { 0 }) & 1;
        }
        Some(next)
    }

    /// The bytes that a backslash escapes. In a row of backslashes every other one is escaped, which
    /// one subtraction finds for all rows: its carry runs through a row and stops behind it.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let escaping = backslashes & !self.escaped;
        let odd_starts = ((escaping << 1) | ODD_BITS).wrapping_sub(escaping) ^ ODD_BITS;
        let escaped = odd_starts ^ (backslashes | self.escaped);
        self.escaped = (odd_starts & backslashes) >> 63;
        escaped
    }

    /// The bytes in strings, opening quotes included: between an odd number of quotes and the next.
    fn strings(&mut self, quotes: u64) -> u64 {
        if quotes == 0 {
            return self.in_string;
        }
        let mut inside = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.in_string;
        self.in_string = 0_u64.wrapping_sub(inside >> 63);
        inside
    }
}

fn lanes(block: &[u8; BLOCK]) -> [u8x16; BLOCK / 16] {
    let mut lanes = [u8x16::splat(0); BLOCK / 16];
    lanes.iter_mut().zip(block.as_chunks().0).for_each(|(lane, bytes)| *lane = u8x16::from(*bytes));
    lanes
}

/// One bit for each byte, set where `test` answers with all ones.
fn bits(lanes: [u8x16; BLOCK / 16], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let [a, b, c, d] = lanes.map(|lane| u64::from(test(lane).to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same as [`deeper_than`] and [`container_len`], a byte at a time.
    fn plainly(text: &str) -> (i64, Option<usize>) {
        let (mut depth, mut deepest, mut end) = (0, 0, None);
        let (mut in_string, mut escaped) = (false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => {
                    escaped = false;
                    continue;
                }
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth -= 1;
                    if depth == 0 && end.is_none() {
                        end = Some(at + 1);
                    }
                }
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        (deepest, end)
    }

    fn nested(depth: usize) -> String {
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_document_may_be_nested_128_deep() {
        assert!(!too_deep(&nested(128)));
        assert!(too_deep(&nested(129)));
        assert!(too_deep(&format!("{{\"a\": {{\"b\": {}}}}}", nested(127))));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert!(!too_deep(&format!("[\"{}\\\"{}\"]", "[".repeat(300), "{".repeat(300))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn blocks_agree_with_a_plain_loop(text in r#"[{}\[\]"\\ax,:;]{0,400}"#, depth_max in 0_usize..6) {
            let (deepest, _) = plainly(&text);
            prop_assert_eq!(deeper_than(depth_max, &text), deepest > i64::try_from(depth_max).unwrap());
        }

        #[test]
        fn rows_of_backslashes_are_told_apart(text in r#"([{}"]|\\{1,70}|a{0,170}){0,12}"#) {
            let text = format!("[{text}");
            let (deepest, end) = plainly(&text);
            prop_assert_eq!(container_len(&text, usize::MAX), end);
            prop_assert_eq!(deeper_than(1, &text), deepest > 1);
        }
    }
}
