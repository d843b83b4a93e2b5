//! Every line that ILS writes into its trace, and nothing else: which event gives which lines, in which order.
//!
//! Texts are those of Cisco's document 200694, spelling and spacing included; where it shows nothing, the line is
//! marked \[lab\]. A dialler writes as a spoke does there, a listener as the hub does. All that a peer can choose is
//! escaped; see [`ilslab_names::escape`].

use ils_core::event::{
    Admitted, Direction, Happening, Link, Noted, PeerAddress, PeerName, Rejection, ServiceEvent, Subject,
};
use ils_core::outcome::Outcome;
use ils_core::trust::Verdict;
use ilslab_names::{escape, escape_name};
use ilslab_trace::{Kind, Text};

use crate::openssl::{self, TlsError};
use crate::prose::strangers;

/// The lines of an event, in their order. Events of the service have none, but for the count of strangers \[lab\].
pub fn lines(noted: &Noted) -> Vec<Text> {
    let (link, happening) = match &noted.event.subject {
        Subject::Connection { link, happening } => (link, happening),
        Subject::Service(ServiceEvent::Strangers { source, attempts, outcomes }) => {
            let counted = strangers(source.as_ref(), *attempts, outcomes);
            return app_info(vec![format!("IlsD IlsHandler: {counted}")]).collect();
        }
        Subject::Service(_) => return Vec::new(),
    };
    let scene = Scene { link, noted };
    match happening {
        Happening::Connected { admitted: Some(admitted) } => {
            let signal = Text { kind: Kind::SDL_SIG, text: scene.connect_response() };
            let verified = scene.verified(admitted);
            [signal].into_iter().chain(app_info(verified)).chain(app_info(scene.connected())).collect()
        }
        happening => app_info(scene.lines(happening)).collect(),
    }
}

fn app_info(texts: Vec<String>) -> impl Iterator<Item = Text> {
    texts.into_iter().map(Text::app_info)
}

/// 32 zeros: DEBUG and ERROR never print the peer ID itself.
const NO_PEER_ID: &str = "00000000000000000000000000000000";
/// `appCorr` of a connection is its number above this.
const CORRELATION_BASE: u64 = 1024;
const NOT_IN_STORE: &str = "CertUtil Ils::isCertInLocalStore X509_STORE_get_by_subject failed.";

/// One event on one connection.
struct Scene<'a> {
    link: &'a Link,
    noted: &'a Noted,
}

