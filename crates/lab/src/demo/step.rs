//! What a few lines of a trace mean, in plain words: the lines of one signal are one step.
//!
//! The words hold nothing that changes from one attempt to the next: no port that the system chose, no counter.

use ilslab_trace::Line;

use crate::process::Side;

/// What happened, as far as the trace of one node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An outgoing attempt begins, at this port, with TLS or not.
    Requested { port: String, tls: bool },
    /// The other side's certificate was refused: OpenSSL's number and text.
    Rejected { number: String, text: String },
    /// The handshake failed in another way: OpenSSL's reason.
    HandshakeFailed { reason: String },
    /// The certificate verifies, but nobody knows it: its FQDN.
    NotKnown { fqdn: String },
    /// A listener has a connection.
    Accepted(Admission),
    /// A dialler has one.
    Connected(Admission),
    /// The first sealed frame opened.
    Opened,
    /// It did not.
    NotOpened,
    /// Joined.
    Established,
    /// There was no connection.
    NotConnected,
    /// This side could not even ask: the system's words.
    LocalFailure { cause: String },
    /// This side ended it.
    ClosedHere,
    /// The other side did.
    ClosedThere,
    /// Lines that this module does not know.
    Unknown,
}

/// Why a certificate was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// There is none: no TLS.
    Plain,
    /// It is in tomcat-trust.
    InStore,
    /// Its root is.
    RootUploaded,
    /// Its FQDN is in the PeerInfoVector.
    KnownFqdn,
}

