//! What the daemon logs: every event, its name, level and fields, in one place.
//!
//! An event is a function, so that whoever reads the logs finds all of them here, and a field cannot be spelt in two
//! ways. Values that came from outside go in as fields, never into the text. Fields shared by several events:
//! `peer`, the other end of a connection; `error`, what the operating system or a library said.

mod json_lines;
mod outbox;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::decision::Fault;
use crate::engine::diagnostic::Severity;
use crate::engine::event::Event;
use crate::engine::question::Fetched;
use crate::engine::request::{Request, origin};
use crate::engine::script::{LogLevel, LogLine};
use crate::live::snapshot::{Origin, Snapshot};
use crate::live::version::Version;
use crate::reload::refused::{Findings, Refused};
use crate::reload::report::{FINDINGS_MAX, ServerReport};
use crate::reload::server::Outcome;
use crate::report;

use self::json_lines::JsonLines;
pub(crate) use self::outbox::*;

use tracing::{debug, error, info, warn};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry, fmt, reload};

/// Where the transport's events come from, for filters.
const SERVER: &str = "switchhook::server";
/// Who was let in.
const AUTH: &str = "switchhook::auth";
/// What came, and who answered.
const EVENTS: &str = "switchhook::events";
/// What went wrong in the author's files.
const RULES: &str = "switchhook::rules";
/// What scripts log.
const SCRIPTS: &str = "switchhook::scripts";

/// What becomes of actions.
const OUTBOX: &str = "switchhook::outbox";

/// What log lines can be chosen by.
pub(crate) const TARGETS: [&str; 7] = ["switchhook", SERVER, AUTH, EVENTS, RULES, SCRIPTS, OUTBOX];

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people on a terminal, else for programs.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter does not read `level` or `target=level`, separated by commas.
    #[error("`{filter}` is not a log filter; write for example `info` or `info,switchhook=debug`")]
    Filter {
        /// What was written.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Something else has taken the log already.
    #[error("the log is in use")]
    InUse(#[from] TryInitError),
}

/// How what passes is chosen, and changed while the daemon runs.
type Filter = reload::Handle<Targets, Registry>;
static FILTER: OnceLock<Filter> = OnceLock::new();
/// Whether the log's lines are for people.
static FOR_PEOPLE: AtomicBool = AtomicBool::new(false);

/// Sends the log to standard error from now on: whatever passes `filter`, and every panic.
///
/// # Errors
/// If the filter is badly written, or the log is in use.
pub fn init(format: Format, filter: &str) -> Result<(), InitError> {
    let (targets, handle) = reload::Layer::new(targets(filter)?);
    let lines = fmt::layer().with_writer(io::stderr);
    let is_terminal = io::stderr().is_terminal();
    let for_people = format == Format::Pretty || (format == Format::Auto && is_terminal);
    let layer = if for_people { lines.with_ansi(is_terminal).boxed() } else { JsonLines.boxed() };
    Registry::default().with(layer.with_filter(targets)).try_init()?;
    FOR_PEOPLE.store(for_people, Ordering::Relaxed);
    // Whoever has taken the log has just been refused.
    drop(FILTER.set(handle));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload();
        let error = payload.downcast_ref().copied().or_else(|| payload.downcast_ref().map(String::as_str));
        error!(error, place, "panicked");
    }));
    Ok(())
}

/// Logs what passes `filter` from now on.
///
/// # Errors
/// If the filter is badly written.
pub fn refilter(filter: &str) -> Result<(), InitError> {
    let targets = targets(filter)?;
    if let Some(handle) = FILTER.get() {
        // It fails only where there is no log any more.
        drop(handle.reload(targets));
    }
    Ok(())
}

/// Whether something can be chosen by `filter`.
pub(crate) fn is_filter(filter: &str) -> bool {
    targets(filter).is_ok()
}

fn targets(filter: &str) -> Result<Targets, InitError> {
    filter.parse().map_err(|source| InitError::Filter { filter: filter.to_owned(), source })
}

