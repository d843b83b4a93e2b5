//! One typed value for each thing that happens. Trace, alarm, JSON, metric, page and verdict are made from it.
//!
//! node -> [`Event`] -> `Registry::note` -> [`Noted`] -> sdl (lines, alarms, JSON), Snapshot (attempts, alarms)

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use ils_wire::{ClusterId, Fqdn, PeerId, Role};
use ilslab_trust::Verdict;
use serde::{Serialize, Serializer};

use crate::alarm::Alarm;
use crate::outcome::Outcome;
use crate::time::Timestamp;
use ilslab_names::Source;

/// Numbers the connections and attempts of one process, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

/// Who opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// This node did.
    Dialled,
    /// The peer did.
    Accepted,
}

/// Which connection an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number.
    pub id: ConnectionId,
    /// Who opened it.
    pub direction: Direction,
    /// On the TLS port.
    pub tls: bool,
    /// `Config::revision` when it began.
    pub revision: u64,
    /// When it was accepted, or asked for: on TLS before the handshake, and so before the first event of a listener.
    #[serde(skip)]
    pub begun: Timestamp,
    /// The peer's address, or for a host that has none yet its name and port.
    pub peer: PeerAddress,
    /// Our own address; absent until there is a connection.
    pub local: Option<SocketAddr>,
}

/// An address, or the name that was to be dialled when it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// Resolved.
    Socket(SocketAddr),
    /// Not resolved: host and port.
    Name(String, u16),
}

impl PeerAddress {
    /// Address or name, without the port.
    pub fn host(&self) -> String {
        match self {
            Self::Socket(address) => address.ip().to_string(),
            Self::Name(host, _) => host.clone(),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Socket(address) => address.port(),
            Self::Name(_, port) => *port,
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => address.fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl Serialize for PeerAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why `Ils::VerifyCertificateInfo()` let a certificate in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Admitted {
    /// The very certificate is in the local store.
    InStore,
    /// Its chain ends in an uploaded root, and the password decides.
    RootUploaded,
    /// Its FQDN is in the PeerInfoVector.
    KnownFqdn(String),
}

/// Why a certificate was refused inside the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The chain did not verify.
    Verdict(Verdict),
    /// None came.
    NoCertificate,
    /// It came, but it or one that came with it cannot be read.
    Unreadable,
    /// It came, but its key did not sign.
    BadSignature,
    /// It came, but its key signed in a way that this lab cannot check.
    Unchecked,
}

impl Rejection {
    /// OpenSSL's number, where the chain was judged.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Verdict(verdict) => Some(verdict.code()),
            Self::NoCertificate | Self::Unreadable | Self::BadSignature | Self::Unchecked => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdict(verdict) => verdict.fmt(f),
            Self::NoCertificate => f.write_str("the peer sent no certificate"),
            Self::Unreadable => f.write_str("the peer's certificate cannot be read"),
            Self::Unchecked => f.write_str("this lab cannot check signatures of the peer's kind of key"),
            Self::BadSignature => f.write_str("the peer does not hold the certificate's key"),
        }
    }
}

impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A joined peer, as far as traces and API name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerName {
    /// Its peer ID.
    pub peer_id: PeerId,
    /// Its cluster ID.
    pub cluster_id: ClusterId,
    /// Its FQDN.
    pub fqdn: Fqdn,
    /// Its role.
    pub role: Role,
}

impl Serialize for PeerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut peer = serializer.serialize_struct("PeerName", 3)?;
        peer.serialize_field("peer_id", &self.peer_id.to_string())?;
        peer.serialize_field("cluster_id", self.cluster_id.as_str())?;
        peer.serialize_field("fqdn", self.fqdn.as_str())?;
        peer.end()
    }
}

/// What happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Happening {
    /// An outgoing attempt begins.
    Requested,
    /// It got no TCP connection.
    NotConnected {
        /// `refused-connection`, `unreachable` or `local`; `closed` where this node's settings changed meanwhile.
        outcome: Outcome,
        /// The system's words.
        error: String,
        /// Within the window after a change of method: no alarm.
        quiet: bool,
    },
    /// The peer's certificate was refused inside the handshake.
    PeerRejected {
        /// Why.
        rejection: Rejection,
    },
    /// The peer ended the handshake with an alert.
    AlertReceived {
        /// Its number.
        alert: u8,
    },
    /// The handshake failed otherwise: no version in common, or not TLS at all.
    TlsFailed {
        /// `tls-version`, `not-ils`, `timeout`, `closed` or `protocol-error`.
        outcome: Outcome,
        /// In words.
        error: String,
    },
    /// The certificate verified but is not admitted; the connection is closed.
    NotKnown {
        /// The certificate's FQDN.
        name: String,
    },
    /// A listener has a connection, on TLS an admitted one.
    Accepted {
        /// On TLS: why the certificate was let in.
        admitted: Option<Admitted>,
    },
    /// A dialler has one: the first read brought something other than a fatal alert.
    Connected {
        /// On TLS: why the certificate was let in.
        admitted: Option<Admitted>,
    },
    /// The first sealed frame opened.
    Opened {
        /// Octets before opening.
        inlen: usize,
        /// Octets after.
        outlen: usize,
    },
    /// A frame that had to be sealed with our password did not open; the connection is closed without a word.
    OpenFailed,
    /// Joined.
    Established {
        /// With whom.
        peer: PeerName,
        /// The name on its certificate, on TLS.
        certificate: Option<String>,
    },
    /// This node ends the connection by refusal, Bye or close.
    ClosedHere {
        /// Why.
        outcome: Outcome,
        /// In words.
        detail: String,
        /// What the alarm names: the claimed cluster ID or FQDN. Empty where none is claimed.
        claim: String,
        /// The certificate's FQDN, where one was shown: the key of an alarm about a claimed FQDN.
        certificate: Option<String>,
    },
    /// The peer ended it.
    ClosedThere {
        /// As far as the peer told.
        outcome: Outcome,
        /// In words.
        detail: String,
    },
}

