//! `switchhook explain`: which rules matched an event, which did not, and why.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::project::{self, RuleSet};
use super::{Outcome, could_not_run, show_of_arguments, write};
use super::{event, set};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::diagnostic::Sources;
use crate::engine::source::yaml;
use crate::load::{self, LoadError, is_event_file};
use crate::report::{Paint, clean};
use crate::testing::trial::{Explained, Trial};

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "explain")]
pub struct Arguments {
    /// A file with the event as Vapi posts it, or the name of a sample, such as `assistant-request`
    event: String,
    /// A project, a folder of rules, or one rule file [default: .]
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// The path of the server, where the settings have several
    #[arg(long, value_name = "PATH")]
    server: Option<String>,
    /// Puts a value into the message: `customer.number=+15550123`; of a tool call `tool` and `args.name` too
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Takes a value out of the message
    #[arg(long, value_name = "PATH")]
    unset: Vec<String>,
    /// When the event comes, with the offset: `2026-11-23T18:30:00-05:00` [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// A YAML file that says what others answer, as `answers` in a test does
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// The state of the call, as JSON
    #[arg(long, value_name = "JSON")]
    state: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A person.
    Human,
    /// A program.
    Json,
}

/// Explains the decision about an event.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let engine = match engine(arguments) {
        Ok(engine) => engine,
        Err(outcome) => return outcome,
    };
    let given = arguments.event().and_then(|event| Ok((event, arguments.world()?)));
    let (event, world) = match given {
        Ok(given) => given,
        Err(why) => return could_not_run(&why),
    };
    let mut found = Vec::new();
    let trial = Trial::of(event, &world, &mut found);
    let outcome = show_of_arguments(&found);
    let Some(trial) = trial.filter(|_| outcome == Outcome::Fine) else { return Outcome::CouldNotRun };
    match trial.explain(&engine, None) {
        Ok(explained) => write(&told(&engine, &explained, arguments.format)),
        Err(error) => return could_not_run(&error),
    }
    Outcome::Fine
}

fn told(engine: &Engine, explained: &[Explained], format: Format) -> String {
    if format == Format::Json {
        return format!("{:#}\n", explained.iter().map(|turn| turn.json(engine)).collect::<Value>());
    }
    let colour = std::io::stdout().is_terminal();
    let turns = (1..).zip(explained).map(|(number, turn)| match &turn.call {
        Some((name, id)) if explained.len() > 1 => {
            let heading = Paint(colour).bold(&format!(
                "tool call {number} of {}: {} ({})",
                explained.len(),
                clean(name),
                clean(id)
            ));
            format!("{heading}\n{}", turn.why(engine).text(colour))
        }
        _ => turn.why(engine).text(colour),
    });
    turns.collect::<Vec<_>>().join("\n")
}

impl Arguments {
    /// The event as it stands in the file or the sample.
    fn event(&self) -> Result<Value, String> {
        let file = Path::new(&self.event);
        let is_name = !file.is_file() && !is_event_file(&self.event) && file.components().count() == 1;
        if is_name {
            event::sample(&self.event, "name a kind such as `tool-calls`, or a file with an event")
        } else {
            event::in_file(file)
        }
    }

    /// What is known of the world, as a test says it.
    fn world(&self) -> Result<String, String> {
        let mut wish = Map::new();
        wish.insert("set".to_owned(), Value::Object(set::values(&self.set)?));
        wish.insert("unset".to_owned(), json!(self.unset));
        wish.insert("at".to_owned(), self.at.clone().unwrap_or_else(|| Clock::now().to_string()).into());
        if let Some(state) = &self.state {
            let state: Map<String, Value> =
                serde_json::from_str(state).map_err(|error| format!("`--state`: {error}"))?;
            wish.insert("state".to_owned(), Value::Object(state));
        }
        if let Some(file) = &self.answers {
            wish.insert("answers".to_owned(), answers(file)?);
        }
        Ok(Value::Object(wish).to_string())
    }
}

/// What others answer; a mistake in it is told by its line here, since the rest is read as a whole.
fn answers(file: &Path) -> Result<Value, String> {
    let why = |error: LoadError| error.told("name a YAML file that says what others answer");
    let text = load::read(file).map_err(|error| format!("`--answers`: {}", why(error)))?;
    let mut sources = Sources::default();
    let id = sources.add(load::shown(file), text.as_str());
    let mut found = Vec::new();
    match yaml::parse(id, &text, &mut found) {
        Some(node) if found.is_empty() => Ok(node.get("answers").unwrap_or(&node).to_json()),
        _ => Err(crate::report::render(&found, &sources, crate::report::Format::Short, false)),
    }
}

/// The rules that decide.
fn engine(arguments: &Arguments) -> Result<Engine, Outcome> {
    let sets =
        project::rule_sets(arguments.rules.as_deref()).map_err(|trouble| project::told(&trouble, project::MISSING))?;
    chosen(&sets, arguments.server.as_deref()).map_err(|why| could_not_run(&why))?.engine()
}

fn chosen<'a>(sets: &'a [RuleSet], server: Option<&str>) -> Result<&'a RuleSet, String> {
    let paths = || sets.iter().map(|set| format!("`{}`", set.server)).collect::<Vec<_>>().join(", ");
    match (sets, server) {
        ([only], None) => Ok(only),
        _ if is_of_projects(sets) => {
            let roots = sets.iter().map(|set| format!("`{}`", load::shown(&set.root))).collect::<Vec<_>>();
            Err(format!("there are several projects, with rules in {}: say which with `--rules`", roots.join(", ")))
        }
        (_, None) => Err(format!("there are several servers, {}: say which with `--server`", paths())),
        (sets, Some(server)) => sets
            .iter()
            .find(|set| set.server == server)
            .ok_or_else(|| format!("there is no server `{server}`; there are {}", paths())),
    }
}

/// Whether the rule sets belong to several projects, so that the same path is that of several servers.
fn is_of_projects(sets: &[RuleSet]) -> bool {
    let servers: HashSet<&str> = sets.iter().map(|set| set.server.as_str()).collect();
    servers.len() < sets.len()
}
