//! The name of a rule set: a hash of what its files hold.

use std::fmt::{self, Display};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;

/// How many bytes of the hash make the name. Nobody wants two sets of his own to have the same one, and by chance none of
/// millions do.
const BYTES: usize = 6;

/// The name of a rule set: twelve hexadecimal digits. Equal files have equal names, wherever they lie.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// The name of a set that holds these files, each a path inside of the set and what it holds, in order.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Version {
        let mut context = Context::new(&SHA256);
        for (path, text) in files {
            for part in [path, text] {
                // With its length before it, no part can be taken for a piece of another.
                context.update(&(part.len() as u64).to_le_bytes());
                context.update(part.as_bytes());
            }
        }
        let hash = context.finish();
        let name = hash.as_ref().get(..BYTES).unwrap_or_default();
        Version(HEXLOWER.encode(name).into())
    }

    /// The name of what is in force where no set has ever been sound.
    #[must_use]
    pub fn none() -> Version {
        Version("none".into())
    }

    /// Reads a name as it was written; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Version> {
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        (text.len() == BYTES * 2 && text.chars().all(digit)).then(|| Version(text.into()))
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_files_hold() {
        let version = Version::of([("a.yaml", "rules: []"), ("b.yaml", "")]);
        assert_eq!(version, Version::of([("a.yaml", "rules: []"), ("b.yaml", "")]));
        assert_eq!(Version::parse(version.as_str()), Some(version.clone()));
        for other in [
            &[("a.yaml", "rules: []"), ("b.yaml", " ")][..],
            &[("a.yaml", "rules: []"), ("c.yaml", "")],
            &[("a.yaml", "rules: []")],
            &[("a.yamlrules: []", ""), ("b.yaml", "")],
            &[],
        ] {
            assert_ne!(version, Version::of(other.iter().copied()), "{other:?}");
        }
    }

    #[test]
    fn what_is_no_version_is_not_taken_for_one() {
        for text in ["", "none", "../../../etc", "0123456789AB", "0123456789a", "0123456789abc"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
