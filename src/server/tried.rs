//! How far events have come that are decided again until others have given the answers that they need.
//!
//! This is kept in memory alone, and may be: the state of calls ends with the daemon as well, and what an event had done
//! besides is known by its keys. Where it was let go, what had been asked is asked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::engine::facts::{Part, Tries};
use crate::engine::question::{Answers, Response};

/// How much is kept, in bytes; the longest unused makes room.
const BYTES_MAX: u64 = 32 << 20;
/// What is assumed of an event, and of an answer, besides what it holds.
const OVERHEAD_BYTES: usize = 512;

/// How far an event has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    /// What has been carried out.
    pub(super) done: Arc<BTreeSet<Part>>,
    /// What others have said that will not change.
    pub(super) answers: Answers,
}

impl Tried {
    /// What a try has come to that began with `tries`, and has `done` this by these `answers`.
    pub(super) fn so_far(tries: &Tries, done: Vec<Part>, answers: &Answers) -> Tried {
        let all = tries.done.iter().cloned().chain(done);
        Tried { done: Arc::new(all.collect()), answers: answers.settled() }
    }

    /// Where the next try begins.
    pub(super) fn next(&self, is_last: bool) -> Tries {
        Tries { done: Arc::clone(&self.done), is_last }
    }
}

/// How far each of them has come, by its idempotency key.
pub(super) struct AllTried(Cache<String, Tried, ByBytes>);

impl Default for AllTried {
    fn default() -> AllTried {
        AllTried(Cache::with_weighter(64, BYTES_MAX, ByBytes))
    }
}

impl AllTried {
    pub(super) fn get(&self, key: &str) -> Tried {
        self.0.get(key).unwrap_or_default()
    }

    pub(super) fn keep(&self, key: &str, tried: Tried) {
        self.0.insert(key.to_owned(), tried);
    }

    pub(super) fn forget(&self, key: &str) {
        self.0.remove(key);
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Tried> for ByBytes {
    fn weight(&self, key: &String, tried: &Tried) -> u64 {
        let done: usize =
            tried.done.iter().map(|part| part.rule.len() + part.act.as_ref().map_or(0, String::len)).sum();
        let answers = tried.answers.iter().map(|(question, fetched)| {
            OVERHEAD_BYTES + question.request.size() + fetched.response().map_or(0, Response::size)
        });
        (OVERHEAD_BYTES + key.len() + done + answers.sum::<usize>()) as u64
    }
}
