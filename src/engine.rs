//! The core: an event goes in, a decision comes out. Pure and synchronous.

pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod json;
pub mod kind;
pub mod path;
pub mod reply;
pub mod script;
pub mod source;
pub mod window;
