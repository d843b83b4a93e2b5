//! What was acknowledged is there after a kill; a full disk costs lines and joins, never what was acknowledged.

use ils_faces::Calls;
use ilslab_lab::Side;
use serde_json::json;

use crate::world::{Node, World};

#[test]
fn a_node_killed_at_any_instant_comes_back_with_what_it_had_acknowledged() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password");
    let mut wanted = String::new();
    for round in 0..5 {
        let hub = plan.start();
        let config = hub.client.config().expect("the API answers");
        assert_eq!(config["description"], wanted, "round {round}");
        wanted = format!("round {round}");
        hub.set(json!({"description": wanted, "sync_every": format!("{}m", round + 1)}));
        // The answer is the acknowledgement; nothing is waited for after it.
        hub.daemon.kill();
    }
    let hub = plan.start();
    let config = hub.client.config().expect("the API answers");
    assert_eq!((&config["description"], &config["sync_every"]), (&json!("round 4"), &json!("5m")));
}

#[test]
fn a_node_killed_during_a_change_has_all_of_it_or_nothing() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("password 0");
    let (mut now, mut whole) = (0, 0);
    for round in 1..=6 {
        let Node { daemon, client, data } = plan.start();
        let change =
            json!({"description": format!("round {round}"), "password": format!("password {round}")});
        let change = change.as_object().expect("an object").clone();
        let patch = std::thread::spawn(move || client.patch(&change).is_ok());
        // Between the password and the settings, or a little later.
        let prepared = data.join("platform/network.key.next");
        while !prepared.exists() && !patch.is_finished() {
            std::thread::yield_now();
        }
        daemon.kill();
        let acknowledged = patch.join().expect("no panic");
        let hub = plan.start();
        let description = hub.client.config().expect("the API answers")["description"].clone();
        if description == format!("round {round}") {
            (now, whole) = (round, whole + 1);
        }
        let old = if now == 0 { String::new() } else { format!("round {now}") };
        assert_eq!(description, old, "round {round}: nothing else");
        assert!(now == round || !acknowledged, "round {round} was acknowledged");
        let spoke = world.node(Side::Spoke, &format!("spoke{round}")).password(&format!("password {now}"));
        assert_eq!(spoke.of(&hub).start().outcome(), "joined", "round {round}: the password of round {now}");
    }
    println!("{whole} of 6 changes were stored");
}

#[test]
fn a_joined_peer_is_known_after_a_kill_of_both_and_keeps_its_peer_id() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").alone().password("one password");
    let hub = plan.start();
    let spoke_plan = world.node(Side::Spoke, "spoke").password("one password").of(&hub);
    let spoke = spoke_plan.start();
    hub.up_to_date(1);
    spoke.up_to_date(1);
    let before = [hub.list("peers")[0]["peer_id"].clone(), spoke.list("peers")[0]["peer_id"].clone()];
    hub.daemon.kill();
    spoke.daemon.kill();
    let spoke = spoke_plan.start();
    assert_eq!(spoke.list("peers")[0]["peer_id"], before[1], "known though the hub is away");
    let hub = plan.start();
    assert_eq!(hub.list("peers")[0]["peer_id"], before[0]);
}

#[test]
fn a_changed_start_up_value_drops_what_was_changed_while_running() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password");
    let hub = plan.start();
    hub.set(json!({"description": "changed while running", "sync_every": "1m"}));
    assert!(hub.daemon.stop().is_some_and(|status| status.success()));
    let hub = plan.clone().with("description", "changed at start").start();
    let config = hub.client.config().expect("the API answers");
    assert_eq!(config["description"], "changed at start");
    assert_eq!(config["sync_every"], "1m", "its start-up value is the same");
    assert!(hub.daemon.stop().is_some_and(|status| status.success()));
    let hub = plan.start();
    let config = hub.client.config().expect("the API answers");
    assert_eq!(config["description"], "", "dropped for good");
}
