//! Secrets that stand in the settings file itself: the author is told of a better place, and no report shows their lines.

use super::tls;
use crate::engine::diagnostic::{Diagnostic, Sources, Span};
use crate::engine::source::yaml::{Node, Yaml};

/// The settings that hold secrets.
const HOLDS_SECRETS: &[&str] = &["auth", "decrypt", "admin", "secrets"];
/// What a secret stands under.
const SECRET: &[&str] = &["secret", "token", "key"];
/// What stands beside one, and is none.
const NO_SECRET: &[&str] = &[
    "addresses",
    "algorithm",
    "encoding",
    "env",
    "file",
    "header",
    "include_timestamp",
    "key_is_base64",
    "listen",
    "message_id_header",
    "paths",
    "payload",
    "prefix",
    "signature_header",
    "timestamp_header",
    "tolerance",
];

/// Where values that are secret, or may be, stand in the file.
#[derive(Default)]
pub(super) struct Literal {
    secrets: Vec<(String, Span)>,
    suspects: Vec<Span>,
}

/// Finds the secrets in the settings `tree`, whose placeholders are not filled yet.
pub(super) fn literal(tree: &Node) -> Literal {
    let mut literal = Literal::default();
    literal.look_at("", tree, false);
    literal
}

impl Literal {
    /// Looks at what stands under `name`, perhaps inside of a setting that holds secrets.
    fn look_at(&mut self, name: &str, node: &Node, inside: bool) {
        let is_secret = SECRET.contains(&name);
        match &node.value {
            Yaml::List(items) => items.iter().for_each(|item| self.look_at(name, item, inside)),
            Yaml::Map(entries) => {
                for (key, inner) in entries {
                    if key.text == "tls" && matches!(name, "" | "admin") {
                        self.look_at_files(inner);
                        continue;
                    }
                    self.look_at(&key.text, inner, inside || HOLDS_SECRETS.contains(&key.text.as_str()));
                }
            }
            // It may be that a `#` has cut it off.
            Yaml::Null => self.suspects.push(node.span),
            Yaml::Text(text) if text.text.is_empty() || text.text.contains("${") => {}
            Yaml::Text(_) | Yaml::Int(_) | Yaml::Float(_) => {
                // `auth: none` and `admin: 127.0.0.1:9090` are no secrets.
                let plain = NO_SECRET.contains(&name) || name == "admin" || node.as_str() == Some("none");
                if is_secret || (inside && !plain) {
                    self.suspects.push(node.span);
                }
                if is_secret && inside {
                    self.secrets.push((name.to_owned(), node.span));
                }
            }
            Yaml::Bool(_) => {}
        }
    }

    /// Looks at `tls`, whose `key` is the name of a file, unless somebody has put the key itself there.
    fn look_at_files(&mut self, node: &Node) {
        match &node.value {
            Yaml::Map(entries) => entries.iter().for_each(|(_, inner)| self.look_at_files(inner)),
            Yaml::List(items) => items.iter().for_each(|item| self.look_at_files(item)),
            Yaml::Text(text) if tls::is_pasted(&text.text) => self.suspects.push(node.span),
            _ => {}
        }
    }

    /// Says where secrets stand better, unless something else is to be said of them.
    pub(super) fn hint(&self, found: &mut Vec<Diagnostic>) {
        for (name, span) in &self.secrets {
            if found.iter().any(|one| one.span == *span) {
                continue;
            }
            found.push(
                Diagnostic::hint("literal-secret", *span, format!("this `{name}` stands in the file as it is")).help(
                    format!("keep it in the environment: `{name}: \"${{env.NAME}}\"`, so that the file can be shared"),
                ),
            );
        }
    }

    /// Marks what was found on the same lines.
    pub(super) fn conceal(&self, found: &mut [Diagnostic], sources: &Sources) {
        let lines: Vec<_> =
            self.suspects.iter().map(|span| sources.place(*span).line..=sources.end(*span).line).collect();
        for one in found {
            let line = sources.place(one.span).line;
            if lines.iter().any(|lines| lines.contains(&line)) {
                conceal(one);
            }
        }
    }
}

/// Takes out of a finding what would show the line that it is about.
pub(super) fn conceal(one: &mut Diagnostic) {
    one.sensitive = true;
    if one.slug == "yaml-number" {
        "this number is too large to be kept exactly".clone_into(&mut one.message);
    }
    // What is wrong with YAML is best mended by a copy of the line, but for this.
    let copies = |help: &String| help.contains("write `") || help.contains("quotes: ");
    if one.slug.starts_with("yaml-") {
        one.help.retain(|help| !copies(help));
        if one.help.is_empty() {
            one.help.push("a space stands behind each `:` and `-`, and quotes around a value with other signs".into());
        }
    }
}
