//! The words of `when`, what each is for and how it looks.

use serde_json::{Value, json};

use crate::engine::fields::{self, FieldType};
use crate::engine::schema::{Definitions, Fields, Outline, Part, both, one_or_many};

/// What may stand behind `when`.
pub(in crate::engine::source) enum When {}

impl Outline for When {
    fn outline(defs: &mut Definitions) -> Value {
        defs.named("when", |defs| {
            let test = test(defs);
            let known = fields::paths()
                .into_iter()
                .fold(Fields::of(GROUPS, defs), |all, (path, holds)| all.may(&path, what_is(holds), test.clone()));
            let more =
                json!({ "minProperties": 1, "propertyNames": { "pattern": PATH }, "additionalProperties": test });
            known.and(&more)
        })
    }
}

/// What a field of a message is, where there is one.
fn what_is(holds: FieldType) -> &'static str {
    match holds {
        FieldType::Text => "A text of the message.",
        FieldType::Number => "A number of the message.",
        FieldType::Bool => "`true` or `false` in the message.",
        FieldType::List => "A list in the message.",
        FieldType::Map => "An object in the message.",
        FieldType::Any => "A value of the message.",
    }
}

/// The name of a value: names and brackets, joined by dots.
const PATH: &str = concat!(
    r"^[\p{Alphabetic}_$][\p{Alphabetic}\p{N}_$-]*",
    r"((\.[\p{Alphabetic}_$][\p{Alphabetic}\p{N}_$-]*)|(\[ *-?\d+ *\])",
    r#"|(\["[^"]*"\]))*$"#
);

/// Words in `when` that are no paths.
pub(super) const GROUPS: &[Part] = &[
    Part { name: "all", text: "Groups of conditions, each of which must hold.", outline: groups },
    Part { name: "any", text: "Groups of conditions, of which one must hold.", outline: groups },
    Part { name: "not", text: "Conditions that must not hold together.", outline: When::outline },
    Part {
        name: "now",
        text: "When the event comes: a time window, or a list of which one must hold.",
        outline: windows,
    },
    Part { name: "share", text: "A stable part of all callers.", outline: share },
];

/// The fields of a share.
pub(super) const SHARE: &[Part] = &[
    Part { name: "of", text: "The value that tells callers apart, such as `customer.number`.", outline: path },
    Part { name: "percent", text: "How many of a hundred it holds for.", outline: percent },
];

/// The fields of time windows, where there are exceptions.
pub(super) const WINDOW: &[Part] = &[
    Part { name: "is", text: "The time window, or a list of which one must hold.", outline: times },
    Part {
        name: "except",
        text: "Days on which it does not hold: `holidays`, a list in `vars`, or dates.",
        outline: dates,
    },
];

/// The operators. In one mapping, all must hold.
pub(super) const OPERATORS: &[Part] = &[
    Part { name: "is", text: "It equals this, or one of these.", outline: values },
    Part { name: "not", text: "It does not pass this test.", outline: test },
    Part { name: "in", text: "It is one of these.", outline: values },
    Part { name: "gt", text: "It is greater than this.", outline: bound },
    Part { name: "gte", text: "It is this or greater.", outline: bound },
    Part { name: "lt", text: "It is less than this.", outline: bound },
    Part { name: "lte", text: "It is this or less.", outline: bound },
    Part { name: "contains", text: "The text holds this, or one of these; the list has such an item.", outline: parts },
    Part { name: "starts_with", text: "The text begins with this, or one of these.", outline: texts },
    Part { name: "ends_with", text: "The text ends with this, or one of these.", outline: texts },
    Part { name: "matches", text: "The text matches this regular expression, or one of these.", outline: texts },
    Part { name: "length", text: "So many characters, items or entries: a number, or a test of one.", outline: length },
    Part {
        name: "ignoring_case",
        text: "Whether upper and lower case are the same to the others; or a test for which they are.",
        outline: ignoring_case,
    },
    Part {
        name: "phone",
        text: "It is this telephone number, or one of these, however they are written.",
        outline: texts,
    },
    Part { name: "present", text: "Whether there is such a value.", outline: flag },
    Part { name: "absent", text: "Whether there is no such value.", outline: flag },
];

/// Words that are no values, but where they stand alone.
const WORDS: &[&str] = &["present", "absent"];

/// What may stand behind a path: a value, a list of which one must be equal, `present`, `absent`, or operators.
fn test(defs: &mut Definitions) -> Value {
    defs.named("test", |defs| {
        let operators = operators(defs);
        let word = json!({ "enum": WORDS, "description": "Whether there is such a value." });
        let value = json!({ "type": ["string", "number", "boolean"] });
        json!({ "anyOf": [operators, value, { "type": "array", "items": scalar(), "minItems": 1 }, word] })
    })
}

/// Operators, at least one of which says something.
fn operators(defs: &mut Definitions) -> Value {
    defs.named("operators", |defs| {
        let flag = json!({ "ignoring_case": { "type": "boolean" } });
        let says_nothing = json!({ "maxProperties": 1, "required": ["ignoring_case"], "properties": flag });
        let more = json!({ "additionalProperties": false, "minProperties": 1, "not": says_nothing });
        Fields::of(OPERATORS, defs).and(&more)
    })
}

fn groups(defs: &mut Definitions) -> Value {
    json!({ "type": "array", "items": When::outline(defs), "minItems": 1 })
}

fn share(defs: &mut Definitions) -> Value {
    Fields::of(SHARE, defs).must(&["of", "percent"]).closed()
}

fn windows(defs: &mut Definitions) -> Value {
    let with_exceptions = Fields::of(WINDOW, defs).must(&["is"]).closed();
    json!({ "anyOf": [times(defs), with_exceptions] })
}

fn times(_: &mut Definitions) -> Value {
    let example = json!({ "examples": ["mon-fri 09:00-17:30 America/New_York"] });
    both(one_or_many(&json!({ "type": "string" })), &example)
}

fn dates(_: &mut Definitions) -> Value {
    one_or_many(&json!({ "type": "string" }))
}

fn path(_: &mut Definitions) -> Value {
    json!({ "type": "string", "pattern": PATH })
}

fn percent(_: &mut Definitions) -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 100 })
}

fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"], "not": { "enum": WORDS } })
}

fn values(_: &mut Definitions) -> Value {
    one_or_many(&scalar())
}

fn bound(_: &mut Definitions) -> Value {
    json!({ "type": ["string", "number"] })
}

fn parts(_: &mut Definitions) -> Value {
    one_or_many(&json!({ "type": ["string", "number", "boolean"], "minLength": 1 }))
}

fn texts(_: &mut Definitions) -> Value {
    one_or_many(&json!({ "type": "string", "minLength": 1 }))
}

fn length(defs: &mut Definitions) -> Value {
    let number = one_or_many(&json!({ "type": "number" }));
    let variable = json!({ "type": "string", "pattern": r"\$\{" });
    json!({ "anyOf": [number, variable, { "enum": WORDS }, operators(defs)] })
}

fn ignoring_case(defs: &mut Definitions) -> Value {
    json!({ "anyOf": [{ "type": "boolean" }, test(defs)] })
}

fn flag(_: &mut Definitions) -> Value {
    json!({ "type": "boolean" })
}
