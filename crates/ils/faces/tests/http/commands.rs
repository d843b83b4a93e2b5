//! `run sql` and `utils ils showpeerinfo`, through the API as a trainee would.

use std::sync::Arc;

use ils_core::ledger::{Change, Ledger};
use ils_core::snapshot::Snapshot;
use ils_faces::cli::{self, Terminal};
use ils_store::Store;
use ilslab_time::UtcOffset;
use serde_json::json;

use crate::fake::Server;
use crate::node;
use crate::wire::BASIC;

const REMOTECLUSTER: &str = "\
pkid                                 fullyqualifiedname   clusterid description version
==================================== ==================== ========= =========== ===============
5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da cucm11.adfs.uccs.com 1                     11.5.1.10000(4)
";

/// A server whose database knows the spoke.
fn with_database() -> Server {
    let server = Server::start();
    let mut store = Store::open(&server.folder.path().join("ils.sqlite")).expect("a new database");
    store.append(&[vec![Change::Learned(node::spoke().known)]]).expect("stored");
    server
}

fn show(snapshot: &Snapshot, command: &str) -> String {
    let nowhere = std::path::Path::new("/nonexistent/ils.sqlite");
    let terminal = Terminal { snapshot, database: nowhere, offset: UtcOffset::UTC };
    cli::run(command, &terminal).unwrap_or_else(|error| error.to_string())
}

#[test]
fn run_sql_prints_what_the_reference_prints() {
    let server = with_database();
    let output = server.client().cli("run sql select * from remotecluster").expect("a table");
    assert_eq!(output, REMOTECLUSTER);
}

#[test]
fn sql_answers_with_columns_rows_and_text() {
    let server = with_database();
    let answer = server.send("POST", "sql", r#"{"sql": "select clusterid, description from remotecluster"}"#);
    let want = json!({
        "columns": ["clusterid", "description"],
        "rows": [["1", ""]],
        "text": "clusterid description\n========= ===========\n1\n",
    });
    assert_eq!((answer.status, answer.json()), (200, want));
}

#[test]
fn output_is_json_or_text_as_the_caller_likes() {
    let server = Server::start();
    for (name, accept, kind) in [
        ("whatever", "*/*", "application/json"),
        ("text", "text/plain", "text/plain; charset=utf-8"),
        ("both", "application/json, text/plain", "application/json"),
    ] {
        let headers = [("Authorization", BASIC), ("Content-Type", "application/json"), ("Accept", accept)];
        let body = r#"{"command": "utils ils showpeerinfo"}"#;
        let answer = server.request("POST /api/v1/cli", &headers, body);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{name}");
        let text = if kind == "application/json" {
            answer.json()["output"].as_str().expect("output").to_owned()
        } else {
            answer.body
        };
        assert_eq!(text, show(&node::snapshot(), "utils ils showpeerinfo"), "{name}");
    }
}

#[test]
fn what_a_command_cannot_do_is_a_problem_with_a_reason() {
    let server = with_database();
    for (name, command, status, reason) in [
        (
            "unknown",
            "utils service list",
            422,
            "there are: `run sql SELECT`, `utils ils showpeerinfo [FQDN]`",
        ),
        ("nothing", "", 422, "there is no command"),
        ("no statement", "run sql", 422, "usage: run sql SELECT"),
        ("no such table", "run sql select * from nowhere", 422, "nowhere"),
        ("not CUCM's table", "run sql select * from sqlite_master", 422, "not permitted"),
        ("not a select", "run sql delete from remotecluster", 422, "remotecluster"),
        ("no such peer", "utils ils showpeerinfo cucm9.adfs.uccs.com", 422, "it has cucm11.adfs.uccs.com"),
        ("two peers", "utils ils showpeerinfo a b", 422, "one FQDN at most"),
    ] {
        let answer = server.send("POST", "cli", &json!({"command": command}).to_string());
        assert_eq!(answer.problem(), status, "{name}");
        let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains(reason), "{name}: {detail}");
    }
    assert_eq!(
        server.client().cli("run sql select * from remotecluster").expect("still there"),
        REMOTECLUSTER
    );
}

#[test]
fn a_missing_database_is_named_and_not_made() {
    let server = Server::start();
    let answer = server.send("POST", "sql", r#"{"sql": "select * from remotecluster"}"#);
    assert_eq!(answer.problem(), 503);
    assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("ils.sqlite")));
    assert!(!server.folder.path().join("ils.sqlite").exists());
}

#[test]
fn showpeerinfo_prints_every_entry() {
    let mut snapshot = node::snapshot();
    snapshot.peers = node::peers([node::spoke(), node::relayed()]);
    let spoke = "
Cluster ID   : 1
Peer ID      : 6a3803d5f059902a1c6dafbc9ba47292
Description  :
Version      : 11.5.1.10000(4)
FQDN         : cucm11.adfs.uccs.com
Route string : cucm11.adfs.uccs.com
Role         : Spoke
Node         : cucm11.adfs.uccs.com (10.106.104.201)
Proven by    : the password
Last contact : 8/26/16 5:06 PM
";
    let relayed = r"
Cluster ID   : 3
Peer ID      : b62e867fa2f33afe62d5d6b1642e1621
Description  : third \x7c one
Version      : 11.5.1.10000(4)
FQDN         : cucm3.adfs.uccs.com
Route string : cucm11.adfs.uccs.com
Role         : Hub
Proven by    : nothing but the word of the hub cucm11.adfs.uccs.com
Last contact : -
";
    let heading = |count: &str| format!("PeerInfoVector: {count} (layout of ilslab, not Cisco's)\n");
    for (command, want) in [
        ("utils ils showpeerinfo", format!("{}{spoke}{relayed}", heading("2 entries"))),
        ("utils ils showpeerinfo CUCM11.adfs.uccs.com", format!("{}{spoke}", heading("1 entry"))),
    ] {
        assert_eq!(show(&snapshot, command), want, "{command}");
    }
}

#[test]
fn an_empty_vector_says_that_nobody_has_joined() {
    let mut snapshot = node::snapshot();
    snapshot.peers = Arc::default();
    let nobody = "PeerInfoVector: 0 entries (layout of ilslab, not Cisco's)\n";
    assert_eq!(show(&snapshot, "utils ils showpeerinfo"), nobody);
    let asked = "the peer info vector has no `cucm\\x7c`; it is empty: no cluster has joined yet";
    assert_eq!(show(&snapshot, "utils ils showpeerinfo cucm|"), asked);
}
