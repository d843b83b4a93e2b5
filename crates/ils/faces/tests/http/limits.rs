//! What a caller may take: octets, time, connections; and how the server ends.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::fake::Server;
use crate::wire::{BASIC, connect, rest};

const SHORT: Duration = Duration::from_millis(100);
/// Where a whole request must still get through on a busy machine.
const LONGER: Duration = Duration::from_secs(5);

fn head(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BASIC}\r\n{more}\r\n")
}

fn sql_of(octets: usize) -> String {
    let frame = r#"{"command":""}"#.len();
    format!(r#"{{"command":"{}"}}"#, "x".repeat(octets - frame))
}

#[test]
fn a_body_has_at_most_64_kib() {
    let server = Server::start();
    for (name, octets, status) in [("as large as may be", 65_536, 422), ("one octet more", 65_537, 413)] {
        assert_eq!(server.send("POST", "cli", &sql_of(octets)).problem(), status, "{name}");
    }
}

#[test]
fn a_body_that_announces_too_much_is_refused_unread() {
    let server = Server::start();
    for route in
        ["login", "sql", "cli", "service/restart", "certificates/tomcat", "certificates/tomcat-trust"]
    {
        let mut stream = connect(server.address);
        let more = "Content-Type: application/json\r\nContent-Length: 1000000000\r\n";
        stream.write_all(head(&format!("POST /api/v1/{route}"), more).as_bytes()).expect("the server reads");
        assert_eq!(rest(stream).problem(), 413, "{route}");
    }
}

#[test]
fn a_body_of_unknown_length_is_cut_too() {
    let server = Server::start();
    let mut stream = connect(server.address);
    let more = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let all = format!("{}{chunk}{chunk}1\r\n", head("POST /api/v1/cli", more));
    stream.write_all(all.as_bytes()).expect("the server reads");
    // The last octet may find the connection closed.
    let _ = stream.write_all(b" \r\n");
    assert_eq!(rest(stream).problem(), 413);
}

#[test]
fn headers_have_at_most_16_kib() {
    let server = Server::start();
    for (name, octets, status) in [("within", 15_000, 200), ("beyond", 17_000, 431)] {
        let filler = "x".repeat(octets);
        let answer = server.request("GET /livez", &[("X-Filler", &filler)], "");
        assert_eq!(answer.status, status, "{name}");
    }
}

#[test]
fn slow_headers_end_the_connection_and_nobody_elses() {
    let server = Server::with(|options| options.limits.header_time = LONGER);
    for (name, sent) in [("silence", ""), ("half a request", "GET /livez HTTP/1.1\r\nHost: local")] {
        let mut stream = connect(server.address);
        stream.write_all(sent.as_bytes()).expect("the server reads");
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // It was closed before all had been sent.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}"),
            Ok(_) => assert!(!answer.starts_with(b"HTTP/1.1 2"), "{name}"),
        }
    }
    assert_eq!(server.request("GET /livez", &[], "").status, 200);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Server::with(|options| options.limits.header_time = LONGER);
    let mut stream = connect(server.address);
    stream.write_all(head("GET /livez", "").as_bytes()).expect("the server reads");
    assert_eq!(rest(stream).status, 200, "answered, then closed without being asked to");
}

#[test]
fn a_slow_body_is_given_up() {
    let server = Server::with(|options| options.limits.body_time = SHORT);
    let mut stream = connect(server.address);
    let more = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let start = format!("{}{{", head("POST /api/v1/cli", more));
    stream.write_all(start.as_bytes()).expect("the server reads");
    assert_eq!(rest(stream).problem(), 408);
}

#[test]
fn a_connection_has_an_end_however_busy_it_is() {
    let server = Server::with(|options| options.limits.connection_time = SHORT);
    let mut stream = connect(server.address);
    let request = head("GET /livez", "");
    // Without the limit this would go on until the test's patience ends.
    let closed = (0..1_000_000).any(|_| {
        let mut answer = [0; 4_096];
        stream.write_all(request.as_bytes()).is_err() || matches!(stream.read(&mut answer), Ok(0) | Err(_))
    });
    assert!(closed);
}

#[test]
fn a_change_goes_on_when_its_caller_hangs_up() {
    let server = Server::start();
    let hold = Arc::new(Notify::new());
    *server.backend.hold.lock().expect("unshared") = Some(Arc::clone(&hold));
    let mut stream = connect(server.address);
    stream.write_all(head("POST /api/v1/service/restart", "").as_bytes()).expect("the server reads");
    await_call(&server, "restart begins");
    drop(stream);
    assert_eq!(server.request("GET /livez", &[], "").status, 200);
    hold.notify_one();
    await_call(&server, "restart ends");
}

#[test]
fn a_shutdown_finishes_the_answer_under_way() {
    let mut server = Server::with(|options| options.limits.grace = Duration::from_secs(60));
    let hold = Arc::new(Notify::new());
    *server.backend.hold.lock().expect("unshared") = Some(Arc::clone(&hold));
    let mut stream = connect(server.address);
    stream.write_all(head("POST /api/v1/service/restart", "").as_bytes()).expect("the server reads");
    await_call(&server, "restart begins");
    server.stop();
    await_refusal(&server);
    hold.notify_one();
    assert_eq!(rest(stream).status, 200);
    server.join();
}

#[test]
fn a_shutdown_does_not_wait_longer_than_its_grace() {
    let mut server = Server::with(|options| options.limits.grace = SHORT);
    let never = Arc::new(Notify::new());
    *server.backend.hold.lock().expect("unshared") = Some(never);
    let mut stream = connect(server.address);
    stream.write_all(head("POST /api/v1/service/restart", "").as_bytes()).expect("the server reads");
    await_call(&server, "restart begins");
    server.stop();
    server.join();
    let mut answer = Vec::new();
    // Closed or reset: either way without an answer.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}

/// Until the backend was called so; the test's own time limit ends a wait in vain.
fn await_call(server: &Server, call: &str) {
    while !server.backend.calls().iter().any(|seen| seen == call) {
        std::thread::yield_now();
    }
}

/// Until nobody listens any more.
fn await_refusal(server: &Server) {
    while std::net::TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
}
