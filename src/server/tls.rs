//! Certificates, and the TLS that is spoken with them.
//!
//! A [`Certificates`] is a handle: it can take over what another one has read, and every handshake from then on gets
//! that, while connections that are established stay as they are. Certificate and key are two files, and somebody who
//! renews them writes one after the other. So a pair is taken only if its parts belong together, and until it is, the
//! pair before it stays in force.
//!
//! Which protocol comes after the handshake is agreed on in it (ALPN). Data before its end (0-RTT) is not accepted:
//! it can be sent again by whoever has recorded it.

mod handshake;
mod pem;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;

pub(super) use self::handshake::turn_away;

/// HTTP/2 as it is called in a handshake.
const HTTP2: &[u8] = b"h2";

/// HTTP/1.1 as it is called in a handshake.
const HTTP1: &[u8] = b"http/1.1";

/// A certificate and its key, from two files. Clones share what is in force.
#[derive(Clone)]
pub struct Certificates {
    in_force: Arc<InForce>,
    config: Arc<ServerConfig>,
}

/// The pair that the next handshake gets.
#[derive(Debug)]
struct InForce(ArcSwap<CertifiedKey>);

/// Why a certificate and a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// One of the files is of no use, or both are.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Files(Vec<FileError>),
    /// Each is sound, but they do not belong together.
    #[error("the key `{}` does not belong to the certificate `{}`", .key.display(), .certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The library cannot do what every server needs.
    #[error("TLS cannot be set up: {0}")]
    Unsupported(#[source] rustls::Error),
}

/// A file that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the {part} `{}` {fault}", .path.display())]
pub struct FileError {
    /// Which of the two it is.
    pub part: Part,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate.
    Certificate,
    /// Its key.
    Key,
}

/// What is wrong with a file that should hold a certificate or a key. No variant holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// There is none.
    #[error("does not exist")]
    Missing,
    /// The operating system refuses.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// Nothing in it begins with `-----BEGIN`.
    #[error("is not PEM")]
    NotPem,
    /// It is PEM, but of something else.
    #[error("holds {found} and no {wanted}")]
    Other {
        /// What it should hold.
        wanted: &'static str,
        /// What it holds, as PEM calls it.
        found: String,
    },
    /// It breaks off, or holds signs that do not belong there.
    #[error("is damaged")]
    Damaged,
    /// A passphrase is needed to read it.
    #[error("is locked by a passphrase")]
    Locked,
    /// The library cannot use it.
    #[error("cannot be used: {0}")]
    Unfit(#[source] rustls::Error),
}

impl Certificates {
    /// Reads a certificate, with those that lead from it to an authority, and its private key. Both are PEM.
    ///
    /// # Errors
    /// If either cannot be read or used, or they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, PairError> {
        let in_force = Arc::new(InForce(ArcSwap::new(Arc::new(read(certificate, key)?))));
        let config = config(Arc::clone(&in_force)).map_err(PairError::Unsupported)?;
        Ok(Self { in_force, config: Arc::new(config) })
    }

    /// Takes over what `other` has in force: every handshake from now on gets it.
    pub fn adopt(&self, other: &Certificates) {
        self.in_force.0.store(other.in_force.0.load_full());
    }

    /// The certificate itself, without those above it.
    #[must_use]
    pub fn end_entity(&self) -> Option<CertificateDer<'static>> {
        self.in_force.0.load().cert.first().cloned()
    }

    /// What shakes hands with clients.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Certificate => "certificate",
            Part::Key => "key",
        })
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn config(in_force: Arc<InForce>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(in_force);
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok(config)
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, PairError> {
    let bad = |part, path: &Path, fault| FileError { part, path: path.to_owned(), fault };
    let chain = pem::chain(certificate).map_err(|fault| bad(Part::Certificate, certificate, fault));
    let signing = signing_key(key).map_err(|fault| bad(Part::Key, key, fault));
    let pair = match (chain, signing) {
        (Ok(chain), Ok(signing)) => CertifiedKey::new(chain, signing),
        (chain, signing) => return Err(PairError::Files(chain.err().into_iter().chain(signing.err()).collect())),
    };
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(PairError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(error) => Err(PairError::Files(vec![bad(Part::Certificate, certificate, FileFault::Unfit(error))])),
    }
}

fn signing_key(path: &Path) -> Result<Arc<dyn SigningKey>, FileFault> {
    aws_lc_rs::sign::any_supported_type(&pem::key(path)?).map_err(FileFault::Unfit)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;

    use super::*;

    /// A certificate and its key, as PEM.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn files(certificate: &str, key: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cert.pem"), certificate).unwrap();
        fs::write(folder.path().join("key.pem"), key).unwrap();
        folder
    }

    fn load(folder: &TempDir) -> Result<Certificates, PairError> {
        Certificates::load(&folder.path().join("cert.pem"), &folder.path().join("key.pem"))
    }

    /// What is wrong with these files, said without their folder.
    fn fault(certificate: &str, key: &str) -> String {
        let folder = files(certificate, key);
        let error = load(&folder).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn what_is_wrong_is_said_of_the_right_file() {
        let ((certificate, key), (_, other_key)) = (pair(), pair());
        assert_eq!(fault("", &key), "the certificate `cert.pem` is not PEM");
        assert_eq!(fault(&key, &key), "the certificate `cert.pem` holds `PRIVATE KEY` and no certificate");
        let (half, _) = certificate.split_at(certificate.len() / 2);
        assert_eq!(fault(half, &key), "the certificate `cert.pem` is damaged");
        assert_eq!(fault(&certificate, "secret"), "the key `key.pem` is not PEM");
        assert_eq!(fault(&certificate, &certificate), "the key `key.pem` holds `CERTIFICATE` and no private key");
        assert_eq!(fault(&certificate, &key.replace("END", "???")), "the key `key.pem` is damaged");
        let locked = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(fault(&certificate, &locked), "the key `key.pem` is locked by a passphrase");
        let empty = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(fault(&certificate, empty).starts_with("the key `key.pem` cannot be used: "));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(fault(empty, &key).starts_with("the certificate `cert.pem` cannot be used: "));
        let mismatch = "the key `key.pem` does not belong to the certificate `cert.pem`";
        assert_eq!(fault(&certificate, &other_key), mismatch);
        let missing = Certificates::load(Path::new("a.pem"), Path::new("b.pem")).unwrap_err();
        assert_eq!(missing.to_string(), "the certificate `a.pem` does not exist; the key `b.pem` does not exist");
    }

    #[test]
    fn whoever_shares_a_handle_gets_what_it_adopts() {
        let ((certificate, key), (new_certificate, new_key)) = (pair(), pair());
        let certificates = load(&files(&certificate, &key)).unwrap();
        let shared = certificates.clone();
        let renewed = load(&files(&new_certificate, &new_key)).unwrap();
        let in_force = |of: &Certificates| of.in_force.0.load().cert.clone();
        assert_ne!(in_force(&shared), in_force(&renewed));
        certificates.adopt(&renewed);
        assert_eq!(in_force(&shared), in_force(&renewed));
    }
}
