//! Which port listens, who dials, and the change from one era to the next: one task, one order after another.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use ils_core::config::{ClusterRole, Config};
use ils_core::event::ServiceEvent;
use ils_core::settings::SettingError;
use ils_core::snapshot::Snapshot;
use ils_wire::{NetworkKey, Reason};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::accept::accept;
use crate::clock;
use crate::diallers::Diallers;
use crate::era::{Common, Era, EraEnd};
use crate::identity::{Identity, IdentityPaths};
use crate::keeper::{ConfigureError, Request};
use crate::listen::{ListenError, Ports};
use crate::network_key::{KeyFile, KeyFileError};
use crate::pem::PemError;
use crate::ready::{Prepared, Ready};

/// Longest password, in octets.
pub const PASSWORD_MAX: usize = 1024;

/// A change that did not happen; everything is as it was, but for [`ChangeError::Deaf`].
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A setting cannot be that.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// It cannot be stored now.
    #[error("the change cannot be stored now: {0}")]
    Temporary(String),
    /// Certificate, key or trust store are not what TLS needs.
    #[error(transparent)]
    Identity(PemError),
    /// A hub's ports cannot be had.
    #[error(transparent)]
    Port(#[from] ListenError),
    /// What was changed is stored, but nothing listens: the service ends, as it does where a port cannot be opened at its start.
    #[error(
        "what was changed is stored, but {0}; the service ends, and takes it up when it is started again"
    )]
    Deaf(ListenError),
    /// The process ends.
    #[error("the service is stopping")]
    Stopping,
}

/// A disk without space is no fault of the certificates.
impl From<PemError> for ChangeError {
    fn from(error: PemError) -> Self {
        if error.unmade { Self::Temporary(error.to_string()) } else { Self::Identity(error) }
    }
}

impl From<ConfigureError> for ChangeError {
    fn from(error: ConfigureError) -> Self {
        match error {
            ConfigureError::Setting(error) => Self::Setting(error),
            ConfigureError::Temporary(error) => Self::Temporary(error),
        }
    }
}

impl From<KeyFileError> for ChangeError {
    fn from(error: KeyFileError) -> Self {
        Self::Temporary(error.to_string())
    }
}

/// What a node has bound, and which of it listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The TLS port.
    pub tls: Option<SocketAddr>,
    /// The password port.
    pub password: Option<SocketAddr>,
    /// `tls` or `password`; nothing for a spoke, or while standalone.
    pub listening: Option<&'static str>,
}

/// What the network is told to do.
pub(crate) enum Command {
    Configure {
        patch: Map<String, Value>,
        password: Option<Zeroizing<String>>,
        answer: oneshot::Sender<Result<Arc<Config>, ChangeError>>,
    },
    Restart(oneshot::Sender<Result<(), ChangeError>>),
    Stop(oneshot::Sender<()>),
}

/// The era in force.
struct InForce {
    /// The registration server, as the one target of a spoke or a hub.
    diallers: Diallers,
    end: EraEnd,
}

impl InForce {
    async fn finish(self, reason: Reason) {
        // They hold the era that is to end.
        drop(self.diallers);
        self.end.finish(reason).await;
    }
}

/// Identity, ports and the era in force.
pub(crate) struct Network {
    pub(crate) common: Common,
    pub(crate) paths: IdentityPaths,
    /// A certificate may be made where none is: only under the node's own folder.
    pub(crate) may_make: bool,
    /// What the service has loaded.
    pub(crate) identity: watch::Sender<Option<Arc<Identity>>>,
    pub(crate) ports: Option<Ports>,
    pub(crate) key_file: KeyFile,
    pub(crate) bound: watch::Sender<Bound>,
    /// Why nothing listens that should: then the network ends.
    pub(crate) deaf: Arc<OnceLock<String>>,
}

