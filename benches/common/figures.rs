//! Medians, tables, and whether the targets were met.

use std::process::ExitCode;
use std::time::Duration;

/// The part of sorted `figures` that lies below `share` of them.
pub(crate) fn quantile<T: Copy + Default>(figures: &[T], share: f64) -> T {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index, roughly"
    )]
    let index = (figures.len().saturating_sub(1) as f64 * share).round() as usize;
    figures.get(index).copied().unwrap_or_default()
}

/// The figure in the middle.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_unstable_by(f64::total_cmp);
    quantile(&figures, 0.5)
}

/// Microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Prints a line of a table: what it is about, then columns of figures.
pub(crate) fn line(what: &str, columns: &[String]) {
    let columns: Vec<String> = columns.iter().map(|column| format!("{column:>13}")).collect();
    println!("  {what:<34}{}", columns.concat());
}

/// What a figure should be at most.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) figure: f64,
    pub(crate) at_most: f64,
    pub(crate) unit: &'static str,
}

/// How a benchmark is to be run.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// How long each round lasts.
    pub(crate) round: Duration,
    /// How many rounds there are of everything.
    pub(crate) rounds: usize,
    check: bool,
}

/// Whether `part` is to be measured: it is named on the command line, or none is.
pub(crate) fn includes(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|name| name == part)
}

impl Options {
    /// Takes `--check` from the command line, and from the environment `BENCH_SMOKE`, which makes all of it short.
    pub(crate) fn given() -> Options {
        #[expect(clippy::disallowed_methods, reason = "a benchmark has no settings file")]
        let smoke = std::env::var_os("BENCH_SMOKE").is_some();
        let (round, rounds) = if smoke { (Duration::from_millis(200), 1) } else { (Duration::from_secs(3), 5) };
        Options { round, rounds, check: std::env::args().any(|argument| argument == "--check") }
    }

    /// Prints which targets were met. It fails only if asked to check, since a busy machine can miss any of them.
    pub(crate) fn conclude(self, targets: &[Target]) -> ExitCode {
        println!();
        for Target { what, figure, at_most, unit } in targets {
            let verdict = if figure <= at_most { "met" } else { "MISSED" };
            println!("  {verdict:<8}{what}: {figure:.2} {unit}, at most {at_most}");
        }
        println!();
        let missed = targets.iter().any(|target| target.figure > target.at_most);
        if self.check && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
