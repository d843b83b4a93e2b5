//! The mock protocol: bytes, frames, messages, sealing.
//!
//! ```text
//! bytes -> Decoder -> RawFrame -> Opener  -> Opened { message, … }     a password is set
//!                             \-> Message::decode -> Message           Hello, or no password
//! Message -> Sealer -> bytes        Message::encode_frame -> bytes
//! Hello ‖ Hello, NetworkKey, SharedInput -> ConnectionKeys -> (Sealer, Opener)
//! IdentityKey -> Entry: what a node says of itself, signed;  Introduction: that it is here, proven on this connection
//! ```
//!
//! Nothing here reads a clock, a socket, a file or a random generator: the caller hands in bytes and gets values.
//! The format is ours and not Cisco's, which is not public; `WIRE.md` beside this crate is its specification, and
//! the comments cite its sections.

mod cbor;
mod decoder;
mod entry;
mod error;
mod frame;
mod hello;
mod identity;
mod key;
mod kind;
mod message;
mod names;
mod peer_id;
mod peer_info;
mod reason;
mod seal;
mod values;

pub use cbor::CborError;
pub use decoder::Decoder;
pub use entry::{Entry, STATEMENT_MAX};
pub use error::{EntryError, MessageError, OpenError, SealError};
pub use frame::{CAP_JOINED, CAP_UNJOINED, FRAME_VERSION, FrameError, HEADER_LEN, MAGIC, RawFrame, TAG_LEN};
pub use hello::{Boxes, Hello, PROTOCOL_VERSIONS, VERSIONS_OFFERED, choose_version};
pub use identity::{Binding, End, IdentityKey, Instance, PUBLIC_LEN, SIGNATURE_LEN, fingerprint, is_proven};
pub use ilslab_names::{Host, HostError, HostName, HostNameError, LABEL_MAX, NAME_MAX, address};
pub use key::{Ephemeral, NetworkKey, SharedInput};
pub use kind::Kind;
pub use message::{BATCH_ENTRIES, BATCH_OCTETS, Introduction, Message, vector_batch};
pub use names::{ClusterId, Description, Fqdn, NameError, RouteString, TEXT_MAX, Text, Version};
pub use peer_id::PeerId;
pub use peer_info::{NODE_ADDRESSES, NODES, NodeAddress, PeerInfo, Role};
pub use reason::Reason;
pub use seal::{ConnectionKeys, Opened, Opener, Sealer};
