//! Secrets by their names: values that texts of actions ask for, and that nothing but the sender of a request sees.
//!
//! What the settings name is read with them, and a file is read again when it changes, as every file is that they name.
//! So there is one moment at which a value changes, and it is told as any other change of the settings.

mod parts;
mod sought;
mod spelling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fmt, iter};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use self::parts::SHORT;
pub use self::sought::Sought;
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

    /// `text` with the names of secrets where their values stand, in whichever way a value is written: what somebody
    /// else says may repeat what it was told. Of a value that is a URL, the host and what is behind it count, too.
    #[must_use]
    pub fn redact<'a>(&self, text: &str, used: impl IntoIterator<Item = &'a str>) -> String {
        let sought = self.sought_in_notes(used);
        String::from_utf8_lossy(&sought.hidden(text.as_bytes())).into_owned()
    }

    /// The same of what `text` begins with, where its end is missing: what may be the beginning of a value is left out.
    #[must_use]
    pub fn redact_beginning<'a>(&self, text: &str, used: impl IntoIterator<Item = &'a str>) -> String {
        let sought = self.sought_in_notes(used);
        let hidden = sought.hidden(text.as_bytes());
        let end = hidden.len().saturating_sub(sought.longest());
        String::from_utf8_lossy(hidden.get(..end).unwrap_or_default()).into_owned()
    }

    fn sought_in_notes<'a>(&self, used: impl IntoIterator<Item = &'a str>) -> Sought {
        self.sought(used, 1, |value| known_by(value).chain(parts::host(value)).collect())
    }

    /// What is hidden in an answer, which others go on with: what is shorter than eight bytes would be found where it
    /// only looks the same, and so would a host, in the address of a person who has nothing to do with it.
    pub fn sought_in_answers<'a>(&self, used: impl IntoIterator<Item = &'a str>) -> Sought {
        self.sought(used, SHORT, |value| known_by(value).collect())
    }

    /// What `parts` says of the values of these secrets, as far as it has so many bytes.
    fn sought<'a>(
        &self,
        used: impl IntoIterator<Item = &'a str>,
        bytes_min: usize,
        parts: fn(&str) -> Vec<Zeroizing<String>>,
    ) -> Sought {
        let values = used.into_iter().filter_map(|name| Some((name, self.value(name).ok()?)));
        let texts = values.flat_map(|(name, value)| parts(value).into_iter().map(move |text| (text, name.to_owned())));
        Sought::new(texts.filter(|(text, _)| bytes_min <= text.len()))
    }

    fn value(&self, name: &str) -> Result<&str, UnknownSecret> {
        let value = self.0.get(name).map(SecretString::expose_secret);
        value.ok_or_else(|| UnknownSecret { name: name.to_owned() })
    }
}

/// The names alone.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The value as a place needs it.
fn write(value: &str, written: Written) -> Zeroizing<String> {
    Zeroizing::new(written.write(value).into_owned())
}

