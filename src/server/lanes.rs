//! Threads for what takes long: scripts must not hold up other requests, nor each other.
//!
//! Most scripts are done within microseconds where the request is read; only those that are not come here.
//! There are lanes with a thread or more each: what needs more operations than its lane allows gives way
//! and goes on to the next, where the slow ones wait for each other alone. Whoever is waited for goes before all others.
//! A lane's queues are bounded: what finds its own full is told at once, and answers with its fallback.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::client::Asker;
use crate::engine::script::STACK_BYTES;

/// The lowest priority that there is.
const NICENESS_LOWEST: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// Who goes first when cores are scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Whoever else has something to do: the lowest priority that there is.
    Low,
    /// Nobody: callers wait for each of its jobs.
    Usual,
}

/// A few threads and the queues before them, which end with it once they have done what waits.
pub struct Lane(Arc<Queues>);

struct Queues {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    waiting_max: usize,
}

#[derive(Default)]
struct Waiting {
    /// Those that callers wait for, then those that nobody does.
    jobs: [VecDeque<Job>; 2],
    is_closed: bool,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Lane {
    /// Starts `threads` threads of this `priority` that share two queues of `waiting_max` jobs each.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(name: &str, threads: usize, waiting_max: usize, priority: Priority) -> io::Result<Lane> {
        let lane = Lane(Arc::new(Queues { waiting: Mutex::default(), wake: Condvar::new(), waiting_max }));
        for number in 0..threads.max(1) {
            let queues = Arc::clone(&lane.0);
            let thread = thread::Builder::new().name(format!("{name}-{number}")).stack_size(STACK_BYTES);
            thread.spawn(move || queues.work(priority))?;
        }
        Ok(lane)
    }

    /// Runs `job` on one of the threads; its outcome comes through the receiver, which fails if the job panicked.
    ///
    /// # Errors
    /// [`Full`] if too many are waiting.
    pub fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (done, outcome) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever asked may have given up; then nobody wants the outcome.
            if !done.is_closed() {
                drop(done.send(job()));
            }
        });
        self.0.add(asker, job)?;
        Ok(outcome)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.wake.notify_all();
    }
}

impl Queues {
    fn add(&self, asker: Asker, job: Job) -> Result<(), Full> {
        let mut waiting = self.waiting();
        let [awaited, unawaited] = &mut waiting.jobs;
        let queue = if asker == Asker::Caller { awaited } else { unawaited };
        if self.waiting_max <= queue.len() {
            return Err(Full);
        }
        queue.push_back(job);
        drop(waiting);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self, priority: Priority) {
        if priority == Priority::Low {
            // On Linux this is about the thread alone. Where it is refused the lane is merely less modest.
            let _ = rustix::process::nice(NICENESS_LOWEST);
        }
        while let Some(job) = self.next() {
            // The panic hook has logged it; the thread lives on for the next job.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }

    /// The next job, once there is one; nothing if there will be none.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            let next = waiting.jobs.iter_mut().find_map(VecDeque::pop_front);
            if next.is_some() || waiting.is_closed {
                return next;
            }
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_job_leaves_the_thread_alive() {
        let lane = Lane::start("test", 1, 4, Priority::Low).unwrap();
        let broken = lane.run(Asker::Caller, || panic!("on purpose")).unwrap();
        let sound = lane.run(Asker::Caller, || 7).unwrap();
        assert!(broken.blocking_recv().is_err());
        assert_eq!(sound.blocking_recv(), Ok(7));
    }

    #[test]
    fn a_full_queue_says_so() {
        let lane = Lane::start("test", 1, 1, Priority::Low).unwrap();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, first_runs) = std::sync::mpsc::channel::<()>();
        let first = lane.run(Asker::Caller, move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
        });
        first_runs.recv().unwrap();
        let second = lane.run(Asker::Caller, || ());
        assert_eq!(lane.run(Asker::Caller, || ()).err(), Some(Full));
        release.send(()).unwrap();
        assert_eq!(first.unwrap().blocking_recv(), Ok(()));
        assert_eq!(second.unwrap().blocking_recv(), Ok(()));
    }

    #[test]
    fn who_is_waited_for_goes_first() {
        let lane = Lane::start("test", 1, 4, Priority::Low).unwrap();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (say, said) = std::sync::mpsc::channel();
        let blocking = lane.run(Asker::Nobody, move || wait.recv());
        let order = [(Asker::Nobody, 1), (Asker::Nobody, 2), (Asker::Caller, 3), (Asker::Caller, 4)];
        let all = order.map(|(asker, number)| {
            let say = say.clone();
            lane.run(asker, move || say.send(number)).unwrap()
        });
        release.send(()).unwrap();
        drop((say, lane, blocking));
        // What waits when the lane ends is done all the same.
        let said: Vec<i32> = said.iter().collect();
        assert_eq!(said, [3, 4, 1, 2]);
        drop(all);
    }
}
