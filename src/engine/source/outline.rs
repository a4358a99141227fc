//! How a rule file looks.

use serde_json::{Value, json};

use super::actions::Named;
use super::read::Mapping;
use super::rule::RuleSource;
use super::tables::TableSource;
use super::tools;
use crate::engine::schema::{Definitions, Fields, Outline, Part, document, or_nothing};

/// What a rule file may hold.
pub(super) const FILE: &[Part] = &[
    Part { name: "rules", text: "The rules, considered in this order, each behind a dash.", outline: rules },
    Part {
        name: "vars",
        text: "Fixed values by their names, which all files of a server share: `${vars.name}`.",
        outline: vars,
    },
    Part {
        name: "tools",
        text: "Tools by their names: what the model is told of them, and their arguments.",
        outline: tools::outline,
    },
    Part {
        name: "tables",
        text: "What is to be known of the tables in `tables/*.csv`, by their names.",
        outline: tables,
    },
    Part { name: "actions", text: "Actions by their names, for `- use: name` in any rule.", outline: actions },
];

/// The JSON Schema of a rule file.
#[must_use]
pub fn schema() -> Value {
    // A file may be empty.
    document("Rules of Switchhook", |defs| or_nothing(Fields::of(FILE, defs).closed()))
}

fn rules(defs: &mut Definitions) -> Value {
    or_nothing(json!({ "type": "array", "items": RuleSource::outline(defs) }))
}

fn vars(defs: &mut Definitions) -> Value {
    or_nothing(Mapping::outline(defs))
}

fn tables(defs: &mut Definitions) -> Value {
    or_nothing(json!({ "type": "object", "additionalProperties": TableSource::outline(defs) }))
}

fn actions(defs: &mut Definitions) -> Value {
    or_nothing(Named::outline(defs))
}
