//! Reads `tools:`, the declarations of tools with the JSON Schema of their arguments.

use jsonschema::Validator;

use super::Workshop;
use super::yaml::{Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};

/// What a declaration may hold.
const FIELDS: &[&str] = &["description", "parameters"];

/// A declared tool.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    /// What its arguments must look like, if the declaration says so.
    pub(super) arguments: Option<Validator>,
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
            into.push(Declared { name: key.text.clone(), span: key.span, arguments });
        }
    }

    fn declaration(&mut self, node: &Node) -> Option<Validator> {
        if !matches!(node.value, Yaml::Map(_)) {
            self.found.push(Diagnostic::error(
                "wrong-type",
                node.span,
                format!("a tool's declaration is a mapping, not {}", node.describe()),
            ));
            return None;
        }
        for (key, _) in node.entries().iter().filter(|(key, _)| !FIELDS.contains(&key.text.as_str())) {
            self.found.push(
                Diagnostic::error("unknown-field", key.span, format!("a tool has no field `{}`", key.text))
                    .suggest(&key.text, FIELDS.iter().copied()),
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
        match jsonschema::validator_for(&parameters.to_json()) {
            Ok(validator) if matches!(parameters.value, Yaml::Map(_)) => Some(validator),
            Ok(_) => {
                self.found.push(Diagnostic::error(
                    "bad-schema",
                    parameters.span,
                    "`parameters` is a JSON Schema, which is a mapping",
                ));
                None
            }
            Err(error) => {
                let pointer = error.instance_path().to_string();
                let place = if pointer.is_empty() { String::new() } else { format!(" at `{pointer}`") };
                self.found.push(
                    Diagnostic::error(
                        "bad-schema",
                        parameters.span,
                        format!("this is not a valid JSON Schema{place}: {error}"),
                    )
                    .help("begin with `type: object` and list the arguments under `properties:`"),
                );
                None
            }
        }
    }
}
