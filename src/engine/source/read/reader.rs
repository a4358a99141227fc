//! A node as serde sees it.

use std::cell::RefCell;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::super::super::diagnostic::{Diagnostic, Span};
use super::super::yaml::{Node, Text, Yaml};
use super::access::{Items, Pairs, Placed, Variant};
use super::fault::{self, Error, Fault};
use super::{duration, types};

/// Reads one node and reports what is wrong with it.
///
/// Whoever hands a reader to serde must [`settle`](Reader::settle) what comes back.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    node: &'a Node,
    /// What the node is, if that is known from outside.
    what: Option<&'a str>,
    findings: &'a RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node, what: &'a str, findings: &'a RefCell<Vec<Diagnostic>>) -> Reader<'a> {
        Reader { node, what: Some(what), findings }
    }

    /// A reader for a node inside of this one.
    pub(super) fn inside(self, node: &'a Node) -> Reader<'a> {
        Reader { node, what: None, ..self }
    }

    pub(super) fn report(self, diagnostic: Diagnostic) {
        self.findings.borrow_mut().push(diagnostic);
    }

    /// Reports, at this node, the faults that nobody has reported yet.
    pub(super) fn settle<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        self.settle_at(self.node.span, result)
    }

    /// Reports, at `span`, the faults that nobody has reported yet.
    pub(super) fn settle_at<T>(self, span: Span, result: Result<T, Error>) -> Result<T, Error> {
        for fault in fault::take() {
            self.report(self.word(fault, span, "it"));
        }
        result
    }

    fn word(self, fault: Fault, span: Span, what: &str) -> Diagnostic {
        match fault {
            Fault::Missing(name) => Diagnostic::error("missing-field", span, format!("{what} needs a field `{name}`"))
                .help(format!("add a line `{name}: …`")),
            Fault::Expected(expected) => self.wrong_type(&expected),
            Fault::NotOneOf(word, known) => {
                let found = Diagnostic::error(
                    "unknown-value",
                    span,
                    format!("`{word}` is none of the words that can stand here"),
                );
                let found = found.suggest(&word, known.iter().copied());
                if found.help.is_empty() { found.help(format!("it can be `{}`", known.join("`, `"))) } else { found }
            }
            Fault::Objection(message) => Diagnostic::error("invalid-value", span, message),
        }
    }

    fn wrong_type(self, expected: &str) -> Diagnostic {
        let message = format!("expected {expected}, found {}", self.node.describe());
        Diagnostic::error("wrong-type", self.node.span, message)
    }

    /// Reports that something else was expected, with the help that fits.
    fn wrong<T>(self, expected: &str) -> Result<T, Error> {
        let found = self.wrong_type(expected);
        self.report(match self.remedy(expected) {
            Some(help) => found.help(help),
            None => found,
        });
        Err(Error)
    }

    fn remedy(self, expected: &str) -> Option<String> {
        let wants = |word: &str| expected.contains(word);
        match &self.node.value {
            Yaml::Bool(_) | Yaml::Int(_) if wants("text") => {
                let written = self.node.describe();
                let written = written.trim_start_matches("the number ").trim_matches('`');
                Some(format!("put it in quotes: `\"{written}\"`"))
            }
            Yaml::Float(_) if wants("text") => Some("put it in quotes".to_owned()),
            Yaml::Text(text) => remedy_for_text(text, expected),
            Yaml::Map(_) if wants("a list") => Some("begin each item with `- `".to_owned()),
            Yaml::Map(entries) if wants("text") && entries.iter().all(|(_, node)| node.value == Yaml::Null) => {
                Some("a text that begins with `{` needs quotes".to_owned())
            }
            Yaml::List(_) if wants("a mapping") => {
                Some("write `name: value` lines, without `- ` before them".to_owned())
            }
            _ => None,
        }
    }

    /// The struct's name in messages.
    fn name(self, name: &str) -> String {
        self.what.map_or_else(|| with_article(name), str::to_owned)
    }

    fn duration<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = self.node.as_text().and_then(|text| duration(&text.text));
        if let Some(duration) = read {
            let parts = [duration.as_secs(), u64::from(duration.subsec_nanos())];
            return self.settle(visitor.visit_seq(SeqDeserializer::new(parts.into_iter())));
        }
        let found = self.wrong_type("a duration");
        self.report(match self.node.value {
            Yaml::Int(number) => {
                found.help(format!("say of what: `{number}s` for seconds, `{number}ms` for milliseconds"))
            }
            _ => found.help("write numbers with `ms`, `s`, `m`, `h` or `d`: `4s`, `1500ms`, `1h30m`"),
        });
        Err(Error)
    }

    /// The node as a [`Node`] reads itself.
    fn content<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Yaml::Text(text) => visitor.visit_newtype_struct(Styled(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn pairs(self, fields: Option<&'static [&'static str]>, what: String) -> Pairs<'a> {
        Pairs { of: self, rest: self.node.entries().iter(), value: None, fields, what }
    }

    fn items(self) -> Items<'a> {
        Items { of: self, rest: self.node.items().iter() }
    }
}

