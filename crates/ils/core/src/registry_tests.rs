use super::*;
use crate::draft::Draft;
use crate::ledger::ChangeSet;
use crate::ledger::Proof;
use crate::outcome::Outcome;
use crate::samples::{
    self, OWN, any_info, changes, claim, config, decided, displaced, hub, info, join, known, registry,
    registry_of, stored, tls_claim,
};
use ils_wire::{Reason, Role};
use proptest::prelude::*;
use std::collections::HashSet;

/// What a batch teaches, stored at once; answers how many changes there were.
fn learn(registry: &mut Registry, from: &PeerInfo, entries: &[PeerInfo]) -> usize {
    let mut draft = Draft::default();
    draft.learn(registry, from.peer_id, &samples::entries(entries));
    let learned = changes(&draft).len();
    registry.apply(stored(draft));
    learned
}

fn described(info: PeerInfo, words: &str) -> PeerInfo {
    PeerInfo { description: words.parse().unwrap(), ..info }
}

fn proof_of(registry: &Registry, info: &PeerInfo) -> Option<Proof> {
    registry.peers.get(&info.peer_id).map(|peer| peer.known.proof)
}

/// What forgetting stores, stored at once.
fn forget(registry: &mut Registry, info: &PeerInfo) -> ChangeSet {
    let mut draft = Draft::default();
    draft.forget(registry, info.peer_id);
    let forgotten = changes(&draft);
    registry.apply(stored(draft));
    forgotten
}

fn connection_of(registry: &Registry, info: &PeerInfo) -> Option<ConnectionId> {
    registry.peers.get(&info.peer_id)?.link.as_ref().map(|link| link.connection)
}

#[test]
fn a_join_is_learned_once_and_a_rejoin_changes_nothing() {
    let mut registry = registry();
    assert_eq!(join(&mut registry, &claim(1, info(2))), 1);
    let version = registry.vector_version;
    assert_eq!(join(&mut registry, &claim(2, info(2))), 0);
    registry.disconnected(ConnectionId(2));
    assert_eq!(join(&mut registry, &claim(3, info(2))), 0);
    assert_eq!(registry.vector_version, version);
}

#[test]
fn a_cluster_may_be_renamed() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    let renamed = PeerInfo { cluster_id: "Renamed".parse().unwrap(), ..described(info(2), "moved") };
    assert_eq!(join(&mut registry, &claim(2, renamed.clone())), 1);
    assert_eq!(registry.peers.len(), 1);
    assert_eq!(
        registry.peer(info(2).peer_id).map(|peer| peer.known.info().cluster_id.clone()),
        Some(renamed.cluster_id)
    );
    assert!(
        decided(&registry, &claim(3, PeerInfo { cluster_id: info(2).cluster_id, ..info(3) })).is_ok(),
        "its old name is free"
    );
}

#[test]
fn a_peer_that_comes_back_on_tls_is_proven_by_certificate_once() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    assert_eq!(proof_of(&registry, &info(2)), Some(Proof::Password));
    Arc::make_mut(&mut registry.config).boxes.tls = true;
    for (connection, changes) in [(2, 1), (3, 0)] {
        assert_eq!(join(&mut registry, &tls_claim(connection, info(2), &["cluster2.example"])), changes);
        assert_eq!(proof_of(&registry, &info(2)), Some(Proof::Certificate));
    }
}

#[test]
fn a_port_that_is_not_in_force_takes_nobody() {
    let tls = tls_claim(1, info(2), &["cluster2.example"]);
    let plain = claim(1, info(2));
    for (case, registry, claim, good) in [
        ("password on its port", registry(), plain.clone(), true),
        ("TLS where the password port is in force", registry(), tls.clone(), false),
        ("TLS on its port", crate::samples::tls_registry(), tls, true),
        ("password where the TLS port is in force", crate::samples::tls_registry(), plain, false),
    ] {
        let told = decided(&registry, &claim).err().map(|denied| denied.reason);
        assert_eq!(told, (!good).then_some(Reason::MethodChanged), "{case}");
    }
}

