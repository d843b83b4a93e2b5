use super::*;
use crate::config::ClusterRole;
use crate::draft::Draft;
use crate::ledger::Change;
use crate::registry::Registry;
use crate::samples::{changes, config, registry_of, stored};
use crate::settings::Override;
use serde_json::json;
use std::time::Duration;

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// A patch, decided; and what it comes to.
fn configured(registry: &Registry, value: Value) -> Result<(Draft, Reconfigured), SettingError> {
    let base = Config::clone(registry.config());
    let mut draft = Draft::default();
    draft.configure(registry, &base, &patch(value)).map(|done| (draft, done))
}

/// A patch, decided and stored.
fn configure(registry: &mut Registry, value: Value) {
    let (draft, _) = configured(registry, value).unwrap();
    registry.apply(stored(draft));
}

fn hub() -> Registry {
    registry_of(config(ClusterRole::Hub), vec![])
}

#[test]
fn a_patch_changes_what_it_names_and_is_stored_with_what_it_replaced() {
    let mut registry = hub();
    let (draft, done) = configured(&registry, json!({"use_tls": true, "description": "lab"})).unwrap();
    let replaced =
        |key: &str, value, replaced| Change::SettingChanged(Override { key: key.into(), value, replaced });
    let want =
        [replaced("description", json!("lab"), json!("")), replaced("use_tls", json!(true), json!(false))];
    let mut made = changes(&draft);
    let Some(Change::Said(entry)) = made.pop() else { panic!("it says something else from now on") };
    assert_eq!(made, want);
    assert_eq!((entry.version(), entry.info().description.as_str()), (2, "lab"));
    assert_eq!(done.keys, ["description", "use_tls"]);
    assert!(!registry.config().uses_tls(), "nothing changes before it is stored");
    registry.apply(stored(draft));
    let config = registry.config();
    assert!(config.uses_tls() && config.boxes.password && config.description.as_str() == "lab");
    assert_eq!(registry.own().map(|own| own.info().description.to_string()), Some("lab".into()));
}

#[test]
fn null_takes_a_change_back() {
    let mut registry = hub();
    configure(&mut registry, json!({"sync_every": "30s"}));
    assert_eq!(registry.config().sync_every, Duration::from_secs(30));
    let (reset, _) = configured(&registry, json!({"sync_every": null})).unwrap();
    assert_eq!(changes(&reset), [Change::SettingDropped("sync_every".into())]);
    registry.apply(stored(reset));
    assert_eq!(registry.config().sync_every, Duration::from_secs(600));
}

#[test]
fn a_second_change_still_says_what_the_start_up_value_was() {
    let mut registry = hub();
    configure(&mut registry, json!({"description": "first"}));
    let again = changes(&configured(&registry, json!({"description": "second"})).unwrap().0);
    let [Change::SettingChanged(change), Change::Said(_)] = again.as_slice() else {
        panic!("{again:?}");
    };
    assert_eq!((&change.value, &change.replaced), (&json!("second"), &json!("")));
}

#[test]
fn a_patch_that_cannot_be_names_the_setting_to_change() {
    for (case, value, key) in [
        ("an unknown key", json!({"use_tsl": true}), "use_tsl"),
        ("a key that is not on the page", json!({"cluster_id": "x"}), "cluster_id"),
        ("neither box", json!({"use_password": false}), "use_tls"),
        ("text for a box", json!({"use_tls": "yes"}), "use_tls"),
        ("a spoke without a server", json!({"role": "spoke"}), "registration_server"),
        ("a role that is none", json!({"role": "Hub"}), "role"),
        ("an interval that is too short", json!({"sync_every": "0s"}), "sync_every"),
        ("an interval that is a number", json!({"sync_every": 10}), "sync_every"),
        ("an empty route string", json!({"route_string": ""}), "route_string"),
        ("a route string of 65", json!({"route_string": "r".repeat(65)}), "route_string"),
        ("a description of 129", json!({"description": "d".repeat(129)}), "description"),
        ("a description with a line feed", json!({"description": "a\nb"}), "description"),
        ("a server with a port", json!({"registration_server": "hub.example:7501"}), "registration_server"),
        (
            "a server that is a URL",
            json!({"registration_server": "http://hub.example"}),
            "registration_server",
        ),
        ("a server in half a bracket", json!({"registration_server": "[::1"}), "registration_server"),
        ("a server in a zone", json!({"registration_server": "fe80::1%eth0"}), "registration_server"),
        ("a server that no DNS has", json!({"registration_server": "a..b"}), "registration_server"),
        ("a server that is a blank", json!({"registration_server": " "}), "registration_server"),
        ("a server with a space", json!({"registration_server": "hub example"}), "registration_server"),
        ("one good value, one bad", json!({"description": "fine", "use_tls": 1}), "use_tls"),
    ] {
        let registry = hub();
        let error = configured(&registry, value).err().unwrap_or_else(|| panic!("{case} is taken"));
        assert_eq!(error.key, key, "{case}: {error}");
        assert_eq!(registry.config().revision, 1, "{case}");
    }
}

