//! What tables cost: to load, to look a row up, and to find the row of a decision table.
//!
//! In this process and without HTTP. A lookup is measured as rules pay for it: an expression with it beside one without.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::figures::{Options, Target, line, median, micros};
use common::message::{self, Message};
use switchhook::engine::Engine;
use switchhook::engine::decision::Decision;
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::event::Event;
use switchhook::engine::facts::{Facts, Unhurried};
use switchhook::engine::source::{self, compile};

#[expect(dead_code, reason = "each benchmark needs its own part of what they share")]
mod common {
    pub(crate) mod figures;
    pub(crate) mod message;
}

type Outcome<T> = Result<T, Box<dyn Error>>;

const GUESTS: u64 = 100_000;
const FEW: u64 = 10;
const MANY: u64 = 10_000;
/// Decisions between two looks at the clock.
const BATCH: u64 = 500;
/// Leads from one row to another far away: prime to all numbers of rows.
const STRIDE: u64 = 7919;

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
    let (mut plain, mut lookup) = (Bench::new(plain, GUESTS, &message), Bench::new(lookup, GUESTS, &message));
    let (without, with) = rounds(&mut plain, &mut lookup, options)?;
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
    let (mut few, mut many) = (Bench::new(few, FEW, &message), Bench::new(many, MANY, &message));
    let (of_few, of_many) = rounds(&mut few, &mut many, options)?;
    println!("\n  a decision table {what}; {MANY} rows are loaded in {:.0} ms", loading / 1000.0);
    line("us", &["decide", "together"].map(str::to_owned));
    for (rows, Took { decide, together }) in [(FEW, of_few), (MANY, of_many)] {
        line(&format!("{rows} rows"), &[format!("{decide:.2}"), format!("{together:.2}")]);
    }
    Ok(of_many.together / of_few.together)
}

/// The microseconds that one message took: to be decided, and from body to reply.
#[derive(Clone, Copy)]
struct Took {
    decide: f64,
    together: f64,
}

impl Took {
    fn median(of: &[Took]) -> Took {
        let median = |part: fn(&Took) -> f64| median(of.iter().map(part));
        Took { decide: median(|took| took.decide), together: median(|took| took.together) }
    }
}

/// What each message took, both engines being asked in turn.
fn rounds(one: &mut Bench, other: &mut Bench, options: Options) -> Outcome<(Took, Took)> {
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    let begun_at = Instant::now();
    let time = options.round * u32::try_from(options.rounds)?;
    while begun_at.elapsed() < time {
        of_one.push(one.batch()?);
        of_other.push(other.batch()?);
    }
    Ok((Took::median(&of_one), Took::median(&of_other)))
}

/// An engine that is asked for one row after the other.
struct Bench {
    engine: Engine,
    rows: u64,
    next: u64,
    message: Message,
    facts: Facts,
}

impl Bench {
    fn new(engine: Engine, rows: u64, message: &Message) -> Bench {
        Bench { engine, rows, next: 0, message: message.clone(), facts: Facts::default() }
    }

    fn batch(&mut self) -> Outcome<Took> {
        let bodies: Vec<Vec<u8>> = (0..BATCH).map(|_| self.next_body()).collect();
        let begun_at = Instant::now();
        let events = bodies.into_iter().map(|body| self.engine.read(body)).collect::<Result<Vec<Event>, _>>()?;
        let read_at = Instant::now();
        let decisions: Vec<Decision> = events.iter().filter_map(|event| self.decide(event)).collect();
        let decided_at = Instant::now();
        for decision in &decisions {
            black_box(decision.reply.to_bytes());
        }
        let together = each(begun_at.elapsed());
        let answered = decisions.iter().filter(|decision| decision.answered_by.is_some()).count();
        if answered != events.len() {
            return Err("a message found no row".into());
        }
        Ok(Took { decide: each(decided_at - read_at), together })
    }

    fn next_body(&mut self) -> Vec<u8> {
        self.next = (self.next + STRIDE) % self.rows;
        self.message.number(self.next);
        self.message.body.clone()
    }

    fn decide(&self, event: &Event) -> Option<Decision> {
        let turn = *Engine::turns(event).first()?;
        self.engine.decide(event, turn, &self.facts, Arc::new(Unhurried)).ok()
    }
}

/// The microseconds that each message of a batch took.
#[expect(clippy::cast_precision_loss, reason = "a batch is small")]
fn each(batch: Duration) -> f64 {
    micros(batch) / BATCH as f64
}
