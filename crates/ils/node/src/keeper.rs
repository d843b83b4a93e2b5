//! The one owner of registry and ledger, on a thread of its own: decide, append, apply, publish, in that order.
//!
//! ```text
//! connections, admin -> [`Request`] -> decide -> Ledger::append (all that is queued, one transaction) -> apply
//!                                                        -> publish Arc<Snapshot> -> answer each
//! Event -> Registry::note -> Noted -> Strangers -> sdl::Recorder
//! ```
//! Nothing is acknowledged that is not durable, nothing is shown that is not applied.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ils_core::admission::Denied;
use ils_core::config::Config;
use ils_core::event::{
    ConnectionId, Event, Happening, Link, Noted, PeerAddress, PeerName, ServiceEvent, Subject,
};
use ils_core::ledger::{ChangeSet, Ledger};
use ils_core::limits;
use ils_core::registry::{Claim, Reconfigured, Registry};
use ils_core::settings::SettingError;
use ils_core::snapshot::Snapshot;
use ils_wire::{PeerId, PeerInfo, Reason};
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock;
use crate::failures::Failures;
use crate::strangers::{Entry, Strangers};

/// Requests that may wait; then whoever asks waits.
const QUEUE: usize = 1024;
/// Requests decided together, in one transaction.
const BATCH: usize = 256;

/// A connection that is to end, and what the peer is told.
pub(crate) type Order = (Reason, String);

/// What a join comes to.
#[derive(Debug)]
pub(crate) enum JoinError {
    /// The registry refuses.
    Denied(Denied),
    /// It could not be stored.
    Temporary(String),
}

/// A change of settings that did not happen.
#[derive(Debug)]
pub(crate) enum ConfigureError {
    /// It cannot be.
    Setting(SettingError),
    /// It could not be stored.
    Temporary(String),
}

pub(crate) type Answer<T> = oneshot::Sender<T>;

/// What the keeper is asked.
pub(crate) enum Request {
    Note(Event),
    Join {
        claim: Box<Claim>,
        orders: mpsc::Sender<Order>,
        answer: Answer<Result<(), JoinError>>,
    },
    Learn {
        from: PeerId,
        connection: ConnectionId,
        entries: Vec<PeerInfo>,
        last: bool,
        answer: Answer<Result<(), String>>,
    },
    Contact {
        from: PeerId,
        connection: ConnectionId,
    },
    Gone(ConnectionId),
    IsLate {
        source: IpAddr,
        answer: Answer<bool>,
    },
    Forget {
        peer: PeerId,
        answer: Answer<Result<bool, String>>,
    },
    Configure {
        base: Box<Config>,
        patch: Map<String, Value>,
        answer: Answer<Result<Arc<Config>, ConfigureError>>,
    },
    /// What such a change would come to; nothing changes.
    Foresee {
        base: Box<Config>,
        patch: Map<String, Value>,
        answer: Answer<Result<Box<Config>, SettingError>>,
    },
    Probe {
        answer: Answer<Result<(), String>>,
    },
    /// A window of strangers has ended.
    Settle,
}

/// Where events go once they are noted.
pub trait Scribe: Send + 'static {
    /// Takes one over. Must not fail; may wait for a moment when it is flooded.
    fn write(&mut self, noted: Noted);

    /// Sees each event when it happens, in order, also one that is written later or never because strangers are many.
    fn count(&mut self, _: &Noted) {}
}

/// Asks the keeper.
#[derive(Clone)]
pub(crate) struct Keeper {
    requests: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ids: Arc<AtomicU64>,
}

