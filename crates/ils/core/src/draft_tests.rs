use super::*;
use crate::config::ClusterRole;
use crate::samples::{any_info, changes, claim, config, hub, info, join, registry_of, stored};
use proptest::prelude::*;
use serde_json::json;

/// A hub at which the hubs 1 and 2 and the spoke 3 have joined.
fn registry() -> Registry {
    let mut registry = registry_of(config(ClusterRole::Hub), vec![]);
    for (connection, info) in [(1, hub(1)), (2, hub(2)), (3, info(3))] {
        join(&mut registry, &claim(connection, info));
    }
    registry
}

#[derive(Clone, Debug)]
enum Move {
    Join(PeerInfo, Direction),
    Learn(u16, Vec<PeerInfo>),
    Forget(u16),
    Configure(Value),
}

fn any_patch() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"description": "changed"})),
        Just(json!({"description": null})),
        Just(json!({"use_tls": true})),
        Just(json!({"use_tls": null})),
        Just(json!({"role": "standalone"})),
        Just(json!({"role": null, "route_string": "cluster2.example"})),
        Just(json!({"use_password": false, "use_tls": false})),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    let direction = prop_oneof![Just(Direction::Accepted), Just(Direction::Dialled)];
    let entries = prop::collection::vec(any_info(), 0..5);
    prop_oneof![
        4 => (any_info(), direction).prop_map(|(info, direction)| Move::Join(info, direction)),
        3 => (1..6u16, entries).prop_map(|(from, entries)| Move::Learn(from, entries)),
        2 => (1..6u16).prop_map(Move::Forget),
        1 => any_patch().prop_map(Move::Configure),
    ]
}

/// Decides a move, and says what was decided in words that can be compared.
fn decide(draft: &mut Draft, registry: &Registry, connection: u64, one: &Move) -> String {
    match one {
        Move::Join(info, direction) => {
            let claim = Claim { direction: *direction, ..claim(connection, info.clone()) };
            format!("{:?}", draft.join(registry, &claim))
        }
        Move::Learn(from, entries) => {
            draft.learn(registry, info(*from).peer_id, &crate::samples::entries(entries));
            String::new()
        }
        Move::Forget(number) => format!("{:?}", draft.forget(registry, info(*number).peer_id)),
        Move::Configure(patch) => {
            let patch = patch.as_object().expect("an object");
            let base = Config::clone(draft.over(registry).config());
            let done = draft.configure(registry, &base, patch);
            let seen =
                |done: Reconfigured| (done.config.settings(), done.config.revision, done.config.conversation);
            format!("{:?}", done.map(seen))
        }
    }
}

/// What is durable of a registry.
fn durable(registry: &Registry) -> (Vec<KnownPeer>, Map<String, Value>, Map<String, Value>) {
    let known = registry.peers().map(|peer| peer.known.clone()).collect();
    (known, registry.settings().effective(), registry.config().settings())
}

proptest! {
    #[test]
    fn what_is_decided_over_a_draft_is_what_is_decided_once_it_is_applied(
        moves in prop::collection::vec(any_move(), 1..20),
    ) {
        let (mut base, mut applied, mut draft) = (registry(), registry(), Draft::default());
        for (connection, one) in (10..).zip(moves) {
            let mut alone = Draft::default();
            let before = changes(&draft).len();
            let want = decide(&mut alone, &applied, connection, &one);
            let got = decide(&mut draft, &base, connection, &one);
            prop_assert_eq!(got, want, "{:?}", &one);
            let added = changes(&draft).split_off(before);
            prop_assert_eq!(added, changes(&alone), "{:?}", &one);
            applied.apply(stored(alone));
            let mut seen: Vec<KnownPeer> = draft.over(&base).all().cloned().collect();
            seen.sort_by_key(|known| known.peer_id());
            prop_assert_eq!(seen, durable(&applied).0, "{:?}", &one);
        }
        base.apply(stored(draft));
        prop_assert_eq!(durable(&base), durable(&applied));
        prop_assert_eq!(base.snapshot().vector_version, applied.snapshot().vector_version);
        let links = |registry: &Registry| -> Vec<_> { registry.peers().map(|peer| peer.link.clone()).collect() };
        prop_assert_eq!(links(&base), links(&applied));
    }
}

#[test]
fn a_peer_that_is_forgotten_and_told_of_again_has_no_connection() {
    let registry = registry();
    let mut draft = Draft::default();
    let forgotten = draft.forget(&registry, hub(2).peer_id);
    assert_eq!(forgotten.and_then(|forgotten| forgotten.connection), Some(ConnectionId(2)));
    draft.learn(&registry, hub(1).peer_id, &crate::samples::entries(&[hub(2)]));
    let again = draft.forget(&registry, hub(2).peer_id).expect("it is known again");
    assert_eq!(again.connection, None);
    assert_eq!(draft.forget(&registry, hub(2).peer_id), None, "nobody is forgotten twice");
}

#[test]
fn a_draft_says_what_waits_for_it() {
    let registry = registry();
    let mut draft = Draft::default();
    draft.join(&registry, &claim(9, info(3))).expect("it is known");
    assert!(draft.is_empty(), "it says what it said before");
    assert!(draft.awaits(info(3).peer_id) && !draft.awaits(info(4).peer_id));
    assert!(!draft.reconfigures());
    let patch = json!({"description": "changed"});
    let base = Config::clone(registry.config());
    draft.configure(&registry, &base, patch.as_object().expect("an object")).expect("a change");
    assert!(draft.reconfigures() && !draft.is_empty());
    assert_eq!(registry.config().description.as_str(), "", "nothing counts yet");
}