#[test]
fn a_standalone_cluster_takes_nobody_and_learns_nothing() {
    let mut registry = registry_of(config(ClusterRole::Standalone), vec![known(hub(2))]);
    assert_eq!(decided(&registry, &claim(1, info(3))).map_err(|denied| denied.reason), Err(Reason::Shutdown));
    assert_eq!(learn(&mut registry, &hub(2), &[info(3)]), 0);
    assert_eq!((registry.own(), registry.cluster_count()), (None, 1));
    assert!(registry.snapshot().vector_for(hub(2).peer_id).is_empty());
}

#[test]
fn of_two_connections_the_one_dialled_by_the_lower_peer_id_stays() {
    use Direction::{Accepted, Dialled};
    for (case, peer, first, second, wins) in [
        ("we are higher, they dialled first", 2, Accepted, Dialled, false),
        ("we are higher, they dialled second", 2, Dialled, Accepted, true),
        ("we are lower, they dialled first", 900, Accepted, Dialled, true),
        ("we are lower, they dialled second", 900, Dialled, Accepted, false),
        ("both accepted: the newer", 2, Accepted, Accepted, true),
        ("both dialled: the newer", 900, Dialled, Dialled, true),
    ] {
        let mut registry = registry();
        let claim = |id, direction| Claim { direction, ..claim(id, hub(peer)) };
        join(&mut registry, &claim(1, first));
        let decided = decided(&registry, &claim(2, second));
        assert_eq!(
            decided.as_ref().err().map(|denied| denied.reason),
            (!wins).then_some(Reason::Displaced),
            "{case}"
        );
        if wins {
            assert_eq!(
                displaced(&mut registry, &claim(2, second), Timestamp(2)),
                Some(ConnectionId(1)),
                "{case}"
            );
        }
        let stays = if wins { 2 } else { 1 };
        assert_eq!(connection_of(&registry, &hub(peer)), Some(ConnectionId(stays)), "{case}");
    }
}

#[test]
fn a_connection_of_the_old_port_gives_way_whoever_dialled_it() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    Arc::make_mut(&mut registry.config).boxes.tls = true;
    let dialled = Claim { direction: Direction::Dialled, ..tls_claim(2, hub(2), &["cluster2.example"]) };
    assert!(decided(&registry, &dialled).is_ok());
}

#[test]
fn an_older_connection_that_ends_leaves_the_newer_one_alone() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    assert_eq!(
        displaced(&mut registry, &claim(1, info(2)), Timestamp(1)),
        None,
        "the same one displaces nobody"
    );
    join(&mut registry, &claim(2, info(2)));
    registry.disconnected(ConnectionId(1));
    assert_eq!(connection_of(&registry, &info(2)), Some(ConnectionId(2)));
    registry.contact(info(2).peer_id, ConnectionId(1), true, Timestamp(50));
    assert_eq!(registry.peers[&info(2).peer_id].last_data, None, "the dead do not speak");
    registry.disconnected(ConnectionId(2));
    assert_eq!(connection_of(&registry, &info(2)), None);
}

#[test]
fn data_is_up_to_date_once_it_has_come_whole_since_the_join() {
    let mut registry = registry();
    let status = |registry: &Registry| registry.peers[&info(2).peer_id].synchronization();
    join(&mut registry, &claim(1, info(2)));
    assert_eq!(status(&registry), "Synchronizing");
    registry.contact(info(2).peer_id, ConnectionId(1), false, Timestamp(5));
    assert_eq!(status(&registry), "Synchronizing");
    registry.contact(info(2).peer_id, ConnectionId(1), true, Timestamp(6));
    assert_eq!(status(&registry), "Up to date");
    registry.disconnected(ConnectionId(1));
    assert_eq!(status(&registry), "Not connected");
    displaced(&mut registry, &claim(2, info(2)), Timestamp(7));
    assert_eq!(status(&registry), "Synchronizing", "what came before counts no more");
}

