//! The settings under `limits`: every bound that the daemon keeps, with its default.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::engine::script::ScriptLimits;
use crate::engine::source::Options;
use crate::engine::source::read::Field;
use crate::server::answering::Bounds;
use crate::server::limits::Limits;

/// How many of something there may be: none at all would serve nobody.
#[derive(Debug, Clone, Copy)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        match u32::deserialize(deserializer)? {
            0 => Err(serde::de::Error::custom("a limit is at least 1")),
            count => Ok(Count(usize::try_from(count).unwrap_or(usize::MAX))),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename = "a set of limits", default)]
pub(super) struct LimitsSource {
    body_bytes_max: Field<Option<Count>>,
    header_bytes_max: Field<Option<Count>>,
    headers_max: Field<Option<Count>>,
    header_read: Field<Option<Duration>>,
    request_read: Field<Option<Duration>>,
    idle: Field<Option<Duration>>,
    connections_max: Field<Option<Count>>,
    connections_per_address_max: Field<Option<Count>>,
    requests_in_flight_max: Field<Option<Count>>,
    streams_max: Field<Option<u32>>,
    regex_bytes_max: Field<Option<Count>>,
    script_threads: Field<Option<Count>>,
    scripts_waiting_max: Field<Option<Count>>,
    script_operations_max: Field<Option<u64>>,
    script_string_bytes_max: Field<Option<Count>>,
    script_list_items_max: Field<Option<Count>>,
    script_map_entries_max: Field<Option<Count>>,
    script_call_depth_max: Field<Option<Count>>,
    answers_bytes_max: Field<Option<u64>>,
    states_bytes_max: Field<Option<u64>>,
}

fn set<T, U: Copy>(limit: &mut T, field: &Field<Option<U>>, make: impl Fn(U) -> T) {
    if let Some(Some(value)) = field.get() {
        *limit = make(*value);
    }
}

impl LimitsSource {
    /// The limits of the transport, of answering and of scripts.
    pub(super) fn limits(&self) -> (Limits, Bounds, ScriptLimits) {
        let mut limits = Limits::default();
        set(&mut limits.body_bytes_max, &self.body_bytes_max, |Count(count)| count);
        set(&mut limits.header_bytes_max, &self.header_bytes_max, |Count(count)| count);
        set(&mut limits.headers_max, &self.headers_max, |Count(count)| count);
        set(&mut limits.header_read, &self.header_read, |time| time);
        set(&mut limits.request_read, &self.request_read, |time| time);
        set(&mut limits.idle, &self.idle, |time| time);
        set(&mut limits.connections_max, &self.connections_max, |Count(count)| count);
        set(&mut limits.connections_per_address_max, &self.connections_per_address_max, |Count(count)| count);
        set(&mut limits.requests_in_flight_max, &self.requests_in_flight_max, |Count(count)| count);
        set(&mut limits.streams_max, &self.streams_max, |streams| streams.max(1));

        let mut bounds = Bounds::default();
        set(&mut bounds.script_threads, &self.script_threads, |Count(count)| count);
        set(&mut bounds.scripts_waiting_max, &self.scripts_waiting_max, |Count(count)| count);
        set(&mut bounds.answers_bytes_max, &self.answers_bytes_max, |bytes| bytes);
        set(&mut bounds.states_bytes_max, &self.states_bytes_max, |bytes| bytes);

        let mut scripts = ScriptLimits::default();
        set(&mut scripts.operations_max, &self.script_operations_max, |operations| operations.max(1));
        set(&mut scripts.string_bytes_max, &self.script_string_bytes_max, |Count(count)| count);
        set(&mut scripts.list_items_max, &self.script_list_items_max, |Count(count)| count);
        set(&mut scripts.map_entries_max, &self.script_map_entries_max, |Count(count)| count);
        set(&mut scripts.call_depth_max, &self.script_call_depth_max, |Count(count)| count);
        (limits, bounds, scripts)
    }

    /// How large one compiled pattern may be.
    pub(super) fn regex_bytes(&self) -> usize {
        let mut bytes = Options::default().regex_bytes_max;
        set(&mut bytes, &self.regex_bytes_max, |Count(count)| count);
        bytes
    }
}
