use super::*;
use crate::config::ClusterRole;
use crate::draft::Draft;
use crate::registry::Registry;
use crate::samples::{
    OWN, claim, config, decided, hub, info, join, known, registry, registry_of, stored, tls_claim,
};
use ils_wire::{ClusterId, Role};

type Row = (&'static str, fn(&mut PeerInfo), Option<Reason>);

/// A hub that knows clusters 1 (below its own peer ID) and 900 (above it), and judges what cluster 2 claims.
fn judged(change: fn(&mut PeerInfo)) -> Result<(), Denied> {
    let registry = registry_of(config(ClusterRole::Hub), vec![known(info(1)), known(hub(900))]);
    let mut claimed = info(2);
    change(&mut claimed);
    decided(&registry, &claim(1, claimed)).map(|_| ())
}

#[test]
fn nobody_takes_anothers_name() {
    let rows: &[Row] = &[
        ("its own names", |_| {}, None),
        ("a peer ID below", |claimed| claimed.peer_id = info(1).peer_id, Some(Reason::DuplicateIdentity)),
        ("a peer ID above", |claimed| claimed.peer_id = info(900).peer_id, Some(Reason::DuplicateIdentity)),
        ("our peer ID", |claimed| claimed.peer_id = info(OWN).peer_id, Some(Reason::DuplicateIdentity)),
        ("a cluster ID", |claimed| claimed.cluster_id = info(1).cluster_id, Some(Reason::DuplicateClusterId)),
        (
            "our cluster ID",
            |claimed| claimed.cluster_id = info(OWN).cluster_id,
            Some(Reason::DuplicateClusterId),
        ),
        (
            "a cluster ID in other case",
            |claimed| claimed.cluster_id = "cLUSTER-1".parse().unwrap(),
            Some(Reason::DuplicateClusterId),
        ),
        (
            "our cluster ID in other case",
            |claimed| claimed.cluster_id = "CLUSTER-500".parse().unwrap(),
            Some(Reason::DuplicateClusterId),
        ),
        (
            "a cluster ID with one letter more",
            |claimed| claimed.cluster_id = "Cluster-1x".parse().unwrap(),
            None,
        ),
        ("an FQDN", |claimed| claimed.fqdn = info(1).fqdn, Some(Reason::DuplicateIdentity)),
        (
            "an FQDN in other case",
            |claimed| claimed.fqdn = "CLUSTER900.example.".parse().unwrap(),
            Some(Reason::DuplicateIdentity),
        ),
        ("our FQDN", |claimed| claimed.fqdn = info(OWN).fqdn, Some(Reason::DuplicateIdentity)),
        (
            "a route string",
            |claimed| claimed.route_string = info(900).route_string,
            Some(Reason::DuplicateIdentity),
        ),
        (
            "a route string in other case",
            |claimed| claimed.route_string = "Cluster1.Example".parse().unwrap(),
            Some(Reason::DuplicateIdentity),
        ),
        (
            "our route string",
            |claimed| claimed.route_string = info(OWN).route_string,
            Some(Reason::DuplicateIdentity),
        ),
        (
            "the default cluster ID",
            |claimed| claimed.cluster_id = ClusterId::default(),
            Some(Reason::DefaultClusterId),
        ),
        (
            "the default in other case",
            |claimed| claimed.cluster_id = "STANDALONECLUSTER".parse().unwrap(),
            Some(Reason::DefaultClusterId),
        ),
        (
            "everything of a cluster but its peer ID",
            |claimed| *claimed = PeerInfo { peer_id: claimed.peer_id, ..info(1) },
            Some(Reason::DuplicateClusterId),
        ),
        (
            "everything of a cluster but its FQDN",
            |claimed| *claimed = PeerInfo { fqdn: claimed.fqdn.clone(), ..info(1) },
            Some(Reason::DuplicateIdentity),
        ),
        ("all of a cluster, so it is that one", |claimed| *claimed = info(1), None),
    ];
    for (case, change, want) in rows {
        assert_eq!(judged(*change).err().map(|denied| denied.reason), *want, "{case}");
    }
}

#[test]
fn a_refusal_names_the_cluster_id_that_was_claimed() {
    let taken = judged(|claimed| claimed.cluster_id = "CLUSTER-1".parse().unwrap()).unwrap_err();
    assert_eq!(taken.claim, "CLUSTER-1");
    assert!(taken.text.contains("disconnect"), "the text says what to do: {}", taken.text);
    let rebuilt = judged(|claimed| claimed.fqdn = info(1).fqdn).unwrap_err();
    assert!(rebuilt.text.contains("`disconnect`") && rebuilt.claim.is_empty(), "{rebuilt:?}");
}

#[test]
fn the_default_cluster_id_refuses_on_either_side() {
    let mut unnamed = config(ClusterRole::Spoke);
    unnamed.cluster_id = ClusterId::default();
    let registry = registry_of(unnamed, vec![]);
    let denied = decided(&registry, &claim(1, hub(2))).unwrap_err();
    assert_eq!((denied.reason, denied.claim.as_str()), (Reason::DefaultClusterId, "StandAloneCluster"));
    assert!(denied.text.starts_with("cluster500.example"), "it is ours that has no name: {}", denied.text);
    let theirs = judged(|claimed| claimed.cluster_id = "standalonecluster".parse().unwrap()).unwrap_err();
    assert_eq!(theirs.claim, "standalonecluster");
    assert!(theirs.text.starts_with("cluster2.example"), "{}", theirs.text);
}

fn tls() -> Registry {
    crate::samples::tls_registry()
}

#[test]
fn on_tls_the_fqdn_is_one_that_the_certificate_carries() {
    for (case, names, good) in [
        ("its only name", &["cluster2.example"][..], true),
        ("in other case", &["Cluster2.EXAMPLE"], true),
        ("one of several", &["a.example", "cluster2.example"], true),
        ("another name", &["cluster1.example"], false),
        ("a longer one", &["cluster2.example.org"], false),
        ("a wildcard", &["*.example"], false),
        ("no name at all", &[], false),
    ] {
        let denied = decided(&tls(), &tls_claim(1, info(2), names)).err();
        let told = denied.map(|denied| (denied.reason, denied.claim));
        assert_eq!(told, (!good).then(|| (Reason::FqdnMismatch, "cluster2.example".into())), "{case}");
    }
}

#[test]
fn a_mismatch_tells_the_name_that_the_certificate_has() {
    let claim = Claim { shown: Some("cluster2.example ".into()), ..tls_claim(1, info(2), &[]) };
    let denied = decided(&tls(), &claim).expect_err("a blank is no part of a host name");
    let want = "the certificate carries `cluster2.example `, not the FQDN cluster2.example; reissue it with that name";
    assert_eq!(denied.text, want);
}

#[test]
fn what_an_fqdn_let_in_is_the_peer_with_that_fqdn() {
    let mut registry = tls();
    join(&mut registry, &tls_claim(1, info(1), &["cluster1.example"]));
    join(&mut registry, &tls_claim(2, info(3), &["cluster3.example"]));
    let another_id = PeerInfo { fqdn: info(1).fqdn, ..info(2) };
    for (case, claimed, names, admitted_by, good) in [
        ("the peer itself", info(1), &["cluster1.example"][..], "cluster1.example", true),
        ("in other case", info(1), &["cluster1.example"], "CLUSTER1.example", true),
        ("with another peer ID", another_id, &["cluster1.example"], "cluster1.example", false),
        (
            "under a second name",
            info(3),
            &["cluster1.example", "cluster3.example"],
            "cluster1.example",
            false,
        ),
        ("never seen", info(4), &["cluster1.example", "cluster4.example"], "cluster1.example", false),
        ("forgotten meanwhile", info(5), &["cluster5.example"], "cluster5.example", false),
    ] {
        let claim = Claim { admitted_by: Some(admitted_by.into()), ..tls_claim(9, claimed, names) };
        let told = decided(&registry, &claim).err().map(|denied| denied.reason);
        assert_eq!(told, (!good).then_some(Reason::FqdnMismatch), "{case}");
    }
}

#[test]
fn a_certificate_of_its_own_does_not_open_anothers_place() {
    let mut registry = tls();
    join(&mut registry, &tls_claim(1, info(1), &["cluster1.example"]));
    let thief = PeerInfo { peer_id: info(1).peer_id, ..info(2) };
    let denied = decided(&registry, &tls_claim(2, thief, &["cluster2.example"])).unwrap_err();
    assert_eq!(denied.reason, Reason::DuplicateIdentity);
}

#[test]
fn a_role_is_fixed_at_the_first_join() {
    let mut registry = registry();
    join(&mut registry, &claim(1, info(2)));
    let denied = decided(&registry, &claim(2, hub(2))).unwrap_err();
    assert_eq!(denied.reason, Reason::RoleChanged);
    assert_eq!(decided(&registry, &claim(2, info(2))).map(|changes| changes.len()), Ok(0));
    let mut draft = Draft::default();
    draft.forget(&registry, info(2).peer_id);
    registry.apply(stored(draft));
    let changes = decided(&registry, &claim(3, hub(2))).expect("forgotten, it may be anything");
    assert_eq!(changes.len(), 1);
    assert_eq!(hub(2).role, Role::Hub);
}

#[test]
fn a_row_key_is_a_uuid_of_the_two_clusters() {
    let key = pkid(info(1).peer_id, info(2).peer_id);
    let groups: Vec<usize> = key.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{key}");
    assert_eq!(key.chars().nth(14), Some('8'), "version 8 of RFC 9562: {key}");
    assert_eq!(key.chars().nth(19), Some('8'), "variant: {key}");
    assert!(key.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)), "{key}");
    assert_eq!(key, pkid(info(1).peer_id, info(2).peer_id), "the same for the same two");
    for other in [pkid(info(2).peer_id, info(1).peer_id), pkid(info(1).peer_id, info(3).peer_id)] {
        assert_ne!(key, other);
    }
}
