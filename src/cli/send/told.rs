//! What was sent and what came of it, for people and for programs.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::events::Event;
use super::target::{Target, shown};
use super::volley::Tally;
use crate::cli::line::Said;
use crate::cli::operator::Format;
use crate::engine::kind::Kind;
use crate::engine::reply::Fault;
use crate::load;
use crate::report::{Paint, clean, cut};

/// How much is shown of an answer that is no JSON.
const TEXT_MAX: usize = 500;

/// A request that was not sent.
pub(super) fn request(target: &Target, request: &Request<Full<Bytes>>, event: &Event, format: Format) -> String {
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), shown(value)));
    let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
    if format == Format::Json {
        let headers: Map<String, Value> = headers.map(|(name, value)| (name, value.into())).collect();
        let request = json!({ "method": "POST", "url": target.url.to_string(), "headers": headers, "body": body });
        return format!("{request:#}\n");
    }
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    format!("POST {}\n{}\n\n{body:#}\n", target.url, headers.join("\n"))
}

/// What came of one event.
pub(super) fn one(target: &Target, answer: &Answer, format: Format, paint: Paint) -> String {
    if format == Format::Json {
        return format!("{:#}\n", one_json(target, answer));
    }
    let said = match &answer.said {
        Ok(said) => said,
        Err(why) => return format!("{} to {}\n{}\n", answer.kind, target.url, paint.bad(why)),
    };
    let time = match answer.within {
        Some(within) => format!("{} after {}, of {}", said.status.as_u16(), millis(answer.took), seconds(within)),
        None => format!("{} after {}", said.status.as_u16(), millis(answer.took)),
    };
    let reply = reply(answer, said);
    let verdict = verdict(target, answer, said, paint);
    format!("{} to {}\n{time}\n{reply}{verdict}\n", answer.kind, target.url)
}

/// What was said, if it says anything.
fn reply(answer: &Answer, said: &Said) -> String {
    match as_json(answer, said) {
        Value::Object(nothing) if nothing.is_empty() => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("\n{}\n\n", clean(&cut(&text, TEXT_MAX))),
        reply => format!("\n{reply:#}\n\n"),
    }
}

fn verdict(target: &Target, answer: &Answer, said: &Said, paint: Paint) -> String {
    if !answer.is_accepted() {
        return paint.bad(&refused(target, said.status));
    }
    let kind = &answer.kind;
    if !answer.faults.is_empty() {
        let faults: Vec<String> = answer.faults.iter().map(|fault| clean(&fault.to_string())).collect();
        let broken = paint.bad(&format!("the reply breaks the contract of `{kind}`:"));
        return format!("{broken}\n  {}", faults.join("\n  "));
    }
    match answer.within {
        Some(within) if answer.is_late() => paint.bad(&format!("too late: `{kind}` has {}", seconds(within))),
        Some(_) if is_error(&as_json(answer, said)) => {
            paint.good(&format!("the reply honours the contract of `{kind}`, and tells of an error"))
        }
        Some(_) => paint.good(&format!("the reply honours the contract of `{kind}`")),
        None => paint.good("taken; nobody waits for a reply"),
    }
}

/// Whether a reply refuses, or one of the results in it does.
fn is_error(reply: &Value) -> bool {
    let results = reply.get("results").and_then(Value::as_array).into_iter().flatten();
    results.chain([reply]).any(|part| part.get("error").is_some())
}

/// What a status means from which Vapi reads no reply.
fn refused(target: &Target, status: StatusCode) -> String {
    let file =
        target.settings.as_ref().map_or_else(|| "the defaults".to_owned(), |file| format!("`{}`", load::shown(file)));
    match status {
        StatusCode::UNAUTHORIZED if target.shows_anything() => format!(
            "the daemon does not accept the credential of {file}: name the file that it runs with by `--config`; \
             if it is this one, the daemon's log says which check failed"
        ),
        StatusCode::UNAUTHORIZED => format!(
            "the daemon wants a credential, and {file} names none for this server: \
             name the file that it runs with by `--config`"
        ),
        StatusCode::NOT_FOUND => format!("no server answers at `{}`: name one with `--server`", target.url.path()),
        status => format!("{status} is an error: Vapi reads no reply from it"),
    }
}

