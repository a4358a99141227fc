//! The bytes that a signature covers: a template with the request's parts in it.
//!
//! The parts are joined without escaping, so one signature covers every way to cut the same bytes into parts. That
//! gives a forger nothing: an event is a JSON object, and neither its tail nor one with something before it is one.

use super::InvalidCredential;

/// The bytes that a signature covers, such as `{timestamp}.{body}`. It always holds the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PayloadTemplate {
    text: Box<str>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Filled(Placeholder),
}

/// A part of the request that a signature may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    Body,
    Timestamp,
    Method,
    Url,
    MessageId,
}

/// Vapi's words for them.
pub(super) const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("body", Placeholder::Body),
    ("timestamp", Placeholder::Timestamp),
    ("method", Placeholder::Method),
    ("url", Placeholder::Url),
    ("svix-id", Placeholder::MessageId),
];

/// The request's parts, as bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) body: &'a [u8],
    pub(super) timestamp: &'a [u8],
    pub(super) method: &'a [u8],
    pub(super) url: &'a [u8],
    pub(super) message_id: &'a [u8],
}

impl PayloadTemplate {
    /// Reads a template as Vapi writes it, and refuses one that does not cover the body.
    pub(super) fn parse(text: &str) -> Result<PayloadTemplate, InvalidCredential> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(InvalidCredential::unclosed_placeholder)?;
            parts.push(Part::Literal(literal.into()));
            parts.push(Part::Filled(placeholder(name)?));
            rest = after;
        }
        parts.push(Part::Literal(rest.into()));
        let template = PayloadTemplate { text: text.into(), parts };
        if template.holds(Placeholder::Body) { Ok(template) } else { Err(InvalidCredential::body_unsigned()) }
    }

    pub(super) fn holds(&self, placeholder: Placeholder) -> bool {
        self.parts.contains(&Part::Filled(placeholder))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Hands the covered bytes to `sink`, piece by piece: the body can be megabytes and is not copied.
    pub(super) fn feed(&self, values: &Parts<'_>, mut sink: impl FnMut(&[u8])) {
        for part in &self.parts {
            sink(match part {
                Part::Literal(text) => text.as_bytes(),
                Part::Filled(Placeholder::Body) => values.body,
                Part::Filled(Placeholder::Timestamp) => values.timestamp,
                Part::Filled(Placeholder::Method) => values.method,
                Part::Filled(Placeholder::Url) => values.url,
                Part::Filled(Placeholder::MessageId) => values.message_id,
            });
        }
    }
}

fn placeholder(name: &str) -> Result<Placeholder, InvalidCredential> {
    let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
    known.map(|(_, placeholder)| *placeholder).ok_or_else(|| InvalidCredential::unknown_placeholder(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let mut bytes = Vec::new();
        let values = Parts { body: b"B", timestamp: b"T", method: b"M", url: b"U", message_id: b"I" };
        PayloadTemplate::parse(template).unwrap().feed(&values, |piece| bytes.extend_from_slice(piece));
        String::from_utf8(bytes).unwrap()
    }

    fn refused(template: &str) -> String {
        PayloadTemplate::parse(template).unwrap_err().to_string()
    }

    #[test]
    fn every_placeholder_is_filled_in() {
        assert_eq!(filled("{body}"), "B");
        assert_eq!(filled("v0:{timestamp}:{body}"), "v0:T:B");
        assert_eq!(filled("{method} {url}\n{svix-id}.{timestamp}.{body}}"), "M U\nI.T.B}");
        assert_eq!(filled("{body}{body}"), "BB");
    }

    #[test]
    fn a_template_that_cannot_be_meant_is_refused() {
        assert_eq!(refused("{bdy}"), "`payload` has no placeholder `{bdy}`: did you mean `{body}`?");
        assert!(refused("{body}.{colour}").contains("there are `{body}`, `{timestamp}`, `{method}`"));
        assert!(refused("{body}{").contains("without its `}`"));
        assert!(refused("{timestamp}").contains("one signature would be good for any body"));
        assert!(refused("").contains("does not hold `{body}`"));
    }
}