impl Scene<'_> {
    fn lines(&self, happening: &Happening) -> Vec<String> {
        match happening {
            Happening::Requested => self.requested(),
            Happening::NotConnected { outcome: Outcome::Local, error, .. } => {
                vec![local_failure(error), self.error()]
            }
            Happening::NotConnected { .. } => vec![self.error()],
            Happening::PeerRejected { rejection } => self.rejected(rejection),
            // [lab] A close_notify is no error to OpenSSL: the connection was closed.
            Happening::AlertReceived { alert: 0 } => self.failed(self.closed_there()),
            Happening::AlertReceived { alert } => self.failed(self.tls_error(&TlsError::alert(*alert))),
            Happening::TlsFailed { outcome, .. } => self.failed(self.tls_failed(*outcome)),
            Happening::NotKnown { name } => self.not_known(name),
            Happening::Accepted { admitted } => self.accepted(admitted.as_ref()),
            Happening::Connected { .. } => self.connected(),
            Happening::Opened { inlen, outlen } => opened(*inlen, *outlen),
            Happening::OpenFailed => self.open_failed(),
            Happening::Established { peer, .. } => vec![self.established(peer)],
            Happening::ClosedHere { .. } => vec![self.closed_here()],
            Happening::ClosedThere { .. } => vec![self.closed_there()],
        }
    }

    /// An outgoing attempt begins. The words for TLS are \[lab\].
    fn requested(&self) -> Vec<String> {
        let (host, port, tls) = (self.host(), self.link.peer.port(), self.link.tls);
        let kind = if tls { "TLS" } else { "non-TLS" };
        vec![
            format!(
                "IlsD Ils::ConnectReq(): Requesting Connection to IpAddr({host}), IpPort({port}), TLSReq({})",
                self.flag()
            ),
            format!("IlsD Ils::ConnectReq() Pub IP/Port({}) Pri IP/Port(:{port}) TLSReq({tls})", self.peer()),
            format!("IlsD Ils::processConnectReq Initiating {kind} Connection"),
        ]
    }

    /// Why the handshake failed, then for a dialler that its attempt did.
    fn failed(&self, why: String) -> Vec<String> {
        let error = self.is_dialled().then(|| self.error());
        [why].into_iter().chain(error).collect()
    }

    fn error(&self) -> String {
        let (host, port, flag) = (self.host(), self.link.peer.port(), self.flag());
        format!(
            "IlsD ERROR(000005C9): Connection to peerId({NO_PEER_ID}) ipAddr({host}) ipPort({port}) TLSReq({flag}) failed, ConnReason(1)"
        )
    }

    /// The peer's certificate was refused inside the handshake. Without a verdict there is only OpenSSL's error \[lab\].
    fn rejected(&self, rejection: &Rejection) -> Vec<String> {
        let dialled = self.is_dialled();
        let (verdict, error) = match rejection {
            Rejection::Verdict(verdict) if dialled => (Some(verdict), openssl::SPOKE_REFUSES),
            Rejection::Verdict(verdict) => (Some(verdict), openssl::HUB_REFUSES),
            Rejection::NoCertificate if dialled => (None, openssl::NO_SERVER_CERTIFICATE),
            Rejection::NoCertificate => (None, openssl::NO_CLIENT_CERTIFICATE),
            Rejection::Unreadable if dialled => (None, openssl::UNREADABLE_SERVER_CERTIFICATE),
            Rejection::Unreadable => (None, openssl::UNREADABLE_CLIENT_CERTIFICATE),
            Rejection::Unchecked if dialled => (None, openssl::UNCHECKED_SERVER_SIGNATURE),
            Rejection::Unchecked => (None, openssl::UNCHECKED_CLIENT_SIGNATURE),
            Rejection::BadSignature if dialled => (None, openssl::BAD_SERVER_SIGNATURE),
            Rejection::BadSignature => (None, openssl::BAD_CLIENT_SIGNATURE),
        };
        let mut lines = verdict.map_or_else(Vec::new, |verdict| self.not_verified(verdict));
        lines.push(self.tls_error(&error));
        if dialled {
            lines.extend(self.alarm("wait_SdlConnectErrRsp", " alarm with Cluster1 = "));
            lines.push(self.error());
        }
        lines
    }

    fn not_verified(&self, verdict: &Verdict) -> Vec<String> {
        let (process, peer) = (self.process(), self.peer());
        let (code, text) = (verdict.trace_code(), verdict.text());
        vec![
            format!(
                "{process}: HandleSSLError - Certificate verification failed:(Verification error:{code})- {text} for {peer}"
            ),
            format!("{process}: HandleSSLError - Certificate verification failed for {peer}"),
        ]
    }

    fn tls_error(&self, error: &TlsError) -> String {
        format!("{}: HandleSSLError - {error} for {}", self.process(), self.peer())
    }

    /// \[lab\] A handshake that ended without a certificate or an alert being to blame.
    fn tls_failed(&self, outcome: Outcome) -> String {
        let error = match (outcome, self.link.direction) {
            (Outcome::Closed, _) => return self.closed_there(),
            (Outcome::Timeout, _) => return self.closed_here(),
            (Outcome::NotIls, Direction::Accepted) => openssl::CLIENT_NOT_TLS,
            (Outcome::NotIls, Direction::Dialled) => openssl::SERVER_NOT_TLS,
            (Outcome::TlsVersion, Direction::Accepted) => openssl::CLIENT_VERSION,
            (Outcome::TlsVersion, Direction::Dialled) => openssl::SERVER_VERSION,
            _ => openssl::UNEXPECTED_MESSAGE,
        };
        self.tls_error(&error)
    }

    fn not_known(&self, name: &str) -> Vec<String> {
        let name = escape_name(name);
        let refusal = format!(
            "IlsD Ils::VerifyCertificateInfo(): certificate is not in the local store and the FQDN ({name}) is not in the \
             peer info vector, closing the connection"
        );
        let alarm = self.alarm("VerifyCertificateInfo():", " alarm for Cluster1= ");
        [NOT_IN_STORE.to_owned(), refusal].into_iter().chain(alarm).chain([self.closed_here()]).collect()
    }

    /// The branch of `VerifyCertificateInfo` that let the peer in. Only a dialler ends the second with a full stop.
    fn verified(&self, admitted: &Admitted) -> Vec<String> {
        let stop = if self.is_dialled() { "." } else { "" };
        let (in_store, branch) = match admitted {
            Admitted::InStore => (true, "peer certificates are in certificate store".to_owned()),
            Admitted::RootUploaded => (
                false,
                format!(
                    "peer certificates are not in certificate store but Root CA signed certs are uploaded locally{stop}"
                ),
            ),
            Admitted::KnownFqdn(_) => (false, "FQDN is in PeerInfoVector".to_owned()),
        };
        let failed = (!in_store).then(|| NOT_IN_STORE.to_owned());
        failed.into_iter().chain([format!("IlsD Ils::VerifyCertificateInfo(): {branch}")]).collect()
    }

    fn accepted(&self, admitted: Option<&Admitted>) -> Vec<String> {
        let mut lines = admitted.map_or_else(Vec::new, |admitted| self.verified(admitted));
        lines.push(format!(
            "IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New connection accepted. {}",
            self.device()
        ));
        lines.push(format!("IlsD Ils::ConnectInd {} ({})", self.ends(), self.peer()));
        lines
    }

    /// The signal that a dialler's TLS connection stands.
    fn connect_response(&self) -> String {
        let sender = format!("SdlSSLTCPConnection(1,600,17,{})", self.link.id.0);
        format!(
            "{:<39}|{:<31}|{:<32}|{sender:<33}|{:<41}|*TraceFlagOverrode",
            "SdlConnectRsp", "wait", "Ils(1,600,20,1)", "1,600,16,1.1^*^*"
        )
    }

    /// The numbers of DEBUG are constants of the lab: the first of a connection without TLS, the other with.
    fn connected(&self) -> Vec<String> {
        let (host, port, flag) = (self.host(), self.link.peer.port(), self.flag());
        let correlation = CORRELATION_BASE.saturating_add(self.link.id.0);
        let number = if self.link.tls { "00000407" } else { "0000FA0E" };
        vec![
            format!("IlsD Ils::ConnectRes() appCorr({correlation}) {} TLSReq({flag}) found", self.ends()),
            format!(
                "IlsD DEBUG({number}): Client Connection to peerId({NO_PEER_ID}) ipAddr({host}) ipPort({port}) TLSReq({flag}) succeeded"
            ),
        ]
    }

    fn open_failed(&self) -> Vec<String> {
        let failed =
            format!("IlsD IlsHandler: wait_SdlDataInd EncrUtil:: decryptData failed . {}", self.device());
        let alarm = self.raised().map(|(address, count)| {
            format!(
                "IlsD wait_SdlDataInd sending ILSPwdAuthenticationFailed alarm with IPAddress= {address}; \
                 mAlarmedConnections count= {count}"
            )
        });
        [failed].into_iter().chain(alarm).collect()
    }

    /// The one line that says `joined`: `established`, with the other side's peer ID.
    fn established(&self, peer: &PeerName) -> String {
        // Two spaces in the second, as documented.
        let role = if self.is_dialled() { "starting  to" } else { "Server Connection to" };
        let (ends, flag) = (self.ends(), self.flag());
        format!("IlsD ::ConnectIndInner {role} PeerId({}), {ends} TLSReq({flag}) established", peer.peer_id)
    }

    fn closed_here(&self) -> String {
        format!("IlsD IlsHandler: Close Req. {}", self.device())
    }

    fn closed_there(&self) -> String {
        format!("IlsD IlsHandler: Close Ind. {}", self.device())
    }

    /// Written once, with the event that lets the alarm stand.
    fn alarm(&self, place: &str, wording: &str) -> Option<String> {
        self.raised().map(|(cluster, count)| {
            format!(
                "IlsD Ils::{place} sending ILSTLSAuthenticationFailed{wording}{cluster}; mAlarmedConnections count= {count}"
            )
        })
    }

    /// What the alarm that began to stand names, and how many connections have one now.
    fn raised(&self) -> Option<(String, usize)> {
        let (_, value) = self.noted.raised.as_ref()?.parameters.first()?;
        Some((escape_name(value), self.noted.alarmed_connections))
    }

    fn is_dialled(&self) -> bool {
        self.link.direction == Direction::Dialled
    }

    fn flag(&self) -> char {
        if self.link.tls { 't' } else { 'f' }
    }

    fn host(&self) -> String {
        escape(&self.link.peer.host())
    }

    fn peer(&self) -> String {
        match &self.link.peer {
            PeerAddress::Socket(address) => address.to_string(),
            PeerAddress::Name(host, port) => format!("{}:{port}", escape(host)),
        }
    }

    /// 13 = plain TCP connection, 17 = `SdlSSLTCPConnection`.
    fn process_type(&self) -> u8 {
        if self.link.tls { 17 } else { 13 }
    }

    fn process(&self) -> String {
        format!("[1, 600, {}, {}]", self.process_type(), self.link.id.0)
    }

    fn ends(&self) -> String {
        let local = self.link.local.map_or_else(|| ":0".to_owned(), |local| local.to_string());
        format!("TCPPid({}), PeerIP/Port({}), LocalIP/Port({local})", self.process(), self.peer())
    }

    fn device(&self) -> String {
        let (kind, id, host, port) =
            (self.process_type(), self.link.id.0, self.host(), self.link.peer.port());
        format!("DeviceName=, TCPPid = [1.600.{kind}.{id}], IPAddr={host}, Port={port}, Controller=[1,20,1]")
    }
}

/// \[lab\] This node could not even ask. The error behind it would be read as the hub's.
fn local_failure(error: &str) -> String {
    format!("IlsD Ils::processConnectReq local failure: {}", escape(error))
}

/// The first sealed frame of a connection opened; the misspelling is documented.
fn opened(inlen: usize, outlen: usize) -> Vec<String> {
    [163, 165, 168]
        .map(|line| format!("EncrUtil Function: decryptData at line {line} succedded"))
        .into_iter()
        .chain([format!("EncrUtil decryptData: inlen {inlen}, outlen {outlen} succeed")])
        .collect()
}

#[cfg(test)]
#[path = "ils_tests.rs"]
mod tests;
