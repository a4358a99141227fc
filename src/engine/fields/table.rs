//! The table of fields: a text that people can read, taken apart once.

use std::sync::LazyLock;

use foldhash::HashMap;

use super::FieldType;

/// The fields of every kind and of every object in them.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("vapi.txt")));

/// Objects by name; the kinds are among them, under their names on the wire.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<&'static str, Object>);

/// What an object holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) fields: Vec<(&'static str, Type)>,
    /// Whether it may hold fields that nobody has published.
    pub(super) more: bool,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Bool,
    Any,
    Map,
    List(Box<Type>),
    /// The object of that name.
    Object(&'static str),
}

impl Table {
    /// Reads the notation that `vapi.txt` explains at its top.
    fn parse(text: &'static str) -> Table {
        let mut table = Table::default();
        for words in entries(text) {
            let names_end = words.iter().position(|word| word.ends_with(':')).map_or(0, |at| at + 1);
            let (names, fields) = words.split_at(names_end);
            let object = table.object(fields);
            for name in names {
                table.0.insert(name.trim_end_matches(':'), object.clone());
            }
        }
        table
    }

    /// The object called `name`. One that nobody has described may hold anything.
    pub(super) fn get(&self, name: &str) -> &Object {
        static UNDESCRIBED: Object = Object { fields: Vec::new(), more: true };
        self.0.get(name).unwrap_or(&UNDESCRIBED)
    }

    fn object(&self, words: &[&'static str]) -> Object {
        let mut object = Object::default();
        for word in words {
            if let Some(other) = word.strip_prefix('+') {
                let other = self.get(other);
                object.fields.extend(other.fields.iter().cloned());
                object.more |= other.more;
            } else if *word == "..." {
                object.more = true;
            } else {
                let (name, written) = word.split_once(':').unwrap_or((word, "Text"));
                object.fields.push((name, Type::parse(written)));
            }
        }
        object
    }
}

/// The words of each entry: of a line that is not indented and of those below it that are.
fn entries(text: &'static str) -> Vec<Vec<&'static str>> {
    let mut entries: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match entries.last_mut().filter(|_| line.starts_with(' ')) {
            Some(entry) => entry.extend(line.split_whitespace()),
            None => entries.push(line.split_whitespace().collect()),
        }
    }
    entries
}

impl Object {
    pub(super) fn field(&self, name: &str) -> Option<&Type> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, holds)| holds)
    }
}

impl Type {
    /// What the checker makes of it.
    pub(super) fn public(&self) -> FieldType {
        match self {
            Type::Text => FieldType::Text,
            Type::Number => FieldType::Number,
            Type::Bool => FieldType::Bool,
            Type::Any => FieldType::Any,
            Type::List(_) => FieldType::List,
            Type::Map | Type::Object(_) => FieldType::Map,
        }
    }

    fn parse(written: &'static str) -> Type {
        match written {
            "Text" => Type::Text,
            "Number" => Type::Number,
            "Bool" => Type::Bool,
            "Any" => Type::Any,
            "Map" => Type::Map,
            _ => match written.strip_suffix('*') {
                Some(item) => Type::List(Box::new(Type::parse(item))),
                None => Type::Object(written),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kind::Kind;

    #[test]
    fn every_kind_is_described() {
        for kind in Kind::ALL {
            assert!(TABLE.0.contains_key(kind.name()), "{}", kind.name());
        }
    }

    #[test]
    fn every_object_that_is_named_is_described_and_no_field_comes_twice() {
        for (name, object) in &TABLE.0 {
            for (at, (field, holds)) in object.fields.iter().enumerate() {
                let mut holds = holds;
                while let Type::List(item) = holds {
                    holds = item;
                }
                assert!(!matches!(holds, Type::Object(other) if !TABLE.0.contains_key(other)), "{name}.{field}");
                assert!(object.fields.iter().skip(at + 1).all(|(other, _)| other != field), "{name}.{field} twice");
            }
        }
    }

    #[test]
    fn the_notation_is_read_as_it_explains_itself() {
        let table = Table::parse("# note\nA: x n:Number\n  list:B* ...\n\nb.c B: +A m:Map\n");
        let fields = |name| table.get(name).fields.clone();
        let list = Type::List(Box::new(Type::Object("B")));
        assert_eq!(fields("A"), [("x", Type::Text), ("n", Type::Number), ("list", list)]);
        assert_eq!(fields("b.c"), fields("B"));
        assert_eq!((table.get("B").field("m"), table.get("B").more), (Some(&Type::Map), true));
        assert!(table.get("unheard-of").more);
    }
}
