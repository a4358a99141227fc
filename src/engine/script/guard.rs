//! Rhai's own functions that could take long, or make much of little, in versions that cannot.
//!
//! Rhai checks the size of a value after a function made it, and does not interrupt functions. So those
//! whose result can be far larger than their arguments work out its size first. What a script keeps in
//! its variables is weighed now and then ([`weigh_variables`]): sizes of single values alone would let a
//! map of long texts grow without end.

use std::cell::Cell;

use rhai::{Dynamic, Engine, EvalAltResult, EvalContext, FnPtr, INT, ImmutableString};

use super::host;
use super::limits::ScriptLimits;
use super::run::{self, Stop};
use super::value::{self, Budget};

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// After how many uses of variables what they hold is weighed.
const USES_BETWEEN_WEIGHINGS: u32 = 256;
/// How deep a variable's value may be nested.
const DEPTH_MAX: usize = 256;

thread_local! {
    static USES: Cell<u32> = const { Cell::new(0) };
}

/// Puts the safe versions in front of Rhai's own.
pub(super) fn register(engine: &mut Engine, limits: &ScriptLimits) {
    replacements(engine, limits.string_bytes_max);
    texts(engine, Budget { values: 100_000, bytes: limits.string_bytes_max / 2 });
    engine.register_fn("sleep", |_: INT| no_sleep());
    engine.register_fn("sleep", |_: f64| no_sleep());
    engine.register_fn("parse_json", |text: &str| host::json::parse_text(text));
    engine.register_fn("get_fn_metadata_list", no_list);
    engine.register_fn("get_fn_metadata_list", |_: &str| no_list());
    engine.register_fn("get_fn_metadata_list", |_: &str, _: INT| no_list());
}

fn no_sleep() -> Outcome<()> {
    Err(host::fail("a script cannot sleep: the caller is waiting"))
}

fn no_list() -> Outcome<()> {
    Err(host::fail("functions cannot be listed by a script"))
}

fn replacements(engine: &mut Engine, bytes_max: usize) {
    engine.register_fn("replace", move |text: &mut ImmutableString, find: &str, put: &str| {
        replace(text, find, put, bytes_max)
    });
    engine.register_fn("replace", move |text: &mut ImmutableString, find: &str, put: char| {
        replace(text, find, put.encode_utf8(&mut [0; 4]), bytes_max)
    });
    engine.register_fn("replace", move |text: &mut ImmutableString, find: char, put: &str| {
        replace(text, find.encode_utf8(&mut [0; 4]), put, bytes_max)
    });
    engine.register_fn("replace", move |text: &mut ImmutableString, find: char, put: char| {
        replace(text, find.encode_utf8(&mut [0; 4]), put.encode_utf8(&mut [0; 4]), bytes_max)
    });
}

fn replace(text: &mut ImmutableString, find: &str, put: &str, bytes_max: usize) -> Outcome<()> {
    let found = text.matches(find).count();
    let bytes = found.saturating_mul(put.len()).saturating_add(text.len() - found * find.len());
    if bytes > bytes_max {
        return Err(host::fail(format_args!("the text would be longer than {bytes_max} bytes")));
    }
    *text = text.replace(find, put).into();
    Ok(())
}

/// Lists and maps as text are JSON, as they are everywhere else in a rule set.
fn texts(engine: &mut Engine, budget: Budget) {
    for name in ["to_string", "to_debug", "print", "debug"] {
        engine.register_fn(name, move |list: rhai::Array| as_text(&list.into(), budget));
        engine.register_fn(name, move |map: rhai::Map| as_text(&map.into(), budget));
        engine.register_fn(name, |function: &mut FnPtr| format!("Fn({})", function.fn_name()));
    }
    engine.register_fn("to_json", move |map: rhai::Map| as_text(&map.into(), budget));
}

/// Rhai does not let a failure of `to_string` be one: it would print the value in another way. So the
/// script is stopped from outside.
fn as_text(value: &Dynamic, budget: Budget) -> String {
    value::to_text(value, budget).unwrap_or_else(|_| {
        run::stop_soon(Stop::TooLarge);
        String::new()
    })
}

/// Rhai's callback for each use of a variable, here only an occasion to look at all of them.
pub(super) fn weigh_variables(context: &EvalContext<'_, '_, '_, '_, '_, '_>, bytes_max: usize) {
    let uses = USES.get().wrapping_add(1);
    USES.set(uses);
    if !uses.is_multiple_of(USES_BETWEEN_WEIGHINGS) {
        return;
    }
    let mut scales = Scales { left: bytes_max, closures: Vec::new() };
    if context.scope().iter_raw().any(|(_, _, value)| scales.weigh(value, DEPTH_MAX).is_none()) {
        run::stop_soon(Stop::TooLarge);
    }
}

/// Weighs values against what they may come to.
struct Scales {
    left: usize,
    /// The closures that are being weighed: one can hold itself.
    closures: Vec<usize>,
}

impl Scales {
    /// Takes `value` from what is left; `None` if that is too little, or the value nested too deeply.
    fn weigh(&mut self, value: &Dynamic, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.take(size_of::<Dynamic>())?;
        if let Some(text) = value.read_lock::<ImmutableString>() {
            self.take(text.len())?;
        } else if let Some(items) = value.read_lock::<rhai::Array>() {
            items.iter().try_for_each(|item| self.weigh(item, depth))?;
        } else if let Some(fields) = value.read_lock::<rhai::Map>() {
            for (key, value) in fields.iter() {
                self.take(key.len())?;
                self.weigh(value, depth)?;
            }
        } else if let Some(closure) = value.read_lock::<FnPtr>() {
            let place = std::ptr::from_ref(&*closure).addr();
            if !self.closures.contains(&place) {
                self.closures.push(place);
                closure.iter_curry().try_for_each(|taken| self.weigh(taken, depth))?;
                self.closures.pop();
            }
        }
        Some(())
    }

    fn take(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}
