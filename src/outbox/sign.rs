//! Signs requests as Standard Webhooks do: <https://www.standardwebhooks.com>, version 1 of the symmetric signature.

use aws_lc_rs::hmac;
use data_encoding::BASE64;

use crate::engine::action::signing_key::{BadKey, SigningKey};

/// The value of `webhook-signature` for a body that is sent under `id` at `timestamp`, in seconds.
pub(super) fn signature(key: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, BadKey> {
    let key = SigningKey::parse(key)?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()));
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
        assert_eq!(signed("no base64!"), Err(BadKey));
    }
}
