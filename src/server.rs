//! The daemon's front door.

pub mod auth;
pub mod decrypt;
pub mod dedup;