/// Keeps an event that anybody can cause at will from filling the log: it is told at most once a second.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// Says whether an event that happens at `now` is to be told, and how many before it were not.
    pub(crate) fn speak(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.at.is_some_and(|at| now.saturating_duration_since(at) < Duration::from_secs(1)) {
            told.untold += 1;
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

/// The longest name that is logged of what a sender made up, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A name that a sender made up: Vapi's are short, and whoever sends megabytes of one must not fill the log with it.
fn name(text: &str) -> &str {
    if text.len() <= NAME_BYTES_MAX {
        return text;
    }
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= NAME_BYTES_MAX).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// A text as one line that says nothing to a terminal: what a caller said may be in it, and must not look like a line
/// of its own.
fn one_line(text: &str) -> Cow<'_, str> {
    let unseen = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(unseen) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if unseen(c) { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    Cow::Owned(line)
}

/// `accept` failed for a reason that may pass, such as a full table of open files.
pub(crate) fn accept_failed(error: &io::Error, pause: Duration) {
    warn!(target: SERVER, %error, pause_s = pause.as_secs_f64(), "cannot accept connections");
}

/// A connection was turned away at the door, after `untold` others of which nothing was said.
pub(crate) fn connection_refused(peer: SocketAddr, reason: &dyn Display, untold: u64) {
    warn!(target: SERVER, %peer, %reason, untold, "refused a connection");
}

/// A connection was closed because the client took too long.
pub(crate) fn connection_late(peer: SocketAddr, late: impl std::fmt::Debug) {
    debug!(target: SERVER, %peer, ?late, "closed a connection that took too long");
}

/// A client and the server did not come to speak TLS with each other.
pub(crate) fn handshake_failed(peer: SocketAddr, error: &dyn Display) {
    debug!(target: SERVER, %peer, %error, "a TLS handshake failed");
}

/// A connection ended.
pub(crate) fn connection_ended(peer: SocketAddr, error: Option<hyper::Error>) {
    if let Some(error) = error {
        debug!(target: SERVER, %peer, %error, "a connection broke");
    } else {
        debug!(target: SERVER, %peer, "a connection ended");
    }
}

/// The code that serves a connection panicked; requests have their own net.
pub(crate) fn connection_panicked(error: &dyn Display) {
    error!(target: SERVER, %error, "serving a connection failed");
}

/// The transport refused a request, after `untold` others of which nothing was said.
pub(crate) fn request_refused(peer: SocketAddr, reason: &dyn Display, untold: u64) {
    info!(target: SERVER, %peer, %reason, untold, "refused a request");
}

/// The server stopped accepting connections and waits for those it has.
pub(crate) fn draining(address: SocketAddr, connections: usize) {
    info!(target: SERVER, %address, connections, "draining");
}

/// The server has no connections any more.
pub(crate) fn drained(address: SocketAddr, cut_off: usize) {
    if cut_off == 0 {
        info!(target: SERVER, %address, "drained");
    } else {
        warn!(target: SERVER, %address, cut_off, "drained, but not in time");
    }
}

/// The daemon is ready.
pub(crate) fn listening(address: SocketAddr, admin: SocketAddr, rules: usize) {
    info!(target: SERVER, %address, %admin, rules, "listening");
}

/// The service manager cannot be told how the daemon fares.
pub(crate) fn notify_failed(error: &io::Error) {
    warn!(target: SERVER, %error, "cannot reach the service manager");
}

/// A server's files are broken; the others are served.
pub(crate) fn broken(server: &str) {
    error!(target: RULES, server, "the files of this server are broken; every event gets the emptiest valid reply");
}

/// Changes of files are not told of by the operating system; they are found by looking.
pub(crate) fn cannot_watch(error: &dyn Display) {
    warn!(target: RULES, %error, "cannot watch for changes; they are found by looking now and then");
}

/// Files have changed each time that they were read, for a long time.
pub(crate) fn unsteady() {
    warn!(target: RULES, "some files change each time they are read; what they say is not in force");
}

/// The data folder cannot be used, and nobody asked for it.
pub(crate) fn no_data_folder(folder: &Path, error: &io::Error) {
    let folder = folder.display();
    warn!(target: RULES, %folder, %error, "no data folder: the last good rules are not kept, and nobody can roll back");
}

/// What has come in force could not be kept on disk.
pub(crate) fn not_kept(server: &str, error: &io::Error) {
    warn!(target: RULES, server, %error, "cannot keep the rules in force on disk");
}

/// What came of the settings when they were read again.
pub(crate) fn settings_reloaded(outcome: &Outcome, restart_for: &[&str]) {
    match outcome {
        Outcome::Unchanged | Outcome::RolledBack | Outcome::StillRefused(_) => return,
        Outcome::Loaded(_) => info!(target: RULES, "settings loaded"),
        Outcome::Refused(why) => error!(target: RULES, %why, "settings refused; those in force hold on"),
    }
    if matches!(outcome, Outcome::Loaded(_)) && !restart_for.is_empty() {
        let settings = restart_for.join(", ");
        warn!(target: RULES, settings, "some settings have changed and need a restart");
    }
    findings(outcome.findings());
}

/// What came of a server's rules when they were read again.
pub(crate) fn rules_reloaded(report: &ServerReport, took: Duration) {
    let server = &*report.path;
    let snapshot = report.snapshot.as_deref();
    let version = snapshot.map(|snapshot| snapshot.version.as_str());
    let generation = snapshot.map(|snapshot| snapshot.generation);
    match &report.outcome {
        Outcome::Unchanged | Outcome::RolledBack | Outcome::StillRefused(_) => {
            let outcome = report.outcome.word();
            return debug!(target: RULES, server, version, generation, outcome, "rules looked at");
        }
        Outcome::Loaded(_) => {
            let rules = snapshot.map(Snapshot::rules);
            let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            let origin = snapshot.map(|snapshot| snapshot.origin.word());
            info!(target: RULES, server, version, generation, rules, origin, took_us, "rules loaded");
        }
        Outcome::Refused(why) if matches!(**why, Refused::NotDone(_)) => {
            return warn!(target: RULES, server, %why, "an operator's wish could not be granted");
        }
        Outcome::Refused(why) if snapshot.is_some_and(Snapshot::is_sound) => {
            error!(target: RULES, server, version, generation, %why, "rules refused; those in force serve on");
        }
        Outcome::Refused(why) => {
            error!(target: RULES, server, %why, "rules refused; nothing is in force here yet");
        }
    }
    findings(report.outcome.findings());
}

/// The files are broken, or somebody has rolled back from them, so that a daemon that starts serves others.
pub(crate) fn serves_kept(server: &str, version: &Version, origin: Origin) {
    let (version, origin) = (version.as_str(), origin.word());
    warn!(target: RULES, server, version, origin, "the rules in force are not those in the files, but what was kept");
}

/// What is wrong in files: for people as `check` shows it, else a line for each.
fn findings(findings: Option<&Findings>) {
    let Some(Findings { found, sources }) = findings.filter(|findings| !findings.found.is_empty()) else { return };
    if FOR_PEOPLE.load(Ordering::Relaxed) {
        let text = report::render(found, sources, report::Format::Human, io::stderr().is_terminal());
        // There is nobody left to tell if standard error is closed.
        drop(io::stderr().write_all(text.as_bytes()));
        return;
    }
    if FINDINGS_MAX < found.len() {
        let (all, told) = (found.len(), FINDINGS_MAX);
        error!(target: RULES, all, told, "too many findings to tell them all; `switchhook check` shows them");
    }
    for one in found.iter().take(FINDINGS_MAX) {
        let (slug, place, help) = (one.slug, sources.place(one.span), one.help.join("; "));
        match one.severity {
            Severity::Error => error!(target: RULES, slug, %place, help, "{}", one.message),
            Severity::Warning => warn!(target: RULES, slug, %place, help, "{}", one.message),
            Severity::Hint => info!(target: RULES, slug, %place, help, "{}", one.message),
        }
    }
}

/// A server accepts everybody.
pub(crate) fn open(server: &str) {
    warn!(target: AUTH, server, "this server accepts every sender");
}

/// The daemon has come to its end.
pub(crate) fn stopped(cut_off: usize) {
    info!(target: SERVER, cut_off, "stopped");
}

/// A sender did not prove who he is, after `untold` others of which nothing was said.
pub(crate) fn unauthorized(server: &str, peer: SocketAddr, why: &dyn Display, untold: u64) {
    warn!(target: AUTH, server, %peer, %why, untold, "refused a sender");
}

/// A body is not a server message, after `untold` others of which nothing was said.
pub(crate) fn unreadable(server: &str, peer: SocketAddr, why: &dyn Display, untold: u64) {
    warn!(target: EVENTS, server, %peer, %why, untold, "cannot read a body");
}

/// A kind of event came for the first time that the daemon does not know.
pub(crate) fn unknown_kind(server: &str, kind: &str) {
    warn!(target: EVENTS, server, kind, "met an unknown kind of event; it is acknowledged");
}

/// An event was decided. Those that nobody waits for are many, and told only to who wants to know.
pub(crate) fn decided(server: &str, event: &Event, rule: Option<&str>, version: &Version, took: Duration) {
    let (kind, call) = (name(event.kind().name()), event.call_id());
    let call = call.map(name);
    // As a `u128` it would be a text in the JSON format.
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let version = version.as_str();
    if event.kind().expects_reply() {
        info!(target: EVENTS, server, kind, call, rule, version, took_us, "answered");
    } else {
        debug!(target: EVENTS, server, kind, call, rule, version, took_us, "acknowledged");
    }
}

/// A tool call came again and got the answer that it got before.
pub(crate) fn repeated(server: &str, call: Option<&str>) {
    info!(target: EVENTS, server, call = call.map(name), "answered a repeated tool call as before");
}

/// A rule could not do what it says; the reply was its fallback.
pub(crate) fn rule_failed(server: &str, rule: &str, fault: &Fault) {
    warn!(target: RULES, server, rule, place = %fault.place, why = fault.message, "a rule failed");
}

/// No rule answered an event that waits for a reply.
pub(crate) fn unanswered(server: &str, event: &Event) {
    let (kind, call) = (name(event.kind().name()), event.call_id());
    warn!(target: RULES, server, kind, call = call.map(name), "no rule answered; the reply was the emptiest one");
}

/// A model filled in a tool's arguments wrongly, and was told what to mend.
pub(crate) fn arguments_refused(server: &str, event: &Event) {
    let call = event.call_id();
    info!(target: RULES, server, call, "a tool call went back to the model, with what to mend");
}

/// A script wanted something logged.
pub(crate) fn script_said(server: &str, event: &Event, rule: Option<&str>, line: &LogLine) {
    let (kind, call) = (name(event.kind().name()), event.call_id());
    let call = call.map(name);
    let text = one_line(&line.text);
    match line.level {
        LogLevel::Info => info!(target: SCRIPTS, server, kind, call, rule, "{text}"),
        LogLevel::Warn => warn!(target: SCRIPTS, server, kind, call, rule, "{text}"),
    }
}

/// Decisions of one call changed its state so often that one of them was given up.
pub(crate) fn state_contended(server: &str, call: Option<&str>) {
    warn!(target: RULES, server, call = call.map(name), "the state of a call changed too often; the rule's fallback was sent");
}

/// There was no time to decrypt the arguments of tool calls.
pub(crate) fn still_encrypted(server: &str, call: Option<&str>) {
    let call = call.map(name);
    warn!(target: RULES, server, call, "arguments could not be decrypted in time; rules answered with their fallbacks");
}

/// Somebody was asked something. The URL can hold what a caller said, so only its host is told.
pub(crate) fn asked(request: &Request, fetched: &Fetched, took: Duration) {
    let url = request.url.redacted();
    let (_, host) = origin(&url).unwrap_or_default();
    let (method, host) = (request.method.as_str(), name(host));
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let status = fetched.response().map(|response| response.status);
    let error = fetched.error().map(|error| one_line(&error).to_string());
    debug!(target: RULES, method, host, status, error, took_ms, "asked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_flood_is_told_once_a_second() {
        let (seldom, start) = (Seldom::default(), Clock::instant());
        let speak = |after_ms| seldom.speak(start + Duration::from_millis(after_ms));
        assert_eq!(speak(0), Some(0));
        assert_eq!(speak(1), None);
        assert_eq!(speak(999), None);
        assert_eq!(speak(1000), Some(2));
        assert_eq!(speak(2000), Some(0));
    }

    #[test]
    fn a_name_is_cut_where_a_character_ends() {
        assert_eq!(name("3f0c6e1a-6c1e-4a57-9d1f-2b7f5b0a1c11").len(), 36);
        assert_eq!(name(""), "");
        assert_eq!(name(&"x".repeat(1 << 20)).len(), 128);
        assert_eq!(name(&"ü😀".repeat(100)), "ü😀".repeat(21) + "ü");
    }

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line("„Grüße“ \\n 😀"), "„Grüße“ \\n 😀");
        assert_eq!(one_line("a\r\nb\t\u{1b}[31m\u{202e}c\u{0}"), r"a\r\nb\t\u{1b}[31m\u{202e}c\0");
    }

    #[test]
    fn a_bad_filter_is_refused_with_an_example() {
        let error = init(Format::Json, "switchhook=loud").unwrap_err();
        assert!(error.to_string().contains("for example `info`"), "{error}");
    }
}
