use super::*;
use crate::event::{
    Admitted, Direction, Event, Happening, Link, PeerAddress, PeerName, Rejection, ServiceEvent,
};
use crate::intent::intent;
use crate::outcome::Outcome;
use crate::registry::name_of;
use crate::samples::{info, key, link};
use AlarmName as Name;
use Direction::{Accepted, Dialled};
use ilslab_trust::Verdict;

/// Name, key and parameters of an alarm.
type Want = Option<(Name, &'static str, Vec<(&'static str, &'static str)>)>;

const HOST: &str = "192.0.2.9";
const ENDS: &str = "192.0.2.9:40000";

fn check(event: Event, want: Want, case: &str) {
    let got = intent(&event).map(|alarm| (alarm.name, alarm.key, alarm.parameters));
    let want = want.map(|(name, key, parameters)| {
        let parameters = parameters.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        (name, key.to_owned(), parameters)
    });
    assert_eq!(got, want, "{case}");
}

fn closed(outcome: Outcome, claim: &str, certificate: Option<&str>) -> Happening {
    Happening::ClosedHere {
        outcome,
        detail: "as told".into(),
        claim: claim.into(),
        certificate: certificate.map(str::to_owned),
    }
}

fn peer() -> PeerName {
    name_of(&info(2))
}

#[test]
fn each_happening_raises_the_alarm_that_is_documented_for_it_or_none() {
    let not_connected = |quiet| Happening::NotConnected {
        outcome: Outcome::RefusedConnection,
        error: "refused".into(),
        quiet,
    };
    let rejected = |rejection| Happening::PeerRejected { rejection };
    let tls = |outcome| Happening::TlsFailed { outcome, error: "no".into() };
    let certificate = || Happening::NotKnown { name: "spoke.example".into() };
    let unreachable = || vec![("HubCluster", HOST), ("ConnDetails", "192.0.2.9:40000: refused")];
    let cluster = |name| vec![("Cluster1", name)];
    let rows: Vec<(&str, Direction, Happening, Want)> = vec![
        ("requested", Dialled, Happening::Requested, None),
        (
            "not connected",
            Dialled,
            not_connected(false),
            Some((Name::HubClusterUnreachable, HOST, unreachable())),
        ),
        ("not connected, in the window", Dialled, not_connected(true), None),
        (
            "not connected for want of something here",
            Dialled,
            Happening::NotConnected { outcome: Outcome::Local, error: "no descriptor".into(), quiet: false },
            None,
        ),
        (
            "no room for another cluster",
            Accepted,
            Happening::ClosedHere {
                outcome: Outcome::PeerLimit,
                detail: "no room".into(),
                claim: String::new(),
                certificate: None,
            },
            Some((Name::PeerLimitExceeded, "peers", vec![("MaxPeerCount", "200")])),
        ),
        (
            "told that there is no room",
            Dialled,
            Happening::ClosedThere { outcome: Outcome::PeerLimit, detail: "no room".into() },
            None,
        ),
        (
            "a hub refuses a chain",
            Accepted,
            rejected(Rejection::Verdict(Verdict::from_parts(18, 0))),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        (
            "a spoke refuses a chain",
            Dialled,
            rejected(Rejection::Verdict(Verdict::from_parts(18, 0))),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        (
            "no certificate",
            Accepted,
            rejected(Rejection::NoCertificate),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        (
            "a certificate that is none",
            Accepted,
            rejected(Rejection::Unreadable),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        (
            "a wrong key",
            Accepted,
            rejected(Rejection::BadSignature),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        ("an alert", Dialled, Happening::AlertReceived { alert: 48 }, None),
        ("no TLS version", Accepted, tls(Outcome::TlsVersion), None),
        ("not TLS", Accepted, tls(Outcome::NotIls), None),
        (
            "a hub does not know the spoke",
            Accepted,
            certificate(),
            Some((Name::TlsAuthenticationFailed, "spoke.example", cluster("spoke.example"))),
        ),
        (
            "a spoke does not know the hub",
            Dialled,
            certificate(),
            Some((Name::TlsAuthenticationFailed, HOST, cluster(HOST))),
        ),
        ("accepted", Accepted, Happening::Accepted { admitted: Some(Admitted::InStore) }, None),
        ("connected", Dialled, Happening::Connected { admitted: None }, None),
        ("opened", Accepted, Happening::Opened { inlen: 2, outlen: 1 }, None),
        (
            "not opened",
            Accepted,
            Happening::OpenFailed,
            Some((Name::PwdAuthenticationFailed, HOST, vec![("IPAddress", HOST)])),
        ),
        ("established", Accepted, Happening::Established { peer: peer(), certificate: None }, None),
        (
            "closed there",
            Dialled,
            Happening::ClosedThere { outcome: Outcome::DuplicateClusterId, detail: "".into() },
            None,
        ),
    ];
    for (case, direction, happening, want) in rows {
        check(Event::connection(Timestamp(5), link(1, direction), happening), want, case);
    }
}

#[test]
fn a_connection_that_this_node_ends_raises_the_alarm_of_its_outcome_or_none() {
    let detail = |cluster| vec![("ClusterId", cluster), ("ConnectionDetail", ENDS)];
    let rejected = || {
        Some((
            Name::UnacceptableConnectionAttempt,
            HOST,
            vec![("Reason", "as told"), ("ConnectionDetail", ENDS)],
        ))
    };
    let spoke = Some("spoke.example");
    let claimed = |key| Some((Name::TlsAuthenticationFailed, key, vec![("Cluster1", "hub.example")]));
    let duplicate = |id| Some((Name::DuplicateClusterId, id, vec![("EntClusterID", id)]));
    let rows: Vec<(Outcome, Direction, Happening, Want)> = vec![
        (
            Outcome::FqdnMismatch,
            Accepted,
            closed(Outcome::FqdnMismatch, "hub.example", spoke),
            claimed("spoke.example"),
        ),
        (Outcome::FqdnMismatch, Accepted, closed(Outcome::FqdnMismatch, "hub.example", None), claimed(HOST)),
        (
            Outcome::FqdnMismatch,
            Dialled,
            closed(Outcome::FqdnMismatch, "hub.example", Some("x.example")),
            claimed(HOST),
        ),
        (
            Outcome::DuplicateClusterId,
            Accepted,
            closed(Outcome::DuplicateClusterId, "Taken", None),
            duplicate("Taken"),
        ),
        (
            Outcome::DefaultClusterId,
            Accepted,
            closed(Outcome::DefaultClusterId, "StandAloneCluster", None),
            duplicate("StandAloneCluster"),
        ),
        (
            Outcome::ProtocolVersion,
            Accepted,
            closed(Outcome::ProtocolVersion, "", None),
            Some((Name::ProtocolVersion, HOST, detail(""))),
        ),
        (
            Outcome::Unresponsive,
            Dialled,
            closed(Outcome::Unresponsive, "Cluster-2", None),
            Some((Name::RemoteHostUnresponsive, HOST, detail("Cluster-2"))),
        ),
        (Outcome::MethodMismatch, Accepted, closed(Outcome::MethodMismatch, "", spoke), rejected()),
        (Outcome::MethodMismatch, Dialled, closed(Outcome::MethodMismatch, "", spoke), None),
        (Outcome::DuplicateIdentity, Accepted, closed(Outcome::DuplicateIdentity, "", None), rejected()),
        (Outcome::DuplicateIdentity, Dialled, closed(Outcome::DuplicateIdentity, "", None), rejected()),
        (Outcome::RoleChanged, Accepted, closed(Outcome::RoleChanged, "", None), rejected()),
        (Outcome::Timeout, Accepted, closed(Outcome::Timeout, "", None), None),
        (Outcome::NotIls, Accepted, closed(Outcome::NotIls, "", None), None),
        (Outcome::ProtocolError, Accepted, closed(Outcome::ProtocolError, "", None), None),
        (Outcome::Temporary, Accepted, closed(Outcome::Temporary, "", None), None),
        (Outcome::Closed, Accepted, closed(Outcome::Closed, "", None), None),
    ];
    for (outcome, direction, happening, want) in rows {
        let case = format!("{outcome}, {direction:?}");
        check(Event::connection(Timestamp(5), link(1, direction), happening), want, &case);
    }
}

#[test]
fn a_hub_that_has_no_address_is_named_as_it_was_to_be_dialled() {
    let unresolved = Link { peer: PeerAddress::Name("hub.example".into(), 7501), ..link(1, Dialled) };
    let happening =
        Happening::NotConnected { outcome: Outcome::Unreachable, error: "no such name".into(), quiet: false };
    let parameters = vec![("HubCluster", "hub.example"), ("ConnDetails", "hub.example:7501: no such name")];
    let want = Some((Name::HubClusterUnreachable, "hub.example", parameters));
    check(Event::connection(Timestamp(5), unresolved, happening), want, "a name");
}

#[test]
fn each_service_event_raises_the_alarm_that_is_documented_for_it_or_none() {
    let count = |count| ServiceEvent::PeerCount { count };
    let warning =
        |count| Some((Name::PeerLimitApproachingWarning, "peers", vec![("CurrentPeerCount", count)]));
    let exceeded = || Some((Name::PeerLimitExceeded, "peers", vec![("MaxPeerCount", "200")]));
    let failed = ServiceEvent::StoreFailed { error: "disk full".into() };
    let rows: Vec<(&str, ServiceEvent, Want)> = vec![
        ("started", ServiceEvent::Started, None),
        ("restarted", ServiceEvent::Restarted, None),
        ("stopped", ServiceEvent::Stopped, None),
        ("configured", ServiceEvent::Configured { keys: vec![] }, None),
        (
            "another peer ID",
            ServiceEvent::IdentityGivenUp { former: key(1).peer_id(), own: key(2).peer_id() },
            None,
        ),
        ("a change dropped", ServiceEvent::OverrideDropped { key: "role".into() }, None),
        ("forgotten", ServiceEvent::Forgotten { peer: peer() }, None),
        ("179 clusters", count(179), None),
        ("180 clusters", count(180), warning("180")),
        ("200 clusters", count(200), warning("200")),
        ("201 clusters", count(201), exceeded()),
        (
            "the database fails",
            failed,
            Some((Name::DblException, "database", vec![("DBLException", "disk full")])),
        ),
        ("it works again", ServiceEvent::StoreRecovered, None),
        (
            "a port is taken",
            ServiceEvent::PortInUse { port: 7501 },
            Some((Name::TcpInUse, "7501", vec![("PortNumber", "7501")])),
        ),
        (
            "a port cannot be opened",
            ServiceEvent::ListenFailed { port: 7502, error: "no".into() },
            Some((Name::TcpListenError, "7502", vec![("PortNumber", "7502")])),
        ),
    ];
    for (case, event, want) in rows {
        check(Event::service(Timestamp(5), event), want, case);
    }
}

fn alarm(name: AlarmName, key: &str) -> Alarm {
    Alarm { name, key: key.into(), parameters: vec![], since: Timestamp(0) }
}

#[test]
fn an_alarm_is_raised_once_a_key_until_it_is_cleared() {
    let mut standing = Standing::default();
    assert!(standing.raise(alarm(Name::PwdAuthenticationFailed, HOST)));
    assert!(!standing.raise(alarm(Name::PwdAuthenticationFailed, HOST)));
    assert!(standing.raise(alarm(Name::TlsAuthenticationFailed, HOST)));
    assert_eq!(standing.alarmed_connections(), 1, "one key, two alarms");
    assert!(standing.clear(KeyOf::Host, &[HOST, "spoke.example"]));
    assert_eq!(standing.iter().count(), 0);
    assert!(!standing.clear(KeyOf::Host, &[HOST]));
    assert!(standing.raise(alarm(Name::PwdAuthenticationFailed, HOST)));
}

#[test]
fn a_key_is_cleared_only_where_it_means_the_same() {
    for (case, name, key, of) in [
        ("a cluster that is called like an address", Name::PwdAuthenticationFailed, HOST, KeyOf::Cluster),
        ("a host that is called like a cluster", Name::DuplicateClusterId, "Cluster-2", KeyOf::Host),
        ("a cluster that is called database", Name::DblException, "database", KeyOf::Cluster),
        ("a database that is called like a cluster", Name::DuplicateClusterId, "database", KeyOf::Service),
        ("a host that is called peers", Name::PeerLimitExceeded, "peers", KeyOf::Host),
    ] {
        let mut standing = Standing::default();
        standing.raise(alarm(name, key));
        assert!(!standing.clear(of, &[key]), "{case}");
        assert!(standing.clear(name.key_of(), &[key]), "{case}");
    }
}

#[test]
fn two_hundred_keys_stand_and_the_next_replaces_the_oldest() {
    let mut standing = Standing::default();
    for host in 0..limits::ALARMED_CONNECTIONS {
        assert!(standing.raise(alarm(Name::PwdAuthenticationFailed, &format!("host {host}"))));
    }
    assert_eq!(standing.alarmed_connections(), 200);
    assert!(standing.raise(alarm(Name::PwdAuthenticationFailed, "one more")));
    assert_eq!(standing.alarmed_connections(), 200);
    assert_eq!(standing.iter().next().map(|alarm| alarm.key.as_str()), Some("host 1"));
}

#[test]
fn strangers_do_not_push_out_the_alarms_of_the_service() {
    let mut standing = Standing::default();
    standing.raise(alarm(Name::DblException, "database"));
    for host in 0..2 * limits::ALARMED_CONNECTIONS {
        standing.raise(alarm(Name::PwdAuthenticationFailed, &format!("host {host}")));
    }
    assert_eq!(standing.iter().count(), limits::ALARMED_CONNECTIONS);
    assert_eq!(standing.iter().next().map(|alarm| alarm.name), Some(Name::DblException));
}

#[test]
fn only_failed_authentications_count_as_alarmed_connections() {
    let mut standing = Standing::default();
    for (name, count) in [
        (Name::HubClusterUnreachable, 0),
        (Name::DblException, 0),
        (Name::PwdAuthenticationFailed, 1),
        (Name::TlsAuthenticationFailed, 2),
        (Name::UnacceptableConnectionAttempt, 2),
    ] {
        standing.raise(alarm(name, name.as_str()));
        assert_eq!(standing.alarmed_connections(), count, "{name}");
    }
}
