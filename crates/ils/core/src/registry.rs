//! Peers, PeerInfoVector, attempts and standing alarms. One owner, no lock.
//!
//! ```text
//! Draft::join, learn, forget, configure     decided over this, and nothing changes
//! apply(Stored)   -> Admitted claims        once the ledger has it
//! joined(Admitted)                          a connection stands
//! note(event)     -> Noted                  volatile: attempts, alarms
//! snapshot()      -> Snapshot               for views
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ils_wire::{Entry, IdentityKey, PeerId, PeerInfo};

use crate::alarm::{KeyOf, Standing};
use crate::claim::Claim;
use crate::config::{ClusterRole, Config};
use crate::event::{
    ConnectionId, Direction, Event, Happening, Link, Noted, PeerAddress, PeerName, ServiceEvent, Subject,
};
use crate::intent::intent;
use crate::ledger::{Change, Decided, KnownPeer, Stored};
use crate::limits;
use crate::listing::Listing;
use crate::outcome::Outcome;
use crate::settings::Settings;
use crate::snapshot::{Attempt, JoinedLink, Peer, Snapshot};
use crate::time::Timestamp;
use ilslab_names::Source;

/// A claim whose changes are stored and applied: only [`Registry::apply`] makes it.
#[derive(Debug)]
pub struct Admitted(Claim);

/// The state of a node that more than one connection cares about.
pub struct Registry {
    config: Arc<Config>,
    settings: Settings,
    identity: IdentityKey,
    /// Absent before it has said anything.
    said: Option<Entry>,
    addresses: Vec<IpAddr>,
    since: Timestamp,
    peers: BTreeMap<PeerId, Arc<Peer>>,
    peers_listed: Listing<Arc<Peer>>,
    vector_version: u64,
    attempts: VecDeque<Arc<Attempt>>,
    attempts_listed: Listing<Arc<Attempt>>,
    alarms: Standing,
    store_error: Option<String>,
}

impl Registry {
    /// The registry of a node that starts with what the ledger has kept. What it says of itself under this configuration is
    /// what it has `said` last: see [`to_say`].
    pub fn new(
        config: Config, settings: Settings, (identity, said): (IdentityKey, Option<Entry>),
        peers: Vec<KnownPeer>, addresses: Vec<IpAddr>, now: Timestamp,
    ) -> Self {
        let peers = peers.into_iter().map(|known| (known.peer_id(), Arc::new(absent(known))));
        Self {
            config: Arc::new(config),
            settings,
            identity,
            said,
            addresses,
            since: now,
            peers: peers.collect(),
            peers_listed: Listing::default(),
            vector_version: 1,
            attempts: VecDeque::new(),
            attempts_listed: Listing::default(),
            alarms: Standing::default(),
            store_error: None,
        }
    }

    /// What this node is set to.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The settings that this comes from.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// This node's own ID.
    pub(crate) fn peer_id(&self) -> PeerId {
        self.identity.peer_id()
    }

    /// A known peer.
    pub(crate) fn peer(&self, peer_id: PeerId) -> Option<&Peer> {
        self.peers.get(&peer_id).map(Arc::as_ref)
    }

