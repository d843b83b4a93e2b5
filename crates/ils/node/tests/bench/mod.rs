//! Nodes in this process, each with a memory store and a folder of its own.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub(crate) mod peer;
pub(crate) mod pki;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ils_core::config::{ClusterRole, Config, Listen, Registration, TlsVersion};
use ils_core::event::Noted;
use ils_core::ledger::{Change, KnownPeer, Ledger};
use ils_core::limits::{Timers, UNJOINED_CONNECTIONS};
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_node::{IdentityPaths, Node, Running, Scribe, Setup, StartError, SystemDice};
use ils_store::MemoryStore;
use ils_wire::{Boxes, NetworkKey};
use peer::Door;
use pki::{Ca, Flaw};

/// Longer than anything here takes, on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// How one side is set.
#[derive(Default)]
pub(crate) struct Side {
    /// `Use TLS Certificates`.
    pub(crate) tls: bool,
    /// `Use Password`.
    pub(crate) password: Option<&'static str>,
    /// Where certificates lie; made under the node's folder where absent.
    pub(crate) identity: Option<IdentityPaths>,
    /// The only TLS version.
    pub(crate) version: Option<TlsVersion>,
}

impl Side {
    /// Method 1.
    pub(crate) fn password(password: &'static str) -> Self {
        Self { password: Some(password), ..Self::default() }
    }
}

/// A place for nodes.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// One node.
pub(crate) struct Station {
    pub(crate) running: Running,
    pub(crate) ledger: MemoryStore,
}

struct Silence;

impl Scribe for Silence {
    fn write(&mut self, _: Noted) {}
}

/// A scribe with a bug.
pub(crate) struct Panics;

impl Scribe for Panics {
    fn write(&mut self, _: Noted) {
        panic!("a bug, as this test wants it");
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn hub(&self, side: Side) -> Station {
        let identity = side.identity.clone();
        self.start(config("hub", ClusterRole::Hub, side), identity).await
    }

    /// A hub with something else than the usual.
    pub(crate) async fn hub_with(&self, side: Side, change: impl FnOnce(&mut Config)) -> Station {
        let identity = side.identity.clone();
        let mut config = config("hub", ClusterRole::Hub, side);
        change(&mut config);
        self.start(config, identity).await
    }

    /// A hub that knows these clusters from an earlier life.
    pub(crate) async fn hub_knowing(&self, side: Side, known: Vec<KnownPeer>) -> Station {
        self.hub_knowing_with(side, known, |_| {}).await
    }

    /// The same with something else than the usual.
    pub(crate) async fn hub_knowing_with(
        &self, side: Side, known: Vec<KnownPeer>, change: impl FnOnce(&mut Config),
    ) -> Station {
        let mut ledger = MemoryStore::new();
        ledger.append(&[known.into_iter().map(Change::Learned).collect()]).expect("stored");
        let identity = side.identity.clone();
        let mut config = config("hub", ClusterRole::Hub, side);
        change(&mut config);
        self.start_on(ledger, config, identity, Silence).await.expect("the node starts")
    }

    /// A hub that may not start.
    pub(crate) async fn try_hub(&self, side: Side) -> Result<Station, StartError> {
        let identity = side.identity.clone();
        self.try_start(config("hub", ClusterRole::Hub, side), identity, Silence).await
    }

    /// A hub whose events go to this scribe.
    pub(crate) async fn hub_written_by(&self, side: Side, scribe: impl Scribe) -> Station {
        let identity = side.identity.clone();
        let started = self.try_start(config("hub", ClusterRole::Hub, side), identity, scribe).await;
        started.expect("the node starts")
    }

    /// A spoke of whoever answers there.
    pub(crate) async fn spoke_to(&self, hub: SocketAddr, side: Side) -> Station {
        self.spoke_with(hub, side, |_| {}).await
    }

    /// A spoke with something else than the usual.
    pub(crate) async fn spoke_with(
        &self, hub: SocketAddr, side: Side, change: impl FnOnce(&mut Config),
    ) -> Station {
        let identity = side.identity.clone();
        let mut config = config("spoke", ClusterRole::Spoke, side);
        let (host, port) = (hub.ip().to_string(), hub.port());
        config.registration = Some(Registration { host, tls_port: port, password_port: port });
        change(&mut config);
        self.start(config, identity).await
    }

    pub(crate) async fn spoke(&self, hub: &Station, side: Side) -> Station {
        let bound = hub.running.bound();
        let port = |address: Option<SocketAddr>| address.expect("a hub binds both").port();
        let identity = side.identity.clone();
        let mut config = config("spoke", ClusterRole::Spoke, side);
        config.registration = Some(Registration {
            host: "127.0.0.1".into(),
            tls_port: port(bound.tls),
            password_port: port(bound.password),
        });
        self.start(config, identity).await
    }

    /// A spoke whose events go to this scribe.
    pub(crate) async fn spoke_written_by(&self, hub: SocketAddr, side: Side, scribe: impl Scribe) -> Station {
        let identity = side.identity.clone();
        let mut config = config("spoke", ClusterRole::Spoke, side);
        let (host, port) = (hub.ip().to_string(), hub.port());
        config.registration = Some(Registration { host, tls_port: port, password_port: port });
        self.try_start(config, identity, scribe).await.expect("the node starts")
    }

    async fn start(&self, config: Config, identity: Option<IdentityPaths>) -> Station {
        self.try_start(config, identity, Silence).await.expect("the node starts")
    }

    async fn try_start(
        &self, config: Config, identity: Option<IdentityPaths>, scribe: impl Scribe,
    ) -> Result<Station, StartError> {
        self.start_on(MemoryStore::new(), config, identity, scribe).await
    }

    async fn start_on(
        &self, ledger: MemoryStore, config: Config, identity: Option<IdentityPaths>, scribe: impl Scribe,
    ) -> Result<Station, StartError> {
        let platform = self.folder.path().join(config.cluster_id.as_str());
        let setup =
            Setup { config, platform, identity, ledger: ledger.clone(), scribe, dice: Arc::new(SystemDice) };
        Ok(Station { running: Node::start(setup).await?, ledger })
    }
}

fn config(name: &str, role: ClusterRole, side: Side) -> Config {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Config {
        revision: 1,
        conversation: 1,
        role,
        cluster_id: name.parse().expect("a cluster ID"),
        fqdn: format!("{name}.lab.example").parse().expect("an FQDN"),
        description: Default::default(),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        route_string: format!("{name}.lab.example").parse().expect("a route string"),
        boxes: Boxes { tls: side.tls, password: side.password.is_some() },
        network_key: side.password.map(network_key),
        sync_every: Duration::from_secs(600),
        tls_min: side.version.unwrap_or(TlsVersion::V1_2),
        tls_max: side.version.unwrap_or(TlsVersion::V1_3),
        listen: Listen { address: localhost, tls_port: 0, password_port: 0 },
        registration: None,
        dial_from: None,
        retry_initial: Duration::from_millis(50),
        retry_max: Duration::from_millis(200),
        timers: Timers::default().patient(10),
        most_unjoined: UNJOINED_CONNECTIONS,
    }
}

/// The key of a password, stretched once a process: what a test does in a minute is not to be stretching.
pub(crate) fn network_key(password: &'static str) -> NetworkKey {
    static KEYS: Mutex<BTreeMap<&str, NetworkKey>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    keys.entry(password).or_insert_with(|| NetworkKey::from_password(password.as_bytes())).clone()
}

impl Station {
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.running.snapshot()
    }