#[test]
fn a_hub_speaks_for_all_it_knows_and_a_spoke_for_itself_alone() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, info(3)));
    assert_eq!(learn(&mut registry, &info(3), &[info(4)]), 0, "a spoke");
    assert_eq!(learn(&mut registry, &hub(5), &[info(4)]), 0, "nobody known");
    assert_eq!(learn(&mut registry, &hub(2), &[hub(2), info(4), info(5)]), 2);
    assert_eq!(proof_of(&registry, &info(4)), Some(Proof::Relayed(hub(2).peer_id)));
    registry.disconnected(ConnectionId(1));
    assert_eq!(learn(&mut registry, &hub(2), &[info(6)]), 0, "a hub that is not there");
}

#[test]
fn what_is_relayed_never_changes_what_a_peer_said_itself() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, info(3)));
    let lies = [
        described(info(3), "moved"),
        described(hub(2), "itself, by another way"),
        PeerInfo { role: Role::Hub, ..info(3) },
    ];
    assert_eq!(learn(&mut registry, &hub(2), &lies), 0);
    assert_eq!(registry.peers[&info(3).peer_id].known.info(), &info(3));
}

#[test]
fn a_relayed_entry_that_takes_a_name_is_left_out_and_the_others_are_not() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, info(3)));
    let thieves = [
        PeerInfo { cluster_id: info(3).cluster_id, ..info(10) },
        PeerInfo { cluster_id: info(OWN).cluster_id, ..info(11) },
        PeerInfo { fqdn: info(3).fqdn, ..info(12) },
        PeerInfo { fqdn: info(OWN).fqdn, ..info(13) },
        PeerInfo { route_string: info(3).route_string, ..info(14) },
        PeerInfo { route_string: info(OWN).route_string, ..info(15) },
        PeerInfo { peer_id: info(OWN).peer_id, ..info(16) },
        PeerInfo { cluster_id: Default::default(), ..info(17) },
    ];
    assert_eq!(learn(&mut registry, &hub(2), &thieves), 0);
    let twins = [info(20), PeerInfo { cluster_id: "CLUSTER-20".parse().unwrap(), ..info(21) }, info(22)];
    assert_eq!(
        learn(&mut registry, &hub(2), &twins),
        2,
        "the second of one batch takes the name of the first"
    );
    assert_eq!(proof_of(&registry, &info(21)), None);
}

#[test]
fn two_hubs_that_relay_the_same_entry_do_not_take_it_from_each_other() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, hub(3)));
    assert_eq!(learn(&mut registry, &hub(2), &[info(4)]), 1);
    for _ in 0..3 {
        assert_eq!(learn(&mut registry, &hub(3), &[info(4)]), 0);
        assert_eq!(learn(&mut registry, &hub(2), &[info(4)]), 0);
    }
    assert_eq!(
        proof_of(&registry, &info(4)),
        Some(Proof::Relayed(hub(2).peer_id)),
        "the first to tell keeps it"
    );
    assert_eq!(learn(&mut registry, &hub(3), &[described(info(4), "news")]), 1, "news are news");
    assert_eq!(join(&mut registry, &claim(3, info(4))), 1, "the cluster itself");
    assert_eq!(proof_of(&registry, &info(4)), Some(Proof::Password));
}

#[test]
fn an_older_word_of_a_cluster_does_not_take_the_place_of_a_newer_one() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, hub(3)));
    let (old, new) = (described(info(4), "old"), described(info(4), "newer"));
    assert_eq!(learn(&mut registry, &hub(2), std::slice::from_ref(&new)), 1);
    for teller in [hub(2), hub(3)] {
        assert_eq!(learn(&mut registry, &teller, &[old.clone(), info(4)]), 0, "a hub may be behind, or lie");
        assert_eq!(registry.peers[&info(4).peer_id].known.info(), &new);
    }
}

#[test]
fn another_process_with_a_peers_key_is_refused_once_the_first_has_been_asked() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    let other = |is_last| Claim { instance: [2; 16], is_last, ..claim(2, info(2)) };
    for (is_last, rival) in [(false, Some(ConnectionId(1))), (true, None)] {
        let denied = decided(&registry, &other(is_last)).unwrap_err();
        assert_eq!((denied.reason, denied.rival), (Reason::DuplicateIdentity, rival));
        assert!(denied.text.contains("data folder of its own"), "{}", denied.text);
    }
    registry.disconnected(ConnectionId(1));
    assert_eq!(join(&mut registry, &other(true)), 0, "nobody stands in its place any more");
    let first = claim(3, info(2));
    assert!(decided(&registry, &first).is_err(), "now the other is the one that stands");
}

