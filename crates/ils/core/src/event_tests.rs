use super::*;

#[test]
fn an_alert_means_what_tls_says_it_means() {
    for (alert, name, want) in [
        (0, "close_notify", Outcome::Closed),
        (10, "unexpected_message", Outcome::ProtocolError),
        (40, "handshake_failure", Outcome::ProtocolError),
        (42, "bad_certificate", Outcome::OwnCertificateRejected),
        (43, "unsupported_certificate", Outcome::OwnCertificateRejected),
        (44, "certificate_revoked", Outcome::OwnCertificateRejected),
        (45, "certificate_expired", Outcome::OwnCertificateRejected),
        (46, "certificate_unknown", Outcome::OwnCertificateRejected),
        (47, "illegal_parameter", Outcome::ProtocolError),
        (48, "unknown_ca", Outcome::OwnCertificateRejected),
        (49, "access_denied", Outcome::OwnCertificateRejected),
        (50, "decode_error", Outcome::ProtocolError),
        (51, "decrypt_error", Outcome::OwnCertificateRejected),
        (70, "protocol_version", Outcome::TlsVersion),
        (86, "inappropriate_fallback", Outcome::TlsVersion),
        (115, "unknown_psk_identity", Outcome::ProtocolError),
        (116, "certificate_required", Outcome::OwnCertificateRejected),
    ] {
        assert_eq!(Happening::AlertReceived { alert }.outcome(), Some(want), "{name}");
    }
}

#[test]
fn an_address_is_shown_with_its_port_and_named_without() {
    for (address, shown, host, port) in [
        (PeerAddress::Socket("192.0.2.1:7501".parse().unwrap()), "192.0.2.1:7501", "192.0.2.1", 7501),
        (
            PeerAddress::Socket("[2001:db8::1]:7502".parse().unwrap()),
            "[2001:db8::1]:7502",
            "2001:db8::1",
            7502,
        ),
        (PeerAddress::Name("hub.example".into(), 7501), "hub.example:7501", "hub.example", 7501),
    ] {
        assert_eq!(
            (address.to_string().as_str(), address.host().as_str(), address.port()),
            (shown, host, port)
        );
    }
}
