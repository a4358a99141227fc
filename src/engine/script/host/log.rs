//! `log::…`: lines in the daemon's log, joined to the event and the rule.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};

use super::at;
use crate::engine::script::run::{self, LogLevel, LogLine, Work};
use crate::engine::script::value::{self, Budget};

/// How many lines one decision may log; what comes after them is dropped.
const LINES_MAX: usize = 200;
/// How long a line may be; the rest of it is dropped.
const LINE: Budget = Budget { values: 1_000, bytes: 4 * 1024 };

#[export_module]
pub(super) mod functions {
    /// Writes a line to the log. Lists and maps are written as JSON.
    ///
    /// ```rhai
    /// log::info("table for " + 4);
    /// "logged" // "logged"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn info(context: NativeCallContext, text: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || write(LogLevel::Info, &text))
    }

    /// Writes a line to the log as a warning.
    ///
    /// ```rhai
    /// log::warn("no table left");
    /// "logged" // "logged"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn warn(context: NativeCallContext, text: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || write(LogLevel::Warn, &text))
    }
}

fn write(level: LogLevel, value: &Dynamic) -> Result<(), Box<EvalAltResult>> {
    let text = value::to_text(value, LINE).unwrap_or_else(|why| format!("({why})"));
    run::with(|work| add(work, level, text))
}

fn add(work: &mut Work, level: LogLevel, text: String) {
    if work.logs.len() < LINES_MAX {
        work.logs.push(LogLine { level, text });
    }
}

/// What `print` and `debug` do.
pub(in crate::engine::script) fn print(text: &str) {
    let text = text.chars().take(LINE.bytes).collect();
    // Nothing is logged while a script is loaded: there is no event that the line could belong to.
    let _ = run::with(|work| add(work, LogLevel::Info, text));
}
