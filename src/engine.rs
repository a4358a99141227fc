//! The core: an event goes in, a decision comes out. Pure and synchronous.

pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod fields;
pub mod json;
pub mod kind;
pub mod path;
pub mod phone;
pub mod reply;
pub mod script;
pub mod share;
pub mod source;
pub mod window;
