//! The key that requests are signed with, as Standard Webhooks write it: <https://www.standardwebhooks.com>.
//!
//! Who checks rules and who signs read it in the same way, so that a key that is found to be right is right.

use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

/// What a key begins with that says what it is.
const PREFIX: &str = "whsec_";

/// A key, whose memory is wiped once it is dropped.
pub struct SigningKey(Zeroizing<Vec<u8>>);

/// A key is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key to sign with is not base64, with or without `whsec_` before it")]
pub struct BadKey;

impl SigningKey {
    /// Reads a key: base64, perhaps with `whsec_` before it.
    ///
    /// # Errors
    /// If it is something else, or empty.
    pub fn parse(written: &str) -> Result<SigningKey, BadKey> {
        let written = written.trim();
        let written = written.strip_prefix(PREFIX).unwrap_or(written).trim_end_matches('=');
        let key = Zeroizing::new(BASE64_NOPAD.decode(written.as_bytes()).map_err(|_| BadKey)?);
        if key.is_empty() { Err(BadKey) } else { Ok(SigningKey(key)) }
    }

    /// The key itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_base64() {
        for bad in ["", "whsec_", "whsec_ü", "no base64!"] {
            assert!(SigningKey::parse(bad).is_err(), "{bad}");
        }
        for good in ["whsec_aGVsbG8=", " whsec_aGVsbG8 ", "aGVsbG8="] {
            assert_eq!(SigningKey::parse(good).unwrap().bytes(), b"hello", "{good}");
        }
    }
}
