//! What tables cost: to load, to look a row up, and to find the row of a decision table.
//!
//! In this process and without HTTP. A lookup is measured as rules pay for it: an expression with it beside one without.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

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

const GUESTS: u64 = 100_000;
const FEW: u64 = 10;
const MANY: u64 = 10_000;
/// Decisions between two looks at the clock.
const BATCH: u32 = 500;

fn main() -> Outcome<ExitCode> {
    let options = Options::given();
    println!("\ntables: {} rounds of {:?}", options.rounds, options.round);
    let load = loading(options)?;
    let lookup = looking_up(options)?;
    let by_number = deciding("by number", options, |number| format!("+155{number:08}"))?;
    let by_prefix = deciding("by the beginning of a number", options, |number| format!("+155{number:08}*"))?;
    Ok(options.conclude(&[
        Target { what: "a hundred thousand rows are loaded", figure: load / 1000.0, at_most: 300.0, unit: "ms" },
        Target { what: "a lookup", figure: lookup, at_most: 1.0, unit: "us" },
        Target { what: "ten thousand rows by number", figure: by_number, at_most: 1.5, unit: "x ten rows" },
        Target { what: "ten thousand rows by prefix", figure: by_prefix, at_most: 1.5, unit: "x ten rows" },
    ]))
}

/// A table of guests, six columns wide.
fn guests() -> Outcome<String> {
    let mut text = String::from("number,name,visits,vip,since,note\n");
    for number in 0..GUESTS {
        let vip = number % 7 == 0;
        writeln!(
            text,
            "+155{number:08},Guest {number},{},{vip},2026-11-23,\"likes the window, and quiet\"",
            number % 90
        )?;
    }
    Ok(text)
}

/// A rule that answers every caller, with this condition.
fn rule(condition: &str) -> String {
    format!(
        "rules:\n  - name: known\n    on: assistant-request\n    if: {condition}\n    \
         respond: {{ assistantId: asst }}\n"
    )
}

fn engine(rules: &str, table: Option<(&str, &str)>) -> Outcome<Engine> {
    let mut sources = Sources::default();
    sources.add("rules/rules.yaml", rules);
    if let Some((path, text)) = table {
        sources.add(path, text);
    }
    let compiled = compile(&sources, &source::Options::default()).map_err(|found| format!("{found:?}"))?;
    Ok(compiled.engine)
}

/// How many microseconds a large table takes to become an engine, the reading of the file left out.
fn loading(options: Options) -> Outcome<f64> {
    let (rules, text) = (rule("lookup(\"guests\", customer.number) != ()"), guests()?);
    let mut times = Vec::new();
    for _ in 0..options.rounds.max(3) {
        let begun_at = Instant::now();
        black_box(engine(&rules, Some(("rules/tables/guests.csv", &text)))?);
        times.push(micros(begun_at.elapsed()));
    }
    let time = median(times);
    println!("\n  {GUESTS} rows, {} bytes, are loaded in {:.1} ms", text.len(), time / 1000.0);
    Ok(time)
}

/// What an expression with a lookup costs more than one without.
fn looking_up(options: Options) -> Outcome<f64> {
    let text = guests()?;
    let plain = engine(&rule("customer.number != ()"), None)?;
    let table = Some(("rules/tables/guests.csv", text.as_str()));
    let lookup = engine(&rule("lookup(\"guests\", customer.number) != ()"), table)?;
    let message = message::assistant_request();
    let (without, with) = compared((plain, GUESTS), (lookup, GUESTS), &message, options)?;
    let (without, with) = (without.decide, with.decide);
    println!("\n  looking up one of {GUESTS} rows, as an object of six columns");
    line("us", &["decide".to_owned()]);
    line("without a lookup", &[format!("{without:.2}")]);
    line("with a lookup", &[format!("{with:.2}")]);
    Ok(with - without)
}

/// What a decision by a large table costs beside one by a small one.
fn deciding(what: &str, options: Options, condition: fn(u64) -> String) -> Outcome<f64> {
    let table = |rows: u64| -> Outcome<String> {
        let mut text = String::from("customer.number,call.type,=> assistantId\n");
        for number in 0..rows {
            writeln!(text, "{},,assistant-{number}", condition(number))?;
        }
        Ok(text)
    };
    let rules = "rules:\n  - { name: routing, on: assistant-request, table: routing }\n";
    let message = message::assistant_request();
    let (few, many) = (table(FEW)?, table(MANY)?);
    let few = engine(rules, Some(("rules/tables/routing.csv", &few)))?;
    let begun_at = Instant::now();
    let many = engine(rules, Some(("rules/tables/routing.csv", &many)))?;
    let loading = micros(begun_at.elapsed());
    let (of_few, of_many) = compared((few, FEW), (many, MANY), &message, options)?;
    println!("\n  a decision table {what}; {MANY} rows are loaded in {:.0} ms", loading / 1000.0);
    line("us", &["decide", "together"].map(str::to_owned));
    for (rows, took) in [(FEW, of_few), (MANY, of_many)] {
        line(&format!("{rows} rows"), &[format!("{:.2}", took.decide), format!("{:.2}", took.together())]);
    }
    Ok(of_many.together() / of_few.together())
}

/// What each message took, two engines being asked in turn, each for one of so many rows.
fn compared(
    (one, rows_of_one): (Engine, u64),
    (other, rows_of_other): (Engine, u64),
    message: &Message,
    options: Options,
) -> Outcome<(Took, Took)> {
    let mut one = Asked::new(one, rows_of_one, message, BATCH);
    let mut other = Asked::new(other, rows_of_other, message, BATCH);
    let (of_one, of_other) = in_turn(&mut one, &mut other, options.round * u32::try_from(options.rounds)?)?;
    Ok((Took::median(&of_one), Took::median(&of_other)))
}
