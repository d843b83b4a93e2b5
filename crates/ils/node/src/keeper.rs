//! The one owner of registry and ledger, on a thread of its own: decide, store, apply, publish, in that order.
//!
//! ```text
//! connections, admin -> [`Request`] -> decided over the Draft -> ledger::commit (all that is queued, one transaction)
//!                         -> Stored -> Registry::apply -> publish Arc<Snapshot> -> answer each
//! Event -> Registry::note -> Noted -> Strangers -> sdl::Recorder
//! ```
//! Nothing is acknowledged, told or shown that is not durable: of what is decided only the draft knows until then.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ils_core::admission::Denied;
use ils_core::claim::Claim;
use ils_core::config::Config;
use ils_core::draft::{Draft, Forgotten, Reconfigured};
use ils_core::event::{ConnectionId, Event, Happening, Link, Noted, PeerAddress, ServiceEvent, Subject};
use ils_core::ledger::{self, Ledger};
use ils_core::limits;
use ils_core::registry::{Admitted, Registry};
use ils_core::settings::SettingError;
use ils_core::snapshot::Snapshot;
use ils_core::time::Timestamp;
use ils_wire::{Entry, PeerId, Reason};
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock;
use crate::failures::Failures;
use crate::strangers::{Sifted, Strangers};

/// Requests that may wait; then whoever asks waits.
const QUEUE: usize = 1024;
/// Requests decided together, in one transaction.
const BATCH: usize = 256;

/// What a joined connection is to do.
pub(crate) enum Order {
    /// To end; and what the peer is told.
    Part(Reason, String),
    /// To find out whether its peer is there: another process wants to be in its place.
    Challenge,
}

/// Orders that may wait for a connection: a few to find out, and one to end.
pub(crate) const ORDERS: usize = 4;

/// What a join comes to.
#[derive(Debug)]
pub(crate) enum JoinError {
    /// The registry refuses.
    Denied(Denied),
    /// This connection stands in its place, something came on it then, and it is being asked whether anybody is there.
    Contested(ConnectionId, Option<Timestamp>),
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
        entries: Vec<Entry>,
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
        answer: Answer<Result<Arc<Config>, SettingError>>,
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
    news: watch::Receiver<Arc<Snapshot>>,
    ids: Arc<AtomicU64>,
}

impl Keeper {
    /// Starts the thread, from within a runtime. It ends when the last handle is dropped.
    pub(crate) fn start<L: Ledger + 'static>(
        registry: Registry, ledger: L, scribe: impl Scribe,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let strangers = Strangers::new(limits::STRANGERS_WINDOW, clock::monotonic());
        Self::start_with(registry, ledger, scribe, strangers, limits::STORE_TRIED)
    }

    fn start_with<L: Ledger + 'static>(
        registry: Registry, ledger: L, scribe: impl Scribe, strangers: Strangers, tried: Duration,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (requests, queue) = mpsc::channel(QUEUE);
        // The thread ends when nobody else can ask it for anything.
        let bell = (Handle::current(), requests.downgrade());
        let desk = Desk::new(registry, ledger, scribe, strangers, bell);
        let (snapshots, news) = (desk.shown.subscribe(), desk.news.subscribe());
        let thread = std::thread::Builder::new().name("registry".into()).spawn(move || desk.run(queue))?;
        tokio::spawn(try_store(requests.downgrade(), tried));
        Ok((Self { requests, snapshots, news, ids: Arc::new(AtomicU64::new(1)) }, thread))
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

    /// Tells of each new configuration and PeerInfoVector, and of nothing else: what a joined connection acts on.
    pub(crate) fn news(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.news.clone()
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

/// A database that has gone is told of although nobody asks and nothing is to be stored.
async fn try_store(requests: mpsc::WeakSender<Request>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(requests) = requests.upgrade() else { return };
        let (answer, _) = oneshot::channel();
        if requests.send(Request::Probe { answer }).await.is_err() {
            return;
        }
    }
}

/// A request that is decided and waits for its transaction. What it changes is in the draft.
enum Decided {
    Join(ConnectionId, mpsc::Sender<Order>, Answer<Result<(), JoinError>>),
    Learn(PeerId, ConnectionId, bool, Answer<Result<(), String>>),
    Forget(Option<Forgotten>, Answer<Result<bool, String>>),
    Configure(Reconfigured, Answer<Result<Arc<Config>, ConfigureError>>),
    Gone(ConnectionId),
    Probe(Answer<Result<(), String>>),
}

/// Where a request stands.
enum Turn {
    /// Done with: it needs no transaction.
    Over,
    /// In this transaction.
    Decided(Decided),
    /// In the next one: it has to see this one finished.
    Later(Request),
}

/// Claims that may stand, by their connections; or why nothing was stored.
type Settled = Result<BTreeMap<ConnectionId, Admitted>, String>;

