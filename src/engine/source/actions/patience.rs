//! How long an action may take and wait, and how long it is tried.

use std::time::Duration;

use super::super::Workshop;
use super::super::outgoing::words;
use super::super::read::{Field, Spanned};
use super::{ActionSource, RetrySource, UnlessBySource};
use crate::engine::action::{Action, Retry, UnlessBy};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::kind::Kind;

const TIMEOUT_MAX: Duration = Duration::from_secs(300);
pub(super) const ATTEMPTS_MAX: u32 = 1000;
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

impl Workshop<'_> {
    pub(super) fn attempt_time(&mut self, source: &ActionSource) -> Duration {
        self.not_zero(source.timeout.as_ref(), "an attempt that may take no time is never answered", "timeout: 10s");
        self.at_most(source.timeout.as_ref(), TIMEOUT_MAX).unwrap_or(Action::TIMEOUT)
    }

    pub(super) fn waiting_time(&mut self, source: &ActionSource) -> Duration {
        self.at_most(source.after.as_ref(), Action::AFTER_MAX).unwrap_or_default()
    }

    pub(super) fn unless_by(&mut self, unless: &UnlessBySource) -> Option<UnlessBy> {
        let (kind, within) = (unless.kind.get()?, unless.within.get()?);
        if Kind::from_name(&kind.value).is_none() {
            let found =
                Diagnostic::error("unknown-event-kind", kind.span, format!("no event kind is called `{}`", kind.value));
            self.found.push(found.suggest(&kind.value, Kind::ALL.iter().map(|kind| kind.name())));
        }
        self.at_most(Some(&unless.within), Action::AFTER_MAX);
        Some(UnlessBy { kind: kind.value.clone(), within: within.value })
    }

    /// How an action is tried again that says so; all else is as `usual`.
    pub(super) fn retry(&mut self, source: &RetrySource, usual: Retry) -> Retry {
        let attempts = source.attempts.as_ref().and_then(Field::get);
        if let Some(attempts) = attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(&attempts.value)) {
            let message = format!("an action is tried from 1 to {ATTEMPTS_MAX} times");
            self.found
                .push(Diagnostic::error("invalid-value", attempts.span, message).help("`attempts: 1` is never again"));
        }
        self.not_zero(source.within.as_ref(), "what is tried for no time is never sent", "within: 1h");
        self.is_kept(source.within.as_ref());
        Retry {
            attempts_max: attempts.map_or(usual.attempts_max, |attempts| attempts.value),
            age_max: self.at_most(source.within.as_ref(), AGE_MAX).unwrap_or(usual.age_max),
        }
    }

    /// The outbox gives up what is older than its own limit, whatever an action says.
    fn is_kept(&mut self, within: Option<&Field<Spanned<Duration>>>) {
        let kept = self.options.outbox_age_max;
        let Some(within) = within.and_then(Field::get) else { return };
        if kept < within.value && within.value <= AGE_MAX {
            let message = format!("the outbox tries nothing for longer than {}", words(kept));
            let longer = format!("limits: {{ outbox_age_max: {} }}", words(within.value));
            self.found.push(
                Diagnostic::warning("invalid-value", within.span, message)
                    .help(format!("write `within: {}`, or `{longer}` in `switchhook.yaml`", words(kept))),
            );
        }
    }
}
