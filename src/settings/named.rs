//! Reads `secrets`: values by their names, from the environment or from files.
//!
//! No message says anything of a value, and not what `env` or `file` hold either: whoever writes `${env.NAME}` there has
//! put the value itself in their place.

use std::fmt::Display;
use std::path::Path;

use secrecy::SecretString;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::environment::variable;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::schema::{Definitions, Outline, one_of};
use crate::engine::source::read::{Entries, Field, Spanned, read_secret, written};
use crate::engine::source::yaml::Node;
use crate::load;
use crate::secrets::Secrets;

/// The longest secret, in bytes; a private key is shorter.
const BYTES_MAX: usize = 64 << 10;
/// What begins the only secrets that have several lines.
const PEM: &str = "-----BEGIN ";

written! {
    #[derive(Debug)]
    #[serde(rename = "a secret")]
    struct SecretSource {
        env: Field<Option<Spanned<String>>> = "The name of the environment variable that holds it: `CRM_TOKEN`.",
        file: Field<Option<Spanned<String>>> = "The file that holds it; read again when it changes.",
    }
    with of_secret;
}

/// A secret comes from one place.
fn of_secret(_: &mut Definitions) -> Value {
    one_of(["env", "file"])
}

/// Secrets by their names.
pub(super) enum SecretsOutline {}

impl Outline for SecretsOutline {
    fn outline(defs: &mut Definitions) -> Value {
        let name = json!({ "pattern": "^[A-Za-z0-9_-]+$" });
        json!({ "type": "object", "propertyNames": name, "additionalProperties": SecretSource::outline(defs) })
    }
}

/// Reads the secrets; files are meant from `folder`.
pub(super) fn secrets(node: &Node, folder: &Path, found: &mut Vec<Diagnostic>) -> Secrets {
    let Some(Entries(entries)) = read_secret::<Entries<SecretSource>>(node, "`secrets`", found) else {
        return Secrets::default();
    };
    let mut secrets = Vec::with_capacity(entries.len());
    for (name, source) in entries {
        let value = source.value(&name, folder);
        match check_name(&name).and(value) {
            Ok(Some(value)) => secrets.push((name.value, value)),
            Ok(None) => {}
            Err(wrong) => found.push(*wrong),
        }
    }
    Secrets::new(secrets)
}

impl SecretSource {
    /// `None` if what is wrong has been told.
    fn value(&self, name: &Spanned<String>, folder: &Path) -> Result<Option<SecretString>, Box<Diagnostic>> {
        let (Some(env), Some(file)) = (self.env.get(), self.file.get()) else { return Ok(None) };
        match (env, file) {
            (Some(env), None) => from_environment(name, env).map(Some),
            (None, Some(file)) => from_file(name, file, folder).map(Some),
            (Some(_), Some(_)) => Err(bad(name.span, "a secret comes from `env` or from `file`, not from both")
                .help("keep one of them")
                .into()),
            (None, None) => Err(bad(name.span, format!("nothing says where the secret `{}` comes from", name.value))
                .help(format!("write `{}: {{ env: NAME }}` or `{}: {{ file: PATH }}`", name.value, name.value))
                .into()),
        }
    }
}

fn check_name(name: &Spanned<String>) -> Result<(), Box<Diagnostic>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.value.is_empty() && name.value.chars().all(plain) {
        return Ok(());
    }
    let message = format!("no secret can be called `{}`", name.value);
    Err(bad(name.span, message)
        .help("names have letters, digits, `_` and `-`, so that rules can say `${secrets.name}`")
        .into())
}

fn from_environment(name: &Spanned<String>, env: &Spanned<String>) -> Result<SecretString, Box<Diagnostic>> {
    let Some(value) = variable(&env.value).map(Zeroizing::new) else {
        let message = "the environment variable that `env` names is not set";
        let found = Diagnostic::error("unset-variable", env.span, message)
            .help("set it before the daemon starts; names are case-sensitive");
        // What is no name may be the value itself, filled in by a placeholder.
        let is_name = env.value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let help = "write its name alone: `{ env: CRM_TOKEN }`, not `{ env: \"${env.CRM_TOKEN}\" }`";
        return Err(if is_name { found } else { found.help(help) }.into());
    };
    sound(name, &value, env.span)
}

fn from_file(name: &Spanned<String>, file: &Spanned<String>, folder: &Path) -> Result<SecretString, Box<Diagnostic>> {
    let unreadable = |error: &dyn Display| {
        bad(file.span, format!("the file that `file` names cannot be read: {error}"))
            .help("the path is meant from the settings file's folder, and the daemon's user must be allowed to read it")
    };
    let bytes = load::bytes(&folder.join(&file.value)).map(Zeroizing::new).map_err(|error| unreadable(&error))?;
    if BYTES_MAX < bytes.len() {
        return Err(bad(file.span, format!("the file that `file` names is longer than {BYTES_MAX} bytes"))
            .help("it holds the secret alone")
            .into());
    }
    let text = str::from_utf8(&bytes).map_err(|error| unreadable(&error))?;
    // Editors and `echo` end a file with a line break, which is no part of the secret.
    sound(name, text.trim_end_matches(['\r', '\n']), file.span)
}

fn sound(name: &Spanned<String>, value: &str, span: Span) -> Result<SecretString, Box<Diagnostic>> {
    if value.trim().is_empty() {
        return Err(bad(span, "this secret is empty")
            .help("with an empty secret everybody could do what it protects")
            .into());
    }
    // No header holds it, and a signature would be another one. A key as PEM goes into a content, if anywhere.
    if value.contains(['\r', '\n']) && !value.starts_with(PEM) {
        return Err(bad(span, format!("the secret `{}` has several lines, and no header could hold it", name.value))
            .help("keep the secret alone there, on one line; line breaks at its end do not count")
            .into());
    }
    Ok(SecretString::from(value))
}

fn bad(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("bad-secret", span, message)
}
