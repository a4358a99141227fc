//! `http::…`: asking others before the answer is given.
//!
//! Nothing is sent from here. A question whose answer is not there ends the script; it runs again, from its beginning, once
//! the answer is known. So it sees each of its questions answered at once, and what it did before is not done twice.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use std::sync::Arc;
use std::time::Duration;

use rhai::plugin::{Dynamic, EvalAltResult, NativeCallContext, export_module};
use rhai::{Array, Engine, Map, Position};

use super::secrets::SecretText;
use super::{Outcome, at, fail, outgoing, unfetched};
use crate::engine::path::Segment;
use crate::engine::question::{FIELDS, Fetched, QUESTIONS_MAX, Question};
use crate::engine::request::Method;
use crate::engine::script::run::{self, Stop, Unasked};
use crate::engine::script::value;

/// How long an answer is waited for, unless the script says otherwise; never longer than the rule may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What can be said about a question besides what it holds.
pub(super) const OPTIONS: [&str; 3] = ["timeout", "cache", "optional"];

/// What came of a question, as a script sees it.
#[derive(Debug, Clone)]
pub(super) struct Answer(Arc<Fetched>);

#[export_module]
pub(super) mod functions {
    /// Asks `url`, a text, and gives the answer: its `status`, `headers`, `text`, and `json` if it is JSON. What is no
    /// success (a status from 200 to 299) is an error, which can be caught, and otherwise ends the script.
    ///
    /// ```rhai
    /// let crm = http::get("https://crm.example.com/people/7");
    /// `${crm.status} ${crm.json.name}` // "200 Ada"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn get(context: NativeCallContext, url: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Get, &url, Dynamic::UNIT, &Map::new()))
    }

    /// The same with `options`: `headers`, `query` (fields that are added to the URL), `timeout` (`"1500ms"`, or seconds),
    /// `cache` (for how long the answer may be used again), and `optional: true`, with which a failure is no error: the
    /// answer has an `error` then.
    ///
    /// ```rhai
    /// let crm = http::get("https://crm.example.com/gone", #{ timeout: "2s", optional: true });
    /// crm.error // "it answered 404"
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_with(context: NativeCallContext, url: Dynamic, options: Map) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Get, &url, Dynamic::UNIT, &options))
    }

    /// Sends `json` to `url` and gives the answer. What is to be done, rather than asked, is safer as an action (`act::post`):
    /// that is repeated until it arrives.
    ///
    /// ```rhai
    /// http::post("https://crm.example.com/people", #{ name: "Ada" }).json.id // 7
    /// ```
    #[rhai_fn(return_raw)]
    pub fn post(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Post, &url, json, &Map::new()))
    }

    /// The same with `options`, as for `http::get`. Instead of `json`, which is `()` then, they can hold a `form` or a `body`.
    ///
    /// ```rhai
    /// let form = #{ form: #{ name: "Ada" } };
    /// http::post("https://crm.example.com/people", (), form).status // 201
    /// ```
    #[rhai_fn(name = "post", return_raw)]
    pub fn post_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Post, &url, json, &options))
    }

    /// As `http::post`, with `PUT`.
    ///
    /// ```rhai
    /// http::put("https://crm.example.com/people/7", #{ name: "Ada" }).status // 200
    /// ```
    #[rhai_fn(return_raw)]
    pub fn put(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Put, &url, json, &Map::new()))
    }

    /// As `http::post` with options, with `PUT`.
    ///
    /// ```rhai
    /// http::put("https://crm.example.com/people/7", (), #{ body: "Ada" }).status // 200
    /// ```
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Put, &url, json, &options))
    }

    /// As `http::post`, with `PATCH`.
    ///
    /// ```rhai
    /// http::patch("https://crm.example.com/people/7", #{ name: "Ada" }).status // 200
    /// ```
    #[rhai_fn(return_raw)]
    pub fn patch(context: NativeCallContext, url: Dynamic, json: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Patch, &url, json, &Map::new()))
    }

    /// As `http::post` with options, with `PATCH`.
    ///
    /// ```rhai
    /// http::patch("https://crm.example.com/people/7", #{ name: "Ada" }, #{ timeout: 2 }).status // 200
    /// ```
    #[rhai_fn(name = "patch", return_raw)]
    pub fn patch_with(
        context: NativeCallContext,
        url: Dynamic,
        json: Dynamic,
        options: Map,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Patch, &url, json, &options))
    }

    /// As `http::get`, with `DELETE`.
    ///
    /// ```rhai
    /// http::delete("https://crm.example.com/people/7").status // 200
    /// ```
    #[rhai_fn(return_raw)]
    pub fn delete(context: NativeCallContext, url: Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Delete, &url, Dynamic::UNIT, &Map::new()))
    }

    /// As `http::get` with options, with `DELETE`.
    ///
    /// ```rhai
    /// http::delete("https://crm.example.com/people/7", #{ headers: #{ "if-match": "1" } }).status // 200
    /// ```
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_with(context: NativeCallContext, url: Dynamic, options: Map) -> Result<Dynamic, Box<EvalAltResult>> {
        at(&context, || asked(Method::Delete, &url, Dynamic::UNIT, &options))
    }

    /// Asks several at once, and gives their answers in the same order. Each of `requests` is a URL, or an object with its
    /// method and URL (`get`, `post`, …), `json`, `form` or `body`, and the options of `http::get`.
    ///
    /// ```rhai
    /// let both = http::all([
    ///     "https://crm.example.com/people/7",
    ///     #{ post: "https://crm.example.com/people", json: #{ name: "Ada" }, optional: true },
    /// ]);
    /// both.map(|answer| answer.status) // [200,201]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn all(context: NativeCallContext, requests: Array) -> Result<Array, Box<EvalAltResult>> {
        at(&context, || together(&requests))
    }
}

