//! How an attempt to join ends: one list for traces, API, metrics, scenarios, demo and exit codes.

use std::fmt;
use std::str::FromStr;

use ils_wire::Reason;
use serde::{Deserialize, Serialize};

/// How one attempt ended on one side. Its text is the name that users see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Outcome {
    /// The peers exchanged their information; the trace says `established`.
    Joined,
    /// The host answered that nothing listens on the port.
    RefusedConnection,
    /// No TCP connection for any other reason that lies with the hub or the way to it.
    Unreachable,
    /// No TCP connection, for want of something of this node's own: a descriptor, a port, an address or a route.
    Local,
    /// No valid Hello, or no finished TLS handshake, in time.
    Timeout,
    /// The peer's certificate did not verify: OpenSSL's number, or none where no certificate came or its key was wrong.
    PeerCertificateRejected(Option<u16>),
    /// The peer sent a certificate alert about ours.
    OwnCertificateRejected,
    /// The certificate verified, but is neither in the store nor is its FQDN known.
    CertificateNotKnown,
    /// The claimed FQDN is not the certificate's, or not with that peer ID.
    FqdnMismatch,
    /// A frame that had to be sealed with our password did not open.
    PasswordMismatch,
    /// One side uses a password on this port, the other does not.
    MethodMismatch,
    /// The cluster ID belongs to another cluster.
    DuplicateClusterId,
    /// One side still has the default cluster ID.
    DefaultClusterId,
    /// No protocol version in common.
    ProtocolVersion,
    /// No TLS version in common.
    TlsVersion,
    /// What came is not the mock protocol at all.
    NotIls,
    /// It is, but breaks a rule of it: cap, nesting, order, kind.
    ProtocolError,
    /// The peer ID, FQDN or route string belongs to another cluster.
    DuplicateIdentity,
    /// One side knows as many clusters as it can, and the other is not among them.
    PeerLimit,
    /// A known peer came back with another role.
    RoleChanged,
    /// The join could not be stored; a later one may be.
    Temporary,
    /// Silence after a valid Hello.
    Unresponsive,
    /// The peer closed without saying why.
    Closed,
}

/// Names without a number, in the order of the documentation.
const NAMES: [(Outcome, &str); 23] = [
    (Outcome::Joined, "joined"),
    (Outcome::RefusedConnection, "refused-connection"),
    (Outcome::Unreachable, "unreachable"),
    (Outcome::Local, "local"),
    (Outcome::Timeout, "timeout"),
    (Outcome::PeerCertificateRejected(None), "peer-certificate-rejected"),
    (Outcome::OwnCertificateRejected, "own-certificate-rejected"),
    (Outcome::CertificateNotKnown, "certificate-not-known"),
    (Outcome::FqdnMismatch, "fqdn-mismatch"),
    (Outcome::PasswordMismatch, "password-mismatch"),
    (Outcome::MethodMismatch, "method-mismatch"),
    (Outcome::DuplicateClusterId, "duplicate-cluster-id"),
    (Outcome::DefaultClusterId, "default-cluster-id"),
    (Outcome::ProtocolVersion, "protocol-version"),
    (Outcome::TlsVersion, "tls-version"),
    (Outcome::NotIls, "not-ils"),
    (Outcome::ProtocolError, "protocol-error"),
    (Outcome::DuplicateIdentity, "duplicate-identity"),
    (Outcome::PeerLimit, "peer-limit"),
    (Outcome::RoleChanged, "role-changed"),
    (Outcome::Temporary, "temporary"),
    (Outcome::Unresponsive, "unresponsive"),
    (Outcome::Closed, "closed"),
];

impl Outcome {
    /// The name without OpenSSL's number: what a metric label holds.
    pub fn name(self) -> &'static str {
        let plain = match self {
            Self::PeerCertificateRejected(_) => Self::PeerCertificateRejected(None),
            other => other,
        };
        NAMES.iter().find(|(outcome, _)| *outcome == plain).map_or("closed", |(_, name)| name)
    }

    /// Every outcome, once: bounded label sets are made from it.
    pub fn all() -> impl Iterator<Item = Outcome> {
        NAMES.iter().map(|(outcome, _)| *outcome)
    }
}

/// What the side that is told a reason makes of it.
impl From<Reason> for Outcome {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::MethodMismatch => Self::MethodMismatch,
            Reason::DuplicateClusterId => Self::DuplicateClusterId,
            Reason::DefaultClusterId => Self::DefaultClusterId,
            Reason::DuplicateIdentity => Self::DuplicateIdentity,
            Reason::PeerLimit => Self::PeerLimit,
            Reason::FqdnMismatch => Self::FqdnMismatch,
            Reason::RoleChanged => Self::RoleChanged,
            Reason::ProtocolVersion => Self::ProtocolVersion,
            Reason::ProtocolError => Self::ProtocolError,
            Reason::Temporary => Self::Temporary,
            Reason::Unresponsive => Self::Unresponsive,
            _ => Self::Closed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerCertificateRejected(Some(code)) => write!(f, "{}:{code}", self.name()),
            other => f.write_str(other.name()),
        }
    }
}

/// The text is the name of no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no outcome `{0}`")]
pub struct UnknownOutcome(pub String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownOutcome(text.to_owned());
        match text.split_once(':') {
            Some(("peer-certificate-rejected", code)) => {
                let code = code.parse().map_err(|_| unknown())?;
                Ok(Self::PeerCertificateRejected(Some(code)))
            }
            Some(_) => Err(unknown()),
            None => {
                NAMES.iter().find(|(_, name)| *name == text).map(|(outcome, _)| *outcome).ok_or_else(unknown)
            }
        }
    }
}

impl From<Outcome> for String {
    fn from(outcome: Outcome) -> Self {
        outcome.to_string()
    }
}

impl TryFrom<String> for Outcome {
    type Error = UnknownOutcome;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_read_back_from_its_own_text() {
        let numbered = Outcome::PeerCertificateRejected(Some(18));
        assert_eq!(numbered.to_string(), "peer-certificate-rejected:18");
        for outcome in Outcome::all().chain([numbered]) {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
    }

    #[test]
    fn a_text_that_is_no_outcome_is_refused() {
        for text in ["", "joined:18", "Joined", "peer-certificate-rejected:", "peer-certificate-rejected:x"] {
            assert!(text.parse::<Outcome>().is_err(), "{text}");
        }
    }
}
