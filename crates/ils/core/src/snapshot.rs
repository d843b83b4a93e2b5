//! What a node looks like at one moment: a value that views read and nobody edits.

use std::sync::Arc;

use ils_wire::{Entry, Instance, PeerId};

use crate::alarm::Alarm;
use crate::config::{ClusterRole, Config};
use crate::event::{ConnectionId, Direction, Happening, Link, PeerName};
use crate::ledger::{KnownPeer, Proof};
use crate::limits;
use crate::outcome::Outcome;
use crate::time::Timestamp;

/// The live connection to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedLink {
    /// Its number.
    pub connection: ConnectionId,
    /// Who opened it.
    pub direction: Direction,
    /// On the TLS port.
    pub tls: bool,
    /// The life of the peer's process.
    pub instance: Instance,
    /// When it joined.
    pub since: Timestamp,
    /// The peer's data has arrived whole on it. No comparison of times: a clock may be set back.
    pub synchronized: bool,
}

/// A known cluster, and how things stand with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The durable entry.
    pub known: KnownPeer,
    /// Its connection to this node, if it has one.
    pub link: Option<JoinedLink>,
    /// Last frame from it; not durable.
    pub last_contact: Option<Timestamp>,
    /// When its data last arrived whole; not durable.
    pub last_data: Option<Timestamp>,
}

impl Peer {
    /// `USN Data Synchronization Status`, as the page prints it.
    pub fn synchronization(&self) -> &'static str {
        match &self.link {
            Some(link) if link.synchronized => "Up to date",
            Some(_) => "Synchronizing",
            None => "Not connected",
        }
    }

    /// This connection is its one.
    pub(crate) fn is_on(&self, connection: ConnectionId) -> bool {
        self.link.as_ref().is_some_and(|link| link.connection == connection)
    }
}

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What.
    pub happening: Happening,
}

/// One connection from its first event on, joined or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which connection.
    pub link: Link,
    /// What happened, oldest first; at most [`limits::STEPS_KEPT`].
    pub steps: Vec<Step>,
    /// How the attempt to join ended; absent while it goes on. A join stays `joined` when it ends later.
    pub outcome: Option<Outcome>,
    /// Whom it joined.
    pub peer: Option<PeerName>,
    /// When the connection ended, and how.
    pub ended: Option<(Timestamp, Outcome)>,
}

impl Attempt {
    /// An attempt that begins.
    pub(crate) fn new(link: Link) -> Self {
        Self { link, steps: Vec::new(), outcome: None, peer: None, ended: None }
    }

    /// One more step; the first that decides is the outcome.
    pub(crate) fn note(&mut self, at: Timestamp, link: &Link, happening: &Happening) {
        self.link = link.clone();
        if self.steps.len() < limits::STEPS_KEPT {
            self.steps.push(Step { at, happening: happening.clone() });
        }
        if let Happening::Established { peer, .. } = happening {
            self.peer = Some(peer.clone());
        }
        self.outcome = self.outcome.or_else(|| happening.outcome());
        if happening.is_end() {
            self.ended = Some((at, happening.outcome().unwrap_or(Outcome::Closed)));
        }
    }
}

/// How far a PeerInfoVector has been told. By identity: it may go on in a newer snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// So many entries have been told.
    told: usize,
    /// The last one that is not the teller's own.
    after: Option<PeerId>,
}

impl Place {
    /// These have been told since, by the node with this ID.
    pub(crate) fn past(&mut self, entries: &[Entry], own: PeerId) {
        self.told = self.told.saturating_add(entries.len());
        let last = entries.iter().map(Entry::peer_id).rfind(|peer_id| *peer_id != own);
        self.after = last.or(self.after);
    }
}

/// A node at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// What it is set to.
    pub config: Arc<Config>,
    /// Its own ID.
    pub peer_id: PeerId,
    /// What it says of itself; absent while standalone.
    pub own: Option<Entry>,
    /// When the service started, or was restarted.
    pub since: Timestamp,
    /// The PeerInfoVector, in the order of peer IDs.
    pub peers: Arc<Vec<Arc<Peer>>>,
    /// Raised whenever an entry of the PeerInfoVector changes: what connections watch.
    pub vector_version: u64,
    /// Attempts remembered, oldest first.
    pub attempts: Arc<Vec<Arc<Attempt>>>,
    /// Alarms standing, oldest first.
    pub alarms: Arc<Vec<Alarm>>,
    /// The last append failed, and why; cleared by the next that works.
    pub store_error: Option<String>,
}

impl Snapshot {
    /// Of two snapshots of one registry: nothing that is shown has changed between them. Looks at what they share, not
    /// at what is in it.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.peers, &other.peers)
            && Arc::ptr_eq(&self.attempts, &other.attempts)
            && Arc::ptr_eq(&self.alarms, &other.alarms)
            && (self.since, &self.store_error) == (other.since, &other.store_error)
            && self.tells_peers_the_same_as(other)
    }

    /// Of two snapshots of one registry: nothing has changed between them that a joined connection acts on.
    pub fn tells_peers_the_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config) && self.vector_version == other.vector_version
    }

    /// What goes to a peer: a spoke sends itself, a hub all it knows but the peer and what the peer told it.
    /// At most [`limits::PEERS_ADVERTISED`] entries.
    pub fn vector_for(&self, peer_id: PeerId) -> Vec<Entry> {
        self.vector_after(peer_id, &Place::default()).cloned().collect()
    }

    /// What of it comes after this place.
    pub fn vector_after(&self, peer_id: PeerId, place: &Place) -> impl Iterator<Item = &Entry> {
        let (after, left) = (place.after, limits::PEERS_ADVERTISED.saturating_sub(place.told));
        let own = self.own.iter().filter(|_| place.told == 0);
        let others = self.peers.iter().filter(|_| self.config.role == ClusterRole::Hub);
        let told = others
            .filter(move |peer| after.is_none_or(|after| peer.known.peer_id() > after))
            .filter(move |peer| {
                peer.known.peer_id() != peer_id && peer.known.proof != Proof::Relayed(peer_id)
            })
            .map(|peer| &peer.known.entry);
        own.chain(told).take(left)
    }

    /// The cluster with this FQDN in the PeerInfoVector; certificates carry lower case, so do entries.
    pub fn peer_of_fqdn(&self, fqdn: &str) -> Option<&Peer> {
        let mut peers = self.peers.iter().map(Arc::as_ref);
        peers.find(|peer| peer.known.info().fqdn.as_str().eq_ignore_ascii_case(fqdn))
    }

    /// Peers with a connection.
    pub fn joined(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().map(Arc::as_ref).filter(|peer| peer.link.is_some())
    }
}
