//! Who may come in: HTTP Basic as `administrator`, or a bearer token.
//!
//! ```text
//! Authorization: Bearer … -> Tokens
//! Authorization: Basic …, or POST login -> Failures (late?) -> AdminPassword -> Failures (count, delay) | Tokens (issue)
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ilslab_secrets::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::failures::{DELAY, Failures};
use crate::password::AdminPassword;
use crate::problem::Problem;
use crate::tokens::{LIFETIME, Tokens};

/// The one user there is.
pub(crate) const USER: &str = "administrator";

/// A token that was given out.
pub(crate) struct Issued {
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires: ilslab_time::Timestamp,
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
        let expires = ilslab_time::Timestamp(self.clock.now().0.saturating_add(lifetime));
        Ok(Issued { token, expires })
    }

    /// A late source takes its turn first, whatever it sends: else a quick answer would tell right from wrong.
    async fn check(self: &Arc<Self>, user: &str, password: Secret, from: IpAddr) -> Result<(), Refused> {
        let attempt = Arc::new(Attempt { is_user: user == USER, password, from });
        let mut turn = self.turn(from).await?;
        if self.is_remembered(&attempt) {
            return Ok(());
        }
        loop {
            match self.judge(&attempt, turn.is_some()).await? {
                Judged::Right => return Ok(()),
                Judged::Wrong => return Err(wrong(turn).await),
                Judged::Late => turn = self.turn(from).await?,
            }
        }
    }

    fn is_remembered(&self, attempt: &Attempt) -> bool {
        attempt.is_user && self.password.is_remembered(attempt.password.expose().as_bytes())
    }

    /// The turn of a late source; none where it is not late.
    async fn turn(&self, from: IpAddr) -> Result<Option<OwnedSemaphorePermit>, Refused> {
        match self.failures.turns(from, self.clock.uptime()) {
            Some(turns) => turns.acquire_owned().await.map(Some).map_err(|_| Refused::Broken),
            None => Ok(None),
        }
    }

    /// The permit goes along: a caller that hangs up neither stops the count nor starts a second Argon2id.
    async fn judge(self: &Arc<Self>, attempt: &Arc<Attempt>, has_turn: bool) -> Result<Judged, Refused> {
        let (gate, attempt) = (Arc::clone(self), Arc::clone(attempt));
        let permit = Arc::clone(&self.one_at_a_time).acquire_owned().await.map_err(|_| Refused::Broken)?;
        let judged = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            gate.judge_now(&attempt, has_turn)
        });
        judged.await.map_err(|_| Refused::Broken)
    }

    fn judge_now(&self, attempt: &Attempt, has_turn: bool) -> Judged {
        let now = self.clock.uptime();
        // Those that came before it, all at once, may have made its source late.
        if !has_turn && self.failures.turns(attempt.from, now).is_some() {
            return Judged::Late;
        }
        if attempt.is_user && self.password.verify(attempt.password.expose().as_bytes()) {
            return Judged::Right;
        }
        tracing::warn!(from = %attempt.from, "a login as administrator failed");
        self.failures.count(attempt.from, now);
        Judged::Wrong
    }
}

/// The answer to a wrong password; to a late source it comes late, and its turn is spent even if it hangs up.
async fn wrong(turn: Option<OwnedSemaphorePermit>) -> Refused {
    if let Some(turn) = turn {
        let spent = tokio::spawn(async move {
            tokio::time::sleep(DELAY).await;
            drop(turn);
        });
        // It cannot fail but by the end of the process.
        let _ = spent.await;
    }
    Refused::Wrong
}

/// A log-in under way.
struct Attempt {
    is_user: bool,
    password: Secret,
    from: IpAddr,
}

/// What came of it.
enum Judged {
    Right,
    Wrong,
    /// Not judged: its source has become late, and it has no turn.
    Late,
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
