//! What is inside of a list, a mapping, or a value with its place, handed to serde piece by piece.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::super::super::diagnostic::{Span, closest};
use super::super::yaml::{Key, Node, Text, Yaml};
use super::fault::Error;
use super::reader::Reader;
use super::{types, words};

/// The items of a list.
pub(super) struct Items<'a> {
    pub(super) of: Reader<'a>,
    pub(super) rest: std::slice::Iter<'a, Node>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(node) = self.rest.next() else {
            return Ok(None);
        };
        let reader = self.of.inside(node);
        reader.settle(seed.deserialize(reader)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a mapping; with `fields`, only those are handed on, and others are reported.
pub(super) struct Pairs<'a> {
    of: Reader<'a>,
    rest: std::slice::Iter<'a, (Key, Node)>,
    entry: Option<(&'a Key, &'a Node)>,
    fields: Option<&'static [&'static str]>,
    /// What the fields are fields of.
    what: String,
    /// The fields that a key was meant for which has been reported.
    meant: Vec<&'static str>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(of: Reader<'a>, entries: &'a [(Key, Node)]) -> Pairs<'a> {
        Pairs { of, rest: entries.iter(), entry: None, fields: None, what: String::new(), meant: Vec::new() }
    }

    /// The same, as the fields of the struct that `what` names.
    pub(super) fn of_struct(self, what: &str, fields: &'static [&'static str]) -> Pairs<'a> {
        Pairs { fields: Some(fields), what: what.to_owned(), ..self }
    }

    /// Whether a key that has been reported was meant for `field`, so that nobody need be told that it is missing.
    pub(super) fn meant(&self, field: &str) -> bool {
        self.meant.contains(&field)
    }

    fn unknown(&mut self, key: &Key, fields: &'static [&'static str]) {
        let written = key.text.trim_start_matches('-');
        let written = written.split_once(':').map_or(written, |(name, _)| name);
        let meant = closest(written, fields.iter().copied());
        self.meant.extend(fields.iter().find(|field| Some(**field) == meant));
        self.of.report(words::unknown_field(&self.what, key, self.of.shown(), fields));
    }
}

impl<'a> MapAccess<'a> for Pairs<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some((key, node)) = self.rest.next() {
            if let Some(fields) = self.fields.filter(|fields| !fields.contains(&key.text.as_str())) {
                self.unknown(key, fields);
                continue;
            }
            self.entry = Some((key, node));
            let result = seed.deserialize(KeyReader(key));
            return self.of.settle_at(key.span, result).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, node)) = self.entry.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        if self.fields.is_some() && node.value == Yaml::Null {
            // To take it for left out would let a line that is cut off mean more than its author wrote.
            self.of.report(words::empty_field(key));
            return seed.deserialize(Nothing);
        }
        let reader = self.of.inside(node);
        reader.settle(seed.deserialize(reader))
    }
}

/// What stands behind a field that has been reported because nothing does.
struct Nothing;

impl<'a> Deserializer<'a> for Nothing {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A key of a mapping.
#[derive(Clone, Copy)]
pub(super) struct KeyReader<'a>(pub(super) &'a Key);

impl<'a> Deserializer<'a> for KeyReader<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(&self.0.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match name {
            types::SPANNED => visitor.visit_seq(Placed::new(self.0.span, self)),
            types::TEXT_LIKE => self.deserialize_any(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(BorrowedStrDeserializer::new(&self.0.text))
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A value with its place, as the sequence that [`Spanned`](super::Spanned) reads: file, start, end, value.
pub(super) struct Placed<D> {
    numbers: std::array::IntoIter<u32, 3>,
    value: Option<D>,
}

impl<D> Placed<D> {
    pub(super) fn new(span: Span, value: D) -> Placed<D> {
        Placed { numbers: [span.file.0, span.start, span.end].into_iter(), value: Some(value) }
    }
}

impl<'a, D: Deserializer<'a, Error = Error>> SeqAccess<'a> for Placed<D> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        match (self.numbers.next(), self.value.take()) {
            (Some(number), value) => {
                self.value = value;
                seed.deserialize(number.into_deserializer()).map(Some)
            }
            (None, Some(value)) => seed.deserialize(value).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// A text and its style, as a pair.
pub(super) struct Styled<'a>(pub(super) &'a Text);

impl<'a> Deserializer<'a> for Styled<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(StyledParts { text: Some(&self.0.text), style: Some(self.0.style as u8) })
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct StyledParts<'a> {
    text: Option<&'a str>,
    style: Option<u8>,
}

impl<'a> SeqAccess<'a> for StyledParts<'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if let Some(text) = self.text.take() {
            return seed.deserialize(BorrowedStrDeserializer::new(text)).map(Some);
        }
        self.style.take().map(|style| seed.deserialize(style.into_deserializer())).transpose()
    }
}

/// An enum written as `{ variant: content }`.
pub(super) struct Variant<'a> {
    pub(super) key: &'a Key,
    pub(super) content: Reader<'a>,
}

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = Error;
    type Variant = Reader<'a>;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Reader<'a>), Error> {
        let result = seed.deserialize(KeyReader(self.key));
        Ok((self.content.settle_at(self.key.span, result)?, self.content))
    }
}

impl<'a> VariantAccess<'a> for Reader<'a> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Error> {
        self.settle(seed.deserialize(self))
    }

    fn tuple_variant<V: Visitor<'a>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'a>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("it", fields, visitor)
    }
}