    /// Waits until the state is as it should be.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) {
        let mut watch = self.running.watch();
        let waited = tokio::time::timeout(DEADLINE, watch.wait_for(|snapshot| wanted(snapshot))).await;
        assert!(matches!(waited, Ok(Ok(_))), "never came: {what}");
    }

    /// The outcome of the first attempt that has one.
    pub(crate) async fn outcome(&self) -> Outcome {
        self.until("an outcome", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.outcome.is_some())
        })
        .await;
        let snapshot = self.snapshot();
        snapshot.attempts.iter().find_map(|attempt| attempt.outcome).expect("waited for it")
    }

    pub(crate) async fn stop(&self) {
        self.running.stop().await;
    }
}

/// The password of whoever has the right one.
pub(crate) const PASSWORD: &str = "one password";
/// How a connection authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) tls: Option<TlsVersion>,
    pub(crate) password: bool,
}

/// Methods 1, 2 and 3, with TLS in both versions.
pub(crate) const WAYS: [Way; 5] = [
    Way { tls: None, password: true },
    Way { tls: Some(TlsVersion::V1_2), password: false },
    Way { tls: Some(TlsVersion::V1_3), password: false },
    Way { tls: Some(TlsVersion::V1_2), password: true },
    Way { tls: Some(TlsVersion::V1_3), password: true },
];

/// How a node of this name is set, and where a villain meets it.
pub(crate) fn stage(bench: &Bench, name: &str, way: Way) -> (Side, Door) {
    let password = way.password.then_some(PASSWORD);
    let side = Side { tls: way.tls.is_some(), password, version: way.tls, ..Side::default() };
    if way.tls.is_none() {
        return (side, Door { tls: None, password });
    }
    let ca = Ca::new("the lab CA");
    let villain = ca.issue("villain.lab.example", Flaw::None);
    let own = ca.issue(&format!("{name}.lab.example"), Flaw::None);
    let identity = pki::write(bench.folder(), &own, &[&ca.pem, &villain.certificate]);
    (Side { identity: Some(identity), ..side }, Door { tls: Some(Arc::new(villain)), password })
}
