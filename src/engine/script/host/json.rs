//! `json::…`: JSON text in and out.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};

use super::{at, fail};
use crate::engine::json::Json;
use crate::engine::script::value::{self, Budget};

/// How long a JSON text may be that a script writes.
const TEXT: Budget = Budget { values: 100_000, bytes: 256 * 1024 };

#[export_module]
pub(super) mod functions {
    /// The value that a JSON text stands for; an error if it is none. `null` is the absent value `()`.
    ///
    /// ```rhai
    /// json::parse(`{"guests": [1, 2]}`).guests[1] // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || parse_text(text))
    }

    /// A value as compact JSON text.
    ///
    /// ```rhai
    /// json::to_string(#{ name: "Ada", seats: [1, 2] }) // "{\"name\":\"Ada\",\"seats\":[1,2]}"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn to_string(context: NativeCallContext, value: Dynamic) -> Result<String, Box<EvalAltResult>> {
        at(&context, || Ok(value::to_json(&value, TEXT).map_err(fail)?.to_string()))
    }
}

/// What `json::parse` and Rhai's own `parse_json` do.
pub(in crate::engine::script) fn parse_text(text: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    // What `serde_json` does not read may be JSON all the same.
    serde_json::from_str(text).or_else(|error| match Json::parse(text) {
        Ok(json) => Ok(value::from_json(&json.to_value())),
        Err(_) => Err(fail(format_args!("this is not JSON: {error}"))),
    })
}
