//! Whoever answers at a node's address need not be a node: what it says is shown, and nothing else happens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::world::{World, ilslab, text};

/// What a terminal acts upon, what it hides, and what it shows in another order.
const NASTY: &str =
    "a\u{1b}]0;x\u{7}\r\u{8}\u{7f}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}\0z";

/// Answers every request in the same way, each on a connection of its own.
struct Rogue {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Rogue {
    fn new(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let requests = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&requests);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                serve(stream, &answer);
            }
        });
        Self { url, requests }
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&str) -> (u16, Value)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut first, mut length) = (String::new(), 0);
    let _ = reader.read_line(&mut first);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let _ = reader.take(length).read_to_end(&mut Vec::new());
    let (status, body) = answer(first.split_whitespace().nth(1).unwrap_or(""));
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// What a path is answered with: a status and a body.
type Answer = fn(&str) -> (u16, Value);

/// All that a node answers, with something nasty in each text.
fn friendly(path: &str) -> (u16, Value) {
    let path = path.split('?').next().unwrap_or("");
    let answer = match path {
        "/api/v1/alarms" => json!({"alarms": [{"since": NASTY, "text": NASTY, "name": NASTY}]}),
        "/api/v1/trace" => json!({"lines": [], "next": NASTY}),
        "/api/v1/cli" | "/api/v1/sql" => json!({"output": format!("{NASTY}\n{NASTY}"), "text": NASTY}),
        "/readyz" => json!({"ready": false, "why": NASTY}),
        _ => {
            json!({"role": NASTY, NASTY: NASTY, "connections": [{"id": 1, "outcome": NASTY}], "peers": [{NASTY: NASTY}]})
        }
    };
    (200, answer)
}

/// The same of a refusal.
fn hostile(_: &str) -> (u16, Value) {
    (422, json!({"title": NASTY, "detail": NASTY, "key": NASTY}))
}

fn is_fit(output: &Output) -> bool {
    [&output.stdout, &output.stderr]
        .iter()
        .all(|octets| octets.iter().all(|o| matches!(o, b'\n' | b' '..=b'~')))
}

#[test]
fn what_somebody_else_answers_reaches_no_terminal_as_it_is() {
    let world = World::new();
    let password = format!("--admin-password-file={}", world.file("password", "a password"));
    let answers: [(&str, Answer); 2] = [("answers", friendly), ("refuses", hostile)];
    for (what, answer) in answers {
        let rogue = Rogue::new(answer);
        let url = rogue.url.as_str();
        for command in [
            &["alarms", url, &password][..],
            &["alarms", url, "--json", &password],
            &["trace", url, &password],
            &["admin", &password, url, "run", "sql", "select 1"],
            &["set", url, "sync_every=10m", &password],
            &["wait", url, "--timeout", "100ms", &password],
            &["health", url],
        ] {
            let output = ilslab(command);
            let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert!(is_fit(&output), "{what}, {command:?}: {shown:?}");
        }
        assert!(rogue.requests.load(Ordering::Relaxed) >= 7, "{what}: each has asked");
    }
}

#[test]
fn a_trace_that_does_not_go_on_ends() {
    let world = World::new();
    let password = format!("--admin-password-file={}", world.file("password", "a password"));
    let line = || json!([{"line": "a line"}]);
    for (case, next) in [("stays", json!("1-5")), ("is missing", Value::Null), ("is no place", json!("x"))] {
        let rogue = Rogue::new(move |_| (200, json!({"lines": line(), "next": next, "lost": false})));
        let output = ilslab(&["trace", &rogue.url, &password]);
        assert_ne!(output.status.code(), Some(0), "{case}");
        let requests = rogue.requests.load(Ordering::Relaxed);
        assert!((1..=2).contains(&requests), "{case}: {requests}");
    }
}
