//! The commands, one file each, with their arguments beside the code.
//!
//! Every command ends in an exit code: 0 fine, 1 findings, 2 could not run.

pub mod check;
pub mod completions;
mod event;
pub mod explain;
pub mod import;
pub mod init;
mod line;
pub mod operator;
pub mod outbox;
mod project;
pub mod reload;
pub mod run;
pub mod schema;
pub mod send;
mod set;
pub mod test;
pub mod tools;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::engine::diagnostic::{Diagnostic, Sources, has_errors};
use crate::report::{self, Format};

/// Answers Vapi server URLs: YAML rules, Rhai handlers, an answer always in time.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Without a command, `run` is meant. Exit codes: 0 fine, 1 findings, 2 could not run."
)]
#[command(args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the rules
    Run(run::Arguments),
    /// Find every mistake in the rules and settings
    Check(check::Arguments),
    /// Say why an event is decided as it is: which rules matched, which did not, and what they saw
    Explain(explain::Arguments),
    /// Run the tests that stand beside the rules
    Test(test::Arguments),
    /// Send a sample event to a running daemon as Vapi would, and hold the reply against the contract
    Send(send::Arguments),
    /// Make a small project to begin with
    Init(init::Arguments),
    /// Begin with what an organisation has at Vapi: a rule and a test for each tool and phone number
    Import(import::Arguments),
    /// Print the declared tools as Vapi wants to be told of them
    Tools(tools::Arguments),
    /// Print the JSON Schema of rule, test or settings files, by which editors complete and explain them
    Schema(schema::Arguments),
    /// Have a running daemon put in force what its files say, and say what came of it
    Reload(reload::Arguments),
    /// Have a running daemon go back to the rules before those in force, until the files change
    Rollback(reload::RollBack),
    /// See what a running daemon has still to deliver or has given up, and decide what becomes of it
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// Print what a shell needs to complete the commands
    Completions(completions::Arguments),
    /// Print the manual page, or write one for each command
    Man(completions::Manual),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All is well.
    Fine,
    /// Something was found.
    Findings,
    /// The command could not do its work.
    CouldNotRun,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Findings => 1,
            Outcome::CouldNotRun => 2,
        })
    }
}

/// Runs the command that the command line names.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    let outcome = match line.command {
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Test(arguments)) => test::run(&arguments),
        Some(Command::Send(arguments)) => send::run(&arguments),
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Import(arguments)) => import::run(&arguments),
        Some(Command::Tools(arguments)) => tools::run(&arguments),
        Some(Command::Schema(arguments)) => schema::run(&arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments, CommandLine::command()),
        Some(Command::Man(arguments)) => completions::manual(&arguments, CommandLine::command()),
        Some(Command::Reload(arguments)) => reload::run(&arguments),
        Some(Command::Rollback(arguments)) => reload::roll_back(&arguments),
        Some(Command::Outbox(command)) => outbox::run(&command),
        None => run::run(&line.run),
    };
    outcome.into()
}

/// Says on standard error why a command could not do its work.
fn could_not_run(why: &dyn std::fmt::Display) -> Outcome {
    complain(&format!("switchhook: {why}\n"));
    Outcome::CouldNotRun
}

/// Shows findings to people on standard error; errors are [`Outcome::Findings`].
fn show(found: &[Diagnostic], sources: &Sources) -> Outcome {
    if !found.is_empty() {
        complain(&report::render(found, sources, Format::Human, std::io::stderr().is_terminal()));
    }
    if has_errors(found) { Outcome::Findings } else { Outcome::Fine }
}

/// Says what is wrong with an event that the command line describes. Where it stands in what was made of that helps nobody.
fn show_of_arguments(found: &[Diagnostic]) -> Outcome {
    for one in found {
        let help = one.help.iter().fold(String::new(), |all, help| all + "\n  help: " + help);
        complain(&format!("switchhook: {}{help}\n", one.message));
    }
    if has_errors(found) { Outcome::CouldNotRun } else { Outcome::Fine }
}

fn write(text: &str) {
    // A closed pipe, as behind `head`, is no reason to complain.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

fn complain(text: &str) {
    // There is nobody left to tell if standard error is closed.
    drop(std::io::stderr().write_all(text.as_bytes()));
}
