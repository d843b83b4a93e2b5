//! What is decided and not yet stored, and the decisions: each sees the registry as it will be with those before it.
//!
//! ```text
//! Registry, as it is stored --+
//!                             +--> Outlook --> join, learn, forget, configure --> into the Draft
//! Draft, as it is so far -----+                                                        |
//!                                  Registry::apply <-- Stored <-- ledger::commit <-----+
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use ils_wire::{Entry, PeerId, PeerInfo, Reason, Role};
use serde_json::{Map, Value};

use crate::admission::{self, Denied};
use crate::claim::Claim;
use crate::config::Config;
use crate::event::{ConnectionId, Direction, PeerName};
use crate::ledger::{Change, ChangeSet, Decided, KnownPeer, Proof};
use crate::outlook::{Outlook, Overlay};
use crate::registry::{Registry, name_of, to_say};
use crate::settings::{SettingChange, SettingError, Settings};

/// Decisions whose changes stand or fall together. Nothing of it counts, and nobody is told, before
/// [`ledger::commit`](crate::ledger::commit) has stored it.
#[derive(Default)]
pub struct Draft {
    sets: Vec<ChangeSet>,
    claims: BTreeMap<ConnectionId, Claim>,
    overlay: Overlay,
}

/// What a patch of the settings comes to once it is stored.
pub struct Reconfigured {
    /// The configuration afterwards.
    pub config: Arc<Config>,
    /// The keys that were named.
    pub keys: Vec<String>,
}

/// Whom a decision to forget is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Its names.
    pub name: PeerName,
    /// The connection that it has.
    pub connection: Option<ConnectionId>,
}

impl Draft {
    /// There is nothing to store. There may be claims all the same: of peers that have said the same before.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// What is to be stored: for each decision that changes something, its changes.
    pub fn sets(&self) -> &[ChangeSet] {
        &self.sets
    }

    /// A claim of this peer is in it, and its connection does not stand yet.
    pub fn awaits(&self, peer_id: PeerId) -> bool {
        self.claims.values().any(|claim| claim.entry.peer_id() == peer_id)
    }

    /// Settings are in it that do not count yet.
    pub fn reconfigures(&self) -> bool {
        self.overlay.is_reconfigured()
    }

    /// May this peer join?
    ///
    /// # Errors
    /// [`Denied`], with what the peer is told and what the alarm names.
    pub fn join(&mut self, registry: &Registry, claim: &Claim) -> Result<(), Denied> {
        let change = self.over(registry).join(claim)?;
        self.keep(change.into_iter().collect());
        self.claims.insert(claim.connection, claim.clone());
        Ok(())
    }

    /// What a batch of a peer's PeerInfoVector teaches. A spoke speaks for itself alone; nothing relayed changes
    /// what a peer said itself; an entry that would take somebody's name is left out.
    pub fn learn(&mut self, registry: &Registry, from: PeerId, entries: &[Entry]) {
        let outlook = self.over(registry);
        let Some(own) = outlook.own().filter(|_| outlook.speaks_for_others(from)) else { return };
        let mut set = ChangeSet::new();
        for entry in entries {
            if let Some(change) = self.over(registry).relayed(from, entry, &own) {
                self.overlay.redraw(&change);
                set.push(change);
            }
        }
        self.keep(set);
    }

    /// Who is forgotten by that ID, if anybody is known by it.
    pub fn forget(&mut self, registry: &Registry, peer_id: PeerId) -> Option<Forgotten> {
        let outlook = self.over(registry);
        let name = name_of(outlook.known(peer_id)?.info());
        let connection = outlook.link(peer_id).map(|link| link.connection);
        self.keep(vec![Change::Forgotten(peer_id)]);
        Some(Forgotten { name, connection })
    }

    /// What a patch would come to; nothing changes.
    ///
    /// # Errors
    /// As [`Draft::configure`].
    pub fn foresee(
        registry: &Registry, base: &Config, patch: &Map<String, Value>,
    ) -> Result<Arc<Config>, SettingError> {
        Self::default().configure(registry, base, patch).map(|foreseen| foreseen.config)
    }

    /// What a patch of the ILS Configuration page comes to. `base` is the configuration with the password that will
    /// be in force.
    ///
    /// # Errors
    /// An unknown key, or a value that cannot be.
    pub fn configure(
        &mut self, registry: &Registry, base: &Config, patch: &Map<String, Value>,
    ) -> Result<Reconfigured, SettingError> {
        let (settings, config, changes) = self.over(registry).configure(base, patch)?;
        let config = Arc::new(config);
        self.overlay.reconfigure(settings, Arc::clone(&config));
        self.keep(changes);
        Ok(Reconfigured { config, keys: patch.keys().cloned().collect() })
    }