struct Desk<L, S> {
    registry: Registry,
    ledger: L,
    scribe: S,
    /// For whoever looks on.
    shown: watch::Sender<Arc<Snapshot>>,
    /// For joined connections: not woken by what they do not act on.
    news: watch::Sender<Arc<Snapshot>>,
    orders: HashMap<ConnectionId, mpsc::Sender<Order>>,
    failures: Failures,
    strangers: Strangers,
    /// Rings when a window of strangers ends.
    bell: (Handle, mpsc::WeakSender<Request>),
}

impl<L: Ledger, S: Scribe> Desk<L, S> {
    fn new(
        registry: Registry, ledger: L, scribe: S, strangers: Strangers,
        bell: (Handle, mpsc::WeakSender<Request>),
    ) -> Self {
        let first = Arc::new(registry.snapshot());
        Self {
            registry,
            ledger,
            scribe,
            shown: watch::Sender::new(Arc::clone(&first)),
            news: watch::Sender::new(first),
            orders: HashMap::new(),
            failures: Failures::default(),
            strangers,
            bell,
        }
    }

    fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            let mut batch = VecDeque::from([first]);
            while batch.len() < BATCH
                && let Ok(next) = queue.try_recv()
            {
                batch.push_back(next);
            }
            self.work_through(batch);
        }
    }

    fn work_through(&mut self, mut batch: VecDeque<Request>) {
        while !batch.is_empty() {
            self.transact(&mut batch);
        }
        self.publish();
    }

    /// Shows the registry as it is, and wakes those whom a change concerns.
    fn publish(&self) {
        let now = Arc::new(self.registry.snapshot());
        self.shown.send_if_modified(|shown| {
            let changed = !now.is_same_as(shown);
            if changed {
                *shown = Arc::clone(&now);
            }
            changed
        });
        self.news.send_if_modified(|told| {
            let changed = !now.tells_peers_the_same_as(told);
            if changed {
                *told = now;
            }
            changed
        });
    }

    /// Decides requests up to one that has to see an earlier one finished; stores what they change in one
    /// transaction; finishes them.
    fn transact(&mut self, requests: &mut VecDeque<Request>) {
        let (mut draft, mut decided) = (Draft::default(), Vec::new());
        while let Some(request) = requests.pop_front() {
            match self.decide(&mut draft, request) {
                Turn::Over => {}
                Turn::Decided(next) => decided.push(next),
                Turn::Later(request) => {
                    requests.push_front(request);
                    break;
                }
            }
        }
        let clusters = self.registry.cluster_count();
        let mut stored = self.store(draft);
        decided.into_iter().for_each(|next| self.finish(next, &mut stored));
        self.note_cluster_count(clusters);
    }

    /// Answers at once what needs no transaction, by what is stored. The rest goes into the draft.
    fn decide(&mut self, draft: &mut Draft, request: Request) -> Turn {
        if draft.reconfigures() || subject(&request).is_some_and(|peer| draft.awaits(peer)) {
            return Turn::Later(request);
        }
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
                reply(answer, self.failures.is_late(source, clock::monotonic()));
            }
            Request::Foresee { base, patch, answer } => {
                reply(answer, Draft::foresee(&self.registry, &base, &patch))
            }
            Request::Probe { answer } => return Turn::Decided(Decided::Probe(answer)),
            Request::Gone(connection) => return Turn::Decided(Decided::Gone(connection)),
            Request::Join { claim, orders, answer } => return self.decide_join(draft, claim, orders, answer),
            Request::Learn { from, connection, entries, last, answer } => {
                draft.learn(&self.registry, from, &entries);
                return Turn::Decided(Decided::Learn(from, connection, last, answer));
            }
            Request::Forget { peer, answer } => {
                let forgotten = draft.forget(&self.registry, peer);
                return Turn::Decided(Decided::Forget(forgotten, answer));
            }
            Request::Configure { base, patch, answer } => {
                match draft.configure(&self.registry, &base, &patch) {
                    Ok(done) => return Turn::Decided(Decided::Configure(done, answer)),
                    Err(error) => reply(answer, Err(ConfigureError::Setting(error))),
                }
            }
        }
        Turn::Over
    }

    /// Nobody is refused for what is not stored: where the draft alone speaks against a claim, the claim waits for it.
    fn decide_join(
        &self, draft: &mut Draft, claim: Box<Claim>, orders: mpsc::Sender<Order>,
        answer: Answer<Result<(), JoinError>>,
    ) -> Turn {
        if draft.join(&self.registry, &claim).is_ok() {
            return Turn::Decided(Decided::Join(claim.connection, orders, answer));
        }
        match Draft::default().join(&self.registry, &claim) {
            Ok(()) => Turn::Later(Request::Join { claim, orders, answer }),
            Err(Denied { rival: Some(rival), .. }) => {
                self.challenge(rival);
                let contact = self.registry.last_contact(rival);
                reply(answer, Err(JoinError::Contested(rival, contact)));
                Turn::Over
            }
            Err(denied) => {
                reply(answer, Err(JoinError::Denied(denied)));
                Turn::Over
            }
        }
    }

    /// The draft in one transaction; applied where that worked, and then told.
    fn store(&mut self, draft: Draft) -> Settled {
        let writes = !draft.is_empty();
        match ledger::commit(&mut self.ledger, draft.into_decided()) {
            Ok(stored) => {
                let admitted = self.registry.apply(stored);
                if writes {
                    self.note_store(None);
                }
                Ok(admitted)
            }
            Err(error) => {
                let error = error.to_string();
                self.note_store(Some(error.clone()));
                Err(error)
            }
        }
    }

    fn note_store(&mut self, error: Option<String>) {
        match error {
            Some(error) => self.note_service(ServiceEvent::StoreFailed { error }),
            None if self.registry.store_error().is_some() => self.note_service(ServiceEvent::StoreRecovered),
            None => {}
        }
    }

    fn finish(&mut self, decided: Decided, stored: &mut Settled) {
        match (decided, stored) {
            (Decided::Gone(connection), _) => {
                self.registry.disconnected(connection);
                self.orders.remove(&connection);
            }
            (Decided::Probe(answer), _) => self.probe(answer),
            (Decided::Join(connection, orders, answer), Ok(admitted)) => {
                if let Some(admitted) = admitted.remove(&connection) {
                    self.join(connection, admitted, orders, answer);
                }
            }
            (Decided::Join(.., answer), Err(error)) => {
                reply(answer, Err(JoinError::Temporary(error.clone())));
            }
            (Decided::Learn(from, connection, last, answer), Ok(_)) => {
                self.registry.contact(from, connection, last, clock::wall());
                reply(answer, Ok(()));
            }
            (Decided::Learn(.., answer), Err(error)) => reply(answer, Err(error.clone())),
            (Decided::Forget(forgotten, answer), Ok(_)) => self.forget(forgotten, answer),
            (Decided::Forget(.., answer), Err(error)) => reply(answer, Err(error.clone())),
            (Decided::Configure(done, answer), Ok(_)) => self.configure(done, answer),
            (Decided::Configure(_, answer), Err(error)) => {
                reply(answer, Err(ConfigureError::Temporary(error.clone())));
            }
        }
    }

    fn probe(&mut self, answer: Answer<Result<(), String>>) {
        let probed = self.ledger.probe().map_err(|error| error.to_string());
        self.note_store(probed.as_ref().err().cloned());
        // Whoever asked finds in the snapshot all that came before.
        self.publish();
        reply(answer, probed);
    }

    /// Where whoever asked has gone, the peer is known all the same, as it is stored; no connection stands.
    fn join(
        &mut self, connection: ConnectionId, admitted: Admitted, orders: mpsc::Sender<Order>,
        answer: Answer<Result<(), JoinError>>,
    ) {
        if answer.is_closed() {
            return;
        }
        self.orders.insert(connection, orders);
        if let Some(displaced) = self.registry.joined(admitted, clock::wall()) {
            self.order(displaced, Reason::Displaced, "a newer connection took its place");
        }
        // The connection must find itself in the snapshot that it reads next.
        self.publish();
        reply(answer, Ok(()));
    }

    fn forget(&mut self, forgotten: Option<Forgotten>, answer: Answer<Result<bool, String>>) {
        let known = forgotten.is_some();
        if let Some(Forgotten { name, connection }) = forgotten {
            if let Some(connection) = connection {
                let text = "an administrator disconnected this cluster";
                self.order(connection, Reason::Disconnected, text);
            }
            self.note_service(ServiceEvent::Forgotten { peer: name });
        }
        self.publish();
        reply(answer, Ok(known));
    }

    fn configure(&mut self, done: Reconfigured, answer: Answer<Result<Arc<Config>, ConfigureError>>) {
        self.note_service(ServiceEvent::Configured { keys: done.keys });
        self.publish();
        reply(answer, Ok(done.config));
    }

    /// Tells a joined connection to end; one that has its order already is ending.
    fn order(&mut self, connection: ConnectionId, reason: Reason, text: &str) {
        if let Some(orders) = self.orders.remove(&connection) {
            let _ = orders.try_send(Order::Part(reason, text.to_owned()));
        }
    }

    /// Asks a joined connection whether its peer is there. One place is left for the order to end.
    fn challenge(&self, connection: ConnectionId) {
        if let Some(orders) = self.orders.get(&connection).filter(|orders| orders.capacity() > 1) {
            let _ = orders.try_send(Order::Challenge);
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

    fn write(&mut self, entries: Vec<Sifted>) {
        for entry in entries {
            let noted = match entry {
                Sifted::Noted(noted) => *noted,
                Sifted::Counted(event) => {
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
        Request::Join { claim, .. } => Some(claim.entry.peer_id()),
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
pub(crate) mod tests;

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod transaction_tests;
