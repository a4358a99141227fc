//! How long an action may take and wait, and how long it is tried.

use std::time::Duration;

use super::super::Workshop;
use super::super::read::{Field, Spanned};
use super::{ActionSource, RetrySource, UnlessBySource};
use crate::engine::action::{Retry, UnlessBy};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::kind::Kind;

/// How long one attempt may take, unless the action says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
const ATTEMPTS_MAX: u32 = 1000;
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an action can wait to be sent.
const AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

type Lasting = Option<Field<Spanned<Duration>>>;

impl Workshop<'_> {
    pub(super) fn attempt_time(&mut self, source: &ActionSource) -> Duration {
        self.not_zero(&source.timeout, "an attempt that may take no time is never answered", "timeout: 10s");
        self.at_most(&source.timeout, TIMEOUT_MAX).unwrap_or(TIMEOUT)
    }

    pub(super) fn waiting_time(&mut self, source: &ActionSource) -> Duration {
        self.at_most(&source.after, AFTER_MAX).unwrap_or_default()
    }

    pub(super) fn unless_by(&mut self, unless: &UnlessBySource) -> Option<UnlessBy> {
        let (kind, within) = (unless.kind.get()?, unless.within.get()?);
        if Kind::from_name(&kind.value).is_none() {
            let found =
                Diagnostic::error("unknown-event-kind", kind.span, format!("no event kind is called `{}`", kind.value));
            self.found.push(found.suggest(&kind.value, Kind::ALL.iter().map(|kind| kind.name())));
        }
        self.no_longer(within, AFTER_MAX);
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
        self.not_zero(&source.within, "what is tried for no time is never sent", "within: 1h");
        self.is_kept(&source.within);
        Retry {
            attempts_max: attempts.map_or(usual.attempts_max, |attempts| attempts.value),
            age_max: self.at_most(&source.within, AGE_MAX).unwrap_or(usual.age_max),
        }
    }

    /// The outbox gives up what is older than its own limit, whatever an action says.
    fn is_kept(&mut self, within: &Lasting) {
        let kept = self.options.outbox_age_max;
        let Some(within) = within.as_ref().and_then(Field::get) else { return };
        if kept < within.value && within.value <= AGE_MAX {
            let message = format!("the outbox tries nothing for longer than {}", words(kept));
            let longer = format!("limits: {{ outbox_age_max: {} }}", words(within.value));
            self.found.push(
                Diagnostic::warning("invalid-value", within.span, message)
                    .help(format!("write `within: {}`, or `{longer}` in `switchhook.yaml`", words(kept))),
            );
        }
    }

    fn at_most(&mut self, field: &Lasting, most: Duration) -> Option<Duration> {
        let written = field.as_ref().and_then(Field::get)?;
        self.no_longer(written, most);
        Some(written.value)
    }

    fn no_longer(&mut self, written: &Spanned<Duration>, most: Duration) {
        if most < written.value {
            let message = format!("this can last for {} at most", words(most));
            self.found.push(Diagnostic::error("invalid-value", written.span, message));
        }
    }

    fn not_zero(&mut self, field: &Lasting, message: &str, example: &str) {
        if let Some(written) = field.as_ref().and_then(Field::get).filter(|written| written.value.is_zero()) {
            let help = format!("write for example `{example}`, or leave it out");
            self.found.push(Diagnostic::error("invalid-value", written.span, message).help(help));
        }
    }
}

/// A time as authors write it, in its largest whole unit.
fn words(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = units.into_iter().find(|(length, _)| millis.is_multiple_of(*length));
    let (length, unit) = unit.unwrap_or((1, "ms"));
    format!("{}{unit}", millis / length)
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::engine::source::read::duration;

    #[test]
    fn a_time_is_said_as_it_is_written() {
        for written in ["30d", "5m", "36h", "90s", "1500ms"] {
            assert_eq!(words(duration(written).unwrap()), written);
        }
    }
}
