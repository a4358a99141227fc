//! The certificate and the key of an address that speaks TLS.

use std::path::Path;

use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::read::{Field, Spanned, read_secret, written};
use crate::engine::source::yaml::Node;
use crate::server::tls::{Certificates, FileError, FileFault, PairError, Part};

written! {
    #[derive(Debug)]
    pub(super) struct TlsSource {
        certificate: Field<Spanned<String>> = "The file of the certificate, and those above it, as PEM.",
        key: Field<Spanned<String>> = "The file of its key, as PEM.",
    }
}

/// Reads `tls: { certificate: …, key: … }`, and the files that it names from `folder`.
pub(super) fn certificates(node: &Node, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Certificates> {
    let source: TlsSource = read_secret(node, "`tls`", found)?;
    let (certificate, key) = (source.certificate.get()?, source.key.get()?);
    let pasted: Vec<_> = [(Part::Certificate, certificate), (Part::Key, key)]
        .into_iter()
        .filter(|(_, written)| is_pasted(&written.value))
        .map(|(part, written)| not_a_path(part, written))
        .collect();
    if !pasted.is_empty() {
        found.extend(pasted);
        return None;
    }
    match Certificates::load(&folder.join(&certificate.value), &folder.join(&key.value)) {
        Ok(certificates) => Some(certificates),
        Err(error) => {
            found.extend(explain(&error, certificate, key));
            None
        }
    }
}

/// Whether `text` is what belongs into the file.
pub(super) fn is_pasted(text: &str) -> bool {
    text.contains("-----BEGIN")
}

fn not_a_path(part: Part, written: &Spanned<String>) -> Diagnostic {
    let message = format!("this is a {part} itself, where the name of its file belongs");
    of(part, written, message).help("write it into a file that only the daemon can read, and name that file here")
}

fn explain(error: &PairError, certificate: &Spanned<String>, key: &Spanned<String>) -> Vec<Diagnostic> {
    match error {
        PairError::Files(errors) => errors.iter().map(|error| file(error, certificate, key)).collect(),
        PairError::Mismatch { .. } => {
            let message = format!("the key `{}` does not belong to the certificate `{}`", key.value, certificate.value);
            let help = "give the key with which this certificate was ordered; the server's own certificate comes first";
            vec![of(Part::Key, key, message).note(certificate.span, "the certificate is here").help(help)]
        }
        PairError::Unsupported(_) => vec![of(Part::Certificate, certificate, error.to_string())],
    }
}

fn file(error: &FileError, certificate: &Spanned<String>, key: &Spanned<String>) -> Diagnostic {
    let FileError { part, fault, .. } = error;
    let written = if *part == Part::Certificate { certificate } else { key };
    let found = of(*part, written, format!("the {part} `{}` {fault}", written.value));
    match (fault, part) {
        (FileFault::Missing, _) => found.help("the path is meant from the settings file's folder"),
        (FileFault::Unreadable(_), _) => found.help("let the user read it whom the daemon runs as"),
        (FileFault::Locked, _) => found.help("take the passphrase off: `openssl pkey -in locked.pem -out key.pem`"),
        (FileFault::Other { .. } | FileFault::NotPem | FileFault::Damaged, Part::Certificate) => {
            found.help("it begins with `-----BEGIN CERTIFICATE-----`, the server's own first, then those above it")
        }
        (FileFault::Other { .. } | FileFault::NotPem | FileFault::Damaged, Part::Key) => {
            found.help("it begins with `-----BEGIN PRIVATE KEY-----`")
        }
        (FileFault::Unfit(_), Part::Certificate) => found.help("have it issued anew"),
        (FileFault::Unfit(_), Part::Key) => found.help("a key is ECDSA (P-256, P-384, P-521), RSA or Ed25519"),
    }
}

fn of(part: Part, written: &Spanned<String>, message: String) -> Diagnostic {
    match part {
        Part::Certificate => Diagnostic::error("bad-certificate", written.span, message),
        Part::Key => Diagnostic::error("bad-tls-key", written.span, message),
    }
}
