//! The keeper's transactions, without its thread: what is stored, what is shown, and that they never differ.

use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::time::Duration;

use ils_core::event::Direction;
use ils_core::ledger::{ChangeSet, Durable, KnownPeer};
use ils_core::settings::Settings;
use ils_store::{MemoryError, MemoryStore};
use ils_wire::{Boxes, IdentityKey, NetworkKey, PeerInfo, Role};
use proptest::prelude::*;
use serde_json::json;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::tests::{Wire, config, registry};
use super::*;

/// A store that fails when it is told to.
#[derive(Default)]
struct Fickle {
    store: MemoryStore,
    /// Whether each of the next appends fails; after them all work.
    fails: VecDeque<bool>,
}

impl Ledger for Fickle {
    type Error = MemoryError;

    fn load(&mut self) -> Result<Durable, MemoryError> {
        self.store.load()
    }

    fn append(&mut self, sets: &[ChangeSet]) -> Result<(), MemoryError> {
        if self.fails.pop_front().unwrap_or(false) {
            return Err(MemoryError { why: "the disk is full".into() });
        }
        self.store.append(sets)
    }

    fn probe(&mut self) -> Result<(), MemoryError> {
        self.store.probe()
    }
}

/// A desk, and the runtime that its bell hangs in.
struct Office {
    desk: Desk<Fickle, Wire>,
    _runtime: tokio::runtime::Runtime,
}

fn hub_config() -> Config {
    let boxes = Boxes { tls: false, password: true };
    Config { boxes, network_key: Some(NetworkKey::from_bytes([1; 32])), ..config() }
}