impl Network {
    /// Obeys until it is told to stop, nobody is left who could, or its port cannot be opened.
    pub(crate) async fn run(
        mut self, mut commands: mpsc::Receiver<Command>, ready: oneshot::Sender<Result<(), ListenError>>,
    ) {
        let mut era = match self.begin(None) {
            Ok(era) => era,
            Err(error) => {
                self.note_deaf(&error).await;
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        while let Some(command) = commands.recv().await {
            era = match command {
                Command::Configure { patch, password, answer } => {
                    let (next, result) = self.configure(era, patch, password).await;
                    let _ = answer.send(result);
                    next
                }
                Command::Restart(answer) => {
                    let (next, result) = self.restart(era).await;
                    let _ = answer.send(result);
                    next
                }
                Command::Stop(answer) => {
                    self.end(era, Reason::Shutdown).await;
                    self.common.keeper.note_service(ServiceEvent::Stopped).await;
                    let _ = answer.send(());
                    return;
                }
            };
            if self.deaf.get().is_some() {
                return;
            }
        }
        self.end(era, Reason::Shutdown).await;
    }

    /// Loads the identity where TLS needs one, or where there should be one to be loaded. One that has to be made is in
    /// place then.
    ///
    /// # Errors
    /// A file that is not what it must be, or cannot be made.
    pub(crate) fn identity_for(
        config: &Config, paths: &IdentityPaths, may_make: bool, provider: &rustls::crypto::CryptoProvider,
    ) -> Result<Option<Arc<Identity>>, PemError> {
        let Some(ready) = Ready::identity_for(config, paths, may_make, provider)? else { return Ok(None) };
        ready.install().map(Some).map_err(|error| PemError::unmade(&paths.certificate, &error))
    }

    fn load_identity(&self, config: &Config) -> Result<Option<Arc<Identity>>, PemError> {
        Self::identity_for(config, &self.paths, self.may_make, &self.common.provider)
    }

    /// A new era with the configuration in force.
    fn begin(&self, changed_at: Option<Instant>) -> Result<Option<InForce>, ListenError> {
        let snapshot = self.common.keeper.snapshot();
        let (config, Some(own)) = (Arc::clone(&snapshot.config), snapshot.own.clone()) else {
            self.tell(None);
            return Ok(None);
        };
        let (era, mut end) = Era::begin(
            self.common.clone(),
            Arc::clone(&config),
            own,
            self.identity.borrow().clone(),
            changed_at,
        );
        match config.role {
            ClusterRole::Hub => end.accepting = self.listen(&config, &era)?,
            ClusterRole::Spoke | ClusterRole::Standalone => self.tell(None),
        }
        let mut diallers = Diallers::new(era);
        diallers.keep(config.registration.iter().cloned().collect(), Reason::IdentityChanged);
        Ok(Some(InForce { diallers, end }))
    }

    fn listen(&self, config: &Config, era: &Era) -> Result<Option<JoinHandle<()>>, ListenError> {
        let Some(ports) = &self.ports else { return Ok(None) };
        let (port, name, option) = match config.uses_tls() {
            true => (&ports.tls, "tls", "--tls-port"),
            false => (&ports.password, "password", "--password-port"),
        };
        let listener = port.listen().map_err(|source| {
            let address = port.address();
            ListenError::Refused { port: address.port(), address, option, source }
        })?;
        let accepting = tokio::spawn(accept(era.clone(), listener));
        self.tell(Some(name));
        Ok(Some(accepting))
    }

    fn tell(&self, listening: Option<&'static str>) {
        self.bound.send_replace(Bound {
            tls: self.ports.as_ref().map(|ports| ports.tls.address()),
            password: self.ports.as_ref().map(|ports| ports.password.address()),
            listening,
        });
    }

    async fn end(&self, era: Option<InForce>, reason: Reason) {
        if let Some(era) = era {
            era.finish(reason).await;
        }
        self.tell(None);
    }

    /// From one era to the next: the old port refuses, Bye is said, the new port listens.
    async fn turn(
        &mut self, era: Option<InForce>, reason: Reason, changed_at: Option<Instant>,
    ) -> (Option<InForce>, Result<(), ListenError>) {
        self.end(era, reason).await;
        match self.begin(changed_at) {
            Ok(era) => (era, Ok(())),
            Err(error) => {
                self.note_deaf(&error).await;
                (None, Err(error))
            }
        }
    }

    async fn note_deaf(&self, error: &ListenError) {
        let (ListenError::InUse { port, .. } | ListenError::Refused { port, .. }) = error;
        let event = ServiceEvent::ListenFailed { port: *port, error: error.to_string() };
        self.common.keeper.note_service(event).await;
        // The probe is answered after all that was noted before it.
        let _ = self.common.keeper.ask(|answer| Request::Probe { answer }).await;
        let _ = self.deaf.set(error.to_string());
    }

    async fn restart(&mut self, era: Option<InForce>) -> (Option<InForce>, Result<(), ChangeError>) {
        let config = Arc::clone(&self.common.keeper.snapshot().config);
        match self.load_identity(&config) {
            Ok(identity) => drop(self.identity.send_replace(identity)),
            Err(error) => return (era, Err(error.into())),
        }
        self.end(era, Reason::Restart).await;
        self.common.keeper.note_service(ServiceEvent::Restarted).await;
        let (era, result) = self.turn(None, Reason::Restart, None).await;
        // Answered after all that was noted before it: whoever asked sees the restart in the next snapshot.
        let _ = self.common.keeper.ask(|answer| Request::Probe { answer }).await;
        (era, result.map_err(ChangeError::Deaf))
    }

    async fn configure(
        &mut self, era: Option<InForce>, patch: Map<String, Value>, password: Option<Zeroizing<String>>,
    ) -> (Option<InForce>, Result<Arc<Config>, ChangeError>) {
        let snapshot = self.common.keeper.snapshot();
        let before = Arc::clone(&snapshot.config);
        let after = match self.commit(&snapshot, patch, password).await {
            Ok(after) => after,
            Err(error) => return (era, Err(error)),
        };
        if after.conversation == before.conversation {
            return (era, Ok(after));
        }
        let method = after.differs_in_method(&before);
        let reason = if method { Reason::MethodChanged } else { Reason::IdentityChanged };
        let (era, turned) = self.turn(era, reason, method.then(clock::monotonic)).await;
        (era, turned.map(|()| after).map_err(ChangeError::Deaf))
    }

    /// Everything that can fail, before anything is taken down: made ready, stored, and only then taken. Of a change
    /// that is not stored nothing stays.
    async fn commit(
        &mut self, snapshot: &Snapshot, patch: Map<String, Value>, password: Option<Zeroizing<String>>,
    ) -> Result<Arc<Config>, ChangeError> {
        let mut base = Config::clone(&snapshot.config);
        let named = password.is_some();
        if let Some(password) = password {
            base.network_key = key_of(password).await?;
        }
        let keeper = self.common.keeper.clone();
        let base = Box::new(base);
        let (asked, wanted) = (base.clone(), patch.clone());
        let foreseen = keeper.ask(|answer| Request::Foresee { base: asked, patch: wanted, answer }).await;
        let prepared = self.prepare(&*foreseen.ok_or(ChangeError::Stopping)??)?;
        if named && let Err(error) = self.key_file.prepare(base.network_key.as_ref(), &patch) {
            self.settle_key(false);
            return Err(error.into());
        }
        match keeper.ask(|answer| Request::Configure { base, patch, answer }).await {
            Some(stored) => {
                if named {
                    self.settle_key(stored.is_ok());
                }
                let config = stored?;
                self.take(prepared);
                Ok(config)
            }
            // A keeper that ends without an answer may have stored it: the next start sees.
            None => Err(ChangeError::Stopping),
        }
    }

    /// What the configuration to be will need: a certificate for TLS, ports for a hub.
    fn prepare(&self, config: &Config) -> Result<Prepared, ChangeError> {
        let wanted = config.role == ClusterRole::Hub && self.ports.is_none();
        let ports = wanted.then(|| Ports::bind(config)).transpose()?;
        let wanted = config.uses_tls() && self.identity.borrow().is_none();
        let make = || Ready::identity_for(config, &self.paths, self.may_make, &self.common.provider);
        let identity = wanted.then(make).transpose()?.flatten();
        Ok(Prepared { identity, ports })
    }

    /// The change is stored: what was prepared for it is this node's from now on.
    fn take(&mut self, prepared: Prepared) {
        if let Some(ready) = prepared.identity {
            let identity = Arc::clone(&ready.identity);
            if let Err(error) = ready.install() {
                let path = self.paths.certificate.display();
                tracing::warn!(
                    "{path} cannot be put in place, and the next start will make another: {error}"
                );
            }
            self.identity.send_replace(Some(identity));
        }
        if let Some(ports) = prepared.ports {
            self.ports = Some(ports);
        }
    }

    fn settle_key(&self, stored: bool) {
        let settled = if stored { self.key_file.install() } else { self.key_file.abandon() };
        if let Err(error) = settled {
            // What is stored decides all the same, at the next start.
            tracing::warn!("{error}");
        }
    }
}

/// One Argon2id per change of the password, off the threads that serve connections.
async fn key_of(password: Zeroizing<String>) -> Result<Option<NetworkKey>, ChangeError> {
    if password.len() > PASSWORD_MAX {
        let cure = format!("at most {PASSWORD_MAX} octets");
        return Err(SettingError::new("password", "is too long", cure).into());
    }
    if password.is_empty() {
        return Ok(None);
    }
    let made = tokio::task::spawn_blocking(move || NetworkKey::from_password(password.as_bytes())).await;
    made.map(Some).map_err(|_| ChangeError::Stopping)
}

/// What a node says its own addresses are: those it was told to use.
pub(crate) fn own_addresses(config: &Config) -> Vec<IpAddr> {
    let listens = Some(config.listen.address).filter(|_| config.role == ClusterRole::Hub);
    let told = listens.or(config.dial_from);
    told.filter(|address| !address.is_unspecified()).into_iter().collect()
}
