//! Hides secrets in answers without holding up others: to look through a megabyte takes some milliseconds, and longer
//! if whoever answers wants it to.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use crate::client::Asker;
use crate::clock::Deadline;
use crate::secrets::Sought;

/// Answers that are longer than this, in bytes, are looked through on a thread of their own.
const BRIEF: usize = 64 << 10;

/// Turns of long answers: one at a time of those that a caller waits for, and one of the others.
pub(super) struct Hiding {
    awaited: Arc<Semaphore>,
    unawaited: Arc<Semaphore>,
}

impl Default for Hiding {
    fn default() -> Hiding {
        Hiding { awaited: Arc::new(Semaphore::new(1)), unawaited: Arc::new(Semaphore::new(1)) }
    }
}

impl Hiding {
    /// The answer without what is `sought` in it; nothing if that is not done in time.
    pub(super) async fn hide(&self, sought: Sought, answer: Bytes, asker: Asker, until: Deadline) -> Option<Bytes> {
        if sought.is_empty() || answer.len() <= BRIEF {
            return Some(sought.hide(answer));
        }
        let turns = match asker {
            Asker::Caller => &self.awaited,
            Asker::Nobody => &self.unawaited,
        };
        let hidden = async {
            let turn = Arc::clone(turns).acquire_owned().await.ok()?;
            // It ends when the answer was looked through, also if nobody waits for that any more.
            let looking = spawn_blocking(move || (sought.hide(answer), turn));
            looking.await.ok().map(|(hidden, _)| hidden)
        };
        timeout_at(until.instant().into(), hidden).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;
    use crate::secrets::Secrets;

    #[tokio::test]
    async fn a_long_answer_waits_for_its_turn_alone() {
        let secrets = Secrets::new([("crm".to_owned(), SecretString::from("correct-horse"))]);
        let sought = || secrets.sought_in_answers(["crm"]);
        let brief = Bytes::from_static(b"correct-horse");
        let long = Bytes::from([vec![b' '; BRIEF], brief.to_vec()].concat());
        let (hiding, soon) = (Hiding::default(), Deadline::after(Duration::ZERO));
        let ever = Deadline::after(Duration::MAX);
        let turn = hiding.unawaited.acquire().await.unwrap();
        assert_eq!(hiding.hide(sought(), long.clone(), Asker::Nobody, soon).await, None, "it is another one's turn");
        assert_eq!(hiding.hide(sought(), brief, Asker::Nobody, soon).await.unwrap(), "[secret crm]");
        let nothing = secrets.sought_in_answers([]);
        assert_eq!(hiding.hide(nothing, long.clone(), Asker::Nobody, soon).await, Some(long.clone()));
        let hidden = hiding.hide(sought(), long.clone(), Asker::Caller, ever).await.unwrap();
        assert!(hidden.ends_with(b" [secret crm]"));
        drop(turn);
        assert_eq!(hiding.hide(sought(), long, Asker::Nobody, ever).await, Some(hidden));
    }
}