fn one_json(target: &Target, answer: &Answer) -> Value {
    let said = answer.said.as_ref().ok();
    json!({
        "kind": answer.kind.name(),
        "url": target.url.to_string(),
        "status": said.map(|said| said.status.as_u16()),
        "took_ms": in_millis(answer.took),
        "within_ms": answer.within.map(in_millis),
        "reply": said.map(|said| as_json(answer, said)),
        "faults": answer.faults.iter().map(fault_json).collect::<Value>(),
        "error": answer.said.as_ref().err(),
        "late": answer.is_late(),
        "fine": answer.is_fine(),
    })
}

fn fault_json(fault: &Fault) -> Value {
    json!({ "message": fault.message, "help": fault.help })
}

/// The body as JSON if it is, as a text if not, and of speech how long it is.
fn as_json(answer: &Answer, said: &Said) -> Value {
    if answer.kind.known() == Some(Kind::VoiceRequest) && answer.is_accepted() {
        return json!({ "audio_bytes": said.body.len() });
    }
    serde_json::from_slice(&said.body).unwrap_or_else(|_| String::from_utf8_lossy(&said.body).into())
}

/// What came of many.
pub(super) fn many(target: &Target, tally: &Tally, format: Format, paint: Paint) -> String {
    if format == Format::Json {
        return format!("{:#}\n", many_json(target, tally));
    }
    let kind = tally.first.as_ref().map_or_else(|| "event".to_owned(), |answer| answer.kind.to_string());
    let per_second = f64::from(tally.sent()) / tally.whole.as_secs_f64().max(f64::EPSILON);
    let statuses: Vec<_> = tally.statuses.iter().map(|(status, times)| format!("{times} with {status}")).collect();
    let answered = if statuses.is_empty() { "none".to_owned() } else { statuses.join(", ") };
    let mut lines = vec![
        format!("{} times {kind} to {}", tally.sent(), target.url),
        format!("sent      in {}, {per_second:.0} in a second", seconds(tally.whole)),
        format!("answered  {answered}"),
    ];
    if let [Some(p50), Some(p99), Some(max)] = [50, 99, 100].map(|percent| tally.percentile(percent)) {
        let within = tally.first.as_ref().and_then(|answer| answer.within);
        let within = within.map(|within| format!(", of {}", seconds(within))).unwrap_or_default();
        lines.push(format!("took      p50 {}, p99 {}, max {}{within}", millis(p50), millis(p99), millis(max)));
    }
    lines.extend(findings(tally, paint));
    lines.join("\n") + "\n"
}

fn findings(tally: &Tally, paint: Paint) -> Vec<String> {
    if tally.is_fine() {
        return vec![paint.good("all is well")];
    }
    let found = [
        (tally.refused, "refused   ", "with a status from which Vapi reads nothing"),
        (tally.broken, "broken    ", "against the contract"),
        (tally.late, "late      ", "after their time"),
        (tally.lost, "lost      ", "without an answer"),
    ];
    let found = found.iter().filter(|(times, ..)| *times != 0);
    let found = found.map(|(times, what, how)| paint.bad(&format!("{what}{times} {how}")));
    let complaints = tally.complaints.iter().map(|(complaint, times)| format!("  {times} times: {}", clean(complaint)));
    found.chain(complaints).collect()
}

fn many_json(target: &Target, tally: &Tally) -> Value {
    let statuses: Map<String, Value> =
        tally.statuses.iter().map(|(status, times)| (status.to_string(), (*times).into())).collect();
    let percentile = |percent| tally.percentile(percent).map(in_millis);
    json!({
        "kind": tally.first.as_ref().map(|answer| answer.kind.name()),
        "url": target.url.to_string(),
        "sent": tally.sent(),
        "answered": tally.took.len(),
        "statuses": statuses,
        "took_ms": { "p50": percentile(50), "p99": percentile(99), "max": percentile(100) },
        "within_ms": tally.first.as_ref().and_then(|answer| answer.within).map(in_millis),
        "whole_ms": in_millis(tally.whole),
        "refused": tally.refused,
        "broken": tally.broken,
        "late": tally.late,
        "lost": tally.lost,
        "complaints": tally.complaints,
        "fine": tally.is_fine(),
    })
}

fn in_millis(time: Duration) -> f64 {
    // Microseconds are enough, and no clock is better.
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
