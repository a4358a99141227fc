//! Certificates and keys as they stand in files: PEM (RFC 7468), which may hold several things and comments between them.

use std::io;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::zeroize::Zeroizing;

use super::FileFault;
use crate::load;

/// What every piece of PEM begins with.
const BEGIN: &str = "-----BEGIN ";

/// The certificates in a file; the first is the server's own.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileFault> {
    all("certificate", &read(path)?)
}

/// The first private key in a file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, FileFault> {
    let text = read(path)?;
    // The second is how a key was locked before PKCS#8: by a header inside.
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(FileFault::Locked);
    }
    let key = all("private key", &text)?.into_iter().next();
    key.ok_or(FileFault::Damaged)
}

/// Everything of one kind in `text`, at least one thing.
fn all<T: PemObject>(wanted: &'static str, text: &str) -> Result<Vec<T>, FileFault> {
    let (_, first) = text.split_once(BEGIN).ok_or(FileFault::NotPem)?;
    // What the library says of a broken piece can have bytes of it.
    let all: Vec<T> = T::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().map_err(|_| FileFault::Damaged)?;
    if all.is_empty() {
        let (found, _) = first.split_once("-----").ok_or(FileFault::Damaged)?;
        return Err(FileFault::Other { wanted, found: format!("`{found}`") });
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Zeroizing<String>, FileFault> {
    let bytes = load::bytes(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing,
        _ => FileFault::Unreadable(error),
    })?;
    // A file in DER is no text.
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| FileFault::NotPem)
}
