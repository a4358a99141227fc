//! What a value of a reply must look like, as tables.
//!
//! A [`Form`] says it of one value, an [`Object`] of the entries of an object, a [`Union`] of objects that
//! their `type` tells apart. The tables themselves stand in `contract` and its neighbours; `checker` holds
//! replies against them.

/// What one value must look like.
#[derive(Debug)]
pub(super) enum Form {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A number between two others, both included.
    Number { min: f64, max: f64 },
    /// A text of so many characters.
    Text { min: usize, max: usize },
    /// One of these words.
    Words(&'static [&'static str]),
    /// A language as Vapi's `contents` name it.
    Language,
    /// A name of letters, digits and `_`, a letter first.
    Name { max: usize },
    /// Base64 of raw PCM.
    Audio,
    /// A list of such values.
    List(&'static Form),
    /// Any object.
    Map,
    /// An object whose values all look so, whatever their keys.
    MapOf(&'static Form),
    /// An object with these entries.
    Object(&'static Object),
    /// One of several objects, told apart by `type`.
    Tagged(&'static Union),
    /// A text of at most so many characters, or something else.
    TextOr { max: usize, other: &'static Form },
    /// One or the other.
    Either(&'static Form, &'static Form),
}

impl Form {
    /// Whether some text looks so.
    pub(super) fn takes_text(&self) -> bool {
        use Form::{Audio, Language, Name, Text, TextOr, Words};
        matches!(self, Text { .. } | TextOr { .. } | Words(_) | Language | Name { .. } | Audio)
    }

    /// Whether a text belongs where `path` leads in such a value.
    pub(super) fn takes_text_at(&self, path: &[&str]) -> bool {
        let Some((key, rest)) = path.split_first() else { return self.takes_text() };
        match self {
            Form::Object(object) => object.field(key).is_some_and(|form| form.takes_text_at(rest)),
            Form::Tagged(union) => {
                let objects = union.variants.iter().copied().chain(union.untyped);
                objects.filter_map(|object| object.field(key)).any(|form| form.takes_text_at(rest))
            }
            Form::MapOf(form) => form.takes_text_at(rest),
            Form::TextOr { other, .. } => other.takes_text_at(path),
            Form::Either(one, other) => one.takes_text_at(path) || other.takes_text_at(path),
            _ => false,
        }
    }

    /// The words for such a value in a sentence.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Form::Any => "anything",
            Form::Bool => "`true` or `false`",
            Form::Number { .. } => "a number",
            Form::Text { .. } | Form::Words(_) | Form::Language | Form::Name { .. } | Form::Audio => "a text",
            Form::List(_) => "a list",
            Form::Map | Form::MapOf(_) | Form::Object(_) | Form::Tagged(_) | Form::Either(..) => "an object",
            Form::TextOr { .. } => "a text or an object",
        }
    }

    /// How to write one, for somebody who wrote something else; may be empty.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Form::Object(object) => object.help,
            Form::Tagged(union) => union.help,
            Form::Either(form, _) | Form::TextOr { other: form, .. } => form.help(),
            _ => "",
        }
    }
}

/// A text of any length.
pub(super) const TEXT: Form = text(0, usize::MAX);
/// A text that says something: Vapi takes an empty one for a value all the same.
pub(super) const NONEMPTY: Form = text(1, usize::MAX);

/// A text of `min` to `max` characters.
pub(super) const fn text(min: usize, max: usize) -> Form {
    Form::Text { min, max }
}

/// A number from `min` to `max`.
pub(super) const fn number(min: f64, max: f64) -> Form {
    Form::Number { min, max }
}

/// A key and what its value must look like.
pub(super) type Field = (&'static str, Form);

/// The entries of an object.
#[derive(Debug)]
pub(super) struct Object {
    /// The word of `type` by which a [`Union`] knows it; empty if it is of no union.
    pub(super) tag: &'static str,
    /// Entries that must be there.
    pub(super) required: &'static [Field],
    /// Entries that may be there.
    pub(super) optional: &'static [Field],
    /// Entries of which at least one must be there, if there are any.
    pub(super) needs: &'static [&'static str],
    /// Entries of which at most one may be there.
    pub(super) exclusive: &'static [&'static str],
    /// What to make of other entries.
    pub(super) strays: Strays,
    /// What to say of other entries that are often tried.
    pub(super) advice: &'static [(&'static str, &'static str)],
    /// What to say to somebody who wrote something that is no object; may be empty.
    pub(super) help: &'static str,
}

/// What to make of an entry that an [`Object`] does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strays {
    /// It is a mistake.
    Refused,
    /// It is a mistake if it is nearly one that is listed, else something that Vapi may have added since.
    Misspelt,
    /// It is nobody's business.
    Tolerated,
}

impl Object {
    /// An object without entries of which only misspelt ones are refused; tables start from it.
    pub(super) const OPEN: Object = Object {
        tag: "",
        required: &[],
        optional: &[],
        needs: &[],
        exclusive: &[],
        strays: Strays::Misspelt,
        advice: &[],
        help: "",
    };
    /// The same, but refusing every entry that is not listed.
    pub(super) const CLOSED: Object = Object { strays: Strays::Refused, ..Object::OPEN };

    /// The entries that it lists, the required ones first.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.required.iter().chain(self.optional)
    }

    /// What the value of `key` must look like, if it is listed.
    pub(super) fn field(&self, key: &str) -> Option<&'static Form> {
        if key == "type" && !self.tag.is_empty() {
            return Some(&Form::Any); // the union has looked at it
        }
        self.fields().find(|(name, _)| *name == key).map(|(_, form)| form)
    }
}

/// Objects that their `type` tells apart.
#[derive(Debug)]
pub(super) struct Union {
    /// The objects, each with its tag.
    pub(super) variants: &'static [&'static Object],
    /// The one that is meant when there is no `type`, if that may be.
    pub(super) untyped: Option<&'static Object>,
    /// How to write one, for somebody who got it wrong; may be empty.
    pub(super) help: &'static str,
}

impl Union {
    /// The object whose `type` is `tag`.
    pub(super) fn variant(&self, tag: &str) -> Option<&'static Object> {
        self.variants.iter().find(|variant| variant.tag == tag).copied()
    }
}
