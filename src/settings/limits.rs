//! The settings under `limits`: every bound that the daemon keeps, with what it can be.

use std::time::Duration;

use serde::Deserialize;

use super::bounded::{Lasting, Within};
use crate::engine::script::ScriptLimits;
use crate::engine::source::Options;
use crate::engine::source::read::Field;
use crate::engine::table::TableLimits;
use crate::outbox;
use crate::server::answering::Bounds;
use crate::server::asking;
use crate::server::limits::{HEADER_BYTES_LEAST, Limits};

const HEADER_BYTES_MIN: u64 = HEADER_BYTES_LEAST as u64;
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A limit, if it is written.
type Count<const LEAST: u64, const MOST: u64> = Field<Option<Within<LEAST, MOST>>>;
type Time<const LEAST: u64, const MOST: u64> = Field<Option<Lasting<LEAST, MOST>>>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename = "a set of limits", default)]
pub(super) struct LimitsSource {
    body_bytes_max: Count<1, GIB>,
    header_bytes_max: Count<HEADER_BYTES_MIN, MIB>,
    headers_max: Count<1, 10_000>,
    header_read: Time<1, { 10 * MINUTE }>,
    tls_handshake: Time<1, { 10 * MINUTE }>,
    request_read: Time<1, { 10 * MINUTE }>,
    idle: Time<1, { 24 * 60 * MINUTE }>,
    connections_max: Count<1, 1_000_000>,
    connections_per_address_max: Count<1, 1_000_000>,
    requests_in_flight_max: Count<1, 1_000_000>,
    streams_max: Count<1, 10_000>,
    regex_bytes_max: Count<1, { 256 * MIB }>,
    table_rows_max: Count<1, 100_000_000>,
    // All files of a rules folder together may not be larger.
    table_bytes_max: Count<1, { 64 * MIB }>,
    script_threads: Count<1, 1_024>,
    scripts_waiting_max: Count<1, 1_000_000>,
    script_operations_max: Count<1, 1_000_000_000_000>,
    script_string_bytes_max: Count<1, { 256 * MIB }>,
    script_list_items_max: Count<1, 10_000_000>,
    script_map_entries_max: Count<1, 10_000_000>,
    // A thread's stack holds some hundred calls at most.
    script_call_depth_max: Count<1, 64>,
    answers_bytes_max: Count<0, { 64 * GIB }>,
    states_bytes_max: Count<0, { 64 * GIB }>,
    fetches_max: Count<1, 100_000>,
    fetch_bytes_max: Count<1, GIB>,
    fetch_cache_bytes_max: Count<0, { 64 * GIB }>,
    outbox_items_max: Count<1, 10_000_000>,
    outbox_bytes_max: Count<MIB, { 1024 * GIB }>,
    outbox_age_max: Time<1_000, { 90 * DAY }>,
    outbox_dead_max: Count<0, 1_000_000>,
    outbox_attempts_max: Count<1, 10_000>,
    outbox_attempts_per_destination_max: Count<1, 10_000>,
}

fn set<T: TryFrom<u64>, const LEAST: u64, const MOST: u64>(limit: &mut T, field: &Count<LEAST, MOST>) {
    if let Some(Some(Within(count))) = field.get()
        && let Ok(count) = T::try_from(*count)
    {
        *limit = count;
    }
}

fn set_time<const LEAST: u64, const MOST: u64>(limit: &mut Duration, field: &Time<LEAST, MOST>) {
    if let Some(Some(Lasting(time))) = field.get() {
        *limit = *time;
    }
}

impl LimitsSource {
    /// The limits of the transport, of answering and of scripts.
    pub(super) fn limits(&self) -> (Limits, Bounds, ScriptLimits) {
        let mut limits = Limits::default();
        set(&mut limits.body_bytes_max, &self.body_bytes_max);
        set(&mut limits.header_bytes_max, &self.header_bytes_max);
        set(&mut limits.headers_max, &self.headers_max);
        set_time(&mut limits.header_read, &self.header_read);
        set_time(&mut limits.tls_handshake, &self.tls_handshake);
        set_time(&mut limits.request_read, &self.request_read);
        set_time(&mut limits.idle, &self.idle);
        set(&mut limits.connections_max, &self.connections_max);
        set(&mut limits.connections_per_address_max, &self.connections_per_address_max);
        set(&mut limits.requests_in_flight_max, &self.requests_in_flight_max);
        set(&mut limits.streams_max, &self.streams_max);

        let mut bounds = Bounds::default();
        set(&mut bounds.script_threads, &self.script_threads);
        set(&mut bounds.scripts_waiting_max, &self.scripts_waiting_max);
        set(&mut bounds.answers_bytes_max, &self.answers_bytes_max);
        set(&mut bounds.states_bytes_max, &self.states_bytes_max);

        let mut scripts = ScriptLimits::default();
        set(&mut scripts.operations_max, &self.script_operations_max);
        set(&mut scripts.string_bytes_max, &self.script_string_bytes_max);
        set(&mut scripts.list_items_max, &self.script_list_items_max);
        set(&mut scripts.map_entries_max, &self.script_map_entries_max);
        set(&mut scripts.call_depth_max, &self.script_call_depth_max);
        (limits, bounds, scripts)
    }

    /// The bounds of asking others.
    pub(super) fn asking(&self) -> asking::Bounds {
        let mut bounds = asking::Bounds::default();
        set(&mut bounds.requests_max, &self.fetches_max);
        set(&mut bounds.answer_bytes_max, &self.fetch_bytes_max);
        set(&mut bounds.kept_bytes_max, &self.fetch_cache_bytes_max);
        bounds
    }

    /// The bounds of the outbox.
    pub(super) fn outbox(&self) -> outbox::Bounds {
        let mut bounds = outbox::Bounds::default();
        set(&mut bounds.items_max, &self.outbox_items_max);
        set(&mut bounds.bytes_max, &self.outbox_bytes_max);
        set_time(&mut bounds.age_max, &self.outbox_age_max);
        set(&mut bounds.dead_max, &self.outbox_dead_max);
        set(&mut bounds.attempts_max, &self.outbox_attempts_max);
        set(&mut bounds.per_destination_max, &self.outbox_attempts_per_destination_max);
        bounds
    }

    /// How large a table may be.
    pub(super) fn tables(&self) -> TableLimits {
        let mut tables = TableLimits::default();
        set(&mut tables.rows_max, &self.table_rows_max);
        set(&mut tables.bytes_max, &self.table_bytes_max);
        tables
    }

    /// How large one compiled pattern may be.
    pub(super) fn regex_bytes(&self) -> usize {
        let mut bytes = Options::default().regex_bytes_max;
        set(&mut bytes, &self.regex_bytes_max);
        bytes
    }
}