/// What an answer is asked for.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Answer>("answer");
    for field in FIELDS {
        let path = [Segment::Key(field.into())];
        engine.register_get(field, move |answer: &mut Answer| value::from_val(&answer.0.get(&path)));
    }
}

/// What is to be asked, and whether a failure is one.
struct Asks {
    question: Question,
    optional: bool,
}

fn asked(method: Method, url: &Dynamic, json: Dynamic, options: &Map) -> Outcome<Dynamic> {
    let asks = Asks::of(method, url, json, options)?;
    let answer = asks.ask();
    asks.answered(answer)
}

fn together(requests: &Array) -> Outcome<Array> {
    if QUESTIONS_MAX < requests.len() {
        return Err(fail(format_args!("at most {QUESTIONS_MAX} can be asked at once")));
    }
    let asks = requests.iter().map(Asks::read).collect::<Outcome<Vec<_>>>()?;
    // Each is asked before any of them is waited for.
    let answers: Vec<_> = asks.iter().map(Asks::ask).collect();
    asks.iter().zip(answers).map(|(asks, answer)| asks.answered(answer)).collect()
}

impl Asks {
    fn of(method: Method, url: &Dynamic, json: Dynamic, options: &Map) -> Outcome<Asks> {
        let options = outgoing::with_json(options, json)?;
        let time = |name: &str| options.get(name).map(|written| outgoing::duration(name, written)).transpose();
        let (timeout, cache) = (time("timeout")?.unwrap_or(TIMEOUT), time("cache")?);
        let optional = options.get("optional").map_or(Ok(false), Dynamic::as_bool);
        let optional = optional.map_err(|_| fail("`optional` is `true` or `false`"))?;
        let request = outgoing::request(method, url, &options, &OPTIONS, timeout)?;
        Ok(Asks { question: Question { request, cache, occurrence: None }, optional })
    }

    /// A request as it stands in a list.
    fn read(request: &Dynamic) -> Outcome<Asks> {
        if request.is_string() || request.is::<SecretText>() {
            return Asks::of(Method::Get, request, Dynamic::UNIT, &Map::new());
        }
        let Ok(mut options) = request.as_map_ref().map(|map| map.clone()) else {
            return Err(fail("each request is a URL, or an object such as `#{ get: \"https://…\" }`"));
        };
        let (method, url) = outgoing::method_of(&mut options)?;
        Asks::of(method, &url, Dynamic::UNIT, &options)
    }

    fn ask(&self) -> Result<Arc<Fetched>, Unasked> {
        run::ask(self.question.clone()).unwrap_or(Err(Unasked::OutOfTime))
    }

    fn answered(&self, answer: Result<Arc<Fetched>, Unasked>) -> Outcome<Dynamic> {
        let fetched = answer.map_err(|unasked| match unasked {
            Unasked::Later => stopped(Stop::Unanswered),
            Unasked::OutOfTime => stopped(Stop::OutOfTime),
            Unasked::TooMany => fail(unasked),
        })?;
        match fetched.error() {
            Some(error) if !self.optional => {
                let whom = self.question.request.addressee();
                Err(unfetched(format_args!("{whom}: {error}"), fetched.is_passing()))
            }
            _ => Ok(Dynamic::from(Answer(fetched))),
        }
    }
}

/// Ends the script in a way that it cannot catch.
#[expect(clippy::unnecessary_box_returns, reason = "Rhai wants its errors in boxes")]
fn stopped(stop: Stop) -> Box<EvalAltResult> {
    run::stop_soon(stop);
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE))
}
