//! Tool calls that arrive again are answered again, but carried out once, also while the first is still at work.
//!
//! Vapi repeats a request that it believes lost. A tool call's identity is its server, its call and its own id
//! together, because some models number their tool calls anew in every call (contract, section 7).
//! [`identity`](super::identity) knows what has none.
//! No lock can be left behind: whoever makes an answer holds a guard, and if its future is dropped (the client hung
//! up, the task panicked), the next one who waits makes the answer instead.

use std::future::Future;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::identity::{Key, Keys};
use super::recent::{self, Room};

/// How many bytes of answers are remembered, unless settings say otherwise.
pub const BYTES_MAX_DEFAULT: u64 = 4 << 20;

/// What an entry costs besides the answer's own bytes: its place, and what the allocator keeps for itself.
const ENTRY_BYTES: usize = 128;

/// For which request an answer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// For this one.
    Now,
    /// For an earlier one.
    Before,
}

/// The answers of late, each by the tool call that it answers. Bounded in bytes; old ones leave first, roughly.
///
/// An answer is something that is cheap to clone and never changes.
pub struct AnswerOnce<T: Clone> {
    answers: Cache<Key, T, ByBytes<T>>,
    keys: Keys,
}

impl<T: Clone> AnswerOnce<T> {
    /// Remembers about `bytes_max` bytes of answers, whose sizes `bytes` tells. An answer larger than a sixteenth of
    /// that is given to those who wait for it and then forgotten.
    #[must_use]
    pub fn new(bytes_max: u64, bytes: fn(&T) -> usize) -> AnswerOnce<T> {
        let room = Room { weight_max: bytes_max, weight_usual: 512, shards: 4, asked_again: 0.25 };
        AnswerOnce { answers: recent::cache(&room, ByBytes(bytes)), keys: Keys::default() }
    }

    /// What stands for the tool call that [`asked`](super::identity::asked) tells from others, in `call`, which came to the
    /// server at index `server`.
    #[must_use]
    pub fn key(&self, server: usize, call: &str, asked: [&str; 3]) -> Key {
        self.keys.key(&(server, call, asked))
    }

    /// Remembers about so many bytes from now on.
    pub fn rebound(&self, bytes_max: u64) {
        self.answers.set_capacity(bytes_max);
    }

    /// The answer to the tool call `key`: the one it got before, the one that somebody is making for it now, or else
    /// what `make` makes. Without a key, always what `make` makes.
    ///
    /// `make` is not called unless its outcome is needed. If the returned future is dropped, so is what it made, and
    /// whoever waits for it starts from the beginning with its own. Work that must not be begun twice belongs, with
    /// the call of this function, in a task that outlives the connection.
    pub async fn answer<M: Future<Output = T>>(&self, key: Option<Key>, make: impl FnOnce() -> M) -> (T, Made) {
        let Some(key) = key else {
            return (make().await, Made::Now);
        };
        match self.answers.get_value_or_guard_async(&key).await {
            Ok(answer) => (answer, Made::Before),
            Err(guard) => {
                let answer = make().await;
                // It fails only if the place was taken away meanwhile, and nobody here does that.
                let _ = guard.insert(answer.clone());
                (answer, Made::Now)
            }
        }
    }
}

/// Weighs answers by the bytes that they take, as this function tells.
struct ByBytes<T>(fn(&T) -> usize);

impl<T> Clone for ByBytes<T> {
    fn clone(&self) -> ByBytes<T> {
        ByBytes(self.0)
    }
}

