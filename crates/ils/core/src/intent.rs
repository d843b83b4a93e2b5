//! Which event asks for which alarm.

use crate::alarm::{Alarm, AlarmName};
use crate::event::{Direction, Event, Happening, Link, ServiceEvent, Subject};
use crate::limits;
use crate::outcome::Outcome;

/// What an event asks for, if it asks for an alarm at all.
pub fn intent(event: &Event) -> Option<Alarm> {
    let at = event.at;
    match &event.subject {
        Subject::Connection { link, happening } => of_connection(link, happening),
        Subject::Service(event) => of_service(event),
    }
    .map(|(name, key, parameters)| Alarm { name, key, parameters, since: at })
}

type Intent = (AlarmName, String, Vec<(&'static str, String)>);

/// A hub keys a spoke by its certificate once it has one, a spoke its hub by the address that it dialled.
fn of_connection(link: &Link, happening: &Happening) -> Option<Intent> {
    let host = link.peer.host();
    match happening {
        // A hub is not unreachable because its spoke has no descriptor left.
        Happening::NotConnected { outcome: Outcome::Local, .. } => None,
        Happening::NotConnected { error, quiet: false, .. } => {
            let details = format!("{}: {error}", link.peer);
            let parameters = vec![("HubCluster", host.clone()), ("ConnDetails", details)];
            Some((AlarmName::HubClusterUnreachable, host, parameters))
        }
        Happening::PeerRejected { .. } => Some(tls_failed(host.clone(), host)),
        Happening::NotKnown { name } => {
            let shown = if link.direction == Direction::Dialled { host } else { name.clone() };
            Some(tls_failed(shown.clone(), shown))
        }
        Happening::OpenFailed => {
            let parameters = vec![("IPAddress", host.clone())];
            Some((AlarmName::PwdAuthenticationFailed, host, parameters))
        }
        Happening::ClosedHere { outcome: Outcome::FqdnMismatch, claim, certificate, .. } => {
            let of_spoke = certificate.clone().filter(|_| link.direction == Direction::Accepted);
            Some(tls_failed(of_spoke.unwrap_or(host), claim.clone()))
        }
        Happening::ClosedHere { outcome, detail, claim, .. } => of_refusal(link, *outcome, detail, claim),
        _ => None,
    }
}

fn tls_failed(key: String, shown: String) -> Intent {
    (AlarmName::TlsAuthenticationFailed, key, vec![("Cluster1", shown)])
}

/// The alarm of a connection that this node ended, by what ended it.
fn of_refusal(link: &Link, outcome: Outcome, detail: &str, claim: &str) -> Option<Intent> {
    let host = link.peer.host();
    let connection = link.peer.to_string();
    let detailed = |name, cluster: &str| {
        let parameters = vec![("ClusterId", cluster.to_owned()), ("ConnectionDetail", connection.clone())];
        Some((name, host.clone(), parameters))
    };
    match outcome {
        Outcome::DuplicateClusterId | Outcome::DefaultClusterId => {
            let parameters = vec![("EntClusterID", claim.to_owned())];
            Some((AlarmName::DuplicateClusterId, claim.to_owned(), parameters))
        }
        Outcome::ProtocolVersion => detailed(AlarmName::ProtocolVersion, claim),
        Outcome::Unresponsive => detailed(AlarmName::RemoteHostUnresponsive, claim),
        Outcome::PeerLimit => Some(peer_limit_exceeded()),
        Outcome::MethodMismatch | Outcome::DuplicateIdentity | Outcome::RoleChanged
            if link.direction == Direction::Accepted || outcome != Outcome::MethodMismatch =>
        {
            let parameters = vec![("Reason", detail.to_owned()), ("ConnectionDetail", connection)];
            Some((AlarmName::UnacceptableConnectionAttempt, host, parameters))
        }
        _ => None,
    }
}

/// One alarm, whether the count told it or a cluster that found no room.
fn peer_limit_exceeded() -> Intent {
    let parameters = vec![("MaxPeerCount", limits::PEERS_ADVERTISED.to_string())];
    (AlarmName::PeerLimitExceeded, "peers".into(), parameters)
}

fn of_service(event: &ServiceEvent) -> Option<Intent> {
    match event {
        ServiceEvent::StoreFailed { error } => {
            Some((AlarmName::DblException, "database".into(), vec![("DBLException", error.clone())]))
        }
        ServiceEvent::PortInUse { port } => {
            Some((AlarmName::TcpInUse, port.to_string(), vec![("PortNumber", port.to_string())]))
        }
        ServiceEvent::ListenFailed { port, .. } => {
            Some((AlarmName::TcpListenError, port.to_string(), vec![("PortNumber", port.to_string())]))
        }
        ServiceEvent::PeerCount { count } if *count > limits::PEERS_ADVERTISED => Some(peer_limit_exceeded()),
        ServiceEvent::PeerCount { count } if *count >= limits::PEERS_WARNING => {
            let parameters = vec![("CurrentPeerCount", count.to_string())];
            Some((AlarmName::PeerLimitApproachingWarning, "peers".into(), parameters))
        }
        _ => None,
    }
}
