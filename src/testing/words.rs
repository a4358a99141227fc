//! Actions in the words of a rule's `do`, so that what a test expects is written as the rule is, and what was done
//! reads like it.

use fluent_uri::pct_enc::EStr;
use fluent_uri::pct_enc::encoder::Data;
use serde_json::{Map, Value, json};

use super::compare::shown;
use crate::engine::action::{Action, Retry};
use crate::engine::request::{Body, Request, Target, Text, VAPI, Written};
use crate::engine::source::words;

/// An action as a rule would have it.
pub(super) struct Act {
    /// With all that there is to say.
    pub(super) whole: Value,
    /// Without what goes without saying, for people.
    pub(super) shown: String,
}

impl Act {
    pub(super) fn of(action: &Action) -> Act {
        let deed = deed(&action.request);
        let about = about(action);
        let every = |wanted: &dyn Fn(&Field) -> bool| -> Map<String, Value> {
            let fields = deed.iter().chain(&about).filter(|field| wanted(field));
            fields.map(|(name, value, _)| ((*name).to_owned(), value.clone())).collect()
        };
        let brief = Value::Object(every(&|(_, _, usual)| !usual));
        Act { whole: Value::Object(every(&|_| true)), shown: shown_act(brief) }
    }
}

/// What is asked, as `answers` names it.
pub(super) fn asked(request: &Request) -> String {
    format!("{} {}", request.method.as_str(), text(&request.url))
}

/// A field of an action, and whether it is so unless somebody says otherwise.
type Field = (&'static str, Value, bool);

/// How `say: text` is written out; a rule may write it either way.
pub(super) fn spelt_out(verb: &str, value: Value) -> Value {
    match verb {
        "say" if value.is_string() => json!({ "content": value }),
        "add_message" if value.is_string() => json!({ "role": "system", "content": value }),
        _ => value,
    }
}

/// An action for people: said as briefly as a rule can, and not too long.
pub(super) fn shown_act(mut act: Value) -> String {
    if let Some(say) = act.get_mut("say")
        && say.as_object().is_some_and(|say| say.len() == 1 && say.contains_key("content"))
    {
        *say = say["content"].take();
    }
    shown(&act)
}

/// What is done.
fn deed(request: &Request) -> Vec<Field> {
    let (url, body) = (text(&request.url), request.body.as_ref());
    let method = request.method.as_str().to_ascii_lowercase();
    match request.target {
        Target::CallControl => vec![told(body.and_then(as_json).unwrap_or_default())],
        Target::Vapi => {
            let path = url.strip_prefix(VAPI).unwrap_or(&url);
            vec![("vapi", json!({ "method": method, "path": path, "json": body.and_then(as_json) }), false)]
        }
        Target::Anybody => {
            let headers: Map<_, _> = request.headers.iter().map(|(name, it)| (name.clone(), text(it).into())).collect();
            let verb = ["post", "put", "patch", "get", "delete"].into_iter().find(|verb| *verb == method);
            let nothing = headers.is_empty();
            let mut fields = vec![(verb.unwrap_or_default(), url.into(), false), ("headers", headers.into(), nothing)];
            fields.extend(body.map(content));
            fields
        }
    }
}

/// What a call that is going on is told.
fn told(mut message: Value) -> Field {
    let mut taken =
        |key: &str| message.as_object_mut().and_then(|message| message.shift_remove(key)).unwrap_or_default();
    let kind = taken("type");
    match kind.as_str().unwrap_or_default() {
        "control" => {
            let control = taken("control");
            match control.as_str().unwrap_or_default().split_once('-') {
                Some(("mute", whom)) => ("mute", whom.into(), false),
                Some(("unmute", whom)) => ("unmute", whom.into(), false),
                _ => ("say_first_message", true.into(), false),
            }
        }
        "end-call" => ("end_call", true.into(), false),
        "send-transport-message" => ("send_transport_message", taken("message"), false),
        "add-message" => {
            let mut added = taken("message");
            if let (Some(added), Some(around)) = (added.as_object_mut(), message.as_object_mut()) {
                added.append(around);
            }
            ("add_message", added, false)
        }
        "transfer" => ("transfer", message, false),
        "handoff" => ("handoff", message, false),
        _ => ("say", message, false),
    }
}

fn content(body: &Body) -> Field {
    let written = text(&body.text);
    match as_json(body) {
        Some(json) if body.content_type == Body::json(Text::default()).content_type => ("json", json, false),
        _ if body.content_type == Body::form(Text::default()).content_type => ("form", form(&body.text), false),
        _ => ("body", written.into(), false),
    }
}

/// How and when it is done.
fn about(action: &Action) -> Vec<Field> {
    let retry = json!({ "attempts": action.retry.attempts_max, "within": words(action.retry.age_max) });
    let to_call = action.request.target == Target::CallControl;
    let mut about = vec![
        ("name", action.name.clone().into(), false),
        ("after", words(action.after).into(), action.after.is_zero()),
        ("timeout", words(action.request.timeout).into(), action.request.timeout == Action::TIMEOUT),
        ("retry", retry, to_call || action.retry == Retry::USUAL),
    ];
    if action.in_order {
        about.push(("order", "call".into(), to_call));
    }
    about.extend(
        action
            .unless_by
            .as_ref()
            .map(|unless| ("unless_by", json!({ "kind": unless.kind, "within": words(unless.within) }), false)),
    );
    about.extend(action.sign.as_ref().map(|key| ("sign", json!({ "key": text(key) }), false)));
    about
}

fn as_json(body: &Body) -> Option<Value> {
    serde_json::from_str(&text(&body.text)).ok()
}

/// A text with its secrets as a rule names them.
fn text(text: &Text) -> String {
    text.standing_in(as_written)
}

fn as_written(secret: &str) -> String {
    format!("${{secrets.{secret}}}")
}

/// The fields of a form.
fn form(body: &Text) -> Value {
    let whole = body.standing_in(|name| Written::Percent.write(&as_written(name)).into_owned());
    let fields = whole.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (unescaped(name), Value::from(unescaped(value)))).collect()
}

/// What stands behind percent signs.
fn unescaped(text: &str) -> String {
    EStr::<Data>::new(text).map_or_else(|| text.to_owned(), |text| text.decode().to_string_lossy().into_owned())
}
