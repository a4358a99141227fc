//! Where jobs wait for the thread that owns the file.
//!
//! A channel would wake that thread for each of them. Here it says how many it waits for, and sleeps until they are there.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::job::Job;

/// Makes a mailbox: one end for as many as like, and one for the thread.
pub(super) fn mailbox() -> (Sender, Receiver) {
    let mailbox = Arc::new(Mailbox::default());
    (Sender(Arc::new(End(Arc::clone(&mailbox)))), Receiver(End(mailbox)))
}

/// Where jobs are put in. The mailbox is closed once all of them are gone. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender(Arc<End>);

/// Where the thread takes them out. The mailbox is closed once it is gone.
pub(super) struct Receiver(End);

/// The other end is gone.
#[derive(Debug)]
pub(super) struct Closed;

struct End(Arc<Mailbox>);

#[derive(Default)]
struct Mailbox {
    inside: Mutex<Inside>,
    enough: Condvar,
}

#[derive(Default)]
struct Inside {
    jobs: VecDeque<Job>,
    /// How many the thread waits for; nothing while it does not wait.
    wanted: Option<usize>,
    is_closed: bool,
}

impl Sender {
    pub(super) fn send(&self, job: Job) -> Result<(), Closed> {
        let mailbox = &self.0.0;
        let mut inside = mailbox.inside();
        if inside.is_closed {
            return Err(Closed);
        }
        inside.jobs.push_back(job);
        let is_enough = inside.wanted.is_some_and(|wanted| wanted <= inside.jobs.len());
        drop(inside);
        if is_enough {
            mailbox.enough.notify_one();
        }
        Ok(())
    }
}

impl Receiver {
    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.0.0.inside().jobs.len()
    }

    /// Waits until there are so many, but no longer than `time`, nor for whom nobody is left to send.
    pub(super) fn wait(&self, wanted: usize, time: Duration) {
        let mailbox = &self.0.0;
        let mut inside = mailbox.inside();
        inside.wanted = Some(wanted);
        let lacks = |inside: &mut Inside| inside.jobs.len() < wanted && !inside.is_closed;
        let outcome = mailbox.enough.wait_timeout_while(inside, time, lacks);
        outcome.unwrap_or_else(PoisonError::into_inner).0.wanted = None;
    }

    /// The next jobs, `max` at most; nothing if there are none and will be none.
    pub(super) fn take(&self, max: usize) -> Option<Vec<Job>> {
        let mut inside = self.0.0.inside();
        let count = max.min(inside.jobs.len());
        if count == 0 && inside.is_closed {
            return None;
        }
        Some(inside.jobs.drain(..count).collect())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut inside = self.0.0.inside();
        inside.is_closed = true;
        // Whoever waits for what becomes of one of these must not wait for ever.
        let left = std::mem::take(&mut inside.jobs);
        drop(inside);
        drop(left);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.inside().is_closed = true;
        self.0.enough.notify_one();
    }
}

impl Mailbox {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn job() -> Job {
        Job::Rebound(crate::outbox::Bounds::default())
    }

    #[test]
    fn who_waits_for_several_is_woken_by_the_last() {
        let (sender, receiver) = mailbox();
        let sending = sender.clone();
        let thread = thread::spawn(move || (0..3).for_each(|_| sending.send(job()).unwrap()));
        receiver.wait(3, Duration::MAX);
        assert_eq!(receiver.len(), 3);
        thread.join().unwrap();
        assert_eq!(receiver.take(2).unwrap().len(), 2);
        receiver.wait(2, Duration::ZERO);
        assert_eq!(receiver.take(2).unwrap().len(), 1, "it waits no longer than it may");
        assert_eq!(receiver.take(2).unwrap().len(), 0);
    }

    #[test]
    fn whoever_is_alone_is_told() {
        let (sender, receiver) = mailbox();
        sender.send(job()).unwrap();
        let thread = thread::spawn(move || {
            receiver.wait(2, Duration::MAX);
            (receiver.take(9).map(|jobs| jobs.len()), receiver.take(9).is_none())
        });
        drop(sender);
        assert_eq!(thread.join().unwrap(), (Some(1), true), "what was sent before counts");
        let (sender, receiver) = mailbox();
        let (done, outcome) = tokio::sync::oneshot::channel();
        sender.send(Job::Close(done)).unwrap();
        drop(receiver);
        assert!(outcome.blocking_recv().is_err(), "what nobody will take out is gone");
        assert!(sender.send(job()).is_err());
    }
}
