//! The documented lines with their documented values, and what the lab adds to them.

use ils_core::event::ConnectionId;
use ilslab_names::Source;
use pretty_assertions::assert_eq;

use super::*;
use crate::sample;

use Direction::{Accepted, Dialled};

const IN_STORE: Option<Admitted> = Some(Admitted::InStore);
const ROOT: Option<Admitted> = Some(Admitted::RootUploaded);
const HUB_PEER: &str = "77c59d0960cc4fdc959168a3d686a6de";
const SPOKE_PEER: &str = "f7f885dcaca845f18f3b7e583ff6c457";

fn texts(noted: &Noted) -> Vec<String> {
    lines(noted).into_iter().map(|line| line.text).collect()
}

/// The lines of an event on the documented pair, its connection and port set as the document has them.
fn on(id: u64, port: u16, noted: Noted) -> Vec<String> {
    let mut noted = noted;
    if let Subject::Connection { link, .. } = &mut noted.event.subject {
        link.id = ConnectionId(id);
        if let (Accepted, PeerAddress::Socket(peer)) = (link.direction, &mut link.peer) {
            peer.set_port(port);
        }
    }
    texts(&noted)
}

fn verdict(code: u16) -> Happening {
    Happening::PeerRejected { rejection: Rejection::Verdict(Verdict::from_parts(code, 0)) }
}

#[test]
fn strangers_that_are_counted_are_one_line() {
    let outcomes = [("not-ils", 42)].into();
    let source = Some(Source::of("192.0.2.9".parse().expect("an address")));
    let counted = ServiceEvent::Strangers { source, attempts: 42, outcomes };
    assert_eq!(
        texts(&sample::service(sample::AT, counted)),
        [
            "IlsD IlsHandler: 42 more connections from 192.0.2.9 did not join and are counted, not traced: not-ils 42"
        ]
    );
}

fn fqdn() -> Option<Admitted> {
    Some(Admitted::KnownFqdn("cucm11.adfs.ucce.com".into()))
}

#[test]
fn an_outgoing_attempt_is_traced_as_documented() {
    assert_eq!(
        texts(&sample::noted(Dialled, false, Happening::Requested)),
        [
            "IlsD Ils::ConnectReq(): Requesting Connection to IpAddr(10.106.104.220), IpPort(7502), TLSReq(f)",
            "IlsD Ils::ConnectReq() Pub IP/Port(10.106.104.220:7502) Pri IP/Port(:7502) TLSReq(false)",
            "IlsD Ils::processConnectReq Initiating non-TLS Connection",
        ]
    );
    assert_eq!(
        texts(&sample::noted(Dialled, true, Happening::Requested)),
        [
            "IlsD Ils::ConnectReq(): Requesting Connection to IpAddr(10.106.104.220), IpPort(7501), TLSReq(t)",
            "IlsD Ils::ConnectReq() Pub IP/Port(10.106.104.220:7501) Pri IP/Port(:7501) TLSReq(true)",
            "IlsD Ils::processConnectReq Initiating TLS Connection",
        ]
    );
}

#[test]
fn method_1_joins_as_documented() {
    assert_eq!(
        texts(&sample::noted(Accepted, false, Happening::Accepted { admitted: None })),
        [
            "IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New connection accepted. DeviceName=, TCPPid = [1.600.13.5], IPAddr=10.106.104.201, Port=37816, Controller=[1,20,1]",
            "IlsD Ils::ConnectInd TCPPid([1, 600, 13, 5]), PeerIP/Port(10.106.104.201:37816), LocalIP/Port(10.106.104.220:7502) (10.106.104.201:37816)",
        ]
    );
    assert_eq!(
        texts(&sample::noted(Dialled, false, Happening::Connected { admitted: None })),
        [
            "IlsD Ils::ConnectRes() appCorr(1029) TCPPid([1, 600, 13, 5]), PeerIP/Port(10.106.104.220:7502), LocalIP/Port(10.106.104.201:37816) TLSReq(f) found",
            "IlsD DEBUG(0000FA0E): Client Connection to peerId(00000000000000000000000000000000) ipAddr(10.106.104.220) ipPort(7502) TLSReq(f) succeeded",
        ]
    );
    let established = |peer| Happening::Established { peer: sample::peer(peer), certificate: None };
    assert_eq!(
        texts(&sample::noted(Accepted, false, established(SPOKE_PEER))),
        [
            "IlsD ::ConnectIndInner Server Connection to PeerId(f7f885dcaca845f18f3b7e583ff6c457), TCPPid([1, 600, 13, 5]), PeerIP/Port(10.106.104.201:37816), LocalIP/Port(10.106.104.220:7502) TLSReq(f) established"
        ]
    );
    assert_eq!(
        texts(&sample::noted(Dialled, false, established(HUB_PEER))),
        [
            "IlsD ::ConnectIndInner starting  to PeerId(77c59d0960cc4fdc959168a3d686a6de), TCPPid([1, 600, 13, 5]), PeerIP/Port(10.106.104.220:7502), LocalIP/Port(10.106.104.201:37816) TLSReq(f) established"
        ]
    );
}

