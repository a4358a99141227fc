//! The program as a whole: the built binary, on real ports, in a temporary folder.
//!
//! Each module is one side of what its users rely on. Starting a daemon is what costs most here, so a test asks one
//! daemon many things. No test sleeps: it waits for an answer, for a closed connection, or for a line of the log.

mod auth;
mod bodies;
mod commands;
mod contract;
mod encrypted;
mod memory;
mod readme;
mod refusals;
mod restarts;
mod scripts;
mod service_manager;
mod shutdown;
mod sites;
mod tls;

use serde_json::{Value, json};

/// A `tool-calls` message of `call` that asks for these: the id, the name and the arguments of each.
fn tool_calls(call: &str, calls: &[(&str, &str, Value)]) -> String {
    let calls = calls.iter().map(|(id, name, arguments)| {
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    });
    let calls: Vec<Value> = calls.collect();
    json!({ "message": { "type": "tool-calls", "call": { "id": call }, "toolCallList": calls } }).to_string()
}
