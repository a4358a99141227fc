//! Requests to others as scripts write them: a URL, and an object of all else.

use std::time::Duration;

use rhai::{Dynamic, Map};

use super::secrets::SecretText;
use super::{Outcome, fail};
use crate::engine::request::{Body, Method, Part, Request, Target, Text, Written, header_fault};
use crate::engine::script::value::{self, Budget};

/// How much one request may hold.
const CONTENT: Budget = Budget { values: 10_000, bytes: 1 << 20 };
/// How a request says its method, in an object.
pub(super) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// What every request can have.
pub(super) const FIELDS: [&str; 5] = ["headers", "query", "json", "form", "body"];

/// Takes the method and the URL out of an object such as `#{ get: "https://…" }`.
pub(super) fn method_of(options: &mut Map) -> Outcome<(Method, Dynamic)> {
    let mut given = METHODS.iter().filter_map(|name| Method::named(name).zip(options.remove(*name)));
    let first =
        given.next().ok_or_else(|| fail("a request says `get`, `post`, `put`, `patch` or `delete`, and a URL"))?;
    if given.next().is_some() {
        return Err(fail("a request has one method and one URL"));
    }
    Ok(first)
}

/// `options` with `json`, if there is any.
pub(super) fn with_json(options: &Map, json: Dynamic) -> Outcome<Map> {
    let mut options = options.clone();
    if !json.is_unit() && options.insert("json".into(), json).is_some() {
        return Err(fail("a request has one of `json`, `form` and `body`"));
    }
    Ok(options)
}

/// The request; besides [`FIELDS`] only `others` may stand in `options`.
pub(super) fn request(
    method: Method,
    url: &Dynamic,
    options: &Map,
    others: &[&str],
    timeout: Duration,
) -> Outcome<Request> {
    if let Some(unknown) = options.keys().find(|key| !FIELDS.contains(&key.as_str()) && !others.contains(&key.as_str()))
    {
        let known = [&FIELDS, others].concat().join("`, `");
        return Err(fail(format_args!("a request has no `{unknown}`; there are `{known}`")));
    }
    let mut url = text("the URL", url)?;
    for (number, (name, value)) in fields(options, "query")?.into_iter().enumerate() {
        let begun = url.redacted().contains('?') || 0 < number;
        url.0.push(Part::Plain(format!("{}{}=", if begun { "&" } else { "?" }, Written::Percent.write(&name))));
        url.0.extend(text(&name, &value)?.0.into_iter().map(|part| written(part, Written::Percent)));
    }
    let headers = fields(options, "headers")?.into_iter();
    let headers = headers.map(|(name, value)| {
        let value = text(&name, &value)?.on_one_line();
        let lower = name.to_ascii_lowercase();
        header_fault(&lower).map_or(Ok((lower, value)), |fault| Err(fail(fault.of(&name))))
    });
    let headers = headers.collect::<Outcome<_>>()?;
    Ok(Request { target: Target::Anybody, method, url, headers, body: body(options)?, timeout })
}

fn body(options: &Map) -> Outcome<Option<Body>> {
    let given: Vec<&str> = ["json", "form", "body"].into_iter().filter(|name| options.contains_key(*name)).collect();
    let (name, content) = match given.as_slice() {
        [] => return Ok(None),
        [name] => (*name, options.get(*name).cloned().unwrap_or_default()),
        _ => return Err(fail("a request has one of `json`, `form` and `body`")),
    };
    Ok(Some(match name {
        "json" => Body::json(Text::plain(value::to_json(&content, CONTENT).map_err(fail)?.to_string())),
        "form" => Body::form(form(&fields(options, "form")?)?),
        _ => Body::text(text("`body`", &content)?),
    }))
}

fn form(fields: &[(String, Dynamic)]) -> Outcome<Text> {
    let mut form = Text::default();
    for (name, value) in fields {
        let joint = if form.0.is_empty() { "" } else { "&" };
        form.0.push(Part::Plain(format!("{joint}{}=", Written::Percent.write(name))));
        form.0.extend(text(name, value)?.0.into_iter().map(|part| written(part, Written::Percent)));
    }
    Ok(form)
}

fn written(part: Part, how: Written) -> Part {
    match part {
        Part::Plain(text) => Part::Plain(how.write(&text).into_owned()),
        Part::Secret { name, .. } => Part::Secret { name, written: how },
    }
}

/// The entries of an object in `options`; none if there is no such object.
fn fields(options: &Map, name: &str) -> Outcome<Vec<(String, Dynamic)>> {
    let Some(fields) = options.get(name) else { return Ok(Vec::new()) };
    let Ok(fields) = fields.as_map_ref() else {
        return Err(fail(format_args!("`{name}` is an object of names and texts")));
    };
    Ok(fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

/// A text, which can hold secrets; numbers and the like are written out, and what is absent is empty.
pub(super) fn text(what: &str, value: &Dynamic) -> Outcome<Text> {
    if let Some(secret) = value.read_lock::<SecretText>() {
        return Ok(secret.0.clone());
    }
    let text = value::to_text(value, CONTENT).map_err(|why| fail(format_args!("{what}: {why}")))?;
    Ok(Text::plain(text))
}

/// A time: `"1500ms"`, `"2s"`, `"5m"`, or a number of seconds.
pub(super) fn duration(what: &str, value: &Dynamic) -> Outcome<Duration> {
    let whole = |millis: i64| u64::try_from(millis).ok().filter(|millis| *millis != 0).map(Duration::from_millis);
    let read = if let Ok(seconds) = value.as_int() {
        seconds.checked_mul(1000).and_then(whole)
    } else {
        let text = value.clone().into_string().unwrap_or_default();
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        units.iter().find_map(|(unit, millis)| {
            let number: i64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(*millis).and_then(whole)
        })
    };
    read.ok_or_else(|| {
        fail(format_args!("`{what}` is a time such as `\"1500ms\"` or `\"5m\"`, or a number of seconds"))
    })
}