#[test]
fn a_password_mismatch_is_traced_as_documented() {
    let failed = "IlsD IlsHandler: wait_SdlDataInd EncrUtil:: decryptData failed . DeviceName=, TCPPid = [1.600.13.7], IPAddr=10.106.104.201, Port=40592, Controller=[1,20,1]";
    let alarm = "IlsD wait_SdlDataInd sending ILSPwdAuthenticationFailed alarm with IPAddress= 10.106.104.201; mAlarmedConnections count= 1";
    assert_eq!(on(7, 40592, sample::alarming(Accepted, false, Happening::OpenFailed)), [failed, alarm]);
    assert_eq!(
        on(7, 40592, sample::noted(Accepted, false, Happening::OpenFailed)),
        [failed],
        "the alarm stands already"
    );
}

#[test]
fn a_hub_that_the_spoke_does_not_trust_is_traced_as_documented() {
    let first = "[1, 600, 17, 5]: HandleSSLError - Certificate verification failed:(Verification error:18)- self signed certificate for 10.106.104.220:7501";
    let second = "[1, 600, 17, 5]: HandleSSLError - Certificate verification failed for 10.106.104.220:7501";
    let protocol = "[1, 600, 17, 5]: HandleSSLError - TLS protocol error(ssl reason code=bad message type [114]),lib=SSL routines [20],fun=ssl3_get_server_hello [146], errno=0 for 10.106.104.220:7501";
    let alarm = "IlsD Ils::wait_SdlConnectErrRsp sending ILSTLSAuthenticationFailed alarm with Cluster1 = 10.106.104.220; mAlarmedConnections count= 1";
    let error = "IlsD ERROR(000005C9): Connection to peerId(00000000000000000000000000000000) ipAddr(10.106.104.220) ipPort(7501) TLSReq(t) failed, ConnReason(1)";
    assert_eq!(texts(&sample::alarming(Dialled, true, verdict(18))), [first, second, protocol, alarm, error]);
    assert_eq!(
        texts(&sample::noted(Dialled, true, verdict(18))),
        [first, second, protocol, error],
        "a retry"
    );
}

#[test]
fn a_spoke_that_the_hub_does_not_trust_is_traced_as_documented() {
    assert_eq!(
        on(1, 52124, sample::alarming(Accepted, true, verdict(18))),
        [
            "[1, 600, 17, 1]: HandleSSLError - Certificate verification failed:(Verification error:18)- self signed certificate for 10.106.104.201:52124",
            "[1, 600, 17, 1]: HandleSSLError - Certificate verification failed for 10.106.104.201:52124",
            "[1, 600, 17, 1]: HandleSSLError - TLS protocol error(ssl reason code=internal error [68]),lib=SSL routines [20],fun=SSL_clear [164], errno=0 for 10.106.104.201:52124",
        ]
    );
}

#[test]
fn a_verdict_is_printed_with_the_number_and_text_of_openssl_1() {
    for (code, words) in [
        (79, "(Verification error:24)- invalid CA certificate for"),
        (26, "(Verification error:26)- unsupported certificate purpose for"),
        (20, "(Verification error:20)- unable to get local issuer certificate for"),
    ] {
        let lines = texts(&sample::noted(Accepted, true, verdict(code)));
        assert!(lines[0].contains(words), "{code}: {}", lines[0]);
    }
}

