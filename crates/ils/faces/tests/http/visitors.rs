//! Who keeps a connection and who gives way, when there are more callers than places.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::fake::Server;
use crate::wire::{BASIC, connect, rest};

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(600);
/// Where a log-in must still get through on a busy machine.
const LONGER: Duration = Duration::from_secs(5);

/// Nobody is closed for being idle.
fn patient(connections: usize, of_a_source: usize) -> Server {
    Server::with(|options| {
        options.limits.connections = connections;
        options.limits.source_connections = of_a_source;
        options.limits.header_time = NEVER;
        options.limits.stranger_time = NEVER;
    })
}

fn asked(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

fn is_alive(stream: &mut TcpStream) -> bool {
    ask(stream, &asked("GET /livez", "")) == Some(200)
}

/// The status of one answer on a connection that stays; none where it is closed.
fn ask(stream: &mut TcpStream, request: &str) -> Option<u16> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).ok()?;
        head.extend(octet);
    }
    let head = String::from_utf8(head).expect("a head in ASCII").to_lowercase();
    let field = |before: &str, after: &str| {
        let (_, text) = head.split_once(before).expect("it is in the head");
        text.split(after).next().and_then(|text| text.parse::<usize>().ok()).expect("a number")
    };
    let mut body = vec![0; field("content-length: ", "\r\n")];
    stream.read_exact(&mut body).ok()?;
    u16::try_from(field("http/1.1 ", " ")).ok()
}

/// Whether the server has closed it; nothing that it said is left to read.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let answer = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("a socket");
    match answer {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Until the server has closed it; the test's own time limit ends a wait in vain.
fn await_end(stream: &mut TcpStream) {
    while !is_closed(stream) {
        std::thread::yield_now();
    }
}

/// Until no more than so many are open; the test's own time limit ends a wait in vain.
fn await_open(streams: &mut Vec<TcpStream>, count: usize) {
    while streams.len() > count {
        streams.retain_mut(|stream| !is_closed(stream));
    }
    assert_eq!(streams.len(), count);
}

#[test]
fn neither_keep_alive_askers_nor_idle_ones_keep_an_administrator_out() {
    let server = patient(128, 64);
    let mut crowd: Vec<TcpStream> = Vec::new();
    for place in 0..128 + 257 {
        let mut stream = connect(server.address);
        assert!(place >= 128 || is_alive(&mut stream), "an asker has just come");
        crowd.push(stream);
        await_open(&mut crowd, 64.min(place + 1));
    }
    for (name, answer) in [
        ("a probe", server.request("GET /readyz", &[], "")),
        ("the administrator", server.get("status")),
        ("the administrator again", server.get("status")),
    ] {
        assert_eq!(answer.status, 200, "{name}");
    }
}

#[test]
fn the_places_of_a_source_are_counted_on_both_sides_of_the_bound() {
    let server = patient(128, 3);
    let mut three = [(); 3].map(|()| connect(server.address));
    assert_eq!(three.each_mut().map(is_alive), [true; 3], "within");
    let mut fourth = connect(server.address);
    assert!(is_alive(&mut fourth), "who has just come stays");
    let [first, second, third] = &mut three;
    await_end(first);
    assert!(is_alive(second) && is_alive(third), "one gives way to one");
}

#[test]
fn one_beyond_all_places_takes_that_of_an_idle_one_who_has_not_logged_in() {
    let server = patient(2, 64);
    let mut known = connect(server.address);
    let login = asked("GET /api/v1/status", &format!("Authorization: {BASIC}\r\n"));
    assert_eq!(ask(&mut known, &login), Some(200));
    let mut stranger = connect(server.address);
    assert!(is_alive(&mut stranger), "there are two places");
    let mut third = connect(server.address);
    assert!(is_alive(&mut third));
    await_end(&mut stranger);
    assert!(is_alive(&mut known), "who has logged in stays, though idle for longest");
}

#[test]
fn a_request_of_somebody_who_has_logged_in_is_not_cut_off_for_a_newcomer() {
    let server = patient(1, 64);
    let hold = Arc::new(Notify::new());
    *server.backend.hold.lock().expect("unshared") = Some(Arc::clone(&hold));
    let mut first = connect(server.address);
    let restart = format!("Authorization: {BASIC}\r\nConnection: close\r\n");
    first.write_all(asked("POST /api/v1/service/restart", &restart).as_bytes()).expect("the server reads");
    while !server.backend.calls().iter().any(|call| call == "restart begins") {
        std::thread::yield_now();
    }
    assert!(!is_alive(&mut connect(server.address)), "the only place is taken");
    hold.notify_one();
    assert_eq!(rest(first).status, 200);
    assert!(is_alive(&mut connect(server.address)), "and free again");
}

#[test]
fn a_stranger_has_an_end_however_busy_and_who_has_logged_in_goes_on() {
    let server = Server::with(|options| options.limits.stranger_time = LONGER);
    let (mut known, mut stranger) = (connect(server.address), connect(server.address));
    let login = asked("GET /api/v1/status", &format!("Authorization: {BASIC}\r\n"));
    assert_eq!(ask(&mut known, &login), Some(200));
    assert!(is_alive(&mut stranger), "before its time is over");
    // Both go on asking; without the limit this would not end.
    while is_alive(&mut stranger) {
        assert!(is_alive(&mut known));
    }
    assert!(is_alive(&mut known), "after the stranger's time");
}
