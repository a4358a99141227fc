//! Sends one event or many, a bounded number of them at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::answer::Answer;
use super::events::Events;
use super::target::Target;
use crate::cli::line::{Line, Unopened};
use crate::clock::{Clock, Deadline};

/// How many events are on their way at once, each on a connection of its own.
const IN_FLIGHT_MAX: u32 = 32;
/// How long an answer is waited for after its time, to say how late it is.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many different complaints are kept.
const COMPLAINTS_MAX: usize = 8;

/// Events that are to be sent.
pub(super) struct Volley {
    pub(super) target: Arc<Target>,
    pub(super) events: Arc<Events>,
    pub(super) count: u32,
    /// How many in a second.
    pub(super) rate: Option<f64>,
}

/// What came of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The first answer.
    pub(super) first: Option<Answer>,
    /// How often each status was said.
    pub(super) statuses: BTreeMap<u16, u32>,
    /// How long those took that were answered, in order.
    pub(super) took: Vec<Duration>,
    /// How many got no answer.
    pub(super) lost: u32,
    /// How many answers had a status with which Vapi is not content.
    pub(super) refused: u32,
    /// How many replies break the contract.
    pub(super) broken: u32,
    /// How many came too late.
    pub(super) late: u32,
    /// What there is to complain of, and how often.
    pub(super) complaints: BTreeMap<String, u32>,
    /// How long all of it took.
    pub(super) whole: Duration,
}

/// Reads a number of events in a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| "write a number of events in a second, such as 50 or 0.5".to_owned())
}

impl Volley {
    /// Sends them.
    ///
    /// # Errors
    /// If there is nobody to send them to.
    pub(super) async fn fire(&self) -> Result<Tally, String> {
        let mut first = Some(open(&self.target).await?);
        let (begun_at, next) = (Clock::instant(), Arc::new(AtomicU32::new(0)));
        let mut senders = JoinSet::new();
        for _ in 0..IN_FLIGHT_MAX.min(self.count) {
            let (target, events) = (Arc::clone(&self.target), Arc::clone(&self.events));
            let sender = Sender { target, events, line: first.take(), tally: Tally::default() };
            senders.spawn(sender.run(Arc::clone(&next), self.count, begun_at, self.rate));
        }
        let mut tally = Tally::default();
        while let Some(sender) = senders.join_next().await {
            tally.add(sender.map_err(|error| error.to_string())?);
        }
        tally.whole = Clock::instant() - begun_at;
        tally.took.sort();
        Ok(tally)
    }
}

async fn open(target: &Target) -> Result<Line, String> {
    let url = &target.url;
    match tokio::time::timeout(PATIENCE, Line::open(&target.far)).await {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(Unopened::Unreachable(error))) => {
            Err(format!("no daemon listens at {url}: {error}; {}", target.remedy()))
        }
        Ok(Err(Unopened::Failed(error))) => Err(format!("there is no connection to {url}: {error}")),
        Err(_) => Err(format!("there is no connection to {url}: nothing came within {} s", PATIENCE.as_secs())),
    }
}

/// One connection, which sends one event after the other.
struct Sender {
    target: Arc<Target>,
    events: Arc<Events>,
    line: Option<Line>,
    tally: Tally,
}

impl Sender {
    async fn run(mut self, next: Arc<AtomicU32>, count: u32, begun_at: Instant, rate: Option<f64>) -> Tally {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            // The counter goes beyond the count by no more than the number of senders.
            if count <= number {
                return self.tally;
            }
            if let Some(rate) = rate {
                let due = Deadline::of(begun_at, Duration::from_secs_f64(f64::from(number) / rate));
                tokio::time::sleep_until(due.instant().into()).await;
            }
            if let Err(why) = self.send().await {
                self.tally.lost(why);
            }
        }
    }

    /// Sends one event and keeps what comes of it.
    async fn send(&mut self) -> Result<(), String> {
        let event = self.events.next()?;
        let request = self.target.request(event.body.clone())?;
        let mut line = match self.line.take().filter(|line| !line.is_closed()) {
            Some(line) => line,
            None => open(&self.target).await?,
        };
        let within = event.kind.known().and_then(|kind| self.target.options.time_for(kind));
        let begun_at = Clock::instant();
        let said = tokio::time::timeout(within.unwrap_or_default() + PATIENCE, line.ask(request)).await;
        let took = Clock::instant() - begun_at;
        let said = match said {
            Ok(Ok(said)) => {
                self.line = Some(line);
                Ok(said)
            }
            Ok(Err(error)) => Err(format!("the connection broke: {error}")),
            Err(_) => Err(format!("no answer came within {} s", took.as_secs())),
        };
        self.tally.count(Answer::of(event, said, took, within));
        Ok(())
    }
}

impl Tally {
    /// Whether there is nothing to complain of.
    pub(super) fn is_fine(&self) -> bool {
        [self.lost, self.refused, self.broken, self.late] == [0; 4]
    }

    /// How many were sent.
    pub(super) fn sent(&self) -> u32 {
        self.statuses.values().sum::<u32>() + self.lost
    }

    /// The time within which `percent` of the answers came.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let place = (self.took.len() * percent).div_ceil(100).checked_sub(1)?;
        self.took.get(place).copied()
    }

    fn count(&mut self, answer: Answer) {
        match &answer.said {
            Ok(said) => {
                *self.statuses.entry(said.status.as_u16()).or_default() += 1;
                self.took.push(answer.took);
                self.refused += u32::from(!answer.is_accepted());
            }
            Err(why) => self.lost(why.clone()),
        }
        self.broken += u32::from(!answer.faults.is_empty());
        self.late += u32::from(answer.said.is_ok() && answer.is_late());
        for fault in &answer.faults {
            self.complain(fault.to_string(), 1);
        }
        self.first.get_or_insert(answer);
    }

    fn lost(&mut self, why: String) {
        self.lost += 1;
        self.complain(why, 1);
    }

    fn complain(&mut self, complaint: String, times: u32) {
        if self.complaints.len() < COMPLAINTS_MAX || self.complaints.contains_key(&complaint) {
            *self.complaints.entry(complaint).or_default() += times;
        }
    }

    fn add(&mut self, other: Tally) {
        self.first = self.first.take().or(other.first);
        for (status, times) in other.statuses {
            *self.statuses.entry(status).or_default() += times;
        }
        self.took.extend(other.took);
        self.lost += other.lost;
        self.refused += other.refused;
        self.broken += other.broken;
        self.late += other.late;
        for (complaint, times) in other.complaints {
            self.complain(complaint, times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_taken() {
        let tally = |millis: &[u64]| Tally {
            took: millis.iter().copied().map(Duration::from_millis).collect(),
            ..Tally::default()
        };
        let many: Vec<u64> = (1..=200).collect();
        for (took, percent, millis) in
            [(&[5][..], 50, 5), (&[1, 9], 50, 1), (&[1, 9], 99, 9), (&many, 99, 198), (&many, 100, 200)]
        {
            assert_eq!(tally(took).percentile(percent), Some(Duration::from_millis(millis)), "{percent} % of {took:?}");
        }
        assert_eq!(tally(&[]).percentile(50), None);
    }

    #[test]
    fn a_rate_is_a_number_above_nothing() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "x", "NaN", "inf", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
