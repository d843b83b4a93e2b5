use super::*;
use crate::alarm::AlarmName;
use crate::event::PeerAddress;
use crate::outcome::Outcome;
use crate::samples::{config, info, link, registry, registry_of};

/// Something happens on a connection; answers the alarm that begins to stand.
fn happens(registry: &mut Registry, link: &Link, happening: Happening) -> Option<AlarmName> {
    registry.note(Event::connection(Timestamp(5), link.clone(), happening)).raised.map(|alarm| alarm.name)
}

fn serves(registry: &mut Registry, event: ServiceEvent) -> Option<AlarmName> {
    registry.note(Event::service(Timestamp(5), event)).raised.map(|alarm| alarm.name)
}

fn established(certificate: Option<&str>) -> Happening {
    Happening::Established { peer: name_of(&info(2)), certificate: certificate.map(str::to_owned) }
}

fn refused(outcome: Outcome, claim: &str) -> Happening {
    Happening::ClosedHere { outcome, detail: String::new(), claim: claim.into(), certificate: None }
}

fn end(outcome: Outcome) -> Happening {
    Happening::ClosedThere { outcome, detail: String::new() }
}

fn standing(registry: &Registry) -> Vec<AlarmName> {
    registry.alarms.iter().map(|alarm| alarm.name).collect()
}

#[test]
fn an_alarm_is_written_when_it_begins_to_stand_and_not_again() {
    let mut registry = registry();
    let link = link(1, Direction::Accepted);
    let first = registry.note(Event::connection(Timestamp(5), link.clone(), Happening::OpenFailed));
    assert_eq!(first.raised.map(|alarm| alarm.since), Some(Timestamp(5)));
    assert_eq!(first.alarmed_connections, 1);
    let again = registry.note(Event::connection(Timestamp(6), link.clone(), Happening::OpenFailed));
    assert_eq!((again.raised, again.alarmed_connections), (None, 1));
    assert_eq!(happens(&mut registry, &link, established(None)), None);
    assert_eq!(
        happens(&mut registry, &link, Happening::OpenFailed),
        Some(AlarmName::PwdAuthenticationFailed)
    );
}

#[test]
fn a_join_clears_what_stands_against_its_host_names_and_certificate() {
    let unresolved = Link {
        peer: crate::event::PeerAddress::Name("hub.example".into(), 7501),
        ..link(1, Direction::Dialled)
    };
    let no_hub =
        || Happening::NotConnected { outcome: Outcome::Unreachable, error: String::new(), quiet: false };
    let not_known = |name: &str| Happening::NotKnown { name: name.into() };
    let here = || link(1, Direction::Accepted);
    for (case, on, happening, joins, cleared) in [
        ("its host", here(), Happening::OpenFailed, Direction::Accepted, true),
        ("its FQDN", here(), not_known("cluster2.example"), Direction::Accepted, true),
        ("its certificate", here(), not_known("CN=cluster 2"), Direction::Accepted, true),
        (
            "its cluster ID",
            here(),
            refused(Outcome::DuplicateClusterId, "Cluster-2"),
            Direction::Accepted,
            true,
        ),
        ("another FQDN", here(), not_known("cluster3.example"), Direction::Accepted, false),
        (
            "another cluster ID",
            here(),
            refused(Outcome::DuplicateClusterId, "Cluster-3"),
            Direction::Accepted,
            false,
        ),
        ("the name that was dialled", unresolved.clone(), no_hub(), Direction::Dialled, true),
        ("that name, joined from outside", unresolved, no_hub(), Direction::Accepted, false),
    ] {
        let mut registry = registry_of(config(ClusterRole::Spoke), vec![]);
        let raised = happens(&mut registry, &on, happening);
        assert!(raised.is_some(), "{case}");
        happens(&mut registry, &link(2, joins), established(Some("CN=cluster 2")));
        assert_eq!(standing(&registry).is_empty(), cleared, "{case}");
    }
}

#[test]
fn a_join_from_elsewhere_clears_nothing() {
    let mut registry = registry();
    let other = Link {
        peer: crate::event::PeerAddress::Socket(([192, 0, 2, 10], 1).into()),
        ..link(1, Direction::Accepted)
    };
    happens(&mut registry, &other, Happening::OpenFailed);
    happens(&mut registry, &link(2, Direction::Accepted), established(None));
    assert_eq!(standing(&registry), [AlarmName::PwdAuthenticationFailed]);
}

#[test]
fn a_cluster_cannot_clear_alarms_by_its_name() {
    let mut registry = registry();
    serves(&mut registry, ServiceEvent::StoreFailed { error: "disk full".into() });
    happens(&mut registry, &link(1, Direction::Accepted), Happening::OpenFailed);
    let elsewhere = Link {
        peer: crate::event::PeerAddress::Socket(([192, 0, 2, 10], 1).into()),
        ..link(2, Direction::Accepted)
    };
    for name in ["database", "192.0.2.9"] {
        let peer = PeerName { cluster_id: name.parse().unwrap(), ..name_of(&info(2)) };
        happens(&mut registry, &elsewhere, Happening::Established { peer, certificate: None });
        assert_eq!(standing(&registry).len(), 2, "{name}");
    }
}

