//! `switchhook send`: events as Vapi would send them, to a running daemon, and what it says to them.
//!
//! `target` finds the daemon and what it wants to be shown, `events` makes the events, `volley` sends them, `answer`
//! holds what comes back against the contract, and `told` words it.

mod answer;
mod events;
mod target;
mod told;
mod volley;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use self::events::Events;
use self::target::Target;
use self::volley::Volley;
use super::operator::Format;
use super::{Outcome, could_not_run, write};
use crate::report::Paint;

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "send")]
#[command(after_help = "\
Examples:
  switchhook send assistant-request --set customer.number=+15550123
  switchhook send tool-calls --set tool=book_table --set args='{ party_size: 4 }'
  switchhook send status-update --count 1000 --rate 200
  switchhook send end-of-call-report --dry-run

The daemon takes what is sent for Vapi's: whatever its rules want done is done.
Exit codes: 0 the replies honour the contract, 1 one does not, is an error or too late, 2 nothing could be sent.")]
pub struct Arguments {
    /// The kind of event, such as `assistant-request`, or a sample of another shape, such as `tool-calls.two-calls`
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    kind: Option<String>,
    /// Send the event in this file, as Vapi posts it, instead of a sample
    #[arg(long, value_name = "EVENT.json")]
    file: Option<PathBuf>,
    /// Put a value into the message: `customer.number=+15550123`; of a tool call `tool` and `args.name` too
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Take a value out of the message
    #[arg(long, value_name = "PATH")]
    unset: Vec<String>,
    /// Leave ids and time as they stand, so that what was sent before comes again: Vapi's retry
    #[arg(long)]
    as_is: bool,
    /// How many events to send, each of a call of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How many events to send in a second [default: as many as are answered]
    #[arg(long, value_name = "PER_SECOND", value_parser = volley::rate)]
    rate: Option<f64>,
    /// Print the request, without its credentials, and send nothing
    #[arg(long, conflicts_with_all = ["count", "rate"])]
    dry_run: bool,
    /// How it is written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    whither: target::Arguments,
}

/// Sends what the arguments ask for.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let target = match Target::of(&arguments.whither) {
        Ok(target) => target,
        Err(outcome) => return outcome,
    };
    let events = match Events::of(arguments) {
        Ok(events) => events,
        Err(outcome) => return outcome,
    };
    if arguments.dry_run {
        return dry_run(&target, &events, arguments.format);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return could_not_run(&format!("cannot start: {error}")),
    };
    let volley =
        Volley { target: Arc::new(target), events: Arc::new(events), count: arguments.count, rate: arguments.rate };
    match runtime.block_on(volley.fire()) {
        Ok(answers) => tell(&volley, &answers, arguments.format),
        Err(why) => could_not_run(&why),
    }
}

fn dry_run(target: &Target, events: &Events, format: Format) -> Outcome {
    let sent = events.next().and_then(|event| Ok((target.request(event.body.clone())?, event)));
    match sent {
        Ok((request, event)) => write(&told::request(target, &request, &event, format)),
        Err(why) => return could_not_run(&why),
    }
    Outcome::Fine
}

fn tell(volley: &Volley, tally: &volley::Tally, format: Format) -> Outcome {
    let paint = Paint(format == Format::Human && std::io::stdout().is_terminal());
    let text = match &tally.first {
        Some(only) if volley.count == 1 => told::one(&volley.target, only, format, paint),
        _ => told::many(&volley.target, tally, format, paint),
    };
    write(&text);
    if tally.is_fine() { Outcome::Fine } else { Outcome::Findings }
}
