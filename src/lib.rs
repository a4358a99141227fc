//! Switchhook answers Vapi server URLs: an event goes in, a decision comes out.

pub mod engine;
pub mod server;
