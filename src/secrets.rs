//! Secrets by their names: values that texts of actions ask for, and that nothing but the sender of a request sees.
//!
//! What the settings name is read with them, and a file is read again when it changes, as every file is that they name.
//! So there is one moment at which a value changes, and it is told as any other change of the settings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::engine::request::{Part, Text, Written};

/// The secrets in force. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, SecretString>>);

/// A text asks for a secret that the settings do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no secret `{name}`; write it under `secrets` in the settings file")]
pub struct UnknownSecret {
    /// The name that was asked for.
    pub name: String,
}

impl Secrets {
    /// These secrets, each by its name.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = (String, SecretString)>) -> Secrets {
        Secrets(Arc::new(secrets.into_iter().collect()))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The text with its secrets in their places, each written as the place needs it. Its memory is wiped once it is
    /// dropped.
    ///
    /// # Errors
    /// The first secret that is not there.
    pub fn fill(&self, text: &Text) -> Result<Zeroizing<String>, UnknownSecret> {
        let mut filled = Zeroizing::new(String::new());
        for part in &text.0 {
            match part {
                Part::Plain(text) => filled.push_str(text),
                Part::Secret { name, written } => filled.push_str(&write(self.value(name)?, *written)),
            }
        }
        Ok(filled)
    }

    /// `text` with the names of secrets where their values stand, in whichever way a value was written: what somebody
    /// else says may repeat what it was told.
    #[must_use]
    pub fn redact<'a>(&self, text: &str, used: impl IntoIterator<Item = &'a str>) -> String {
        let mut spellings: Vec<(Zeroizing<String>, &str)> = Vec::new();
        for name in used {
            let Ok(value) = self.value(name) else { continue };
            let plain = [Written::Plain, Written::Json, Written::Percent].map(|written| write(value, written));
            // Some write `/` in JSON with a backslash, and percent signs with small letters.
            let others = [plain[1].replace('/', "\\/"), small_hex(&plain[2])].map(Zeroizing::new);
            spellings.extend(plain.into_iter().chain(others).map(|spelling| (spelling, name)));
        }
        spellings.retain(|(spelling, _)| !spelling.is_empty());
        // One that begins with another goes first, lest its end stays.
        spellings.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
        let hide = |text: String, (spelling, name): &(Zeroizing<String>, &str)| {
            if text.contains(spelling.as_str()) {
                text.replace(spelling.as_str(), &format!("[secret {name}]"))
            } else {
                text
            }
        };
        spellings.iter().fold(text.to_owned(), hide)
    }

    fn value(&self, name: &str) -> Result<&SecretString, UnknownSecret> {
        self.0.get(name).ok_or_else(|| UnknownSecret { name: name.to_owned() })
    }
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The value as a place needs it.
fn write(value: &SecretString, written: Written) -> Zeroizing<String> {
    Zeroizing::new(written.write(value.expose_secret()))
}

/// The same in percent signs with small letters.
fn small_hex(percent: &str) -> String {
    let mut after = 0_u8;
    let small = |c: char| {
        after = if c == '%' { 3 } else { after.saturating_sub(1) };
        if after > 0 { c.to_ascii_lowercase() } else { c }
    };
    percent.chars().map(small).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new([("crm".to_owned(), SecretString::from("a\"b c"))])
    }

    fn asking(written: Written) -> Text {
        let secret = Part::Secret { name: "crm".to_owned(), written };
        Text(vec![Part::Plain("<".to_owned()), secret, Part::Plain(">".to_owned())])
    }

    #[test]
    fn a_value_is_written_as_its_place_needs_it() {
        for (written, filled) in
            [(Written::Plain, "<a\"b c>"), (Written::Json, "<a\\\"b c>"), (Written::Percent, "<a%22b%20c>")]
        {
            assert_eq!(secrets().fill(&asking(written)).unwrap().as_str(), filled);
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let error = Secrets::default().fill(&asking(Written::Plain)).unwrap_err();
        assert_eq!(error.to_string(), "there is no secret `crm`; write it under `secrets` in the settings file");
    }

    #[test]
    fn no_value_is_shown() {
        assert_eq!(format!("{:?}", secrets()), "{\"crm\"}");
        let echo = r#"got <a"b c>, {"token":"a\"b c"} and ?t=a%22b%20c"#;
        let shown = r#"got <[secret crm]>, {"token":"[secret crm]"} and ?t=[secret crm]"#;
        assert_eq!(secrets().redact(echo, ["crm", "other"]), shown);
        let two = [("a", "x/y"), ("b", "x/y+z")].map(|(name, value)| (name.to_owned(), value.to_owned().into()));
        let shown = "[secret b] [secret a] [secret b] [secret b]";
        assert_eq!(Secrets::new(two).redact(r"x/y+z x\/y x\/y+z x%2fy%2bz", ["a", "b"]), shown);
    }
}
