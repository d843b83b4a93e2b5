//! What can be wrong with a message, an entry or a seal.

use std::error::Error;

use minicbor::decode;

use crate::{CborError, FrameError, NameError};

/// A payload that is no message, or a message that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The payload is not one bounded CBOR value.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A required key is missing, or a value has another type or range than its key asks for.
    #[error("{0}")]
    Field(String),
    /// A string breaks its rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An array has too many values.
    #[error("{len} values of kind {what:?} where {max} are allowed")]
    TooMany {
        /// One such value.
        what: &'static str,
        /// How many there are.
        len: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A Hello offers no version.
    #[error("a hello offers no version")]
    NoVersion,
    /// A PeerInfo has 32 zeros for its peer ID.
    #[error("a peer ID of zeros stands for none")]
    UnknownPeerId,
    /// An entry that its owner has not signed.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The message does not fit in a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl MessageError {
    pub(crate) fn at_most(what: &'static str, len: usize, max: usize) -> Result<(), Self> {
        if len > max { Err(Self::TooMany { what, len, max }) } else { Ok(()) }
    }
}

/// Brings back the typed error that one of our own decoders wrapped.
impl From<decode::Error> for MessageError {
    fn from(error: decode::Error) -> Self {
        let source = error.source();
        if let Some(name) = source.and_then(|s| s.downcast_ref::<NameError>()) {
            return Self::Name(name.clone());
        }
        match source.and_then(|s| s.downcast_ref::<Self>()) {
            Some(own) => own.clone(),
            None => Self::Field(error.to_string()),
        }
    }
}

/// What is no entry of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Altered, or never signed by that key.
    #[error("an entry that its key has not signed")]
    Signature,
    /// Somebody else's peer ID.
    #[error("an entry whose peer ID is not the fingerprint of its key")]
    PeerId,
}

/// What cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The peer's X25519 share leads to all zeros.
    #[error("the peer's X25519 share is of small order")]
    WeakShare,
    /// A Hello is never sealed.
    #[error("a hello is never sealed")]
    Hello,
    /// A Bye was sealed before.
    #[error("the direction has ended with a bye")]
    Ended,
    /// The counter has no value left.
    #[error("the counter of the key is used up")]
    Exhausted,
    /// The message cannot be sent.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// Why a frame was not opened. The first one is the last: nothing is opened after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The frame is not sealed.
    #[error("the frame is not sealed")]
    NotSealed,
    /// It was not sealed with this key, in this direction, at this place, or was altered.
    #[error("the frame does not decrypt")]
    Decrypt,
    /// A Bye was opened before.
    #[error("the direction has ended with a bye")]
    Ended,
    /// The counter has no value left.
    #[error("the counter of the key is used up")]
    Exhausted,
    /// It opened, and holds no message.
    #[error(transparent)]
    Message(#[from] MessageError),
}
