//! Threads for what takes long: scripts must not hold up other requests, nor each other.
//!
//! Most scripts are done within microseconds where the request is read; only those that are not come here.
//! There are lanes with a thread or more each: what needs more operations than its lane allows gives way
//! and goes on to the next, where the slow ones wait for each other alone. A lane's queue is bounded: what
//! finds it full is told at once, and answers with its fallback.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::engine::script::STACK_BYTES;

type Job = Box<dyn FnOnce() + Send>;

/// Who goes first when cores are scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Whoever else has something to do: the lowest priority that there is.
    Low,
    /// Nobody: callers wait for each of its jobs.
    Usual,
}

/// A few threads and a queue before them.
pub struct Lane {
    queue: SyncSender<Job>,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Lane {
    /// Starts `threads` threads of this `urgency` that share a queue of `waiting_max` jobs.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(name: &str, threads: usize, waiting_max: usize, urgency: Urgency) -> io::Result<Lane> {
        let (queue, jobs) = sync_channel(waiting_max);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            let thread = thread::Builder::new().name(format!("{name}-{number}")).stack_size(STACK_BYTES);
            thread.spawn(move || work(&jobs, urgency))?;
        }
        Ok(Lane { queue })
    }

    /// Runs `job` on one of the threads; its outcome comes through the receiver, which fails if the job panicked.
    ///
    /// # Errors
    /// [`Full`] if too many are waiting.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (done, outcome) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever asked may have given up; then nobody wants the outcome.
            if !done.is_closed() {
                drop(done.send(job()));
            }
        });
        self.queue.try_send(job).map_err(|_| Full)?;
        Ok(outcome)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, urgency: Urgency) {
    // On Linux this is about the thread alone. Where it is refused the lane is merely less modest.
    if urgency == Urgency::Low {
        let _ = rustix::process::nice(19);
    }
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // The panic hook has logged it; the thread lives on for the next job.
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_job_leaves_the_thread_alive() {
        let lane = Lane::start("test", 1, 4, Urgency::Low).unwrap();
        let broken = lane.run(|| panic!("on purpose")).unwrap();
        let sound = lane.run(|| 7).unwrap();
        assert!(broken.blocking_recv().is_err());
        assert_eq!(sound.blocking_recv(), Ok(7));
    }

    #[test]
    fn a_full_queue_says_so() {
        let lane = Lane::start("test", 1, 1, Urgency::Low).unwrap();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, first_runs) = std::sync::mpsc::channel::<()>();
        let first = lane.run(move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
        });
        first_runs.recv().unwrap();
        let second = lane.run(|| ());
        assert_eq!(lane.run(|| ()).err(), Some(Full));
        release.send(()).unwrap();
        assert_eq!(first.unwrap().blocking_recv(), Ok(()));
        assert_eq!(second.unwrap().blocking_recv(), Ok(()));
    }
}
