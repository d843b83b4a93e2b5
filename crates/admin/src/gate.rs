//! Who may come in: HTTP Basic as `administrator`, or a bearer token.
//!
//! ```text
//! Authorization: Bearer … -> Tokens
//! Authorization: Basic …, or POST login -> Failures (may it try?) -> AdminPassword -> Failures (count) | Tokens (issue)
//! ```

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::backend::Secret;
use crate::clock::Clock;
use crate::failures::Failures;
use crate::password::AdminPassword;
use crate::problem::Problem;
use crate::tokens::{LIFETIME, Tokens};

/// The one user there is.
pub(crate) const USER: &str = "administrator";

/// A token that was given out.
pub(crate) struct Issued {
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires: ilslab_core::time::Timestamp,
}

/// Why nobody came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No credentials, or none that can be read.
    Missing,
    /// Not the password.
    Wrong,
    /// Not a token, or no longer.
    Token,
    /// Too many failures; how long to wait.
    TooMany(Duration),
    /// The password could not be judged.
    Broken,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => {
                Self::unauthorised("log in as `administrator`, with HTTP Basic or a bearer token")
            }
            Refused::Wrong => Self::unauthorised("the user or the password is wrong"),
            Refused::Token => Self::unauthorised("the token is unknown or has expired; log in again"),
            Refused::TooMany(wait) => Self::too_many_logins(wait),
            Refused::Broken => Self::internal("the password could not be checked"),
        }
    }
}

/// The door. One password is judged at a time, so that guessing costs neither memory nor more than one core.
pub(crate) struct Gate {
    password: AdminPassword,
    tokens: Tokens,
    failures: Failures,
    clock: Arc<dyn Clock>,
    one_at_a_time: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(password: AdminPassword, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            password,
            tokens: Tokens::default(),
            failures: Failures::default(),
            clock,
            one_at_a_time: Arc::new(Semaphore::new(1)),
        })
    }

    /// Judges the `Authorization` header of a request.
    pub(crate) async fn admit(self: &Arc<Self>, headers: &HeaderMap, from: IpAddr) -> Result<(), Refused> {
        match credentials(headers).ok_or(Refused::Missing)? {
            Credentials::Bearer(token) if self.tokens.accept(token, self.clock.uptime()) => Ok(()),
            Credentials::Bearer(_) => Err(Refused::Token),
            Credentials::Basic { user, password } => self.check(&user, password, from).await,
        }
    }

    /// A token for the right password.
    pub(crate) async fn login(
        self: &Arc<Self>, user: &str, password: Secret, from: IpAddr,
    ) -> Result<Issued, Refused> {
        self.check(user, password, from).await?;
        let token = self.tokens.issue(self.clock.uptime()).map_err(|_| Refused::Broken)?;
        let lifetime = i64::try_from(LIFETIME.as_millis()).unwrap_or(i64::MAX);
        let expires = ilslab_core::time::Timestamp(self.clock.now().0.saturating_add(lifetime));
        Ok(Issued { token, expires })
    }

    /// A source that must wait is told so whatever it sends: else the answer would still tell right from wrong.
    async fn check(self: &Arc<Self>, user: &str, password: Secret, from: IpAddr) -> Result<(), Refused> {
        self.may_try(from)?;
        if user == USER && self.password.is_remembered(password.expose().as_bytes()) {
            return Ok(());
        }
        let gate = Arc::clone(self);
        let is_user = user == USER;
        let permit = Arc::clone(&self.one_at_a_time).acquire_owned().await.map_err(|_| Refused::Broken)?;
        // The permit goes along: a caller that hangs up neither stops the count nor starts a second Argon2id.
        let judged = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            gate.judge(is_user, &password, from)
        });
        judged.await.map_err(|_| Refused::Broken)?
    }

    fn judge(&self, is_user: bool, password: &Secret, from: IpAddr) -> Result<(), Refused> {
        self.may_try(from)?;
        if is_user && self.password.verify(password.expose().as_bytes()) {
            return Ok(());
        }
        tracing::warn!(%from, "a login as administrator failed");
        self.failures.count(from, self.clock.uptime());
        Err(Refused::Wrong)
    }

    fn may_try(&self, from: IpAddr) -> Result<(), Refused> {
        match self.failures.wait(from, self.clock.uptime()) {
            Some(wait) => Err(Refused::TooMany(wait)),
            None => Ok(()),
        }
    }
}

enum Credentials<'a> {
    Bearer(&'a str),
    Basic { user: String, password: Secret },
}

/// The scheme is case-insensitive (RFC 9110, 11.1); user and password are UTF-8 (RFC 7617, 2.1).
fn credentials(headers: &HeaderMap) -> Option<Credentials<'_>> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Bearer(rest));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(rest).ok()?);
    let (user, password) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_the_standards_write_them() {
        for (name, value, want) in [
            ("basic", "Basic YWRtaW5pc3RyYXRvcjpz", Some("administrator s")),
            ("lower case", "basic YWRtaW5pc3RyYXRvcjpz", Some("administrator s")),
            ("a password with colons", "Basic YTpiOmM=", Some("a b:c")),
            ("no colon", "Basic YWRtaW4=", None),
            ("not base64", "Basic §", None),
            ("not UTF-8", "Basic /zo=", None),
            ("bearer", "Bearer abc", Some("abc")),
            ("another scheme", "Digest abc", None),
            ("one word", "Basic", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header value"));
            let got = credentials(&headers).map(|credentials| match credentials {
                Credentials::Bearer(token) => token.to_owned(),
                Credentials::Basic { user, password } => format!("{user} {}", password.expose()),
            });
            assert_eq!(got.as_deref(), want, "{name}");
        }
    }
}
