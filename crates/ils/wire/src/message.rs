//! The messages, and how each becomes a payload and comes back.
//!
//! ```text
//! Message -> check bounds -> CBOR -> header ‖ payload
//! payload -> check shape  -> CBOR -> check bounds -> Message
//! ```

// spec: WIRE.md#messages

use crate::error::MessageError;
use crate::identity::{Binding, End, IdentityKey, Instance, SIGNATURE_LEN, is_proven};
use crate::{Entry, Hello, Kind, Reason, TAG_LEN, Text, VERSIONS_OFFERED, cbor, frame, values};
use minicbor::{Decode, Decoder, Encode, decode};
use std::iter::Peekable;

/// Most entries in one PeerInfoVector message.
pub const BATCH_ENTRIES: usize = 200;

/// Longest payload of a PeerInfoVector message that this node sends, sealed, in bytes: what waits for a slow peer is a
/// few of them. Longer ones are taken, up to [`CAP_JOINED`](crate::CAP_JOINED).
pub const BATCH_OCTETS: usize = 64 * 1024;

/// Bytes of a PeerInfoVector payload that are not entries: heads and keys of the map and its array, and the last mark.
const BATCH_OVERHEAD: usize = 16;

/// What peers say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first in each direction.
    Hello(Hello),
    /// Who the dialler is.
    Register(Introduction),
    /// Who the listener is; the dialler is in.
    Registered(Introduction),
    /// The dialler is not in; the listener closes.
    Refused {
        /// Why.
        reason: Reason,
        /// The same in words, at most 200 characters, no controls; see [`Message::refused`].
        text: String,
    },
    /// What the sender knows of other clusters.
    PeerInfoVector {
        /// At most [`BATCH_ENTRIES`].
        entries: Vec<Entry>,
        /// Whether no further batch follows.
        last: bool,
    },
    /// Asks whether the peer is there.
    Ping(u64),
    /// Answers a Ping with its number.
    Pong(u64),
    /// The last message of a direction.
    Bye {
        /// Why.
        reason: Reason,
        /// The same in words, at most 200 characters, no controls; see [`Message::bye`].
        text: String,
    },
}

/// Who is at this end of the connection.
// spec: WIRE.md#register
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Introduction {
    /// What it says of itself.
    #[n(0)]
    pub entry: Entry,
    /// The life of its process.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub instance: Instance,
    /// That the owner of the entry's key says so, on this connection: see [`IdentityKey::prove`].
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub proof: [u8; SIGNATURE_LEN],
}

impl Introduction {
    /// A node at its end of a connection.
    pub fn new(key: &IdentityKey, entry: Entry, instance: Instance, end: End, binding: &Binding) -> Self {
        Self { entry, instance, proof: key.prove(end, binding, &instance) }
    }

    /// Is it the owner of the entry's key who says so, at that end of that connection?
    pub fn is_proven(&self, end: End, binding: &Binding) -> bool {
        is_proven(self.entry.public(), end, binding, &self.instance, &self.proof)
    }
}

impl Message {
    /// A refusal whose text can always be sent: it is cut and cleaned.
    pub fn refused(reason: Reason, text: impl AsRef<str>) -> Self {
        Self::Refused { reason, text: Text::lossy(text.as_ref()).into() }
    }

    /// A goodbye whose text can always be sent: it is cut and cleaned.
    pub fn bye(reason: Reason, text: impl AsRef<str>) -> Self {
        Self::Bye { reason, text: Text::lossy(text.as_ref()).into() }
    }

