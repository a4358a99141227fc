//! Whether ten thousand rules cost what ten do.
//!
//! In this process and without HTTP: a body is read and decided by an engine of ten rules and by one of ten thousand, in
//! turn. Each request asks for another rule, so that no rule is kept warm by being asked for again and again.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::asked::{Asked, Took, in_turn};
use common::figures::{Options, Target, line, median, micros};
use common::message::{self, Message};
use switchhook::engine::Engine;
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::source::{self, compile};

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod asked;
    pub(crate) mod figures;
    pub(crate) mod message;
}

type Outcome<T> = Result<T, Box<dyn Error>>;

const FEW: u64 = 10;
const MANY: u64 = 10_000;
const RULES_IN_A_FILE: u64 = 500;
/// Decisions between two looks at the clock.
const BATCH: u32 = 200;

/// A rule by its number.
type WriteRule = fn(u64) -> String;

fn main() -> Outcome<ExitCode> {
    let options = Options::given();
    println!("\ndecide: {FEW} rules beside {MANY}, {} rounds of {:?}", options.rounds, options.round);
    let by_tool = compare("by the tool's name", by_tool, &message::numbered_tool(), options)?;
    let by_caller = compare("by the caller's number", by_caller, &message::assistant_request(), options)?;
    Ok(options.conclude(&[
        Target { what: "ten thousand rules by tool", figure: by_tool, at_most: 1.5, unit: "x ten rules" },
        Target { what: "ten thousand rules by caller", figure: by_caller, at_most: 1.5, unit: "x ten rules" },
    ]))
}

fn by_tool(number: u64) -> String {
    format!(
        "  - {{ name: rule-{number}, tool: tool_{number:08}, respond: \"On ${{args.day}}, says rule {number}.\" }}\n"
    )
}

fn by_caller(number: u64) -> String {
    format!(
        "  - {{ name: rule-{number}, on: assistant-request, when: {{ customer.number: \"+155{number:08}\" }}, \
         respond: {{ assistantId: \"assistant-{number}\" }} }}\n"
    )
}

/// Prints what few and many rules cost, and returns the quotient.
fn compare(what: &str, write: WriteRule, message: &Message, options: Options) -> Outcome<f64> {
    let (few, _) = engine(FEW, write)?;
    let (many, loading) = engine(MANY, write)?;
    let (mut few, mut many) = (Asked::new(few, FEW, message, BATCH), Asked::new(many, MANY, message, BATCH));
    let (mut of_few, mut of_many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let (few, many) = in_turn(&mut few, &mut many, options.round)?;
        let together = |round: &[Took]| median(round.iter().map(|took| took.together()));
        ratios.push(together(&many) / together(&few));
        of_few.extend(few);
        of_many.extend(many);
    }
    let bytes = message.body.len();
    println!("\n  {what}, {bytes} bytes; {MANY} rules are loaded in {:.0} ms", micros(loading) / 1000.0);
    line("us", &["read", "decide", "reply", "together"].map(str::to_owned));
    report(&format!("{FEW} rules"), Took::median(&of_few));
    report(&format!("{MANY} rules"), Took::median(&of_many));
    Ok(median(ratios))
}

/// An engine of `count` rules, and how long it took to make.
fn engine(count: u64, write: WriteRule) -> Outcome<(Engine, Duration)> {
    let mut sources = Sources::default();
    for first in (0..count).step_by(usize::try_from(RULES_IN_A_FILE)?) {
        let mut text = String::from("rules:\n");
        for number in first..count.min(first + RULES_IN_A_FILE) {
            text.write_str(&write(number))?;
        }
        sources.add(format!("rules/{first:05}.yaml"), text);
    }
    let begun_at = Instant::now();
    let compiled = compile(&sources, &source::Options::default()).map_err(|found| format!("{found:?}"))?;
    Ok((compiled.engine, begun_at.elapsed()))
}

/// Prints the parts of what was measured.
fn report(what: &str, took: Took) {
    let parts = [took.read, took.decide, took.reply, took.together()];
    line(what, &parts.map(|part| format!("{part:.2}")));
}