impl Keeper {
    /// Starts the thread, from within a runtime. It ends when the last handle is dropped.
    pub(crate) fn start<L: Ledger + 'static>(
        registry: Registry, ledger: L, scribe: impl Scribe,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let strangers = Strangers::new(limits::STRANGERS_WINDOW, clock::monotonic());
        Self::start_with(registry, ledger, scribe, strangers)
    }

    fn start_with<L: Ledger + 'static>(
        registry: Registry, ledger: L, scribe: impl Scribe, strangers: Strangers,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (publish, snapshots) = watch::channel(Arc::new(registry.snapshot()));
        let desk = Desk {
            registry,
            ledger,
            scribe,
            publish,
            orders: HashMap::new(),
            failures: Failures::default(),
            strangers,
            // The thread ends when nobody else can ask it for anything.
            bell: (Handle::current(), requests.downgrade()),
        };
        let thread = std::thread::Builder::new().name("registry".into()).spawn(move || desk.run(queue))?;
        Ok((Self { requests, snapshots, ids: Arc::new(AtomicU64::new(1)) }, thread))
    }

    /// A number for a new connection.
    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// The latest state.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Tells of each new state.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Something happened on a connection, now.
    pub(crate) async fn note(&self, link: &Link, happening: Happening) {
        self.send(Request::Note(Event::connection(clock::wall(), link.clone(), happening))).await;
    }

    /// Something happened to the service, now.
    pub(crate) async fn note_service(&self, event: ServiceEvent) {
        self.send(Request::Note(Event::service(clock::wall(), event))).await;
    }

    /// Hands a request over; one that the ended keeper cannot take is dropped, as is its answer.
    pub(crate) async fn send(&self, request: Request) {
        // The keeper outlives every connection; it ends only with the process.
        let _ = self.requests.send(request).await;
    }

    /// Asks, and waits for the answer; `None` when the keeper has ended.
    pub(crate) async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.send(request(answer)).await;
        answered.await.ok()
    }
}

/// A request that is decided and waits for its transaction.
enum Decided {
    Join(Box<Claim>, mpsc::Sender<Order>, Answer<Result<(), JoinError>>),
    Learn(PeerId, ConnectionId, bool, Answer<Result<(), String>>),
    Forget(Option<PeerName>, Option<ConnectionId>, Answer<Result<bool, String>>),
    Configure(Box<Reconfigured>, Answer<Result<Arc<Config>, ConfigureError>>),
    Gone(ConnectionId),
    Probe(Answer<Result<(), String>>),
}

struct Desk<L, S> {
    registry: Registry,
    ledger: L,
    scribe: S,
    publish: watch::Sender<Arc<Snapshot>>,
    orders: HashMap<ConnectionId, mpsc::Sender<Order>>,
    failures: Failures,
    strangers: Strangers,
    /// Rings when a window of strangers ends.
    bell: (Handle, mpsc::WeakSender<Request>),
}