    /// The known peers, in the order of their IDs.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values().map(Arc::as_ref)
    }

    /// What this node says of itself; absent while standalone.
    pub fn own(&self) -> Option<Entry> {
        self.said.clone().filter(|_| self.config.role != ClusterRole::Standalone)
    }

    /// What it has said of itself last, maybe under another configuration.
    pub(crate) fn said(&self) -> Option<&Entry> {
        self.said.as_ref()
    }

    /// The key by which it is itself.
    pub(crate) fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// What it would say of itself if it were set so.
    pub(crate) fn own_under(&self, config: &Config) -> Option<PeerInfo> {
        config.peer_info(self.peer_id(), self.addresses.clone())
    }

    /// Takes over what is stored. Answers the claims in it by their connections: each may [join](Self::joined) now.
    ///
    /// ```
    /// use ils_core::draft::Draft;
    /// use ils_core::ledger::{self, Ledger};
    /// use ils_core::registry::Registry;
    ///
    /// fn keep<L: Ledger>(registry: &mut Registry, ledger: &mut L, draft: Draft) -> Result<(), L::Error> {
    ///     registry.apply(ledger::commit(ledger, draft.into_decided())?);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// What is not stored cannot be applied:
    ///
    /// ```compile_fail
    /// use ils_core::ledger::Decided;
    /// use ils_core::registry::Registry;
    ///
    /// fn keep(registry: &mut Registry, decided: Decided) {
    ///     registry.apply(decided);
    /// }
    /// ```
    ///
    /// Nor can a connection stand whose claim is not:
    ///
    /// ```compile_fail
    /// use ils_core::claim::Claim;
    /// use ils_core::registry::Registry;
    /// use ils_core::time::Timestamp;
    ///
    /// fn stand(registry: &mut Registry, claim: Claim) {
    ///     registry.joined(claim, Timestamp(1));
    /// }
    /// ```
    pub fn apply(&mut self, stored: Stored) -> BTreeMap<ConnectionId, Admitted> {
        let Decided { sets, claims, configured } = stored.into_decided();
        sets.into_iter().flatten().for_each(|change| self.take_over(change));
        if let Some((settings, config)) = configured {
            self.settings = settings;
            self.config = config;
        }
        claims.into_iter().map(|(connection, claim)| (connection, Admitted(claim))).collect()
    }

    fn take_over(&mut self, change: Change) {
        match change {
            Change::Learned(known) => {
                let absent = || Arc::new(absent(known.clone()));
                let peer = self.peers.entry(known.peer_id()).or_insert_with(absent);
                Arc::make_mut(peer).known = known;
            }
            Change::Forgotten(peer_id) => drop(self.peers.remove(&peer_id)),
            Change::Said(entry) => {
                self.said = Some(entry);
                self.vector_version += 1;
                return;
            }
            Change::SettingChanged(_) | Change::SettingDropped(_) => return,
        }
        self.peers_listed.stale();
        self.vector_version += 1;
    }

    /// The connection is the peer's now. Answers the one whose place it took.
    pub fn joined(&mut self, admitted: Admitted, now: Timestamp) -> Option<ConnectionId> {
        let Admitted(claim) = admitted;
        let peer = Arc::make_mut(self.peers.get_mut(&claim.entry.peer_id())?);
        self.peers_listed.stale();
        peer.last_contact = Some(now);
        let link = JoinedLink {
            connection: claim.connection,
            direction: claim.direction,
            tls: claim.tls,
            instance: claim.instance,
            since: now,
            synchronized: false,
        };
        peer.link.replace(link).map(|old| old.connection).filter(|old| *old != claim.connection)
    }

    /// A frame came from the peer on this connection; with `whole`, its data is complete.
    pub fn contact(&mut self, peer_id: PeerId, connection: ConnectionId, whole: bool, now: Timestamp) {
        let Some(peer) = self.peers.get_mut(&peer_id).filter(|peer| peer.is_on(connection)) else { return };
        if !whole && peer.last_contact == Some(now) {
            return;
        }
        self.peers_listed.stale();
        let peer = Arc::make_mut(peer);
        peer.last_contact = Some(now);
        if whole {
            peer.last_data = Some(now);
            peer.link.iter_mut().for_each(|link| link.synchronized = true);
        }
    }

    /// When something came last on a joined connection.
    pub fn last_contact(&self, connection: ConnectionId) -> Option<Timestamp> {
        self.peers().find(|peer| peer.is_on(connection))?.last_contact
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, connection: ConnectionId) {
        for peer in self.peers.values_mut().filter(|peer| peer.is_on(connection)) {
            Arc::make_mut(peer).link = None;
            self.peers_listed.stale();
        }
    }

    /// Clusters in the network, this one included.
    pub fn cluster_count(&self) -> usize {
        self.peers.len() + usize::from(self.config.role != ClusterRole::Standalone)
    }

    /// Folds an event into attempts and alarms.
    pub fn note(&mut self, event: Event) -> Noted {
        match &event.subject {
            Subject::Connection { link, happening } => self.note_connection(event.at, link, happening),
            Subject::Service(service) => self.note_service(event.at, service),
        }
        let raised = intent(&event).filter(|alarm| self.alarms.raise(alarm.clone()));
        Noted { event, raised, alarmed_connections: self.alarms.alarmed_connections() }
    }

    fn note_connection(&mut self, at: Timestamp, link: &Link, happening: &Happening) {
        if let Happening::Established { peer, certificate } = happening {
            self.clear_alarms_of(link, peer, certificate.as_deref());
        }
        let position = self.attempts.iter().rposition(|attempt| attempt.link.id == link.id);
        let position = position.unwrap_or_else(|| self.begin_attempt(link));
        if let Some(attempt) = self.attempts.get_mut(position) {
            self.attempts_listed.stale();
            Arc::make_mut(attempt).note(at, link, happening);
        }
    }

    fn begin_attempt(&mut self, link: &Link) -> usize {
        if self.attempts.len() >= limits::ATTEMPTS_KEPT {
            self.attempts.remove(least_missed(&self.attempts));
        }
        self.attempts.push_back(Arc::new(Attempt::new(link.clone())));
        self.attempts.len() - 1
    }

    fn clear_alarms_of(&mut self, link: &Link, peer: &PeerName, certificate: Option<&str>) {
        let host = link.peer.host();
        let mut keys = vec![host.as_str(), peer.fqdn.as_str()];
        keys.extend(certificate);
        let dialled = self.config.registration.as_ref().filter(|_| link.direction == Direction::Dialled);
        keys.extend(dialled.map(|registration| registration.host.as_str()));
        self.alarms.clear(KeyOf::Host, &keys);
        self.alarms.clear(KeyOf::Cluster, &[peer.cluster_id.as_str()]);
    }

    fn note_service(&mut self, at: Timestamp, event: &ServiceEvent) {
        match event {
            ServiceEvent::StoreFailed { error } => self.store_error = Some(error.clone()),
            ServiceEvent::StoreRecovered => {
                self.store_error = None;
                self.alarms.clear(KeyOf::Service, &["database"]);
            }
            ServiceEvent::Restarted => {
                self.alarms.clear_all();
                self.since = at;
            }
            ServiceEvent::PeerCount { count } => self.alarms.clear_peer_limits(*count),
            _ => {}
        }
    }

    /// The append that failed last, unless a later one worked.
    pub fn store_error(&self) -> Option<&str> {
        self.store_error.as_deref()
    }

    /// This moment, for views. It shares with earlier ones what has not changed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            config: Arc::clone(&self.config),
            peer_id: self.peer_id(),
            own: self.own(),
            since: self.since,
            peers: self.peers_listed.share(|| self.peers.values().cloned()),
            vector_version: self.vector_version,
            attempts: self.attempts_listed.share(|| self.attempts.iter().cloned()),
            alarms: self.alarms.listed(),
            store_error: self.store_error.clone(),
        }
    }
}

