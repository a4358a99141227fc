//! What came of a reload, as people and programs read it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::refused::Findings;
use super::server::Outcome;
use crate::engine::diagnostic::Diagnostic;
use crate::live::snapshot::Snapshot;
use crate::report::{self, Format};
use crate::telemetry;

/// What came of a reload.
#[derive(Debug)]
pub struct Report {
    /// Of the settings.
    pub settings: Outcome,
    /// The settings that have changed and hold only after a restart.
    pub restart_for: Vec<&'static str>,
    /// Of each server, in the order of the settings.
    pub servers: Vec<ServerReport>,
    /// How long it took, from reading the files to putting them in force.
    pub took: Duration,
}

/// What came of a reload of one server.
#[derive(Debug)]
pub struct ServerReport {
    /// Its path.
    pub path: String,
    /// What became of its files.
    pub outcome: Outcome,
    /// What is in force now.
    pub snapshot: Option<Arc<Snapshot>>,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Loaded(_) => "loaded",
            Outcome::Refused(_) | Outcome::StillRefused(_) => "refused",
            Outcome::RolledBack => "rolled-back",
        }
    }

    /// What was found in the files.
    #[must_use]
    pub fn findings(&self) -> Option<&Findings> {
        match self {
            Outcome::Loaded(found) => Some(found),
            Outcome::Refused(why) | Outcome::StillRefused(why) => why.findings(),
            Outcome::Unchanged | Outcome::RolledBack => None,
        }
    }

    /// Whether files were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Outcome::Refused(_) | Outcome::StillRefused(_))
    }

    fn why(&self) -> Option<String> {
        match self {
            Outcome::Refused(why) | Outcome::StillRefused(why) => Some(why.to_string()),
            Outcome::Unchanged | Outcome::Loaded(_) | Outcome::RolledBack => None,
        }
    }
}

impl Report {
    /// Whether any files were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.settings.is_refused() || self.servers.iter().any(|server| server.outcome.is_refused())
    }

    /// Tells the log.
    pub(super) fn tell(&self) {
        telemetry::settings_reloaded(&self.settings, &self.restart_for);
        for server in &self.servers {
            telemetry::rules_reloaded(server, self.took);
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "took_ms": self.took.as_secs_f64() * 1e3,
            "settings": {
                "outcome": self.settings.word(), "why": self.settings.why(),
                "restart_for": self.restart_for, "findings": findings_json(&self.settings),
            },
            "servers": self.servers.iter().map(ServerReport::json).collect::<Vec<Value>>(),
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let mut text = findings_text(&self.settings, colour);
        if let Some(why) = self.settings.why() {
            _ = writeln!(text, "settings: refused: {why}");
        }
        if !self.restart_for.is_empty() {
            _ = writeln!(text, "settings: restart the daemon to change {}", self.restart_for.join(", "));
        }
        self.servers.iter().fold(text, |text, server| text + &server.text(colour))
    }
}

impl ServerReport {
    fn json(&self) -> Value {
        let snapshot = self.snapshot.as_deref();
        json!({
            "server": self.path, "outcome": self.outcome.word(), "why": self.outcome.why(),
            "version": snapshot.map(|it| it.version.as_str()), "generation": snapshot.map(|it| it.generation),
            "origin": snapshot.map(|it| it.origin.word()), "rules": snapshot.map(Snapshot::rules),
            "findings": findings_json(&self.outcome),
        })
    }

    fn text(&self, colour: bool) -> String {
        let mut text = findings_text(&self.outcome, colour);
        let path = &self.path;
        let in_force = self.snapshot.as_ref().filter(|snapshot| snapshot.is_sound()).map_or_else(
            || "nothing is in force".to_owned(),
            |it| {
                format!("version {} with {} is in force (generation {})", it.version, rules(it.rules()), it.generation)
            },
        );
        _ = match &self.outcome {
            Outcome::Unchanged => writeln!(text, "{path}: unchanged: {in_force}"),
            Outcome::Loaded(_) => writeln!(text, "{path}: loaded: {in_force}"),
            Outcome::Refused(why) | Outcome::StillRefused(why) => {
                writeln!(text, "{path}: refused: {why}\n{path}: {in_force}")
            }
            Outcome::RolledBack => writeln!(
                text,
                "{path}: unchanged since they were rolled back from: {in_force}\n  \
                 help: mend the files, or say `switchhook reload --force` to serve them as they are"
            ),
        };
        text
    }
}

fn rules(count: usize) -> String {
    format!("{count} rule{}", if count == 1 { "" } else { "s" })
}

/// How many findings of one server are told; `switchhook check` shows all.
pub const FINDINGS_MAX: usize = 100;

fn first(findings: &Findings) -> &[Diagnostic] {
    findings.found.get(..FINDINGS_MAX).unwrap_or(&findings.found)
}

fn findings_json(outcome: &Outcome) -> Value {
    outcome.findings().map_or_else(|| json!([]), |it| report::json(first(it), &it.sources))
}

fn findings_text(outcome: &Outcome, colour: bool) -> String {
    let Some(findings) = outcome.findings().filter(|findings| !findings.found.is_empty()) else { return String::new() };
    let mut text = report::render(first(findings), &findings.sources, Format::Human, colour) + "\n";
    if FINDINGS_MAX < findings.found.len() {
        let all = findings.found.len();
        _ = writeln!(text, "these are the first {FINDINGS_MAX} of {all} findings; `switchhook check` shows all\n");
    }
    text
}
