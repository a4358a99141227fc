//! Reads a request's body, bounded in length and in time.
//!
//! A body that comes in one piece, as most do, is handed on as hyper received it. Any other is gathered in one buffer,
//! made once for the length that the request announces.

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use super::refusal::Refusal;
use crate::clock::Deadline;

/// The most that is set aside for a body on nothing but its word that it will be long.
const RESERVED_MAX: usize = 256 * 1024;

/// The longest body that is read only to be forgotten.
const FORGOTTEN_MAX: usize = 64 * 1024;

/// Reads `body`, of a request whose first byte came at `begun_at`.
///
/// The deadline costs nothing unless the body keeps us waiting: tokio registers a timer only when what it bounds does.
pub(super) async fn read(
    body: Incoming,
    bytes_max: usize,
    begun_at: Instant,
    within: Duration,
) -> Result<Bytes, Refusal> {
    let deadline = Deadline::of(begun_at, within).instant().into();
    match tokio::time::timeout_at(deadline, gather(body, bytes_max)).await {
        Ok(gathered) => gathered,
        Err(_) => Err(Refusal::BodyTooSlow { within }),
    }
}

/// Reads a body that nobody wants and forgets it, so that another request can follow on the connection. Says whether it
/// came to its end: it may be too long, or not come within `within`.
pub(super) async fn forget(body: Incoming, within: Duration) -> bool {
    let deadline = Deadline::after(within).instant().into();
    tokio::time::timeout_at(deadline, count(body)).await.is_ok_and(|counted| counted.is_ok())
}

/// The length of `body`.
async fn count<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<usize, Refusal> {
    let too_large = Refusal::BodyTooLarge { bytes_max: FORGOTTEN_MAX };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = 0;
    while announced <= FORGOTTEN_MAX && bytes <= FORGOTTEN_MAX {
        match next(&mut body).await? {
            Some(piece) => bytes += piece.len(),
            None => return Ok(bytes),
        }
    }
    Err(too_large)
}

async fn gather<B: Body<Data = Bytes> + Unpin>(mut body: B, bytes_max: usize) -> Result<Bytes, Refusal> {
    let too_large = Refusal::BodyTooLarge { bytes_max };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if bytes_max < announced {
        return Err(too_large);
    }
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() && first.len() <= bytes_max {
        return Ok(first);
    }

    let mut gathered = Vec::with_capacity(announced.min(RESERVED_MAX).max(first.len()));
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if bytes_max - gathered.len() < bytes.len() {
            return Err(too_large);
        }
        gathered.extend_from_slice(&bytes);
        piece = next(&mut body).await?;
    }
    Ok(gathered.into())
}

/// Returns the next piece of the body; trailers are of no use to anybody here.
async fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Result<Option<Bytes>, Refusal> {
    while !body.is_end_stream() {
        match Pin::new(&mut *body).frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Refusal::BodyBroken),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::{Frame, SizeHint};

    use super::*;

    /// A body that comes in pieces and announces `announced` bytes.
    struct Pieces {
        pieces: VecDeque<&'static str>,
        announced: u64,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece.into()))))
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.announced);
            hint
        }
    }

    async fn check(announced: u64, pieces: &[&'static str], expected: Result<&'static str, Refusal>) {
        let body = Pieces { pieces: pieces.iter().copied().collect(), announced };
        assert_eq!(gather(body, 5).await, expected.map(Bytes::from));
    }

    #[tokio::test]
    async fn a_body_is_gathered_up_to_its_limit() {
        let too_large = Err(Refusal::BodyTooLarge { bytes_max: 5 });
        check(0, &[], Ok("")).await;
        check(0, &["abc"], Ok("abc")).await;
        check(5, &["ab", "c", "", "de"], Ok("abcde")).await;
        check(0, &["abc", "def"], too_large.clone()).await;
        check(0, &["abcdef"], too_large.clone()).await;
        check(6, &["abc"], too_large.clone()).await;
        check(u64::MAX, &[], too_large).await;
    }

    #[tokio::test]
    async fn a_body_that_nobody_wants_is_read_up_to_a_limit() {
        let too_large = Err(Refusal::BodyTooLarge { bytes_max: FORGOTTEN_MAX });
        let pieces =
            |pieces: &[&'static str], announced| Pieces { pieces: pieces.iter().copied().collect(), announced };
        assert_eq!(count(pieces(&[], 0)).await, Ok(0));
        assert_eq!(count(pieces(&["abc", "", "d"], 4)).await, Ok(4));
        assert_eq!(count(pieces(&[], u64::MAX)).await, too_large);
        let long: &'static str = "x".repeat(FORGOTTEN_MAX).leak();
        assert_eq!(count(pieces(&[long], 0)).await, Ok(FORGOTTEN_MAX));
        assert_eq!(count(pieces(&[long, "x"], 0)).await, too_large);
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let bytes = Bytes::from(vec![7; 3]);
        let gathered = gather(Full::new(bytes.clone()), 5).await.unwrap();
        assert_eq!(gathered.as_ptr(), bytes.as_ptr());
    }
}
