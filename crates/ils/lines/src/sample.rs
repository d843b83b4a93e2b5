//! Events for tests, with the addresses of the documented traces.

use std::net::SocketAddr;

use ils_core::alarm::{Alarm, AlarmName};
use ils_core::event::{
    ConnectionId, Direction, Event, Happening, Link, Noted, PeerAddress, PeerName, ServiceEvent,
};
use ils_core::intent::intent;
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;
use ils_core::wire::Role;
use ilslab_trace::AlarmSource;

/// 2016-08-26 16:58:42.888 UTC.
pub(crate) const AT: Timestamp = Timestamp(1_472_230_722_888);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The documented pair: hub 10.106.104.220, spoke 10.106.104.201, connection 5.
pub(crate) fn link(direction: Direction, tls: bool) -> Link {
    let hub = address(if tls { "10.106.104.220:7501" } else { "10.106.104.220:7502" });
    let spoke = address("10.106.104.201:37816");
    let (peer, local) = match direction {
        Direction::Dialled => (hub, spoke),
        Direction::Accepted => (spoke, hub),
    };
    Link {
        id: ConnectionId(5),
        direction,
        tls,
        revision: 1,
        begun: AT,
        peer: PeerAddress::Socket(peer),
        local: Some(local),
    }
}

/// An event whose alarm stands already, or that asks for none.
pub(crate) fn noted(direction: Direction, tls: bool, happening: Happening) -> Noted {
    on(link(direction, tls), happening)
}

/// The same on a link of one's own.
pub(crate) fn on(link: Link, happening: Happening) -> Noted {
    Noted { event: Event::connection(AT, link, happening), raised: None, alarmed_connections: 1 }
}

/// An event whose alarm begins to stand with it.
pub(crate) fn alarming(direction: Direction, tls: bool, happening: Happening) -> Noted {
    raise(noted(direction, tls, happening))
}

/// Lets the alarm that an event asks for begin to stand.
pub(crate) fn raise(noted: Noted) -> Noted {
    let raised = intent(&noted.event);
    assert!(raised.is_some(), "the event asks for an alarm");
    Noted { raised, ..noted }
}

/// An event of the service.
pub(crate) fn service(at: Timestamp, event: ServiceEvent) -> Noted {
    Noted { event: Event::service(at, event), raised: None, alarmed_connections: 0 }
}

/// The spoke's cluster as the documentation's tables show it.
pub(crate) fn peer(peer_id: &str) -> PeerName {
    PeerName {
        peer_id: peer_id.parse().expect("a peer ID"),
        cluster_id: "1".parse().expect("a cluster ID"),
        fqdn: "cucm11.adfs.uccs.com".parse().expect("an FQDN"),
        role: Role::Spoke,
    }
}

/// Whose alarms they are.
pub(crate) fn source() -> AlarmSource {
    AlarmSource { cluster_id: "2".into(), node_id: "cucm1150.adfs.uccs.com".into() }
}

/// An alarm with one parameter.
pub(crate) fn alarm(name: AlarmName, parameter: &'static str, value: &str) -> Alarm {
    Alarm { name, key: value.into(), parameters: vec![(parameter, value.into())], since: AT }
}

/// One event for each alarm of the catalogue, in its order; each alarm begins to stand.
pub(crate) fn an_event_for_each_alarm() -> Vec<Noted> {
    let closed = |outcome| {
        let (detail, claim) = ("told why".to_owned(), "StandAloneCluster".to_owned());
        let happening = Happening::ClosedHere { outcome, detail, claim, certificate: None };
        noted(Direction::Accepted, false, happening)
    };
    let service = |event| service(AT, event);
    let (outcome, error) = (Outcome::RefusedConnection, "Connection refused".to_owned());
    let not_connected = Happening::NotConnected { outcome, error, quiet: false };
    [
        noted(Direction::Dialled, false, not_connected),
        noted(Direction::Accepted, false, Happening::OpenFailed),
        noted(Direction::Accepted, true, Happening::NotKnown { name: "a.example".into() }),
        closed(Outcome::DefaultClusterId),
        closed(Outcome::Unresponsive),
        closed(Outcome::RoleChanged),
        closed(Outcome::ProtocolVersion),
        service(ServiceEvent::StoreFailed { error: "disk full".into() }),
        service(ServiceEvent::PeerCount { count: 201 }),
        service(ServiceEvent::PeerCount { count: 180 }),
        service(ServiceEvent::PortInUse { port: 7501 }),
        service(ServiceEvent::ListenFailed { port: 7501, error: "no".into() }),
    ]
    .map(raise)
    .to_vec()
}
