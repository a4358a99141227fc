//! Requests to other services, and what can be wrong with them.

use super::super::Workshop;
use super::super::names::{Names, Stage};
use super::super::read::{Anything, Field, Spanned, Text, written};
use super::super::yaml::Node;
use super::ActionSource;
use super::outline::MethodName;
use crate::engine::act::Errand;
use crate::engine::action::Retry;
use crate::engine::action::signing_key::SigningKey;
use crate::engine::control::{RETRY, VAPI_KEY};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::outgoing::{Content, Outgoing};
use crate::engine::request::{Method, Target};
use crate::engine::template::{Constant, Part, Template};
use crate::engine::term::{Lookup, Term};

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
        let timeout = self.attempt_time(source);
        let usual = if target == Target::CallControl { RETRY } else { Retry::USUAL };
        Some(Errand {
            request: Outgoing { target, method, url, headers, body, timeout },
            after: self.waiting_time(source),
            unless_by: source.unless_by.as_ref().and_then(Field::get).and_then(|unless| self.unless_by(unless)),
            retry: source.retry.as_ref().and_then(Field::get).map_or(usual, |retry| self.retry(retry, usual)),
            in_order: target == Target::CallControl || self.in_order(source.order.as_ref()),
            sign: source.sign.as_ref().and_then(Field::get).and_then(|sign| self.signing_key(&sign.key, names)),
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
        let url = self.vapi_url(&path, names)?;
        let known = self.options.secrets.as_ref().is_none_or(|known| known.iter().any(|known| known == VAPI_KEY));
        if !known {
            let message = format!("Vapi's API wants the private key, and the settings have no secret `{VAPI_KEY}`");
            let help = "add it to `switchhook.yaml`: `secrets: { vapi: { env: VAPI_PRIVATE_KEY } }`";
            self.found.push(Diagnostic::error("unknown-secret", node.span, message).help(help));
        }
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

    fn signing_key(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let key = self.text("the key", node, names)?;
        let written = match &key {
            Template::Constant(Constant::Text(text)) => text.to_string(),
            Template::Constant(value) => value.to_value().to_string(),
            // What is filled in is known only when it is sent.
            _ => return Some(key),
        };
        if let Err(error) = SigningKey::parse(&written) {
            let help = "write `key: \"${secrets.name}\"`, and keep there what the receiver has given you: `whsec_…`";
            let found = Diagnostic::error("bad-key", node.span, error.to_string()).help(help);
            self.found.push(Diagnostic { sensitive: true, ..found });
        }
        Some(key)
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

written! {
    #[derive(Debug)]
    #[serde(rename = "`vapi`")]
    pub(super) struct VapiSource {
        method: Option<Field<Spanned<String>>> as MethodName = "How it is sent; `post` if nothing is said.",
        path: Node as Text = "What is asked for: `/call/${call.id}`.",
        json: Option<Node> as Anything = "What the request holds.",
    }
}

fn bearer() -> Template {
    let key = Part::Hole(Term::Lookup(Lookup::Secret(VAPI_KEY.into())));
    Template::Text(vec![Part::Text("Bearer ".into()), key])
}
