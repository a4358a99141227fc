//! What an action costs that is in the outbox, durably, before its event is acknowledged, and what appending costs by itself:
//! in a server that does nothing else, with as many that wait for it.

use crate::Outcome;
use crate::common::bare::{Bare, Work};
use crate::common::case::{self, Case};
use crate::common::daemon::Project;
use crate::common::figures::{Options, Target, line};
use crate::common::load::Load;
use crate::common::message;
use crate::common::process::Cores;
use crate::common::workshop;

/// Measures both, each beside the same without an action, in turn.
pub(crate) fn measure(cores: Cores, next: &mut u64, options: Options) -> Outcome<Target> {
    let (noting, silent) = (project(workshop::NOTE)?, project("")?);
    let (noting, silent) = (noting.start(cores)?, silent.start(cores)?);
    let (bare, appending) = (Bare::start(0, Work::Nothing, cores)?, Bare::start(0, Work::Append, cores)?);
    let message = |_| message::status_update();
    let mut plain = Case::new(&silent.running, silent.address, "event that no rule wants", message)?;
    let mut noted = Case::new(&noting.running, noting.address, "  with an action, durable", message)?;
    let mut idle = Case::new(&bare.running, bare.address, "bare hyper, event", message)?;
    let mut appended = Case::new(&appending.running, appending.address, "  and an append, durable", message)?;
    case::measure(Load::All, &mut [&mut plain, &mut noted, &mut idle, &mut appended], next, options)?;
    println!();
    line("as many as it can", &case::COLUMNS.map(str::to_owned));
    for case in [&idle, &appended, &plain, &noted] {
        case.report(&idle);
    }
    let (alone, here) = (appended.cost() - idle.cost(), noted.cost() - plain.cost());
    println!("\nto append an action takes {alone:.2} us by itself; the daemon takes {here:.2} us");
    Ok(Target { what: "an appended action costs", figure: here / alone, at_most: 1.1, unit: "x an append by itself" })
}

/// A project with these rules, and with those of the workshop.
fn project(rules: &str) -> Outcome<Project> {
    let project = Project::new(&[
        ("rules/workshop.yaml", workshop::RULES),
        ("rules/scripts/workshop.rhai", workshop::SCRIPT),
        ("rules/more.yaml", rules),
    ])?;
    project.set("limits: { outbox_items_max: 10000000 }")?;
    Ok(project)
}
