//! A private key for which tool arguments are encrypted, as Vapi does it.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey};
use data_encoding::BASE64;

/// One key.
pub(crate) struct Key(PrivateDecryptingKey);

impl Key {
    pub(crate) fn new(size: KeySize) -> Key {
        Key(PrivateDecryptingKey::generate(size).unwrap())
    }

    /// The private key as it stands in a file.
    pub(crate) fn pem(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.0.as_der().unwrap();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der.as_ref()))
    }

    /// What `text` looks like in a message.
    pub(crate) fn encrypt(&self, text: &str) -> String {
        let public = OaepPublicEncryptingKey::new(self.0.public_key()).unwrap();
        let mut block = vec![0; public.ciphertext_size()];
        let block = public.encrypt(&OAEP_SHA256_MGF1SHA256, text.as_bytes(), &mut block, None).unwrap();
        BASE64.encode(block)
    }
}
