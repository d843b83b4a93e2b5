//! A blocking client of the API, for commands and scenarios.
//!
//! What it holds of a password it wipes. Buffers of the HTTP library are not its own: a program that cares has an allocator
//! that overwrites what is given back, as `ilslab` has.
//!
//! It reaches a node directly, never through a proxy of the environment: a node's admin address is loopback.

mod certificates;
mod error;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ilslab_names::printable;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{HeaderValue, Response, Uri, header};
use ureq::{Agent, Body, RequestBuilder};
use zeroize::Zeroizing;

use crate::gate::USER;

pub use error::ClientError;
use error::TOTAL;

/// To get a TCP connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Largest answer that is read, in octets; more than `run sql` gives, JSON and all.
const ANSWER_MAX: u64 = 64 * 1024 * 1024;

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    /// Bound, with a store that can be written.
    pub ready: bool,
    /// The whole answer.
    pub details: Value,
}

/// One node, spoken to over HTTP.
pub struct Client {
    agent: Agent,
    /// Scheme, host and port.
    base: String,
    authorization: Option<Zeroizing<Vec<u8>>>,
}

impl Client {
    /// A client that logs in with this password.
    ///
    /// # Errors
    /// [`ClientError::Address`] where the URL is not `http://HOST:PORT`.
    pub fn new(base_url: &str, password: &str) -> Result<Self, ClientError> {
        Ok(Self { authorization: Some(basic(password)), ..Self::anonymous(base_url)? })
    }

    /// A client that may only ask [`Client::live`], [`Client::ready`] and [`Client::metrics`].
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn anonymous(base_url: &str) -> Result<Self, ClientError> {
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            // A node that was restarted between two calls would leave a dead connection behind.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TOTAL))
            .build();
        Ok(Self { agent: config.into(), base: base(base_url)?, authorization: None })
    }

    /// Scheme, host and port of the node.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Whether the node answers at all.
    ///
    /// # Errors
    /// Where it does not.
    pub fn live(&self) -> Result<(), ClientError> {
        let mut answer = self.send(self.agent.get(self.at("/livez")))?;
        let text = self.text(&mut answer)?;
        if answer.status().is_success() && text == "ok" { Ok(()) } else { Err(self.refusal(&answer, &text)) }
    }

    /// Whether the node is of use.
    ///
    /// # Errors
    /// Where it does not say.
    pub fn ready(&self) -> Result<Readiness, ClientError> {
        let mut answer = self.send(self.agent.get(self.at("/readyz")))?;
        let text = self.text(&mut answer)?;
        let details: Value = self.parse(&text)?;
        match details.get("ready").and_then(Value::as_bool) {
            Some(ready) => Ok(Readiness { ready, details }),
            None => Err(self.refusal(&answer, &text)),
        }
    }

    /// `GET trace`: the lines behind this cursor, the `next` of an earlier answer; without one, from the oldest on.
    ///
    /// # Errors
    /// Any [`ClientError`]; a cursor that is none is a [`ClientError::Problem`] with status 422.
    pub fn trace(&self, after: Option<&str>) -> Result<Value, ClientError> {
        match after {
            None => self.get("trace"),
            Some(after) => {
                // Anything else than what a cursor is made of would be another part of the URL.
                let plain: String = after.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
                self.get(&format!("trace?after={plain}"))
            }
        }
    }

