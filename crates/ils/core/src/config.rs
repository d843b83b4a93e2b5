//! What a node is set to, parsed and checked once. A change is a new value; nobody edits one in place.

use std::net::IpAddr;
use std::time::Duration;

use ils_wire::{Boxes, ClusterId, Description, Fqdn, NetworkKey, NodeAddress, PeerId, PeerInfo, Role};
use ils_wire::{RouteString, Version};
use serde::{Deserialize, Serialize};

use crate::limits::Timers;

/// The `Role` box of the ILS Configuration page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterRole {
    /// Not part of the network: neither listens nor dials.
    Standalone,
    /// Listens for spokes and hubs.
    Hub,
    /// Dials its registration server.
    Spoke,
}

impl ClusterRole {
    /// The role on the wire; a standalone cluster says nothing there.
    pub fn on_the_wire(self) -> Option<Role> {
        match self {
            Self::Standalone => None,
            Self::Hub => Some(Role::Hub),
            Self::Spoke => Some(Role::Spoke),
        }
    }

    /// As the tables print it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Standalone => "Standalone",
            Self::Hub => "Hub",
            Self::Spoke => "Spoke",
        }
    }
}

/// TLS versions that a node may offer. CUCM 11.5 to 14 speak 1.2, 15 speaks 1.3 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

/// Where a spoke registers: `Registration Server`, with the two ports it may be reached on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registration {
    /// Host name or address.
    pub host: String,
    /// TCP port for TLS (7501).
    pub tls_port: u16,
    /// TCP port for the password (7502).
    pub password_port: u16,
}

/// Where a hub listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Local address.
    pub address: IpAddr,
    /// TCP port for TLS; 0 lets the system choose once.
    pub tls_port: u16,
    /// TCP port for the password; 0 lets the system choose once.
    pub password_port: u16,
}

/// Everything that a running node may be asked about itself, but for paths and the admin interface.
#[derive(Clone)]
pub struct Config {
    /// Raised by one with every change; 1 at start. Attempts carry the one they began under.
    pub revision: u64,
    /// Raised by each change that ends every connection: who this node is, whom it dials, how it authenticates.
    pub conversation: u64,
    /// `Role`.
    pub role: ClusterRole,
    /// This cluster's ID.
    pub cluster_id: ClusterId,
    /// This publisher's FQDN.
    pub fqdn: Fqdn,
    /// Free text.
    pub description: Description,
    /// CUCM version, as other clusters see it.
    pub version: Version,
    /// `Advertised Route String`.
    pub route_string: RouteString,
    /// `Use TLS Certificates`, `Use Password`.
    pub boxes: Boxes,
    /// Made from the password; present whenever a password is set, used only with its box ticked.
    pub network_key: Option<NetworkKey>,
    /// `Synchronize Clusters Every`.
    pub sync_every: Duration,
    /// Lowest TLS version.
    pub tls_min: TlsVersion,
    /// Highest TLS version.
    pub tls_max: TlsVersion,
    /// Where a hub listens.
    pub listen: Listen,
    /// Whom to dial; blank for the first hub.
    pub registration: Option<Registration>,
    /// Local address of outgoing connections; the system's choice where absent.
    pub dial_from: Option<IpAddr>,
    /// First wait before dialling again.
    pub retry_initial: Duration,
    /// Longest wait before dialling again.
    pub retry_max: Duration,
    /// How long each phase of a conversation may take.
    pub timers: Timers,
    /// Most connections that have not joined, [`crate::limits::UNJOINED_CONNECTIONS`] but in tests; the oldest gives way
    /// to one too many.
    pub most_unjoined: usize,
}

impl Config {
    /// The key that frames must be sealed with: only where `Use Password` is ticked.
    pub fn sealing_key(&self) -> Option<&NetworkKey> {
        self.network_key.as_ref().filter(|_| self.boxes.password)
    }

    /// Boxes or password differ: a change of method, as peers are told it.
    pub fn differs_in_method(&self, other: &Self) -> bool {
        let keys = (&self.network_key, &other.network_key);
        let same_key = match keys {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, None) => true,
            _ => false,
        };
        self.boxes != other.boxes || !same_key
    }

    /// The two cannot share a connection.
    pub fn differs_in_conversation(&self, other: &Self) -> bool {
        self.differs_in_method(other)
            || self.role != other.role
            || self.registration != other.registration
            || self.cluster_id != other.cluster_id
            || self.route_string != other.route_string
            || self.description != other.description
    }

    /// Which port is in force: TLS where its box is ticked, else the password port.
    pub fn uses_tls(&self) -> bool {
        self.boxes.tls
    }

    /// What this node says of itself, or `None` for a standalone cluster.
    pub fn peer_info(&self, peer_id: PeerId, addresses: Vec<IpAddr>) -> Option<PeerInfo> {
        Some(PeerInfo {
            peer_id,
            cluster_id: self.cluster_id.clone(),
            description: self.description.clone(),
            version: self.version.clone(),
            fqdn: self.fqdn.clone(),
            role: self.role.on_the_wire()?,
            route_string: self.route_string.clone(),
            nodes: vec![NodeAddress { host: self.fqdn.clone(), addresses }],
        })
    }
}
