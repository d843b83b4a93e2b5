//! Each route's answer, member by member.

use std::sync::Arc;

use ils_core::config::ClusterRole;
use ils_faces::{Ports, clusters};
use ilslab_time::UtcOffset;
use serde_json::{Value, json};

use crate::fake::Server;
use crate::node;

#[test]
fn status_is_the_whole_node() {
    let server = Server::start();
    let admin = server.address.to_string();
    let answer = server.get("status");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = clusters::table(&node::snapshot(), UtcOffset::UTC).to_string();
    let want = json!({
        "role": "hub",
        "cluster_id": "2",
        "fqdn": "cucm1150.adfs.uccs.com",
        "description": "the hub",
        "version": "11.5.1.10000(4)",
        "route_string": "cucm1150.adfs.uccs.com",
        "peer_id": node::HUB_ID,
        "revision": 3,
        "method": {"use_tls": false, "use_password": true},
        "ports": {"tls": "127.0.0.1:7501", "password": "127.0.0.1:7502", "listening": "password", "admin": admin},
        "since": "2016-08-26T17:00:00.123Z",
        "joined": 1,
        "peers": 1,
        "alarms": 1,
        "store": {"writable": true, "error": null},
        "clusters": [
            {"cluster_id": "2", "last_contact": "-", "role": "Hub (Local Cluster)",
             "route_string": "cucm1150.adfs.uccs.com", "last_usn": "-", "status": "Up to date",
             "peer_id": node::HUB_ID},
            {"cluster_id": "1", "last_contact": "8/26/16 5:06 PM", "role": "Spoke",
             "route_string": "cucm11.adfs.uccs.com", "last_usn": "8/26/16 5:06 PM", "status": "Up to date",
             "peer_id": node::SPOKE_ID},
        ],
        "clusters_text": text,
    });
    assert_eq!(answer.json(), want);
}

#[test]
fn status_of_a_spoke_has_no_ports_and_a_failed_store_says_why() {
    let server = Server::start();
    let admin = server.address;
    let ports = Ports { role: ClusterRole::Spoke, tls: None, password: None, listening: None, admin };
    *server.backend.ports.lock().expect("unshared") = ports;
    server.backend.state.lock().expect("unshared").store_error = Some("disk is full".into());
    let status = server.get("status").json();
    assert_eq!(status["ports"], json!({"tls": null, "password": null, "listening": null, "admin": admin}));
    assert_eq!(status["store"], json!({"writable": false, "error": "disk is full"}));
}

#[test]
fn the_clusters_table_is_the_references() {
    let text = clusters::table(&node::snapshot(), UtcOffset::UTC).to_string();
    let want = "\
| Cluster ID/Name | Last Contact Time | Role                | Advertised Route String | Last USN Data Received | USN Data Synchronization Status | Action     |
|-----------------|-------------------|---------------------|-------------------------|------------------------|---------------------------------|------------|
| 2               | -                 | Hub (Local Cluster) | cucm1150.adfs.uccs.com  | -                      | Up to date                      | Disconnect |
| 1               | 8/26/16 5:06 PM   | Spoke               | cucm11.adfs.uccs.com    | 8/26/16 5:06 PM        | Up to date                      | Disconnect |
";
    assert_eq!(text, want);
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = text.lines().skip(2).map(squeezed).collect();
    assert_eq!(
        rows,
        [
            "| 2 | - | Hub (Local Cluster) | cucm1150.adfs.uccs.com | - | Up to date | Disconnect |",
            "| 1 | 8/26/16 5:06 PM | Spoke | cucm11.adfs.uccs.com | 8/26/16 5:06 PM | Up to date | Disconnect |",
        ]
    );
}

#[test]
fn a_cluster_that_was_never_here_has_no_times() {
    let mut snapshot = node::snapshot();
    snapshot.peers = node::peers([node::relayed()]);
    let table = clusters::table(&snapshot, UtcOffset::UTC);
    let row = serde_json::to_value(&table.rows[1]).expect("serialisable");
    assert_eq!((&row["last_contact"], &row["last_usn"]), (&json!("-"), &json!("-")));
    assert_eq!((&row["role"], &row["status"]), (&json!("Hub"), &json!("Not connected")));
}

