//! What waits for the peer to take it: whole frames, in the order in which they were made, which is that of their seals.
//!
//! ```text
//! push(frame) -> [ first: written so far | next | ... ] -> poll_gone: written, and out of TLS's own buffer -> room again
//! ```
//! Each frame has the write limit to be gone, from when it is the first: a peer that takes an octet now and then is left
//! like one that takes nothing. Nothing here waits, so what was begun is never torn by something else that happens.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ils_core::limits::OUTBOX_OCTETS;
use tokio::io::AsyncWrite;

/// Frames on their way out.
pub(crate) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    /// Octets of all of them.
    held: usize,
    /// Octets of the first one that the stream has taken.
    written: usize,
    limit: Duration,
    /// When the first one became the first.
    begun: Instant,
}

impl Outbox {
    pub(crate) fn new(limit: Duration, now: Instant) -> Self {
        Self { frames: VecDeque::new(), held: 0, written: 0, limit, begun: now }
    }

    /// One more frame, behind the others.
    pub(crate) fn push(&mut self, frame: Vec<u8>, now: Instant) {
        if self.frames.is_empty() {
            self.begun = now;
        }
        self.held = self.held.saturating_add(frame.len());
        self.frames.push_back(frame);
    }

    /// A further frame may be made.
    pub(crate) fn has_room(&self) -> bool {
        self.held < OUTBOX_OCTETS
    }

    /// By when the first frame has to be gone, where there is one.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.frames.is_empty()).then(|| self.begun + self.limit)
    }

    /// Writes until the first frame is gone, so far as the stream takes it. Nothing to write is nothing gone.
    pub(crate) fn poll_gone<S: AsyncWrite + Unpin>(
        &mut self, stream: &mut S, context: &mut Context<'_>, now: impl Fn() -> Instant,
    ) -> Poll<io::Result<()>> {
        let Some(first) = self.frames.front() else { return Poll::Pending };
        while let Some(rest @ [_, ..]) = first.get(self.written..) {
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => self.written = self.written.saturating_add(taken),
            }
        }
        // TLS takes more than the peer does; what it holds has the same time.
        ready!(Pin::new(stream).poll_flush(context))?;
        self.gone(now());
        Poll::Ready(Ok(()))
    }

    fn gone(&mut self, now: Instant) {
        let length = self.frames.pop_front().map_or(0, |frame| frame.len());
        (self.held, self.written, self.begun) = (self.held.saturating_sub(length), 0, now);
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }
}
