//! Somebody else's peer ID, cluster ID, FQDN or route string: refused, told, and nothing learned.

use ilslab_lab::Side;

use crate::world::{Node, Plan, World, until};

fn hub_and_spoke(world: &World) -> (Node, Node) {
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    hub.up_to_date(1);
    (hub, spoke)
}

#[test]
fn a_claim_of_anothers_name_is_refused_with_its_alarm_and_nothing_is_learned() {
    type Change = fn(Plan<'_>) -> Plan<'_>;
    let cases: [(&str, Change, &str, &str); 7] = [
        (
            "the spoke's cluster ID",
            |plan| plan.with("cluster-id", "spoke"),
            "duplicate-cluster-id",
            "3-ILSDuplicateClusterID: %[EntClusterID=spoke]",
        ),
        (
            "the hub's cluster ID",
            |plan| plan.with("cluster-id", "HUB"),
            "duplicate-cluster-id",
            "3-ILSDuplicateClusterID: %[EntClusterID=HUB]",
        ),
        (
            "the default cluster ID",
            |plan| plan.without("cluster-id"),
            "default-cluster-id",
            "3-ILSDuplicateClusterID: %[EntClusterID=StandAloneCluster]",
        ),
        (
            "the spoke's FQDN",
            |plan| plan.with("fqdn", "spoke.lab.example").with("route-string", "third"),
            "duplicate-identity",
            "3-ILSUnacceptableConnectionAttempt: ",
        ),
        (
            "the hub's FQDN",
            |plan| plan.with("fqdn", "Hub.lab.example").with("route-string", "third"),
            "duplicate-identity",
            "3-ILSUnacceptableConnectionAttempt: ",
        ),
        (
            "the spoke's route string",
            |plan| plan.with("route-string", "spoke.lab.example"),
            "duplicate-identity",
            "3-ILSUnacceptableConnectionAttempt: ",
        ),
        (
            "the hub's route string",
            |plan| plan.with("route-string", "hub.lab.example"),
            "duplicate-identity",
            "3-ILSUnacceptableConnectionAttempt: ",
        ),
    ];
    for (case, change, outcome, alarm) in cases {
        let world = World::new();
        let (hub, _spoke) = hub_and_spoke(&world);
        let third = change(world.node(Side::Spoke, "third").password("one password").of(&hub)).start();
        assert_eq!(third.outcome(), outcome, "{case}");
        hub.sees(outcome);
        until("the alarm", || hub.alarm_file().iter().any(|line| line.starts_with(alarm)).then_some(()));
        assert_eq!(hub.list("peers").len(), 1, "{case}: nothing is learned");
        assert_eq!(third.list("peers").len(), 0, "{case}: nothing is learned");
    }
}

#[test]
fn a_copied_database_is_somebody_elses_peer_id() {
    let world = World::new();
    let (hub, spoke) = hub_and_spoke(&world);
    let third = world.node(Side::Spoke, "third").password("one password").of(&hub);
    let copy = third.data().join("db");
    std::fs::create_dir_all(&copy).expect("a folder");
    assert!(spoke.daemon.stop().is_some_and(|status| status.success()));
    for file in std::fs::read_dir(world.path("spoke/data/db")).expect("a folder") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), copy.join(file.file_name())).expect("copies");
    }
    let third = third.start();
    assert_eq!(third.outcome(), "duplicate-identity");
    let peers = hub.list("peers");
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0]["fqdn"], "spoke.lab.example", "the entry is still the first one's");
}
