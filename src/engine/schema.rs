//! JSON Schemas (draft 2020-12) of what authors write, for editors that complete and explain.
//!
//! They are made of what reads the files: the types that mirror them ([`Outline`]), the tables of words, and the reply
//! contract. A schema judges the look of a file alone: whether names exist and expressions make sense, `check` says.

use serde_json::{Map, Value, json};

/// Something that stands in a file, and how it looks there.
pub trait Outline {
    /// Whether a field of this type may be left out.
    const OPTIONAL: bool = false;

    /// Its schema; what is used in several places goes into `defs`.
    fn outline(defs: &mut Definitions) -> Value;
}

/// A word that a mapping may have as a key, what it is for, and how its value looks.
pub struct Part {
    /// As it is written.
    pub name: &'static str,
    /// What it is for.
    pub text: &'static str,
    /// How its value looks.
    pub outline: fn(&mut Definitions) -> Value,
}

/// The names of `parts`.
pub fn names(parts: &'static [Part]) -> impl Iterator<Item = &'static str> + Clone {
    parts.iter().map(|part| part.name)
}

/// Schemas by their names, so that each is written once and can hold itself.
#[derive(Debug, Default)]
pub struct Definitions {
    schemas: Map<String, Value>,
    /// The names of tables that have none of their own, by where they are.
    tables: Vec<(*const (), String)>,
}

impl Definitions {
    /// A reference to the schema called `name`, which `make` makes unless it is there.
    pub fn named(&mut self, name: &str, make: impl FnOnce(&mut Definitions) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            // What it holds may refer to it.
            self.schemas.insert(name.to_owned(), Value::Null);
            let schema = make(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// The schema called `name`, which nobody refers to any more.
    #[must_use]
    pub fn take(&mut self, name: &str) -> Value {
        self.schemas.shift_remove(name).unwrap_or_default()
    }

    /// The same as [`named`](Definitions::named) for a table that has no name: it is called `kind` and a number.
    pub fn numbered<T>(
        &mut self,
        kind: &str,
        table: &'static T,
        make: impl FnOnce(&mut Definitions) -> Value,
    ) -> Value {
        let at = std::ptr::from_ref(table).cast::<()>();
        let known = self.tables.iter().find(|(other, _)| *other == at).map(|(_, name)| name.clone());
        let name = known.unwrap_or_else(|| {
            let name = format!("{kind}-{}", self.tables.len() + 1);
            self.tables.push((at, name.clone()));
            name
        });
        self.named(&name, make)
    }
}

/// The entries of a mapping.
#[derive(Debug, Default)]
pub struct Fields {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Fields {
    /// All of `parts`, none of which must be there.
    #[must_use]
    pub fn of(parts: &'static [Part], defs: &mut Definitions) -> Fields {
        parts.iter().fold(Fields::default(), |all, part| all.may(part.name, part.text, (part.outline)(defs)))
    }

    /// With an entry that may be there.
    #[must_use]
    pub fn may(mut self, name: &str, text: &str, schema: Value) -> Fields {
        self.properties.insert(name.to_owned(), described(schema, text));
        self
    }

    /// With these entries having to be there.
    #[must_use]
    pub fn must(mut self, names: &[&'static str]) -> Fields {
        self.required.extend(names);
        self
    }

    /// With an entry for a field of this type.
    #[must_use]
    pub fn field(self, name: &'static str, text: &str, schema: Value, optional: bool) -> Fields {
        let all = self.may(name, text, schema);
        if optional { all } else { all.must(&[name]) }
    }

    /// A mapping that has no others.
    #[must_use]
    pub fn closed(self) -> Value {
        self.and(&json!({ "additionalProperties": false }))
    }

    /// A mapping of which `more` says what else it may have and must be.
    #[must_use]
    pub fn and(self, more: &Value) -> Value {
        let schema = json!({ "type": "object", "properties": self.properties, "required": self.required });
        both(schema, more)
    }
}

/// A schema that is `schema` and has the keywords of `more`.
#[must_use]
pub fn both(mut schema: Value, more: &Value) -> Value {
    if let (Value::Object(schema), Value::Object(more)) = (&mut schema, more) {
        schema.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    schema
}

/// `schema`, with what it is for.
#[must_use]
pub fn described(schema: Value, text: &str) -> Value {
    both(schema, &json!({ "description": text }))
}

/// Exactly one of these entries is there.
#[must_use]
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "oneOf": names.into_iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>() })
}

/// At most one of these entries is there.
#[must_use]
pub fn at_most_one_of(names: &[&str]) -> Value {
    let pairs = names.iter().enumerate().flat_map(|(at, one)| names.iter().skip(at + 1).map(move |other| [one, other]));
    json!({ "allOf": pairs.map(|pair| json!({ "not": { "required": pair } })).collect::<Vec<_>>() })
}

/// One such value, or a list of them.
#[must_use]
pub fn one_or_many(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "array", "items": schema, "minItems": 1 }] })
}

/// What `schema` says, which has a type, or nothing: `rules:` with nothing below it. Editors tell more of what is wrong
/// than of two possibilities neither of which holds.
#[must_use]
pub fn or_nothing(schema: Value) -> Value {
    let with_null = json!({ "type": [schema.get("type"), "null"] });
    both(schema, &with_null)
}

/// The schema of a file.
#[must_use]
pub fn document(title: &str, make: impl FnOnce(&mut Definitions) -> Value) -> Value {
    let mut defs = Definitions::default();
    let root = make(&mut defs);
    let mut schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
    schema = both(schema, &root);
    both(schema, &json!({ "$defs": defs.schemas }))
}
