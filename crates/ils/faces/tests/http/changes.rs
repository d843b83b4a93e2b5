//! What changes a node: the page as a merge patch, forgetting a peer, a restart.

use ils_faces::ChangeError;
use serde_json::{Value, json};

use crate::fake::Server;
use crate::node;

#[test]
fn a_patch_is_answered_with_what_is_in_force_and_its_password_goes_apart() {
    let server = Server::start();
    let answer =
        server.send("PATCH", "config", r#"{"use_tls": true, "password": "s3cret", "description": "new"}"#);
    assert_eq!(answer.status, 200);
    let config = answer.json();
    assert_eq!((&config["use_tls"], &config["description"]), (&json!(true), &json!("new")));
    assert_eq!((&config["password_set"], &config["revision"]), (&json!(true), &json!(4)));
    assert!(!answer.body.contains("s3cret"));
    assert_eq!(server.backend.calls(), [r#"configure {"description":"new","use_tls":true} password s3cret"#]);
}

#[test]
fn an_empty_patch_changes_nothing() {
    let server = Server::start();
    let answer = server.send("PATCH", "config", "{}");
    assert_eq!(answer.json(), server.get("config").json());
    assert_eq!(server.backend.calls(), [""; 0]);
}

#[test]
fn a_patch_that_cannot_be_says_which_key_and_what_to_do() {
    let server = Server::start();
    for (name, patch, status, key) in [
        ("unknown key", r#"{"cluster_id": "9"}"#, 422, Some("cluster_id")),
        ("out of range", r#"{"sync_every": "2000m"}"#, 422, Some("sync_every")),
        ("neither box", r#"{"use_password": false}"#, 422, Some("use_tls")),
        ("no password text", r#"{"password": 7}"#, 422, Some("password")),
        ("empty password", r#"{"password": ""}"#, 422, Some("password")),
        ("password taken back", r#"{"password": null}"#, 422, Some("password")),
        ("not an object", "[]", 422, None),
        ("not JSON", "{", 400, None),
        ("empty", "", 400, None),
    ] {
        let answer = server.send("PATCH", "config", patch);
        assert_eq!(answer.problem(), status, "{name}");
        let problem = answer.json();
        assert_eq!(problem.get("key").and_then(Value::as_str), key, "{name}");
        assert_eq!(problem["cure"].is_string() && problem["problem"].is_string(), key.is_some(), "{name}");
    }
}

#[test]
fn a_change_that_fails_says_whether_to_try_again() {
    let server = Server::start();
    for (name, failure, status) in [
        ("store", ChangeError::Store("disk is full".into()), 503),
        ("identity", ChangeError::Identity("tomcat.pem: no certificate in it".into()), 409),
        ("stopping", ChangeError::Stopping, 503),
    ] {
        for (method, route) in [
            ("PATCH", "config".to_owned()),
            ("POST", "service/restart".to_owned()),
            ("POST", format!("peers/{}/disconnect", node::SPOKE_ID)),
        ] {
            *server.backend.failure.lock().expect("unshared") = Some(failure.clone());
            let answer = server.send(method, &route, r#"{"description": "x"}"#);
            assert_eq!(answer.problem(), status, "{name}, {route}");
            assert_eq!(answer.json()["detail"], failure.to_string(), "{name}, {route}");
        }
    }
}

#[test]
fn disconnect_forgets_a_known_peer_and_finds_no_other() {
    let server = Server::start();
    let known = server.send("POST", &format!("peers/{}/disconnect", node::SPOKE_ID), "");
    assert_eq!((known.status, known.json()), (200, json!({"peer_id": node::SPOKE_ID, "forgotten": true})));
    for id in [node::HUB_ID, "7", "F7F885DCACA845F18F3B7E583FF6C457", "%ff"] {
        assert_eq!(server.send("POST", &format!("peers/{id}/disconnect"), "").problem(), 404, "{id}");
    }
    let calls = [format!("disconnect {}", node::SPOKE_ID), format!("disconnect {}", node::HUB_ID)];
    assert_eq!(server.backend.calls(), calls);
}

#[test]
fn a_restart_is_answered_when_it_is_done() {
    let server = Server::start();
    let answer = server.send("POST", "service/restart", "{}");
    assert_eq!(answer.json(), json!({"restarted": true, "since": "2016-08-26T17:00:00.123Z"}));
    assert_eq!(server.backend.calls(), ["restart begins", "restart ends"]);
}
