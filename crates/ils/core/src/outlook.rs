//! The registry as it will be once what is decided is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use ils_wire::{Entry, PeerId, PeerInfo};

use crate::config::Config;
use crate::ledger::{Change, KnownPeer};
use crate::limits;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::snapshot::JoinedLink;

/// What decisions change, and is not stored yet.
#[derive(Default)]
pub(crate) struct Overlay {
    peers: BTreeMap<PeerId, Redrawn>,
    configured: Option<(Settings, Arc<Config>)>,
    said: Option<Entry>,
}

/// A peer as it is redrawn.
struct Redrawn {
    /// Absent: forgotten.
    known: Option<KnownPeer>,
    /// Not once it was forgotten, though it may be known again.
    keeps_link: bool,
}

impl Overlay {
    /// This registry, with what was decided since.
    pub(crate) fn over<'a>(&'a self, registry: &'a Registry) -> Outlook<'a> {
        Outlook { registry, overlay: self }
    }

    /// It is set anew.
    pub(crate) fn is_reconfigured(&self) -> bool {
        self.configured.is_some()
    }

    /// From now on decisions see it set so.
    pub(crate) fn reconfigure(&mut self, settings: Settings, config: Arc<Config>) {
        self.configured = Some((settings, config));
    }

    /// How it is set anew, where it is.
    pub(crate) fn into_configured(self) -> Option<(Settings, Arc<Config>)> {
        self.configured
    }

    /// From now on decisions see the peer so. Twice the same is once.
    pub(crate) fn redraw(&mut self, change: &Change) {
        let (peer_id, known) = match change {
            Change::Learned(known) => (known.peer_id(), Some(known.clone())),
            Change::Forgotten(peer_id) => (*peer_id, None),
            Change::Said(entry) => {
                self.said = Some(entry.clone());
                return;
            }
            Change::SettingChanged(_) | Change::SettingDropped(_) => return,
        };
        let kept = self.peers.get(&peer_id).is_none_or(|before| before.keeps_link);
        let keeps_link = kept && known.is_some();
        self.peers.insert(peer_id, Redrawn { known, keeps_link });
    }
}

/// The registry as it will be.
#[derive(Clone, Copy)]
pub(crate) struct Outlook<'a> {
    registry: &'a Registry,
    overlay: &'a Overlay,
}

impl<'a> Outlook<'a> {
    /// As it is stored.
    pub(crate) fn registry(self) -> &'a Registry {
        self.registry
    }

    /// The entry of a peer.
    pub(crate) fn known(self, peer_id: PeerId) -> Option<&'a KnownPeer> {
        match self.overlay.peers.get(&peer_id) {
            Some(redrawn) => redrawn.known.as_ref(),
            None => self.registry.peer(peer_id).map(|peer| &peer.known),
        }
    }

    /// Every entry, in no order.
    pub(crate) fn all(self) -> impl Iterator<Item = &'a KnownPeer> {
        let redrawn = &self.overlay.peers;
        let stored = self.registry.peers().map(|peer| &peer.known);
        let untouched = stored.filter(|known| !redrawn.contains_key(&known.peer_id()));
        untouched.chain(redrawn.values().filter_map(|redrawn| redrawn.known.as_ref()))
    }

    /// No room for another.
    pub(crate) fn is_full(self) -> bool {
        self.all().count() >= limits::PEERS_KNOWN
    }

    /// The connection that a peer has.
    pub(crate) fn link(self, peer_id: PeerId) -> Option<&'a JoinedLink> {
        let keeps_link = self.overlay.peers.get(&peer_id).is_none_or(|redrawn| redrawn.keeps_link);
        self.registry.peer(peer_id)?.link.as_ref().filter(|_| keeps_link)
    }

    /// What this node will be set to.
    pub(crate) fn config(self) -> &'a Arc<Config> {
        self.overlay.configured.as_ref().map_or(self.registry.config(), |(_, config)| config)
    }

    /// The settings that this comes from.
    pub(crate) fn settings(self) -> &'a Settings {
        self.overlay.configured.as_ref().map_or(self.registry.settings(), |(settings, _)| settings)
    }

    /// What this node has said of itself last.
    pub(crate) fn said(self) -> Option<&'a Entry> {
        self.overlay.said.as_ref().or(self.registry.said())
    }

    /// What it will say of itself; absent while standalone.
    pub(crate) fn own(self) -> Option<PeerInfo> {
        self.registry.own_under(self.config())
    }
}
