//! A running node, as its HTTP API knows it.

use std::net::SocketAddr;
use std::sync::Arc;

use ils_core::config::{ClusterRole, Config};
use ils_core::snapshot::Snapshot;
use ils_faces::{Backend, ChangeError, Counts, Ports, Readings};
use ils_lines::Recorder;
use ils_node::pem::PemError;
use ils_node::{Running, Shelf, ShelfError};
use ils_wire::PeerId;
use ilslab_desk::{Answer, CertificateRefusal, CertificateShelf, Certificates, FileName, Secret, Shelved};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A node and the address of its API.
pub struct NodeBackend {
    /// The node.
    pub node: Arc<Running>,
    /// What the process was started as.
    pub role: ClusterRole,
    /// Where the API listens.
    pub admin: SocketAddr,
    /// Its trace, for the lines that were lost.
    pub recorder: Arc<Recorder>,
    /// Its events, counted.
    pub counts: Arc<Counts>,
}

impl Backend for NodeBackend {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.node.snapshot()
    }

    fn ports(&self) -> Ports {
        let bound = self.node.bound();
        Ports {
            role: self.role,
            tls: bound.tls,
            password: bound.password,
            listening: bound.listening,
            admin: self.admin,
        }
    }

    fn configure(
        &self, patch: Map<String, Value>, password: Option<Secret>,
    ) -> Answer<'_, Result<Arc<Config>, ChangeError>> {
        let password = password.map(|password| Zeroizing::new(password.expose().to_owned()));
        Box::pin(async move { self.node.configure(patch, password).await.map_err(change_error) })
    }

    fn disconnect(&self, peer: PeerId) -> Answer<'_, Result<bool, ChangeError>> {
        Box::pin(async move { self.node.disconnect(peer).await.map_err(change_error) })
    }

    fn restart(&self) -> Answer<'_, Result<(), ChangeError>> {
        Box::pin(async move { self.node.restart().await.map_err(change_error) })
    }

    fn probe(&self) -> Answer<'_, Result<(), String>> {
        Box::pin(self.node.probe())
    }

    fn readings(&self) -> Readings {
        Readings {
            counts: Arc::clone(&self.counts),
            trace_write_errors: self.recorder.trace_write_errors(),
            accept_errors: self.node.accept_errors(),
        }
    }
}

impl Certificates for NodeBackend {
    fn certificates(&self) -> Result<CertificateShelf, CertificateRefusal> {
        let shelf = self.node.shelf();
        let unreadable = |error: PemError| CertificateRefusal::Storage(error.to_string());
        Ok(CertificateShelf {
            tomcat: shelf.tomcat().map_err(unreadable)?.into_iter().map(shelved).collect(),
            tomcat_trust: shelf.trust().map_err(unreadable)?.into_iter().map(shelved).collect(),
        })
    }

    fn upload_tomcat(
        &self, certificate: String, key: Option<Secret>,
    ) -> Answer<'_, Result<(), CertificateRefusal>> {
        self.on_the_shelf(move |shelf| shelf.put_tomcat(&certificate, key.as_ref().map(Secret::expose)))
    }

    fn request_tomcat(&self) -> Answer<'_, Result<String, CertificateRefusal>> {
        let fqdn = self.node.snapshot().config.fqdn.clone();
        self.on_the_shelf(move |shelf| shelf.request(fqdn.as_str()))
    }

    fn upload_trust(
        &self, name: Option<FileName>, pem: String,
    ) -> Answer<'_, Result<String, CertificateRefusal>> {
        self.on_the_shelf(move |shelf| shelf.put_trust(name.as_ref().map(FileName::as_str), &pem))
    }

    fn remove_trust(&self, name: FileName) -> Answer<'_, Result<bool, CertificateRefusal>> {
        self.on_the_shelf(move |shelf| shelf.remove_trust(name.as_str()))
    }
}

impl NodeBackend {
    /// Reads and writes files on a thread where that may block.
    fn on_the_shelf<T: Send + 'static>(
        &self, work: impl FnOnce(&Shelf) -> Result<T, ShelfError> + Send + 'static,
    ) -> Answer<'_, Result<T, CertificateRefusal>> {
        let shelf = self.node.shelf().clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&shelf)).await;
            done.map_err(|error| CertificateRefusal::Storage(error.to_string()))?.map_err(certificate_refusal)
        })
    }
}

fn shelved(shelved: ils_node::Shelved) -> Shelved {
    let ils_node::Shelved { file, certificate, active } = shelved;
    Shelved { file, certificate, active }
}

fn certificate_refusal(error: ShelfError) -> CertificateRefusal {
    match error {
        ShelfError::Fixed => CertificateRefusal::Fixed("--cert, --key and --trust".to_owned()),
        ShelfError::Refused(PemError { path, problem, cure, .. }) => {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            CertificateRefusal::NotAllowed { problem: format!("{file} {problem}"), cure }
        }
        error @ ShelfError::Storage { .. } => CertificateRefusal::Storage(error.to_string()),
    }
}

fn change_error(error: ils_node::ChangeError) -> ChangeError {
    use ils_node::ChangeError as Node;
    match error {
        Node::Setting(error) => ChangeError::Setting(error),
        Node::Temporary(error) => ChangeError::Store(error),
        Node::Identity(error) => ChangeError::Identity(error.to_string()),
        Node::Port(error) => ChangeError::Port(error.to_string()),
        deaf @ Node::Deaf(_) => ChangeError::Deaf(deaf.to_string()),
        Node::Stopping => ChangeError::Stopping,
    }
}
