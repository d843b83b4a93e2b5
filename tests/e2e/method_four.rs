//! Method 4 is the real thing: joined by password, switched to TLS while running, joined again because the FQDN is
//! known, with no certificate exchanged; and nobody else gets in that way.

use ils_faces::Calls;
use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;
use serde_json::{Value, json};

use crate::world::{Lab, Node, Papers, Plan, World, until};

fn tls() -> Value {
    json!({"use_tls": true, "use_password": false})
}

/// How the join on TLS was admitted.
fn admitted(node: &Node, revision: u64) -> String {
    until("the branch", || {
        let attempts = node.list("connections").into_iter();
        let joined = attempts.filter(|attempt| {
            attempt["outcome"] == "joined" && attempt["revision"].as_u64() >= Some(revision)
        });
        let steps = joined.flat_map(|attempt| attempt["steps"].as_array().cloned().unwrap_or_default());
        steps.map(|step| step["admitted"].clone()).find(|admitted| !admitted.is_null())
    })
    .to_string()
}

/// The only version that a node speaks.
const VERSIONS: [&str; 2] = ["1.2", "1.3"];

struct Pair {
    world: World,
    lab: Lab,
    hub: Node,
    spoke: Node,
}

impl Pair {
    /// Joined by password, with CA-signed certificates and the root on both sides.
    fn joined(version: &'static str) -> Self {
        let (world, lab) = (World::new(), Lab::new(KeyKind::P256));
        let hub = hub_plan(&world, &lab, version).start();
        let spoke = spoke_plan(&world, &lab, &hub, version).start();
        hub.up_to_date(1);
        spoke.up_to_date(1);
        Self { world, lab, hub, spoke }
    }

    fn switched(version: &'static str) -> Self {
        let pair = Self::joined(version);
        let (hub, spoke) = (pair.hub.set(tls()), pair.spoke.set(tls()));
        assert_eq!(pair.hub.outcome_since(hub), "joined");
        assert_eq!(pair.spoke.outcome_since(spoke), "joined");
        pair.hub.up_to_date(1);
        pair
    }
}

fn hub_plan<'a>(world: &'a World, lab: &Lab, version: &str) -> Plan<'a> {
    let hub = world.node(Side::Hub, "hub").alone();
    only(hub.password("one password").papers(&lab.papers("hub.lab.example")), version)
}

fn spoke_plan<'a>(world: &'a World, lab: &Lab, hub: &Node, version: &str) -> Plan<'a> {
    let spoke = world.node(Side::Spoke, "spoke").password("one password");
    only(spoke.papers(&lab.papers("spoke.lab.example")).of(hub), version)
}

fn only<'a>(plan: Plan<'a>, version: &str) -> Plan<'a> {
    plan.with("tls-min", version).with("tls-max", version)
}

#[test]
fn both_orders_of_the_switch_join_again_because_the_fqdn_is_known() {
    VERSIONS.into_iter().for_each(both_orders);
}

fn both_orders(version: &'static str) {
    for hub_first in [true, false] {
        let pair = Pair::joined(version);
        let (hub, spoke) = if hub_first {
            let hub = pair.hub.set(tls());
            (hub, pair.spoke.set(tls()))
        } else {
            let spoke = pair.spoke.set(tls());
            (pair.hub.set(tls()), spoke)
        };
        pair.hub.up_to_date(1);
        pair.spoke.up_to_date(1);
        assert_eq!(
            admitted(&pair.hub, hub),
            r#"{"known-fqdn":"spoke.lab.example"}"#,
            "hub first: {hub_first}"
        );
        assert_eq!(
            admitted(&pair.spoke, spoke),
            r#"{"known-fqdn":"hub.lab.example"}"#,
            "hub first: {hub_first}"
        );
        let alarms = [pair.hub.alarm_file(), pair.spoke.alarm_file()].concat();
        assert_eq!(alarms, Vec::<String>::new(), "a change of method is no failure");
        assert_eq!(trusted(&pair.world, "hub"), 1, "only the root is in the store");
        assert_eq!(trusted(&pair.world, "spoke"), 1, "only the root is in the store");
    }
}

fn trusted(world: &World, node: &str) -> usize {
    std::fs::read_dir(world.path(node).join("papers/trust")).expect("a folder").count()
}

#[test]
fn it_works_across_a_restart_of_either() {
    VERSIONS.into_iter().for_each(restarts);
}

