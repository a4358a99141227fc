//! The settings under `limits`: every bound that the daemon keeps, with its default.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use crate::engine::script::ScriptLimits;
use crate::engine::source::Options;
use crate::engine::source::read::Field;
use crate::server::answering::Bounds;
use crate::server::limits::Limits;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename = "the limits", default)]
pub(super) struct LimitsSource {
    body_bytes_max: Field<Option<NonZeroUsize>>,
    header_bytes_max: Field<Option<NonZeroUsize>>,
    headers_max: Field<Option<NonZeroUsize>>,
    header_read: Field<Option<Duration>>,
    request_read: Field<Option<Duration>>,
    idle: Field<Option<Duration>>,
    connections_max: Field<Option<NonZeroUsize>>,
    connections_per_address_max: Field<Option<NonZeroUsize>>,
    requests_in_flight_max: Field<Option<NonZeroUsize>>,
    streams_max: Field<Option<u32>>,
    regex_bytes_max: Field<Option<NonZeroUsize>>,
    script_threads: Field<Option<NonZeroUsize>>,
    scripts_waiting_max: Field<Option<NonZeroUsize>>,
    script_operations_max: Field<Option<u64>>,
    script_string_bytes_max: Field<Option<NonZeroUsize>>,
    script_list_items_max: Field<Option<NonZeroUsize>>,
    script_map_entries_max: Field<Option<NonZeroUsize>>,
    script_call_depth_max: Field<Option<NonZeroUsize>>,
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
        set(&mut limits.body_bytes_max, &self.body_bytes_max, NonZeroUsize::get);
        set(&mut limits.header_bytes_max, &self.header_bytes_max, NonZeroUsize::get);
        set(&mut limits.headers_max, &self.headers_max, NonZeroUsize::get);
        set(&mut limits.header_read, &self.header_read, |time| time);
        set(&mut limits.request_read, &self.request_read, |time| time);
        set(&mut limits.idle, &self.idle, |time| time);
        set(&mut limits.connections_max, &self.connections_max, NonZeroUsize::get);
        set(&mut limits.connections_per_address_max, &self.connections_per_address_max, NonZeroUsize::get);
        set(&mut limits.requests_in_flight_max, &self.requests_in_flight_max, NonZeroUsize::get);
        set(&mut limits.streams_max, &self.streams_max, |streams| streams.max(1));

        let mut bounds = Bounds::default();
        set(&mut bounds.script_threads, &self.script_threads, NonZeroUsize::get);
        set(&mut bounds.scripts_waiting_max, &self.scripts_waiting_max, NonZeroUsize::get);
        set(&mut bounds.answers_bytes_max, &self.answers_bytes_max, |bytes| bytes);
        set(&mut bounds.states_bytes_max, &self.states_bytes_max, |bytes| bytes);

        let mut scripts = ScriptLimits::default();
        set(&mut scripts.operations_max, &self.script_operations_max, |operations| operations.max(1));
        set(&mut scripts.string_bytes_max, &self.script_string_bytes_max, NonZeroUsize::get);
        set(&mut scripts.list_items_max, &self.script_list_items_max, NonZeroUsize::get);
        set(&mut scripts.map_entries_max, &self.script_map_entries_max, NonZeroUsize::get);
        set(&mut scripts.call_depth_max, &self.script_call_depth_max, NonZeroUsize::get);
        (limits, bounds, scripts)
    }

    /// How large one compiled pattern may be.
    pub(super) fn regex_bytes(&self) -> usize {
        let mut bytes = Options::default().regex_bytes_max;
        set(&mut bytes, &self.regex_bytes_max, NonZeroUsize::get);
        bytes
    }
}
