//! How the types look in a file that [`read`](super::read) reads, and [`written!`], which declares a type for both.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::schema::{Definitions, Outline, one_or_many};
use super::super::yaml::Node;
use super::{Each, Entries, Field, OneOrMany, Spanned, TextLike};

/// Declares a type that mirrors a mapping of a file, for those who read it and for its schema: each field with its type
/// and what it is for.
///
/// `name("word")` is written `word` in the file. `as Other` says how a field looks of which the type does not tell, a
/// [`Node`] that is looked at later. What the function behind `with` gives are further keywords of the schema.
macro_rules! written {
    (@wire $field:ident $wire:literal) => { $wire };
    (@wire $field:ident) => { stringify!($field) };
    (@outline $type:ty, $outline:ty) => { $outline };
    (@outline $type:ty) => { $type };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[$of_field:meta])*
                $field_vis:vis $field:ident $(($wire:literal))? : $type:ty $(as $outline:ty)? = $text:expr
            ),* $(,)?
        }
        $(with $more:path;)?
    ) => {
        #[derive(serde::Deserialize)]
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$of_field])* $(#[serde(rename = $wire)])? $field_vis $field: $type, )*
        }

        impl $crate::engine::schema::Outline for $name {
            fn outline(defs: &mut $crate::engine::schema::Definitions) -> serde_json::Value {
                use $crate::engine::schema::{Fields, Outline};
                use $crate::engine::source::read::written;
                defs.named(stringify!($name).trim_end_matches("Source"), |defs| {
                    let fields = Fields::default();
                    $(
                        let schema = <written!(@outline $type $(, $outline)?) as Outline>::outline(defs);
                        let name = written!(@wire $field $($wire)?);
                        let fields = fields.field(name, $text, schema, <$type as Outline>::OPTIONAL);
                    )*
                    let schema = fields.closed();
                    $( let schema = $crate::engine::schema::both(schema, &$more(defs)); )?
                    schema
                })
            }
        }
    };
}
pub(crate) use written;

/// A value of which nobody can say more than that it is there.
pub enum Anything {}

/// A text, which may hold `${…}`; a number or `true` is one, too.
pub enum Text {}

/// A mapping of names to texts.
pub enum Texts {}

/// A mapping of names to whatever they stand for.
pub enum Mapping {}

impl Outline for Anything {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "number", "boolean", "array", "object"] })
    }
}

impl Outline for Text {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl Outline for Texts {
    fn outline(defs: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": Text::outline(defs) })
    }
}

impl Outline for Mapping {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "object" })
    }
}

impl Outline for Node {
    fn outline(defs: &mut Definitions) -> Value {
        Anything::outline(defs)
    }
}

impl Outline for String {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "string" })
    }
}

impl Outline for TextLike {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "integer", "boolean"] })
    }
}

impl Outline for bool {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "boolean" })
    }
}

impl Outline for Duration {
    /// A variable may be filled in where settings are read.
    fn outline(_: &mut Definitions) -> Value {
        let units = r"^(?=\d)(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$";
        json!({ "type": "string", "pattern": format!(r"{units}|\$\{{"), "examples": ["1500ms", "4s", "1h30m"] })
    }
}

macro_rules! whole_numbers {
    ($($type:ident)*) => {$(
        impl Outline for $type {
            fn outline(_: &mut Definitions) -> Value {
                json!({ "type": "integer", "minimum": $type::MIN, "maximum": $type::MAX })
            }
        }
    )*};
}
whole_numbers!(u16 u32 u64);

impl<T: Outline> Outline for Option<T> {
    const OPTIONAL: bool = true;

    fn outline(defs: &mut Definitions) -> Value {
        T::outline(defs)
    }
}

impl<T: Outline> Outline for Field<T> {
    const OPTIONAL: bool = T::OPTIONAL;

    fn outline(defs: &mut Definitions) -> Value {
        T::outline(defs)
    }
}

impl<T: Outline> Outline for Spanned<T> {
    const OPTIONAL: bool = T::OPTIONAL;

    fn outline(defs: &mut Definitions) -> Value {
        T::outline(defs)
    }
}

impl<T: Outline> Outline for Vec<T> {
    fn outline(defs: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::outline(defs) })
    }
}

impl<T: Outline> Outline for Each<T> {
    fn outline(defs: &mut Definitions) -> Value {
        Vec::<T>::outline(defs)
    }
}

impl<T: Outline> Outline for OneOrMany<T> {
    fn outline(defs: &mut Definitions) -> Value {
        one_or_many(&T::outline(defs))
    }
}

impl<T: Outline> Outline for Entries<T> {
    fn outline(defs: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::outline(defs) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::duration;
    use super::*;

    #[test]
    fn a_duration_looks_like_what_is_read_as_one() {
        let validator = jsonschema::validator_for(&Duration::outline(&mut Definitions::default())).unwrap();
        for text in [
            "4s",
            "1500ms",
            "5m",
            "2h",
            "1h30m",
            "0s",
            "1d",
            "1d2h3m4s5ms",
            "",
            "4",
            "s",
            "4 s",
            "-4s",
            "1.5s",
            "30m1h",
            "1h1h",
            "4sec",
            "1m5",
            "5ms1s",
        ] {
            assert_eq!(validator.is_valid(&json!(text)), duration(text).is_some(), "{text}");
        }
        assert!(validator.is_valid(&json!("${env.TIMEOUT}")));
    }
}
