//! `crypto::…`: digests, and identifiers that nobody can guess but a replay can repeat.

#![expect(unreachable_pub, reason = "`export_module` exports what is `pub`")]

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use rhai::plugin::{EvalAltResult, NativeCallContext, export_module};

use super::{at, fail};
use crate::engine::script::run;

#[export_module]
pub(super) mod functions {
    /// The HMAC-SHA256 of `text` under `key`, in hexadecimal.
    ///
    /// ```rhai
    /// crypto::hmac_sha256("key", "text").sub_string(0, 12) // "6afa9046a957"
    /// ```
    pub fn hmac_sha256(key: &str, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        HEXLOWER.encode(hmac::sign(&key, text.as_bytes()).as_ref())
    }

    /// The SHA-256 of `text`, in hexadecimal.
    ///
    /// ```rhai
    /// crypto::sha256("abc").sub_string(0, 8) // "ba7816bf"
    /// ```
    pub fn sha256(text: &str) -> String {
        HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    /// A new random identifier (a version 4 UUID). Replaying the event gives the same one.
    ///
    /// ```rhai
    /// crypto::uuid().len() // 36
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn uuid(context: NativeCallContext) -> Result<String, Box<EvalAltResult>> {
        at(&context, || {
            run::with(|work| {
                work.chances += 1;
                uuid_of(work.facts.seed, work.chances)
            })
        })
    }

    /// `text` in base64.
    ///
    /// ```rhai
    /// crypto::base64_encode("Grüße") // "R3LDvMOfZQ=="
    /// ```
    pub fn base64_encode(text: &str) -> String {
        BASE64.encode(text.as_bytes())
    }

    /// The text that was encoded in base64, with or without padding, for URLs or not; an error if it is
    /// not base64, or not text.
    ///
    /// ```rhai
    /// crypto::base64_decode("R3LDvMOfZQ==") // "Grüße"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn base64_decode(context: NativeCallContext, text: &str) -> Result<String, Box<EvalAltResult>> {
        at(&context, || {
            let text = text.trim_end_matches('=').as_bytes();
            let bytes = BASE64_NOPAD.decode(text).or_else(|_| BASE64URL_NOPAD.decode(text));
            let bytes = bytes.map_err(|error| fail(format_args!("this is not base64: {error}")))?;
            String::from_utf8(bytes).map_err(|_| fail("what was encoded in base64 is not text"))
        })
    }
}

/// The `count`-th identifier that comes of `seed`.
fn uuid_of(seed: u64, count: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_le_bytes());
    let hex = HEXLOWER.encode(hmac::sign(&key, &count.to_le_bytes()).as_ref());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // The version is 4, and the two highest bits of the variant are 10.
    let variant = match part(16, 17) {
        "0" | "4" | "8" | "c" => '8',
        "1" | "5" | "9" | "d" => '9',
        "2" | "6" | "a" | "e" => 'a',
        _ => 'b',
    };
    format!("{}-{}-4{}-{variant}{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::uuid_of;

    #[test]
    fn identifiers_have_the_shape_of_version_4_and_differ() {
        let uuid = uuid_of(1, 1);
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(uuid.chars().nth(14), Some('4'));
        assert_eq!(uuid, uuid_of(1, 1));
        assert_ne!(uuid, uuid_of(1, 2));
        assert_ne!(uuid, uuid_of(2, 1));
    }
}
