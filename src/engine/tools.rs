//! Tools that the rule files declare: the arguments that each takes, as JSON Schema.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::event::ToolCall;

/// How many mistakes in its arguments a model is told of at once.
const MISTAKES_MAX: usize = 5;

/// A tool as its author declared it.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// What it is for, in words for the model.
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    pub parameters: Option<Value>,
}

/// The declared tools of a rule set, in the order of their declarations.
#[derive(Debug, Default)]
pub struct Tools {
    declared: Vec<Declaration>,
    /// What the arguments of each must look like, by its name.
    arguments: HashMap<String, Validator>,
}

impl Tools {
    /// These tools, each with what its arguments must look like, if it says so.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = (Declaration, Option<Validator>)>) -> Tools {
        let mut all = Tools::default();
        for (declaration, arguments) in tools {
            all.arguments.extend(arguments.map(|arguments| (declaration.name.clone(), arguments)));
            all.declared.push(declaration);
        }
        all
    }

    /// Each tool as it is declared.
    #[must_use]
    pub fn declared(&self) -> &[Declaration] {
        &self.declared
    }

    /// What the model should mend before the call is carried out, if its arguments are wrong.
    #[must_use]
    pub fn refuses(&self, call: &ToolCall) -> Option<String> {
        let arguments = match call.arguments() {
            Ok(arguments) => arguments,
            Err(why) => return Some(why.to_owned()),
        };
        let validator = self.arguments.get(&*call.name)?;
        let arguments = arguments.to_value();
        let mistakes: Vec<String> = validator
            .iter_errors(&arguments)
            .take(MISTAKES_MAX)
            .map(|error| match error.instance_path().as_str() {
                "" => mistake(&error),
                path => format!("{}: {}", path.trim_start_matches('/').replace('/', "."), mistake(&error)),
            })
            .collect();
        if mistakes.is_empty() {
            return None;
        }
        Some(format!("the arguments of `{}` are wrong: {}", call.name, mistakes.join("; ")))
    }
}

/// What is wrong, with every value that would be right: the model chooses among those that it is told.
fn mistake(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            format!("{} is none of {}", error.instance(), options.join(", "))
        }
        _ => error.to_string(),
    }
}
