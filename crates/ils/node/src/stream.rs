//! Frames over a byte stream, both ways at once, with a limit on every wait.
//!
//! ```text
//!           poll_write <- Outbox  <- push
//! stream <                                 one `turn`, one task
//!           poll_read  -> Decoder -> RawFrame
//! ```
//! Neither way waits for the other: two nodes that both have more to say than sockets hold hear each other out.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ils_core::handshake::Refusal;
use ils_core::outcome::Outcome;
use ils_wire::{Decoder, RawFrame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::clock;
use crate::outbox::Outbox;

/// Octets read at once.
const CHUNK: usize = 16 * 1024;
/// How long a closed connection is still read from, so that the peer gets our last words before a reset.
const LINGER: Duration = Duration::from_secs(1);
/// Octets thrown away meanwhile.
const LINGER_OCTETS: usize = 256 * 1024;

/// Whoever closes a connection before saying anything is no peer: a port scan does.
pub(crate) const SCANNED: &str = "the connection was closed before its first octet";

/// What reading came to.
pub(crate) enum Read {
    /// A frame.
    Frame(RawFrame),
    /// Bytes that are no frame of ours.
    Bad(Refusal),
    /// The peer is gone, perhaps with an error.
    End(Option<io::Error>),
}

/// What happened on the stream.
pub(crate) enum Turn {
    /// Something came.
    Read(Read),
    /// The peer has taken a frame.
    Gone,
    /// It has not, for too long, or the connection broke.
    Failed(io::Error),
}

thread_local! {
    /// What is read next on this thread, by whichever connection: none holds room for what may never come.
    static CHUNKS: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// A stream of frames.
pub(crate) struct Frames<S> {
    stream: S,
    decoder: Decoder,
    outbox: Outbox,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(crate) fn new(stream: S, write_limit: Duration) -> Self {
        Self { stream, decoder: Decoder::new(), outbox: Outbox::new(write_limit, clock::monotonic()) }
    }

    /// No octet has come so far, or none since the last frame.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.decoder.buffered() == 0
    }

    /// From the join on, longer frames are taken.
    pub(crate) fn joined(&mut self) {
        self.decoder.joined();
    }

    /// The next frame. Cancel-safe: what has been read is kept.
    pub(crate) async fn read(&mut self) -> Read {
        poll_fn(|context| self.poll_frame(context)).await
    }

    /// Another frame may be pushed.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// A frame to be written, after those that wait already.
    pub(crate) fn push(&mut self, frame: Vec<u8>) {
        self.outbox.push(frame, clock::monotonic());
    }

    /// Writes what waits and reads what comes, at once, until either has come to something. With `listens` off, nothing
    /// more is read. Cancel-safe: what has been read or written is kept.
    pub(crate) async fn turn(&mut self, listens: bool) -> Turn {
        let due = self.outbox.due();
        let turn = poll_fn(|context| self.poll_turn(context, listens));
        match due {
            Some(due) => tokio::time::timeout_at(due.into(), turn).await.unwrap_or_else(|_| late()),
            None => turn.await,
        }
    }

    fn poll_turn(&mut self, context: &mut Context<'_>, listens: bool) -> Poll<Turn> {
        let broken = match self.outbox.poll_gone(&mut self.stream, context, clock::monotonic) {
            Poll::Ready(Ok(())) => return Poll::Ready(Turn::Gone),
            Poll::Ready(Err(error)) => Some(error),
            // However much there is to be read.
            Poll::Pending if self.is_late() => return Poll::Ready(late()),
            Poll::Pending => None,
        };
        // What the peer said before it hung up is heard although nothing can be written any more.
        let read = if listens { self.poll_frame(context) } else { Poll::Pending };
        match (read, broken) {
            (Poll::Ready(read), _) => Poll::Ready(Turn::Read(read)),
            (Poll::Pending, Some(error)) => Poll::Ready(Turn::Failed(error)),
            (Poll::Pending, None) => Poll::Pending,
        }
    }

    fn is_late(&self) -> bool {
        self.outbox.due().is_some_and(|due| clock::monotonic() >= due)
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Read> {
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => return Poll::Ready(Read::Frame(frame)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Read::Bad(Refusal::from(error))),
            }
            match ready!(self.poll_chunk(context)) {
                Ok(0) => return Poll::Ready(self.end(None)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(self.end(Some(error))),
            }
        }
    }

    /// Takes in what has come; answers how much.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        CHUNKS.with_borrow_mut(|chunk| {
            let mut chunk = ReadBuf::new(chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
            self.decoder.push(chunk.filled());
            Poll::Ready(Ok(chunk.filled().len()))
        })
    }

    /// A frame that breaks off is no way to end.
    fn end(&self, error: Option<io::Error>) -> Read {
        match error {
            None if self.decoder.buffered() > 0 => Read::End(Some(io::ErrorKind::UnexpectedEof.into())),
            error => Read::End(error),
        }
    }

    /// Waits until anything has come or the stream has ended; what comes is kept for [`Frames::read`].
    pub(crate) async fn first(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_chunk(context)).await.map(drop)
    }

    /// Writes all of it, or fails after the write limit: where one says something and waits for the answer.
    pub(crate) async fn write(&mut self, frame: Vec<u8>) -> io::Result<()> {
        self.push(frame);
        while let Some(due) = self.outbox.due() {
            let gone = poll_fn(|context| self.outbox.poll_gone(&mut self.stream, context, clock::monotonic));
            let gone = tokio::time::timeout_at(due.into(), gone).await;
            gone.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        Ok(())
    }

    /// Last words, after all that waits, within a second: nobody waits long for a peer that does not read.
    pub(crate) async fn last_words(&mut self, frame: Vec<u8>) {
        // A peer that is gone, or does not read, misses them.
        let _ = tokio::time::timeout(LINGER, self.write(frame)).await;
    }

    /// The stream, to [`linger`] on.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
}

fn late() -> Turn {
    Turn::Failed(io::ErrorKind::TimedOut.into())
}

/// Shuts our side down and reads what still comes: unread bytes at a close would make the system send a reset, and
/// the peer would lose our last words, an alert among them.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let drain = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let (mut buffer, mut left) = ([0; 1024], LINGER_OCTETS);
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    };
    // The limit is the point: whoever trickles is left.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

/// How a stream that ended before the join is told: a peer that is gone, or a frame that broke off.
pub(crate) fn ended(error: Option<io::Error>) -> Refusal {
    match error {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => {
            Refusal::late(Outcome::Unresponsive, "the peer takes nothing off its connection")
        }
        Some(error) => Refusal { detail: format!("the connection broke: {error}"), ..Refusal::closed() },
        None => Refusal::closed(),
    }
}

/// Until then.
pub(crate) async fn until(deadline: Instant) {
    tokio::time::sleep_until(deadline.into()).await;
}