impl Office {
    /// A hub at which the hub 1 and the spoke 2 have joined, on connections of these numbers.
    fn new() -> Self {
        let registry = registry(hub_config(), key(KEYS - 1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let bell = (runtime.handle().clone(), mpsc::channel(1).0.downgrade());
        let strangers = Strangers::new(Duration::from_secs(600), clock::monotonic());
        let desk = Desk::new(registry, Fickle::default(), Wire(channel().0), strangers, bell);
        let mut office = Self { desk, _runtime: runtime };
        for (connection, info) in [(1, hub(1)), (2, spoke(2))] {
            let joined = office.ask(|answer| join(connection, info, answer));
            assert!(matches!(joined, Ok(())), "{joined:?}");
        }
        office
    }

    fn batch(&mut self, requests: impl Into<VecDeque<Request>>) {
        self.desk.work_through(requests.into());
    }

    fn ask<T>(&mut self, request: impl FnOnce(Answer<T>) -> Request) -> T {
        let (answer, mut answered) = oneshot::channel();
        self.batch([request(answer)]);
        answered.try_recv().expect("an answer")
    }

    fn durable(&mut self) -> Durable {
        self.desk.ledger.load().expect("it can be read")
    }

    fn shown(&self) -> Arc<Snapshot> {
        Arc::clone(&self.desk.shown.borrow())
    }

    fn shows(&self, number: u8) -> bool {
        self.shown().peers.iter().any(|peer| peer.known.peer_id() == spoke(number).peer_id)
    }

    /// What is shown, and what peers are told, is what is stored.
    fn agrees(&mut self) -> Result<(), TestCaseError> {
        let durable = self.durable();
        let effective = Settings::new(hub_config().settings(), durable.overrides.clone()).0.effective();
        for snapshot in [self.shown(), Arc::clone(&self.desk.news.borrow())] {
            let known: Vec<KnownPeer> = snapshot.peers.iter().map(|peer| peer.known.clone()).collect();
            prop_assert_eq!(&known, &durable.peers);
            prop_assert_eq!(&snapshot.config.settings(), &effective);
        }
        Ok(())
    }
}

const KEYS: u8 = 20;

/// A higher number has a higher peer ID; the highest is this node's.
fn key(number: u8) -> IdentityKey {
    static SORTED: LazyLock<Vec<IdentityKey>> = LazyLock::new(|| {
        let mut keys: Vec<IdentityKey> = (0..KEYS).map(|seed| IdentityKey::from_seed(&[seed; 32])).collect();
        keys.sort_by_key(IdentityKey::peer_id);
        keys
    });
    SORTED.get(usize::from(number)).expect("a small number").clone()
}

/// Whoever describes himself at more length, or by a higher number, says so later.
fn entry(info: &PeerInfo) -> Entry {
    let owner = (0..KEYS).map(key).find(|key| key.peer_id() == info.peer_id).expect("one of `key`");
    let version = 1 + info.description.as_str().bytes().map(u64::from).sum::<u64>();
    Entry::sign(&owner, info.clone(), version).expect("signs")
}

fn spoke(number: u8) -> PeerInfo {
    let name = format!("cluster{number}.example");
    PeerInfo {
        peer_id: key(number).peer_id(),
        cluster_id: format!("cluster-{number}").parse().expect("a cluster ID"),
        description: Default::default(),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        fqdn: name.parse().expect("an FQDN"),
        role: Role::Spoke,
        route_string: name.parse().expect("a route string"),
        nodes: vec![],
    }
}

fn hub(number: u8) -> PeerInfo {
    PeerInfo { role: Role::Hub, ..spoke(number) }
}

fn described(info: PeerInfo, words: &str) -> PeerInfo {
    PeerInfo { description: words.parse().expect("a description"), ..info }
}

fn join(connection: u64, info: PeerInfo, answer: Answer<Result<(), JoinError>>) -> Request {
    let claim = Claim {
        connection: ConnectionId(connection),
        direction: Direction::Accepted,
        tls: false,
        entry: entry(&info),
        instance: [1; 16],
        is_last: false,
        certificate: None,
        shown: None,
        admitted_by: None,
    };
    Request::Join { claim: Box::new(claim), orders: mpsc::channel(1).0, answer }
}

fn learn(connection: u64, from: u8, infos: Vec<PeerInfo>, answer: Answer<Result<(), String>>) -> Request {
    let (from, connection) = (spoke(from).peer_id, ConnectionId(connection));
    let entries = infos.iter().map(entry).collect();
    Request::Learn { from, connection, entries, last: false, answer }
}

fn configure(patch: Value, answer: Answer<Result<Arc<Config>, ConfigureError>>) -> Request {
    let patch = patch.as_object().expect("an object").clone();
    Request::Configure { base: Box::new(hub_config()), patch, answer }
}

fn forget(number: u8, answer: Answer<Result<bool, String>>) -> Request {
    Request::Forget { peer: spoke(number).peer_id, answer }
}

/// An answer that nobody waits for.
fn nobody<T>() -> Answer<T> {
    oneshot::channel().0
}

fn contact(connection: u64, from: u8) -> Request {
    Request::Contact { from: spoke(from).peer_id, connection: ConnectionId(connection) }
}

#[test]
fn nothing_is_published_where_nothing_changed() {
    let late = || Request::IsLate { source: [192, 0, 2, 1].into(), answer: nobody() };
    let patch = json!({"description": "foreseen"}).as_object().expect("an object").clone();
    let (base, full) = (Box::new(hub_config()), spoke(2).cluster_id);
    let rows: [(&str, Vec<Request>); 9] = [
        ("questions", vec![late(), late(), late()]),
        ("a probe that works", vec![Request::Probe { answer: nobody() }]),
        ("a change foreseen", vec![Request::Foresee { base, patch, answer: nobody() }]),
        ("a contact of a connection that has gone", vec![contact(9, 2)]),
        ("the end of a connection that never joined", vec![Request::Gone(ConnectionId(9))]),
        ("nobody forgotten", vec![forget(9, nobody())]),
        ("nothing new from a hub", vec![learn(9, 1, vec![spoke(2)], nobody())]),
        ("a setting that cannot be", vec![configure(json!({"role": 1}), nobody())]),
        ("a join refused", vec![join(9, PeerInfo { cluster_id: full, ..spoke(3) }, nobody())]),
    ];
    for (case, requests) in rows {
        let mut office = Office::new();
        let (shown, news) = (office.desk.shown.subscribe(), office.desk.news.subscribe());
        office.batch(requests);
        assert!(!shown.has_changed().expect("it lives"), "{case}");
        assert!(!news.has_changed().expect("it lives"), "{case}");
    }
}

#[test]
fn connections_are_woken_by_what_they_act_on_alone() {
    type Make = fn() -> Vec<Request>;
    let rows: [(&str, Make, bool); 6] = [
        ("the end of a connection", || vec![Request::Gone(ConnectionId(2))], false),
        ("a rejoin", || vec![join(9, spoke(2), live())], false),
        ("a join", || vec![join(9, spoke(3), live())], true),
        ("a relayed entry", || vec![learn(1, 1, vec![spoke(3)], live())], true),
        ("a peer forgotten", || vec![forget(2, live())], true),
        ("a setting", || vec![configure(json!({"sync_every": "5m"}), live())], true),
    ];
    for (case, make, woken) in rows {
        let mut office = Office::new();
        let (shown, news) = (office.desk.shown.subscribe(), office.desk.news.subscribe());
        office.batch(make());
        assert!(shown.has_changed().expect("it lives"), "{case}: it is shown");
        assert_eq!(news.has_changed().expect("it lives"), woken, "{case}");
    }
}

/// An answer that is waited for until the process ends.
fn live<T>() -> Answer<T> {
    let (answer, answered) = oneshot::channel();
    std::mem::forget(answered);
    answer
}

#[test]
fn what_a_failing_ledger_does_not_take_did_not_happen_whatever_was_asked() {
    type Make = fn() -> Request;
    let rows: [(&str, Make); 6] = [
        ("a join", || join(9, spoke(3), live())),
        ("a join that says something else", || join(9, described(spoke(2), "moved"), live())),
        ("a join whose asker has gone", || join(9, spoke(3), nobody())),
        ("a relayed entry", || learn(1, 1, vec![spoke(3)], live())),
        ("a peer forgotten", || forget(2, live())),
        ("a setting", || configure(json!({"description": "changed"}), live())),
    ];
    for (case, make) in rows {
        let mut office = Office::new();
        let (before, durable, news) = (office.shown(), office.durable(), office.desk.news.subscribe());
        office.desk.ledger.fails.push_back(true);
        office.batch([make()]);
        let after = office.shown();
        assert!(Arc::ptr_eq(&before.peers, &after.peers), "{case}: peers and their connections");
        assert!(after.tells_peers_the_same_as(&before), "{case}");
        assert!(!news.has_changed().expect("it lives"), "{case}: nobody is woken");
        assert_eq!(office.durable(), durable, "{case}");
        assert!(after.store_error.is_some() && after.alarms.len() == 1, "{case}: the alarm stands");
        office.batch([make()]);
        let after = office.shown();
        assert!(after.store_error.is_none() && after.alarms.is_empty(), "{case}: a write has worked");
        assert_ne!(office.durable(), durable, "{case}: this time it is stored");
        office.agrees().unwrap_or_else(|error| panic!("{case}: {error}"));
    }
}

#[test]
fn nobody_is_refused_for_what_could_not_be_stored() {
    for (case, fails, first_joins) in [("stored", false, true), ("not stored", true, false)] {
        let mut office = Office::new();
        office.desk.ledger.fails.push_back(fails);
        let ((first, mut first_told), (second, mut second_told)) = (oneshot::channel(), oneshot::channel());
        let thief = PeerInfo { cluster_id: spoke(3).cluster_id, ..spoke(4) };
        office.batch([join(8, spoke(3), first), join(9, thief, second)]);
        let (first, second) =
            (first_told.try_recv().expect("an answer"), second_told.try_recv().expect("an answer"));
        assert_eq!((first.is_ok(), second.is_ok()), (first_joins, !first_joins), "{case}");
        assert!(matches!(first, Ok(()) | Err(JoinError::Temporary(_))), "{case}: {first:?}");
        assert_eq!((office.shows(3), office.shows(4)), (first_joins, !first_joins), "{case}");
    }
}

#[test]
fn a_join_whose_asker_has_gone_is_stored_and_shown_and_displaces_nobody() {
    let mut office = Office::new();
    office.batch([join(9, described(spoke(2), "moved"), nobody()), join(10, spoke(3), nobody())]);
    let links = |snapshot: &Snapshot| -> Vec<_> {
        snapshot.peers.iter().map(|peer| peer.link.as_ref().map(|link| link.connection.0)).collect()
    };
    assert_eq!(links(&office.shown()), [Some(1), Some(2), None]);
    office.agrees().expect("shown is what is stored");
    assert_eq!(office.durable().peers.len(), 3);
}

/// As `join`, on a connection that this node has dialled.
fn dialled(connection: u64, info: PeerInfo, answer: Answer<Result<(), JoinError>>) -> Request {
    match join(connection, info, answer) {
        Request::Join { mut claim, orders, answer } => {
            claim.direction = Direction::Dialled;
            Request::Join { claim, orders, answer }
        }
        _ => unreachable!("a join is a join"),
    }
}

#[test]
fn of_two_joins_of_one_peer_in_one_batch_the_second_sees_the_first_stand() {
    type Make = fn(u64, PeerInfo, Answer<Result<(), JoinError>>) -> Request;
    let rows: [(&str, Make, u64); 2] = [("the same way", join, 9), ("the other way", dialled, 8)];
    for (case, second, stands) in rows {
        let mut office = Office::new();
        let (answer, mut told) = oneshot::channel();
        office.batch([join(8, spoke(3), live()), second(9, spoke(3), answer)]);
        assert_eq!(told.try_recv().expect("an answer").is_ok(), stands == 9, "{case}");
        let snapshot = office.shown();
        let links = snapshot.joined().filter_map(|peer| Some(peer.link.as_ref()?.connection.0));
        assert_eq!(links.collect::<Vec<_>>(), [1, 2, stands], "{case}");
    }
}

#[test]
fn who_is_forgotten_in_the_batch_in_which_he_joins_is_told_so() {
    let mut office = Office::new();
    let (orders, mut obeyed) = mpsc::channel(1);
    let claim = match join(8, spoke(3), nobody()) {
        Request::Join { claim, .. } => claim,
        _ => unreachable!("a join is a join"),
    };
    office.batch([Request::Join { claim, orders, answer: live() }, forget(3, live())]);
    assert!(matches!(obeyed.try_recv(), Ok(Order::Part(Reason::Disconnected, _))));
    assert!(!office.shows(3));
    office.agrees().expect("shown is what is stored");
}

/// One request of a batch.
#[derive(Clone, Debug)]
enum Ask {
    Join(u8, u8, u8),
    Learn(u8, Vec<(u8, u8)>),
    Forget(u8),
    Configure(usize),
    Probe,
    Contact(u8),
    Gone(u64),
}

const PATCHES: [&str; 5] = [
    r#"{"description": "changed"}"#,
    r#"{"description": null, "sync_every": "5m"}"#,
    r#"{"sync_every": null}"#,
    r#"{"role": "standalone"}"#,
    r#"{"role": null}"#,
];

fn any_ask() -> impl Strategy<Value = Ask> {
    let number = || 1..6u8;
    prop_oneof![
        4 => (number(), number(), number()).prop_map(|(id, name, words)| Ask::Join(id, name, words)),
        3 => (number(), prop::collection::vec((number(), number()), 0..4)).prop_map(|(from, told)| Ask::Learn(from, told)),
        2 => number().prop_map(Ask::Forget),
        1 => (0..PATCHES.len()).prop_map(Ask::Configure),
        1 => Just(Ask::Probe),
        1 => number().prop_map(Ask::Contact),
        1 => (1..40u64).prop_map(Ask::Gone),
    ]
}

/// Who waits for an answer, to be looked at once the batch is done.
type Waiting = Box<dyn FnMut() -> bool>;

/// An answer for somebody who waits, or for one who has gone.
fn asker<T: 'static>(stays: bool, waiting: &mut Vec<Waiting>) -> Answer<T> {
    let (answer, mut answered): (_, Receiver<T>) = oneshot::channel();
    if stays {
        waiting.push(Box::new(move || {
            !matches!(answered.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed))
        }));
    }
    answer
}

