//! Why an event is, or would be, decided as it is: for operators, by the rules in force. Nothing is asked and nothing done.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::engine::diagnostic::has_errors;
use crate::reload::InForce;
use crate::report::{self, Format};
use crate::server::refusal::Refusal;
use crate::server::site::Site;
use crate::testing::EventFiles;
use crate::testing::trial::Trial;

/// How long scripts may take: an operator waits, and a core is taken from callers.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Explains the event in `body`: the fields of a test, and perhaps the `server`.
pub(super) async fn explain(in_force: &InForce, body: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
    let mut wish: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| not_understood(&format!("{error}; write for example {{\"event\": \"assistant-request\"}}")))?;
    let server = wish.shift_remove("server");
    let site = site(in_force, server.as_ref().and_then(Value::as_str))?;
    wish.entry("at").or_insert_with(|| Clock::now().to_string().into());
    let explained = tokio::task::spawn_blocking(move || {
        let told = explained(&site, &Value::Object(wish).to_string());
        told.map(|turns| json!({ "server": site.path, "version": site.snapshot.version.to_string(), "turns": turns }))
    });
    let told = explained.await.unwrap_or_else(|_| Err("it could not be explained".to_owned()));
    told.map(|told| super::json(StatusCode::OK, &told)).map_err(|why| not_understood(&why))
}

fn explained(site: &Site, wish: &str) -> Result<Value, String> {
    let mut found = Vec::new();
    let (trial, sources) = Trial::read(wish, &EventFiles::default(), &mut found);
    let Some(trial) = trial.filter(|_| !has_errors(&found)) else {
        return Err(report::render(&found, &sources, Format::Short, false));
    };
    let (engine, explained) = (site.engine(), trial.explain(site.engine(), Some(TIME_MAX))?);
    Ok(explained.iter().map(|turn| turn.json(engine)).collect())
}

/// The site of that path, or the only one.
fn site(in_force: &InForce, path: Option<&str>) -> Result<Arc<Site>, Refusal> {
    let sites = in_force.sites.current();
    let all = sites.all();
    let found = match (path, all.as_slice()) {
        (None, [only]) => Some(*only),
        (None, _) => None,
        (Some(path), all) => all.iter().copied().find(|site| site.path == path),
    };
    found.cloned().ok_or_else(|| {
        let paths: Vec<&str> = all.iter().map(|site| site.path.as_str()).collect();
        not_understood(&format!("say which server is meant; there are `{}`", paths.join("`, `")))
    })
}

fn not_understood(why: &str) -> Refusal {
    Refusal::NotUnderstood { why: why.to_owned() }
}