impl Step {
    /// The step that these lines of one signal tell.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let find = |part: &str| lines.iter().map(Line::text).find(|text| text.contains(part));
        let has = |part: &str| find(part).is_some();
        if let Some(text) = find("Requesting Connection to IpAddr") {
            let port = between(text, "IpPort(", ")").to_owned();
            return Self::Requested { port, tls: text.contains("TLSReq(t)") };
        }
        if let Some(text) = find("Certificate verification failed:(") {
            let number = between(text, "Verification error:", ")").to_owned();
            return Self::Rejected { number, text: between(text, ")- ", " for ").to_owned() };
        }
        if let Some(text) = find("TLS protocol error(") {
            return Self::HandshakeFailed { reason: between(text, "reason code=", "),lib=").to_owned() };
        }
        if let Some(text) = find("certificate is not in the local store") {
            return Self::NotKnown { fqdn: between(text, "the FQDN (", ") is not in the").to_owned() };
        }
        if let Some(text) = find("processConnectReq local failure: ") {
            let cause = text.split_once("local failure: ").map_or("", |(_, cause)| cause).to_owned();
            return Self::LocalFailure { cause };
        }
        let plain: [(&str, Self); 8] = [
            ("New connection accepted", Self::Accepted(admission(has))),
            ("Client Connection to peerId", Self::Connected(admission(has))),
            ("decryptData: inlen", Self::Opened),
            ("decryptData failed", Self::NotOpened),
            (") established", Self::Established),
            ("Close Req.", Self::ClosedHere),
            ("Close Ind.", Self::ClosedThere),
            ("failed, ConnReason(", Self::NotConnected),
        ];
        plain.into_iter().find(|(part, _)| has(part)).map_or(Self::Unknown, |(_, step)| step)
    }

    /// Where it stands among steps of the same millisecond: causes before what they cause.
    pub(crate) fn rank(&self, side: Side) -> u8 {
        match (self, side) {
            (Self::Requested { .. }, _) => 0,
            (Self::Rejected { .. } | Self::NotConnected | Self::LocalFailure { .. }, _) => 1,
            (Self::HandshakeFailed { .. }, _) => 2,
            (Self::Accepted(_), _) => 3,
            (Self::NotKnown { .. }, _) => 4,
            (Self::Connected(_), _) => 5,
            // The hub opens what the spoke has sealed, joins, and answers; only then does the spoke open anything.
            (Self::Opened | Self::NotOpened, Side::Hub) => 6,
            (Self::Established, Side::Hub) => 7,
            (Self::Opened | Self::NotOpened, Side::Spoke) => 8,
            (Self::Established, Side::Spoke) => 9,
            (Self::ClosedHere, _) => 10,
            (Self::ClosedThere | Self::Unknown, _) => 11,
        }
    }

    /// Does this side end the handshake, so that the other is told by an alert?
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Rejected { .. } | Self::NotKnown { .. } => true,
            Self::HandshakeFailed { .. } => !self.is_of_an_alert(),
            _ => false,
        }
    }

    /// Is this side told by an alert that the other has ended the handshake?
    pub(crate) fn is_of_an_alert(&self) -> bool {
        matches!(self, Self::HandshakeFailed { reason } if reason.contains("alert"))
    }

    /// In words, for a trainee.
    pub(crate) fn words(&self, side: Side) -> String {
        let other = side.other();
        match self {
            Self::Requested { port, tls: false } => {
                format!("the {side} asks the {other} for a connection on port {port}, without TLS")
            }
            Self::Requested { port, tls: true } => {
                format!("the {side} asks the {other} for a connection on port {port}, with TLS")
            }
            Self::Rejected { number, text } => format!(
                "the {side} does not trust the {other}'s certificate: \"{text}\", OpenSSL's error {number}; it ends the handshake"
            ),
            Self::HandshakeFailed { reason } if self.is_of_an_alert() => {
                format!(
                    "the {side} is told by an alert that the {other} has ended the handshake: \"{reason}\""
                )
            }
            Self::HandshakeFailed { reason } => {
                format!("the TLS handshake fails on the {side}: \"{reason}\"")
            }
            Self::NotKnown { fqdn } => format!(
                "the {side} can verify the certificate, but has neither imported it nor knows {fqdn}: it closes the connection"
            ),
            Self::Accepted(admission) | Self::Connected(admission) => admission.words(side),
            Self::Opened => {
                format!("the {side} opens the first frame that the {other} has sealed: the passwords agree")
            }
            Self::NotOpened => {
                format!(
                    "the {side} cannot open what the {other} has sealed: the passwords differ; it closes the connection"
                )
            }
            Self::Established => {
                format!("the {side} has joined the {other}: \"established\" is the line that says so")
            }
            Self::NotConnected => {
                format!("the {side} gets no connection: nothing listens on that port yet, or any more")
            }
            Self::LocalFailure { cause } => format!("the {side} cannot even ask: {cause}"),
            Self::ClosedHere => format!("the {side} ends the connection"),
            Self::ClosedThere => format!("the {side} sees that the {other} has ended the connection"),
            Self::Unknown => format!("the {side} writes"),
        }
    }
}

impl Admission {
    fn words(self, side: Side) -> String {
        let other = side.other();
        match self {
            Self::Plain => format!("the {side} has a connection with the {other}, which is not a join yet"),
            Self::InStore => {
                format!("the {side} finds the {other}'s certificate in its tomcat-trust and lets it in")
            }
            Self::RootUploaded => format!(
                "the {side} lets the {other}'s certificate in for now: its root is in tomcat-trust, and the password decides"
            ),
            Self::KnownFqdn => format!(
                "the {side} lets the {other}'s certificate in: its root is in tomcat-trust, and its FQDN is known from the first join"
            ),
        }
    }
}

fn admission(has: impl Fn(&str) -> bool) -> Admission {
    if has("peer certificates are in certificate store") {
        Admission::InStore
    } else if has("Root CA signed certs are uploaded locally") {
        Admission::RootUploaded
    } else if has("FQDN is in PeerInfoVector") {
        Admission::KnownFqdn
    } else {
        Admission::Plain
    }
}

/// What stands between the first `before` and the next `after`; nothing where they do not occur.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split_once(after).map_or("", |(found, _)| found)
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
