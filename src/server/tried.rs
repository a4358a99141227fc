//! How far events have come that are decided again until others have given the answers that they need.
//!
//! This is kept in memory alone, and may be: the state of calls ends with the daemon as well, and what an event had done
//! besides is known by its keys. Where it was let go, what had been asked is asked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::recent::{self, Room};
use crate::engine::facts::{Part, Tries};
use crate::engine::question::{Answers, Response};
use crate::live::version::Version;

/// How much is kept of what was done, in bytes; the longest unused makes room.
const DONE_BYTES_MAX: u64 = 8 << 20;
/// The same of answers.
const ANSWERS_BYTES_MAX: u64 = 32 << 20;
/// What is assumed of an event, and of an answer, besides what it holds.
const OVERHEAD_BYTES: usize = 512;
/// The same of a part of a rule.
const PART_BYTES: usize = 128;

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

/// How far each of them has come, by its idempotency key. What was done is kept apart, lest it has to make room for answers.
pub(super) struct AllTried {
    done: Kept<Arc<BTreeSet<Part>>>,
    answers: Kept<Heard>,
}

/// What others have said, and to rules of which version.
#[derive(Clone)]
struct Heard {
    version: Version,
    answers: Answers,
}

type Kept<T> = Cache<String, T, ByBytes>;

impl Default for AllTried {
    fn default() -> AllTried {
        AllTried {
            done: recent::cache(&room(DONE_BYTES_MAX), ByBytes),
            answers: recent::cache(&room(ANSWERS_BYTES_MAX), ByBytes),
        }
    }
}

/// In one piece, since one of several would take nothing that is larger than itself.
fn room(bytes_max: u64) -> Room {
    Room { weight_max: bytes_max, weight_usual: 4096, shards: 1, asked_again: 0.75 }
}

impl AllTried {
    /// How far an event has come. Who has given what was asked for is not asked again; who has refused is, by the rules of
    /// another `version`: they may well be what was put right.
    pub(super) fn get(&self, key: &str, version: &Version) -> Tried {
        let answers = match self.answers.get(key) {
            Some(heard) if heard.version == *version => heard.answers,
            Some(heard) => heard.answers.given(),
            None => Answers::default(),
        };
        Tried { done: self.done.get(key).unwrap_or_default(), answers }
    }

    pub(super) fn keep(&self, key: &str, version: &Version, tried: Tried) {
        self.done.insert(key.to_owned(), tried.done);
        self.answers.insert(key.to_owned(), Heard { version: version.clone(), answers: tried.answers });
    }

    pub(super) fn forget(&self, key: &str) {
        self.done.remove(key);
        self.answers.remove(key);
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Arc<BTreeSet<Part>>> for ByBytes {
    fn weight(&self, key: &String, done: &Arc<BTreeSet<Part>>) -> u64 {
        let parts: usize = done.iter().map(|part| PART_BYTES + part.rule.len()).sum();
        (OVERHEAD_BYTES + key.len() + parts) as u64
    }
}

impl Weighter<String, Heard> for ByBytes {
    fn weight(&self, key: &String, heard: &Heard) -> u64 {
        let answers = heard.answers.iter().map(|(question, fetched)| {
            OVERHEAD_BYTES + question.request.size() + fetched.response().map_or(0, Response::size)
        });
        (OVERHEAD_BYTES + key.len() + answers.sum::<usize>()) as u64
    }
}
