//! `GET status`: what a node is, and how it is.

use std::net::SocketAddr;

use ils_core::config::ClusterRole;
use ils_core::snapshot::Snapshot;
use ilslab_time::UtcOffset;
use serde::Serialize;

use crate::backend::Ports;
use crate::clusters::{self, ClustersTable};
use ilslab_desk::StoreState;
use ilslab_time::Rfc3339;

/// The node in one document.
#[derive(Serialize)]
pub(crate) struct StatusView<'a> {
    role: ClusterRole,
    cluster_id: &'a str,
    fqdn: &'a str,
    description: &'a str,
    version: &'a str,
    route_string: &'a str,
    peer_id: String,
    revision: u64,
    method: Method,
    ports: PortsView,
    since: Rfc3339,
    joined: usize,
    peers: usize,
    alarms: usize,
    store: StoreState,
    clusters: ClustersTable,
    clusters_text: String,
}

#[derive(Serialize)]
struct Method {
    use_tls: bool,
    use_password: bool,
}

#[derive(Serialize)]
struct PortsView {
    tls: Option<SocketAddr>,
    password: Option<SocketAddr>,
    listening: Option<&'static str>,
    admin: SocketAddr,
}

impl<'a> StatusView<'a> {
    /// The node at one moment; table times at this offset from UTC.
    pub(crate) fn new(snapshot: &'a Snapshot, ports: Ports, offset: UtcOffset) -> Self {
        let config = &snapshot.config;
        let clusters = clusters::table(snapshot, offset);
        let Ports { role: _, tls, password, listening, admin } = ports;
        Self {
            role: config.role,
            cluster_id: config.cluster_id.as_str(),
            fqdn: config.fqdn.as_str(),
            description: config.description.as_str(),
            version: config.version.as_str(),
            route_string: config.route_string.as_str(),
            peer_id: snapshot.peer_id.to_string(),
            revision: config.revision,
            method: Method { use_tls: config.boxes.tls, use_password: config.boxes.password },
            ports: PortsView { tls, password, listening, admin },
            since: Rfc3339(snapshot.since),
            joined: snapshot.joined().count(),
            peers: snapshot.peers.len(),
            alarms: snapshot.alarms.len(),
            store: StoreState::from(snapshot.store_error.clone()),
            clusters_text: clusters.to_string(),
            clusters,
        }
    }
}
