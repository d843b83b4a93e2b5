//! Certificates: listed, uploaded, in force after a restart, removed; and uploads that change nothing.

use std::sync::OnceLock;

use ils_faces::Calls;
use ilslab_desk::CertificateRefusal;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake::Server;

const KEY: &str = "-----BEGIN PRIVATE KEY-----";

/// A root and what it signed, made for this run.
struct Made {
    root: rcgen::Certificate,
    hub: rcgen::Certificate,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let params = |names: &[&str], subject: &[(DnType, &str)], serial: u8| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let mut params = CertificateParams::new(names).expect("good names");
            params.distinguished_name = DistinguishedName::new();
            subject.iter().for_each(|(kind, text)| params.distinguished_name.push(kind.clone(), *text));
            params.serial_number = Some(vec![serial].into());
            (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 2), date_time_ymd(2126, 3, 4));
            params
        };
        let key = || KeyPair::generate().expect("a key");
        let names = [(DnType::OrganizationName, "Lab"), (DnType::CommonName, "Lab Root CA")];
        let mut ca = params(&[], &names, 1);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let leaf =
            params(&["cucm1150.adfs.uccs.com"], &[(DnType::CommonName, "cucm1150.adfs.uccs.com")], 0x2a);
        let root_key = key();
        let root = ca.self_signed(&root_key).expect("signs itself");
        let hub = leaf.signed_by(&key(), &Issuer::new(ca, root_key)).expect("signs");
        Made { root, hub }
    })
}

/// The root as it is to be described.
fn root(file: Option<&str>, active: bool) -> Value {
    let digest = Sha256::digest(made().root.der());
    json!({
        "file": file,
        "uploaded": file.is_some(),
        "active": active,
        "subject": "O=Lab, CN=Lab Root CA",
        "issuer": "O=Lab, CN=Lab Root CA",
        "serial": "01",
        "fqdns": [],
        "key": "EC P-256",
        "not_before": "2026-01-02T00:00:00.000Z",
        "not_after": "2126-03-04T00:00:00.000Z",
        "sha256": digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>(),
        "self_signed": true,
        "ca": true,
        "pem": made().root.pem(),
    })
}

fn upload_trust(server: &Server, body: &Value) -> crate::wire::Answer {
    server.send("POST", "certificates/tomcat-trust", &body.to_string())
}

#[test]
fn an_uploaded_root_is_listed_and_in_force_after_a_restart_and_removed_likewise() {
    let server = Server::start();
    let list = |server: &Server| server.get("certificates/tomcat-trust").json();
    assert_eq!(list(&server), json!({"certificates": [], "restart_required": false}));
    let uploaded = upload_trust(&server, &json!({"certificate": made().root.pem(), "name": "root.pem"}));
    let answer = json!({"file": "root.pem", "uploaded": true, "active": false, "restart_required": true});
    assert_eq!((uploaded.status, uploaded.json()), (200, answer));
    let listed = json!({"certificates": [root(Some("root.pem"), false)], "restart_required": true});
    assert_eq!(list(&server), listed);
    server.client().restart().expect("restarted");
    let active = json!({"certificates": [root(Some("root.pem"), true)], "restart_required": false});
    assert_eq!(list(&server), active);
    let removed = server.send("DELETE", "certificates/tomcat-trust/root.pem", "");
    let answer = json!({"file": "root.pem", "removed": true, "restart_required": true});
    assert_eq!((removed.status, removed.json()), (200, answer));
    assert_eq!(list(&server), json!({"certificates": [root(None, true)], "restart_required": true}));
    server.client().restart().expect("restarted");
    assert_eq!(list(&server), json!({"certificates": [], "restart_required": false}));
}

#[test]
fn a_tomcat_certificate_comes_with_its_key_which_no_answer_repeats() {
    let server = Server::start();
    let body = json!({"certificate": made().hub.pem(), "key": KEY}).to_string();
    let uploaded = server.send("POST", "certificates/tomcat", &body);
    let answer = json!({"uploaded": true, "active": false, "restart_required": true});
    assert_eq!((uploaded.status, uploaded.json()), (200, answer));
    assert_eq!(server.backend.calls(), [format!("upload tomcat with the key {KEY}")]);
    server.client().restart().expect("restarted");
    let listed = server.get("certificates/tomcat");
    let hub = &listed.json()["certificates"][0];
    assert_eq!((&hub["file"], &hub["active"]), (&json!("tomcat.pem"), &json!(true)));
    assert_eq!((&hub["serial"], &hub["fqdns"]), (&json!("2a"), &json!(["cucm1150.adfs.uccs.com"])));
    assert_eq!((&hub["issuer"], &hub["self_signed"]), (&json!("O=Lab, CN=Lab Root CA"), &json!(false)));
    let again = server.send("POST", "certificates/tomcat", &body).json();
    let unchanged = json!({"uploaded": true, "active": true, "restart_required": false});
    assert_eq!(again, unchanged, "the one in use needs no restart");
    assert!(!(listed.body + &uploaded.body).contains("PRIVATE"));
}