#[test]
fn a_certificate_that_is_not_known_is_traced_as_documented() {
    let happening = || Happening::NotKnown { name: "cucm11.adfs.ucce.com".into() };
    let want = [
        "CertUtil Ils::isCertInLocalStore X509_STORE_get_by_subject failed.",
        "IlsD Ils::VerifyCertificateInfo(): certificate is not in the local store and the FQDN (cucm11.adfs.ucce.com) is not in the peer info vector, closing the connection",
        "IlsD Ils::VerifyCertificateInfo(): sending ILSTLSAuthenticationFailed alarm for Cluster1= cucm11.adfs.ucce.com; mAlarmedConnections count= 1",
        "IlsD IlsHandler: Close Req. DeviceName=, TCPPid = [1.600.17.16], IPAddr=10.106.104.201, Port=39267, Controller=[1,20,1]",
    ];
    assert_eq!(on(16, 39267, sample::alarming(Accepted, true, happening())), want);
    let again = on(16, 39267, sample::noted(Accepted, true, happening()));
    assert_eq!(again, [want[0], want[1], want[3]], "the alarm stands already");
}

#[test]
fn each_branch_of_the_verification_has_its_lines() {
    let x = "CertUtil Ils::isCertInLocalStore X509_STORE_get_by_subject failed.";
    let known = "IlsD Ils::VerifyCertificateInfo(): FQDN is in PeerInfoVector";
    let stored = "IlsD Ils::VerifyCertificateInfo(): peer certificates are in certificate store";
    let root = "IlsD Ils::VerifyCertificateInfo(): peer certificates are not in certificate store but Root CA signed certs are uploaded locally";
    let root_dialled = format!("{root}.");
    for (case, direction, admitted, want) in [
        ("method 2, hub", Accepted, IN_STORE, vec![stored]),
        ("method 2, spoke", Dialled, IN_STORE, vec![stored]),
        ("method 3, hub", Accepted, ROOT, vec![x, root]),
        ("method 3, spoke", Dialled, ROOT, vec![x, &root_dialled]),
        ("method 4, hub", Accepted, fqdn(), vec![x, known]),
        ("method 4, spoke", Dialled, fqdn(), vec![x, known]),
    ] {
        let happening = match direction {
            Accepted => Happening::Accepted { admitted },
            Dialled => Happening::Connected { admitted },
        };
        let lines = texts(&sample::noted(direction, true, happening));
        let verified = if direction == Dialled { &lines[1..] } else { &lines[..] };
        assert_eq!(verified[..want.len()], want, "{case}");
        assert_eq!(verified.len(), want.len() + 2, "{case}");
    }
}

#[test]
fn on_tls_a_connection_is_accepted_after_verification() {
    assert_eq!(
        on(9, 37816, sample::noted(Accepted, true, Happening::Accepted { admitted: IN_STORE })),
        [
            "IlsD Ils::VerifyCertificateInfo(): peer certificates are in certificate store",
            "IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New connection accepted. DeviceName=, TCPPid = [1.600.17.9], IPAddr=10.106.104.201, Port=37816, Controller=[1,20,1]",
            "IlsD Ils::ConnectInd TCPPid([1, 600, 17, 9]), PeerIP/Port(10.106.104.201:37816), LocalIP/Port(10.106.104.220:7501) (10.106.104.201:37816)",
        ]
    );
}