#[test]
fn values_at_their_bounds_are_taken() {
    for (case, value) in [
        ("a route string of 64", json!({"route_string": "r".repeat(64)})),
        ("a description of 128", json!({"description": "d".repeat(128)})),
        ("the shortest interval", json!({"sync_every": "1s"})),
        ("the longest interval", json!({"sync_every": "1440m"})),
        ("TLS alone", json!({"use_tls": true, "use_password": false})),
        ("a spoke with its server", json!({"role": "spoke", "registration_server": "hub.example"})),
        ("a server by IPv4", json!({"registration_server": "192.0.2.1"})),
        ("a server by IPv6", json!({"registration_server": "2001:db8::1"})),
        ("a server by IPv6 in brackets", json!({"registration_server": "[2001:db8::1]"})),
        ("a server with an underscore", json!({"registration_server": "ils_hub"})),
        ("no server", json!({"registration_server": ""})),
        ("standalone", json!({"role": "standalone"})),
        ("nothing", json!({})),
    ] {
        let registry = hub();
        if let Err(error) = configured(&registry, value) {
            panic!("{case}: {error}");
        }
    }
}

#[test]
fn use_password_needs_a_password() {
    let mut config = config(ClusterRole::Hub);
    config.boxes = ils_wire::Boxes { tls: true, password: false };
    config.network_key = None;
    let registry = registry_of(config, vec![]);
    let error = configured(&registry, json!({"use_password": true})).err().expect("no password");
    assert_eq!(error.key, "use_password");
    let mut base = Config::clone(registry.config());
    base.network_key = Some(ils_wire::NetworkKey::from_bytes([1; 32]));
    let config =
        Draft::foresee(&registry, &base, &patch(json!({"use_password": true}))).expect("it comes with one");
    assert!(config.sealing_key().is_some());
}

#[test]
fn only_a_change_that_ends_connections_raises_the_conversation() {
    for (case, value, ends) in [
        ("the interval", json!({"sync_every": "30s"}), false),
        ("nothing", json!({}), false),
        ("a value that was there", json!({"use_password": true, "description": ""}), false),
        ("a box", json!({"use_tls": true}), true),
        ("the role", json!({"role": "standalone"}), true),
        ("the server", json!({"registration_server": "other.example"}), true),
        ("the route string", json!({"route_string": "route"}), true),
        ("the description", json!({"description": "lab"}), true),
        ("the interval and a box", json!({"sync_every": "30s", "use_tls": true}), true),
    ] {
        let mut registry = hub();
        configure(&mut registry, value);
        let config = registry.config();
        assert_eq!((config.revision, config.conversation), (2, 1 + u64::from(ends)), "{case}");
    }
}

#[test]
fn another_password_ends_the_conversation_and_the_same_one_does_not() {
    for (byte, conversation) in [(7, 1), (8, 2)] {
        let registry = hub();
        let mut base = Config::clone(registry.config());
        base.network_key = Some(ils_wire::NetworkKey::from_bytes([byte; 32]));
        let config = Draft::foresee(&registry, &base, &Map::new()).unwrap();
        assert_eq!(config.conversation, conversation);
        assert_eq!(config.differs_in_method(registry.config()), conversation == 2);
    }
}

#[test]
fn the_counters_only_rise() {
    let mut registry = hub();
    for (value, counters) in [
        (json!({"use_tls": true}), (2, 2)),
        (json!({"sync_every": "30s"}), (3, 2)),
        (json!({"use_tls": null}), (4, 3)),
    ] {
        configure(&mut registry, value);
        assert_eq!((registry.config().revision, registry.config().conversation), counters);
    }
}
