//! Values going into scripts and coming out of them.
//!
//! Strings are shared in Rhai: a small script can make a value that names one long string ten thousand
//! times. So whatever leaves a script is counted while it is copied, and refused when it grows too large.

use rhai::{Dynamic, FnPtr, ImmutableString};
use serde_json::{Map, Value};

use super::fault::wording;
use crate::engine::json::{Json, Val};

/// What a value that leaves a script may come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) values: usize,
    pub(super) bytes: usize,
}

/// How deep a value that leaves a script may be nested; the same as for JSON that comes in.
const DEPTH_MAX: usize = 128;

/// Takes a value of an event into a script.
pub(super) fn from_val(value: &Val<'_>) -> Dynamic {
    match value {
        Val::Absent => Dynamic::UNIT,
        Val::Json(json) => from_text(*json),
        Val::Text(text) => (*text).into(),
        Val::Value(value) => from_json(value),
    }
}

/// Takes JSON text into a script.
fn from_text(json: Json<'_>) -> Dynamic {
    match json.as_str() {
        Some(text) => (*text).into(),
        // `serde_json` is quicker, but does not read half of a surrogate pair, nor numbers beyond a double.
        None => serde_json::from_str(json.raw()).unwrap_or_else(|_| from_json(&json.to_value())),
    }
}

/// Takes a JSON value into a script.
pub(super) fn from_json(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Dynamic::from_array(items.iter().map(from_json).collect()),
        Value::Object(fields) => {
            Dynamic::from_map(fields.iter().map(|(key, value)| (key.as_str().into(), from_json(value))).collect())
        }
    }
}

/// Takes a value out of a script.
pub(super) fn to_json(value: &Dynamic, mut budget: Budget) -> Result<Value, String> {
    budget.copy(value, DEPTH_MAX)
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let spent = self.values.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        (self.values, self.bytes) = spent.ok_or("the value is too large")?;
        Ok(())
    }

    fn copy(&mut self, value: &Dynamic, depth: usize) -> Result<Value, String> {
        let below = depth.checked_sub(1).ok_or("the value is nested too deeply")?;
        self.spend(0)?;
        if value.is_shared() {
            let inner = value.read_lock::<Dynamic>().map(|inner| inner.clone());
            return inner.map_or(Ok(Value::Null), |inner| self.copy(&inner, below));
        }
        if let Some(text) = value.read_lock::<ImmutableString>() {
            self.spend(text.len())?;
            return Ok(Value::String(text.to_string()));
        }
        if let Some(fields) = value.read_lock::<rhai::Map>() {
            let mut map = Map::new();
            for (key, value) in fields.iter() {
                self.spend(key.len())?;
                map.insert(key.to_string(), self.copy(value, below)?);
            }
            return Ok(Value::Object(map));
        }
        if let Some(items) = value.read_lock::<rhai::Array>() {
            return items.iter().map(|item| self.copy(item, below)).collect();
        }
        simple(value)
    }
}

fn simple(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        Ok(Value::Null)
    } else if let Ok(value) = value.as_bool() {
        Ok(Value::Bool(value))
    } else if let Ok(value) = value.as_int() {
        Ok(value.into())
    } else if let Ok(value) = value.as_float() {
        Ok(value.into())
    } else if let Ok(value) = value.as_char() {
        Ok(value.to_string().into())
    } else if value.is::<FnPtr>() {
        Err("a function is not a value that can leave a script".into())
    } else {
        Err(format!("{} cannot leave a script", wording::what(value.type_name())))
    }
}

/// The text of a value as a string shows it: text as it is, absent as nothing, lists and maps as JSON.
pub(super) fn to_text(value: &Dynamic, budget: Budget) -> Result<String, String> {
    Ok(match to_json(value, budget)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        value => value.to_string(),
    })
}