    /// `/metrics`, in Prometheus' text format.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn metrics(&self) -> Result<String, ClientError> {
        let mut answer = self.send(self.agent.get(self.at("/metrics")))?;
        let text = self.text(&mut answer)?;
        if answer.status().is_success() { Ok(text) } else { Err(self.refusal(&answer, &text)) }
    }

    /// `POST cli`: an `admin:` command; answers what it prints.
    ///
    /// # Errors
    /// Any [`ClientError`]; an unknown command is a [`ClientError::Problem`] that lists those there are.
    pub fn cli(&self, command: &str) -> Result<String, ClientError> {
        let answer: Value = self.post("cli", &json!({"command": command}))?;
        let output = answer.get("output").and_then(Value::as_str);
        output.map(str::to_owned).ok_or_else(|| self.odd("the answer has no output"))
    }

    /// `GET` of a route below `/api/v1`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn get(&self, route: &str) -> Result<Value, ClientError> {
        let answer = self.send(self.agent.get(self.at(&format!("/api/v1/{route}"))))?;
        self.value(answer)
    }

    /// `POST` to a route below `/api/v1`. What is sent is wiped.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn post(&self, route: &str, body: &impl serde::Serialize) -> Result<Value, ClientError> {
        let request = self.agent.post(self.at(&format!("/api/v1/{route}")));
        self.exchange(request.content_type("application/json"), &self.json(body)?)
    }

    /// `PATCH` of a route below `/api/v1`, with a merge patch (RFC 7396). What is sent is wiped.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn merge(&self, route: &str, patch: &impl serde::Serialize) -> Result<Value, ClientError> {
        let request = self.agent.patch(self.at(&format!("/api/v1/{route}")));
        self.exchange(request.content_type("application/merge-patch+json"), &self.json(patch)?)
    }

    fn exchange(
        &self, request: RequestBuilder<ureq::typestate::WithBody>, body: &[u8],
    ) -> Result<Value, ClientError> {
        let answer = self.authorised(request).send(body).map_err(|error| self.failed(error))?;
        self.value(answer)
    }

    fn send(
        &self, request: RequestBuilder<ureq::typestate::WithoutBody>,
    ) -> Result<Response<Body>, ClientError> {
        self.authorised(request).call().map_err(|error| self.failed(error))
    }

    fn authorised<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(value) => request.header(header::AUTHORIZATION, sensitive(value)),
            None => request,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What a caller sends, wiped afterwards: it can hold a password.
    fn json(&self, value: &impl serde::Serialize) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let odd = |error: serde_json::Error| self.odd(&error.to_string());
        let mut length = Length(0);
        serde_json::to_writer(&mut length, value).map_err(odd)?;
        // Room for all of it from the start: growing would leave copies of a secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, value).map_err(odd)?;
        Ok(bytes)
    }

    fn value(&self, mut answer: Response<Body>) -> Result<Value, ClientError> {
        let text = self.text(&mut answer)?;
        if answer.status().is_success() { self.parse(&text) } else { Err(self.refusal(&answer, &text)) }
    }

    fn text(&self, answer: &mut Response<Body>) -> Result<String, ClientError> {
        let limited = answer.body_mut().with_config().limit(ANSWER_MAX);
        limited.read_to_string().map_err(|error| self.failed(error))
    }

    fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, ClientError> {
        serde_json::from_str(text).map_err(|error| self.odd(&error.to_string()))
    }

    /// The error that an answer other than success is.
    fn refusal(&self, answer: &Response<Body>, text: &str) -> ClientError {
        let status = answer.status().as_u16();
        if status == 401 {
            return ClientError::Unauthorised { url: self.base.clone() };
        }
        let Ok(problem) = serde_json::from_str::<Value>(text) else {
            return self.odd(&format!("status {status} without a reason"));
        };
        // Whoever answers may not be a node, and its words end on a terminal.
        let member = |name: &str| problem.get(name).and_then(Value::as_str).map(printable);
        match (member("title"), member("detail")) {
            (Some(title), Some(detail)) => ClientError::Problem { status, title, detail, key: member("key") },
            _ => self.odd(&format!("status {status} without a reason")),
        }
    }

    fn failed(&self, error: ureq::Error) -> ClientError {
        let url = self.base.clone();
        match error {
            ureq::Error::Timeout(_) => ClientError::Timeout { url },
            ureq::Error::Protocol(error) => self.odd(&error.to_string()),
            error => ClientError::Unreachable { url, error: printable(&error.to_string()) },
        }
    }

    fn odd(&self, error: &str) -> ClientError {
        ClientError::Answer { url: self.base.clone(), error: printable(error) }
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The value of `Authorization`, its length known first.
fn basic(password: &str) -> Zeroizing<Vec<u8>> {
    let mut credentials = Zeroizing::new(String::with_capacity(USER.len() + 1 + password.len()));
    credentials.extend([USER, ":", password]);
    let encoded = credentials.len().div_ceil(3) * 4;
    let mut value = Zeroizing::new(vec![0; "Basic ".len() + encoded]);
    let (scheme, rest) = value.split_at_mut("Basic ".len());
    scheme.copy_from_slice(b"Basic ");
    let written = STANDARD.encode_slice(credentials.as_bytes(), rest);
    written.expect("base64 takes four octets for each three begun");
    value
}

/// No log of the HTTP client shows it.
fn sensitive(value: &[u8]) -> HeaderValue {
    let mut value = HeaderValue::from_bytes(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}

/// The URL without the slash at its end; only `http://HOST` and `http://HOST:PORT` will do.
fn base(url: &str) -> Result<String, ClientError> {
    let wrong = || ClientError::Address { url: url.to_owned() };
    let parsed: Uri = url.parse().map_err(|_| wrong())?;
    let authority = parsed.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let plain = !authority.is_empty() && !authority.contains('@') && matches!(parsed.path(), "" | "/");
    if parsed.scheme_str() != Some("http") || !plain || parsed.query().is_some() {
        return Err(wrong());
    }
    Ok(format!("http://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_node_is_a_url_without_a_path() {
        for (url, want) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("http://hub", Some("http://hub")),
            ("https://hub", None),
            ("127.0.0.1:8080", None),
            ("hub", None),
            ("", None),
            ("http://", None),
            ("http://a:b@hub", None),
            ("http://hub/api", None),
            ("http://hub?x", None),
        ] {
            assert_eq!(base(url).ok().as_deref(), want, "{url}");
        }
    }
}
