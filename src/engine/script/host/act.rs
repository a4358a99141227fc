//! `act::…`: what is to be done once the decision is made, as the entries of a rule's `do`.
//!
//! Each of these adds an action to the decision. Nothing is done if the script fails later on.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use rhai::Map;
use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};
use serde_json::{Value, json};

use super::{Outcome, at, fail, outgoing};
use crate::engine::action::{Action, Retry};
use crate::engine::control;
use crate::engine::reply;
use crate::engine::request::{Body, Method, Part, Request, Target, Text, VAPI, Written};
use crate::engine::script::run;
use crate::engine::script::value::{self, Budget};

/// How large a message to a call may be.
const MESSAGE: Budget = Budget { values: 1_000, bytes: 64 * 1024 };
/// What can be said about an action besides what it sends.
pub(super) const OPTIONS: [&str; 5] = ["name", "timeout", "after", "order", "sign"];

#[export_module]
pub(super) mod functions {
    /// Has `json` sent to `url`, as `post` in a rule's `do` does: durably, and again until it arrives.
    ///
    /// ```rhai
    /// act::post("https://hooks.example.com/bookings", #{ name: "Ada", seats: 4 });
    /// "booked" // "booked"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn post(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Post, &url, json, &Map::new()))
    }

    /// The same with `options`: `headers`, `query`, `timeout`, `after` (`"10m"`), `order: "call"`, `sign` (a secret, to sign as
    /// Standard Webhooks do), `name`; and instead of `json`, which is `()` then, a `form` or a `body`.
    ///
    /// ```rhai
    /// act::post("https://hooks.example.com/", (), #{ form: #{ name: "Ada" }, after: "10m", sign: secrets::get("hook") });
    /// "later" // "later"
    /// ```
    #[rhai_fn(name = "post", return_raw)]
    pub fn post_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Post, &url, json, &options))
    }

    /// As `act::post`, with `PUT`.
    ///
    /// ```rhai
    /// act::put("https://crm.example.com/people/7", #{ name: "Ada" });
    /// "told" // "told"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn put(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Put, &url, json, &Map::new()))
    }

    /// As `act::post` with options, with `PUT`.
    ///
    /// ```rhai
    /// act::put("https://crm.example.com/people/7", #{ name: "Ada" }, #{ order: "call" });
    /// "told" // "told"
    /// ```
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Put, &url, json, &options))
    }

    /// As `act::post`, with `PATCH`.
    ///
    /// ```rhai
    /// act::patch("https://crm.example.com/people/7", #{ visits: 3 });
    /// "told" // "told"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn patch(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Patch, &url, json, &Map::new()))
    }

    /// As `act::post` with options, with `PATCH`.
    ///
    /// ```rhai
    /// act::patch("https://crm.example.com/people/7", #{ visits: 3 }, #{ headers: #{ "if-match": "1" } });
    /// "told" // "told"
    /// ```
    #[rhai_fn(name = "patch", return_raw)]
    pub fn patch_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Patch, &url, json, &options))
    }

    /// As `act::post` without content, with `DELETE`.
    ///
    /// ```rhai
    /// act::delete("https://crm.example.com/people/7");
    /// "gone" // "gone"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn delete(context: NativeCallContext, url: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Delete, &url, Dynamic::UNIT, &Map::new()))
    }

    /// The same with `options`, as for `act::post`.
    ///
    /// ```rhai
    /// act::delete("https://crm.example.com/people/7", #{ after: "1h" });
    /// "soon" // "soon"
    /// ```
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_with(context: NativeCallContext, url: Dynamic, options: Map) -> Result<(), Box<EvalAltResult>> {
        at(&context, || send(Method::Delete, &url, Dynamic::UNIT, &options))
    }

    /// Has Vapi's REST API asked: `path` such as `"/call"`, and what is sent. It needs the secret `vapi`.
    ///
    /// ```rhai
    /// act::vapi("PATCH", "/call/3f0c6e1a-6c1e-4a57-9d1f-2b7f5b0a1c11", #{ name: "Ada" });
    /// "told" // "told"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn vapi(context: NativeCallContext, method: &str, path: &str, json: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || to_vapi(method, path, &json))
    }

    /// Has the assistant say `text` in the call that is going on; or give an object with `content` and what else Vapi takes.
    ///
    /// ```rhai
    /// act::say("One moment, please.");
    /// "said" // "said"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn say(context: NativeCallContext, text: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || control("say", "content", &text))
    }

    /// Adds a message to the conversation, from the system; or give an object with `role` and `content`, and perhaps
    /// `triggerResponseEnabled`.
    ///
    /// ```rhai
    /// act::add_message("The caller is a regular.");
    /// "added" // "added"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn add_message(context: NativeCallContext, message: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || added(&message))
    }

    /// Transfers the call to a telephone number; or give an object with a `destination`, and perhaps `content` to say.
    ///
    /// ```rhai
    /// act::transfer("+15550100");
    /// "transferred" // "transferred"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn transfer(context: NativeCallContext, destination: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || {
            if let Ok(number) = destination.clone().into_string() {
                return tell("transfer", json!({ "destination": { "type": "number", "number": number } }));
            }
            control("transfer", "destination", &destination)
        })
    }

    /// Hands the call over to another assistant, by an object with a `destination`.
    ///
    /// ```rhai
    /// act::handoff(#{ destination: #{ "type": "assistant", assistantName: "sales" } });
    /// "handed over" // "handed over"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn handoff(context: NativeCallContext, message: Dynamic) -> Result<(), Box<EvalAltResult>> {
        at(&context, || control("handoff", "destination", &message))
    }

    /// Ends the call.
    ///
    /// ```rhai
    /// act::end_call();
    /// "ended" // "ended"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn end_call(context: NativeCallContext) -> Result<(), Box<EvalAltResult>> {
        at(&context, || tell("end_call", json!({})))
    }

    /// Has the `"assistant"` or the `"customer"` not heard any more.
    ///
    /// ```rhai
    /// act::mute("customer");
    /// "muted" // "muted"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mute(context: NativeCallContext, who: &str) -> Result<(), Box<EvalAltResult>> {
        at(&context, || tell("mute", json!({ "control": format!("mute-{who}") })))
    }

    /// Has the `"assistant"` or the `"customer"` heard again.
    ///
    /// ```rhai
    /// act::unmute("customer");
    /// "heard" // "heard"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn unmute(context: NativeCallContext, who: &str) -> Result<(), Box<EvalAltResult>> {
        at(&context, || tell("unmute", json!({ "control": format!("unmute-{who}") })))
    }

    /// Has the assistant say its first message now.
    ///
    /// ```rhai
    /// act::say_first_message();
    /// "said" // "said"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn say_first_message(context: NativeCallContext) -> Result<(), Box<EvalAltResult>> {
        at(&context, || tell("say_first_message", json!({ "control": "say-first-message" })))
    }

    /// Sends an object to whatever carries the call.
    ///
    /// ```rhai
    /// act::send_transport_message(#{ "type": "note" });
    /// "sent" // "sent"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn send_transport_message(context: NativeCallContext, message: Map) -> Result<(), Box<EvalAltResult>> {
        at(&context, || {
            let message = value::to_json(&message.into(), MESSAGE).map_err(fail)?;
            tell("send_transport_message", json!({ "message": message }))
        })
    }
}

