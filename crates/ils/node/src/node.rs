//! A running hub or spoke.
//!
//! ```text
//! Setup -> [`Node::start`] -> [`Running`]: snapshots out, changes in
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ils_core::config::{ClusterRole, Config};
use ils_core::event::{Event, ServiceEvent};
use ils_core::ledger::{Change, Durable, Ledger};
use ils_core::limits;
use ils_core::registry::{Registry, to_say};
use ils_core::settings::{Override, SettingError, Settings};
use ils_core::snapshot::Snapshot;
use ils_wire::{Entry, IdentityKey, PeerId};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use zeroize::Zeroizing;

use crate::clock;
use crate::dice::{Dice, octets};
use crate::era::Common;
use crate::identity::IdentityPaths;
use crate::identity_key;
use crate::keeper::{Keeper, Request, Scribe};
use crate::listen::{ListenError, Ports};
use crate::network::{Bound, ChangeError, Command, Network, own_addresses};
use crate::network_key::{KeyFile, KeyFileError, Saved, path_under};
use crate::pem::PemError;
use crate::seat::half_of_descriptors;
use crate::shelf::Shelf;
use crate::tls;

/// How long a stopping node waits for closed connections.
const LAST_LINGER: Duration = Duration::from_millis(500);

/// What a node is made of.
pub struct Setup<L, S> {
    /// Start-up values; the network key is that of the start-up password.
    pub config: Config,
    /// `platform/` of the node's folder.
    pub platform: PathBuf,
    /// Certificate, key and trust store; `None` for those under `platform`, which may be made there.
    pub identity: Option<IdentityPaths>,
    /// The durable state.
    pub ledger: L,
    /// Where events go.
    pub scribe: S,
    /// Randomness.
    pub dice: Arc<dyn Dice>,
}

/// A node that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be that.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Certificate, key or trust store.
    #[error(transparent)]
    Identity(#[from] PemError),
    /// The stored password.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The database.
    #[error("the database cannot be used: {0}")]
    Ledger(String),
    /// A port.
    #[error(transparent)]
    Port(#[from] ListenError),
    /// The system gives no thread.
    #[error("no thread for the registry: {0}")]
    Thread(std::io::Error),
}

/// Starts nodes.
pub struct Node;

impl Node {
    /// Loads what is durable, binds the ports, and joins the network.
    ///
    /// # Errors
    /// Whatever makes a start impossible; a port that cannot be had is also an alarm.
    pub async fn start<L: Ledger + 'static, S: Scribe>(setup: Setup<L, S>) -> Result<Running, StartError> {
        let Setup { config, platform, identity, mut ledger, mut scribe, dice } = setup;
        let key_file = KeyFile::new(path_under(&platform), config.network_key.as_ref());
        let identity_key = identity_key::load_or_make(&identity_key::path_under(&platform), &*dice)?;
        let recalled = recall(config, &key_file, &identity_key, &mut ledger)?;
        let may_make = identity.is_none();
        let paths = identity.unwrap_or_else(|| IdentityPaths::under(&platform));
        let provider = tls::provider();
        if may_make {
            paths.sweep()?;
        }
        let identity = Network::identity_for(&recalled.config, &paths, may_make, &provider)?;
        let hub = recalled.config.role == ClusterRole::Hub || recalled.started_as_hub;
        let config = recalled.config.clone();
        let mut registry = recalled.registry();
        let ports = match hub.then(|| Ports::bind(&config)).transpose() {
            Ok(ports) => ports,
            Err(error) => return Err(refused(error, &mut registry, &mut scribe)),
        };
        let (keeper, thread) = Keeper::start(registry, ledger, scribe).map_err(StartError::Thread)?;
        let (lingering, lingered) = mpsc::channel(1);
        let most = half_of_descriptors().min(config.most_unjoined).clamp(1, Semaphore::MAX_PERMITS);
        let common = Common {
            keeper: keeper.clone(),
            instance: octets(&*dice),
            identity_key,
            dice,
            provider,
            lingering,
            seats: Arc::new(Semaphore::new(most)),
            accept_errors: Arc::default(),
        };
        let (bound, ports_seen) = watch::channel(Bound::default());
        let (identity, active) = watch::channel(identity);
        let shelf =
            Shelf { paths: paths.clone(), fixed: !may_make, provider: common.provider.clone(), active };
        let deaf = Arc::default();
        let accept_errors = Arc::clone(&common.accept_errors);
        let network =
            Network { common, paths, may_make, identity, ports, key_file, bound, deaf: Arc::clone(&deaf) };
        if let Some(former) = recalled.given_up {
            let own = keeper.snapshot().peer_id;
            keeper.note_service(ServiceEvent::IdentityGivenUp { former, own }).await;
        }
        for key in recalled.dropped {
            keeper.note_service(ServiceEvent::OverrideDropped { key }).await;
        }
        let count = keeper.snapshot().peers.len() + 1;
        if count >= limits::PEERS_WARNING {
            keeper.note_service(ServiceEvent::PeerCount { count }).await;
        }
        let commands = run(network).await?;
        keeper.note_service(ServiceEvent::Started).await;
        Ok(Running {
            standing: recalled.standing,
            given_up: recalled.given_up,
            keeper,
            commands,
            bound: ports_seen,
            shelf,
            deaf,
            accept_errors,
            lingered: lingered.into(),
            thread: Some(thread).into(),
        })
    }
}

