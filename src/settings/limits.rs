//! The settings under `limits`: every bound that the daemon keeps, with what it can be.

use std::time::Duration;

use super::bounded::{Lasting, Within};
use crate::engine::script::ScriptLimits;
use crate::engine::source::Options;
use crate::engine::source::read::{Field, written};
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

written! {
    #[derive(Debug, Clone, Default)]
    #[serde(rename = "a set of limits", default)]
    pub(super) struct LimitsSource {
        body_bytes_max: Count<1, GIB> = "Bytes of a body; beyond, `413`. 8388608 if nothing is said.",
        header_bytes_max: Count<HEADER_BYTES_MIN, MIB> =
            "Bytes of a request's header; beyond, `431`. 32768 if nothing is said.",
        headers_max: Count<1, 10_000> = "Header fields of a request; beyond, `431`. 100 if nothing is said.",
        header_read: Time<1, { 10 * MINUTE }> =
            "How long a header may take to come; beyond, `408`. 5s if nothing is said.",
        tls_handshake: Time<1, { 10 * MINUTE }> =
            "How long a handshake may take; beyond, the connection is closed. 5s if nothing is said.",
        request_read: Time<1, { 10 * MINUTE }> =
            "How long a request may take to come; beyond, `408`. 10s if nothing is said.",
        idle: Time<1, { 24 * 60 * MINUTE }> =
            "How long a connection may rest before it is closed. 60s if nothing is said.",
        connections_max: Count<1, 1_000_000> = "Connections at once; beyond, `503`. 4096 if nothing is said.",
        connections_per_address_max: Count<1, 1_000_000> =
            "Connections of one address at once; beyond, `503`. 512 if nothing is said.",
        requests_in_flight_max: Count<1, 1_000_000> =
            "Requests that are answered at once; beyond, `503`. 1024 if nothing is said.",
        streams_max: Count<1, 10_000> =
            "Requests at once on one connection of HTTP/2; beyond, they wait. 128 if nothing is said.",
        regex_bytes_max: Count<1, { 256 * MIB }> =
            "Bytes of a compiled regular expression. 1048576 if nothing is said.",
        table_rows_max: Count<1, 100_000_000> = "Rows of a table. 1000000 if nothing is said.",
        // All files of a rules folder together may not be larger.
        table_bytes_max: Count<1, { 64 * MIB }> = "Bytes of a table. 33554432 if nothing is said.",
        script_threads: Count<1, 1_024> =
            "Threads for scripts. One less than the machine has cores if nothing is said.",
        scripts_waiting_max: Count<1, 1_000_000> =
            "Scripts that wait for a thread; beyond, the rule's fallback is sent. 1024 if nothing is said.",
        script_operations_max: Count<1, 1_000_000_000_000> =
            "Operations of a script; beyond, the rule's fallback is sent. 1000000 if nothing is said.",
        script_string_bytes_max: Count<1, { 256 * MIB }> = "Bytes of a text in a script. 262144 if nothing is said.",
        script_list_items_max: Count<1, 10_000_000> = "Items of a list in a script. 10000 if nothing is said.",
        script_map_entries_max: Count<1, 10_000_000> = "Entries of a map in a script. 10000 if nothing is said.",
        // A thread's stack holds some hundred calls at most.
        script_call_depth_max: Count<1, 64> =
            "How deep functions of a script may call each other. 32 if nothing is said.",
        answers_bytes_max: Count<0, { 64 * GIB }> =
            "Bytes of answers to tool calls that are kept for when they come again. 4194304 if nothing is said.",
        states_bytes_max: Count<0, { 64 * GIB }> = "Bytes of the states of calls. 16777216 if nothing is said.",
        fetches_max: Count<1, 100_000> = "Requests before answers at once; beyond, they fail. 256 if nothing is said.",
        fetch_bytes_max: Count<1, GIB> = "Bytes of what such a request is answered. 4194304 if nothing is said.",
        fetch_cache_bytes_max: Count<0, { 64 * GIB }> =
            "Bytes of such answers that are kept. 16777216 if nothing is said.",
        outbox_items_max: Count<1, 10_000_000> =
            "Actions in the outbox; beyond, none are taken. 100000 if nothing is said.",
        outbox_bytes_max: Count<MIB, { 1024 * GIB }> =
            "Bytes in the outbox; beyond, no actions are taken. 1073741824 if nothing is said.",
        outbox_age_max: Time<1_000, { 90 * DAY }> =
            "How long an action is tried, whatever it says itself. 72h if nothing is said.",
        outbox_dead_max: Count<0, 1_000_000> = "Dead letters that are kept. 10000 if nothing is said.",
        outbox_attempts_max: Count<1, 10_000> = "Attempts at once. 256 if nothing is said.",
        outbox_attempts_per_destination_max: Count<1, 10_000> =
            "Attempts at once at one destination. 8 if nothing is said.",
    }
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
