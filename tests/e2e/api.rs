//! What the API of a running node does beyond showing it: certificates that count after a restart, counters, tables.

use ils_faces::Calls;
use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;
use serde_json::{Value, json};

use crate::world::{Lab, Node, World, until};

/// A sample of `/metrics`.
fn sample(node: &Node, name: &str) -> u64 {
    let page = node.client.metrics().expect("the API answers");
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} is not in {page}"))
}

/// Uploads a certificate that the lab CA has signed, and that CA's root.
fn certify(node: &Node, lab: &Lab, fqdn: &str) {
    let own = lab.ca_signed(fqdn);
    for stored in [
        node.client.upload_tomcat(&own.cert_pem, Some(&own.key_pem)).expect("a pair"),
        node.client.upload_trust(None, &lab.root()).expect("a root"),
    ] {
        assert_eq!(
            (&stored["uploaded"], &stored["active"], &stored["restart_required"]),
            (&json!(true), &json!(false), &json!(true)),
            "{stored}"
        );
    }
    assert!(!in_use(node, "tomcat").contains(&own_subject(fqdn)), "not before the restart");
    node.client.restart().expect("the service restarts");
    assert!(in_use(node, "tomcat").contains(&own_subject(fqdn)));
    assert_eq!(in_use(node, "tomcat-trust").len(), 1, "the root");
}

/// Subject and issuer of the certificates in use.
fn in_use(node: &Node, store: &str) -> Vec<(String, bool)> {
    let shown = if store == "tomcat" { node.client.tomcat() } else { node.client.tomcat_trust() };
    let shown = shown.expect("the API answers");
    let listed = shown["certificates"].as_array().expect("a list").clone();
    let is_active = |certificate: &&Value| certificate["active"] == true;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let view = |certificate: &Value| (text(&certificate["subject"]), certificate["self_signed"] == true);
    listed.iter().filter(is_active).map(view).collect()
}

/// Signed by somebody else.
fn own_subject(fqdn: &str) -> (String, bool) {
    (format!("CN={fqdn}"), false)
}

#[test]
fn uploaded_certificates_repair_a_pair_that_had_made_its_own_and_each_attempt_is_counted() {
    let (world, lab) = (World::new(), Lab::new(KeyKind::P256));
    let hub = world.node(Side::Hub, "hub").tls().password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").tls().password("one password").of(&hub).start();
    assert_eq!(spoke.outcome(), "peer-certificate-rejected:18", "both have signed their own");
    assert_eq!(sample(&hub, "ils_attempts_total{direction=\"accepted\",outcome=\"joined\"} "), 0);
    certify(&hub, &lab, "hub.lab.example");
    certify(&spoke, &lab, "spoke.lab.example");
    hub.up_to_date(1);
    spoke.up_to_date(1);
    for (node, direction) in [(&hub, "accepted"), (&spoke, "dialled")] {
        let joined = format!("ils_attempts_total{{direction=\"{direction}\",outcome=\"joined\"}} ");
        assert_eq!(sample(node, &joined), 1);
        assert_eq!(sample(node, "ils_peers_joined "), 1);
        assert_eq!(sample(node, "ils_join_duration_seconds_count{method=\"tls-password\"} "), 1);
        assert_eq!(sample(node, "ils_accept_errors_total "), 0);
    }
    let refused = "ils_attempts_total{direction=\"dialled\",outcome=\"peer-certificate-rejected\"} ";
    assert!(sample(&spoke, refused) >= 1);
}

#[test]
fn a_description_changed_while_running_is_what_run_sql_shows() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password").with("description", "at first");
    let hub = plan.start();
    let described = |node: &Node| {
        let table = node.client.sql("select description from processnode").expect("the API answers");
        table["rows"][0][0].as_str().map(str::to_owned)
    };
    assert_eq!(described(&hub).as_deref(), Some("at first"));
    hub.set(json!({"description": "later"}));
    assert_eq!(described(&hub).as_deref(), Some("later"));
    hub.daemon.kill();
    let hub = plan.start();
    assert_eq!(described(&hub).as_deref(), Some("later"));
    hub.set(json!({"description": null}));
    until("the start-up value", || (described(&hub).as_deref() == Some("at first")).then_some(()));
}
