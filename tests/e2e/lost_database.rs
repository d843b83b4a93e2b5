//! A database that is taken away or exchanged under a running node: it is told, nothing is acknowledged that a start would
//! not find, and what was acknowledged is found.

use std::fs;

use ils_faces::Calls;
use ilslab_desk::ClientError;
use ilslab_lab::Side;
use serde_json::{Map, Value, json};

use crate::world::{Node, World, until};

/// The settings that change only the description.
fn description(text: &str) -> Map<String, Value> {
    json!({"description": text}).as_object().expect("an object").clone()
}

/// A change is refused as one that a later try may bring about; answers why.
fn refuses(node: &Node) -> String {
    match node.client.patch(&description("lost")) {
        Err(ClientError::Problem { status: 503, detail, .. }) => detail,
        other => panic!("not refused: {other:?}"),
    }
}

/// Waits until it says that it is of use, or that it is not.
fn is_ready(node: &Node, wanted: bool) {
    until("readiness", || (node.client.ready().ok()?.ready == wanted).then_some(()));
}

fn has_alarm(node: &Node) -> bool {
    node.list("alarms").iter().any(|alarm| alarm["name"] == "ILSDBLException")
}

#[test]
fn a_database_that_goes_under_a_running_hub_is_told_and_all_recovers_when_it_is_back() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").alone().password("one password");
    let hub = plan.start();
    let first = world.node(Side::Spoke, "first").password("one password").of(&hub).start();
    hub.up_to_date(1);
    first.up_to_date(1);
    hub.set(json!({"description": "before"}));
    let (database, away) = (plan.data().join("db"), plan.data().join("away"));
    fs::rename(&database, &away).expect("moved away");

    is_ready(&hub, false);
    until("the alarm", || has_alarm(&hub).then_some(()));
    let why = refuses(&hub);
    assert!(why.contains("ils.sqlite has gone while this program runs; put it back"), "{why}");
    let second = world.node(Side::Spoke, "second").password("one password").of(&hub).start();
    assert_eq!(second.outcome(), "temporary");
    assert!(!database.exists(), "none is made in its place");
    assert_eq!(hub.list("peers").len(), 1, "nobody is shown who is not stored");
    assert_eq!(first.list("peers").len(), 1, "nor told of");

    fs::rename(&away, &database).expect("moved back");
    hub.up_to_date(2);
    is_ready(&hub, true);
    until("the alarm is over", || (!has_alarm(&hub)).then_some(()));
    hub.set(json!({"description": "after"}));
    hub.daemon.kill();
    let hub = plan.start();
    assert_eq!(hub.client.config().expect("the API answers")["description"], "after");
    assert_eq!(hub.list("peers").len(), 2, "what was acknowledged is there");
}

#[test]
fn a_backup_in_its_place_is_taken_up_by_the_next_start_alone() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password");
    let database = plan.data().join("db/ils.sqlite");
    let backup = world.path("backup.sqlite");
    let hub = plan.start();
    hub.set(json!({"description": "as in the backup"}));
    hub.daemon.stop().expect("it ends");
    // Closed, it has in one file what was in two.
    drop(ils_store::Store::open(&database).expect("it opens"));
    fs::copy(&database, &backup).expect("a copy");

    let hub = plan.start();
    hub.set(json!({"description": "later"}));
    fs::rename(&backup, &database).expect("put in its place");
    is_ready(&hub, false);
    let why = refuses(&hub);
    assert!(why.contains("ils.sqlite is another file than the one that this program has opened"), "{why}");
    assert_eq!(hub.client.config().expect("the API answers")["description"], "later");
    hub.daemon.kill();
    let hub = plan.start();
    assert_eq!(hub.client.config().expect("the API answers")["description"], "as in the backup");
    is_ready(&hub, true);
}