    /// The kind of frame that carries it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::Register(_) => Kind::Register,
            Self::Registered(_) => Kind::Registered,
            Self::Refused { .. } => Kind::Refused,
            Self::PeerInfoVector { .. } => Kind::PeerInfoVector,
            Self::Ping(_) => Kind::Ping,
            Self::Pong(_) => Kind::Pong,
            Self::Bye { .. } => Kind::Bye,
        }
    }

    /// The whole frame, unsealed.
    ///
    /// # Errors
    /// A [`MessageError`] where a peer would refuse it: a bound broken, a text that may not be sent, a frame too long.
    pub fn encode_frame(&self) -> Result<Vec<u8>, MessageError> {
        let payload = self.payload()?;
        let header = frame::header(self.kind(), false, payload.len())?;
        Ok([header.as_slice(), &payload].concat())
    }

    /// The message in the payload of an unsealed frame.
    ///
    /// # Errors
    /// A [`MessageError`] that says what is wrong with it.
    pub fn decode(kind: Kind, payload: &[u8]) -> Result<Self, MessageError> {
        cbor::check(payload)?;
        let message = match kind {
            Kind::Hello => Self::Hello(minicbor::decode(payload)?),
            Kind::Register => Self::Register(minicbor::decode(payload)?),
            Kind::Registered => Self::Registered(minicbor::decode(payload)?),
            Kind::Refused => Parting::decode_into(payload, |reason, text| Self::Refused { reason, text })?,
            Kind::PeerInfoVector => {
                let Vector { entries, last } = minicbor::decode(payload)?;
                Self::PeerInfoVector { entries, last }
            }
            Kind::Ping => Self::Ping(minicbor::decode::<Beat>(payload)?.number),
            Kind::Pong => Self::Pong(minicbor::decode::<Beat>(payload)?.number),
            Kind::Bye => Parting::decode_into(payload, |reason, text| Self::Bye { reason, text })?,
        };
        message.check().map(|()| message)
    }

    /// The CBOR of it.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, MessageError> {
        self.check()?;
        match self {
            Self::Hello(hello) => Ok(values::encoded(hello)),
            Self::Register(introduction) | Self::Registered(introduction) => {
                Ok(values::encoded(introduction))
            }
            Self::PeerInfoVector { entries, last } => {
                Ok(values::encoded(&VectorRef { entries, last: *last }))
            }
            Self::Ping(number) | Self::Pong(number) => Ok(values::encoded(&Beat { number: *number })),
            Self::Refused { reason, text } | Self::Bye { reason, text } => {
                Ok(values::encoded(&Parting { reason: reason.code(), text: text.parse()? }))
            }
        }
    }

    /// The bounds that the types do not keep; texts are checked as they are encoded and decoded.
    fn check(&self) -> Result<(), MessageError> {
        match self {
            Self::Hello(hello) if hello.versions.is_empty() => Err(MessageError::NoVersion),
            Self::Hello(hello) => MessageError::at_most("version", hello.versions.len(), VERSIONS_OFFERED),
            Self::PeerInfoVector { entries, .. } => {
                MessageError::at_most("entry", entries.len(), BATCH_ENTRIES)
            }
            // An entry was checked as it was signed or verified.
            Self::Register(_) | Self::Registered(_) => Ok(()),
            Self::Refused { .. } | Self::Bye { .. } | Self::Ping(_) | Self::Pong(_) => Ok(()),
        }
    }
}

/// The next message of a PeerInfoVector: takes as many entries as [`BATCH_ENTRIES`] and [`BATCH_OCTETS`] allow. It is the
/// last one where no entry is left; no entries make one empty message.
pub fn vector_batch<'a>(entries: &mut Peekable<impl Iterator<Item = &'a Entry>>) -> Message {
    let (mut batch, mut size) = (Vec::new(), BATCH_OVERHEAD + TAG_LEN);
    while let Some(entry) = entries.next_if(|entry| {
        size = size.saturating_add(values::encoded(*entry).len());
        batch.is_empty() || (batch.len() < BATCH_ENTRIES && size <= BATCH_OCTETS)
    }) {
        batch.push(entry.clone());
    }
    Message::PeerInfoVector { entries: batch, last: entries.peek().is_none() }
}

/// The payload of Refused and Bye.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Parting {
    #[n(0)]
    reason: u8,
    #[n(1)]
    text: Text,
}

impl Parting {
    fn decode_into(payload: &[u8], build: fn(Reason, String) -> Message) -> Result<Message, MessageError> {
        let Self { reason, text } = minicbor::decode(payload)?;
        Ok(build(Reason::from_code(reason), text.into()))
    }
}

/// The payload of Ping and Pong.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Beat {
    #[n(0)]
    number: u64,
}

/// The payload of PeerInfoVector, as it comes.
#[derive(Decode)]
#[cbor(map)]
struct Vector {
    #[n(0)]
    #[cbor(decode_with = "decode_entries")]
    entries: Vec<Entry>,
    #[n(1)]
    last: bool,
}

/// The payload of PeerInfoVector, as it goes.
#[derive(Encode)]
#[cbor(map)]
struct VectorRef<'a> {
    #[n(0)]
    entries: &'a [Entry],
    #[n(1)]
    last: bool,
}

fn decode_entries<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<Entry>, decode::Error> {
    values::bounded(d, ctx, "entry", BATCH_ENTRIES)
}