impl Happening {
    /// The outcome that this decides, if the attempt has none yet.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::NotConnected { outcome, .. }
            | Self::TlsFailed { outcome, .. }
            | Self::ClosedHere { outcome, .. }
            | Self::ClosedThere { outcome, .. } => Some(*outcome),
            Self::PeerRejected { rejection } => Some(Outcome::PeerCertificateRejected(rejection.code())),
            Self::AlertReceived { alert } => Some(outcome_of_alert(*alert)),
            Self::NotKnown { .. } => Some(Outcome::CertificateNotKnown),
            Self::OpenFailed => Some(Outcome::PasswordMismatch),
            Self::Established { .. } => Some(Outcome::Joined),
            Self::Requested | Self::Accepted { .. } | Self::Connected { .. } | Self::Opened { .. } => None,
        }
    }

    /// Nothing follows on this connection.
    pub fn is_end(&self) -> bool {
        self.outcome().is_some_and(|outcome| outcome != Outcome::Joined)
    }
}

/// Alerts 41 to 46, 48, 49, 51, 113, 114 and 116 are about our certificate; 70 and 86 about the version (RFC 8446,
/// section 6).
fn outcome_of_alert(alert: u8) -> Outcome {
    match alert {
        41..=46 | 48 | 49 | 51 | 113 | 114 | 116 => Outcome::OwnCertificateRejected,
        70 | 86 => Outcome::TlsVersion,
        0 => Outcome::Closed,
        _ => Outcome::ProtocolError,
    }
}

/// A peer ID as people read it.
fn digits<S: Serializer>(peer_id: &PeerId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(peer_id)
}

/// What happened to the service itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum ServiceEvent {
    /// Ports are bound and the one in force listens.
    Started,
    /// `service/restart`: identity and trust are read again, alarms cleared.
    Restarted,
    /// The last event of a process.
    Stopped,
    /// Settings changed while running.
    Configured {
        /// Their keys.
        keys: Vec<String>,
    },
    /// A stored change was dropped, since its start-up value is another now.
    OverrideDropped {
        /// Its key.
        key: String,
    },
    /// The node has another peer ID than before: that of the key in `platform/identity.key`.
    IdentityGivenUp {
        /// The one it had.
        #[serde(serialize_with = "digits")]
        former: PeerId,
        /// The one it has.
        #[serde(serialize_with = "digits")]
        own: PeerId,
    },
    /// A peer was forgotten.
    Forgotten {
        /// Who.
        peer: PeerName,
    },
    /// The network has more clusters than it advertises, or nearly so.
    PeerCount {
        /// Clusters known.
        count: usize,
    },
    /// The database did not take a change.
    StoreFailed {
        /// The database's words.
        error: String,
    },
    /// It does again.
    StoreRecovered,
    /// Connections that did not join, which are counted because there were too many to write each down.
    Strangers {
        /// From where; absent for all the sources beyond those that are counted apart.
        source: Option<Source>,
        /// How many.
        attempts: u64,
        /// How many of each outcome, by its name.
        outcomes: BTreeMap<&'static str, u64>,
    },
    /// A port is taken; the service ends.
    PortInUse {
        /// Which.
        port: u16,
    },
    /// A port cannot be opened; the service ends.
    ListenFailed {
        /// Which.
        port: u16,
        /// The system's words.
        error: String,
    },
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// One connection.
    Connection {
        /// Which.
        link: Link,
        /// What happened on it.
        #[serde(flatten)]
        happening: Happening,
    },
    /// The service.
    Service(ServiceEvent),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub subject: Subject,
}

impl Event {
    /// An event of a connection.
    pub fn connection(at: Timestamp, link: Link, happening: Happening) -> Self {
        Self { at, subject: Subject::Connection { link, happening } }
    }

    /// An event of the service.
    pub fn service(at: Timestamp, event: ServiceEvent) -> Self {
        Self { at, subject: Subject::Service(event) }
    }
}

/// An event, with what the registry made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// The alarm that began to stand with it. One that stands already is not raised again.
    pub raised: Option<Alarm>,
    /// How many keys have an alarm standing now: `mAlarmedConnections`.
    pub alarmed_connections: usize,
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
