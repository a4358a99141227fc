//! Private keys as text.
//!
//! Vapi's guide has its readers run `openssl genrsa`, which writes PKCS#8 since OpenSSL 3 and wrote PKCS#1 before. The
//! second is the inner part of the first, so it is wrapped and there is only one kind of key to load.

use data_encoding::BASE64;
use secrecy::zeroize::Zeroizing;

use super::KeyError;

/// Key material, wiped from memory when it is no longer needed.
type Der = Zeroizing<Vec<u8>>;

/// The first private key in `text`, as PKCS#8.
pub(super) fn pkcs8(text: &str) -> Result<Der, KeyError> {
    let (_, block) = text.split_once("-----BEGIN ").ok_or(KeyError::NotPem)?;
    let (label, block) = block.split_once("-----").ok_or(KeyError::NotPem)?;
    let damaged = || KeyError::Damaged { label: label.to_owned() };
    let (body, _) = block.split_once(&format!("-----END {label}-----")).ok_or_else(damaged)?;
    match label {
        "PRIVATE KEY" => decode(body).ok_or_else(damaged),
        // PEM's own encryption begins with a header, `Proc-Type: 4,ENCRYPTED`.
        "RSA PRIVATE KEY" if body.contains("Proc-Type:") => Err(KeyError::Encrypted),
        "RSA PRIVATE KEY" => decode(body).and_then(|key| wrap(&key)).ok_or_else(damaged),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyError::Public),
        other => Err(KeyError::OtherKind { label: other.to_owned() }),
    }
}

fn decode(body: &str) -> Option<Der> {
    let body: Zeroizing<Vec<u8>> = Zeroizing::new(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    BASE64.decode(&body).ok().map(Zeroizing::new)
}

/// The start of every RSA key in PKCS#8: version 0, and the algorithm `rsaEncryption` (RFC 8017, A.1).
const VERSION_AND_ALGORITHM: [u8; 18] =
    [0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// PKCS#1 made into PKCS#8 (RFC 5208, section 5): a sequence of version, algorithm, and the key as an octet string.
fn wrap(pkcs1: &[u8]) -> Option<Der> {
    let key = element(OCTET_STRING, &[], pkcs1)?;
    element(SEQUENCE, &VERSION_AND_ALGORITHM, &key)
}

/// A DER element whose content is `first` and then `second`. `None` above 64 KiB, where no key is.
fn element(tag: u8, first: &[u8], second: &[u8]) -> Option<Der> {
    let length = u16::try_from(first.len() + second.len()).ok()?;
    // The long form with two bytes, which DER demands from 256 on: every usable key is longer than that.
    let [high, low] = length.to_be_bytes();
    let mut der = Zeroizing::new(Vec::with_capacity(4 + usize::from(length)));
    der.extend_from_slice(&[tag, 0x82, high, low]);
    der.extend_from_slice(first);
    der.extend_from_slice(second);
    Some(der)
}
