//! What the tests of this crate are made of: clusters, configurations, frames, connections that have joined.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ils_wire::{
    Binding, Boxes, Decoder, End, Entry, Ephemeral, IdentityKey, Instance, Introduction, NetworkKey,
    NodeAddress, PeerId, PeerInfo, RawFrame, Role, RouteString, SharedInput,
};
use proptest::prelude::*;

use crate::admission::Denied;
use crate::claim::Claim;
use crate::config::{ClusterRole, Config, Listen, Registration, TlsVersion};
use crate::draft::Draft;
use crate::event::{ConnectionId, Direction, Link, PeerAddress};
use crate::handshake::{Channel, Claimed, Handshake, Joined, Local, Progress, Refusal};
use crate::ledger::{self, ChangeSet, Durable, KnownPeer, Ledger, Proof, Stored};
use crate::limits::Timers;
use crate::registry::{Registry, to_say};
use crate::settings::Settings;
use crate::time::Timestamp;

/// The number of this node among the clusters; peers are below and above it.
pub(crate) const OWN: u16 = 500;

/// Any instant: the machines know distances only.
#[expect(clippy::disallowed_methods, reason = "there is no other way to an Instant")]
pub(crate) fn noon() -> Instant {
    Instant::now()
}

/// The key of cluster number `n`: its peer ID is below that of [`OWN`] where `n` is, and above where `n` is.
pub(crate) fn key(n: u16) -> IdentityKey {
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    keys.entry(n).or_insert_with(|| made_key(n)).1.clone()
}

/// Those that a test has asked for, by their numbers.
static KEYS: LazyLock<Mutex<BTreeMap<u16, (PeerId, IdentityKey)>>> = LazyLock::new(Default::default);

/// About half of all keys are below any other.
fn made_key(n: u16) -> (PeerId, IdentityKey) {
    static OURS: LazyLock<PeerId> = LazyLock::new(|| numbered_key(OWN, 0).0);
    let fits = |(peer_id, _): &(PeerId, IdentityKey)| peer_id.cmp(&OURS) == n.cmp(&OWN);
    (0..=u8::MAX).map(|attempt| numbered_key(n, attempt)).find(fits).expect("one in two fits")
}

fn numbered_key(n: u16, attempt: u8) -> (PeerId, IdentityKey) {
    let mut seed = [attempt; 32];
    seed[..2].copy_from_slice(&n.to_be_bytes());
    let key = IdentityKey::from_seed(&seed);
    (key.peer_id(), key)
}

/// Whose peer ID that is.
fn key_of(peer_id: PeerId) -> IdentityKey {
    let keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, key) = keys.values().find(|(of_key, _)| *of_key == peer_id).expect("one of `key`");
    key.clone()
}

/// What a cluster says of itself, signed by the owner of its peer ID. Whoever describes himself at more length says so later.
pub(crate) fn entry(info: &PeerInfo) -> Entry {
    let version = 1 + u64::try_from(info.description.as_str().len()).unwrap();
    Entry::sign(&key_of(info.peer_id), info.clone(), version).unwrap()
}

/// The same of many, in their order.
pub(crate) fn entries(infos: &[PeerInfo]) -> Vec<Entry> {
    infos.iter().map(entry).collect()
}

/// The life of a process.
pub(crate) const INSTANCE: Instance = [1; 16];

/// Cluster number `n`, a spoke.
pub(crate) fn info(n: u16) -> PeerInfo {
    let name = format!("cluster{n}.example");
    PeerInfo {
        peer_id: key(n).peer_id(),
        cluster_id: format!("Cluster-{n}").parse().unwrap(),
        description: String::new().parse().unwrap(),
        version: "11.5.1.10000(4)".parse().unwrap(),
        fqdn: name.parse().unwrap(),
        role: Role::Spoke,
        route_string: name.parse().unwrap(),
        nodes: vec![NodeAddress {
            host: name.parse().unwrap(),
            addresses: vec![IpAddr::from([192, 0, 2, 1])],
        }],
    }
}

/// Cluster number `n`, a hub.
pub(crate) fn hub(n: u16) -> PeerInfo {
    PeerInfo { role: Role::Hub, ..info(n) }
}

