//! Where requests lead, as far as that is known when the rules are loaded.

use super::Workshop;
use super::names::Names;
use super::yaml::Node;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::request::VAPI;
use crate::engine::template::{Part, Template};
use crate::engine::url::{UrlFault, parse};

/// Stands for what is filled in, of which nothing is known but that it stays one value: it can be in a host, a port, a path.
const FILLED_IN: &str = "0";

impl Workshop<'_> {
    /// The URL of somebody else.
    pub(super) fn url(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let template = self.text("a URL", node, names)?;
        let written = match &template {
            Template::Constant(value) => value.as_str().map(str::to_owned),
            Template::Text(parts) => shape(parts),
            _ => None,
        };
        // What is filled in at its beginning is not known yet.
        let Some(wrong) = written.and_then(|written| wrong_with(&written, node.span)) else {
            self.check_inside(&template, node.span);
            return Some(template);
        };
        self.found.push(wrong);
        None
    }

    /// A path of Vapi's REST API, as a URL. It is sent with the private key, so that its beginning must not be anybody's
    /// choice.
    pub(super) fn vapi_url(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let path = match self.text("`path`", node, names)? {
            Template::Constant(path) => vec![Part::Text(path.as_str().unwrap_or_default().into())],
            Template::Text(parts) => parts,
            Template::Hole(term) => vec![Part::Hole(term)],
            Template::List(_) | Template::Map(_) => return None,
        };
        let message = match path.first() {
            Some(Part::Text(text)) if text.starts_with('/') => None,
            Some(Part::Hole(_)) => Some("whatever is filled in here could choose any path of Vapi's API"),
            _ => Some("the path begins with `/`"),
        };
        if let Some(message) = message {
            let help = "write out where it begins, and fill in single values: `path: /call/${call.id}`";
            self.found.push(Diagnostic::error("bad-url", node.span, message).help(help));
        }
        let url: Vec<Part> = [Part::Text(VAPI.into())].into_iter().chain(path).collect();
        if message.is_none() {
            self.found.extend(shape(&url).and_then(|written| wrong_with(&written, node.span)));
        }
        Some(Template::Text(url))
    }
}

/// What a URL looks like, if its beginning is known.
fn shape(parts: &[Part]) -> Option<String> {
    let texts = parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { FILLED_IN });
    matches!(parts.first(), Some(Part::Text(_))).then(|| texts.collect())
}

/// What is wrong with a URL, if anything is.
fn wrong_with(url: &str, span: Span) -> Option<Diagnostic> {
    const HOST: &str = "a host is a name such as `crm.example.com` (others than ASCII letters are written in Punycode) or \
                        an address; a port is a number up to 65535, as in `crm.example.com:8443`";
    const SIGNS: &str = "letters, digits and `-._~` can always stand; others are written as `%3C` is for `<`";
    const EXAMPLE: &str = "write for example `https://crm.example.com/calls`";
    let wrong = |message: &str, help: &str| Some(Diagnostic::error("bad-url", span, message).help(help));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return wrong("a URL begins with `https://`", EXAMPLE);
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if url.contains(' ') {
        wrong("a URL has no spaces", "write `%20` for a space")
    } else if authority.contains('@') {
        let help = "send them in a header: `headers: { authorization: \"Basic ${secrets.name}\" }`, where the secret is \
                    `user:password` in base64";
        // The line shows the password.
        wrong("a URL holds no user or password here", help).map(|found| Diagnostic { sensitive: true, ..found })
    } else if authority.is_empty() || authority.starts_with(':') {
        wrong("this URL has no host", EXAMPLE)
    } else {
        match parse(url) {
            Ok(_) => None,
            Err(UrlFault::Dots) => {
                wrong("a path with `.` or `..` in it leads elsewhere than it seems to", "write out where it leads")
            }
            Err(_) if parse(&format!("https://{authority}/")).is_err() => {
                wrong(&format!("`{authority}` is no host, or none with a port"), HOST)
            }
            Err(_) => wrong("there is a sign in this URL that cannot stand there", SIGNS),
        }
    }
}
