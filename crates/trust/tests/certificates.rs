//! What a certificate says about itself: names for ILS, and texts for displays.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

mod common;

use common::oracle::Oracle;
use common::{Basic, Blueprint, Key};
use ilslab_trust::{Certificate, CertificateError};

#[test]
fn names_for_ils_come_from_the_certificate_alone() {
    for (case, common_name, dns, address, want) in [
        ("one DNS name", "x", &["hub.example.com"][..], None, &["hub.example.com"][..]),
        ("lower case, no trailing dot", "x", &["HUB.Example.com."], None, &["hub.example.com"]),
        (
            "several, in order",
            "x",
            &["b.example.com", "a.example.com"],
            None,
            &["b.example.com", "a.example.com"],
        ),
        ("the same twice", "x", &["a.example.com", "A.example.com"], None, &["a.example.com"]),
        ("common name where there is no DNS name", "Hub.example.com", &[], None, &["hub.example.com"]),
        ("an address is no DNS name", "hub.example.com", &[], Some("192.0.2.1"), &["hub.example.com"]),
        (
            "a DNS name silences the common name",
            "hub.example.com",
            &["a.example.com"],
            None,
            &["a.example.com"],
        ),
        ("even a wildcard silences it", "hub.example.com", &["*.example.com"], None, &[]),
        ("a wildcard next to a name", "x", &["*.example.com", "a.example.com"], None, &["a.example.com"]),
        ("an address as common name", "192.0.2.1", &[], None, &[]),
        ("an address as DNS name", "x", &["192.0.2.1"], None, &[]),
        ("a common name with spaces", "Lab Root CA", &[], None, &[]),
        ("a wildcard as common name", "*.example.com", &[], None, &[]),
    ] {
        let made = Blueprint::self_signed(common_name, Key::Ec(1)).with(|b| {
            b.dns = dns.iter().map(|name| (*name).to_owned()).collect();
            b.addresses = address.iter().map(|address| address.parse().unwrap()).collect();
        });
        assert_eq!(made.make().fqdns(), want, "{case}");
    }
}

#[test]
fn a_name_is_carried_whatever_its_case_or_trailing_dot() {
    let hub = Blueprint::self_signed("hub.example.com", Key::Ec(1))
        .with(|b| b.dns = vec!["hub.example.com".into(), "*.example.org".into()])
        .make();
    for (case, name, want) in [
        ("as it stands", "hub.example.com", true),
        ("another case", "HUB.example.COM", true),
        ("a trailing dot", "hub.example.com.", true),
        ("two trailing dots", "hub.example.com..", false),
        ("another host", "hub2.example.com", false),
        ("the domain", "example.com", false),
        ("below it", "a.hub.example.com", false),
        ("what a wildcard would match", "a.example.org", false),
        ("the wildcard itself", "*.example.org", false),
        ("nothing", "", false),
    ] {
        assert_eq!(hub.carries(name), want, "{case}");
    }
}

#[test]
fn a_peer_is_called_by_its_best_name() {
    for (case, common_name, dns, want) in [
        ("first FQDN", "x", &["b.example.com", "a.example.com"][..], "b.example.com"),
        ("common name that is a host", "hub.example.com", &[], "hub.example.com"),
        ("common name that is none", "Lab Root CA", &[], "Lab Root CA"),
        ("common name that would forge a line", "a]|b\n", &[], "a]|b\n"),
        ("common name with a blank at its end", "hub.example.com ", &[], "hub.example.com "),
        // The common name is not looked at where there is a DNS name: it is not what was compared.
        (
            "a list as one DNS name",
            "hub.example.com",
            &["hub.example.com,sub.example.com"],
            "hub.example.com,sub.example.com",
        ),
        ("a DNS name with its prefix", "hub.example.com", &["DNS:hub.example.com"], "DNS:hub.example.com"),
        ("a wildcard alone", "hub.example.com", &["*.example.com"], "*.example.com"),
        ("an address as DNS name", "hub.example.com", &["192.0.2.1"], "192.0.2.1"),
        ("what is no name before one that is", "x", &["a b", "a.example.com"], "a.example.com"),
        ("a DNS name of nothing", "hub.example.com", &[""], "CN=hub.example.com"),
        ("255 characters", &"x ".repeat(128)[..255], &[], &"x ".repeat(128)[..255]),
        ("256 characters", &"x ".repeat(128), &[], &format!("{}...", &"x ".repeat(128)[..255])),
    ] {
        let made = Blueprint::self_signed(common_name, Key::Ec(1));
        let made = made.with(|b| b.dns = dns.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(made.make().display_name(), want, "{case}");
    }
}

#[test]
fn displays_show_what_the_certificate_says() {
    let made = Blueprint::leaf("a|b", Key::Ec(1), "Lab Root", Key::Ec(2)).with(|b| b.serial = 0x1234);
    let certificate = made.make();
    assert_eq!(certificate.subject(), "CN=a\\x7cb");
    assert_eq!(certificate.issuer(), "CN=Lab Root");
    assert_eq!(certificate.not_before(), 1_735_689_600, "1 January 2025");
    assert_eq!(certificate.not_after(), 1_893_456_000, "1 January 2030");
    assert!(!certificate.is_ca() && !certificate.is_self_signed());
    let root = Blueprint::root("Lab Root", Key::Ec(2)).make();
    assert!(root.is_ca() && root.is_self_signed());
}

#[test]
fn a_key_is_described() {
    for (key, want) in [
        (Key::Rsa(1), "RSA 2048"),
        (Key::Weak, "RSA 1024"),
        (Key::Ec(1), "EC P-256"),
        (Key::P384(1), "EC P-384"),
        (Key::Ed25519(1), "Ed25519"),
    ] {
        assert_eq!(Blueprint::leaf("x", key, "y", Key::Ec(2)).make().key_description(), want);
    }
}

#[test]
fn serial_and_fingerprint_are_those_that_openssl_prints() {
    let Some(oracle) = Oracle::find() else { return };
    let certificate = Blueprint::self_signed("x", Key::Ec(1)).with(|b| b.serial = 0x00ab_cdef_0123).make();
    oracle.write("one.pem", std::slice::from_ref(&certificate));
    oracle.run("x509 -in one.pem -noout -serial -fingerprint -sha256 -out one.txt");
    let text = std::fs::read_to_string(oracle.path("one.txt")).unwrap();
    let printed = |label: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(label)).unwrap();
        line.split_once('=').unwrap().1.replace(':', "").to_ascii_lowercase()
    };
    assert_eq!(certificate.fingerprint(), printed("sha256 fingerprint"));
    assert_eq!(certificate.serial().trim_start_matches("00"), printed("serial"));
}

#[test]
fn what_is_no_certificate_is_refused_with_a_reason() {
    let good = Blueprint::self_signed("hub.example.com", Key::Ec(1)).with(|b| b.basic = Basic::Absent).der();
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut der = good.to_vec();
        change(&mut der);
        der
    };
    for (case, der, want) in [
        ("nothing", Vec::new(), CertificateError::NotDer),
        ("text", b"-----BEGIN CERTIFICATE-----".to_vec(), CertificateError::NotDer),
        ("cut off", changed(|der| der.truncate(der.len() - 1)), CertificateError::NotDer),
        ("something after it", changed(|der| der.push(0)), CertificateError::NotDer),
        ("too large", vec![0x30; 65_536], CertificateError::TooLarge { octets: 65_536 }),
    ] {
        assert_eq!(Certificate::parse(der.into()).unwrap_err(), want, "{case}");
    }
}
