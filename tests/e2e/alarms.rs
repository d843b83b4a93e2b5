//! An alarm is told once while it stands, however often the peer tries, and again after a join has ended it.

use ils_faces::Calls;
use ilslab_lab::Side;
use serde_json::json;

use crate::world::{Node, World, until};

/// Waits until so many attempts have failed.
fn failures(node: &Node, outcome: &str, count: usize) {
    until("more failures", || {
        let failed = node.list("connections").into_iter().filter(|attempt| attempt["outcome"] == outcome);
        (failed.count() >= count).then_some(())
    });
}

#[test]
fn an_alarm_is_written_once_a_key_until_a_join_ends_it() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("another").of(&hub).start();
    failures(&hub, "password-mismatch", 3);
    let told = |lines: &[ilslab_trace::Line]| {
        lines.iter().filter(|line| line.text().contains("sending ILSPwd")).count()
    };
    until("the alarm", || (!hub.alarm_file().is_empty()).then_some(()));
    assert_eq!(hub.alarm_file().len(), 1, "{:?}", hub.alarm_file());
    assert_eq!(told(&hub.trace()), 1);
    spoke.set(json!({"password": "one password"}));
    hub.up_to_date(1);
    assert!(hub.list("alarms").is_empty(), "a join from that address ends it");
    spoke.set(json!({"password": "another"}));
    failures(&hub, "password-mismatch", 5);
    until("the alarm again", || (hub.alarm_file().len() == 2).then_some(()));
    assert_eq!(told(&hub.trace()), 2);
}

#[test]
fn a_service_restart_ends_alarms_too() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub);
    let spoke = spoke.with("registration-password-port", 1).start();
    until("the alarm", || {
        spoke.list("alarms").iter().any(|alarm| alarm["name"] == "ILSHubClusterUnreachable").then_some(())
    });
    let before = spoke.alarm_file().len();
    spoke.client.restart().expect("the service restarts");
    until("the alarm again", || (spoke.alarm_file().len() > before).then_some(()));
}
