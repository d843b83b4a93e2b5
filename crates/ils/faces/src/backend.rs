//! What the faces ask of a hub or spoke. The node implements it; the tests' fake does too.

use std::net::SocketAddr;
use std::sync::Arc;

use ils_core::config::{ClusterRole, Config};
use ils_core::settings::SettingError;
use ils_core::snapshot::Snapshot;
use ils_core::wire::PeerId;
use ilslab_desk::{Answer, Certificates, Problem, Secret};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::metrics::Readings;

/// A hub or spoke, as far as its administrator is concerned.
pub trait Backend: Certificates {
    /// The node at this moment; cheap.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Where it is bound, and which port is in force.
    fn ports(&self) -> Ports;

    /// Takes a merge patch of the ILS Configuration page, without `password`, which comes apart. Answered once the
    /// change is in force.
    ///
    /// # Errors
    /// A value that cannot be, or a change that could not be stored; then nothing has changed.
    fn configure(
        &self, patch: Map<String, Value>, password: Option<Secret>,
    ) -> Answer<'_, Result<Arc<Config>, ChangeError>>;

    /// Closes the connections to a peer and forgets it; `false` where it was not known.
    ///
    /// # Errors
    /// Where that could not be stored.
    fn disconnect(&self, peer: PeerId) -> Answer<'_, Result<bool, ChangeError>>;

    /// Restarts the service: certificates are read again, alarms are cleared.
    ///
    /// # Errors
    /// Where the certificates cannot be read; then the old ones stay in use.
    fn restart(&self) -> Answer<'_, Result<(), ChangeError>>;

    /// Can the store be written?
    ///
    /// # Errors
    /// Why not, in the database's words.
    fn probe(&self) -> Answer<'_, Result<(), String>>;

    /// What has been counted since the process began; waits for nobody.
    fn readings(&self) -> Readings;
}

/// Where a node is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// What it is.
    pub role: ClusterRole,
    /// The TLS port; absent on a spoke, which opens none.
    pub tls: Option<SocketAddr>,
    /// The password port; absent on a spoke.
    pub password: Option<SocketAddr>,
    /// The one in force: `tls` or `password`.
    pub listening: Option<&'static str>,
    /// This API.
    pub admin: SocketAddr,
}

/// A change that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// A setting cannot be that.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// It could not be stored; a later try may work.
    #[error("the change could not be stored: {0}")]
    Store(String),
    /// Certificates, keys or trust cannot be read.
    #[error("the certificates cannot be read: {0}")]
    Identity(String),
    /// A hub's ports cannot be had.
    #[error("the ports cannot be had: {0}")]
    Port(String),
    /// It is stored, but the node's port cannot be opened any more: the node ends.
    #[error("{0}")]
    Deaf(String),
    /// The node is about to end.
    #[error("the node is stopping")]
    Stopping,
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        match error {
            ChangeError::Setting(SettingError { key, problem, cure }) => {
                let about = ("urn:ilslab:problem:setting", "The setting cannot be that");
                Self::with_cure(about, text, Some(key), problem, cure)
            }
            ChangeError::Store(_) | ChangeError::Deaf(_) | ChangeError::Stopping => Self::unavailable(text),
            ChangeError::Identity(_) | ChangeError::Port(_) => Self::conflict(text),
        }
    }
}