#[test]
fn method_3_connects_at_the_spoke_as_documented() {
    let noted = sample::noted(Dialled, true, Happening::Connected { admitted: ROOT });
    let kinds: Vec<Kind> = lines(&noted).into_iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [Kind::SDL_SIG, Kind::APP_INFO, Kind::APP_INFO, Kind::APP_INFO, Kind::APP_INFO]);
    assert_eq!(
        on(1, 0, noted),
        [
            "SdlConnectRsp                          |wait                           |Ils(1,600,20,1)                 |SdlSSLTCPConnection(1,600,17,1)  |1,600,16,1.1^*^*                         |*TraceFlagOverrode",
            "CertUtil Ils::isCertInLocalStore X509_STORE_get_by_subject failed.",
            "IlsD Ils::VerifyCertificateInfo(): peer certificates are not in certificate store but Root CA signed certs are uploaded locally.",
            "IlsD Ils::ConnectRes() appCorr(1025) TCPPid([1, 600, 17, 1]), PeerIP/Port(10.106.104.220:7501), LocalIP/Port(10.106.104.201:37816) TLSReq(t) found",
            "IlsD DEBUG(00000407): Client Connection to peerId(00000000000000000000000000000000) ipAddr(10.106.104.220) ipPort(7501) TLSReq(t) succeeded",
        ]
    );
}

#[test]
fn the_first_sealed_frame_is_traced_as_documented() {
    let happening = Happening::Opened { inlen: 1956, outlen: 1949 };
    assert_eq!(
        texts(&sample::noted(Accepted, true, happening)),
        [
            "EncrUtil Function: decryptData at line 163 succedded",
            "EncrUtil Function: decryptData at line 165 succedded",
            "EncrUtil Function: decryptData at line 168 succedded",
            "EncrUtil decryptData: inlen 1956, outlen 1949 succeed",
        ]
    );
}

const ERROR_TLS: &str = "IlsD ERROR(000005C9): Connection to peerId(00000000000000000000000000000000) ipAddr(10.106.104.220) ipPort(7501) TLSReq(t) failed, ConnReason(1)";

#[test]
fn an_attempt_without_a_tcp_connection_has_one_line() {
    let (outcome, error) = (Outcome::RefusedConnection, "refused".to_owned());
    let noted = sample::alarming(Dialled, true, Happening::NotConnected { outcome, error, quiet: false });
    assert_eq!(texts(&noted), [ERROR_TLS]);
}

#[test]
fn an_alert_is_written_as_openssl_1_would() {
    let at = |address: &str| {
        format!(
            "[1, 600, 17, 1]: HandleSSLError - TLS protocol error(ssl reason code=tlsv1 alert unknown ca [1048]),lib=SSL routines [20],fun=ssl3_read_bytes [148], errno=0 for {address}"
        )
    };
    let alert = || Happening::AlertReceived { alert: 48 };
    let dialled = on(1, 0, sample::noted(Dialled, true, alert()));
    assert_eq!(dialled, [at("10.106.104.220:7501").as_str(), ERROR_TLS]);
    assert_eq!(on(1, 52124, sample::noted(Accepted, true, alert())), [at("10.106.104.201:52124")]);
}

#[test]
fn other_ends_of_a_handshake_have_one_line_and_a_dialler_its_error() {
    let failed = |outcome| Happening::TlsFailed { outcome, error: "in words".into() };
    let rejected = |rejection| Happening::PeerRejected { rejection };
    for (case, happening, hub, spoke) in [
        (
            "not TLS",
            failed(Outcome::NotIls),
            "unknown protocol [252]),lib=SSL routines [20],fun=ssl23_get_client_hello [118]",
            "unknown protocol [252]),lib=SSL routines [20],fun=ssl23_get_server_hello [119]",
        ),
        (
            "TLS version",
            failed(Outcome::TlsVersion),
            "unsupported protocol [258]),lib=SSL routines [20],fun=ssl23_get_client_hello [118]",
            "unsupported protocol [258]),lib=SSL routines [20],fun=ssl23_get_server_hello [119]",
        ),
        (
            "protocol error",
            failed(Outcome::ProtocolError),
            "unexpected message [244]),lib=SSL routines [20],fun=ssl3_get_message [142]",
            "unexpected message [244]),lib=SSL routines [20],fun=ssl3_get_message [142]",
        ),
        ("closed", failed(Outcome::Closed), "Close Ind. ", "Close Ind. "),
        ("timeout", failed(Outcome::Timeout), "Close Req. ", "Close Req. "),
        ("close_notify", Happening::AlertReceived { alert: 0 }, "Close Ind. ", "Close Ind. "),
        (
            "no certificate",
            rejected(Rejection::NoCertificate),
            "peer did not return a certificate [199]),lib=SSL routines [20],fun=ssl3_get_client_certificate [137]",
            "peer did not return a certificate [199]),lib=SSL routines [20],fun=ssl3_get_server_certificate [144]",
        ),
        (
            "a certificate that is none",
            rejected(Rejection::Unreadable),
            "ASN1 lib [13]),lib=SSL routines [20],fun=ssl3_get_client_certificate [137]",
            "ASN1 lib [13]),lib=SSL routines [20],fun=ssl3_get_server_certificate [144]",
        ),
        (
            "wrong key",
            rejected(Rejection::BadSignature),
            "bad signature [123]),lib=SSL routines [20],fun=ssl3_get_cert_verify [136]",
            "bad signature [123]),lib=SSL routines [20],fun=ssl3_get_key_exchange [141]",
        ),
        (
            "a key whose signatures cannot be checked",
            rejected(Rejection::Unchecked),
            "wrong signature type [370]),lib=SSL routines [20],fun=ssl3_get_cert_verify [136]",
            "wrong signature type [370]),lib=SSL routines [20],fun=ssl3_get_key_exchange [141]",
        ),
    ] {
        let accepted = texts(&sample::noted(Accepted, true, happening.clone()));
        assert!(accepted[0].contains(hub), "{case}: {accepted:?}");
        assert_eq!(accepted.len(), 1, "{case}");
        let dialled = texts(&sample::noted(Dialled, true, happening));
        assert!(dialled[0].contains(spoke), "{case}: {dialled:?}");
        assert_eq!(dialled[1..], [ERROR_TLS], "{case}");
    }
}

