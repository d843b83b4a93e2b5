//! A running hub or spoke on tokio and rustls.
//!
//! ```text
//! node ── Network (one task) ── Era ──┬── accept ── tls, admit ── Conversation   one task a connection
//!   │                                 └── diallers ── dial ── tls, admit ── Conversation
//!   └── Keeper (one thread): Registry, Ledger, Scribe   <- requests    snapshots ->
//! ```
//! The clock is read in `clock`, randomness in `dice`, PEM in `pem`; decisions are `ils-core`'s.

mod accept;
mod address;
mod admit;
mod backoff;
pub mod clock;
mod conversation;
pub mod data_dir;
mod dial;
mod diallers;
mod dice;
mod era;
mod failures;
mod identity;
mod identity_key;
mod keeper;
mod listen;
mod network;
mod network_key;
mod node;
mod outbox;
pub mod pem;
mod ready;
mod seat;
mod shelf;
mod staged;
mod strangers;
mod stream;
mod tls;
mod upload;
mod verifier;
mod weak_key;

pub use dice::{Dice, SystemDice};
pub use identity::{Identity, IdentityPaths};
pub use keeper::Scribe;
pub use listen::ListenError;
pub use network::{Bound, ChangeError, PASSWORD_MAX};
pub use network_key::KeyFileError;
pub use node::{Node, Running, Setup, Standing, StartError};
pub use shelf::{Shelf, ShelfError, Shelved};
pub use tls::provider;
