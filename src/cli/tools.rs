//! `switchhook tools`: the declared tools, as Vapi wants to be told of them.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::project::{self, RuleSet};
use super::{Outcome, complain, write};
use crate::engine::Engine;

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "tools")]
pub struct Arguments {
    /// A project, a folder of rules, or one rule file [default: .]
    path: Option<PathBuf>,
    /// The address under which Vapi reaches the daemon, such as `https://hooks.example.com`; the server's path is added
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Prints the definitions.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let path = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let sets = match project::rule_sets(&path) {
        Ok(sets) => sets,
        Err(trouble) => return project::told(&trouble),
    };
    let mut definitions = Vec::new();
    for set in &sets {
        match set.engine() {
            Ok(engine) => definitions.extend(of_one(&engine, set, arguments.url.as_deref())),
            Err(outcome) => return outcome,
        }
    }
    write(&format!("{:#}\n", Value::Array(definitions)));
    Outcome::Fine
}

fn of_one(engine: &Engine, set: &RuleSet, url: Option<&str>) -> Vec<Value> {
    let mut definitions: Vec<Value> = Vec::new();
    for tool in engine.tools().declared() {
        if tool.description.is_none() {
            complain(&format!(
                "switchhook: `{}` has no description, by which the model knows when to use it\n",
                tool.name
            ));
        }
        let mut definition = json!({
            "type": "function",
            "function": { "name": tool.name, "description": tool.description, "parameters": tool.parameters },
        });
        if let (Some(url), Some(object)) = (url, definition.as_object_mut()) {
            let path = if set.server == "*" { "/" } else { &set.server };
            // The rules count on this time; a shorter one in Vapi would cut their answers off.
            let server = json!({
                "url": format!("{}{path}", url.trim_end_matches('/')), "timeoutSeconds": set.options.timeout.as_secs(),
            });
            object.insert("server".to_owned(), server);
        }
        definitions.push(definition);
    }
    definitions
}
