//! Tools that the rule files declare: the arguments that each takes, as JSON Schema.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};

use super::event::ToolCall;

/// How many mistakes in its arguments a model is told of at once.
const MISTAKES_MAX: usize = 5;

/// The declared tools of a rule set, by name.
#[derive(Debug, Default)]
pub struct Tools(HashMap<String, Validator>);

impl Tools {
    /// The tools of these names, each with what its arguments must look like.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = (String, Validator)>) -> Tools {
        Tools(tools.into_iter().collect())
    }

    /// What the model should mend before the call is carried out, if its arguments are wrong.
    #[must_use]
    pub fn refuses(&self, call: &ToolCall) -> Option<String> {
        let arguments = match call.arguments() {
            Ok(arguments) => arguments,
            Err(why) => return Some(why.to_owned()),
        };
        let validator = self.0.get(&*call.name)?;
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
