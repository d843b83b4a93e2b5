//! A ledger without a file, for tests and simulated networks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ils_core::ledger::{Change, ChangeSet, Durable, KnownPeer, Ledger};
use ils_core::settings::Override;
use ils_core::wire::{Entry, PeerId};

/// The store was told to fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct MemoryError {
    /// As [`MemoryStore::fail`] was told.
    pub why: String,
}

/// Durable as long as one clone lives: clones are one store, as two openings of one file are.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    own: Option<Entry>,
    peers: BTreeMap<PeerId, KnownPeer>,
    overrides: BTreeMap<String, Override>,
    fault: Option<String>,
    writes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every call is answered with this error.
    pub fn fail(&self, why: impl Into<String>) {
        self.content().fault = Some(why.into());
    }

    /// From now on all works again.
    pub fn recover(&self) {
        self.content().fault = None;
    }

    /// Appends that wrote something, so far.
    pub fn writes(&self) -> u64 {
        self.content().writes
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // Nothing that holds this lock can panic half-way through a change.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn works(&self) -> Result<(), MemoryError> {
        self.fault.clone().map_or(Ok(()), |why| Err(MemoryError { why }))
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Said(entry) => self.own = Some(entry.clone()),
            Change::Learned(known) => {
                self.peers.insert(known.peer_id(), known.clone());
            }
            Change::Forgotten(peer_id) => {
                self.peers.remove(peer_id);
            }
            Change::SettingChanged(change) => {
                self.overrides.insert(change.key.clone(), change.clone());
            }
            Change::SettingDropped(key) => {
                self.overrides.remove(key);
            }
        }
    }
}

impl Ledger for MemoryStore {
    type Error = MemoryError;

    fn load(&mut self) -> Result<Durable, MemoryError> {
        let content = self.content();
        content.works()?;
        Ok(Durable {
            own: content.own.clone(),
            former: None,
            peers: content.peers.values().cloned().collect(),
            overrides: content.overrides.values().cloned().collect(),
        })
    }

    fn append(&mut self, sets: &[ChangeSet]) -> Result<(), MemoryError> {
        if sets.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let mut content = self.content();
        content.works()?;
        sets.iter().flatten().for_each(|change| content.apply(change));
        content.writes += 1;
        Ok(())
    }

    fn probe(&mut self) -> Result<(), MemoryError> {
        self.content().works()
    }
}
