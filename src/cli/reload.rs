//! `switchhook reload` and `switchhook rollback`: what a running daemon is to put in force.

use clap::Args;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::operator::{Daemon, Format};
use super::{Outcome, write};

/// The arguments of `reload`.
#[derive(Debug, Args)]
#[group(id = "reload")]
pub struct Arguments {
    /// Serve also what a guard would keep out: rules that lost more than half of their number, rules rolled back from
    #[arg(long)]
    force: bool,
    /// The path of the server to be forced, where the daemon has several
    #[arg(long, value_name = "PATH", requires = "force")]
    server: Option<String>,
    /// How what came of it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    daemon: Daemon,
}

/// The arguments of `rollback`.
#[derive(Debug, Args)]
#[group(id = "rollback")]
pub struct RollBack {
    /// The path of the server whose rules are to go back, where the daemon has several
    #[arg(long, value_name = "PATH")]
    server: Option<String>,
    /// How what came of it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    daemon: Daemon,
}

/// Has the daemon put in force what its files say.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let wish = json!({ "force": arguments.force, "server": arguments.server });
    ask(&arguments.daemon, "/api/reload", &wish, arguments.format)
}

/// Has the daemon go back to the rules before those in force.
pub(super) fn roll_back(arguments: &RollBack) -> Outcome {
    ask(&arguments.daemon, "/api/rollback", &json!({ "server": arguments.server }), arguments.format)
}

fn ask(daemon: &Daemon, path: &str, wish: &Value, format: Format) -> Outcome {
    let said = match daemon.post(path, wish, format == Format::Human) {
        Ok(said) => said,
        Err(outcome) => return outcome,
    };
    match said.status {
        StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY => write(&said.text),
        _ => return said.refused(),
    }
    if said.status == StatusCode::OK { Outcome::Fine } else { Outcome::Findings }
}
