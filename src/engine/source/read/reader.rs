//! A node as serde sees it.

use std::cell::RefCell;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Visitor};

use super::super::super::diagnostic::{Diagnostic, Span};
use super::super::yaml::{Node, Yaml};
use super::access::{Items, Pairs, Placed, Styled, Variant};
use super::fault::{self, Error, Fault};
use super::words::Shown;
use super::{duration, types, words};

/// Reads one node and reports what is wrong with it.
///
/// Whoever hands a reader to serde must [`settle`](Reader::settle) what comes back.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    node: &'a Node,
    /// What the node is, if that is known from outside.
    what: Option<&'a str>,
    /// Whether messages may say what the node holds.
    shown: Shown,
    findings: &'a RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        node: &'a Node,
        what: &'a str,
        shown: Shown,
        findings: &'a RefCell<Vec<Diagnostic>>,
    ) -> Reader<'a> {
        Reader { node, what: Some(what), shown, findings }
    }

    /// Whether messages may say what there is to read.
    pub(super) fn shown(self) -> Shown {
        self.shown
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
            self.report(words::fault(fault, self.node, self.shown, span, "it"));
        }
        result
    }

    /// Reports that something else was expected.
    fn wrong<T>(self, expected: &str) -> Result<T, Error> {
        self.report(words::wrong_type(self.node, self.shown, expected));
        Err(Error)
    }

    /// The struct's name in messages.
    fn name(self, name: &str) -> String {
        self.what.map_or_else(|| words::with_article(name), str::to_owned)
    }

    fn duration<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = self.node.as_text().and_then(|text| duration(&text.text));
        if let Some(duration) = read {
            let parts = [duration.as_secs(), u64::from(duration.subsec_nanos())];
            return self.settle(visitor.visit_seq(SeqDeserializer::new(parts.into_iter())));
        }
        self.wrong("a duration")
    }

    /// The node as a [`Node`] reads itself.
    fn content<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Yaml::Text(text) => visitor.visit_newtype_struct(Styled(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn pairs(self) -> Pairs<'a> {
        Pairs::new(self, self.node.entries())
    }

    fn items(self) -> Items<'a> {
        Items { of: self, rest: self.node.items().iter() }
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
            Yaml::Map(_) => visitor.visit_map(self.pairs()),
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
            Yaml::Map(_) => self.settle(visitor.visit_map(self.pairs())),
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
        let what = self.name(name);
        let Yaml::Map(_) = self.node.value else {
            self.report(words::no_struct(self.node, self.shown, &what, fields));
            return Err(Error);
        };
        let mut pairs = self.pairs().of_struct(&what, fields);
        let result = visitor.visit_map(&mut pairs);
        for fault in fault::take() {
            if !matches!(fault, Fault::Missing(field) if pairs.meant(field)) {
                self.report(words::fault(fault, self.node, self.shown, self.node.span, &what));
            }
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
