//! Frames: a header of twelve bytes, then the payload; and how a header is written and judged.
//!
//! ```text
//! 0      4        5     6      7         8               12
//! | ILSL | version| kind| flags| reserved| payload length| payload …
//! ```

// spec: WIRE.md#framing

use crate::Kind;

/// Longest payload before the peer has joined, in bytes. The largest PeerInfo, sealed, needs about half of it.
pub const CAP_UNJOINED: usize = 16 * 1024;

/// Longest payload of a joined peer, in bytes.
pub const CAP_JOINED: usize = 1024 * 1024;

/// Bytes in a header.
pub const HEADER_LEN: usize = 12;

/// Bytes that a seal adds to a payload.
pub const TAG_LEN: usize = 16;

/// The first four bytes of every frame.
pub const MAGIC: [u8; 4] = *b"ILSL";

/// The version of the frame layout, the fifth byte.
pub const FRAME_VERSION: u8 = 1;

/// Bit 0 of the flags: the payload is sealed.
const SEALED: u8 = 1;

/// Bytes that are no frame of this protocol. Nothing can follow one: the connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first bytes are not the magic.
    #[error("not ILS: the magic is missing")]
    NotIls,
    /// A layout that this version does not read.
    #[error("frame version {got}, not {FRAME_VERSION}")]
    Version {
        /// The version in the header.
        got: u8,
    },
    /// A kind that has no meaning.
    #[error("unknown frame kind {0}")]
    UnknownKind(u8),
    /// Flags that have no meaning, or a sealed Hello.
    #[error("frame flags {0:#04x}")]
    Flags(u8),
    /// The reserved byte is not zero.
    #[error("reserved header byte {0:#04x}")]
    Reserved(u8),
    /// A payload longer than is allowed at this point.
    #[error("a payload of {len} bytes where {cap} are allowed")]
    TooLong {
        /// The length in the header.
        len: usize,
        /// The cap in force.
        cap: usize,
    },
}

impl FrameError {
    /// Whether the peer does not speak this protocol at all.
    pub fn is_not_ils(&self) -> bool {
        matches!(self, Self::NotIls)
    }
}

/// A whole frame, its payload still sealed or undecoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// What it carries.
    pub kind: Kind,
    /// Whether the payload is sealed.
    pub sealed: bool,
    /// The header as received: what a seal authenticates besides the payload.
    pub header: [u8; HEADER_LEN],
    /// The payload as received.
    pub payload: Vec<u8>,
}

impl RawFrame {
    /// The frame as it was on the wire: header ‖ payload.
    pub fn bytes(&self) -> Vec<u8> {
        [self.header.as_slice(), &self.payload].concat()
    }
}

/// The header of a frame with a payload of `len` bytes.
///
/// # Errors
/// [`FrameError::TooLong`] if `len` is more than any peer takes.
pub(crate) fn header(kind: Kind, sealed: bool, len: usize) -> Result<[u8; HEADER_LEN], FrameError> {
    let too_long = FrameError::TooLong { len, cap: CAP_JOINED };
    let length = u32::try_from(len).map_err(|_| too_long)?;
    if len > CAP_JOINED {
        return Err(too_long);
    }
    let [m0, m1, m2, m3] = MAGIC;
    let [l0, l1, l2, l3] = length.to_be_bytes();
    let flags = if sealed { SEALED } else { 0 };
    Ok([m0, m1, m2, m3, FRAME_VERSION, kind.code(), flags, 0, l0, l1, l2, l3])
}

/// A header that was judged good.
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) sealed: bool,
    pub(crate) header: [u8; HEADER_LEN],
    pub(crate) len: usize,
}

/// Judges the magic as soon as its first wrong byte is there, the rest once the header is whole.
pub(crate) fn read_header(bytes: &[u8], cap: usize) -> Result<Option<(Head, &[u8])>, FrameError> {
    if bytes.iter().zip(&MAGIC).any(|(got, want)| got != want) {
        return Err(FrameError::NotIls);
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let [_, _, _, _, version, kind, flags, reserved, l0, l1, l2, l3] = *header;
    if version != FRAME_VERSION {
        return Err(FrameError::Version { got: version });
    }
    let kind = Kind::from_code(kind).ok_or(FrameError::UnknownKind(kind))?;
    let sealed = flags == SEALED;
    if flags & !SEALED != 0 || (sealed && kind == Kind::Hello) {
        return Err(FrameError::Flags(flags));
    }
    if reserved != 0 {
        return Err(FrameError::Reserved(reserved));
    }
    let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if len > cap {
        return Err(FrameError::TooLong { len, cap });
    }
    Ok(Some((Head { kind, sealed, header: *header, len }, rest)))
}