#[test]
fn an_upload_that_cannot_be_used_says_why_and_reaches_no_file() {
    let server = Server::start();
    for (name, route, body, status, reason) in [
        ("a key alone", "tomcat", json!({"key": KEY}), 422, "missing field `certificate`"),
        (
            "a key that is no text",
            "tomcat",
            json!({"certificate": made().hub.pem(), "key": 7}),
            422,
            "expected a string",
        ),
        (
            "an unknown member",
            "tomcat-trust",
            json!({"certificate": made().root.pem(), "path": "/"}),
            422,
            "path",
        ),
        ("no certificate", "tomcat-trust", json!({"name": "a.pem"}), 422, "missing field `certificate`"),
        (
            "a path",
            "tomcat-trust",
            json!({"certificate": made().root.pem(), "name": "../a.pem"}),
            422,
            "A-Za-z0-9._-",
        ),
        (
            "another ending",
            "tomcat-trust",
            json!({"certificate": made().root.pem(), "name": "a.key"}),
            422,
            "ends with .pem",
        ),
        ("not JSON", "tomcat", json!(made().root.pem()), 422, "expected struct"),
        (
            "more than 64 KiB",
            "tomcat-trust",
            json!({"certificate": made().root.pem().repeat(200)}),
            413,
            "at most 65536 octets",
        ),
    ] {
        let answer = server.send("POST", &format!("certificates/{route}"), &body.to_string());
        assert_eq!(answer.problem(), status, "{name}");
        let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains(reason), "{name}: {detail}");
    }
    assert_eq!(server.backend.calls(), [""; 0]);
}

#[test]
fn what_the_node_refuses_is_told_with_problem_and_cure() {
    let server = Server::start();
    let not_allowed = CertificateRefusal::NotAllowed {
        problem: "block 2 is not a certificate".into(),
        cure: "put PEM certificates in it, nothing else".into(),
    };
    for (name, refusal, status) in [
        ("not allowed", not_allowed, 422),
        ("no space", CertificateRefusal::Storage("disk is full".into()), 503),
        ("an option's", CertificateRefusal::Fixed("--trust".into()), 409),
    ] {
        for (method, route, body) in [
            ("POST", "tomcat", json!({"certificate": made().hub.pem(), "key": KEY}).to_string()),
            ("POST", "tomcat-trust", json!({"certificate": made().root.pem()}).to_string()),
            ("DELETE", "tomcat-trust/root.pem", String::new()),
            ("GET", "tomcat", String::new()),
            ("GET", "tomcat-trust", String::new()),
        ] {
            *server.backend.refusal.lock().expect("unshared") = Some(refusal.clone());
            let answer = server.send(method, &format!("certificates/{route}"), &body);
            assert_eq!(answer.problem(), status, "{name}, {method} {route}");
            let problem = answer.json();
            assert_eq!(problem["detail"], refusal.to_string(), "{name}, {method} {route}");
            assert_eq!(problem["cure"].is_string(), status == 422, "{name}, {method} {route}");
            assert!(problem.get("key").is_none(), "{name}: a setting has a key");
        }
    }
}

#[test]
fn a_file_that_is_not_there_and_a_name_that_cannot_be_are_not_found() {
    let server = Server::start();
    for name in ["other.pem", "root.key", "..%2f..%2fnetwork.pem", "%2e%2e", "a%00.pem", "%ff.pem", ".pem"] {
        let answer = server.send("DELETE", &format!("certificates/tomcat-trust/{name}"), "");
        assert_eq!(answer.problem(), 404, "{name}");
    }
    assert_eq!(server.backend.calls(), ["remove trust other.pem"]);
}

#[test]
fn a_name_is_made_where_none_is_given() {
    let server = Server::start();
    for (name, body) in [
        ("none", json!({"certificate": made().root.pem()})),
        ("null", json!({"certificate": made().root.pem(), "name": null})),
    ] {
        assert_eq!(upload_trust(&server, &body).json()["file"], "made.pem", "{name}");
    }
}

#[test]
fn the_client_reaches_each_of_them() {
    let server = Server::start();
    let client = server.client();
    let name = "root.pem".parse().expect("a file name");
    assert_eq!(
        client.upload_tomcat(&made().hub.pem(), Some(KEY)).expect("uploaded")["restart_required"],
        true
    );
    assert_eq!(client.upload_trust(Some(&name), &made().root.pem()).expect("uploaded")["file"], "root.pem");
    assert_eq!(client.upload_trust(None, &made().root.pem()).expect("uploaded")["file"], "made.pem");
    assert_eq!(client.tomcat().expect("listed")["certificates"][0]["ca"], false);
    assert_eq!(client.tomcat_trust().expect("listed")["certificates"][1]["file"], "made.pem");
    assert_eq!(client.remove_trust(&name).expect("removed")["removed"], true);
    assert_eq!(client.request_tomcat().expect("a request"), "a request");
    assert_eq!(client.upload_tomcat(&made().hub.pem(), None).expect("uploaded")["uploaded"], true);
    let calls = [
        &format!("upload tomcat with the key {KEY}"),
        "upload trust root.pem",
        "upload trust made.pem",
        "remove trust root.pem",
        "request tomcat",
        "upload tomcat with the key that is there",
    ];
    assert_eq!(server.backend.calls(), calls);
}
