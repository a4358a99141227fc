//! Numbers that stand for texts, today and after a restart: what is kept on disk is known again by them.

use aws_lc_rs::digest::{SHA256, digest};

/// Enough for most texts together, so that their room need not grow piece by piece.
const BYTES_USUAL: usize = 256;

/// What stands for these texts, each of which counts in its place. Never 0.
#[must_use]
pub fn fingerprint<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> u128 {
    let mut all = Vec::with_capacity(BYTES_USUAL);
    for text in texts {
        let text = text.as_ref();
        all.extend_from_slice(&text.len().to_le_bytes());
        all.extend_from_slice(text);
    }
    u128::from_le_bytes(first(digest(&SHA256, &all).as_ref())).max(1)
}

/// The same in 64 bits.
#[must_use]
pub fn short_fingerprint<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> u64 {
    u64::from_le_bytes(first(&fingerprint(texts).to_le_bytes())).max(1)
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_count_in_their_places() {
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
        assert_ne!(short_fingerprint(["a"]), short_fingerprint(["b"]));
    }
}
