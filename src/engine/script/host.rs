//! The functions that scripts are given, in groups: `state::get("stage")`.
//!
//! One file holds one group. What stands in the `///` of a function is its entry in the reference page
//! ([`reference`]), and the example there is run by a test: its last line ends in `// ` and what it gives.

mod act;
mod crypto;
mod http;
pub(super) mod json;
pub(super) mod log;
mod lookup;
mod outgoing;
mod secrets;
mod state;
mod text;
mod time;

use std::fmt::Display;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, Module, NativeCallContext, Position};

use crate::engine::table::Tables;

/// A function that scripts can call, for the reference page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFunction {
    /// Its group and name: `state::get`; one that is in no group has its name alone.
    pub name: String,
    /// How it is called: `state::get(name)`.
    pub signature: String,
    /// What it does.
    pub doc: String,
    /// A few lines of script; the last line ends in `// ` and the value, as JSON.
    pub example: String,
}

/// Every group of functions by its name.
fn groups() -> [(&'static str, Module); 9] {
    [
        ("act", rhai::exported_module!(act::functions)),
        ("crypto", rhai::exported_module!(crypto::functions)),
        ("http", rhai::exported_module!(http::functions)),
        ("json", rhai::exported_module!(json::functions)),
        ("log", rhai::exported_module!(log::functions)),
        ("secrets", rhai::exported_module!(secrets::functions)),
        ("state", rhai::exported_module!(state::functions)),
        ("text", rhai::exported_module!(text::functions)),
        ("time", rhai::exported_module!(time::functions)),
    ]
}

/// The names of the groups: no module of a rule set can be called so.
pub(super) const NAMES: [&str; 9] = ["act", "crypto", "http", "json", "log", "secrets", "state", "text", "time"];

/// What host functions return.
type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// The mark of an error that a host function made: a script's own `throw` has none.
const FAILED: i32 = 0x5748;
/// Marks those of them that are somebody else's failure, and may pass.
const UNFETCHED: i32 = FAILED + 1;
/// Marks those of them that are somebody else's failure, and will not pass.
const REFUSED: i32 = FAILED + 2;

/// Does the `work` of a host function; an error is given the place of its call, which Rhai does not do for
/// functions of modules.
fn at<T>(context: &NativeCallContext<'_>, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    work().map_err(|mut error| {
        if error.position().is_none() {
            error.set_position(context.call_position());
        }
        error
    })
}

/// What a host function returns when it cannot do what it is asked. A script can `catch` it; where it does
/// not, the script has failed, as opposed to one that says `throw`.
#[expect(clippy::unnecessary_box_returns, reason = "Rhai wants its errors in boxes")]
pub(super) fn fail(why: impl Display) -> Box<EvalAltResult> {
    tagged(why, FAILED)
}

/// The same where somebody else did not give the answer that is needed; if that `is_passing`, it may be there another time.
#[expect(clippy::unnecessary_box_returns, reason = "Rhai wants its errors in boxes")]
fn unfetched(why: impl Display, is_passing: bool) -> Box<EvalAltResult> {
    tagged(why, if is_passing { UNFETCHED } else { REFUSED })
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai wants its errors in boxes")]
fn tagged(why: impl Display, tag: i32) -> Box<EvalAltResult> {
    let mut error = Dynamic::from(why.to_string());
    error.set_tag(tag);
    Box::new(EvalAltResult::ErrorRuntime(error, Position::NONE))
}

/// Whether an error was made by a host function.
pub(super) fn is_failure(error: &Dynamic) -> bool {
    matches!(error.tag(), FAILED | UNFETCHED | REFUSED)
}

/// Whether an error is somebody else's failure, and if so, whether that may pass.
pub(super) fn unfetched_in(error: &EvalAltResult) -> Option<bool> {
    match error {
        EvalAltResult::ErrorRuntime(value, _) if value.tag() == UNFETCHED => Some(true),
        EvalAltResult::ErrorRuntime(value, _) if value.tag() == REFUSED => Some(false),
        _ => None,
    }
}

/// Which argument of a function holds options, and what these are called; `None` if it takes none.
pub(super) fn options_of(group: &str, function: &str) -> Option<(usize, Vec<&'static str>)> {
    let own: &[&str] = match group {
        "http" => &http::OPTIONS,
        "act" => &act::OPTIONS,
        _ => return None,
    };
    let options = [&outgoing::FIELDS, own].concat();
    match function {
        "get" | "delete" => Some((1, options)),
        "post" | "put" | "patch" => Some((2, options)),
        "all" => Some((0, [&options, &outgoing::METHODS[..]].concat())),
        _ => None,
    }
}

/// Registers every group, and what looks at `tables`.
pub(super) fn register(engine: &mut Engine, tables: &Arc<Tables>) {
    for (name, module) in groups() {
        engine.register_static_module(name, module.into());
    }
    http::register(engine);
    secrets::register(engine);
    lookup::register(engine, Arc::clone(tables));
}

/// Every function of every group, and `lookup`, by name.
#[must_use]
pub fn reference() -> Vec<HostFunction> {
    let mut functions = vec![lookup::described()];
    for (group, module) in groups() {
        let mut engine = Engine::new_raw();
        engine.register_static_module(group, module.into());
        functions.extend(engine.collect_fn_metadata(None, |function| Some(described(group, function.metadata)), false));
    }
    functions.sort_by(|a, b| (a.name.contains("::"), &a.signature).cmp(&(b.name.contains("::"), &b.signature)));
    functions
}

fn described(group: &str, function: &rhai::FuncMetadata) -> HostFunction {
    let name = format!("{group}::{}", function.name);
    let parameters =
        function.params_info.iter().map(|info| info.split_once(':').map_or(info.as_str(), |(name, _)| name));
    let signature = format!("{name}({})", parameters.map(str::trim).collect::<Vec<_>>().join(", "));
    let lines = function.comments.iter().flat_map(|comment| comment.lines());
    let text =
        lines.map(|line| line.trim_start().trim_start_matches("///").trim_start_matches(' ')).collect::<Vec<_>>();
    let text = text.join("\n");
    let (doc, rest) = text.split_once("```rhai\n").unwrap_or((&text, ""));
    let (example, _) = rest.split_once("```").unwrap_or((rest, ""));
    HostFunction { name, signature, doc: doc.trim().into(), example: example.trim().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::script::tests::shown;

    #[test]
    fn every_example_gives_what_it_shows() {
        let functions = reference();
        assert!(functions.len() > 25, "{}", functions.len());
        for function in functions {
            let (_, expected) = function.example.rsplit_once("// ").unwrap_or_default();
            assert!(!function.doc.is_empty(), "{} is not described", function.signature);
            assert_eq!(shown(&function.example), expected, "{}\n{}", function.signature, function.example);
        }
    }

    #[test]
    fn the_names_of_the_groups_are_listed() {
        assert!(groups().iter().all(|(name, _)| NAMES.contains(name)));
    }
}