async fn run(network: Network) -> Result<mpsc::Sender<Command>, StartError> {
    let (commands, orders) = mpsc::channel(16);
    let (ready, started) = oneshot::channel();
    tokio::spawn(network.run(orders, ready));
    match started.await {
        Ok(Ok(())) => Ok(commands),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(StartError::Thread(std::io::ErrorKind::BrokenPipe.into())),
    }
}

/// The alarm of a port that cannot be had: the service ends with it.
fn refused(error: ListenError, registry: &mut Registry, scribe: &mut impl Scribe) -> StartError {
    let event = match &error {
        ListenError::InUse { port, .. } => ServiceEvent::PortInUse { port: *port },
        ListenError::Refused { port, source, .. } => {
            ServiceEvent::ListenFailed { port: *port, error: source.to_string() }
        }
    };
    scribe.write(registry.note(Event::service(clock::wall(), event)));
    error.into()
}

/// What a start finds.
#[derive(Clone)]
struct Recalled {
    config: Config,
    settings: Settings,
    identity_key: IdentityKey,
    said: Option<Entry>,
    /// The peer ID that it had before, where that was another.
    given_up: Option<PeerId>,
    durable: Durable,
    dropped: Vec<String>,
    standing: Standing,
    started_as_hub: bool,
}

/// What was changed while running, and stands over the start-up values that it replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Settings of the page, in the order of their keys.
    pub settings: Vec<Override>,
    /// The password too.
    pub password: bool,
}

impl Recalled {
    fn registry(&self) -> Registry {
        let addresses = own_addresses(&self.config);
        let peers = self.durable.peers.clone();
        Registry::new(
            self.config.clone(),
            self.settings.clone(),
            (self.identity_key.clone(), self.said.clone()),
            peers,
            addresses,
            clock::wall(),
        )
    }
}

/// Start-up values under the changes that were made while running, and what this node says of itself under them.
fn recall<L: Ledger>(
    mut config: Config, key_file: &KeyFile, identity_key: &IdentityKey, ledger: &mut L,
) -> Result<Recalled, StartError> {
    let failed = |error: L::Error| StartError::Ledger(error.to_string());
    let durable = ledger.load().map_err(failed)?;
    let (settings, mut dropped) = Settings::new(config.settings(), durable.overrides.clone());
    let mut changes: Vec<Change> = dropped.iter().cloned().map(Change::SettingDropped).collect();
    key_file.settle(&settings)?;
    let (key, saved) = key_file.open(config.network_key.take())?;
    dropped.extend((saved == Saved::Dropped).then(|| "password".to_owned()));
    let standing =
        Standing { settings: settings.standing().cloned().collect(), password: saved == Saved::Standing };
    let started_as_hub = config.role == ClusterRole::Hub;
    config.network_key = key;
    let config = config.with_settings(&settings.effective())?;
    let own = identity_key.peer_id();
    let before = durable.former.or(durable.own.as_ref().map(Entry::peer_id));
    let given_up = before.filter(|before| *before != own);
    let mut said = durable.own.clone().filter(|said| said.peer_id() == own);
    let says = config.peer_info(own, own_addresses(&config));
    if let Some(entry) = says.and_then(|info| to_say(identity_key, said.as_ref(), info)) {
        changes.push(Change::Said(entry.clone()));
        said = Some(entry);
    }
    if !changes.is_empty() {
        ledger.append(&[changes]).map_err(failed)?;
    }
    let identity_key = identity_key.clone();
    Ok(Recalled {
        config,
        settings,
        identity_key,
        said,
        given_up,
        durable,
        dropped,
        standing,
        started_as_hub,
    })
}

