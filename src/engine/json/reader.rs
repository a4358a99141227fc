//! Checks JSON text while going over it.
//!
//! What a [`Reader`] has passed is valid, and nested at most [`DEPTH_MAX`] deep; of what it has
//! [leapt over](Reader::leap) only the latter is sure. It makes nothing of what it passes, and where something is wrong it says `None` without a reason: whoever wants one lets
//! [`Json::parse`](super::Json::parse) read the text again.

use super::structure::{DEPTH_MAX, container_len};

const BLOCK: usize = 8;

/// The one value of the document `text`, without the white space around it.
pub(super) fn value(text: &str) -> Option<&str> {
    let mut reader = Reader::new(text);
    reader.peek()?;
    let start = reader.at;
    reader.skip()?;
    let end = reader.at;
    reader.at_end().then(|| text.get(start..end))?
}

/// Goes over one document from its beginning to its end.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Which of the lists and objects around are objects: a bit each, the innermost being the lowest.
    objects: u128,
}

impl<'a> Reader<'a> {
    /// Begins with the document `text`.
    pub(crate) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0, depth: 0, objects: 0 }
    }

    /// How many bytes it has passed.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space; it is not passed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                byte if byte > b' ' => return Some(byte),
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                control => return Some(control),
            }
        }
    }

    /// Whether nothing is left.
    #[inline]
    pub(crate) fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Goes into a list or an object; says whether there is anything in it, and passes it if not.
    #[inline]
    pub(crate) fn begin(&mut self) -> Option<bool> {
        let is_object = match self.peek()? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.at += 1;
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(is_object);
        let is_empty = self.peek()? == self.closing();
        if is_empty {
            self.end();
        }
        Some(!is_empty)
    }

    /// Passes what stands behind a field or item: a comma, or what closes the list or object. Says whether
    /// another field or item follows.
    #[inline]
    pub(crate) fn more(&mut self) -> Option<bool> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                Some(true)
            }
            byte if byte == self.closing() => {
                self.end();
                Some(false)
            }
            _ => None,
        }
    }

    /// Passes a key with its colon, and returns it. `None` also if something in it is escaped.
    #[inline]
    pub(crate) fn key(&mut self) -> Option<&'a str> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let end = start + plain_len(self.bytes().get(start..)?);
        self.at = end;
        if !self.eat(b'"') {
            return None;
        }
        self.colon()?;
        self.text.get(start..end)
    }

    /// Passes a whole value.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let depth = self.depth;
        loop {
            match self.peek()? {
                b'"' => self.at = string(self.bytes(), self.at)?,
                b'{' | b'[' => {
                    if self.begin()? {
                        self.key_of_field()?;
                        continue;
                    }
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            while self.depth > depth {
                if self.more()? {
                    self.key_of_field()?;
                    break;
                }
            }
            if self.depth == depth {
                return Some(());
            }
        }
    }

    /// Passes a whole value without looking closely: a list or object only has to be closed, and not too deep.
    #[inline]
    pub(crate) fn leap(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' | b'[' => {
                self.at += container_len(self.text.get(self.at..)?, DEPTH_MAX - self.depth)?;
                Some(())
            }
            _ => self.skip(),
        }
    }

    /// Passes the key with its colon, if this is an object.
    #[inline]
    fn key_of_field(&mut self) -> Option<()> {
        if self.objects & 1 == 0 {
            return Some(());
        }
        self.peek()?;
        self.at = string(self.bytes(), self.at)?;
        self.colon()
    }

    #[inline]
    fn colon(&mut self) -> Option<()> {
        let is_colon = self.peek()? == b':';
        self.at += 1;
        is_colon.then_some(())
    }

    #[inline]
    fn closing(&self) -> u8 {
        if self.objects & 1 == 1 { b'}' } else { b']' }
    }

    #[inline]
    fn end(&mut self) {
        self.at += 1;
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn number(&mut self) -> Option<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let end = self.at + word.len();
        let is_there = self.bytes().get(self.at..end)? == word.as_bytes();
        self.at = end;
        is_there.then_some(())
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// Where the string ends whose first quote stands at `at`.
#[inline]
pub(super) fn string(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += plain_len(bytes.get(at..)?);
        at += match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => escape_len(bytes.get(at..)?)?,
            // A control character.
            _ => return None,
        };
    }
}