    /// What is decided, for the ledger.
    pub fn into_decided(self) -> Decided {
        Decided { sets: self.sets, claims: self.claims, configured: self.overlay.into_configured() }
    }

    /// The registry as it will be with this draft.
    pub(crate) fn over<'a>(&'a self, registry: &'a Registry) -> Outlook<'a> {
        self.overlay.over(registry)
    }

    fn keep(&mut self, set: ChangeSet) {
        set.iter().for_each(|change| self.overlay.redraw(change));
        self.sets.extend((!set.is_empty()).then_some(set));
    }
}

/// The decisions.
impl Outlook<'_> {
    fn join(self, claim: &Claim) -> Result<Option<Change>, Denied> {
        let Some(own) = self.own() else {
            return Err(Denied::new(Reason::Shutdown, "this cluster is standalone", ""));
        };
        admission::judge(claim, &own, self)?;
        if claim.tls != self.config().uses_tls() {
            return Err(Denied::new(Reason::MethodChanged, "this port is no longer in force", ""));
        }
        self.tie_break(claim)?;
        let proof = if claim.tls { Proof::Certificate } else { Proof::Password };
        Ok(self.learned(&claim.entry, proof))
    }

    /// Of two connections between one pair in opposite directions, the one dialled by the lower peer ID stays.
    fn tie_break(self, claim: &Claim) -> Result<(), Denied> {
        let link = self.link(claim.entry.peer_id());
        if let Some(link) = link.filter(|link| link.instance != claim.instance) {
            return Err(second_holder(claim, link.connection));
        }
        let Some(link) = link.filter(|link| link.direction != claim.direction) else {
            return Ok(());
        };
        let dialled_here = claim.direction == Direction::Dialled;
        if link.tls == claim.tls && dialled_here != (self.registry().peer_id() < claim.entry.peer_id()) {
            return Err(Denied::new(Reason::Displaced, "the connection the other way stays", ""));
        }
        Ok(())
    }

    /// The change that this knowledge is, if it is one.
    fn learned(self, entry: &Entry, proof: Proof) -> Option<Change> {
        let pkid = admission::pkid(self.registry().peer_id(), entry.peer_id());
        let known = KnownPeer { entry: entry.clone(), proof, pkid };
        (self.known(entry.peer_id()) != Some(&known)).then_some(Change::Learned(known))
    }

    fn speaks_for_others(self, from: PeerId) -> bool {
        self.link(from).is_some() && self.known(from).is_some_and(|known| known.info().role == Role::Hub)
    }

    /// Of the same words by two hubs those of the first to tell stay: they would change hands for ever.
    fn relayed(self, from: PeerId, entry: &Entry, own: &PeerInfo) -> Option<Change> {
        let known = self.known(entry.peer_id());
        let is_news =
            known.is_none_or(|known| !known.proof.is_direct() && known.entry.version() < entry.version());
        if !is_news || admission::identity(entry.info(), own, self).is_err() {
            return None;
        }
        self.learned(entry, Proof::Relayed(from))
    }

    fn configure(
        self, base: &Config, patch: &Map<String, Value>,
    ) -> Result<(Settings, Config, ChangeSet), SettingError> {
        let (settings, changed) = self.settings().patched(patch)?;
        let before = self.config();
        let mut config = base.with_settings(&settings.effective())?;
        config.revision = before.revision + 1;
        config.conversation = before.conversation + u64::from(config.differs_in_conversation(before));
        let changes = changed.into_iter().map(|change| match change {
            SettingChange::Set(change) => Change::SettingChanged(change),
            SettingChange::Reset(key) => Change::SettingDropped(key),
        });
        let says = self.registry().own_under(&config);
        let said = says.and_then(|info| to_say(self.registry().identity(), self.said(), info));
        Ok((settings, config, changes.chain(said.map(Change::Said)).collect()))
    }
}

/// Somebody else has the same key; or this one is the same node, started again before its old connection was missed.
fn second_holder(claim: &Claim, standing: ConnectionId) -> Denied {
    let text = format!(
        "the peer ID {} is joined already, by another process with the same key; give each cluster a data folder of its own",
        claim.entry.peer_id()
    );
    let rival = (!claim.is_last).then_some(standing);
    Denied { rival, ..Denied::new(Reason::DuplicateIdentity, text, "") }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "configure_tests.rs"]
mod configure_tests;
