//! Switchhook answers Vapi server URLs: an event goes in, a decision comes out.

pub mod cli;
pub mod clock;
pub mod engine;
pub mod server;
pub mod telemetry;
