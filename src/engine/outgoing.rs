//! A request to somebody else with placeholders, compiled once and rendered for each event.

use std::time::Duration;

use super::json::Val;
use super::request::{Body, Method, Part, Request, Target, Text, Written};
use super::scope::Scope;
use super::script::ScriptFault;
use super::template::{self, Constant, Template};
use super::term::{Lookup, Term};

/// Enough for most texts, so that they need not grow piece by piece.
const PART_BYTES_USUAL: usize = 256;

/// A request, with placeholders.
#[derive(Debug)]
pub struct Outgoing {
    /// Whom it is for.
    pub target: Target,
    /// How it is sent.
    pub method: Method,
    /// Where to.
    pub url: Template,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// What is sent.
    pub body: Option<Content>,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// What a request holds.
#[derive(Debug)]
pub enum Content {
    /// JSON.
    Json(Template),
    /// A form, as browsers send it.
    Form(Vec<(String, Template)>),
    /// A text.
    Text(Template),
}

/// Why a request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmade {
    /// A script in it failed.
    Script(ScriptFault),
    /// The event does not say where to.
    Nowhere,
}

impl From<ScriptFault> for Unmade {
    fn from(fault: ScriptFault) -> Unmade {
        Unmade::Script(fault)
    }
}

impl Outgoing {
    /// The request as it is to be sent.
    ///
    /// # Errors
    /// When a script in a placeholder fails, or there is no URL.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Request, Unmade> {
        let url = url(&self.url, self.target, scope)?;
        if url.0.iter().all(|part| matches!(part, Part::Plain(text) if text.trim().is_empty())) {
            return Err(Unmade::Nowhere);
        }
        let headers = self.headers.iter().map(|(name, value)| Ok((name.clone(), plain(value, scope)?.on_one_line())));
        Ok(Request {
            target: self.target,
            method: self.method,
            url,
            headers: headers.collect::<Result<_, ScriptFault>>()?,
            body: self.body.as_ref().map(|content| content.render(scope)).transpose()?,
            timeout: self.timeout,
        })
    }
}

impl Content {
    fn render(&self, scope: &Scope<'_>) -> Result<Body, ScriptFault> {
        let mut text = Writer::default();
        let body = match self {
            Content::Json(tree) => {
                text.json(tree, scope)?;
                Body::json
            }
            Content::Form(fields) => {
                for (number, (name, value)) in fields.iter().enumerate() {
                    text.push(if number == 0 { "" } else { "&" });
                    text.push(&Written::Percent.write(name));
                    text.push("=");
                    text.template(value, Written::Percent, scope)?;
                }
                Body::form
            }
            Content::Text(template) => {
                text.template(template, Written::Plain, scope)?;
                Body::text
            }
        };
        Ok(body(text.done()))
    }
}

/// A text as it is.
pub(super) fn plain(template: &Template, scope: &Scope<'_>) -> Result<Text, ScriptFault> {
    let mut text = Writer::default();
    text.template(template, Written::Plain, scope)?;
    Ok(text.done())
}

/// A URL. What it begins with is taken as it is; what is filled in behind that is a part of it, and is written so that it
/// stays one.
fn url(template: &Template, target: Target, scope: &Scope<'_>) -> Result<Text, ScriptFault> {
    let mut text = Writer::default();
    match template {
        Template::Text(parts) => {
            for (number, part) in parts.iter().enumerate() {
                match part {
                    template::Part::Text(part) => text.push(part),
                    template::Part::Hole(term) => {
                        text.term(term, if number == 0 { Written::Plain } else { Written::Percent }, scope)?;
                    }
                }
            }
        }
        whole => text.template(whole, Written::Plain, scope)?,
    }
    let mut text = text.done();
    if target == Target::CallControl {
        // The documentation prints the address between angle brackets, and some pass it on like that.
        for part in &mut text.0 {
            if let Part::Plain(plain) = part {
                *plain = plain.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
            }
        }
    }
    Ok(text)
}

/// Writes a text in which secrets stand by their names.
#[derive(Default)]
struct Writer(Vec<Part>);

impl Writer {
    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Plain(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => {
                let mut part = String::with_capacity(text.len().max(PART_BYTES_USUAL));
                part.push_str(text);
                self.0.push(Part::Plain(part));
            }
        }
    }

    fn done(self) -> Text {
        Text(self.0)
    }

    /// A template as it reads inside a text, each value in it `written` so.
    fn template(&mut self, template: &Template, written: Written, scope: &Scope<'_>) -> Result<(), ScriptFault> {
        match template {
            Template::Hole(term) => self.term(term, written, scope),
            Template::Text(parts) => {
                for part in parts {
                    match part {
                        template::Part::Text(text) => self.push(&written.write(text)),
                        template::Part::Hole(term) => self.term(term, written, scope)?,
                    }
                }
                Ok(())
            }
            Template::Constant(Constant::Text(text)) => {
                self.push(&written.write(text));
                Ok(())
            }
            tree => {
                let value = tree.render(scope)?;
                if !value.is_null() {
                    self.push(&written.write(&value.to_string()));
                }
                Ok(())
            }
        }
    }

    fn term(&mut self, term: &Term, written: Written, scope: &Scope<'_>) -> Result<(), ScriptFault> {
        if let Term::Lookup(Lookup::Secret(name)) = term {
            self.0.push(Part::Secret { name: name.to_string(), written });
            return Ok(());
        }
        self.push(&written.write(&template::read(&scope.term(term)?)));
        Ok(())
    }

    /// A template as JSON.
    fn json(&mut self, template: &Template, scope: &Scope<'_>) -> Result<(), ScriptFault> {
        match template {
            Template::Constant(value) => self.push(&value.to_value().to_string()),
            Template::Hole(Term::Lookup(Lookup::Secret(_))) | Template::Text(_) => {
                self.push("\"");
                self.template(template, Written::Json, scope)?;
                self.push("\"");
            }
            Template::Hole(term) => self.value(&scope.term(term)?),
            Template::List(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.push(if number == 0 { "[" } else { "," });
                    self.json(item, scope)?;
                }
                self.push(if items.is_empty() { "[]" } else { "]" });
            }
            Template::Map(entries) => {
                for (number, (key, entry)) in entries.iter().enumerate() {
                    self.push(if number == 0 { "{" } else { "," });
                    self.quoted(key);
                    self.push(":");
                    self.json(entry, scope)?;
                }
                self.push(if entries.is_empty() { "{}" } else { "}" });
            }
        }
        Ok(())
    }

    /// A value as JSON; what is absent is `null`.
    fn value(&mut self, value: &Val<'_>) {
        match value.as_str() {
            Some(text) => self.quoted(&text),
            None => self.push(&value.to_value().to_string()),
        }
    }

    /// A text as JSON.
    fn quoted(&mut self, text: &str) {
        self.push("\"");
        self.push(&Written::Json.write(text));
        self.push("\"");
    }
}