fn send(method: Method, url: &Dynamic, json: Dynamic, options: &Map) -> Outcome<()> {
    let options = outgoing::with_json(options, json)?;
    let time = |name: &str| options.get(name).map(|written| outgoing::duration(name, written)).transpose();
    let timeout = time("timeout")?.unwrap_or(Action::TIMEOUT);
    let text = |name: &str| options.get(name).map(|written| outgoing::text(name, written)).transpose();
    let in_order = match text("order")?.map(|order| order.redacted()).as_deref() {
        None => false,
        Some("call") => true,
        Some(_) => return Err(fail("`order` is `\"call\"`, if anything")),
    };
    add(Action {
        name: text("name")?.map_or_else(|| method.as_str().to_ascii_lowercase(), |name| name.redacted()),
        request: outgoing::request(method, url, &options, &OPTIONS, timeout)?,
        after: time("after")?.unwrap_or_default(),
        unless_by: None,
        retry: Retry::USUAL,
        in_order,
        sign: text("sign")?,
    })
}

fn to_vapi(method: &str, path: &str, json: &Dynamic) -> Outcome<()> {
    let method = Method::named(&method.to_ascii_lowercase())
        .ok_or_else(|| fail("the method is one of `GET`, `POST`, `PUT`, `PATCH` and `DELETE`"))?;
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(fail("the path begins with one `/`, as in `\"/call\"`"));
    }
    let key = Part::Secret { name: control::VAPI_KEY.to_owned(), written: Written::Plain };
    let bearer = Text(vec![Part::Plain("Bearer ".to_owned()), key]);
    let request = Request {
        target: Target::Vapi,
        method,
        url: Text::plain(format!("{VAPI}{path}")),
        headers: vec![("authorization".to_owned(), bearer)],
        body: body(json)?,
        timeout: Action::TIMEOUT,
    };
    add(Action::plain("vapi".to_owned(), request))
}

fn body(json: &Dynamic) -> Outcome<Option<Body>> {
    if json.is_unit() {
        return Ok(None);
    }
    let json = value::to_json(json, MESSAGE).map_err(fail)?;
    Ok(Some(Body::json(Text::plain(json.to_string()))))
}

/// Tells the call something: a text, which is its `field`, or an object with all of it.
fn control(verb: &str, field: &str, message: &Dynamic) -> Outcome<()> {
    let message = match value::to_json(message, MESSAGE).map_err(fail)? {
        message @ Value::Object(_) => message,
        other => json!({ field: other }),
    };
    tell(verb, message)
}

fn added(message: &Dynamic) -> Outcome<()> {
    let message = match value::to_json(message, MESSAGE).map_err(fail)? {
        Value::Object(mut message) => match message.shift_remove("triggerResponseEnabled") {
            Some(trigger) => json!({ "message": message, "triggerResponseEnabled": trigger }),
            None => json!({ "message": message }),
        },
        text => json!({ "message": { "role": "system", "content": text } }),
    };
    tell("add_message", message)
}

/// Adds a message to the call that is going on, if it is one that Vapi takes.
fn tell(verb: &str, mut message: Value) -> Outcome<()> {
    if let Some(fields) = message.as_object_mut() {
        fields.insert("type".to_owned(), control::kind(verb).into());
    }
    if let Some(fault) = reply::check_control(&message).into_iter().next() {
        return Err(fail(format_args!("{} (`act::{verb}`)", fault.message)));
    }
    let url = run::with(|work| work.control_url.clone())?;
    let url = url.ok_or_else(|| fail("this event does not say how to reach its call (`call.monitor.controlUrl`)"))?;
    let request = Request {
        target: Target::CallControl,
        method: Method::Post,
        url: Text::plain(url),
        headers: Vec::new(),
        body: Some(Body::json(Text::plain(message.to_string()))),
        timeout: Action::TIMEOUT,
    };
    add(Action { retry: control::RETRY, in_order: true, ..Action::plain(verb.to_owned(), request) })
}

fn add(action: Action) -> Outcome<()> {
    if Action::AFTER_MAX < action.after {
        return Err(fail("`after` can be 30 days at most"));
    }
    run::with(|work| work.act(action))?
}
