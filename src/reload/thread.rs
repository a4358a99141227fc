//! When the files are looked at: on a hint, on an operator's wish, and now and then.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::parts::Parts;
use super::reloader::Reloader;
use super::watch::{Hint, Unfinished, Watch};
use super::{Reloads, Wake};
use crate::clock::Deadline;

/// How long nothing must have happened before the files are looked at.
const QUIET: Duration = Duration::from_millis(50);
/// How long somebody who has a file open and writes to it is waited for; what is half written may well be valid.
const QUIET_UNFINISHED: Duration = Duration::from_secs(2);
/// How long quiet is waited for in all.
const UNQUIET_MAX: Duration = Duration::from_secs(2);
/// How long after the first of two readings that must agree the second is made, where hints tell of writing.
const GAP: Duration = Duration::from_millis(40);
/// Where cores are scarce, calls go first: a tenth of one is left to reloading, so that it comes to its end all the same.
const NICENESS: i32 = 10;
/// Compiling nests as deep as files may.
const STACK_BYTES: usize = 8 << 20;

impl Reloader {
    /// Goes on in a thread of its own, which also tells the parts of other bounds.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(self, parts: Parts) -> io::Result<Reloads> {
        let (sender, wakes) = channel();
        let watch = if self.settings().reload.watch { Watch::start(sender.clone()) } else { Watch::blind() };
        let mut thread = Thread { reloader: self, wakes, watch, parts };
        thread::Builder::new().name("reload".to_owned()).stack_size(STACK_BYTES).spawn(move || thread.run())?;
        Ok(Reloads(sender))
    }
}

/// The thread that reloads.
struct Thread {
    reloader: Reloader,
    wakes: Receiver<Wake>,
    watch: Watch,
    parts: Parts,
}

impl Thread {
    fn run(&mut self) {
        // On Linux this is about the thread alone. Where it is refused reloading is merely less modest.
        let _ = rustix::process::nice(NICENESS);
        let mut pause = self.poll();
        loop {
            self.watch.follow(self.reloader.seen.places());
            let wake = match self.wakes.recv_timeout(pause) {
                Ok(Wake::Hint(hint)) => self.settle(hint),
                Ok(wake) => Some(wake),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(Wake::Stop { over }) = wake {
                // Whoever waits may have gone.
                let _ = over.send(());
                return;
            }
            // No panic is known; should there be one, the next files may fare better. The panic hook has logged it.
            let again = catch_unwind(AssertUnwindSafe(|| self.serve(wake))).unwrap_or(true);
            pause = if again { self.gap() } else { self.poll() };
        }
    }

    fn serve(&mut self, wake: Option<Wake>) -> bool {
        let (report, done) = match wake {
            Some(Wake::Reload { wish, done }) => (self.reloader.obey(&wish, &self.parts), done),
            Some(Wake::RollBack { server, done }) => (self.reloader.roll_back(server.as_deref()), done),
            Some(Wake::Hint(_) | Wake::Stop { .. }) | None => return self.reloader.look(&self.parts),
        };
        report.tell();
        // Whoever asked may have gone.
        let _ = done.send(report);
        // Whatever was waited for when the wish came has not been looked at yet.
        true
    }

    /// Waits until nothing happens any more; returns early with what is no hint.
    fn settle(&mut self, hint: Hint) -> Option<Wake> {
        let mut unfinished = Unfinished::default();
        self.note(hint, &mut unfinished);
        let until = Deadline::after(UNQUIET_MAX);
        while !until.passed() {
            let quiet = if unfinished.is_empty() { QUIET } else { QUIET_UNFINISHED };
            match self.wakes.recv_timeout(quiet.min(until.remaining())) {
                Ok(Wake::Hint(hint)) => self.note(hint, &mut unfinished),
                Ok(wake) => return Some(wake),
                Err(_) => break,
            }
        }
        None
    }

    fn note(&mut self, hint: Hint, unfinished: &mut Unfinished) {
        if matches!(hint, Hint::Lost) {
            self.watch.forget();
        }
        unfinished.note(hint);
    }

    /// How long until everything is looked at in any case. Without hints two looks must agree within that time.
    fn poll(&self) -> Duration {
        let poll = self.reloader.settings().reload.poll;
        if self.watch.sees() { poll } else { poll / 2 }
    }

    /// How long until what has changed is looked at once more.
    fn gap(&self) -> Duration {
        if self.watch.sees() { GAP } else { self.poll() }
    }
}