#[test]
fn a_peer_that_was_rebuilt_joins_once_it_is_forgotten() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    let rebuilt = PeerInfo { peer_id: info(3).peer_id, ..info(2) };
    assert!(decided(&registry, &claim(2, rebuilt.clone())).is_err());
    assert!(forget(&mut registry, &rebuilt).is_empty(), "nobody is known by that ID");
    assert_eq!(forget(&mut registry, &info(2)), [Change::Forgotten(info(2).peer_id)]);
    assert_eq!(join(&mut registry, &claim(2, rebuilt.clone())), 1);
    assert_eq!(registry.peers.keys().copied().collect::<Vec<_>>(), [rebuilt.peer_id]);
}

#[test]
fn a_vector_leaves_out_the_peer_and_what_it_told() {
    let mut registry = registry();
    join(&mut registry, &claim(1, hub(2)));
    join(&mut registry, &claim(2, hub(3)));
    join(&mut registry, &claim(3, info(4)));
    learn(&mut registry, &hub(2), &[info(20)]);
    learn(&mut registry, &hub(3), &[info(30)]);
    let own = registry.own().unwrap();
    for (to, want) in [
        (hub(2), vec![hub(3), info(4), info(30)]),
        (hub(3), vec![hub(2), info(4), info(20)]),
        (info(4), vec![hub(2), hub(3), info(20), info(30)]),
    ] {
        let vector = registry.snapshot().vector_for(to.peer_id);
        let mut want = samples::entries(&want);
        want.sort_by_key(Entry::peer_id);
        want.insert(0, own.clone());
        assert_eq!(vector, want, "to {}", to.cluster_id);
    }
}

#[test]
fn a_spoke_sends_itself_alone() {
    let registry = registry_of(config(ClusterRole::Spoke), vec![known(hub(2)), known(info(3))]);
    assert_eq!(registry.snapshot().vector_for(hub(2).peer_id), [registry.own().unwrap()]);
}

#[test]
fn two_hundred_clusters_are_advertised_and_no_more() {
    for (peers, want) in [(199, 199), (200, 200), (201, 200)] {
        let known = (1..=peers).map(|n| known(info(1000 + n))).collect();
        let vector = registry_of(config(ClusterRole::Hub), known).snapshot().vector_for(info(1001).peer_id);
        assert_eq!(vector.len(), want, "{peers} peers");
        assert_eq!(vector[0].peer_id(), info(OWN).peer_id, "itself in any case");
    }
}

#[test]
fn a_thousand_clusters_are_known_and_no_more() {
    let full = |count: u16| {
        let mut registry =
            registry_of(config(ClusterRole::Hub), (0..count).map(|n| known(hub(1000 + n))).collect());
        join(&mut registry, &claim(1, hub(1000)));
        registry
    };
    let mut last_place = full(999);
    assert_eq!(learn(&mut last_place, &hub(1000), &[info(1), info(2)]), 1, "one place is left");
    let mut registry = full(1000);
    let denied = decided(&registry, &claim(2, info(1))).unwrap_err();
    assert_eq!((denied.reason, Outcome::from(denied.reason)), (Reason::PeerLimit, Outcome::PeerLimit));
    assert_eq!(learn(&mut registry, &hub(1000), &[info(1)]), 0);
    assert!(decided(&registry, &claim(2, hub(1001))).is_ok(), "who is known may come");
    forget(&mut registry, &hub(1999));
    assert!(decided(&registry, &claim(2, info(1))).is_ok());
    assert_eq!(registry.cluster_count(), 1000, "itself included");
}