fn escape_len(escape: &[u8]) -> Option<usize> {
    match escape.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => escape.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Whether `text` stands in a string of JSON as it is, with nothing to be escaped.
pub(crate) fn is_plain(text: &str) -> bool {
    plain_len(text.as_bytes()) == text.len()
}

/// How many bytes come before one that ends a string, begins an escape or may not stand in a string.
///
/// Most strings that are looked at closely are short, so eight bytes at a time are enough; long ones are leapt over.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut passed = 0;
    for block in blocks {
        let special = specials(*block);
        if special != 0 {
            return passed + first(special);
        }
        passed += BLOCK;
    }
    let mut last = [b'"'; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    bytes.len() - rest.len() + first(specials(last))
}

/// The highest bit of each byte that ends a plain stretch of a string, the first byte being the lowest. Bits behind
/// the first of them may be wrong, since subtracting carries on to the next byte.
#[inline]
fn specials(block: [u8; BLOCK]) -> u64 {
    let bytes = u64::from_le_bytes(block);
    let less = |bytes: u64, than: u8| bytes.wrapping_sub(each(than)) & !bytes;
    let control = less(bytes, b' ');
    let quote = less(bytes ^ each(b'"'), 1);
    let backslash = less(bytes ^ each(b'\\'), 1);
    (control | quote | backslash) & each(0x80)
}

/// The first byte of which a bit is set.
#[inline]
fn first(bits: u64) -> usize {
    bits.trailing_zeros() as usize / 8
}

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; BLOCK])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::super::structure::too_deep;
    use super::*;

    /// Checks that `text` passes just if `serde_json` reads it and it is not too deep.
    fn check(text: &str) -> Result<(), TestCaseError> {
        let expected = serde_json::from_str::<&RawValue>(text).ok().filter(|_| !too_deep(text));
        prop_assert_eq!(value(text), expected.map(RawValue::get), "{}", text);
        Ok(())
    }

    #[test]
    fn it_agrees_with_serde_json() {
        let strings =
            [r#""""#, r#""a\"""#, r#""\u00e9\/\b""#, r#""\u00e""#, r#""\x""#, "\"a\nb\"", "\"", "\"\\", "\"\u{7f}é\""];
        let numbers = ["0", "-0", "-", "01", "1.", ".5", "1.5e-3", "1e", "1E+5", "1e999", "+1", "NaN"];
        let words = ["true", "tru", "truefalse", "null ", "nul", "false\n", "", " ", "\u{feff}1"];
        let lists = ["[]", "[ ]", "[1,]", "[,1]", "[1 2]", "[1,2", "[1]]", "[}", "[[],{}]", "1 2"];
        let objects = [
            "{}",
            "{ }",
            r#"{"a":1}"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{1:2}",
            r#"{"a":[{}],"b":{"c":[]}}"#,
            "{]",
        ];
        for text in strings.iter().chain(&numbers).chain(&words).chain(&lists).chain(&objects) {
            check(text).unwrap();
        }
    }

    #[test]
    fn it_counts_how_deep_it_is() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(value(&nested(DEPTH_MAX)).is_some());
        assert!(value(&nested(DEPTH_MAX + 1)).is_none());
        let objects = format!("{}{}", "{\"a\":[".repeat(DEPTH_MAX / 2), "]}".repeat(DEPTH_MAX / 2));
        assert!(value(&objects).is_some());
    }

    #[test]
    fn what_it_leaps_over_must_be_closed_and_not_too_deep() {
        let leap = |text: &str| Reader::new(text).leap();
        for text in ["[1,,2]", "{\"a\" \"]}\"}", "[{}]", "7", "\"]\""] {
            assert_eq!(leap(text), Some(()), "{text}");
        }
        for text in ["[1", "{\"a\": \"}", "tru", "", "\"a"] {
            assert_eq!(leap(text), None, "{text}");
        }
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(leap(&nested(DEPTH_MAX)), Some(()));
        assert_eq!(leap(&nested(DEPTH_MAX + 1)), None);
        let mut reader = Reader::new("[[[]]]");
        reader.begin().unwrap();
        reader.leap().unwrap();
        assert_eq!(reader.at(), 5);
    }

    #[test]
    fn it_can_go_in_and_stop_at_each_field() {
        let mut reader = Reader::new(r#" { "a" : [1, {}] , "b\n": 2 } "#);
        assert_eq!(reader.begin(), Some(true));
        assert_eq!(reader.key(), Some("a"));
        assert_eq!(reader.begin(), Some(true));
        reader.skip().unwrap();
        assert_eq!(reader.more(), Some(true));
        assert_eq!(reader.begin(), Some(false));
        assert_eq!(reader.more(), Some(false));
        assert_eq!(reader.more(), Some(true));
        assert_eq!(reader.key(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn any_text_is_judged_as_by_serde_json(text in r#"([{}\[\],:"\\]|true|1|-|0|\.|e|"a{0,40}"|"a":| |\\n|\\u00e9|é|\n){0,12}"#) {
            check(&text)?;
        }

        #[test]
        fn strings_are_judged_as_by_serde_json(inside in "\\PC{0,40}|[\\x00-\\x7f\"\\\\😀é]{0,6}|(a{0,30}(\\\\[nux\"\\\\0-9a-f]){0,3}){0,5}") {
            check(&format!("\"{inside}\""))?;
        }
    }
}
