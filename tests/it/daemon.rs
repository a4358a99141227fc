//! The program as a whole: the built binary, on real ports, in a temporary folder.
//!
//! Each module is one side of what its users rely on. Starting a daemon is what costs most here, so a test asks one
//! daemon many things. No test sleeps: it waits for an answer, for a closed connection, or for a line of the log.

mod auth;
mod contract;
mod refusals;