/// A node that runs. Dropping it does not stop it; [`Running::stop`] does.
pub struct Running {
    standing: Standing,
    given_up: Option<PeerId>,
    keeper: Keeper,
    commands: mpsc::Sender<Command>,
    bound: watch::Receiver<Bound>,
    shelf: Shelf,
    deaf: Arc<OnceLock<String>>,
    accept_errors: Arc<AtomicU64>,
    lingered: tokio::sync::Mutex<mpsc::Receiver<()>>,
    thread: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Running {
    /// The latest state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.keeper.snapshot()
    }

    /// What stood over the start-up values when it started.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The peer ID that it had before this start, where that was another.
    pub fn given_up(&self) -> Option<PeerId> {
        self.given_up
    }

    /// Tells of each new state.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.keeper.watch()
    }

    /// What is bound, and what of it listens.
    pub fn bound(&self) -> Bound {
        *self.bound.borrow()
    }

    /// The certificates that are uploaded, and which of them are in use.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The address in force, of a hub.
    pub fn listening(&self) -> Option<SocketAddr> {
        let bound = self.bound();
        match bound.listening {
            Some("tls") => bound.tls,
            Some(_) => bound.password,
            None => None,
        }
    }

    /// Changes settings of the page, and the password; answers once the change is in force.
    ///
    /// # Errors
    /// A change that did not happen; or [`ChangeError::Deaf`], of one that did and ends the service.
    pub async fn configure(
        &self, patch: Map<String, Value>, password: Option<Zeroizing<String>>,
    ) -> Result<Arc<Config>, ChangeError> {
        self.command(|answer| Command::Configure { patch, password, answer }).await?
    }

    /// `utils service restart`: certificates are read again, alarms end, peers join anew.
    ///
    /// # Errors
    /// Certificates that are not what they must be; then the old ones stay in force. [`ChangeError::Deaf`] ends the service.
    pub async fn restart(&self) -> Result<(), ChangeError> {
        self.command(Command::Restart).await?
    }

    /// Forgets a peer and ends its connection; answers whether it was known.
    ///
    /// # Errors
    /// Where that cannot be stored.
    pub async fn disconnect(&self, peer: PeerId) -> Result<bool, ChangeError> {
        let forgotten = self.keeper.ask(|answer| Request::Forget { peer, answer }).await;
        forgotten.ok_or(ChangeError::Stopping)?.map_err(ChangeError::Temporary)
    }

    /// Is the store writable?
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&self) -> Result<(), String> {
        let probed = self.keeper.ask(|answer| Request::Probe { answer }).await;
        probed.unwrap_or_else(|| Err("the service is stopping".to_owned()))
    }

    /// How often accepting has paused because the system gave no connection, as where descriptors run out.
    pub fn accept_errors(&self) -> u64 {
        self.accept_errors.load(Ordering::Relaxed)
    }

    /// Waits until a part of the node has ended by itself: then nothing works any more. Answers the error where a port
    /// could not be opened after a change; else only a bug brings it about.
    pub async fn broken(&self) -> Option<String> {
        let mut states = self.keeper.watch();
        let registry = async { while states.changed().await.is_ok() {} };
        tokio::select! {
            () = registry => {}
            () = self.commands.closed() => {}
        }
        self.deaf.get().cloned()
    }

    /// Says Bye to every peer and ends. Everything noted has reached the scribe then.
    pub async fn stop(&self) {
        if self.command(Command::Stop).await.is_err() {
            return;
        }
        // The probe is answered after all that was noted before it.
        let _ = self.probe().await;
        let mut lingered = self.lingered.lock().await;
        let _ = tokio::time::timeout(LAST_LINGER, lingered.recv()).await;
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        drop(thread);
    }

    async fn command<T>(
        &self, command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ChangeError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| ChangeError::Stopping)?;
        answered.await.map_err(|_| ChangeError::Stopping)
    }
}
