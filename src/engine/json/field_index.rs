//! Where the fields of an object lie, for whoever asks for several of them.
//!
//! To find one field the text is walked from its beginning. Walking it once and remembering what was seen costs little
//! more than that, and finds the others for next to nothing.

use std::ops::Range;

use smallvec::SmallVec;

use super::{Json, walk};

/// Most tools have no more parameters.
const FIELDS_USUAL: usize = 6;

/// Where the fields of one object lie in its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldIndex(SmallVec<[Field; FIELDS_USUAL]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// With its quotes.
    key: Range<usize>,
    value: Range<usize>,
}

impl FieldIndex {
    /// The index of `object`; that of any other value is empty.
    #[must_use]
    pub fn of(object: Json<'_>) -> FieldIndex {
        let extent = |part: &str| {
            let start = part.as_ptr().addr().saturating_sub(object.0.as_ptr().addr());
            start..start + part.len()
        };
        let fields = walk::Fields::of_object(object.0);
        FieldIndex(fields.map(|(key, value)| Field { key: extent(key), value: extent(value) }).collect())
    }

    /// The field `key` of `object`, of which this is the index. Of fields with the same key the last one counts.
    #[must_use]
    pub fn get<'a>(&self, object: Json<'a>, key: &str) -> Option<Json<'a>> {
        let text = |extent: &Range<usize>| object.0.get(extent.clone());
        let is_it = |field: &&Field| text(&field.key).is_some_and(|name| walk::key_is(name, key));
        text(&self.0.iter().rfind(is_it)?.value).map(Json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_finds_what_a_walk_finds() {
        let many: Vec<String> = (0..20).map(|at| format!(r#""f{at}": {at}, "#)).collect();
        let many = many.concat();
        for text in [
            r#"{"a": 1, "b": {"a": 2}, "\u0061b": [3], "": null}"#,
            r#"{"a": 1, "b": 2, "a": "3"}"#,
            &format!("{{{many}\"a\": {{}}}}"),
            "{}",
            "[1]",
            "\"a\"",
        ] {
            let object = Json::parse(text).unwrap();
            let index = FieldIndex::of(object);
            for key in ["a", "b", "ab", "", "f0", "f19", "c"] {
                assert_eq!(index.get(object, key), object.get(key), "{key} of {text}");
            }
        }
    }
}
