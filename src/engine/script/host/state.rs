//! `state::…`: values kept for the length of the call.
//!
//! A script sees its own changes at once; others see them when the decision is made.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::FnPtr;
use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};

use super::{at, fail};
use crate::engine::script::run;
use crate::engine::script::value::{self, Budget};

/// How large one value may be.
const VALUE: Budget = Budget { values: 10_000, bytes: 64 * 1024 };

#[export_module]
pub(super) mod functions {
    /// The value kept under `name`; absent if there is none.
    ///
    /// ```rhai
    /// state::set("stage", "booking");
    /// state::get("stage") // "booking"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn get(context: NativeCallContext, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || kept(name))
    }

    /// Keeps `value` under `name`. The absent value `()` removes it. One value may take 64 KiB, all values of a call
    /// together 256 KiB.
    ///
    /// ```rhai
    /// state::set("guests", [ "Ada", "Bob" ]);
    /// state::get("guests").len() // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn set(context: NativeCallContext, name: &str, value: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || keep(name, &value))
    }

    /// Adds 1 to the number kept under `name`, which counts from 0, and gives the sum. Several events of
    /// one call can count at the same time; each gets a sum of its own.
    ///
    /// ```rhai
    /// state::incr("tries");
    /// state::incr("tries") // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn incr(context: NativeCallContext, name: &str) -> Result<i64, Box<EvalAltResult>> {
        at(&context, || add(name, 1))
    }

    /// Adds `by` to the number kept under `name`, which counts from 0, and gives the sum.
    ///
    /// ```rhai
    /// state::incr("cents", 250) // 250
    /// ```
    #[rhai_fn(name = "incr", return_raw)]
    pub fn incr_by(context: NativeCallContext, name: &str, by: i64) -> Result<i64, Box<EvalAltResult>> {
        at(&context, || add(name, by))
    }

    /// Keeps what `change` makes of the value kept under `name`, and gives it.
    ///
    /// ```rhai
    /// state::set("names", [ "Ada" ]);
    /// state::update("names", |names| names + [ "Bob" ]) // ["Ada","Bob"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn update(context: NativeCallContext, name: &str, change: FnPtr) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || {
            let new: Dynamic = change.call_within_context(&context, (kept(name)?,))?;
            keep(name, &new)?;
            Ok(new)
        })
    }
}

fn kept(name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    run::with(|work| work.state.get(name).map_or(Dynamic::UNIT, value::from_json))
}

fn keep(name: &str, value: &Dynamic) -> Result<(), Box<EvalAltResult>> {
    let value = value::to_json(value, VALUE).map_err(fail)?;
    run::with(|work| work.keep(name, value))?
}

fn add(name: &str, by: i64) -> Result<i64, Box<EvalAltResult>> {
    run::with(|work| {
        let sum = match work.state.get(name) {
            None => by,
            Some(value) => match value.as_i64() {
                Some(number) => number.saturating_add(by),
                None => return Err(fail(format_args!("`{name}` is not a whole number that could be added to"))),
            },
        };
        work.keep(name, sum.into())?;
        Ok(sum)
    })?
}