/// Claims whose names come from small pools, so that they clash.
pub(crate) fn any_info() -> impl Strategy<Value = PeerInfo> {
    let names = (1..6u16, 1..6u16, 1..6u16, 1..6u16);
    (names, any::<bool>(), any::<bool>()).prop_map(|((id, cluster, fqdn, route), is_hub, upper)| {
        let (cluster_id, route_string) = (info(cluster).cluster_id, info(route).route_string);
        let (cluster_id, route_string) = if upper {
            let upper = |text: &str| text.to_ascii_uppercase();
            (
                upper(cluster_id.as_str()).parse().unwrap(),
                upper(route_string.as_str()).parse::<RouteString>().unwrap(),
            )
        } else {
            (cluster_id, route_string)
        };
        let role = if is_hub { Role::Hub } else { Role::Spoke };
        PeerInfo { cluster_id, fqdn: info(fqdn).fqdn, route_string, role, ..info(id) }
    })
}

/// The configuration of cluster [`OWN`] with the password box ticked.
pub(crate) fn config(role: ClusterRole) -> Config {
    let own = info(OWN);
    Config {
        revision: 1,
        conversation: 1,
        role,
        cluster_id: own.cluster_id,
        fqdn: own.fqdn,
        description: own.description,
        version: own.version,
        route_string: own.route_string,
        boxes: Boxes { tls: false, password: true },
        network_key: Some(NetworkKey::from_bytes([7; 32])),
        sync_every: Duration::from_secs(600),
        tls_min: TlsVersion::V1_2,
        tls_max: TlsVersion::V1_3,
        listen: Listen { address: Ipv4Addr::LOCALHOST.into(), tls_port: 0, password_port: 0 },
        registration: (role == ClusterRole::Spoke).then(registration),
        dial_from: None,
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(60),
        timers: Timers::default(),
        most_unjoined: crate::limits::UNJOINED_CONNECTIONS,
    }
}

/// A registration server on the default ports.
pub(crate) fn registration() -> Registration {
    Registration { host: "hub.example".into(), tls_port: 7501, password_port: 7502 }
}

/// The registry of a node so configured, which knows these clusters.
pub(crate) fn registry_of(config: Config, known: Vec<KnownPeer>) -> Registry {
    let (settings, _) = Settings::new(config.settings(), vec![]);
    let identity = key(OWN);
    let said = config.peer_info(identity.peer_id(), vec![]).and_then(|info| to_say(&identity, None, info));
    Registry::new(config, settings, (identity, said), known, vec![], Timestamp(0))
}

/// The registry of a hub on the password port.
pub(crate) fn registry() -> Registry {
    registry_of(config(ClusterRole::Hub), vec![])
}

/// The registry of a hub on the TLS port.
pub(crate) fn tls_registry() -> Registry {
    let mut config = config(ClusterRole::Hub);
    config.boxes.tls = true;
    registry_of(config, vec![])
}

/// An entry that its own cluster gave with the password.
pub(crate) fn known(info: PeerInfo) -> KnownPeer {
    KnownPeer { entry: entry(&info), proof: Proof::Password, pkid: String::new() }
}

/// A claim on an accepted connection of the password port.
pub(crate) fn claim(connection: u64, info: PeerInfo) -> Claim {
    Claim {
        connection: ConnectionId(connection),
        direction: Direction::Accepted,
        tls: false,
        entry: entry(&info),
        instance: INSTANCE,
        is_last: false,
        certificate: None,
        shown: None,
        admitted_by: None,
    }
}

/// A claim on the TLS port, under a certificate with these names.
pub(crate) fn tls_claim(connection: u64, info: PeerInfo, names: &[&str]) -> Claim {
    Claim {
        tls: true,
        certificate: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        shown: names.first().map(|name| (*name).to_owned()),
        ..claim(connection, info)
    }
}

/// A ledger that takes everything and keeps nothing.
struct Paper;

impl Ledger for Paper {
    type Error = std::convert::Infallible;

    fn load(&mut self) -> Result<Durable, Self::Error> {
        Ok(Durable::default())
    }

