//! `GET peers`: the PeerInfoVector, and how things stand with each entry.

use std::net::IpAddr;

use ils_core::event::ConnectionId;
use ils_core::ledger::Proof;
use ils_core::snapshot::{Peer, Snapshot};
use ils_core::wire::{NodeAddress, Role};
use serde::Serialize;

use ilslab_time::Rfc3339;

/// All entries, in the order of their peer IDs.
#[derive(Serialize)]
pub(crate) struct PeersView<'a> {
    peers: Vec<PeerView<'a>>,
}

#[derive(Serialize)]
struct PeerView<'a> {
    peer_id: String,
    cluster_id: &'a str,
    fqdn: &'a str,
    description: &'a str,
    version: &'a str,
    role: &'static str,
    route_string: &'a str,
    nodes: Vec<NodeView<'a>>,
    proof: &'static str,
    relayed_by: Option<String>,
    pkid: &'a str,
    connected: bool,
    connection: Option<ConnectionId>,
    last_contact: Option<Rfc3339>,
    last_usn: Option<Rfc3339>,
    status: &'static str,
}

#[derive(Serialize)]
struct NodeView<'a> {
    host: &'a str,
    addresses: &'a [IpAddr],
}

impl<'a> PeersView<'a> {
    /// The PeerInfoVector of this moment.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self { peers: snapshot.peers.iter().map(|peer| PeerView::new(peer)).collect() }
    }
}

impl<'a> PeerView<'a> {
    fn new(peer: &'a Peer) -> Self {
        let info = peer.known.info();
        let relayed_by = match peer.known.proof {
            Proof::Relayed(hub) => Some(hub.to_string()),
            Proof::Certificate | Proof::Password => None,
        };
        Self {
            peer_id: info.peer_id.to_string(),
            cluster_id: info.cluster_id.as_str(),
            fqdn: info.fqdn.as_str(),
            description: info.description.as_str(),
            version: info.version.as_str(),
            role: match info.role {
                Role::Hub => "hub",
                Role::Spoke => "spoke",
            },
            route_string: info.route_string.as_str(),
            nodes: info.nodes.iter().map(NodeView::new).collect(),
            proof: peer.known.proof.name(),
            relayed_by,
            pkid: &peer.known.pkid,
            connected: peer.link.is_some(),
            connection: peer.link.as_ref().map(|link| link.connection),
            last_contact: peer.last_contact.map(Rfc3339),
            last_usn: peer.last_data.map(Rfc3339),
            status: peer.synchronization(),
        }
    }
}

impl<'a> NodeView<'a> {
    fn new(node: &'a NodeAddress) -> Self {
        Self { host: node.host.as_str(), addresses: &node.addresses }
    }
}
