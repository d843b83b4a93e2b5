//! Finds whole frames in a stream of bytes, and holds no more of it than one frame may need.
//!
//! ```text
//! push(bytes) -> next() -> Some(RawFrame) … -> None: more bytes are needed
//! ```

// spec: WIRE.md#framing

use crate::{
    CAP_JOINED, CAP_UNJOINED, FrameError, HEADER_LEN, RawFrame,
    frame::{Head, read_header},
};

/// Bytes that an idle decoder keeps room for: a Ping or a Pong.
const IDLE: usize = 64;

/// Finds frames in bytes as they come, in whatever pieces.
///
/// Ask [`Decoder::next`] until it gives `Ok(None)` after each push: then never more than one header, one capped payload and
/// one push are held, and an idle decoder holds next to nothing.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where in the buffer the next frame begins; what is before it was handed out.
    start: usize,
    cap: usize,
    failed: Option<FrameError>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder for a peer that has not joined: payloads up to [`CAP_UNJOINED`].
    pub fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, cap: CAP_UNJOINED, failed: None }
    }

    /// The peer has joined: payloads up to [`CAP_JOINED`] from the next frame on.
    pub fn joined(&mut self) {
        self.cap = CAP_JOINED;
    }

    /// Takes in what was read. After an error it is dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.drain(..self.start);
            self.start = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next whole frame; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The first [`FrameError`], and the same one ever after.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would hide that None means more bytes are needed"
    )]
    pub fn next(&mut self) -> Result<Option<RawFrame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let next = self.take();
        if let Err(error) = next {
            *self = Self { failed: Some(error), cap: self.cap, ..Self::new() };
        }
        next
    }

    /// Bytes held that belong to no frame handed out yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len().saturating_sub(self.start)
    }

    fn take(&mut self) -> Result<Option<RawFrame>, FrameError> {
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        let Some((head, rest)) = read_header(waiting, self.cap)? else {
            return Ok(None);
        };
        let Some(payload) = rest.get(..head.len) else {
            return Ok(None);
        };
        let Head { kind, sealed, header, len } = head;
        let frame = RawFrame { kind, sealed, header, payload: payload.to_vec() };
        self.release(HEADER_LEN.saturating_add(len));
        Ok(Some(frame))
    }

    /// Moves past a frame, and gives a large buffer back once it is empty.
    fn release(&mut self, len: usize) {
        self.start = self.start.saturating_add(len);
        if self.buffered() == 0 {
            self.start = 0;
            self.buffer.clear();
            self.buffer.shrink_to(IDLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, frame::header};

    /// What a decoder says after one push.
    fn first(bytes: &[u8]) -> Result<Option<RawFrame>, FrameError> {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        decoder.next()
    }

    #[test]
    fn a_header_is_judged_field_by_field() {
        for (name, bytes, want) in [
            ("nothing yet", &b""[..], Ok(None)),
            ("the magic alone", b"ILSL", Ok(None)),
            ("another protocol", b"G", Err(FrameError::NotIls)),
            ("a TLS record", b"\x16\x03\x01", Err(FrameError::NotIls)),
            ("wrong from the fourth byte", b"ILSX", Err(FrameError::NotIls)),
            ("another version", b"ILSL\x02\x01\0\0\0\0\0\0", Err(FrameError::Version { got: 2 })),
            ("kind zero", b"ILSL\x01\0\0\0\0\0\0\0", Err(FrameError::UnknownKind(0))),
            ("a kind of replication", b"ILSL\x01\x06\0\0\0\0\0\0", Err(FrameError::UnknownKind(6))),
            ("an unknown flag", b"ILSL\x01\x09\x02\0\0\0\0\0", Err(FrameError::Flags(2))),
            ("a sealed hello", b"ILSL\x01\x01\x01\0\0\0\0\0", Err(FrameError::Flags(1))),
            ("the reserved byte", b"ILSL\x01\x09\0\x01\0\0\0\0", Err(FrameError::Reserved(1))),
            ("eleven bytes", b"ILSL\x01\x09\0\0\xff\xff\xff", Ok(None)),
            (
                "the longest length there is",
                b"ILSL\x01\x09\0\0\xff\xff\xff\xff",
                Err(FrameError::TooLong { len: 0xffff_ffff, cap: CAP_UNJOINED }),
            ),
        ] {
            assert_eq!(first(bytes), want, "{name}");
        }
    }

    #[test]
    fn the_cap_holds_on_both_sides_of_the_join() {
        for (name, joined, len, fits) in [
            ("unjoined, at the cap", false, 16_384, true),
            ("unjoined, one more", false, 16_385, false),
            ("joined, at the cap", true, 1_048_576, true),
            ("joined, one more", true, 1_048_577, false),
        ] {
            let mut decoder = Decoder::new();
            if joined {
                decoder.joined();
            }
            let mut head = header(Kind::Ping, false, 0).unwrap();
            head[8..].copy_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
            decoder.push(&head);
            assert_eq!(decoder.next().is_ok(), fits, "{name}: judged by the header alone");
            assert!(
                decoder.buffer.capacity() < 64,
                "{name}: nothing is allocated for the payload beforehand"
            );
            decoder.push(&vec![0; len]);
            assert_eq!(decoder.next().is_ok_and(|frame| frame.is_some()), fits, "{name}: with its payload");
            assert_eq!(decoder.buffered(), 0, "{name}");
            assert!(decoder.buffer.capacity() <= IDLE, "{name}: a large buffer is given back");
        }
    }

    #[test]
    fn an_error_is_for_ever_and_holds_no_bytes() {
        let mut decoder = Decoder::new();
        decoder.push(b"HTTP");
        assert!(decoder.next().unwrap_err().is_not_ils());
        decoder.push(&header(Kind::Ping, false, 0).unwrap());
        assert_eq!((decoder.next(), decoder.buffered()), (Err(FrameError::NotIls), 0));
    }

    #[test]
    fn frames_in_one_push_come_out_one_by_one() {
        let mut decoder = Decoder::new();
        let ping = header(Kind::Ping, false, 0).unwrap();
        decoder.push(&[ping, header(Kind::Bye, false, 0).unwrap()].concat());
        decoder.push(&ping[..5]);
        assert_eq!(decoder.next().unwrap().unwrap().kind, Kind::Ping);
        assert_eq!(decoder.next().unwrap().unwrap().bytes(), header(Kind::Bye, false, 0).unwrap());
        assert_eq!((decoder.next(), decoder.buffered()), (Ok(None), 5));
        decoder.push(&ping[5..]);
        assert_eq!(decoder.next().unwrap().unwrap().kind, Kind::Ping);
    }
}
