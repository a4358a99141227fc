//! The log for programs: one JSON object a line.
//!
//! tracing-subscriber can write such lines too, but makes each through a map of general values, which cost a tenth of an
//! answer. Here a line is written straight into a buffer that its thread keeps, and goes out in one piece: it is with
//! the operating system before the answer is, and nothing is lost, however the daemon ends.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;
use crate::engine::json::reader::is_plain;

/// The largest buffer that a thread keeps.
const KEPT_BYTES_MAX: usize = 16 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes every event to standard error.
pub(super) struct JsonLines;

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Taken out, so that a value that logs while it is shown finds another buffer.
        let mut line = BUFFER.try_with(Cell::take).unwrap_or_default();
        write_line(&mut line, event, Clock::now());
        // There is nobody left to tell if the log itself is gone.
        let _ = io::stderr().write_all(&line);
        if line.capacity() <= KEPT_BYTES_MAX {
            line.clear();
            let _ = BUFFER.try_with(|buffer| buffer.set(line));
        }
    }
}

fn write_line(line: &mut Vec<u8>, event: &Event<'_>, now: Timestamp) {
    let metadata = event.metadata();
    // Nothing fails here: a vector takes whatever is written to it.
    let _ = write!(line, r#"{{"timestamp":"{now:.6}","level":"{}""#, metadata.level());
    let mut fields = Fields(line);
    event.record(&mut fields);
    fields.add_text("target", metadata.target());
    line.extend_from_slice(b"}\n");
}

/// The fields of an event, each behind a comma.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        let _ = serde_json::to_writer(&mut *self.0, value);
    }

    /// Nearly every text is plain, and that is told sooner than each of its bytes is looked at.
    fn add_text(&mut self, name: &str, text: &str) {
        if !is_plain(text) {
            return self.add(name, text);
        }
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &Shown(value));
    }
}

/// A value as the text that it is shown as.
struct Shown<'a>(&'a dyn fmt::Debug);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{info, warn};
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Keeps the lines, all of one moment.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let now = Timestamp::from_microsecond(1_764_080_000_000_120).unwrap();
            write_line(&mut self.0.lock().unwrap(), event, now);
        }
    }

    fn check(log: impl FnOnce(), line: &str) {
        let kept = Kept::default();
        tracing::subscriber::with_default(Registry::default().with(kept.clone()), log);
        assert_eq!(String::from_utf8(kept.0.lock().unwrap().clone()).unwrap(), line);
    }

    #[test]
    fn a_line_is_an_object_of_its_fields() {
        let (call, rule, peer) = (Some("c-1"), None::<&str>, "[::1]:80");
        check(
            || info!(target: "switchhook::events", call, rule, took_us = 12_u64, share = 0.5, on = true, "answered"),
            "{\"timestamp\":\"2025-11-25T14:13:20.000120Z\",\"level\":\"INFO\",\"message\":\"answered\",\"call\":\"c-1\",\
             \"took_us\":12,\"share\":0.5,\"on\":true,\"target\":\"switchhook::events\"}\n",
        );
        check(
            || warn!(target: "t", %peer, n = -1, "{}", "„a\"\\b“\n\u{1b}"),
            "{\"timestamp\":\"2025-11-25T14:13:20.000120Z\",\"level\":\"WARN\",\"message\":\"„a\\\"\\\\b“\\n\\u001b\",\
             \"peer\":\"[::1]:80\",\"n\":-1,\"target\":\"t\"}\n",
        );
    }
}