fn restarts(version: &'static str) {
    let Pair { world, lab, hub, spoke } = Pair::switched(version);
    let (tls_port, password_port) = (hub.daemon.ready().tls, hub.daemon.ready().password);
    let spoke_again = spoke_plan(&world, &lab, &hub, version);
    assert!(spoke.daemon.stop().is_some_and(|status| status.success()));
    let spoke = spoke_again.start();
    assert_eq!(spoke.outcome(), "joined", "the stored change of method still counts");
    assert_eq!(admitted(&spoke, 1), r#"{"known-fqdn":"hub.lab.example"}"#);
    hub.up_to_date(1);
    hub.daemon.kill();
    let port = |address: Option<std::net::SocketAddr>| address.expect("a hub binds both").port();
    let address = tls_port.expect("a hub binds both").ip();
    let hub = hub_plan(&world, &lab, version)
        .with("listen", address)
        .with("tls-port", port(tls_port))
        .with("password-port", port(password_port))
        .start();
    assert_eq!(hub.daemon.ready().listening.as_deref(), Some("tls"));
    hub.up_to_date(1);
    assert_eq!(admitted(&hub, 1), r#"{"known-fqdn":"spoke.lab.example"}"#);
}

#[test]
fn a_node_of_the_same_ca_that_never_joined_is_turned_away() {
    VERSIONS.into_iter().for_each(a_third_node);
}

fn a_third_node(version: &'static str) {
    let pair = Pair::switched(version);
    let papers = pair.lab.papers("third.lab.example");
    let third =
        pair.world.node(Side::Spoke, "third").tls().papers(&with_hub(&pair, papers)).of(&pair.hub).start();
    assert_eq!(third.outcome(), "closed");
    pair.hub.sees("certificate-not-known");
    until("the alarm", || {
        pair.hub.alarm_file().iter().any(|line| line.contains("%[Cluster1=third.lab.example]")).then_some(())
    });
    assert_eq!(pair.hub.list("peers").len(), 1, "nothing was learned");
}

#[test]
fn a_claim_of_a_known_fqdn_that_the_certificate_does_not_carry_is_refused() {
    VERSIONS.into_iter().for_each(a_claimed_fqdn);
}

fn a_claimed_fqdn(version: &'static str) {
    let pair = Pair::switched(version);
    // Its certificate is known by its FQDN only as `spoke`; so it is imported, and claims to be `spoke`.
    let papers = pair.lab.papers("third.lab.example");
    let import = pair.world.path("hub").join("papers/trust/third.pem");
    std::fs::write(import, &papers.identity.cert_pem).expect("writes");
    pair.hub.client.restart().expect("certificates are read again");
    let third = pair.world.node(Side::Spoke, "third").tls().papers(&with_hub(&pair, papers)).of(&pair.hub);
    let third = third.with("fqdn", "spoke.lab.example").with("route-string", "third").start();
    assert_eq!(third.outcome(), "fqdn-mismatch");
    pair.hub.sees("fqdn-mismatch");
    until("the alarm", || {
        let alarms = pair.hub.alarm_file();
        let claim = "3-ILSTLSAuthenticationFailed: %[Cluster1=spoke.lab.example]";
        alarms.iter().any(|line| line.starts_with(claim)).then_some(())
    });
    let key = |alarm: &Value| alarm["key"] == "third.lab.example";
    assert!(pair.hub.list("alarms").iter().any(key), "the key stays the certificate's");
    assert_eq!(pair.hub.list("peers").len(), 1, "nothing was learned");
}

#[test]
fn a_known_fqdn_with_another_peer_id_is_refused() {
    VERSIONS.into_iter().for_each(a_rebuilt_node);
}

fn a_rebuilt_node(version: &'static str) {
    let Pair { world, lab, hub, spoke } = Pair::switched(version);
    spoke.daemon.kill();
    // The same certificate on a node that was wiped: a new peer ID.
    let papers = Papers { identity: lab.ca_signed("spoke.lab.example"), trusted: vec![lab.root()] };
    let trusted = [papers.trusted.clone(), vec![hub_certificate(&world)]].concat();
    let papers = Papers { trusted, ..papers };
    let rebuilt = world.node(Side::Spoke, "rebuilt").tls().papers(&papers).of(&hub);
    let rebuilt = rebuilt.with("fqdn", "spoke.lab.example").with("cluster-id", "spoke").start();
    assert_eq!(rebuilt.outcome(), "fqdn-mismatch");
    let peer = hub.list("peers")[0]["peer_id"].as_str().expect("an ID").to_owned();
    hub.client.disconnect(&peer).expect("the hub forgets it");
    // Forgotten, its FQDN is not known either: it has to join by password again.
    until("certificate-not-known", || {
        let outcomes = hub.list("connections");
        outcomes.iter().any(|attempt| attempt["outcome"] == "certificate-not-known").then_some(())
    });
}

fn hub_certificate(world: &World) -> String {
    std::fs::read_to_string(world.path("hub").join("papers/tomcat.pem")).expect("a certificate")
}

/// Trusts the hub's own certificate too, so that the hub is what turns the node away.
fn with_hub(pair: &Pair, papers: Papers) -> Papers {
    let trusted = [papers.trusted, vec![hub_certificate(&pair.world)]].concat();
    Papers { identity: papers.identity, trusted }
}