#[test]
fn peers_are_the_peer_info_vector() {
    let server = Server::start();
    server.backend.state.lock().expect("unshared").peers = node::peers([node::spoke(), node::relayed()]);
    let peers = server.get("peers").json();
    let spoke = json!({
        "peer_id": node::SPOKE_ID,
        "cluster_id": "1",
        "fqdn": "cucm11.adfs.uccs.com",
        "description": "",
        "version": "11.5.1.10000(4)",
        "role": "spoke",
        "route_string": "cucm11.adfs.uccs.com",
        "nodes": [{"host": "cucm11.adfs.uccs.com", "addresses": ["10.106.104.201"]}],
        "proof": "password",
        "relayed_by": null,
        "pkid": node::PKID,
        "connected": true,
        "connection": 1,
        "last_contact": "2016-08-26T17:06:00.000Z",
        "last_usn": "2016-08-26T17:06:00.000Z",
        "status": "Up to date",
    });
    assert_eq!(peers["peers"][0], spoke);
    let relayed = &peers["peers"][1];
    assert_eq!((&relayed["proof"], &relayed["relayed_by"]), (&json!("relayed"), &json!(node::SPOKE_ID)));
    assert_eq!((&relayed["connected"], &relayed["connection"]), (&json!(false), &Value::Null));
    assert_eq!((&relayed["last_contact"], &relayed["last_usn"]), (&Value::Null, &Value::Null));
    assert_eq!(peers["peers"].as_array().map(Vec::len), Some(2));
}

#[test]
fn connections_are_attempts_with_steps_and_outcome() {
    let server = Server::start();
    let want = json!({"connections": [
        {
            "id": 1,
            "direction": "accepted",
            "tls": false,
            "revision": 3,
            "peer": "10.106.104.201:37816",
            "local": "10.106.104.220:7502",
            "begun": "2016-08-26T17:05:59.000Z",
            "steps": [
                {"at": "2016-08-26T17:05:59.000Z", "step": "accepted", "admitted": null},
                {"at": "2016-08-26T17:05:59.500Z", "step": "established", "certificate": null,
                 "peer": {"peer_id": node::SPOKE_ID, "cluster_id": "1", "fqdn": "cucm11.adfs.uccs.com"}},
            ],
            "outcome": "joined",
            "joined_to": {"peer_id": node::SPOKE_ID, "cluster_id": "1", "fqdn": "cucm11.adfs.uccs.com"},
            "ended": null,
        },
        {
            "id": 2,
            "direction": "accepted",
            "tls": true,
            "revision": 3,
            "peer": "10.106.104.202:50000",
            "local": null,
            "begun": "2016-08-26T17:06:00.000Z",
            "steps": [{"at": "2016-08-26T17:06:00.000Z", "step": "peer-rejected",
                       "rejection": "the peer sent no certificate"}],
            "outcome": "peer-certificate-rejected:18",
            "joined_to": null,
            "ended": {"at": "2016-08-26T17:06:00.000Z", "outcome": "peer-certificate-rejected:18"},
        },
    ]});
    assert_eq!(server.get("connections").json(), want);
}

