//! Secrets by their names: values that texts of actions ask for, and that nothing but the sender of a request sees.
//!
//! What the settings name is read with them, and a file is read again when it changes, as every file is that they name.
//! So there is one moment at which a value changes, and it is told as any other change of the settings.

mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fmt, iter};

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use self::parts::SHORT;
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
    /// else says may repeat what it was told. Of a value that is a URL, the host and what is behind it count, too.
    #[must_use]
    pub fn redact<'a>(&self, text: &str, used: impl IntoIterator<Item = &'a str>) -> String {
        let spellings = self.spellings(used, |value| known_by(value).chain(parts::host(value)).collect());
        String::from_utf8_lossy(&hide_all(text.as_bytes(), &spellings)).into_owned()
    }

    /// The same of an answer, which others go on with: what is shorter than eight bytes would be found where it only looks the
    /// same, and so would a host, in the address of a person who has nothing to do with it.
    #[must_use]
    pub fn redact_answer<'a>(&self, answer: Bytes, used: impl IntoIterator<Item = &'a str>) -> Bytes {
        let mut spellings = self.spellings(used, |value| known_by(value).collect());
        spellings.retain(|(spelling, _)| SHORT <= spelling.len());
        if spellings.is_empty() { answer } else { hide_all(&answer, &spellings).into() }
    }

    /// How what `parts` says of the values of these secrets may be written, what begins with another before it, lest its end
    /// stays.
    fn spellings<'a>(
        &self,
        used: impl IntoIterator<Item = &'a str>,
        parts: fn(&str) -> Vec<&str>,
    ) -> Vec<(Zeroizing<String>, &'a str)> {
        let values = used.into_iter().filter_map(|name| Some((name, self.value(name).ok()?)));
        let texts = values.flat_map(|(name, value)| parts(value).into_iter().map(move |text| (name, text)));
        let written = texts.flat_map(|(name, text)| spellings_of(text).map(|spelling| (spelling, name)));
        let mut spellings: Vec<_> = written.filter(|(spelling, _)| !spelling.is_empty()).collect();
        spellings.sort_by_key(|(spelling, _)| std::cmp::Reverse(spelling.len()));
        spellings
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
    Zeroizing::new(written.write(value))
}

/// The texts that give a value away, wherever they stand.
fn known_by(value: &str) -> impl Iterator<Item = &str> {
    iter::once(value).chain(parts::behind_host(value))
}

/// How somebody who repeats a text may write it.
fn spellings_of(text: &str) -> [Zeroizing<String>; 3] {
    let json = write(text, Written::Json);
    // Some write `/` in JSON with a backslash.
    let other = Zeroizing::new(json.replace('/', "\\/"));
    [write(text, Written::Plain), json, other]
}

/// `text` with the names of secrets wherever a spelling of their values stands.
fn hide_all(text: &[u8], spellings: &[(Zeroizing<String>, &str)]) -> Vec<u8> {
    spellings.iter().fold(text.to_vec(), |text, (spelling, name)| hide(&text, spelling.as_bytes(), name))
}

/// `text` with a secret's name wherever the `spelling` of its value stands.
fn hide(text: &[u8], spelling: &[u8], name: &str) -> Vec<u8> {
    let Some(begins) = spelling.first() else { return text.to_vec() };
    let space = if *begins == b' ' { b'+' } else { *begins };
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, here)) =
        memchr::memchr3(*begins, b'%', space, rest).and_then(|at| rest.split_at_checked(at))
    {
        shown.extend_from_slice(before);
        if let Some(behind) = behind_percent(here, spelling).or_else(|| here.strip_prefix(spelling)) {
            shown.extend_from_slice(format!("[secret {name}]").as_bytes());
            rest = behind;
        } else {
            shown.extend(here.first());
            rest = here.get(1..).unwrap_or_default();
        }
    }
    shown.extend_from_slice(rest);
    shown
}

/// What stands behind `spelling`, if `text` begins with it. Any of its bytes may be in percent signs: each program that
/// writes a URL chooses others.
fn behind_percent<'a>(text: &'a [u8], spelling: &[u8]) -> Option<&'a [u8]> {
    spelling.iter().try_fold(text, |text, byte| match text {
        [b'%', high, low, behind @ ..] if value_of(*high, *low) == Some(*byte) => Some(behind),
        [b'+', behind @ ..] if *byte == b' ' => Some(behind),
        [first, behind @ ..] if first == byte => Some(behind),
        _ => None,
    })
}

/// The byte that two hexadecimal digits stand for.
fn value_of(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
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

    #[test]
    fn an_answer_loses_what_nobody_says_by_chance() {
        let secrets = [("a", "correct-horse"), ("b", "Ada")].map(|(name, value)| (name.to_owned(), value.into()));
        let answer = Bytes::from_static(b"Ada said \xffcorrect-horse");
        let shown = Secrets::new(secrets).redact_answer(answer, ["a", "b"]);
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
        ] {
            assert_eq!(secrets.redact(&format!("<{echo}>"), ["hook"]), "<[secret hook]>", "{echo}");
            let answer = secrets.redact_answer(Bytes::from(format!("<{echo}>")), ["hook"]);
            assert_eq!(answer, "<[secret hook]>", "{echo}");
        }
        let elsewhere = "ada@hooks.example is at /services";
        assert_eq!(secrets.redact(elsewhere, ["hook"]), "ada@[secret hook] is at /services");
        assert_eq!(secrets.redact_answer(elsewhere.into(), ["hook"]), elsewhere, "others go on with this");
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
