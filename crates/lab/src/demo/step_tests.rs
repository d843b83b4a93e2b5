//! Every step that the trace can tell has words, made from the lines that `sdl` really writes.

use std::collections::HashSet;
use std::net::SocketAddr;

use ils_core::event::{
    Admitted, ConnectionId, Direction, Event, Happening, Link, Noted, PeerAddress, PeerName, Rejection,
};
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;
use ils_core::wire::{PeerId, Role};
use ilslab_time::{TimeOfDay, UtcOffset};
use pretty_assertions::assert_eq;

use super::*;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn lines(side: Side, tls: bool, happening: Happening) -> Vec<Line> {
    let direction = if side == Side::Spoke { Direction::Dialled } else { Direction::Accepted };
    let link = Link {
        id: ConnectionId(1),
        direction,
        tls,
        revision: 1,
        begun: Timestamp(0),
        peer: PeerAddress::Socket(address(if tls { 7501 } else { 7502 })),
        local: Some(address(40_000)),
    };
    let noted = Noted {
        event: Event::connection(Timestamp(0), link, happening),
        raised: None,
        alarmed_connections: 0,
    };
    let time = TimeOfDay::of(Timestamp(0), UtcOffset::UTC);
    let texts = ils_lines::ils::lines(&noted);
    texts.into_iter().map(|text| Line::new(1, 1, time, text.kind, &text.text)).collect()
}

fn peer() -> PeerName {
    PeerName {
        peer_id: PeerId::from_bytes([7; 16]),
        cluster_id: "hub-cluster".parse().expect("a cluster ID"),
        fqdn: "hub.lab.example".parse().expect("an FQDN"),
        role: Role::Hub,
    }
}

/// Whose trace, on TLS or not, what happened, what step it is.
fn every_step() -> Vec<(Side, bool, Happening, Step)> {
    use Side::{Hub, Spoke};
    let accepted = |admitted| Happening::Accepted { admitted };
    let connected = |admitted| Happening::Connected { admitted };
    let known = || Some(Admitted::KnownFqdn("spoke.lab.example".to_owned()));
    let failed = |reason: &str| Step::HandshakeFailed { reason: reason.to_owned() };
    let ended = || (Outcome::Closed, "the peer closed".to_owned());
    let (outcome, detail) = ended();
    let closed_here = Happening::ClosedHere { outcome, detail, claim: String::new(), certificate: None };
    let (outcome, detail) = ended();
    let closed_there = Happening::ClosedThere { outcome, detail };
    let refused = Happening::NotConnected {
        outcome: Outcome::RefusedConnection,
        error: "refused".to_owned(),
        quiet: false,
    };
    let local = Happening::NotConnected {
        outcome: Outcome::Local,
        error: "this node cannot make a socket: Too many open files".to_owned(),
        quiet: false,
    };
    let cause = "this node cannot make a socket: Too many open files".to_owned();
    let not_ils = Happening::TlsFailed { outcome: Outcome::NotIls, error: "not TLS".to_owned() };
    let no_certificate = Happening::PeerRejected { rejection: Rejection::NoCertificate };
    let unknown = Happening::NotKnown { name: "spoke.lab.example".to_owned() };
    let established = || Happening::Established { peer: peer(), certificate: None };
    vec![
        (Spoke, false, Happening::Requested, Step::Requested { port: "7502".to_owned(), tls: false }),
        (Spoke, true, Happening::Requested, Step::Requested { port: "7501".to_owned(), tls: true }),
        (Spoke, false, refused, Step::NotConnected),
        (Spoke, false, local, Step::LocalFailure { cause }),
        (Spoke, true, Happening::AlertReceived { alert: 48 }, failed("tlsv1 alert unknown ca [1048]")),
        (Hub, true, Happening::AlertReceived { alert: 48 }, failed("tlsv1 alert unknown ca [1048]")),
        (Hub, true, not_ils, failed("unknown protocol [252]")),
        (Hub, true, no_certificate, failed("peer did not return a certificate [199]")),
        (Hub, true, unknown, Step::NotKnown { fqdn: "spoke.lab.example".to_owned() }),
        (Hub, false, accepted(None), Step::Accepted(Admission::Plain)),
        (Hub, true, accepted(Some(Admitted::InStore)), Step::Accepted(Admission::InStore)),
        (Hub, true, accepted(Some(Admitted::RootUploaded)), Step::Accepted(Admission::RootUploaded)),
        (Hub, true, accepted(known()), Step::Accepted(Admission::KnownFqdn)),
        (Spoke, false, connected(None), Step::Connected(Admission::Plain)),
        (Spoke, true, connected(Some(Admitted::InStore)), Step::Connected(Admission::InStore)),
        (Spoke, true, connected(Some(Admitted::RootUploaded)), Step::Connected(Admission::RootUploaded)),
        (Spoke, true, connected(known()), Step::Connected(Admission::KnownFqdn)),
        (Hub, false, Happening::Opened { inlen: 9, outlen: 1 }, Step::Opened),
        (Hub, false, Happening::OpenFailed, Step::NotOpened),
        (Hub, false, established(), Step::Established),
        (Spoke, true, established(), Step::Established),
        (Hub, false, closed_here, Step::ClosedHere),
        (Spoke, false, closed_there, Step::ClosedThere),
    ]
}

#[test]
fn every_step_is_recognised_in_its_own_lines() {
    for (side, tls, happening, want) in every_step() {
        let case = format!("{side}, TLS {tls}: {happening:?}");
        assert_eq!(Step::of(&lines(side, tls, happening)), want, "{case}");
    }
}

#[test]
fn a_refused_certificate_is_told_with_number_and_text() {
    let texts = [
        "[1, 600, 17, 5]: HandleSSLError - Certificate verification failed:(Verification error:18)- self signed \
         certificate for 127.0.0.1:7501",
        "[1, 600, 17, 5]: HandleSSLError - Certificate verification failed for 127.0.0.1:7501",
        "[1, 600, 17, 5]: HandleSSLError - TLS protocol error(ssl reason code=bad message type [114]),lib=SSL \
         routines [20],fun=ssl3_get_server_hello [146], errno=0 for 127.0.0.1:7501",
        "IlsD ERROR(000005C9): Connection to peerId(0) ipAddr(127.0.0.1) ipPort(7501) TLSReq(t) failed, ConnReason(1)",
    ];
    let time = TimeOfDay::of(Timestamp(0), UtcOffset::UTC);
    let lines = texts.map(|text| Line::new(1, 1, time, ilslab_trace::Kind::APP_INFO, text));
    let step = Step::of(&lines);
    let want = Step::Rejected { number: "18".to_owned(), text: "self signed certificate".to_owned() };
    assert_eq!(step, want);
    assert_eq!(
        step.words(Side::Spoke),
        "the spoke does not trust the hub's certificate: \"self signed certificate\", OpenSSL's error 18; it ends the \
         handshake"
    );
}

#[test]
fn every_step_has_words_of_its_own_and_names_whose_it_is() {
    let mut said = HashSet::new();
    for (side, _, _, step) in every_step() {
        let words = step.words(side);
        assert!(words.contains(side.name()) && !words.contains('\n'), "{words}");
        assert!(said.insert(words.clone()), "said twice: {words}");
    }
}

#[test]
fn lines_that_are_not_known_are_shown_without_a_meaning() {
    assert_eq!(Step::of(&[]), Step::Unknown);
    assert_eq!(Step::Unknown.words(Side::Hub), "the hub writes");
}
