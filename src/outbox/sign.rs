//! Signs requests as Standard Webhooks do: <https://www.standardwebhooks.com>, version 1 of the symmetric signature.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64_NOPAD};
use zeroize::Zeroizing;

/// What a key begins with that says what it is.
const KEY_PREFIX: &str = "whsec_";

/// A key is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key to sign with is not base64, with or without `whsec_` before it")]
pub(super) struct BadKey;

/// The value of `webhook-signature` for a body that is sent under `id` at `timestamp`, in seconds.
pub(super) fn signature(key: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, BadKey> {
    let written = key.trim();
    let written = written.strip_prefix(KEY_PREFIX).unwrap_or(written).trim_end_matches('=');
    let key = Zeroizing::new(BASE64_NOPAD.decode(written.as_bytes()).map_err(|_| BadKey)?);
    if key.is_empty() {
        return Err(BadKey);
    }
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    Ok(format!("v1,{}", BASE64.encode(context.sign().as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference libraries of Standard Webhooks are tested with.
    #[test]
    fn the_published_vector_is_met() {
        let signed = |key| {
            let body = br#"{"test": 2432232314}"#;
            signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
        };
        let expected = Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned());
        assert_eq!(signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), expected);
        assert_eq!(signed("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), expected);
    }

    #[test]
    fn a_key_is_base64() {
        for bad in ["", "whsec_", "whsec_ü", "no base64!"] {
            assert_eq!(signature(bad, "a", 0, b""), Err(BadKey), "{bad}");
        }
    }
}