    fn append(&mut self, _: &[ChangeSet]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn probe(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What a draft is once the ledger has it.
pub(crate) fn stored(draft: Draft) -> Stored {
    let Ok(stored) = ledger::commit(&mut Paper, draft.into_decided());
    stored
}

/// What one decision would store.
pub(crate) fn changes(draft: &Draft) -> ChangeSet {
    draft.sets().concat()
}

/// What a claim would store.
pub(crate) fn decided(registry: &Registry, claim: &Claim) -> Result<ChangeSet, Denied> {
    let mut draft = Draft::default();
    draft.join(registry, claim).map(|()| changes(&draft))
}

/// Decides a claim, stores it and lets the connection stand; answers how many changes there were to store.
pub(crate) fn join(registry: &mut Registry, claim: &Claim) -> usize {
    let changes = decided(registry, claim).unwrap().len();
    displaced(registry, claim, Timestamp(1));
    changes
}

/// The same; answers the connection whose place it took.
pub(crate) fn displaced(registry: &mut Registry, claim: &Claim, now: Timestamp) -> Option<ConnectionId> {
    let mut draft = Draft::default();
    draft.join(registry, claim).unwrap();
    let admitted = registry.apply(stored(draft)).remove(&claim.connection).expect("it was in the draft");
    registry.joined(admitted, now)
}

/// Connection number `id` with 192.0.2.9.
pub(crate) fn link(id: u64, direction: Direction) -> Link {
    Link {
        id: ConnectionId(id),
        direction,
        tls: false,
        revision: 1,
        begun: Timestamp(0),
        peer: PeerAddress::Socket(SocketAddr::from(([192, 0, 2, 9], 40_000))),
        local: None,
    }
}

/// The one frame in these bytes.
pub(crate) fn frame(bytes: &[u8]) -> RawFrame {
    let mut decoder = Decoder::new();
    decoder.joined();
    decoder.push(bytes);
    let frame = decoder.next().unwrap().unwrap();
    assert_eq!(decoder.buffered(), 0);
    frame
}

/// Cluster `n` in a conversation; its password is a number.
pub(crate) fn local(n: u16, tls: bool, password: Option<u8>) -> Local {
    Local {
        entry: entry(&hub(n)),
        identity: key(n),
        instance: INSTANCE,
        boxes: Boxes { tls, password: password.is_some() },
        key: password.map(|byte| NetworkKey::from_bytes([byte; 32])),
        timers: Timers::default(),
    }
}

/// Hub number `n`, dialling on no connection in particular.
pub(crate) fn introduction(n: u16) -> Introduction {
    let binding = Binding::derive(&SharedInput::from_exporter([9; 32]), b"hello", b"hello");
    Introduction::new(&key(n), entry(&hub(n)), INSTANCE, End::Dialler, &binding)
}

/// What the port of this node gives its keys, from a secret of its own on the password port.
pub(crate) fn channel(tls: bool, secret: u8) -> Channel {
    if tls {
        Channel::Tls(SharedInput::from_exporter([3; 32]))
    } else {
        Channel::Plain(Ephemeral::from_bytes([secret; 32]))
    }
}

/// A dialler's Hello and both sides, before anything was read. The dialler is cluster 1.
pub(crate) fn begun(dialler: Local, listener: Local, tls: bool) -> (Vec<u8>, Handshake, Handshake) {
    let (hello, dialler) = Handshake::dial(dialler, channel(tls, 1), [1; 32], noon()).unwrap();
    let listener = Handshake::listen(listener, channel(tls, 2), [2; 32], noon());
    (hello, dialler, listener)
}

/// Hands a frame over, to be answered by bytes.
pub(crate) fn answered(side: Handshake, bytes: &[u8]) -> (Vec<u8>, Handshake) {
    match side.on_frame(frame(bytes), noon()).unwrap() {
        Progress::Send(bytes, next) => (bytes, next),
        Progress::Claimed(_) => panic!("a claim instead of an answer"),
    }
}

/// Hands a frame over that says who the peer is.
pub(crate) fn claimed(side: Handshake, bytes: &[u8]) -> Box<Claimed> {
    match side.on_frame(frame(bytes), noon()).unwrap() {
        Progress::Claimed(claimed) => claimed,
        Progress::Send(..) => panic!("an answer instead of a claim"),
    }
}

/// Hands a frame over that ends the conversation.
pub(crate) fn refusal(side: Handshake, frame: RawFrame) -> Refusal {
    match side.on_frame(frame, noon()) {
        Err(refusal) => refusal,
        Ok(_) => panic!("the conversation goes on"),
    }
}

/// Both ends of a connection that has joined, dialler (cluster 1) first; the listener is cluster 2.
pub(crate) fn joined(tls: bool, password: Option<u8>) -> (Joined, Joined) {
    let (hello, dialler, listener) = begun(local(1, tls, password), local(2, tls, password), tls);
    let (hello, listener) = answered(listener, &hello);
    let (register, dialler) = answered(dialler, &hello);
    let (registered, listener) = claimed(listener, &register).accept().unwrap();
    let (none, dialler) = claimed(dialler, &registered.unwrap()).accept().unwrap();
    assert_eq!(none, None, "a dialler has nothing to answer");
    (dialler, listener)
}
