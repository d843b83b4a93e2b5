//! The hub of document 200694 as a snapshot: what the fake backend shows.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ils_core::alarm::{Alarm, AlarmName};
use ils_core::config::{ClusterRole, Config, Listen, TlsVersion};
use ils_core::event::{ConnectionId, Direction, Happening, Link, PeerAddress, PeerName, Rejection};
use ils_core::ledger::{KnownPeer, Proof};
use ils_core::limits::{Timers, UNJOINED_CONNECTIONS};
use ils_core::outcome::Outcome;
use ils_core::snapshot::{Attempt, JoinedLink, Peer, Snapshot, Step};
use ils_core::time::Timestamp;
use ils_core::wire::{Boxes, Entry, Fqdn, IdentityKey, NetworkKey, NodeAddress, PeerId, PeerInfo, Role};

/// 8/26/16 5:06 PM in UTC, as in the reference table.
pub(crate) const CONTACT: Timestamp = Timestamp(1_472_231_160_000);
pub(crate) const STARTED: Timestamp = Timestamp(1_472_230_800_123);
/// The fingerprints of the keys 1 and 2.
pub(crate) const HUB_ID: &str = "34750f98bd59fcfc946da45aaabe933b";
pub(crate) const SPOKE_ID: &str = "6a3803d5f059902a1c6dafbc9ba47292";
pub(crate) const PKID: &str = "5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da";

pub(crate) fn socket(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn config() -> Config {
    Config {
        revision: 3,
        conversation: 1,
        role: ClusterRole::Hub,
        cluster_id: "2".parse().expect("a cluster ID"),
        fqdn: fqdn("cucm1150.adfs.uccs.com"),
        description: "the hub".parse().expect("a description"),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        route_string: "cucm1150.adfs.uccs.com".parse().expect("a route string"),
        boxes: Boxes { tls: false, password: true },
        network_key: Some(NetworkKey::from_bytes([7; 32])),
        sync_every: Duration::from_secs(600),
        tls_min: TlsVersion::V1_2,
        tls_max: TlsVersion::V1_3,
        listen: Listen { address: IpAddr::from([127, 0, 0, 1]), tls_port: 7501, password_port: 7502 },
        registration: None,
        dial_from: None,
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(60),
        timers: Timers::default(),
        most_unjoined: UNJOINED_CONNECTIONS,
    }
}

/// Peers as a snapshot has them.
pub(crate) fn peers<const N: usize>(peers: [Peer; N]) -> Arc<Vec<Arc<Peer>>> {
    Arc::new(peers.map(Arc::new).into())
}

pub(crate) fn snapshot() -> Snapshot {
    let config = config();
    let own = id(HUB_ID);
    Snapshot {
        own: config.peer_info(own, vec![]).map(|info| signed(1, info)),
        config: Arc::new(config),
        peer_id: own,
        since: STARTED,
        peers: peers([spoke()]),
        vector_version: 2,
        attempts: Arc::new(vec![Arc::new(joined()), Arc::new(refused())]),
        alarms: Arc::new(vec![alarm()]),
        store_error: None,
    }
}

pub(crate) fn id(text: &str) -> PeerId {
    text.parse().expect("a peer ID")
}

/// What the owner of this key says.
fn signed(key: u8, info: PeerInfo) -> Entry {
    Entry::sign(&IdentityKey::from_seed(&[key; 32]), info, 1).expect("within its bounds")
}

fn fqdn(text: &str) -> Fqdn {
    text.parse().expect("an FQDN")
}

pub(crate) fn spoke() -> Peer {
    let node = NodeAddress {
        host: fqdn("cucm11.adfs.uccs.com"),
        addresses: vec!["10.106.104.201".parse().expect("an address")],
    };
    let info = PeerInfo {
        peer_id: id(SPOKE_ID),
        cluster_id: "1".parse().expect("a cluster ID"),
        description: "".parse().expect("a description"),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        fqdn: fqdn("cucm11.adfs.uccs.com"),
        role: Role::Spoke,
        route_string: "cucm11.adfs.uccs.com".parse().expect("a route string"),
        nodes: vec![node],
    };
    let link = JoinedLink {
        connection: ConnectionId(1),
        direction: Direction::Accepted,
        tls: false,
        instance: [1; 16],
        since: Timestamp(CONTACT.0 - 500),
        synchronized: true,
    };
    Peer {
        known: KnownPeer { entry: signed(2, info), proof: Proof::Password, pkid: PKID.into() },
        link: Some(link),
        last_contact: Some(CONTACT),
        last_data: Some(CONTACT),
    }
}

/// A cluster that a hub told of, and that has no connection here.
pub(crate) fn relayed() -> Peer {
    let mut peer = spoke();
    let info = PeerInfo {
        cluster_id: "3".parse().expect("a cluster ID"),
        description: "third | one".parse().expect("a description"),
        fqdn: fqdn("cucm3.adfs.uccs.com"),
        role: Role::Hub,
        nodes: Vec::new(),
        ..peer.known.info().clone()
    };
    peer.known.entry = signed(3, info);
    peer.known.proof = Proof::Relayed(id(SPOKE_ID));
    Peer { link: None, last_contact: None, last_data: None, ..peer }
}

fn link(number: u64, tls: bool, begun: Timestamp, peer: &str) -> Link {
    Link {
        id: ConnectionId(number),
        direction: Direction::Accepted,
        tls,
        revision: 3,
        begun,
        peer: PeerAddress::Socket(socket(peer)),
        local: Some(socket("10.106.104.220:7502")),
    }
}

fn joined() -> Attempt {
    let peer = PeerName {
        peer_id: id(SPOKE_ID),
        cluster_id: "1".parse().expect("a cluster ID"),
        fqdn: fqdn("cucm11.adfs.uccs.com"),
        role: Role::Spoke,
    };
    let established = Happening::Established { peer: peer.clone(), certificate: None };
    Attempt {
        link: link(1, false, Timestamp(CONTACT.0 - 1_000), "10.106.104.201:37816"),
        steps: vec![
            Step { at: Timestamp(CONTACT.0 - 1_000), happening: Happening::Accepted { admitted: None } },
            Step { at: Timestamp(CONTACT.0 - 500), happening: established },
        ],
        outcome: Some(Outcome::Joined),
        peer: Some(peer),
        ended: None,
    }
}

fn refused() -> Attempt {
    let rejected = Happening::PeerRejected { rejection: Rejection::NoCertificate };
    Attempt {
        link: Link { local: None, ..link(2, true, CONTACT, "10.106.104.202:50000") },
        steps: vec![Step { at: CONTACT, happening: rejected }],
        outcome: Some(Outcome::PeerCertificateRejected(Some(18))),
        peer: None,
        ended: Some((CONTACT, Outcome::PeerCertificateRejected(Some(18)))),
    }
}

pub(crate) fn alarm() -> Alarm {
    Alarm {
        name: AlarmName::UnacceptableConnectionAttempt,
        key: "10.106.104.202".into(),
        parameters: vec![
            ("Reason", "role changed".into()),
            ("ConnectionDetail", "10.106.104.202:50000".into()),
        ],
        since: CONTACT,
    }
}

pub(crate) fn password_alarm(key: &str) -> Alarm {
    let parameters = vec![("IPAddress", key.to_owned())];
    Alarm { name: AlarmName::PwdAuthenticationFailed, key: key.into(), parameters, since: CONTACT }
}
