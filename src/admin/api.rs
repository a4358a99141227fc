//! What programs ask the admin address for, as JSON.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::text;
use crate::engine::rule::RuleId;
use crate::live::hits::Tally;
use crate::reload::report::Report;
use crate::reload::status::Attempts;
use crate::reload::{InForce, Wish};
use crate::server::refusal::Refusal;
use crate::server::site::Site;

/// What a reload is to do.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reload {
    /// Whether a set is taken that a guard would keep out.
    #[serde(default)]
    pub(super) force: bool,
    /// Whose rules are to be forced; not needed where there is only one server.
    #[serde(default)]
    pub(super) server: Option<String>,
}

impl From<Reload> for Wish {
    fn from(Reload { force, server }: Reload) -> Wish {
        Wish { force, server }
    }
}

/// What is to be rolled back.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollBack {
    /// The path of the server; not needed where there is only one.
    #[serde(default)]
    pub(super) server: Option<String>,
}

impl Reload {
    pub(super) fn read(body: &[u8]) -> Result<Reload, Refusal> {
        read(body, r#"{"force": true}"#)
    }
}

impl RollBack {
    pub(super) fn read(body: &[u8]) -> Result<RollBack, Refusal> {
        read(body, r#"{"server": "/path"}"#)
    }
}

/// Reads a wish; an empty body is the plainest one.
fn read<T: DeserializeOwned + Default>(body: &[u8], example: &str) -> Result<T, Refusal> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let not_understood = |error| Refusal::NotUnderstood { why: format!("{error}; write for example {example}") };
    serde_json::from_slice(body).map_err(not_understood)
}

/// What came of a reload; 422 if files were refused.
pub(super) fn report(report: Option<Report>, as_text: bool) -> Result<Response<Full<Bytes>>, Refusal> {
    let report = report.ok_or(Refusal::Stopping)?;
    let status = if report.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    if as_text {
        return Ok(text(status, "text/plain; charset=utf-8", report.text(false)));
    }
    Ok(super::json(status, &report.json()))
}

/// The rules in force, of every server.
pub(super) fn rules(in_force: &InForce) -> Value {
    let sites = in_force.sites.current();
    json!({ "servers": sites.all().into_iter().map(|site| rules_of(site)).collect::<Vec<Value>>() })
}

fn rules_of(site: &Site) -> Value {
    let snapshot = &site.snapshot;
    let rules = (0..).map(RuleId).zip(snapshot.engine.rules().rules()).map(|(id, rule)| {
        let tally = snapshot.hits.rule(id);
        json!({
            "name": *rule.name, "place": rule.place.to_string(),
            "hits": tally.map_or(0, Tally::count),
            "last_hit_at": tally.and_then(Tally::last).map(|at| at.to_string()),
        })
    });
    json!({
        "server": site.path, "version": snapshot.version.as_str(), "generation": snapshot.generation,
        "origin": snapshot.origin.word(), "loaded_at": snapshot.loaded_at.to_string(),
        "rules": rules.collect::<Vec<Value>>(),
    })
}

/// Whether the daemon takes calls, and what it answers them with.
pub(super) fn readiness(in_force: &InForce, ready: bool, outbox_trouble: Option<&str>) -> Value {
    let (sites, status) = (in_force.sites.current(), in_force.status.current());
    let servers = sites.all().into_iter().map(|site| {
        let snapshot = &site.snapshot;
        let mut server = json!({
            "server": site.path, "version": snapshot.version.as_str(), "generation": snapshot.generation,
            "origin": snapshot.origin.word(), "rules": snapshot.rules(),
        });
        if let (Some(attempts), Some(fields)) = (status.server(&site.path), server.as_object_mut()) {
            fields.extend(attempted(attempts));
        }
        server
    });
    json!({
        "ready": ready, "servers": servers.collect::<Vec<Value>>(),
        "settings": Value::Object(attempted(&status.settings).into_iter().collect()),
        "restart_for": status.restart_for, "outbox": { "trouble": outbox_trouble },
    })
}

fn attempted(attempts: &Attempts) -> Vec<(String, Value)> {
    let time = |at: Option<jiff::Timestamp>| json!(at.map(|at| at.to_string()));
    vec![
        ("last_success_at".to_owned(), time(attempts.last_success)),
        ("last_failure_at".to_owned(), time(attempts.last_failure)),
        ("refused".to_owned(), json!(attempts.refused.as_ref().map(ToString::to_string))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_or_explained() {
        assert!(!Reload::read(b"").unwrap().force);
        assert!(Reload::read(br#"{"force":true}"#).unwrap().force);
        assert_eq!(RollBack::read(br#"{"server":"/a"}"#).unwrap().server.as_deref(), Some("/a"));
        for wrong in [r#"{"forse":true}"#, "force", r#"{"force":1}"#, "[1]"] {
            let why = Reload::read(wrong.as_bytes()).unwrap_err().to_string();
            assert!(why.contains(r#"write for example {"force": true}"#), "{why}");
        }
    }
}
