//! What the API asks of a node. The node implements it; the tests' fake does too.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use ils_core::config::{ClusterRole, Config};
use ils_core::settings::SettingError;
use ils_core::snapshot::Snapshot;
use ils_core::wire::PeerId;
use ilslab_trust::Certificate;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::file_name::FileName;
use crate::metrics::Metrics;

/// A backend's answer that takes a while. Once begun it is awaited to its end, even when the caller has gone.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node, as far as its administrator is concerned.
pub trait Backend: Send + Sync + 'static {
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

    /// The counters since the process began, [`Metrics::trace_write_errors`] and [`Metrics::accept_errors`] filled in.
    fn metrics(&self) -> Metrics;

    /// Both certificate stores: what lies in their files, and what of it is in use. Reads files, so it may block; the
    /// API calls it on a thread of its own.
    ///
    /// # Errors
    /// [`CertificateRefusal::Storage`] for a file that cannot be read, or holds something else, with its name.
    fn certificates(&self) -> Result<CertificateShelf, CertificateRefusal>;

    /// Stores a tomcat certificate, with whatever chain is to be sent after it, and its key; both or neither. They
    /// count after the next service restart. The API asks for one change of the certificates at a time.
    ///
    /// # Errors
    /// Then the files are as they were: [`CertificateRefusal::NotAllowed`] where `certificate` is not PEM of
    /// certificates or PKCS#7 alone, or the base64 of DER, or one of them cannot be read, where `key` is not PEM of one private key, is encrypted, of a
    /// kind that cannot be used, or not the certificate's; [`CertificateRefusal::Fixed`] where `--cert` and `--key`
    /// name the files; [`CertificateRefusal::Storage`] where they cannot be written.
    fn upload_tomcat(
        &self, certificate: String, key: Option<Secret>,
    ) -> Answer<'_, Result<(), CertificateRefusal>>;

    /// A request for a certificate of the node's FQDN, signed by the key that lies there: PKCS#10, as PEM.
    ///
    /// # Errors
    /// [`CertificateRefusal::NotAllowed`] where there is no key, or one that signs no request.
    fn request_tomcat(&self) -> Answer<'_, Result<String, CertificateRefusal>>;

    /// Stores one certificate in `tomcat-trust`, under this name, in whose place it comes, or under one made of its
    /// SHA-256. Answers the name. It counts after the next service restart. A certificate that is stored already stays in
    /// its file, whose name is answered; a stored one of the same subject goes where the new one begins later.
    ///
    /// # Errors
    /// Then the store is as it was: [`CertificateRefusal::NotAllowed`] where `pem` is not PEM, PKCS#7 or the
    /// base64 of DER of exactly one certificate, that cannot be read, or that begins no later than a stored one of its
    /// subject; [`CertificateRefusal::Fixed`] where `--trust` names the folder;
    /// [`CertificateRefusal::Storage`] where it cannot be written.
    fn upload_trust(
        &self, name: Option<FileName>, pem: String,
    ) -> Answer<'_, Result<String, CertificateRefusal>>;

    /// Removes a file of `tomcat-trust`, whatever is in it; `false` where there is none. What it held is trusted until
    /// the next service restart.
    ///
    /// # Errors
    /// [`CertificateRefusal::Fixed`] where `--trust` names the folder; [`CertificateRefusal::Storage`] where the file
    /// cannot be removed.
    fn remove_trust(&self, name: FileName) -> Answer<'_, Result<bool, CertificateRefusal>>;
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

/// The certificate stores of a node: first what lies in files, in the order in which a service restart reads it, then
/// what is in use and in no file any more.
#[derive(Clone, Debug, Default)]
pub struct CertificateShelf {
    /// The node's own certificate and the chain that it sends with it.
    pub tomcat: Vec<Shelved>,
    /// Whom it trusts.
    pub tomcat_trust: Vec<Shelved>,
}

/// A certificate. "Uploaded" and "active" are two things, since CUCM reads certificates at the service's start.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// Name of its file, without the folder; absent once the file is gone.
    pub file: Option<String>,
    /// What it is.
    pub certificate: Certificate,
    /// The service has loaded it.
    pub active: bool,
}

/// Certificates that were not listed, stored or removed; the files are as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// What was uploaded is not what it must be.
    #[error("{problem}; {cure}")]
    NotAllowed {
        /// What is wrong with it, and in which block.
        problem: String,
        /// What to do.
        cure: String,
    },
    /// A file cannot be read, written or removed.
    #[error("the certificate files cannot be used: {0}")]
    Storage(String),
    /// The files were given by this option, such as `--trust`, and are only read.
    #[error(
        "the files were given by {0}, and the API does not write there; change them, then restart the service"
    )]
    Fixed(String),
}

/// Text that nobody may see: a password or a private key on its way. Wiped when dropped, never printed.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
