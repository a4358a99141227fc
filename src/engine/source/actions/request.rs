//! Requests to other services, and what can be wrong with them.

use std::time::Duration;

use super::super::Workshop;
use super::super::names::{Names, Stage};
use super::super::read::{Field, Spanned};
use super::super::yaml::Node;
use super::{ActionSource, RetrySource, UnlessBySource};
use crate::engine::act::Errand;
use crate::engine::action::{Action, Retry, UnlessBy};
use crate::engine::control::{RETRY, VAPI_KEY};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::kind::Kind;
use crate::engine::outgoing::{Content, Outgoing};
use crate::engine::request::{Method, Target, VAPI};
use crate::engine::template::{Part, Template};
use crate::engine::term::{Lookup, Term};

const TIMEOUT_MAX: Duration = Duration::from_secs(300);
const ATTEMPTS_MAX: u32 = 1000;
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an action can wait to be sent.
const AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
impl Workshop<'_> {
    pub(super) fn request(
        &mut self,
        verb: &'static str,
        node: &Node,
        source: &ActionSource,
        names: &Names,
    ) -> Option<Errand> {
        let sending = &names.at(Stage::Sending);
        let (target, method, url, body) = match verb {
            "vapi" => self.vapi(node, source, sending)?,
            _ => match Method::named(verb) {
                Some(method) => {
                    (Target::Anybody, method, self.url(node, sending)?, self.content(source.content(), sending))
                }
                // It is said to a caller or to a model.
                None => self.control(verb, node, source, names)?,
            },
        };
        let names = sending;
        let mut headers = self.headers(source.headers.as_ref(), names);
        if target == Target::Vapi {
            headers.push(("authorization".to_owned(), bearer()));
        }
        let retry = source.retry.as_ref().and_then(Field::get);
        let timeout = self.at_most(source.timeout.as_ref(), TIMEOUT_MAX).unwrap_or(Action::TIMEOUT);
        Some(Errand {
            request: Outgoing { target, method, url, headers, body, timeout },
            after: self.at_most(source.after.as_ref(), AFTER_MAX).unwrap_or_default(),
            unless_by: source.unless_by.as_ref().and_then(Field::get).and_then(|unless| self.unless_by(unless)),
            retry: self.retry(retry, if target == Target::CallControl { RETRY } else { Retry::USUAL }),
            in_order: target == Target::CallControl || self.in_order(source.order.as_ref()),
            sign: source.sign.as_ref().and_then(Field::get).and_then(|sign| self.text("the key", &sign.key, names)),
        })
    }

    /// `vapi: { method: …, path: …, json: … }`
    fn vapi(
        &mut self,
        node: &Node,
        source: &ActionSource,
        names: &Names,
    ) -> Option<(Target, Method, Template, Option<Content>)> {
        for (name, span) in source.about_requests() {
            let help = format!("write it inside of `vapi`: `vapi: {{ path: …, {name}: … }}`");
            self.found.push(Diagnostic::error("unknown-field", span, "`vapi` has its content inside").help(help));
        }
        let VapiSource { method, path, json } = super::read(node, "`vapi`", self.found)?;
        let method = match method.as_ref().and_then(Field::get) {
            None => Method::Post,
            Some(written) => self.method_word(written)?,
        };
        let path = match self.text("`path`", &path, names)? {
            Template::Constant(path) => vec![Part::Text(path.as_str().unwrap_or_default().to_owned())],
            Template::Text(parts) => parts,
            Template::Hole(term) => vec![Part::Hole(term)],
            Template::List(_) | Template::Map(_) => return None,
        };
        if matches!(path.first(), Some(Part::Text(text)) if !text.starts_with('/')) {
            self.found.push(
                Diagnostic::error("bad-url", node.span, "the path begins with `/`")
                    .help("write for example `path: /call`"),
            );
        }
        let known = self.options.secrets.as_ref().is_none_or(|known| known.iter().any(|known| known == VAPI_KEY));
        if !known {
            let message = format!("Vapi's API wants the private key, and the settings have no secret `{VAPI_KEY}`");
            let help = "add it to `switchhook.yaml`: `secrets: { vapi: { env: VAPI_PRIVATE_KEY } }`";
            self.found.push(Diagnostic::error("unknown-secret", node.span, message).help(help));
        }
        let url = Template::Text([Part::Text(VAPI.to_owned())].into_iter().chain(path).collect());
        let body = json.as_ref().map(|json| Content::Json(self.template(json, names)));
        Some((Target::Vapi, method, url, body))
    }

    fn method_word(&mut self, written: &Spanned<String>) -> Option<Method> {
        let method = Method::named(&written.value.to_ascii_lowercase());
        if method.is_none() {
            let message = format!("`{}` is not a method", written.value);
            let help = "write one of `get`, `post`, `put`, `patch` and `delete`";
            self.found.push(Diagnostic::error("unknown-value", written.span, message).help(help));
        }
        method
    }

    fn unless_by(&mut self, unless: &UnlessBySource) -> Option<UnlessBy> {
        let (kind, within) = (unless.kind.get()?, unless.within.get()?);
        if Kind::from_name(&kind.value).is_none() {
            let found =
                Diagnostic::error("unknown-event-kind", kind.span, format!("no event kind is called `{}`", kind.value));
            self.found.push(found.suggest(&kind.value, Kind::ALL.iter().map(|kind| kind.name())));
        }
        self.at_most(Some(&unless.within), AFTER_MAX);
        Some(UnlessBy { kind: kind.value.clone(), within: within.value })
    }

    fn retry(&mut self, source: Option<&RetrySource>, usual: Retry) -> Retry {
        let Some(source) = source else { return usual };
        let attempts = source.attempts.as_ref().and_then(Field::get);
        if let Some(attempts) = attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(&attempts.value)) {
            let message = format!("an action is tried from 1 to {ATTEMPTS_MAX} times");
            self.found
                .push(Diagnostic::error("invalid-value", attempts.span, message).help("`attempts: 1` is never again"));
        }
        Retry {
            attempts_max: attempts.map_or(usual.attempts_max, |attempts| attempts.value),
            age_max: self.at_most(source.within.as_ref(), AGE_MAX).unwrap_or(usual.age_max),
        }
    }

    fn in_order(&mut self, order: Option<&Field<Spanned<String>>>) -> bool {
        let Some(order) = order.and_then(Field::get) else { return false };
        if order.value != "call" {
            let message = format!("`{}` is no order", order.value);
            let help = "write `order: call`: the actions of one call are sent one after the other";
            self.found.push(Diagnostic::error("unknown-value", order.span, message).help(help));
        }
        true
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename = "`vapi`")]
struct VapiSource {
    method: Option<Field<Spanned<String>>>,
    path: Node,
    json: Option<Node>,
}

fn bearer() -> Template {
    let key = Part::Hole(Term::Lookup(Lookup::Secret(VAPI_KEY.into())));
    Template::Text(vec![Part::Text("Bearer ".to_owned()), key])
}