/// The texts that give a value away, wherever they stand.
fn known_by(value: &str) -> impl Iterator<Item = Zeroizing<String>> {
    iter::once(Zeroizing::new(value.to_owned())).chain(parts::behind_host(value))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new([("crm".to_owned(), SecretString::from("a\"b c"))])
    }

    fn in_answer(secrets: &Secrets, names: &[&str], answer: impl Into<Bytes>) -> Bytes {
        secrets.sought_in_answers(names.iter().copied()).hide(answer.into())
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

    #[test]
    fn where_the_end_is_missing_no_beginning_of_a_value_stays() {
        let secrets = Secrets::new([("crm".to_owned(), SecretString::from("correct-horse-battery"))]);
        let said = format!("{} correct-horse-battery {}", "x".repeat(500), r"correct\u002dhorse\u002dbatter");
        for end in 500..said.len() {
            let shown = secrets.redact_beginning(said.get(..end).unwrap(), ["crm"]);
            assert!(!shown.contains("corr"), "{end}: {shown}");
            assert!(300 < shown.len(), "{end}: more is left out than could matter");
        }
        assert_eq!(secrets.redact_beginning("all of it", []), "all of it");
    }

    #[test]
    fn an_answer_loses_what_nobody_says_by_chance() {
        let secrets = [("a", "correct-horse"), ("b", "Ada")].map(|(name, value)| (name.to_owned(), value.into()));
        let answer = Bytes::from_static(b"Ada said \xffcorrect-horse");
        let shown = in_answer(&Secrets::new(secrets), &["a", "b"], answer);
        assert_eq!(shown, Bytes::from_static(b"Ada said \xff[secret a]"));
    }

    #[test]
    fn a_url_is_known_by_its_parts_too() {
        let url = "https://hooks.example:8443/services/TOKEN/?key=correct-horse#top";
        let secrets = Secrets::new([("hook".to_owned(), url.into())]);
        for echo in [
            url,
            "/services/TOKEN/?key=correct-horse",
            "/services/TOKEN",
            "%2Fservices%2FTOKEN",
            r"\/services\/TOKEN",
            "key=correct-horse",
            r"\u002fservices\u002FTOKEN\/?key\u003dcorrect-horse",
        ] {
            assert_eq!(secrets.redact(&format!("<{echo}>"), ["hook"]), "<[secret hook]>", "{echo}");
            let answer = in_answer(&secrets, &["hook"], format!("<{echo}>"));
            assert_eq!(answer, "<[secret hook]>", "{echo}");
        }
        let elsewhere = "ada@hooks.example is at /services";
        assert_eq!(secrets.redact(elsewhere, ["hook"]), "ada@[secret hook] is at /services");
        assert_eq!(in_answer(&secrets, &["hook"], elsewhere), elsewhere, "others go on with this");
    }

    #[test]
    fn a_url_is_known_by_each_piece_of_it_that_is_no_word() {
        let url = "https://hooks.example/services/T0KEN%2Ft0ken/run?version=2016-10-01&sig=C0rrect%2bhorse";
        let secrets = Secrets::new([("hook".to_owned(), url.into())]);
        for (echo, shown) in [
            (r#"{"path":["services","T0KEN/t0ken","run"]}"#, r#"{"path":["services","[secret hook]","run"]}"#),
            (r#"{"sig":"C0rrect+horse","since":"2016-10-01"}"#, r#"{"sig":"[secret hook]","since":"2016-10-01"}"#),
            ("POST /services/T0KEN/t0ken/run", "POST [secret hook]"),
            (r"?version=2016-10-01\u0026sig=C0rrect%2bhorse", "?[secret hook]"),
            ("sig=C0rrect%2Bhorse;", "sig=[secret hook];"),
        ] {
            assert_eq!(secrets.redact(echo, ["hook"]), shown);
            assert_eq!(in_answer(&secrets, &["hook"], echo), shown);
        }
    }

    #[test]
    fn what_is_short_or_no_url_has_no_parts() {
        for value in
            ["https://a.b/c?d", "https://", "http:///", "ftp://hooks.example/services/TOKEN", "a/services/TOKEN"]
        {
            let secrets = Secrets::new([("hook".to_owned(), value.into())]);
            let echo = "a.b /c d / hooks.example /services/TOKEN";
            assert_eq!(secrets.redact(echo, ["hook"]), echo, "{value}");
        }
    }

    #[test]
    fn a_value_is_hidden_however_much_of_it_is_in_percent_signs() {
        let secrets = Secrets::new([("a".to_owned(), "p/q r%41".into())]);
        for echo in ["p/q r%41", "p/q%20r%41", "p%2fq+r%2541", "%70%2F%71%20%72%25%34%31"] {
            assert_eq!(secrets.redact(&format!("/ü?{echo}&"), ["a"]), "/ü?[secret a]&", "{echo}");
        }
        assert_eq!(secrets.redact("p/q rA %", ["a"]), "p/q rA %");
    }
}
