//! To be written.

pub mod read;
pub mod yaml;
