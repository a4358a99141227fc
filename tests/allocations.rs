//! How often memory is asked for while an event is decided: it must not grow with the number of rules. And how much is kept of
//! an event: that must not grow with what it says.
//!
//! A test binary of its own, because the allocator that counts is that of the whole program.

#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::fmt::Write as _;
use std::sync::Arc;

use allocation_counter::measure;
use futures_util::FutureExt as _;
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::facts::{Facts, Unhurried};
use switchhook::engine::reply::Reply;
use switchhook::engine::source::{Options, compile};
use switchhook::engine::{Engine, Turn};
use switchhook::server::identity::Mark;
use switchhook::server::seen::Seen;

const BODY: &str = r#"{"message": {"type": "tool-calls", "call": {"id": "c-1"}, "toolCallList": [
    {"id": "t-1", "type": "function", "function": {"name": "tool_7", "arguments": {"day": "Tuesday", "work": "service"}}}
]}}"#;

/// From the body to the reply: each piece more costs some hundredths of a microsecond, and more where memory is cold.
const ALLOCATIONS_MAX: u64 = 10;

/// An engine of `count` rules, each for a tool of its own.
fn engine(count: usize) -> Engine {
    let mut text = String::from("rules:\n");
    for number in 0..count {
        let rule = format!("{{ name: rule-{number}, tool: tool_{number}, when: {{ args.work: service }}");
        writeln!(text, "  - {rule}, respond: \"On ${{args.day}}, says rule {number}.\" }}").unwrap();
    }
    let mut sources = Sources::default();
    sources.add("rules/tools.yaml".to_owned(), text);
    compile(&sources, &Options::default()).unwrap().engine
}

/// How often memory is asked for from the body to the reply.
fn allocations(engine: &Engine) -> u64 {
    let facts = Facts::default();
    let decide = || {
        let event = engine.read(BODY).unwrap();
        let decision = engine.decide(&event, Turn::ToolCall(0), &facts, Arc::new(Unhurried)).unwrap();
        let Reply::Tools(results) = &decision.reply else { panic!("no reply to a tool call: {decision:?}") };
        assert_eq!(results[0].answer.outcome.text(), "On Tuesday, says rule 7.");
    };
    // Once before, for what is made at the first use and kept.
    decide();
    measure(decide).count_total
}

#[test]
fn ten_thousand_rules_ask_for_memory_as_often_as_ten() {
    let (few, many) = (allocations(&engine(10)), allocations(&engine(10_000)));
    assert!(0 < few && few <= ALLOCATIONS_MAX, "{few}");
    assert_eq!(few, many);
}

/// How many bytes are kept of events in calls whose ids are so long.
fn bytes_kept(id_bytes: usize) -> i64 {
    let seen = Seen::default();
    let see = |number: usize| {
        let call = format!("{number:02}{}", "x".repeat(id_bytes));
        let key = seen.key(0, &call, "status-update", &Mark::Body(&call));
        seen.first(key).now_or_never().flatten().unwrap().done();
    };
    measure(|| (0..64).for_each(see)).bytes_current
}

#[test]
fn what_is_remembered_of_an_event_takes_no_more_where_its_texts_are_long() {
    let (short, long) = (bytes_kept(16), bytes_kept(1 << 16));
    assert!(0 < short && long < short + (1 << 16), "{long} instead of {short}");
}
