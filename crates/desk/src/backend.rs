//! What the door of a node asks of the node behind it, of whatever system that is. The node implements it; the tests' fake
//! does too.

use std::pin::Pin;

use ilslab_secrets::Secret;
use ilslab_trust::Certificate;
use serde_json::{Map, Value};

use crate::file_name::FileName;

/// A backend's answer that takes a while. Once begun it is awaited to its end, even when the caller has gone.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node, as far as everybody may ask.
pub trait Backend: Certificates {
    /// Whether all is open that is to be.
    fn is_bound(&self) -> bool;

    /// What `/readyz` says besides.
    fn details(&self) -> Map<String, Value>;

    /// Can the store be written?
    ///
    /// # Errors
    /// Why not, in the database's words.
    fn probe(&self) -> Answer<'_, Result<(), String>>;

    /// What `/metrics` says, in Prometheus' text format; whether the store can be written is known already.
    fn metrics(&self, store_is_writable: bool) -> String;
}

/// The certificates of a node: its own, and those that it trusts.
pub trait Certificates: Send + Sync + 'static {
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