impl<L: Ledger, S: Scribe> Desk<L, S> {
    fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = queue.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH
                && let Ok(next) = queue.try_recv()
            {
                batch.push(next);
            }
            let mut requests = VecDeque::from(std::mem::take(&mut batch));
            while !requests.is_empty() {
                self.transact(&mut requests);
            }
            self.publish();
        }
    }

    fn publish(&self) {
        self.publish.send_replace(Arc::new(self.registry.snapshot()));
    }

    /// Decides requests up to one that has to see an earlier one finished; stores what they change in one
    /// transaction; finishes them.
    fn transact(&mut self, requests: &mut VecDeque<Request>) {
        let checkpoint = self.registry.checkpoint();
        let clusters = self.registry.cluster_count();
        let (mut sets, mut decided, mut joining) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(request) = requests.pop_front() {
            if subject(&request).is_some_and(|peer| joining.contains(&peer)) {
                requests.push_front(request);
                break;
            }
            if let Request::Join { claim, .. } = &request {
                joining.push(claim.info.peer_id);
            }
            let barrier = matches!(request, Request::Configure { .. });
            let Some((set, next)) = self.decide(request) else { continue };
            // Applied in memory at once, so that the next request is decided against it.
            set.iter().for_each(|change| self.registry.apply(change));
            sets.extend((!set.is_empty()).then_some(set));
            decided.push(next);
            if barrier {
                break;
            }
        }
        let stored = self.store(&sets);
        if stored.is_err() {
            self.registry.restore(checkpoint);
        }
        decided.into_iter().for_each(|next| self.finish(next, &stored));
        self.note_cluster_count(clusters);
    }

    /// Answers at once what needs no transaction; the rest with what it changes.
    fn decide(&mut self, request: Request) -> Option<(ChangeSet, Decided)> {
        match request {
            Request::Note(event) => self.note(event),
            Request::Settle => {
                let ended = self.strangers.settle(clock::monotonic());
                self.write(ended);
            }
            Request::Contact { from, connection } => {
                self.registry.contact(from, connection, false, clock::wall());
            }
            Request::IsLate { source, answer } => {
                let late = self.failures.is_late(source, clock::monotonic());
                reply(answer, late);
            }
            Request::Probe { answer } => return Some((ChangeSet::new(), Decided::Probe(answer))),
            Request::Gone(connection) => return Some((ChangeSet::new(), Decided::Gone(connection))),
            Request::Join { claim, orders, answer } => match self.registry.decide_join(&claim) {
                Ok(set) => return Some((set, Decided::Join(claim, orders, answer))),
                Err(denied) => reply(answer, Err(JoinError::Denied(denied))),
            },
            Request::Learn { from, connection, entries, last, answer } => {
                let set = self.registry.decide_learn(from, &entries);
                return Some((set, Decided::Learn(from, connection, last, answer)));
            }
            Request::Forget { peer, answer } => {
                let name = self.registry.name_of(peer);
                let connection = self.registry.connection_of(peer);
                return Some((self.registry.decide_forget(peer), Decided::Forget(name, connection, answer)));
            }
            Request::Foresee { base, patch, answer } => {
                let foreseen = self.registry.decide_configure(&base, &patch);
                reply(answer, foreseen.map(|done| Box::new(done.config)));
            }
            Request::Configure { base, patch, answer } => match self.registry.decide_configure(&base, &patch)
            {
                Ok(mut done) => {
                    let set = std::mem::take(&mut done.changes);
                    return Some((set, Decided::Configure(Box::new(done), answer)));
                }
                Err(error) => reply(answer, Err(ConfigureError::Setting(error))),
            },
        }
        None
    }

    /// All sets in one transaction, and what the database made of it.
    fn store(&mut self, sets: &[ChangeSet]) -> Result<(), String> {
        if sets.is_empty() {
            return Ok(());
        }
        let stored = self.ledger.append(sets).map_err(|error| error.to_string());
        self.note_store(stored.as_ref().err().cloned());
        stored
    }

    fn note_store(&mut self, error: Option<String>) {
        match error {
            Some(error) => self.note_service(ServiceEvent::StoreFailed { error }),
            None if self.registry.store_error().is_some() => self.note_service(ServiceEvent::StoreRecovered),
            None => {}
        }
    }

    fn finish(&mut self, decided: Decided, stored: &Result<(), String>) {
        let now = clock::wall();
        match (decided, stored) {
            (Decided::Gone(connection), _) => {
                self.registry.disconnected(connection);
                self.orders.remove(&connection);
            }
            (Decided::Probe(answer), _) => {
                let probed = self.ledger.probe().map_err(|error| error.to_string());
                self.note_store(probed.as_ref().err().cloned());
                // Whoever asked finds in the snapshot all that came before.
                self.publish();
                reply(answer, probed);
            }
            (Decided::Join(claim, orders, answer), Ok(())) => self.join(&claim, orders, answer),
            (Decided::Join(_, _, answer), Err(error)) => {
                reply(answer, Err(JoinError::Temporary(error.clone())));
            }
            (Decided::Learn(from, connection, last, answer), Ok(())) => {
                self.registry.contact(from, connection, last, now);
                reply(answer, Ok(()));
            }
            (Decided::Learn(.., answer), Err(error)) => reply(answer, Err(error.clone())),
            (Decided::Forget(name, connection, answer), Ok(())) => {
                let known = name.is_some();
                if let Some(connection) = connection {
                    let text = "an administrator disconnected this cluster";
                    self.order(connection, Reason::Disconnected, text);
                }
                name.into_iter().for_each(|peer| self.note_service(ServiceEvent::Forgotten { peer }));
                self.publish();
                reply(answer, Ok(known));
            }
            (Decided::Forget(.., answer), Err(error)) => reply(answer, Err(error.clone())),
            (Decided::Configure(done, answer), Ok(())) => self.configure(*done, answer),
            (Decided::Configure(_, answer), Err(error)) => {
                reply(answer, Err(ConfigureError::Temporary(error.clone())));
            }
        }
    }

    fn join(&mut self, claim: &Claim, orders: mpsc::Sender<Order>, answer: Answer<Result<(), JoinError>>) {
        if answer.is_closed() {
            return;
        }
        self.orders.insert(claim.connection, orders);
        if let Some(displaced) = self.registry.joined(claim, clock::wall()) {
            self.order(displaced, Reason::Displaced, "a newer connection took its place");
        }
        // The connection must find itself in the snapshot that it reads next.
        self.publish();
        reply(answer, Ok(()));
    }

    fn configure(&mut self, done: Reconfigured, answer: Answer<Result<Arc<Config>, ConfigureError>>) {
        let keys = done.keys.clone();
        self.registry.reconfigure(done);
        self.note_service(ServiceEvent::Configured { keys });
        self.publish();
        reply(answer, Ok(Arc::clone(self.registry.config())));
    }

    /// Tells a joined connection to end; one that has its order already is ending.
    fn order(&mut self, connection: ConnectionId, reason: Reason, text: &str) {
        if let Some(orders) = self.orders.remove(&connection) {
            let _ = orders.try_send((reason, text.to_owned()));
        }
    }

    fn note(&mut self, event: Event) {
        if let Subject::Connection { link, happening } = &event.subject
            && let PeerAddress::Socket(address) = &link.peer
        {
            match happening {
                Happening::OpenFailed => self.failures.note(address.ip(), clock::monotonic()),
                Happening::Established { .. } => self.failures.clear(address.ip()),
                _ => {}
            }
        }
        let of_service = matches!(event.subject, Subject::Service(_));
        let noted = self.registry.note(event);
        self.scribe.count(&noted);
        let entries = self.strangers.sift(noted, clock::monotonic());
        self.write(entries);
        self.ring_in_time();
        if of_service {
            // Rare, and somebody waits to see what came of it.
            self.publish();
        }
    }

    fn write(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let noted = match entry {
                Entry::Noted(noted) => *noted,
                Entry::Counted(event) => {
                    let noted = self.registry.note(Event::service(clock::wall(), event));
                    self.scribe.count(&noted);
                    noted
                }
            };
            self.scribe.write(noted);
        }
    }

    /// The line that counts strangers comes although nobody else does.
    fn ring_in_time(&mut self) {
        let Some(wake) = self.strangers.wake() else { return };
        let requests = self.bell.1.clone();
        self.bell.0.spawn(async move {
            tokio::time::sleep_until(wake.into()).await;
            if let Some(requests) = requests.upgrade() {
                // The keeper may have ended meanwhile.
                let _ = requests.send(Request::Settle).await;
            }
        });
    }

    fn note_service(&mut self, event: ServiceEvent) {
        self.note(Event::service(clock::wall(), event));
    }

    fn note_cluster_count(&mut self, before: usize) {
        let count = self.registry.cluster_count();
        if count != before && count.max(before) >= limits::PEERS_WARNING {
            self.note_service(ServiceEvent::PeerCount { count });
        }
    }
}

/// Whose link a request decides about: a join before it has to be finished, so that it is seen.
fn subject(request: &Request) -> Option<PeerId> {
    match request {
        Request::Join { claim, .. } => Some(claim.info.peer_id),
        Request::Forget { peer, .. } => Some(*peer),
        _ => None,
    }
}

/// Whoever asked may have gone meanwhile; then nobody misses the answer.
fn reply<T>(answer: Answer<T>, value: T) {
    let _ = answer.send(value);
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