fn request(connection: u64, ask: Ask, stays: bool, waiting: &mut Vec<Waiting>) -> Request {
    let named = |id: u8, name: u8| PeerInfo { cluster_id: spoke(name).cluster_id, ..spoke(id) };
    match ask {
        Ask::Join(1, name, words) => {
            let info = PeerInfo { role: Role::Hub, ..described(named(1, name), &words.to_string()) };
            join(connection, info, asker(stays, waiting))
        }
        Ask::Join(id, name, words) => {
            join(connection, described(named(id, name), &words.to_string()), asker(stays, waiting))
        }
        Ask::Learn(from, told) => {
            let entries = told.into_iter().map(|(id, name)| named(id, name)).collect();
            learn(connection, from, entries, asker(stays, waiting))
        }
        Ask::Forget(number) => forget(number, asker(stays, waiting)),
        Ask::Configure(patch) => {
            let patch = PATCHES.get(patch).and_then(|patch| serde_json::from_str(patch).ok());
            configure(patch.expect("JSON"), asker(stays, waiting))
        }
        Ask::Probe => Request::Probe { answer: asker(stays, waiting) },
        Ask::Contact(from) => contact(connection, from),
        Ask::Gone(connection) => Request::Gone(ConnectionId(connection)),
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_and_whatever_fails_what_is_shown_is_what_is_stored(
        batches in prop::collection::vec(prop::collection::vec((any_ask(), any::<bool>()), 1..8), 1..6),
        fails in prop::collection::vec(any::<bool>(), 0..20),
    ) {
        let mut office = Office::new();
        office.desk.ledger.fails = fails.into();
        let mut connections = 3..;
        for batch in batches {
            let mut waiting = Vec::new();
            let requests: VecDeque<Request> = batch
                .iter()
                .zip(&mut connections)
                .map(|((ask, stays), connection)| request(connection, ask.clone(), *stays, &mut waiting))
                .collect();
            office.batch(requests);
            office.agrees()?;
            prop_assert!(waiting.iter_mut().all(|answered| answered()), "somebody still waits: {:?}", batch);
        }
    }
}
