//! A hub or spoke, handed to the door.

use std::sync::Arc;

use ils_core::config::ClusterRole;
use ilslab_desk::{
    Answer, CertificateRefusal, CertificateShelf, Certificates, Face, FileName, Secret, Shell,
};
use serde_json::{Map, Value};

use crate::backend::{Backend, Ports};
use crate::behind::Behind;
use crate::cli::{self, Terminal};
use crate::metrics::exposition;
use crate::routes;

/// The face of a hub or spoke.
pub fn face(behind: Behind) -> Face {
    let node = Door(Arc::clone(&behind.backend));
    Face { backend: Arc::new(node), shell: shell(behind.clone()), routes: routes::router(behind) }
}

fn shell(behind: Behind) -> Shell {
    Arc::new(move |line| {
        let snapshot = behind.backend.snapshot();
        cli::run(line, &Terminal { snapshot: &snapshot, database: &behind.database, offset: behind.offset })
    })
}

/// The node as the house knows one.
struct Door(Arc<dyn Backend>);

impl ilslab_desk::Backend for Door {
    fn is_bound(&self) -> bool {
        is_bound(&self.0.ports())
    }

    /// Peers with a connection; whether anyone joined does not count for readiness.
    fn details(&self) -> Map<String, Value> {
        [("joined".to_owned(), self.0.snapshot().joined().count().into())].into_iter().collect()
    }

    fn probe(&self) -> Answer<'_, Result<(), String>> {
        self.0.probe()
    }

    fn metrics(&self, store_is_writable: bool) -> String {
        exposition::text(&self.0.readings(), &self.0.snapshot(), store_is_writable)
    }
}

/// A spoke opens no port for peers; a hub binds both.
fn is_bound(ports: &Ports) -> bool {
    ports.role != ClusterRole::Hub || (ports.tls.is_some() && ports.password.is_some())
}

impl Certificates for Door {
    fn certificates(&self) -> Result<CertificateShelf, CertificateRefusal> {
        self.0.certificates()
    }

    fn upload_tomcat(
        &self, certificate: String, key: Option<Secret>,
    ) -> Answer<'_, Result<(), CertificateRefusal>> {
        self.0.upload_tomcat(certificate, key)
    }

    fn request_tomcat(&self) -> Answer<'_, Result<String, CertificateRefusal>> {
        self.0.request_tomcat()
    }

    fn upload_trust(
        &self, name: Option<FileName>, pem: String,
    ) -> Answer<'_, Result<String, CertificateRefusal>> {
        self.0.upload_trust(name, pem)
    }

    fn remove_trust(&self, name: FileName) -> Answer<'_, Result<bool, CertificateRefusal>> {
        self.0.remove_trust(name)
    }
}
