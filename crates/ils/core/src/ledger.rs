//! What a node must not forget, and who keeps it.
//!
//! Draft -> [`Decided`] -> [`commit`] -> Ledger::append -> [`Stored`] -> Registry::apply

use std::collections::BTreeMap;
use std::sync::Arc;

use ils_wire::{Entry, PeerId, PeerInfo};

use crate::claim::Claim;
use crate::config::Config;
use crate::event::ConnectionId;
use crate::settings::{Override, Settings};

/// How an entry of the PeerInfoVector came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It joined on TLS; its certificate carries the FQDN.
    Certificate,
    /// It joined with the password.
    Password,
    /// A hub told of it.
    Relayed(PeerId),
}

impl Proof {
    /// The peer itself was here.
    pub fn is_direct(self) -> bool {
        !matches!(self, Self::Relayed(_))
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Password => "password",
            Self::Relayed(_) => "relayed",
        }
    }
}

/// One entry of the PeerInfoVector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// What it says of itself, signed.
    pub entry: Entry,
    /// How that is known.
    pub proof: Proof,
    /// Row key of `remotecluster`: a UUID, the same for the same two clusters.
    pub pkid: String,
}

impl KnownPeer {
    /// What it says of itself.
    pub fn info(&self) -> &PeerInfo {
        self.entry.info()
    }

    /// Whose entry it is.
    pub fn peer_id(&self) -> PeerId {
        self.entry.peer_id()
    }
}

/// One durable change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What this node says of itself from now on.
    Said(Entry),
    /// A cluster is known, or known better.
    Learned(KnownPeer),
    /// A cluster is forgotten.
    Forgotten(PeerId),
    /// A setting was changed while running.
    SettingChanged(Override),
    /// Such a change no longer counts.
    SettingDropped(String),
}

/// Changes that stand or fall together. Empty: nothing to store.
pub type ChangeSet = Vec<Change>;

/// All that is durable, as a start finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    /// What this node has said of itself last; absent at the very first start.
    pub own: Option<Entry>,
    /// The peer ID that it had before peer IDs were fingerprints, where it has said nothing since.
    pub former: Option<PeerId>,
    /// The PeerInfoVector, in the order of peer IDs.
    pub peers: Vec<KnownPeer>,
    /// Settings changed while running.
    pub overrides: Vec<Override>,
}

/// Decisions whose changes stand or fall together. Nothing of it counts, and nobody is told, before [`commit`] has
/// stored it.
#[derive(Default)]
pub struct Decided {
    /// For each decision that changes something, its changes.
    pub(crate) sets: Vec<ChangeSet>,
    /// Who may join once it is stored. There may be claims and nothing to store: of peers that have said the same before.
    pub(crate) claims: BTreeMap<ConnectionId, Claim>,
    /// What counts once it is stored, where it is set anew.
    pub(crate) configured: Option<(Settings, Arc<Config>)>,
}

/// What is decided, and the ledger has. Only [`commit`] makes it, and what shall count demands it.
///
/// ```compile_fail
/// use ils_core::ledger::{Decided, Stored};
///
/// let stored = Stored(Decided::default());
/// ```
pub struct Stored(Decided);

impl Stored {
    /// What counts from now on.
    pub(crate) fn into_decided(self) -> Decided {
        self.0
    }
}

/// Stores all that is decided, or nothing of it. Where there is nothing to store, the ledger is not asked.
///
/// # Errors
/// As [`Ledger::append`]; nothing was decided then.
pub fn commit<L: Ledger>(ledger: &mut L, decided: Decided) -> Result<Stored, L::Error> {
    if !decided.sets.is_empty() {
        ledger.append(&decided.sets)?;
    }
    Ok(Stored(decided))
}

/// A keeper of durable state. What [`Ledger::append`] has answered is there after a power cut.
pub trait Ledger: Send {
    /// What went wrong, in the keeper's words.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Everything appended so far.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn load(&mut self) -> Result<Durable, Self::Error>;

    /// All of these sets in one transaction, or none of them.
    ///
    /// # Errors
    /// Where they are not durable; then none of them counts.
    fn append(&mut self, sets: &[ChangeSet]) -> Result<(), Self::Error>;

    /// Could [`Ledger::append`] work now? Writes and takes back.
    ///
    /// # Errors
    /// Why not.
    fn probe(&mut self) -> Result<(), Self::Error>;
}
