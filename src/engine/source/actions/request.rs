//! Requests to other services, and what can be wrong with them.

use std::time::Duration;

use super::super::Workshop;
use super::super::names::{Names, Stage};
use super::super::read::{Field, Spanned};
use super::super::yaml::{Node, Yaml};
use super::{ActionSource, RetrySource, UnlessBySource, control};
use crate::engine::act::Errand;
use crate::engine::action::{Retry, UnlessBy};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::kind::Kind;
use crate::engine::outgoing::{Content, Outgoing};
use crate::engine::request::{Method, Target, VAPI};
use crate::engine::template::{Part, Template};
use crate::engine::term::{Lookup, Term};

/// How long one attempt may take, unless the action says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// How an action is tried again, unless it says otherwise.
const RETRY: Retry = Retry { attempts_max: 20, age_max: Duration::from_secs(24 * 3600) };
const ATTEMPTS_MAX: u32 = 1000;
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an action can wait to be sent.
const AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// The secret with which it is used.
const VAPI_KEY: &str = "vapi";
/// Header fields that the request has already.
const TAKEN: &[&str] =
    &["host", "content-length", "connection", "transfer-encoding", "idempotency-key", "upgrade", "te"];

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
            _ => match method(verb) {
                Some(method) => (Target::Anybody, method, self.url(node, sending)?, self.content(source, sending)),
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
        let timeout = self.at_most(source.timeout.as_ref(), TIMEOUT_MAX).unwrap_or(TIMEOUT);
        Some(Errand {
            request: Outgoing { target, method, url, headers, body, timeout },
            after: self.at_most(source.after.as_ref(), AFTER_MAX).unwrap_or_default(),
            unless_by: source.unless_by.as_ref().and_then(Field::get).and_then(|unless| self.unless_by(unless)),
            retry: self.retry(retry, if target == Target::CallControl { control::RETRY } else { RETRY }),
            in_order: target == Target::CallControl || self.in_order(source.order.as_ref()),
            sign: source.sign.as_ref().and_then(Field::get).and_then(|sign| self.text("the key", &sign.key, names)),
        })
    }

    fn url(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let template = self.text("a URL", node, names)?;
        let begins = match &template {
            Template::Constant(value) => value.as_str(),
            Template::Text(parts) => parts.first().and_then(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Hole(_) => None,
            }),
            _ => None,
        };
        let host = begins.map(|begins| begins.strip_prefix("https://").or_else(|| begins.strip_prefix("http://")));
        let (message, help) = match host {
            // What is filled in at its beginning is not known yet.
            None => return Some(template),
            Some(Some(host)) if !host.is_empty() && !host.starts_with(['/', '?', '#', ':']) && !host.contains(' ') => {
                return Some(template);
            }
            Some(Some(host)) if host.contains(' ') => ("a URL has no spaces", "write `%20` for a space"),
            Some(Some(_)) => ("this URL has no host", "write for example `https://crm.example.com/calls`"),
            Some(None) => ("a URL begins with `https://`", "write for example `https://crm.example.com/calls`"),
        };
        self.found.push(Diagnostic::error("bad-url", node.span, message).help(help));
        None
    }

    fn content(&mut self, source: &ActionSource, names: &Names) -> Option<Content> {
        let given = [("json", &source.json), ("form", &source.form), ("body", &source.body)];
        let mut given = given.into_iter().filter_map(|(name, node)| Some((name, node.as_ref()?)));
        let (name, node) = given.next()?;
        if let Some((other, second)) = given.next() {
            let message = format!("a request has one of `json`, `form` and `body`, not `{name}` and `{other}`");
            self.found.push(
                Diagnostic::error("two-actions", second.span, message)
                    .note(node.span, "the other one is here")
                    .help("keep the one that the other service reads"),
            );
        }
        match name {
            "json" => Some(Content::Json(self.template(node, names))),
            "form" => self.fields("`form`", node, names).map(Content::Form),
            _ => self.text("`body`", node, names).map(Content::Text),
        }
    }

    /// A mapping of names to texts.
    fn fields(&mut self, what: &str, node: &Node, names: &Names) -> Option<Vec<(String, Template)>> {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("{what} is a mapping of names to texts, not {}", node.describe());
            self.found.push(Diagnostic::error("wrong-type", node.span, message));
            return None;
        };
        let fields = entries.iter().filter_map(|(key, value)| {
            let name = format!("`{}`", key.text);
            Some((key.text.clone(), self.text(&name, value, names)?))
        });
        Some(fields.collect())
    }

    fn headers(&mut self, node: Option<&Node>, names: &Names) -> Vec<(String, Template)> {
        let Some(node) = node else { return Vec::new() };
        for (key, _) in node.entries() {
            let name = key.text.to_ascii_lowercase();
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            let (message, help) = if TAKEN.contains(&name.as_str()) {
                (format!("`{}` is set by the daemon", key.text), "remove it")
            } else if name.is_empty() || !name.bytes().all(token) {
                (format!("no header can be called `{}`", key.text), "a name is made of letters, digits and `-`")
            } else {
                continue;
            };
            self.found.push(Diagnostic::error("invalid-value", key.span, message).help(help));
        }
        let headers = self.fields("`headers`", node, names).unwrap_or_default();
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
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
            Template::Constant(path) => vec![Part::Text(path.as_str().unwrap_or_default().into())],
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
        let url = Template::Text([Part::Text(VAPI.into())].into_iter().chain(path).collect());
        let body = json.as_ref().map(|json| Content::Json(self.template(json, names)));
        Some((Target::Vapi, method, url, body))
    }

    fn method_word(&mut self, written: &Spanned<String>) -> Option<Method> {
        let method = method(&written.value.to_ascii_lowercase());
        if method.is_none() {
            let message = format!("`{}` is not a method", written.value);
            let help = "write one of `get`, `post`, `put`, `patch` and `delete`";
            self.found.push(Diagnostic::error("unknown-value", written.span, message).help(help));
        }
        method
    }

    fn at_most(&mut self, field: Option<&Field<Spanned<Duration>>>, most: Duration) -> Option<Duration> {
        let written = field.and_then(Field::get)?;
        if most < written.value {
            let message = format!("this can last for {} at most", words(most));
            self.found.push(Diagnostic::error("invalid-value", written.span, message));
        }
        Some(written.value)
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

/// A time as authors write it.
fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn method(word: &str) -> Option<Method> {
    match word {
        "get" => Some(Method::Get),
        "post" => Some(Method::Post),
        "put" => Some(Method::Put),
        "patch" => Some(Method::Patch),
        "delete" => Some(Method::Delete),
        _ => None,
    }
}

fn bearer() -> Template {
    let key = Part::Hole(Term::Lookup(Lookup::Secret(VAPI_KEY.into())));
    Template::Text(vec![Part::Text("Bearer ".into()), key])
}
