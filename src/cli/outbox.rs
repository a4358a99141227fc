//! `switchhook outbox`: what a running daemon has still to deliver or has given up, and what is to become of it.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::operator::{Daemon, Format, Said};
use super::{Outcome, could_not_run, write};

/// What is asked of the outbox.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// How the outbox stands, each destination, and the items
    List(List),
    /// One item with its request, its attempts and what the other side said; never the value of a secret
    Show(Show),
    /// Send an item now, or each dead letter, with all attempts before it
    Retry(Change),
    /// Forget an item, or each dead letter
    Drop(Change),
}

/// The arguments of `outbox list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only items in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// How many items at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only items after this one
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: u64,
    /// How it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    daemon: Daemon,
}

/// The arguments of `outbox show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The item's number
    id: u64,
    /// How it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    daemon: Daemon,
}

/// The arguments of `outbox retry` and `outbox drop`.
#[derive(Debug, Args)]
pub struct Change {
    /// The item's number, as `switchhook outbox list` shows it; or `--dead` instead
    #[arg(required_unless_present = "dead", conflicts_with = "dead", value_name = "ID|--dead")]
    id: Option<u64>,
    /// Each dead letter, instead of one item
    #[arg(long)]
    dead: bool,
    /// How what came of it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    daemon: Daemon,
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// It waits for its time, its turn, or for its destination.
    Waiting,
    /// It is being sent.
    Leased,
    /// It was given up.
    Dead,
}

/// Asks the daemon.
pub(super) fn run(command: &Command) -> Outcome {
    match command {
        Command::List(List { state, limit, after, format, daemon }) => {
            let state = state.and_then(|state| state.to_possible_value());
            let state = state.map(|state| format!("&state={}", state.get_name())).unwrap_or_default();
            let said = daemon.get(&format!("/api/outbox?limit={limit}&after={after}{state}"));
            tell(said, *format, "", list)
        }
        Command::Show(Show { id, format, daemon }) => {
            let said = daemon.get(&format!("/api/outbox/{id}"));
            tell(said, *format, "there is no such item", show)
        }
        Command::Retry(change) => change.ask("retry", "to be sent now"),
        Command::Drop(change) => change.ask("drop", "forgotten"),
    }
}

impl Change {
    fn ask(&self, wish: &str, done: &str) -> Outcome {
        let which = self.id.map_or_else(|| "dead".to_owned(), |id| id.to_string());
        let said = self.daemon.post(&format!("/api/outbox/{which}/{wish}"), &json!({}), false);
        let missing = "there is no such item, or it is being sent right now";
        tell(said, self.format, missing, |said| format!("{} {done}\n", items(&said["items"])))
    }
}

/// Writes what the daemon said; what it does not know is a finding.
fn tell(said: Result<Said, Outcome>, format: Format, missing: &str, human: impl Fn(&Value) -> String) -> Outcome {
    let said = match said {
        Ok(said) => said,
        Err(outcome) => return outcome,
    };
    match said.status {
        StatusCode::OK if format == Format::Json => write(&said.text),
        StatusCode::OK => match serde_json::from_str(&said.text) {
            Ok(value) => write(&human(&value)),
            Err(error) => return could_not_run(&format!("the daemon's answer cannot be read: {error}")),
        },
        StatusCode::NOT_FOUND => {
            super::complain(&format!("switchhook: {missing}\n"));
            return Outcome::Findings;
        }
        _ => return said.refused(),
    }
    Outcome::Fine
}

fn items(count: &Value) -> String {
    if *count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

/// How the outbox stands, a line for each destination, and a line for each item.
fn list(said: &Value) -> String {
    let mut text = format!("{} waiting, {} being sent, {} dead\n", said["waiting"], said["leased"], said["dead"]);
    if let Some(trouble) = said["trouble"].as_str() {
        // A text has room for everything.
        let _ = writeln!(text, "the outbox cannot be written: {trouble}");
    }
    for it in said["destinations"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "  {}: {} waiting, {} being sent, {} dead, breaker {}",
            plain(&it["destination"]),
            it["waiting"],
            it["leased"],
            it["dead"],
            plain(&it["breaker"])
        );
    }
    for it in said["items"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}", row(it));
    }
    if let Some(next) = said["next_after"].as_u64() {
        let _ = writeln!(text, "there may be more: --after {next}");
    }
    text
}

fn row(it: &Value) -> String {
    let (since, when) = if it["state"] == "dead" { ("since", &it["buried_at"]) } else { ("due", &it["due_at"]) };
    let note = it["note"].as_str().map(|note| format!(": {}", one_line(note))).unwrap_or_default();
    let attempts = it["attempts"].as_u64().unwrap_or_default();
    let tries = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    let what = if it["event"].is_string() {
        format!("decide {}", plain(&it["event"]))
    } else {
        format!("{} {} ({})", plain(&it["method"]), plain(&it["url"]), plain(&it["action"]))
    };
    format!("{} {} {since} {} {what} {tries}{note}", it["id"], plain(&it["state"]), plain(when))
}

/// A field on each line; texts of several lines stand last, as they are.
fn show(said: &Value) -> String {
    let (mut text, mut long) = (String::new(), String::new());
    for (name, value) in said.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let _ = writeln!(text, "{name}: {}: {}", one_line(field), plain(value));
                }
            }
            Value::String(all) if all.contains('\n') || name == "body" => {
                let lines = all.lines().map(|line| format!("  {}\n", one_line(line)));
                let _ = write!(long, "{name}:\n{}", lines.collect::<String>());
            }
            _ => {
                let _ = writeln!(text, "{name}: {}", plain(value));
            }
        }
    }
    text + &long
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), one_line)
}

/// What others said may hold what a terminal takes for commands.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_for_people() {
        let said = json!({
            "waiting": 1, "leased": 0, "dead": 1, "trouble": null, "next_after": 2,
            "destinations": [
                { "destination": "https://crm.example", "waiting": 1, "leased": 0, "dead": 1, "breaker": "open" },
            ],
            "items": [
                { "id": 1, "state": "dead", "buried_at": "B", "attempts": 1,
                  "method": "POST", "url": "https://crm.example/a", "action": "book/1", "note": "it answered 400\u{1b}[31m" },
                { "id": 2, "state": "waiting", "due_at": "D", "attempts": 0,
                  "method": "GET", "url": "https://crm.example/b", "action": "look/1", "note": null },
            ],
        });
        let text = "1 waiting, 0 being sent, 1 dead\n  \
                    https://crm.example: 1 waiting, 0 being sent, 1 dead, breaker open\n\
                    1 dead since B POST https://crm.example/a (book/1) 1 attempt: it answered 400 [31m\n\
                    2 waiting due D GET https://crm.example/b (look/1) 0 attempts\nthere may be more: --after 2\n";
        assert_eq!(list(&said), text);
    }
}
