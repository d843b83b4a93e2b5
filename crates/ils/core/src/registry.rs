//! Peers, PeerInfoVector, attempts and standing alarms, and every decision about them. One owner, no lock.
//!
//! ```text
//! decide(command) -> ChangeSet | Denied     pure; nothing changes
//! apply(change)                             once the ledger has it
//! note(event)     -> Noted                  volatile: attempts, alarms
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ils_wire::{PeerId, PeerInfo, Reason, Role};
use serde_json::{Map, Value};

use crate::admission::{self, Denied, Neighbours};
use crate::alarm::{self, KeyOf, Standing};
use crate::config::{ClusterRole, Config};
use crate::event::{
    ConnectionId, Direction, Event, Happening, Link, Noted, PeerAddress, PeerName, ServiceEvent, Subject,
};
use crate::ledger::{Change, ChangeSet, KnownPeer, Proof};
use crate::limits;
use crate::outcome::Outcome;
use crate::settings::{SettingChange, SettingError, Settings};
use crate::snapshot::{Attempt, JoinedLink, Peer, Snapshot};
use crate::source::Source;
use crate::time::Timestamp;

/// A peer asks to join: what it says, and what is known of the connection it says it on.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The connection.
    pub connection: ConnectionId,
    /// Who opened it.
    pub direction: Direction,
    /// On the TLS port.
    pub tls: bool,
    /// What the peer says of itself.
    pub info: PeerInfo,
    /// FQDNs of its certificate, on TLS.
    pub certificate: Option<Vec<String>>,
    /// What its certificate is called, on TLS; not escaped.
    pub shown: Option<String>,
    /// The FQDN that let the certificate in, where an FQDN did.
    pub admitted_by: Option<String>,
}

/// What the registry does with a settings patch.
pub struct Reconfigured {
    /// The settings afterwards.
    pub settings: Settings,
    /// The configuration afterwards.
    pub config: Config,
    /// To be stored.
    pub changes: ChangeSet,
    /// The keys that were named.
    pub keys: Vec<String>,
}

/// The known peers at one moment.
pub struct Checkpoint(BTreeMap<PeerId, Peer>);

/// The state of a node that more than one connection cares about.
#[derive(Clone)]
pub struct Registry {
    config: Arc<Config>,
    settings: Settings,
    peer_id: PeerId,
    addresses: Vec<IpAddr>,
    since: Timestamp,
    peers: BTreeMap<PeerId, Peer>,
    vector_version: u64,
    attempts: VecDeque<Arc<Attempt>>,
    alarms: Standing,
    store_error: Option<String>,
}

impl Registry {
    /// The registry of a node that starts with what the ledger has kept.
    pub fn new(
        config: Config, settings: Settings, peer_id: PeerId, peers: Vec<KnownPeer>, addresses: Vec<IpAddr>,
        now: Timestamp,
    ) -> Self {
        let peers = peers.into_iter().map(|known| (known.info.peer_id, absent(known))).collect();
        Self {
            config: Arc::new(config),
            settings,
            peer_id,
            addresses,
            since: now,
            peers,
            vector_version: 1,
            attempts: VecDeque::new(),
            alarms: Standing::default(),
            store_error: None,
        }
    }

    /// What this node is set to.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// What this node says of itself; absent while standalone.
    pub fn own(&self) -> Option<PeerInfo> {
        self.config.peer_info(self.peer_id, self.addresses.clone())
    }

    /// May this peer join, and what is to be stored if it does?
    ///
    /// # Errors
    /// [`Denied`], with what the peer is told and what the alarm names.
    pub fn decide_join(&self, claim: &Claim) -> Result<ChangeSet, Denied> {
        let Some(own) = self.own() else {
            return Err(Denied::new(Reason::Shutdown, "this cluster is standalone", ""));
        };
        admission::judge(claim, &own, &self.neighbours())?;
        if claim.tls != self.config.uses_tls() {
            return Err(Denied::new(Reason::MethodChanged, "this port is no longer in force", ""));
        }
        self.tie_break(claim)?;
        let proof = if claim.tls { Proof::Certificate } else { Proof::Password };
        Ok(self.learned(&claim.info, proof).into_iter().collect())
    }