#[test]
fn a_close_names_the_peer() {
    let (outcome, detail) = (Outcome::Closed, String::new());
    let device = "DeviceName=, TCPPid = [1.600.13.5], IPAddr=10.106.104.220, Port=7502, Controller=[1,20,1]";
    let there = Happening::ClosedThere { outcome, detail: detail.clone() };
    assert_eq!(
        texts(&sample::noted(Dialled, false, there)),
        [format!("IlsD IlsHandler: Close Ind. {device}")]
    );
    let here = Happening::ClosedHere { outcome, detail, claim: String::new(), certificate: None };
    assert_eq!(
        texts(&sample::noted(Dialled, false, here)),
        [format!("IlsD IlsHandler: Close Req. {device}")]
    );
}

#[test]
fn a_failure_of_this_nodes_own_is_told_before_the_error_that_reads_like_the_hubs() {
    let (outcome, error) = (Outcome::Local, "this node cannot dial from [::1]: no such address".to_owned());
    let told =
        texts(&sample::noted(Dialled, false, Happening::NotConnected { outcome, error, quiet: false }));
    let want =
        "IlsD Ils::processConnectReq local failure: this node cannot dial from [::1\\x5d: no such address";
    assert_eq!(told.first().map(String::as_str), Some(want));
    assert!(told.len() == 2 && told[1].ends_with("failed, ConnReason(1)"), "{told:?}");
}

#[test]
fn the_service_writes_nothing() {
    let noted = sample::service(sample::AT, ils_core::event::ServiceEvent::Started);
    assert_eq!(lines(&noted), []);
}

#[test]
fn nobody_can_forge_a_line_with_a_name() {
    let forged = "x\r\n00000001.001 |00:00:00.000 |AppInfo  |IlsD established] \u{85}\u{2028}\u{1b}[2J";
    let unresolved =
        Link { peer: PeerAddress::Name(forged.into(), 7501), local: None, ..sample::link(Dialled, true) };
    let rows = [
        sample::alarming(Accepted, true, Happening::NotKnown { name: forged.into() }),
        sample::on(unresolved.clone(), Happening::Requested),
        sample::on(unresolved.clone(), Happening::Connected { admitted: IN_STORE }),
        sample::raise(sample::on(unresolved, verdict(18))),
    ];
    for noted in rows {
        let clean =
            |text: &String| !text.contains(char::is_control) && text.is_ascii() && !text.contains("|AppInfo");
        let lines = texts(&noted);
        assert!(lines.iter().all(clean), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("x\\x0d\\x0a00000001.001 \\x7c00:00")), "{lines:?}");
    }
}