#[test]
fn a_restart_clears_every_alarm() {
    let mut registry = registry();
    happens(&mut registry, &link(1, Direction::Accepted), Happening::OpenFailed);
    serves(&mut registry, ServiceEvent::PeerCount { count: 201 });
    assert_eq!(standing(&registry).len(), 2);
    serves(&mut registry, ServiceEvent::Restarted);
    assert!(standing(&registry).is_empty());
    assert_eq!(registry.snapshot().since, Timestamp(5));
}

#[test]
fn the_database_alarm_stands_until_an_append_works() {
    let mut registry = registry();
    let failed = || ServiceEvent::StoreFailed { error: "disk full".into() };
    assert_eq!(serves(&mut registry, failed()), Some(AlarmName::DblException));
    assert_eq!(serves(&mut registry, failed()), None);
    assert_eq!(registry.store_error(), Some("disk full"));
    serves(&mut registry, ServiceEvent::StoreRecovered);
    assert_eq!((standing(&registry).len(), registry.store_error()), (0, None));
    assert_eq!(serves(&mut registry, failed()), Some(AlarmName::DblException));
}

#[test]
fn peer_limit_alarms_come_and_go_with_their_bounds() {
    let (warning, exceeded) = (AlarmName::PeerLimitApproachingWarning, AlarmName::PeerLimitExceeded);
    let mut registry = registry();
    for (count, raised, stand) in [
        (179, None, vec![]),
        (180, Some(warning), vec![warning]),
        (181, None, vec![warning]),
        (200, None, vec![warning]),
        (201, Some(exceeded), vec![warning, exceeded]),
        (202, None, vec![warning, exceeded]),
        (200, None, vec![warning]),
        (201, Some(exceeded), vec![warning, exceeded]),
        (180, None, vec![warning]),
        (179, None, vec![]),
        (180, Some(warning), vec![warning]),
    ] {
        assert_eq!(serves(&mut registry, ServiceEvent::PeerCount { count }), raised, "{count}");
        assert_eq!(standing(&registry), stand, "{count}");
    }
}

#[test]
fn an_attempt_keeps_its_first_outcome_and_its_end() {
    let mut registry = registry();
    let link = link(1, Direction::Accepted);
    for happening in [Happening::Accepted { admitted: None }, established(None), end(Outcome::Closed)] {
        happens(&mut registry, &link, happening);
    }
    let snapshot = registry.snapshot();
    let [attempt] = snapshot.attempts.as_slice() else {
        panic!("one connection, one attempt");
    };
    assert_eq!((attempt.outcome, attempt.steps.len()), (Some(Outcome::Joined), 3));
    assert_eq!(attempt.ended, Some((Timestamp(5), Outcome::Closed)));
    assert_eq!(attempt.peer, Some(name_of(&info(2))));
}

#[test]
fn an_attempt_keeps_32_steps_and_still_learns_its_end() {
    for (events, kept) in [(31, 31), (32, 32), (33, 32)] {
        let mut registry = registry();
        let link = link(1, Direction::Accepted);
        for _ in 1..events {
            happens(&mut registry, &link, Happening::Accepted { admitted: None });
        }
        happens(&mut registry, &link, end(Outcome::Timeout));
        let attempt = &registry.snapshot().attempts[0];
        assert_eq!((attempt.steps.len(), attempt.outcome), (kept, Some(Outcome::Timeout)), "{events} events");
        assert!(attempt.ended.is_some(), "{events} events");
    }
}

#[test]
fn a_flood_from_one_source_pushes_out_its_own_attempts_and_nobody_elses() {
    let mut registry = registry();
    let from = |id: u64, host: &str| Link {
        peer: PeerAddress::Socket(format!("{host}:9").parse().expect("an address")),
        ..link(id, Direction::Accepted)
    };
    for id in 0..3 {
        happens(&mut registry, &from(id, "192.0.2.1"), end(Outcome::PasswordMismatch));
    }
    let joined = from(3, "192.0.2.66");
    let established = Happening::Established { peer: name_of(&info(2)), certificate: None };
    for happening in [established, end(Outcome::Closed)] {
        happens(&mut registry, &joined, happening);
    }
    for id in 4..5_000 {
        happens(&mut registry, &from(id, "192.0.2.66"), end(Outcome::NotIls));
    }
    let left: Vec<u64> = registry.attempts.iter().map(|attempt| attempt.link.id.0).collect();
    assert_eq!(left.len(), limits::ATTEMPTS_KEPT);
    assert_eq!(left[..4], [0, 1, 2, 3], "others, and one that joined from there");
    assert_eq!(left.last(), Some(&4_999), "and the latest of the flood");
}

#[test]
fn of_257_attempts_the_oldest_ended_one_is_forgotten() {
    for (case, ended, gone) in [("one ended", Some(7), 7), ("none ended", None, 0)] {
        let mut registry = registry();
        for id in 0..256 {
            happens(&mut registry, &link(id, Direction::Accepted), Happening::Accepted { admitted: None });
        }
        if let Some(id) = ended {
            happens(&mut registry, &link(id, Direction::Accepted), end(Outcome::Closed));
        }
        assert_eq!(registry.attempts.len(), limits::ATTEMPTS_KEPT, "{case}");
        happens(&mut registry, &link(256, Direction::Accepted), Happening::Accepted { admitted: None });
        let left: Vec<u64> = registry.attempts.iter().map(|attempt| attempt.link.id.0).collect();
        let want: Vec<u64> = (0..=256).filter(|id| *id != gone).collect();
        assert_eq!(left, want, "{case}");
    }
}
