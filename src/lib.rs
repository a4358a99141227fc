//! Switchhook answers Vapi server URLs: an event goes in, a decision comes out.
//!
//! The modules, in the order in which to read them:
//!
//! - [`engine`] is the core: pure and synchronous, it knows events, rules and decisions, and nothing of sockets, files
//!   or the clock.
//! - [`server`] brings events in over HTTP and replies out, in time.
//! - [`live`] is what is in force, [`reload`] what puts changed files in force while calls go on.
//! - [`client`] asks others, where that is allowed; [`outbox`] keeps what was decided to be done until it is done;
//!   [`secrets`] are values that are filled in.
//! - [`admin`] answers operators.
//! - [`load`] reads rule files, [`settings`] what the daemon was told about itself.
//! - [`report`] words what is wrong in those files, for people and programs.
//! - [`testing`] runs tests of rules, [`samples`] are messages to try rules with; [`import`] makes a start of what there
//!   is at Vapi.
//! - [`service_manager`] takes sockets from who started the daemon, and tells how it fares.
//! - [`telemetry`] is everything that is logged, [`clock`] the only place that asks what time it is, and a [`fingerprint`]
//!   stands for texts on disk.
//! - [`daemon`] puts all of it together, [`cli`] is the commands.

pub mod engine;
pub mod server;

pub mod live;
pub mod reload;

pub mod client;
pub mod outbox;
pub mod secrets;

pub mod admin;

pub mod load;
pub mod report;
pub mod settings;

pub mod import;
pub mod samples;
pub mod testing;

pub mod service_manager;

pub mod clock;
pub mod fingerprint;
pub mod telemetry;

pub mod cli;
pub mod daemon;
