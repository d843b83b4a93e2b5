//! The client against the server, and against things that are no server.

use std::io::{Read, Write};
use std::net::TcpListener;

use ils_faces::Calls;
use ilslab_desk::{Client, ClientError};
use serde_json::{Map, Value, json};

use crate::fake::Server;
use crate::node;

fn settings(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

#[test]
fn each_method_reaches_its_route() {
    let server = Server::start();
    let client = server.client();
    client.live().expect("it lives");
    let ready = client.ready().expect("it answers");
    assert!(ready.ready && ready.details["joined"] == 1);
    assert_eq!(client.status().expect("status")["cluster_id"], "2");
    assert_eq!(client.peers().expect("peers")["peers"][0]["peer_id"], node::SPOKE_ID);
    assert_eq!(client.connections().expect("connections")["connections"][0]["outcome"], "joined");
    assert_eq!(client.alarms().expect("alarms")["alarms"][0]["severity"], 3);
    assert_eq!(client.config().expect("config")["password_set"], true);
    let patched = client.patch(&settings(json!({"use_tls": true, "password": "s3cret"}))).expect("patched");
    assert_eq!((&patched["use_tls"], &patched["revision"]), (&json!(true), &json!(4)));
    assert_eq!(client.disconnect(node::SPOKE_ID).expect("forgotten")["forgotten"], true);
    assert_eq!(client.restart().expect("restarted")["restarted"], true);
    let calls = [
        "probe".to_owned(),
        r#"configure {"use_tls":true} password s3cret"#.to_owned(),
        format!("disconnect {}", node::SPOKE_ID),
        "restart begins".to_owned(),
        "restart ends".to_owned(),
    ];
    assert_eq!(server.backend.calls(), calls);
}

#[test]
fn a_node_that_is_not_ready_says_so() {
    let server = Server::start();
    *server.backend.store_failure.lock().expect("unshared") = Some("disk is full".into());
    let ready = Client::anonymous(&server.url()).expect("a URL").ready().expect("it answers");
    assert!(!ready.ready);
    assert_eq!(ready.details["store"]["error"], "disk is full");
}

#[test]
fn a_refused_setting_comes_with_key_and_cure() {
    let server = Server::start();
    let error = server.client().patch(&settings(json!({"sync_every": "0s"}))).expect_err("out of range");
    assert!(error.to_string().contains("1s to 1440m"), "{error}");
    let ClientError::Problem { status, key, .. } = error else { panic!("{error}") };
    assert_eq!((status, key.as_deref()), (422, Some("sync_every")));
}

#[test]
fn what_is_not_there_and_what_may_not_be_are_told_apart() {
    let server = Server::start();
    let url = server.url();
    let unknown = server.client().disconnect(node::HUB_ID).expect_err("unknown");
    assert!(matches!(unknown, ClientError::Problem { status: 404, .. }), "{unknown}");
    for client in [Client::new(&url, "wrong"), Client::anonymous(&url)] {
        let refused = client.expect("a URL").status().expect_err("no login");
        assert!(matches!(refused, ClientError::Unauthorised { .. }), "{refused}");
        assert!(refused.to_string().contains("--admin-password-file"), "{refused}");
        assert!(!refused.to_string().contains("wrong"), "{refused}");
    }
    (0..10).for_each(|_| drop(Client::new(&url, "wrong").expect("a URL").status()));
    assert!(server.client().status().is_ok(), "whatever others have guessed at this address");
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let url = {
        // An address of its own: no other test is given the port once it is free.
        let listener = TcpListener::bind("127.0.0.3:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("bound"))
    };
    let error = Client::anonymous(&url).expect("a URL").live().expect_err("closed");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&url) && error.to_string().contains("admin address"), "{error}");
}

#[test]
fn something_else_that_answers_is_not_a_node() {
    for (name, answer) in [
        ("a web page", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>"),
        ("an error page", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>"),
        (
            "a redirection",
            "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
        ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        let error = Client::new(&url, "x").expect("a URL").status().expect_err(name);
        assert!(matches!(error, ClientError::Answer { .. }), "{name}: {error:?}");
        thread.join().expect("answered");
    }
}

#[test]
fn a_password_never_shows_in_what_an_error_prints() {
    let server = Server::start();
    let error = Client::new(&server.url(), "hunter2").expect("a URL").config().expect_err("wrong");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