#[test]
fn answers_are_ascii_whatever_a_peer_is_called() {
    let server = Server::start();
    let key = "evil\u{202e}\u{7f}\u{1b}[31m\u{1f600}";
    server.backend.state.lock().expect("unshared").alarms = Arc::new(vec![node::password_alarm(key)]);
    let answer = server.get("alarms");
    assert_eq!(answer.json()["alarms"][0]["key"], key);
    assert!(answer.body.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{}", answer.body);
}

#[test]
fn alarms_have_their_syslog_text_and_parameters_in_order() {
    let server = Server::start();
    let alarms = vec![node::password_alarm("10.0.0.1"), node::alarm(), node::password_alarm("10.0.0.2")];
    server.backend.state.lock().expect("unshared").alarms = Arc::new(alarms);
    let answer = server.get("alarms");
    assert!(
        answer
            .body
            .contains(r#""parameters":{"Reason":"role changed","ConnectionDetail":"10.106.104.202:50000"}"#)
    );
    let alarms = answer.json();
    assert_eq!(alarms["alarmed_connections"], 2, "only alarms of password and certificate count");
    let alarm = &alarms["alarms"][1];
    assert_eq!(alarm["name"], "ILSUnacceptableConnectionAttempt");
    assert_eq!(alarm["key"], "10.106.104.202");
    assert_eq!(alarm["severity"], 3);
    assert_eq!(alarm["since"], "2016-08-26T17:06:00.000Z");
    let text = alarm["text"].as_str().expect("text");
    let want = "%UC_ILS-3-ILSUnacceptableConnectionAttempt: %[Reason=role changed]\
                [ConnectionDetail=10.106.104.202:50000][AppID=Cisco Intercluster Lookup Service]\
                [ClusterID=2][NodeID=cucm1150.adfs.uccs.com]: \
                A connection from a remote ILS server has been rejected..";
    assert_eq!(text, want);
}

const CONFIG: &str = r#"{"role":"hub","registration_server":"","use_tls":false,"use_password":true,
    "sync_every":"10m","route_string":"cucm1150.adfs.uccs.com","description":"the hub","password_set":true,
    "revision":3}"#;

#[test]
fn config_is_the_page_without_its_password() {
    let server = Server::start();
    let answer = server.get("config");
    assert_eq!(answer.json(), serde_json::from_str::<Value>(CONFIG).expect("JSON"));
    assert!(!answer.body.contains("\"password\""));
}

#[test]
fn livez_and_readyz_need_no_login() {
    let server = Server::start();
    let live = server.request("GET /livez", &[], "");
    assert_eq!((live.status, live.body.as_str()), (200, "ok"));
    let ready = server.request("GET /readyz", &[], "");
    let want = json!({"ready": true, "bound": true, "store": {"writable": true, "error": null}, "joined": 1});
    assert_eq!((ready.status, ready.json()), (200, want));
}

#[test]
fn readyz_depends_on_ports_and_store_but_not_on_peers() {
    for (name, role, bound, failure, joined, status) in [
        ("a hub alone", ClusterRole::Hub, true, None, false, 200),
        ("a hub without ports", ClusterRole::Hub, false, None, true, 503),
        ("a spoke has none", ClusterRole::Spoke, false, None, false, 200),
        ("no space", ClusterRole::Hub, true, Some("disk is full"), true, 503),
    ] {
        let server = Server::start();
        {
            let mut ports = server.backend.ports.lock().expect("unshared");
            let kept = bound.then_some(server.address);
            *ports = Ports { role, tls: kept, password: kept, ..*ports };
        }
        *server.backend.store_failure.lock().expect("unshared") = failure.map(str::to_owned);
        if !joined {
            server.backend.state.lock().expect("unshared").peers = Arc::new(vec![]);
        }
        let ready = server.request("GET /readyz", &[], "");
        assert_eq!(ready.status, status, "{name}");
        assert_eq!(ready.json()["ready"], status == 200, "{name}");
        assert_eq!(ready.json()["store"]["error"], json!(failure), "{name}");
    }
}

#[test]
fn the_store_is_tried_once_a_second_however_often_readyz_is_asked() {
    let server = Server::start();
    for (name, turn, probes) in [("first", 0, 1), ("at once", 0, 1), ("too early", 999, 1), ("in time", 1, 2)]
    {
        server.clock.turn(std::time::Duration::from_millis(turn));
        server.request("GET /readyz", &[], "");
        assert_eq!(server.backend.calls().len(), probes, "{name}");
    }
}

#[test]
fn an_unknown_route_and_a_wrong_method_are_problems() {
    let server = Server::start();
    for route in ["nothing", "", "peers/1", "certificates", "certificates/ipsec"] {
        assert_eq!(server.get(route).problem(), 404, "{route}");
    }
    for (method, route, allow) in [
        ("POST", "status", "GET,HEAD"),
        ("DELETE", "config", "GET,HEAD,PATCH"),
        ("GET", "service/restart", "POST"),
        ("POST", "trace", "GET,HEAD"),
        ("DELETE", "certificates/tomcat", "GET,HEAD,POST"),
        ("GET", "certificates/tomcat-trust/root.pem", "DELETE"),
    ] {
        let answer = server.send(method, route, "");
        assert_eq!(answer.problem(), 405, "{method} {route}");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {route}");
    }
}
