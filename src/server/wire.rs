//! A connection's bytes: tells the protocol from the first of them, reports to the [`Pace`] that some came, and ends
//! without taking the last answer back.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::pace::{CLOSE_MAX, Pace};
use super::refusal::Refusal;

/// What a client sends first when it knows without asking that the server speaks HTTP/2.
const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The kernel takes one piece a tenth of a microsecond sooner than two. An answer that is no longer than this, header and
/// all, is put together for it.
const SHORT_BYTES_MAX: usize = 1024;

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A stream whose first bytes were looked at.
pub(super) struct Wire<S> {
    stream: S,
    pace: Arc<Pace>,
    looked_at: [u8; PREFACE.len()],
    /// The part of `looked_at` that has not been read yet, from and to.
    unread: (usize, usize),
    closing: bool,
    /// Whether part of an answer still waits for the client to read.
    stalled: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace, looked_at: [0; PREFACE.len()], unread: (0, 0), closing: false, stalled: false }
    }

    /// Says which protocol is spoken, having waited for as many bytes as it takes; `None` if there is nobody to speak.
    pub(super) async fn protocol(&mut self) -> io::Result<Option<Protocol>> {
        loop {
            let (_, seen) = self.unread;
            let (seen_bytes, rest) = self.looked_at.split_at_mut(seen);
            match PREFACE.strip_prefix(&*seen_bytes) {
                None => return Ok(Some(Protocol::Http1)),
                Some([]) => return Ok(Some(Protocol::Http2)),
                Some(_) => {}
            }
            let count = self.stream.read(rest).await?;
            if count == 0 {
                return Ok((seen != 0).then_some(Protocol::Http1));
            }
            self.pace.received();
            self.unread = (0, seen + count);
        }
    }

    /// Tells the client why it is being turned away, and ends the connection.
    pub(super) async fn farewell(mut self, refusal: &Refusal) {
        if self.stalled {
            // Whatever is written now, the client would take for the rest of that answer.
            return;
        }
        let farewell = async {
            self.stream.write_all(refusal.http1().as_bytes()).await?;
            self.shutdown().await
        };
        // A client that will not listen, or is gone, cannot be told.
        let _ = tokio::time::timeout(CLOSE_MAX, farewell).await;
    }

    /// Ends the connection of a client that has said nothing, and does not wait for it.
    pub(super) async fn leave(mut self) {
        if !self.stalled {
            // Not dropped alone: over TLS the end has to be said, or it could be taken for an attack.
            let _ = tokio::time::timeout(CLOSE_MAX, self.stream.shutdown()).await;
        }
    }

    /// Reads and forgets what the client still sends. To close a socket that holds unread bytes makes the kernel reset
    /// the connection, and a reset can overtake the answer: the client would never learn why it was turned away.
    fn poll_forget(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(again @ [_, ..]) = this.looked_at.get(this.unread.0..this.unread.1) {
            let count = again.len().min(buffer.remaining());
            buffer.put_slice(again.get(..count).unwrap_or_default());
            this.unread.0 += count;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        if before < buffer.filled().len() {
            this.pace.received();
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.stalled = written.is_pending();
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = match joined(slices, &mut [0; SHORT_BYTES_MAX]) {
            Some(short) => stream.poll_write(context, short),
            None => stream.poll_write_vectored(context, slices),
        };
        self.stalled = written.is_pending();
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that no more will be written, then waits until the client has said so too; the [`Pace`] bounds the wait.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closing {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            this.closing = true;
            this.pace.close();
        }
        this.poll_forget(context).map(Ok)
    }
}

/// What `slices` hold, one behind the other in `room`; `None` if there is not room enough.
fn joined<'a>(slices: &[io::IoSlice<'_>], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    for slice in slices {
        room.get_mut(end..end + slice.len())?.copy_from_slice(slice);
        end += slice.len();
    }
    room.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::limits::Limits;

    async fn protocol(pieces: &[&[u8]]) -> Option<Protocol> {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut wire = Wire::new(server, Arc::new(Pace::new(&Limits::default())));
        let mut sent = Vec::new();
        let talk = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                sent.extend_from_slice(piece);
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
        };
        let (protocol, ()) = tokio::join!(wire.protocol(), talk);
        let mut read = Vec::new();
        wire.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, sent, "what was looked at is read again");
        protocol.unwrap()
    }

    #[test]
    fn short_pieces_are_put_together() {
        let (header, body) = (io::IoSlice::new(b"ab"), io::IoSlice::new(b"cde"));
        let join = |room: usize| joined(&[header, body], &mut vec![0; room]).map(<[u8]>::to_vec);
        assert_eq!(join(5).as_deref(), Some(&b"abcde"[..]));
        assert_eq!(join(8).as_deref(), Some(&b"abcde"[..]));
        assert_eq!(join(4), None);
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_protocol() {
        assert_eq!(protocol(&[&PREFACE, b"more"]).await, Some(Protocol::Http2));
        assert_eq!(protocol(&[b"P", b"RI * HT", b"TP/2.0\r\n\r\nSM\r\n\r\n"]).await, Some(Protocol::Http2));
        assert_eq!(protocol(&[b"P", b"OST / HTTP/1.1\r\n\r\n"]).await, Some(Protocol::Http1));
        assert_eq!(protocol(&[b"PRI * HTTP/1.1\r\nHost: a\r\n\r\n"]).await, Some(Protocol::Http1));
        assert_eq!(protocol(&[b"PRI"]).await, Some(Protocol::Http1));
        assert_eq!(protocol(&[]).await, None);
    }
}
