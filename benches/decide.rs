//! Whether ten thousand rules cost what ten do.
//!
//! In this process and without HTTP: a body is read and decided by an engine of ten rules and by one of ten thousand, in
//! turn. Each request asks for another rule, so that no rule is kept warm by being asked for again and again.

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

const FEW: u64 = 10;
const MANY: u64 = 10_000;
const RULES_IN_A_FILE: u64 = 500;
/// Decisions between two looks at the clock.
const BATCH: u64 = 200;
/// Leads from one rule to another far away: prime to both numbers of rules.
const STRIDE: u64 = 7919;

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
    let (mut few, mut many) = (Bench::new(few, FEW, message), Bench::new(many, MANY, message));
    let mut ratios = Vec::new();
    for _ in 0..options.rounds {
        let (few, many) = Bench::round(&mut few, &mut many, options.round)?;
        ratios.push(many / few);
    }
    let bytes = message.body.len();
    println!("\n  {what}, {bytes} bytes; {MANY} rules are loaded in {:.0} ms", micros(loading) / 1000.0);
    line("us", &["read", "decide", "reply", "together"].map(str::to_owned));
    few.report(&format!("{FEW} rules"));
    many.report(&format!("{MANY} rules"));
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

/// An engine that is asked for one rule after the other, and how long the parts of that took, batch by batch.
struct Bench {
    engine: Engine,
    rules: u64,
    next: u64,
    message: Message,
    facts: Facts,
    read: Vec<f64>,
    decide: Vec<f64>,
    reply: Vec<f64>,
}

impl Bench {
    fn new(engine: Engine, rules: u64, message: &Message) -> Bench {
        let (read, decide, reply) = (Vec::new(), Vec::new(), Vec::new());
        Bench { engine, rules, next: 0, message: message.clone(), facts: Facts::default(), read, decide, reply }
    }

    /// Both engines in turn for `time`; returns the microseconds that each took for a decision from body to reply.
    fn round(few: &mut Bench, many: &mut Bench, time: Duration) -> Outcome<(f64, f64)> {
        let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
        let begun_at = Instant::now();
        while begun_at.elapsed() < time {
            of_few.push(few.batch()?);
            of_many.push(many.batch()?);
        }
        Ok((median(of_few), median(of_many)))
    }

    fn batch(&mut self) -> Outcome<f64> {
        let bodies: Vec<Vec<u8>> = (0..BATCH).map(|_| self.next_body()).collect();
        let begun_at = Instant::now();
        let events = bodies.into_iter().map(|body| self.engine.read(body)).collect::<Result<Vec<Event>, _>>()?;
        let read_at = Instant::now();
        let decisions: Vec<Decision> = events.iter().filter_map(|event| self.decide(event)).collect();
        let decided_at = Instant::now();
        for decision in &decisions {
            black_box(decision.reply.to_bytes());
        }
        let replied_at = Instant::now();
        if decisions.iter().any(|decision| decision.answered_by.is_none()) {
            return Err("a message found no rule".into());
        }
        self.read.push(each(read_at - begun_at));
        self.decide.push(each(decided_at - read_at));
        self.reply.push(each(replied_at - decided_at));
        Ok(each(replied_at - begun_at))
    }

    fn next_body(&mut self) -> Vec<u8> {
        self.next = (self.next + STRIDE) % self.rules;
        self.message.number(self.next);
        self.message.body.clone()
    }

    fn decide(&self, event: &Event) -> Option<Decision> {
        let turn = *Engine::turns(event).first()?;
        self.engine.decide(event, turn, &self.facts, Arc::new(Unhurried)).ok()
    }

    fn report(&self, what: &str) {
        let parts = [&self.read, &self.decide, &self.reply].map(|part| median(part.iter().copied()));
        let together: f64 = parts.iter().sum();
        let columns: Vec<String> = parts.into_iter().chain([together]).map(|part| format!("{part:.2}")).collect();
        line(what, &columns);
    }
}

/// The microseconds that each decision of a batch took.
#[expect(clippy::cast_precision_loss, reason = "a batch is small")]
fn each(batch: Duration) -> f64 {
    micros(batch) / BATCH as f64
}
