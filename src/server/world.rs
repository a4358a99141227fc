//! What the shell tells the engine of the world: the facts of one event.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The header of Vapi's legacy secret (contract, section 2).
const LEGACY_SECRET: &str = "x-vapi-secret";

/// The request's headers as rules see them: names in lower case, credentials left out, several of a name joined by
/// commas.
#[must_use]
pub fn headers(headers: &HeaderMap, credentials: &[HeaderName]) -> Arc<Map<String, Value>> {
    let secret = |name: &HeaderName| *name == AUTHORIZATION || *name == LEGACY_SECRET || credentials.contains(name);
    let mut seen = Map::new();
    for name in headers.keys().filter(|name| !secret(name)) {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        seen.insert(name.as_str().to_owned(), Value::String(values.join(", ")));
    }
    Arc::new(seen)
}

/// All the chance there is: numbers that do not repeat while the daemon runs, and begin elsewhere each time.
#[derive(Debug)]
pub struct Chance {
    next: AtomicU64,
}

impl Default for Chance {
    fn default() -> Chance {
        // The standard library seeds its hash maps from the operating system.
        Chance { next: AtomicU64::new(RandomState::new().hash_one(Timestamp::UNIX_EPOCH.as_second())) }
    }
}

impl Chance {
    /// The next number.
    #[must_use]
    pub fn number(&self) -> u64 {
        // An odd step visits every number before it repeats; the engine mixes it further.
        self.next.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }
}