impl<T> Weighter<Key, T> for ByBytes<T> {
    fn weight(&self, _: &Key, answer: &T) -> u64 {
        (ENTRY_BYTES + (self.0)(answer)) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::oneshot;

    use super::*;

    type Answers = AnswerOnce<Arc<String>>;

    fn answers() -> Answers {
        up_to(BYTES_MAX_DEFAULT)
    }

    fn up_to(bytes_max: u64) -> Answers {
        AnswerOnce::new(bytes_max, |answer| answer.len())
    }

    impl Answers {
        fn id(&self, tool_call: &str) -> Key {
            self.key(0, "call-1", [tool_call, "book", "{}"])
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn say(text: &str) -> std::future::Ready<Arc<String>> {
        std::future::ready(Arc::new(text.to_owned()))
    }

    /// Looks once, as a waiting task is polled.
    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_answer_is_given_again() {
        let answers = answers();
        run(async {
            let (first, turn) = answers.answer(Some(answers.id("a")), || say("one")).await;
            assert_eq!((first.as_str(), turn), ("one", Made::Now));
            let (again, turn) = answers.answer(Some(answers.id("a")), || say("two")).await;
            assert_eq!((again.as_str(), turn), ("one", Made::Before));
            assert!(Arc::ptr_eq(&first, &again));
            let (other, turn) = answers.answer(Some(answers.id("b")), || say("three")).await;
            assert_eq!((other.as_str(), turn), ("three", Made::Now));
        });
    }

    #[test]
    fn whoever_comes_meanwhile_waits_for_the_same_answer() {
        let answers = answers();
        let made = Cell::new(0);
        let (done, wait) = oneshot::channel();
        let first = answers.answer(Some(answers.id("a")), || async {
            made.set(made.get() + 1);
            wait.await.unwrap();
            Arc::new("one".to_owned())
        });
        let repeat = || {
            answers.answer(Some(answers.id("a")), || async {
                made.set(made.get() + 1);
                Arc::new("two".to_owned())
            })
        };
        let release = async { done.send(()).unwrap() };
        // Polled in this order: both repeats come while the first is at work.
        let (first, second, third, ()) = run(async { tokio::join!(biased; first, repeat(), repeat(), release) });
        assert_eq!((first.0.as_str(), first.1), ("one", Made::Now));
        assert_eq!((second.0.as_str(), second.1), ("one", Made::Before));
        assert_eq!((third.0.as_str(), third.1), ("one", Made::Before));
        assert_eq!(made.get(), 1);
    }

    #[test]
    fn if_the_first_gives_up_one_who_waits_goes_on() {
        let answers = answers();
        let mut first = Box::pin(answers.answer(Some(answers.id("a")), std::future::pending));
        let mut second = pin!(answers.answer(Some(answers.id("a")), || say("two")));
        let mut third = pin!(answers.answer(Some(answers.id("a")), || say("three")));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        drop(first);
        let ((second, third), turns) = run(async {
            let (second, third) = tokio::join!(second, third);
            ((second.0, third.0), [second.1, third.1])
        });
        assert!(Arc::ptr_eq(&second, &third));
        assert_eq!(turns.iter().filter(|turn| **turn == Made::Now).count(), 1);
    }

    #[test]
    fn nothing_is_left_behind_if_nobody_waits() {
        let answers = answers();
        let mut first = Box::pin(answers.answer(Some(answers.id("a")), std::future::pending));
        assert!(poll(first.as_mut()).is_pending());
        drop(first);
        let (second, turn) = run(answers.answer(Some(answers.id("a")), || say("two")));
        assert_eq!((second.as_str(), turn), ("two", Made::Now));
    }

    #[test]
    fn a_call_without_an_identity_is_carried_out_each_time() {
        let answers = answers();
        for _ in 0..2 {
            assert_eq!(run(answers.answer(None, || say("x"))).1, Made::Now);
        }
    }

    #[test]
    fn the_same_ids_elsewhere_are_another_call() {
        let answers = answers();
        let keys = [
            answers.key(0, "call-1", ["call_51kj", "book", "{}"]),
            answers.key(1, "call-1", ["call_51kj", "book", "{}"]),
            answers.key(0, "call-2", ["call_51kj", "book", "{}"]),
            answers.key(0, "call-2", ["call_51kk", "book", "{}"]),
            answers.key(0, "call-2", ["call_51kk", "cancel", "{}"]),
            answers.key(0, "call-2", ["call_51kk", "cancel", "{ }"]),
        ];
        for key in keys {
            assert_eq!(run(answers.answer(Some(key), || say("x"))).1, Made::Now);
        }
    }

    #[test]
    fn memory_is_bounded_and_new_answers_stay() {
        let answers = up_to(1 << 20);
        let text = "x".repeat(1000);
        run(async {
            for number in 0..5000 {
                answers.answer(Some(answers.id(&number.to_string())), || say(&text)).await;
            }
            // Half of what fits in the three quarters for new ones, because the shards fill unevenly.
            for number in 4700..5000 {
                let (_, turn) = answers.answer(Some(answers.id(&number.to_string())), || say("again")).await;
                assert_eq!(turn, Made::Before, "{number}");
            }
        });
        assert!(answers.answers.weight() <= 1 << 20);
    }

    #[test]
    fn a_huge_answer_is_shared_but_not_kept() {
        let answers = up_to(1 << 20);
        let huge = "x".repeat(1 << 20);
        assert_eq!(run(answers.answer(Some(answers.id("a")), || say(&huge))).0.len(), 1 << 20);
        assert_eq!(answers.answers.weight(), 0);
        assert_eq!(run(answers.answer(Some(answers.id("a")), || say("small"))).1, Made::Now);
    }

    #[test]
    fn answers_can_be_awaited_in_any_task() {
        fn needs_send<T: Send>(value: T) -> T {
            value
        }
        let answers = answers();
        let turn = run(needs_send(answers.answer(Some(answers.id("a")), || say("one")))).1;
        assert_eq!(turn, Made::Now);
    }
}