fn remedy_for_text(text: &Text, expected: &str) -> Option<String> {
    let word = text.text.as_str();
    match expected {
        "true or false" => match word.to_lowercase().as_str() {
            "yes" | "on" | "y" => Some(format!("`{word}` looks like a switch but is text here: write `true`")),
            "no" | "off" | "n" => Some(format!("`{word}` looks like a switch but is text here: write `false`")),
            "true" | "false" => Some("take the quotes away".to_owned()),
            _ => None,
        },
        "a list" if word.starts_with('-') => Some("put a space behind each `-`".to_owned()),
        "a list" => Some("write it as `[one, two]`, or as lines that begin with `- `".to_owned()),
        "a mapping" => word
            .split_once(':')
            .filter(|(name, value)| !name.contains(' ') && !value.is_empty() && !value.starts_with([':', '/', ' ']))
            .map(|(name, value)| format!("a space is missing behind the `:`: write `{name}: {value}`")),
        _ if expected.contains("number") && word.parse::<f64>().is_ok() => {
            Some("write the number without quotes, plus sign and leading zeros".to_owned())
        }
        _ => None,
    }
}

/// `RetrySource` as "a retry"; names with a blank as they are.
fn with_article(name: &str) -> String {
    if name.contains(' ') || name == "it" {
        return name.to_owned();
    }
    let mut words = String::new();
    for c in name.strip_suffix("Source").unwrap_or(name).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

/// A text and its style, as a pair.
struct Styled<'a>(&'a Text);

impl<'a> Deserializer<'a> for Styled<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(StyledParts { text: Some(&self.0.text), style: Some(self.0.style as u8) })
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct StyledParts<'a> {
    text: Option<&'a str>,
    style: Option<u8>,
}

impl<'a> serde::de::SeqAccess<'a> for StyledParts<'a> {
    type Error = Error;

    fn next_element_seed<T: serde::de::DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if let Some(text) = self.text.take() {
            return seed.deserialize(BorrowedStrDeserializer::new(text)).map(Some);
        }
        self.style.take().map(|style| seed.deserialize(style.into_deserializer())).transpose()
    }
}

/// Whole numbers, within the type's range.
macro_rules! integers {
    ($($method:ident $visit:ident $type:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.node.value {
                Yaml::Int(int) => match $type::try_from(int) {
                    Ok(int) => self.settle(visitor.$visit(int)),
                    Err(_) => self.wrong(&format!("a whole number from {} to {}", $type::MIN, $type::MAX)),
                },
                _ => self.wrong("a whole number"),
            }
        }
    )*};
}

impl<'a> Deserializer<'a> for Reader<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match &self.node.value {
            Yaml::Null => visitor.visit_unit(),
            Yaml::Bool(word) => visitor.visit_bool(*word),
            Yaml::Int(int) => visitor.visit_i64(*int),
            Yaml::Float(float) => visitor.visit_f64(*float),
            Yaml::Text(text) => visitor.visit_borrowed_str(&text.text),
            Yaml::List(_) => visitor.visit_seq(self.items()),
            Yaml::Map(_) => visitor.visit_map(self.pairs(None, String::new())),
        })
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Yaml::Bool(word) => self.settle(visitor.visit_bool(word)),
            _ => self.wrong("true or false"),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Yaml::Int(int) => self.settle(visitor.visit_i64(int)),
            Yaml::Float(float) => self.settle(visitor.visit_f64(float)),
            _ => self.wrong("a number"),
        }
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Yaml::Text(text) => self.settle(visitor.visit_borrowed_str(&text.text)),
            _ => self.wrong("text"),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match self.node.value {
            Yaml::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        })
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Yaml::Null => self.settle(visitor.visit_unit()),
            _ => self.wrong("nothing"),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        let result = match (name, &self.node.value) {
            (types::SPANNED, _) => visitor.visit_seq(Placed::new(self.node.span, self)),
            (types::NODE, _) => self.content(visitor),
            (types::ONE_OR_MANY, Yaml::List(_)) => visitor.visit_seq(self.items()),
            (types::ONE_OR_MANY, _) => {
                visitor.visit_seq(Items { of: self, rest: std::slice::from_ref(self.node).iter() })
            }
            (types::TEXT_LIKE, Yaml::Bool(word)) => visitor.visit_string(word.to_string()),
            (types::TEXT_LIKE, Yaml::Int(int)) => visitor.visit_string(int.to_string()),
            (types::TEXT_LIKE, _) => self.deserialize_str(visitor),
            _ => visitor.visit_newtype_struct(self),
        };
        self.settle(result)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Yaml::List(_) => self.settle(visitor.visit_seq(self.items())),
            _ => self.wrong("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Yaml::Map(_) => self.settle(visitor.visit_map(self.pairs(None, String::new()))),
            _ => self.wrong("a mapping"),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // The one type of the standard library that rule files write in a way of their own.
        if name == "Duration" && fields == ["secs", "nanos"] {
            return self.duration(visitor);
        }
        let Yaml::Map(_) = self.node.value else {
            return self.wrong("a mapping");
        };
        let what = self.name(name);
        let result = visitor.visit_map(self.pairs(Some(fields), what.clone()));
        for fault in fault::take() {
            self.report(self.word(fault, self.node.span, &what));
        }
        result
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match (&self.node.value, self.node.entries()) {
            (Yaml::Text(text), _) => visitor.visit_enum(BorrowedStrDeserializer::new(&text.text)),
            (_, [(key, content)]) => visitor.visit_enum(Variant { key, content: self.inside(content) }),
            _ => return self.wrong("a word, or a mapping with one name"),
        };
        self.settle(result)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
}
