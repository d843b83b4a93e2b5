//! Frames over a byte stream, with a limit on every wait.

use std::io;
use std::time::{Duration, Instant};

use ils_core::handshake::Refusal;
use ils_core::outcome::Outcome;
use ils_wire::{Decoder, RawFrame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// A stream of frames.
pub(crate) struct Frames<S> {
    stream: S,
    decoder: Decoder,
    write_limit: Duration,
    buffer: Vec<u8>,
    /// A frame broke off while it was written: nothing that follows it could be read.
    cut: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(crate) fn new(stream: S, write_limit: Duration) -> Self {
        Self { stream, decoder: Decoder::new(), write_limit, buffer: Vec::new(), cut: false }
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
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => return Read::Frame(frame),
                Ok(None) => {}
                Err(error) => return Read::Bad(Refusal::from(error)),
            }
            self.buffer.resize(CHUNK, 0);
            match self.stream.read(&mut self.buffer).await {
                Ok(0) => return self.end(None),
                Ok(length) => self.decoder.push(self.buffer.get(..length).unwrap_or_default()),
                Err(error) => return self.end(Some(error)),
            }
        }
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
        self.buffer.resize(CHUNK, 0);
        let length = self.stream.read(&mut self.buffer).await?;
        self.decoder.push(self.buffer.get(..length).unwrap_or_default());
        Ok(())
    }

    /// Writes all of it, or fails after the write limit. After a write that failed or was given up, nothing is written.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if std::mem::replace(&mut self.cut, true) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let written = tokio::time::timeout(self.write_limit, write).await;
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.cut = false;
        Ok(())
    }

    /// Last words, within a second: nobody waits long for a peer that does not read.
    pub(crate) async fn last_words(&mut self, bytes: &[u8]) {
        self.write_limit = self.write_limit.min(LINGER);
        // A peer that is gone misses them.
        let _ = self.write(bytes).await;
    }

    /// The stream, to [`linger`] on.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
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