    /// Of two connections between one pair in opposite directions, the one dialled by the lower peer ID stays.
    fn tie_break(&self, claim: &Claim) -> Result<(), Denied> {
        let link = self.peers.get(&claim.info.peer_id).and_then(|peer| peer.link.as_ref());
        let Some(link) = link.filter(|link| link.direction != claim.direction) else {
            return Ok(());
        };
        let dialled_here = claim.direction == Direction::Dialled;
        if link.tls == claim.tls && dialled_here != (self.peer_id < claim.info.peer_id) {
            return Err(Denied::new(Reason::Displaced, "the connection the other way stays", ""));
        }
        Ok(())
    }

    fn neighbours(&self) -> Neighbours<'_> {
        Neighbours { peers: &self.peers, full: self.peers.len() >= limits::PEERS_KNOWN }
    }

    /// The change that this knowledge is, if it is one.
    fn learned(&self, info: &PeerInfo, proof: Proof) -> Option<Change> {
        let known =
            KnownPeer { info: info.clone(), proof, pkid: admission::pkid(self.peer_id, info.peer_id) };
        let same = self.peers.get(&info.peer_id).is_some_and(|peer| peer.known == known);
        (!same).then_some(Change::Learned(known))
    }

    /// What a batch of a peer's PeerInfoVector teaches. A spoke speaks for itself alone; nothing relayed changes
    /// what a peer said itself; an entry that would take somebody's name is left out.
    pub fn decide_learn(&self, from: PeerId, entries: &[PeerInfo]) -> ChangeSet {
        let speaks_for_others = self
            .peers
            .get(&from)
            .is_some_and(|peer| peer.link.is_some() && peer.known.info.role == Role::Hub);
        let Some(own) = self.own().filter(|_| speaks_for_others) else {
            return ChangeSet::new();
        };
        let mut after = self.clone();
        let mut changes = ChangeSet::new();
        for info in entries {
            let change = after.relayed(from, info, &own);
            changes.extend(change.inspect(|change| after.apply(change)));
        }
        changes
    }

    fn relayed(&self, from: PeerId, info: &PeerInfo, own: &PeerInfo) -> Option<Change> {
        let direct = self.peers.get(&info.peer_id).is_some_and(|peer| peer.known.proof.is_direct());
        if direct || admission::identity(info, own, &self.neighbours()).is_err() {
            return None;
        }
        let unchanged = self.peers.get(&info.peer_id).is_some_and(|peer| peer.known.info == *info);
        // The same entry by two hubs would change hands for ever: the first to tell keeps it.
        if unchanged { None } else { self.learned(info, Proof::Relayed(from)) }
    }

    /// What forgetting a peer changes; nothing for one that is not known.
    pub fn decide_forget(&self, peer_id: PeerId) -> ChangeSet {
        self.peers.contains_key(&peer_id).then_some(Change::Forgotten(peer_id)).into_iter().collect()
    }

    /// What a patch of the ILS Configuration page comes to. `base` is the configuration with the password that will
    /// be in force.
    ///
    /// # Errors
    /// An unknown key, or a value that cannot be.
    pub fn decide_configure(
        &self, base: &Config, patch: &Map<String, Value>,
    ) -> Result<Reconfigured, SettingError> {
        let (settings, changed) = self.settings.patched(patch)?;
        let mut config = base.with_settings(&settings.effective())?;
        config.revision = self.config.revision + 1;
        let ends = u64::from(config.differs_in_conversation(&self.config));
        config.conversation = self.config.conversation + ends;
        let changes = changed
            .into_iter()
            .map(|change| match change {
                SettingChange::Set(change) => Change::SettingChanged(change),
                SettingChange::Reset(key) => Change::SettingDropped(key),
            })
            .collect();
        Ok(Reconfigured { settings, config, changes, keys: patch.keys().cloned().collect() })
    }

    /// The patch is stored: from now on it counts.
    pub fn reconfigure(&mut self, done: Reconfigured) {
        self.settings = done.settings;
        self.config = Arc::new(done.config);
    }

    /// Takes over a stored change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Learned(known) => {
                let peer = self.peers.entry(known.info.peer_id).or_insert_with(|| absent(known.clone()));
                peer.known = known.clone();
                self.vector_version += 1;
            }
            Change::Forgotten(peer_id) => {
                self.peers.remove(peer_id);
                self.vector_version += 1;
            }
            Change::Identity(_) | Change::SettingChanged(_) | Change::SettingDropped(_) => {}
        }
    }

    /// The PeerInfoVector as it is applied, to go back to when storing fails.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.peers.clone())
    }

    /// What was applied since the checkpoint was not stored: it did not happen.
    pub fn restore(&mut self, checkpoint: Checkpoint) {
        self.peers = checkpoint.0;
        self.vector_version += 1;
    }

    /// The claim is stored: the connection is the peer's now. Answers the one whose place it took.
    pub fn joined(&mut self, claim: &Claim, now: Timestamp) -> Option<ConnectionId> {
        let peer = self.peers.get_mut(&claim.info.peer_id)?;
        peer.last_contact = Some(now);
        let link = JoinedLink {
            connection: claim.connection,
            direction: claim.direction,
            tls: claim.tls,
            since: now,
            synchronized: false,
        };
        peer.link.replace(link).map(|old| old.connection).filter(|old| *old != claim.connection)
    }

    /// A frame came from the peer on this connection; with `whole`, its data is complete.
    pub fn contact(&mut self, peer_id: PeerId, connection: ConnectionId, whole: bool, now: Timestamp) {
        let Some(peer) = self.peers.get_mut(&peer_id) else { return };
        let Some(link) = peer.link.as_mut().filter(|link| link.connection == connection) else { return };
        peer.last_contact = Some(now);
        if whole {
            link.synchronized = true;
            peer.last_data = Some(now);
        }
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, connection: ConnectionId) {
        for peer in self.peers.values_mut() {
            if peer.link.as_ref().is_some_and(|link| link.connection == connection) {
                peer.link = None;
            }
        }
    }

    /// The connection that a peer has now.
    pub fn connection_of(&self, peer_id: PeerId) -> Option<ConnectionId> {
        self.peers.get(&peer_id)?.link.as_ref().map(|link| link.connection)
    }

    /// A known peer's names.
    pub fn name_of(&self, peer_id: PeerId) -> Option<PeerName> {
        self.peers.get(&peer_id).map(|peer| name_of(&peer.known.info))
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
        let raised = alarm::intent(&event).filter(|alarm| self.alarms.raise(alarm.clone()));
        Noted { event, raised, alarmed_connections: self.alarms.alarmed_connections() }
    }

    fn note_connection(&mut self, at: Timestamp, link: &Link, happening: &Happening) {
        if let Happening::Established { peer, certificate } = happening {
            self.clear_alarms_of(link, peer, certificate.as_deref());
        }
        let position = self.attempts.iter().rposition(|attempt| attempt.link.id == link.id);
        let position = position.unwrap_or_else(|| self.begin_attempt(link));
        if let Some(attempt) = self.attempts.get_mut(position) {
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

    /// This moment, for views.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            config: Arc::clone(&self.config),
            peer_id: self.peer_id,
            own: self.own(),
            since: self.since,
            peers: Arc::new(self.peers.values().cloned().collect()),
            vector_version: self.vector_version,
            attempts: self.attempts.iter().cloned().collect(),
            alarms: Arc::new(self.alarms.iter().cloned().collect()),
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
#[path = "configure_tests.rs"]
mod configure_tests;

#[cfg(test)]
#[path = "note_tests.rs"]
mod note_tests;
