//! `switchhook tools`: the declared tools, as Vapi wants to be told of them.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::import::exported;
use super::project::{self, RuleSet};
use super::{Outcome, complain, could_not_run, write};
use crate::engine::Engine;
use crate::engine::url::parse;
use crate::import::differences;

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "tools")]
pub struct Arguments {
    /// A project, a folder of rules, or one rule file [default: .]
    path: Option<PathBuf>,
    /// The address under which Vapi reaches the daemon, such as `https://hooks.example.com`; the server's path is added
    #[arg(long, value_name = "URL", value_parser = whole)]
    url: Option<String>,
    /// Print instead where they differ from what Vapi has: what its REST API says of tools and assistants, as JSON, as
    /// `switchhook import` reads it
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    compare: Vec<PathBuf>,
}

/// Prints the definitions.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let sets = match project::rule_sets(arguments.path.as_deref()) {
        Ok(sets) => sets,
        Err(trouble) => return project::told(&trouble, project::MISSING),
    };
    let mut engines = Vec::new();
    for set in &sets {
        match set.engine() {
            Ok(engine) => engines.push((engine, set)),
            Err(outcome) => return outcome,
        }
    }
    if !arguments.compare.is_empty() {
        return compared(&engines, &arguments.compare);
    }
    let definitions = engines.iter().flat_map(|(engine, set)| of_one(engine, set, arguments.url.as_deref())).collect();
    write(&format!("{:#}\n", Value::Array(definitions)));
    Outcome::Fine
}

/// Where the declared tools and those of the `files` differ.
fn compared(engines: &[(Engine, &RuleSet)], files: &[PathBuf]) -> Outcome {
    let export = match exported(files) {
        Ok(export) => export,
        Err(why) => return could_not_run(&why),
    };
    let declared = engines
        .iter()
        .flat_map(|(engine, set)| engine.tools().declared().iter().map(|tool| (tool.clone(), set.options.timeout)));
    let found = differences(&declared.collect::<Vec<_>>(), &export);
    for line in &found {
        write(&format!("{line}\n"));
    }
    if found.is_empty() { Outcome::Fine } else { Outcome::Findings }
}

/// The URL that is meant, also where its scheme was left out.
fn whole(written: &str) -> Result<String, String> {
    let here = ["localhost", "127.0.0.1", "[::1]"];
    let is_here = || here.iter().any(|host| written == *host || written.starts_with(&format!("{host}:")));
    let url = match written {
        url if url.contains("://") => url.to_owned(),
        host if is_here() => format!("http://{host}"),
        host => format!("https://{host}"),
    };
    parse(&url).map_err(|error| format!("{error}; write for example `https://hooks.example.com`"))?;
    Ok(url)
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
        let said = [
            ("name", Some(tool.name.as_str().into())),
            ("description", tool.description.as_deref().map(Value::from)),
            ("parameters", tool.parameters.clone()),
        ];
        let function: Map<String, Value> =
            said.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect();
        let mut definition = json!({ "type": "function", "function": function });
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
