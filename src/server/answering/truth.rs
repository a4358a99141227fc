//! Makes decisions true: the state of the call, what is to be done elsewhere, the log, and each of it once.

use std::sync::Arc;

use super::{Answering, Undone};
use crate::clock::Clock;
use crate::engine::Turn;
use crate::engine::decision::{Considered, Decision, Fault};
use crate::engine::facts::Facts;
use crate::engine::rule::RuleId;
use crate::server::call_state::Conflict;
use crate::server::errands;
use crate::server::occasion::Occasion;
use crate::server::seen::First;
use crate::server::tried::Tried;
use crate::telemetry;

/// Whether an event is the first of its identity.
pub(super) enum Turned<'a> {
    /// It is; nothing is to be said of one that has no identity.
    First(Option<First<'a>>),
    /// It came before, and all of it has come true.
    Repeated,
    /// It came before, and is still at it.
    Busy,
}

impl Answering {
    /// Makes what was decided true: the call's state, what is to be done elsewhere, the log.
    pub(super) async fn conclude(
        &self,
        occasion: &Occasion,
        turn: Turn,
        facts: &Facts,
        mut decision: Decision,
    ) -> Result<Decision, Undone> {
        let has_effects = decision.state.is_some() || !decision.logs.is_empty() || !decision.actions.is_empty();
        let turned = if has_effects { self.be_first(occasion, turn).await } else { Turned::First(None) };
        let first = match turned {
            Turned::First(first) => first,
            Turned::Repeated => return Ok(decision),
            // The same event is still at it; nobody knows how that will end.
            Turned::Busy if occasion.expects_reply() => return Ok(decision),
            Turned::Busy => return Err(Undone::Unkept),
        };
        self.carry_out(occasion, turn, facts, &mut decision).await?;
        if let Some(first) = first {
            first.done();
        }
        let lacks = facts.tries.as_ref().zip(lack(&decision));
        if lacks.as_ref().is_none_or(|(tries, _)| tries.is_last) {
            tell(occasion, facts, &decision);
        } else {
            tell_what_scripts_said(occasion, &decision);
            // Nobody waits for these to pass.
            tell_faults(occasion, decision.faults.iter().filter(|fault| !fault.is_passing));
        }
        match lacks {
            None => Ok(decision),
            Some((tries, why)) => Err(Undone::Unfetched(why, Tried::so_far(tries, decision.done, &facts.answers))),
        }
    }

    /// Whether this event is the first of its identity to have consequences.
    pub(super) async fn be_first(&self, occasion: &Occasion, turn: Turn) -> Turned<'_> {
        let Some(identity) = occasion.event_identity(turn, &self.seen) else { return Turned::First(None) };
        match occasion.in_time(self.seen.first(identity)).await {
            Some(Some(first)) => Turned::First(Some(first)),
            Some(None) => {
                telemetry::repeated(&occasion.site.path, occasion.event.call_id());
                Turned::Repeated
            }
            None => Turned::Busy,
        }
    }

    /// Changes the call's state and keeps what is to be done elsewhere. If that cannot be kept, a caller who waits gets his
    /// answer all the same, and the outbox has raised the alarm; an event that nobody waits for is left undone.
    async fn carry_out(
        &self,
        occasion: &Occasion,
        turn: Turn,
        facts: &Facts,
        decision: &mut Decision,
    ) -> Result<(), Undone> {
        let change = decision.state.as_ref().zip(occasion.call());
        if let Some((state, call)) = &change {
            self.states.replace(call, &facts.state, Arc::clone(state)).map_err(|Conflict| Undone::Conflict)?;
        }
        let errands = errands::of(occasion, turn, std::mem::take(&mut decision.actions), facts);
        if errands.is_empty() {
            return Ok(());
        }
        let enqueue = async {
            if occasion.is_put_off() {
                self.outbox.enqueue_owed(errands).await
            } else {
                self.outbox.enqueue(errands).await
            }
        };
        let kept = occasion.kept(enqueue).await;
        if occasion.expects_reply() || matches!(kept, Some(Ok(()))) {
            return Ok(());
        }
        if let Some((state, call)) = &change {
            // If another event has changed it meanwhile, it stays: that one has been acknowledged.
            let _ = self.states.replace(call, state, Arc::clone(&facts.state));
        }
        Err(Undone::Unkept)
    }
}

/// What the decision lacks and may have another time, if there is such a thing.
fn lack(decision: &Decision) -> Option<String> {
    let fault = decision.faults.iter().find(|fault| fault.is_passing)?;
    Some(format!("{}: {}", fault.place, fault.message))
}

/// Tells the log what was decided, and the statistics.
fn tell(occasion: &Occasion, facts: &Facts, decision: &Decision) {
    let (server, event) = (&*occasion.site.path, &occasion.event);
    let snapshot = &occasion.site.snapshot;
    for (rule, _) in decision.trace.0.iter().filter(|(_, considered)| *considered == Considered::Matched) {
        snapshot.hits.note(*rule, facts.now);
    }
    tell_what_scripts_said(occasion, decision);
    tell_faults(occasion, &decision.faults);
    let rule = decision.answered_by.map(|rule| named(occasion, rule));
    if decision.refused_arguments {
        telemetry::arguments_refused(server, event);
    } else if rule.is_none() && occasion.expects_reply() {
        telemetry::unanswered(server, event);
    }
    telemetry::decided(server, event, rule, &snapshot.version, Clock::instant() - occasion.begun_at);
}

fn tell_faults<'f>(occasion: &Occasion, faults: impl IntoIterator<Item = &'f Fault>) {
    for fault in faults {
        telemetry::rule_failed(&occasion.site.path, named(occasion, fault.rule), fault);
    }
}

fn tell_what_scripts_said(occasion: &Occasion, decision: &Decision) {
    let rule = decision.answered_by.map(|rule| named(occasion, rule));
    for line in &decision.logs {
        telemetry::script_said(&occasion.site.path, &occasion.event, rule, line);
    }
}

fn named(occasion: &Occasion, rule: RuleId) -> &str {
    occasion.site.engine().rules().rule(rule).map_or("", |rule| &*rule.name)
}