/// Which attempt gives way: of those that ended without a join the oldest of the source that has most of them, so that
/// nobody's attempts are pushed out by what comes from elsewhere; else the oldest that ended; else the oldest.
fn least_missed(attempts: &VecDeque<Arc<Attempt>>) -> usize {
    let mut first_and_count: HashMap<(bool, Option<Source>), (usize, usize)> = HashMap::new();
    for (position, attempt) in attempts.iter().enumerate() {
        if attempt.ended.is_some() && attempt.outcome != Some(Outcome::Joined) {
            let (_, count) = first_and_count.entry(origin(&attempt.link)).or_insert((position, 0));
            *count += 1;
        }
    }
    let most = first_and_count.into_values().max_by_key(|(first, count)| (*count, Reverse(*first)));
    let oldest_ended = || attempts.iter().position(|attempt| attempt.ended.is_some());
    most.map(|(first, _)| first).or_else(oldest_ended).unwrap_or(0)
}

/// Who opened it, and the source of the other side, where that is an address.
fn origin(link: &Link) -> (bool, Option<Source>) {
    let source = match &link.peer {
        PeerAddress::Socket(address) => Some(Source::of(address.ip())),
        PeerAddress::Name(..) => None,
    };
    (link.direction == Direction::Dialled, source)
}

/// What a node with this key says next, after what it has said last; nothing where it is the same.
///
/// # Panics
/// Never: a configuration holds no more than an entry may.
pub fn to_say(identity: &IdentityKey, said: Option<&Entry>, info: PeerInfo) -> Option<Entry> {
    let same = said.is_some_and(|said| *said.info() == info);
    let version = said.map_or(0, Entry::version).saturating_add(1);
    let sign =
        || Entry::sign(identity, info, version).expect("a configuration is within the bounds of an entry");
    (!same).then(sign)
}

fn absent(known: KnownPeer) -> Peer {
    Peer { known, link: None, last_contact: None, last_data: None }
}

/// The names of a peer, as events carry them.
pub fn name_of(info: &PeerInfo) -> PeerName {
    PeerName {
        peer_id: info.peer_id,
        cluster_id: info.cluster_id.clone(),
        fqdn: info.fqdn.clone(),
        role: info.role,
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "note_tests.rs"]
mod note_tests;
