//! Somebody else's peer ID, cluster ID, FQDN or route string: refused, told, and nothing learned.

use std::path::Path;

use ilslab_lab::Side;
use serde_json::json;

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

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copies")),
        }
    }
}

#[test]
fn a_copied_database_takes_nobodys_peer_id() {
    let world = World::new();
    let (hub, spoke) = hub_and_spoke(&world);
    let peer_id = hub.list("peers")[0]["peer_id"].clone();
    let third = world.node(Side::Spoke, "third").password("one password").of(&hub);
    assert!(spoke.daemon.stop().is_some_and(|status| status.success()));
    copy(&world.path("spoke/data/db"), &third.data().join("db"));
    let third = third.start();
    assert_eq!(third.outcome(), "joined", "its own key is another");
    hub.up_to_date(1);
    let peers = hub.list("peers");
    assert_eq!(peers.len(), 2);
    let spoke = peers.iter().find(|peer| peer["fqdn"] == "spoke.lab.example").expect("it is still known");
    assert_eq!(spoke["peer_id"], peer_id);
    let given_up = format!("the peer ID {} is given up: this node is", peer_id.as_str().expect("text"));
    let said = std::fs::read_to_string(world.path("third").join("spoke.stderr")).expect("a file");
    assert!(said.contains(&given_up), "{said}");
}

#[test]
fn a_copied_data_folder_is_refused_while_the_first_node_runs_and_joins_once_that_has_ended() {
    let world = World::new();
    let (hub, spoke) = hub_and_spoke(&world);
    let peer_id = hub.list("peers")[0]["peer_id"].clone();
    let clone = world.node(Side::Spoke, "clone").password("one password").of(&hub);
    let clone = clone.with("cluster-id", "spoke").with("fqdn", "spoke.lab.example");
    copy(&world.path("spoke/data"), &clone.data());
    let clone = clone.start();
    assert_eq!(clone.outcome(), "duplicate-identity");
    let alarm = "3-ILSUnacceptableConnectionAttempt: ";
    until("the alarm", || hub.alarm_file().iter().any(|line| line.starts_with(alarm)).then_some(()));
    let peers = hub.list("peers");
    assert_eq!((peers.len(), &peers[0]["connected"]), (1, &json!(true)), "the first one stays");
    assert!(spoke.list("connections").iter().all(|attempt| attempt["ended"].is_null()), "undisturbed");
    spoke.daemon.kill();
    clone.up_to_date(1);
    assert_eq!(hub.list("peers")[0]["peer_id"], peer_id, "with the key it is that one");
}
