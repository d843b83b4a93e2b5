//! Requests written by hand, so that wrong ones can be sent too.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::fake::Server;

/// How long an answer may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// `administrator` with the password of the tests.
pub(crate) const BASIC: &str = "Basic YWRtaW5pc3RyYXRvcjpjb3JyZWN0IGhvcnNlOiBiYXR0ZXJ5";
/// `administrator` with another.
pub(crate) const WRONG: &str = "Basic YWRtaW5pc3RyYXRvcjp3cm9uZw==";

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The status of a problem document that is one in every respect.
    pub(crate) fn problem(&self) -> u16 {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let problem = self.json();
        assert_eq!(problem.get("status"), Some(&Value::from(self.status)));
        for member in ["type", "title", "detail"] {
            assert!(
                problem.get(member).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
                "{member}: {problem}"
            );
        }
        self.status
    }

    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.expect("a status line"),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
        }
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Sends these octets, and reads until the server closes.
pub(crate) fn exchange(address: SocketAddr, octets: &[u8]) -> Answer {
    let mut stream = connect(address);
    // A server that has heard enough may close before it has all; its answer is there all the same.
    let _ = stream.write_all(octets);
    rest(stream)
}

/// All that the server still has to say.
pub(crate) fn rest(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A reset after the answer: the server had not read all that was sent.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => {
            panic!("the server does not close: {error}")
        }
        _ => Answer::parse(&answer),
    }
}

impl Server {
    /// One request with a `Host` of its own, and these headers.
    pub(crate) fn request(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let host = self.address.to_string();
        let all = [("Host", host.as_str()), ("Connection", "close")];
        let lines: String =
            all.iter().chain(headers).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        exchange(self.address, format!("{line} HTTP/1.1\r\n{lines}{length}\r\n{body}").as_bytes())
    }

    /// `GET` with the right password.
    pub(crate) fn get(&self, route: &str) -> Answer {
        self.request(&format!("GET /api/v1/{route}"), &[("Authorization", BASIC)], "")
    }

    /// JSON with the right password.
    pub(crate) fn send(&self, method: &str, route: &str, body: &str) -> Answer {
        let headers = [("Authorization", BASIC), ("Content-Type", "application/json")];
        self.request(&format!("{method} /api/v1/{route}"), &headers, body)
    }
}
