//! Where JSON text opens and closes lists and objects, 64 bytes at a time.
//!
//! Brackets inside strings do not count. The text need not be valid: what stands here never fails,
//! and on nonsense it finds nonsense. A backslash escapes the byte behind it wherever it stands, so
//! that the blocks and the plain loop of the tests agree on nonsense too.
//!
//! The processor that the program runs on decides how many bytes are compared at once: 16 at least, 64 with AVX-512.

#![expect(clippy::inline_always, reason = "what is not inlined into `dispatch!` is compiled for the oldest processor")]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};
use memchr::memchr;

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
    let depth_max = i64::try_from(depth_max).unwrap_or(i64::MAX);
    dispatch!(Level::new(), simd => deeper_than_with(simd, depth_max, text.as_bytes()))
}

#[inline(always)]
fn deeper_than_with<S: Simd>(simd: S, depth_max: i64, text: &[u8]) -> bool {
    let (mut depth, mut scanner) = (0, Scanner::default());
    text.chunks(BLOCK).any(|bytes| {
        let block = scanner.brackets(simd, bytes);
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
    let depth_max = i64::try_from(depth_max).unwrap_or(i64::MAX);
    dispatch!(Level::new(), simd => container_len_with(simd, text.as_bytes(), depth_max))
}

#[inline(always)]
fn container_len_with<S: Simd>(simd: S, text: &[u8], depth_max: i64) -> Option<usize> {
    let (mut depth, mut start) = (0, 0);
    let mut scanner = Scanner::default();
    while let rest @ [_, ..] = text.get(start..)? {
        let block = scanner.brackets(simd, rest);
        start += BLOCK;
        if block.is_empty() {
            start = scanner.next_block(text, start)?;
        } else if block.keeps_within(depth, depth_max) {
            depth += block.opened() - block.closed();
        } else {
            match block.depths(&mut depth).find(|(_, depth)| *depth == 0 || *depth > depth_max) {
                Some((at, 0)) => return Some(start - BLOCK + at + 1),
                Some(_) => return None,
                None => {}
            }
        }
    }
    None
}

/// The last bytes of a text as a block; what is missing is spaces.
#[inline]
fn filled_up(rest: &[u8]) -> [u8; BLOCK] {
    let mut last = [b' '; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    last
}

/// The brackets of 64 bytes, a bit each, the first byte being the lowest.
#[derive(Clone, Copy)]
struct Brackets {
    opening: u64,
    closing: u64,
}

impl Brackets {
    #[inline(always)]
    fn opened(self) -> i64 {
        i64::from(self.opening.count_ones())
    }

    #[inline(always)]
    fn closed(self) -> i64 {
        i64::from(self.closing.count_ones())
    }

    #[inline]
    fn is_empty(self) -> bool {
        self.opening | self.closing == 0
    }

    /// Whether the depth, which is `depth` before them, surely stays above 0 and does not exceed `depth_max`.
    #[inline(always)]
    fn keeps_within(self, depth: i64, depth_max: i64) -> bool {
        let may_close = depth <= self.closed() && depth + self.opened_first() <= self.closed();
        !may_close && depth + self.opened() <= depth_max
    }

    /// How many open before the first one closes. Most of what closes in a block has opened in it.
    #[inline(always)]
    fn opened_first(self) -> i64 {
        let before = self.closing & self.closing.wrapping_neg();
        i64::from((self.opening & before.wrapping_sub(1)).count_ones())
    }

    /// Each bracket's place with the depth behind it, counted on in `depth`.
    #[inline]
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

/// What one block must know of those before it.
#[derive(Default)]
struct Scanner {
    /// 1 if the next byte is escaped by a backslash.
    escaped: u64,
    /// All ones inside a string, else 0.
    in_string: u64,
    /// Whether no byte of the last block was outside a string.
    prose: bool,
}

impl Scanner {
    /// The brackets of the block that `text` begins with; behind its end there are spaces.
    #[inline(always)]
    fn brackets<S: Simd>(&mut self, simd: S, text: &[u8]) -> Brackets {
        let bytes = match text.first_chunk::<BLOCK>() {
            Some(whole) => u8x64::from_slice(simd, whole),
            None => u8x64::from_slice(simd, &filled_up(text)),
        };
        let is = |bytes: u8x64<S>, byte| bytes.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        let escaped = self.escaped(is(bytes, b'\\'));
        let counting = !self.strings(is(bytes, b'"') & !escaped) & !escaped;
        // `[` and `{`, and `]` and `}`, differ in this bit, and no other byte becomes one of them by it.
        let folded = bytes | u8x64::splat(simd, b'[' ^ b'{');
        let (opening, closing) = (is(folded, b'{'), is(folded, b'}'));
        self.prose = counting == 0;
        Brackets { opening: opening & counting, closing: closing & counting }
    }

    /// Where to go on behind a block without brackets that ends at `start`: further off if it lay in a string
    /// altogether. Half of a usual body is such prose, which holds no brackets that count; whereas the end of a short
    /// string is found sooner with the next block. `None` if the string never ends.
    #[inline]
    fn next_block(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        if !self.prose {
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
    #[inline(always)]
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
    #[inline(always)]
    fn strings(&mut self, quotes: u64) -> u64 {
        let mut inside = quotes;
        // One after the other, because a loop of them stays a loop where code is made for size.
        inside ^= inside << 1;
        inside ^= inside << 2;
        inside ^= inside << 4;
        inside ^= inside << 8;
        inside ^= inside << 16;
        inside ^= inside << 32;
        inside ^= self.in_string;
        self.in_string = 0_u64.wrapping_sub(inside >> 63);
        inside
    }
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
