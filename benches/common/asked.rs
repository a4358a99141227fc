//! An engine in this process that is asked for one rule or row after the other, so that none is kept warm.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchhook::engine::Engine;
use switchhook::engine::decision::Decision;
use switchhook::engine::event::Event;
use switchhook::engine::facts::{Facts, Unhurried};

use super::figures::{median, micros};
use super::message::Message;

/// Leads from one rule or row to another far away: prime to all their numbers.
const STRIDE: u64 = 7919;

/// The microseconds that one message took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) read: f64,
    pub(crate) decide: f64,
    pub(crate) reply: f64,
}

impl Took {
    /// From body to reply.
    pub(crate) fn together(self) -> f64 {
        self.read + self.decide + self.reply
    }

    /// The median of each part.
    pub(crate) fn median(of: &[Took]) -> Took {
        let median = |part: fn(&Took) -> f64| median(of.iter().map(part));
        Took { read: median(|it| it.read), decide: median(|it| it.decide), reply: median(|it| it.reply) }
    }
}

/// An engine, and what it is asked for.
pub(crate) struct Asked {
    engine: Engine,
    /// Of how many rules or rows one is wanted each time.
    count: u64,
    next: u64,
    message: Message,
    facts: Facts,
    /// Decisions between two looks at the clock.
    batch: u32,
}

impl Asked {
    pub(crate) fn new(engine: Engine, count: u64, message: &Message, batch: u32) -> Asked {
        Asked { engine, count, next: 0, message: message.clone(), facts: Facts::default(), batch }
    }

    /// Asks a batch; returns what each message of it took.
    pub(crate) fn batch(&mut self) -> Result<Took, Box<dyn std::error::Error>> {
        let bodies: Vec<Vec<u8>> = (0..self.batch).map(|_| self.next_body()).collect();
        let begun_at = Instant::now();
        let events = bodies.into_iter().map(|body| self.engine.read(body)).collect::<Result<Vec<Event>, _>>()?;
        let read_at = Instant::now();
        let decisions: Vec<Decision> = events.iter().filter_map(|event| self.decide(event)).collect();
        let decided_at = Instant::now();
        for decision in &decisions {
            black_box(decision.reply.to_bytes());
        }
        let replied_at = Instant::now();
        if decisions.iter().filter(|decision| decision.answered_by.is_some()).count() != events.len() {
            return Err("a message found no answer".into());
        }
        let each = |batch: Duration| micros(batch) / f64::from(self.batch);
        Ok(Took {
            read: each(read_at - begun_at),
            decide: each(decided_at - read_at),
            reply: each(replied_at - decided_at),
        })
    }

    fn next_body(&mut self) -> Vec<u8> {
        self.next = (self.next + STRIDE) % self.count;
        self.message.number(self.next);
        self.message.body.clone()
    }

    fn decide(&self, event: &Event) -> Option<Decision> {
        let turn = *Engine::turns(event).first()?;
        self.engine.decide(event, turn, &self.facts, Arc::new(Unhurried)).ok()
    }
}

/// What each message took that both were asked in turn, for `time`.
pub(crate) fn in_turn(
    one: &mut Asked,
    other: &mut Asked,
    time: Duration,
) -> Result<(Vec<Took>, Vec<Took>), Box<dyn std::error::Error>> {
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    let begun_at = Instant::now();
    while begun_at.elapsed() < time {
        of_one.push(one.batch()?);
        of_other.push(other.batch()?);
    }
    Ok((of_one, of_other))
}