#[test]
fn what_was_not_stored_did_not_happen() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    let before = registry.snapshot();
    let mut draft = Draft::default();
    draft.join(&registry, &claim(2, info(3))).unwrap();
    draft.forget(&registry, info(2).peer_id).unwrap();
    drop(draft);
    assert!(registry.snapshot().is_same_as(&before));
    assert_eq!(connection_of(&registry, &info(2)), Some(ConnectionId(1)));
    assert_eq!(proof_of(&registry, &info(3)), None);
}

#[test]
fn a_snapshot_shares_what_has_not_changed_and_makes_anew_what_has() {
    type Step = fn(&mut Registry);
    let rows: [(&str, Step, [bool; 4]); 9] = [
        ("nothing", |_| {}, [true, true, true, true]),
        ("a contact", |registry| contact(registry, 1, false, 2), [false, true, true, true]),
        ("a contact at the same moment", |registry| contact(registry, 1, false, 1), [true; 4]),
        ("a contact of another connection", |registry| contact(registry, 9, true, 2), [true; 4]),
        ("data that is whole", |registry| contact(registry, 1, true, 1), [false, true, true, true]),
        (
            "the end of a connection",
            |registry| registry.disconnected(ConnectionId(1)),
            [false, true, true, true],
        ),
        ("the end of one that had not joined", |registry| registry.disconnected(ConnectionId(9)), [true; 4]),
        ("a join that teaches", |registry| rejoin(registry, info(3)), [false, true, true, false]),
        ("a join that teaches nothing", |registry| rejoin(registry, info(2)), [false, true, true, true]),
    ];
    for (case, step, want) in rows {
        let mut registry = registry();
        join(&mut registry, &claim(1, info(2)));
        let before = registry.snapshot();
        step(&mut registry);
        let after = registry.snapshot();
        let same = [
            Arc::ptr_eq(&before.peers, &after.peers),
            Arc::ptr_eq(&before.attempts, &after.attempts),
            Arc::ptr_eq(&before.alarms, &after.alarms),
            after.tells_peers_the_same_as(&before),
        ];
        assert_eq!(same, want, "{case}: peers, attempts, alarms, what peers are told");
        assert_eq!(after.is_same_as(&before), want == [true; 4], "{case}");
    }
}

fn rejoin(registry: &mut Registry, info: PeerInfo) {
    join(registry, &claim(2, info));
}

fn contact(registry: &mut Registry, connection: u64, whole: bool, now: i64) {
    registry.contact(info(2).peer_id, ConnectionId(connection), whole, Timestamp(now));
}

#[derive(Clone, Debug)]
enum Move {
    Join(PeerInfo),
    Learn(u16, Vec<PeerInfo>),
    Forget(u16),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        5 => any_info().prop_map(Move::Join),
        3 => (1..6u16, prop::collection::vec(any_info(), 0..5)).prop_map(|(from, entries)| Move::Learn(from, entries)),
        1 => (1..6u16).prop_map(Move::Forget),
    ]
}

proptest! {
    #[test]
    fn whatever_is_claimed_no_two_clusters_share_a_name(moves in prop::collection::vec(any_move(), 1..40)) {
        let mut registry = registry();
        for (connection, one) in (1..).zip(moves) {
            match one {
                Move::Join(info) => {
                    let claim = claim(connection, info);
                    if decided(&registry, &claim).is_ok() {
                        join(&mut registry, &claim);
                        prop_assert_eq!(&registry.peers[&claim.entry.peer_id()].known.entry, &claim.entry);
                    }
                }
                Move::Learn(from, entries) => { learn(&mut registry, &info(from), &entries); }
                Move::Forget(n) => { forget(&mut registry, &info(n)); }
            }
            let own = registry.own().unwrap();
            let all: Vec<&PeerInfo> = registry.peers.values().map(|peer| peer.known.info()).chain([own.info()]).collect();
            let name: [fn(&PeerInfo) -> &str; 3] =
                [|one| one.cluster_id.as_str(), |one| one.fqdn.as_str(), |one| one.route_string.as_str()];
            for name in name {
                let names: HashSet<String> = all.iter().map(|one| name(one).to_ascii_lowercase()).collect();
                prop_assert_eq!(names.len(), all.len());
            }
        }
    }
}
