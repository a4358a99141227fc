//! Reads `tools:`, the declarations of tools with the JSON Schema of their arguments.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Workshop;
use super::read::Mapping;
use super::yaml::{Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::schema::{self, Definitions, Fields, Outline as _, Part};
use crate::engine::tools::Declaration;

/// What a declaration may hold.
const FIELDS: &[Part] = &[
    Part { name: "description", text: "By which the model knows when to use it.", outline: String::outline },
    Part {
        name: "parameters", text: "The JSON Schema of its arguments: `type: object`, …", outline: Mapping::outline
    },
];

/// What stands behind `tools`: declarations by the tools' names.
pub(super) fn outline(defs: &mut Definitions) -> Value {
    let tool = defs.named("Tool", |defs| Fields::of(FIELDS, defs).closed());
    json!({ "type": "object", "additionalProperties": tool })
}

/// A declared tool.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    /// What it is for.
    pub(super) description: Option<String>,
    /// The schema of its arguments, and what that makes of them.
    pub(super) arguments: Option<(Value, Validator)>,
}

impl Declared {
    /// As the engine keeps it.
    pub(super) fn finished(self) -> (Declaration, Option<Validator>) {
        let (parameters, arguments) = self.arguments.unzip();
        (Declaration { name: self.name, description: self.description, parameters }, arguments)
    }
}

impl Workshop<'_> {
    /// Reads the tools that one file declares.
    pub(super) fn declared_tools(&mut self, node: &Node, into: &mut Vec<Declared>) {
        let Yaml::Map(entries) = &node.value else {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("`tools` is a mapping of names to declarations, not {}", node.describe()),
                )
                .help("write the tool's name, and below it `description:` and `parameters:`"),
            );
            return;
        };
        for (key, declaration) in entries {
            if let Some(first) = into.iter().find(|tool| tool.name == key.text) {
                self.found.push(
                    Diagnostic::error("duplicate-name", key.span, format!("the tool `{}` is declared twice", key.text))
                        .note(first.span, "the first declaration is here")
                        .help("remove one of them"),
                );
                continue;
            }
            let arguments = self.declaration(declaration);
            let description = declaration.get("description").and_then(Node::as_str).map(str::to_owned);
            into.push(Declared { name: key.text.clone(), span: key.span, description, arguments });
        }
    }

    fn declaration(&mut self, node: &Node) -> Option<(Value, Validator)> {
        if !matches!(node.value, Yaml::Map(_)) {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("a tool's declaration is a mapping, not {}", node.describe()),
                )
                .help("write `description:` and `parameters:` below the tool's name, indented"),
            );
            return None;
        }
        for (key, _) in node.entries().iter().filter(|(key, _)| !schema::names(FIELDS).any(|name| name == key.text)) {
            self.found.push(
                Diagnostic::error("unknown-field", key.span, format!("a tool has no field `{}`", key.text))
                    .suggest(&key.text, schema::names(FIELDS)),
            );
        }
        if let Some(description) = node.get("description")
            && description.as_str().is_none()
        {
            self.found.push(Diagnostic::error(
                "wrong-type",
                description.span,
                format!("`description` is text, not {}", description.describe()),
            ));
        }
        let parameters = node.get("parameters")?;
        if !matches!(parameters.value, Yaml::Map(_)) {
            let message = format!("`parameters` is a JSON Schema, which is a mapping, not {}", parameters.describe());
            self.found.push(Diagnostic::error("bad-schema", parameters.span, message).help(SCHEMA));
            return None;
        }
        let schema = parameters.to_json();
        let validator = jsonschema::validator_for(&schema);
        let validator = validator.map_err(|error| self.found.push(bad_schema(parameters, &error))).ok();
        validator.map(|validator| (schema, validator))
    }
}

/// How to write the schema of a tool's arguments.
const SCHEMA: &str = "begin with `type: object` and list the arguments under `properties:`";
/// The types of JSON Schema.
const TYPES: &[&str] = &["string", "number", "integer", "boolean", "array", "object", "null"];

fn bad_schema(parameters: &Node, error: &jsonschema::ValidationError<'_>) -> Diagnostic {
    let pointer = error.instance_path().to_string();
    let mut at = parameters;
    let mut last = "";
    for step in pointer.split('/').skip(1) {
        let inner = step.parse().ok().and_then(|index: usize| at.items().get(index)).or_else(|| at.get(step));
        (at, last) = (inner.unwrap_or(at), step);
    }
    match (last, at.as_str()) {
        ("type", Some(word)) => {
            let found = Diagnostic::error("bad-schema", at.span, format!("JSON Schema has no type `{word}`"));
            found.suggest(word, TYPES.iter().copied()).help(format!("types are {}", TYPES.join(", ")))
        }
        ("", _) => Diagnostic::error("bad-schema", at.span, format!("this is not a JSON Schema: {error}")).help(SCHEMA),
        ("enum" | "required", Some(word)) => {
            let message = format!("`{last}` is a list, not {}", at.describe());
            Diagnostic::error("bad-schema", at.span, message).help(format!("write `{last}: [{word}]`"))
        }
        _ => Diagnostic::error("bad-schema", at.span, format!("`{last}` is not as JSON Schema wants it: {error}"))
            .help(SCHEMA),
    }
}
