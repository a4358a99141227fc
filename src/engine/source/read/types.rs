//! Types for the fields of source types.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::super::diagnostic::{FileId, Span};
use super::super::yaml::{Key, Node, Style, Text, Yaml};

/// The names by which these types make themselves known to the reader.
pub(super) const SPANNED: &str = "\0spanned";
pub(super) const ONE_OR_MANY: &str = "\0one or many";
pub(super) const TEXT_LIKE: &str = "\0text like";
pub(super) const NODE: &str = "\0node";

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A field that may be broken without spoiling its neighbours. `None`: it is missing or broken, and that
/// is reported.
///
/// `Field<T>` must be there; `Field<Option<T>>` may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<T>(pub Option<T>);

impl<T> Field<T> {
    /// The value, if it could be read.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Field<T> {
    fn default() -> Field<T> {
        Field(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Field(T::deserialize(deserializer).ok()))
    }
}

/// A list of which the broken items are reported and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each<T>(pub Vec<T>);

/// One value or a list of them; broken ones are reported and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

/// A mapping with keys of the author's choice, in his order; broken values are reported and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<T>(pub Vec<(Spanned<String>, T)>);

/// Text that may be written without quotes even if it looks like a whole number or like `true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextLike(pub String);

impl<T> Default for Each<T> {
    fn default() -> Self {
        Each(Vec::new())
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

/// A visitor for `T`, which says what it expects.
struct Visit<T>(&'static str, PhantomData<T>);

impl<T> Visit<T> {
    fn new(expected: &'static str) -> Visit<T> {
        Visit(expected, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<Spanned<T>> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
        let mut number = || Ok(parts.next_element::<u32>()?.unwrap_or_default());
        let span = Span { file: FileId(number()?), start: number()?, end: number()? };
        let value = parts.next_element()?.ok_or_else(|| serde::de::Error::custom("a value with its place"))?;
        Ok(Spanned { value, span })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SPANNED, Visit::<Spanned<T>>::new("a value"))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<Each<T>> {
    type Value = Each<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Each<T>, A::Error> {
        let mut good = Vec::new();
        while let Some(Field(item)) = items.next_element()? {
            good.extend(item);
        }
        Ok(Each(good))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Visit::<Each<T>>::new("a list"))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visit = Visit::<Each<T>>::new("one value or a list");
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, visit).map(|Each(items)| OneOrMany(items))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<Entries<T>> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut good = Vec::new();
        while let Some((key, Field(value))) = map.next_entry()? {
            good.extend(value.map(|value| (key, value)));
        }
        Ok(Entries(good))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visit::<Entries<T>>::new("a mapping"))
    }
}

impl Visitor<'_> for Visit<TextLike> {
    type Value = TextLike;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<TextLike, E> {
        Ok(TextLike(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for TextLike {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TEXT_LIKE, Visit::<TextLike>::new("text"))
    }
}

/// What a [`Node`] holds; a text comes as a pair of itself and its style.
struct Content(Yaml);

impl<'de> Visitor<'de> for Visit<Content> {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content(Yaml::Null))
    }

    fn visit_bool<E>(self, word: bool) -> Result<Content, E> {
        Ok(Content(Yaml::Bool(word)))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Content, E> {
        Ok(Content(Yaml::Int(int)))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Content, E> {
        Ok(Content(Yaml::Float(float)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, pair: D) -> Result<Content, D::Error> {
        let (text, style) = <(String, u8)>::deserialize(pair)?;
        let style = [Style::Plain, Style::Single, Style::Double, Style::Literal, Style::Folded]
            .into_iter()
            .find(|known| *known as u8 == style)
            .unwrap_or(Style::Plain);
        let span = Span { file: FileId(0), start: 0, end: 0 };
        Ok(Content(Yaml::Text(Text { text, style, span })))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content(Yaml::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some((Spanned { value, span }, node)) = map.next_entry()? {
            entries.push((Key { text: value, span }, node));
        }
        Ok(Content(Yaml::Map(entries)))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NODE, Visit::<Content>::new("a value"))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Content(mut value), span } = Spanned::deserialize(deserializer)?;
        if let Yaml::Text(text) = &mut value {
            text.span = span;
        }
        Ok(Node { span, value })
    }
}
