//! Tool arguments that Vapi encrypted for this server.
//!
//! A tool may name paths of its arguments that are to travel encrypted (`encryptedPaths`): the text found there
//! arrives as base64 of one RSA-OAEP-256 block. With the private key, an [`ArgumentKey`] puts the plain text back
//! in its place, before rules see the arguments. Each block takes about a millisecond of one core, a thousand times
//! what everything else about a request costs; at most [`TEXTS_MAX`] texts are tried per call of
//! [`ArgumentKey::decrypt_arguments`], which therefore belongs on a thread that may be kept busy for a while.

use std::fmt;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use data_encoding::{BASE64, BASE64_NOPAD};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

mod pem;

/// How many texts one tool call may have tried.
pub const TEXTS_MAX: usize = 32;

/// Why a text is not the private key that is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not PEM.
    #[error("not a PEM file: it should begin with a line `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// It was cut off or changed.
    #[error(
        "what follows `-----BEGIN {label}-----` is damaged: copy the whole file, with its last line and line breaks"
    )]
    Damaged {
        /// What the PEM block is said to be.
        label: String,
    },
    /// It is the other half.
    #[error("this is the public key, which Vapi needs: configure the private key that belongs to it")]
    Public,
    /// It needs a passphrase.
    #[error("the key needs a passphrase: remove it with `openssl pkcs8 -topk8 -nocrypt -in KEY -out PLAIN_KEY`")]
    Encrypted,
    /// It is something else.
    #[error("`{label}` is not a private RSA key: make one with `openssl genpkey -algorithm RSA -out KEY`")]
    OtherKind {
        /// What the PEM block is said to be.
        label: String,
    },
    /// It is a key that cannot be used.
    #[error(
        "not a usable RSA key, which has 2048 to 8192 bits: make one with `openssl genpkey -algorithm RSA \
         -pkeyopt rsa_keygen_bits:2048 -out KEY`"
    )]
    Rejected,
}

/// The private key for which Vapi encrypts.
pub struct ArgumentKey {
    key: OaepPrivateDecryptingKey,
    /// Where encrypted texts are expected; empty: everywhere.
    paths: Vec<String>,
}

impl ArgumentKey {
    /// Reads a private key, PKCS#8 (`PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`), unencrypted. Text before and after
    /// it is allowed.
    ///
    /// # Errors
    /// Says what the text is instead, and how to get what is needed.
    pub fn from_pem(text: &str) -> Result<ArgumentKey, KeyError> {
        let pkcs8 = pem::pkcs8(text)?;
        let key = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| KeyError::Rejected)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Rejected)?;
        Ok(ArgumentKey { key, paths: Vec::new() })
    }

    /// The same key, tried only on the texts at `paths`, written as in Vapi's `encryptedPaths`: names with dots between
    /// them. What lies in a list has the list's path.
    #[must_use]
    pub fn only_at(self, paths: Vec<String>) -> ArgumentKey {
        ArgumentKey { paths, ..self }
    }

    /// Puts the plain text in the place of each encrypted one in `arguments`, a JSON object as text, at any depth.
    ///
    /// A text that is not encrypted for this key stays as it is, and so does what was encrypted but is no UTF-8.
    /// A plain text that happens to be JSON stays a text. `None` if nothing changed.
    #[must_use]
    pub fn decrypt_arguments(&self, arguments: &str) -> Option<String> {
        if !self.may_be_in(arguments) {
            return None;
        }
        let mut arguments: Value = serde_json::from_str(arguments).ok()?;
        let mut pass = Pass { key: self, tries_left: TEXTS_MAX, changed: false };
        pass.visit(&mut arguments, "");
        pass.changed.then(|| arguments.to_string())
    }

    /// Whether `arguments` can hold a text that was encrypted for this key. Most are shorter than one block, and need not
    /// even be parsed.
    #[must_use]
    pub fn may_be_in(&self, arguments: &str) -> bool {
        self.key.key_size_bytes() <= arguments.len()
    }

    fn expects(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|expected| expected == path)
    }

    /// The block that `text` is, if it has the right length.
    fn block(&self, text: &str) -> Option<Vec<u8>> {
        let length = self.key.key_size_bytes();
        // Before decoding: the length alone rules out nearly every text.
        if text.len() != BASE64.encode_len(length) && text.len() != BASE64_NOPAD.encode_len(length) {
            return None;
        }
        let block = BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()?;
        (block.len() == length).then_some(block)
    }

    fn decrypt(&self, block: &[u8]) -> Option<String> {
        let mut space = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let plain = self.key.decrypt(&OAEP_SHA256_MGF1SHA256, block, &mut space, None).ok()?;
        str::from_utf8(plain).ok().map(str::to_owned)
    }
}

impl fmt::Debug for ArgumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArgumentKey").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// One walk through the arguments of one call.
struct Pass<'a> {
    key: &'a ArgumentKey,
    tries_left: usize,
    changed: bool,
}

impl Pass<'_> {
    /// Recursion is bounded: the JSON reader refuses what is nested more than 128 deep.
    fn visit(&mut self, value: &mut Value, path: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.visit(value, &path);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.visit(item, path)),
            Value::String(text) => self.visit_text(text, path),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn visit_text(&mut self, text: &mut String, path: &str) {
        if self.tries_left == 0 || !self.key.expects(path) {
            return;
        }
        let Some(block) = self.key.block(text) else {
            return;
        };
        self.tries_left -= 1;
        if let Some(plain) = self.key.decrypt(&block) {
            *text = plain;
            self.changed = true;
        }
    }
}

#[cfg(test)]
mod tests;
