//! Credentials as written that could never work, or would let in too many.

use std::fmt;

use crate::engine::diagnostic::closest;

use super::payload::PLACEHOLDERS;

/// What is wrong with a credential as written, and what to do about it. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCredential {
    /// The key in the settings that is to be mended.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.help)
    }
}

impl std::error::Error for InvalidCredential {}

impl InvalidCredential {
    fn new(field: &'static str, message: impl Into<String>, help: impl Into<String>) -> InvalidCredential {
        InvalidCredential { field, message: message.into(), help: help.into() }
    }

    pub(super) fn empty(field: &'static str) -> InvalidCredential {
        let help = "an empty one would let everybody in; give it a value, or write `auth: none` if that is meant";
        InvalidCredential::new(field, format!("`{field}` is empty"), help)
    }

    pub(super) fn spaced(field: &'static str) -> InvalidCredential {
        let message = format!("`{field}` begins or ends with white space");
        InvalidCredential::new(field, message, "remove it; often it is the line break at the end of a file")
    }

    pub(super) fn prefix_twice() -> InvalidCredential {
        let help = "leave it out of `token`, or write `prefix: false`";
        InvalidCredential::new("token", "`token` begins with `Bearer `, which is added to it anyway", help)
    }

    pub(super) fn not_base64() -> InvalidCredential {
        let help = "correct the key, or leave `key_is_base64` out if the key is to be used as it is written";
        InvalidCredential::new("key", "`key` is not base64, as `key_is_base64` says", help)
    }

    pub(super) fn header_name(field: &'static str, name: &str) -> InvalidCredential {
        let help = "use letters, digits and `-`";
        InvalidCredential::new(field, format!("`{name}` is not the name of a header"), help)
    }

    pub(super) fn unsendable(field: &'static str) -> InvalidCredential {
        let message = format!("`{field}` holds a character that no header can carry");
        InvalidCredential::new(field, message, "often it is a line break in the middle")
    }

    pub(super) fn unknown_placeholder(name: &str) -> InvalidCredential {
        let known = || PLACEHOLDERS.iter().map(|(name, _)| *name);
        let all = || known().map(|name| format!("`{{{name}}}`")).collect::<Vec<_>>().join(", ");
        let help = closest(name, known())
            .map_or_else(|| format!("there are {}", all()), |known| format!("did you mean `{{{known}}}`?"));
        InvalidCredential::new("payload", format!("`payload` has no placeholder `{{{name}}}`"), help)
    }

    pub(super) fn unclosed_placeholder() -> InvalidCredential {
        InvalidCredential::new("payload", "`payload` has a `{` without its `}`", "close the placeholder")
    }

    pub(super) fn body_unsigned() -> InvalidCredential {
        let help = "add it: otherwise one signature would be good for any body";
        InvalidCredential::new("payload", "`payload` does not hold `{body}`", help)
    }

    pub(super) fn timestamp_unsigned() -> InvalidCredential {
        let help = "add it, because an unsigned time proves nothing, or write `include_timestamp: false`";
        InvalidCredential::new("payload", "`payload` does not hold `{timestamp}`", help)
    }

    pub(super) fn timestamp_excluded() -> InvalidCredential {
        let help = "leave out one or the other";
        InvalidCredential::new("payload", "`payload` holds `{timestamp}`, but `include_timestamp` is false", help)
    }

    pub(super) fn no_message_id() -> InvalidCredential {
        let help = "name the header that carries it: `message_id_header: svix-id`";
        InvalidCredential::new("payload", "`payload` holds `{svix-id}`, but there is no `message_id_header`", help)
    }

    pub(super) fn no_addresses() -> InvalidCredential {
        let help = "list networks such as 167.150.224.0/23, or leave `addresses` out to accept any address";
        InvalidCredential::new("addresses", "`addresses` is empty", help)
    }
}
