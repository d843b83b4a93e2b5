//! What is made, as the real `openssl` reads and judges it.

use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::{assert_eq, assert_ne};

use super::*;

/// Whether `openssl` is there; where it must be and is not, the test fails.
fn openssl_is_missing() -> bool {
    let missing = Command::new("openssl").arg("version").output().is_err();
    let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!(missing && required), "openssl is not installed, and ILSLAB_REQUIRE_TOOLS=1");
    if missing {
        println!("skipped: openssl is not installed");
    }
    missing
}

/// Everything it says, on either stream.
fn openssl(args: &[&str]) -> String {
    let output = Command::new("openssl").args(args).output().expect("openssl starts");
    [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}

/// The certificate in words; `CN=x` however this version of openssl spaces it.
fn text_of(cert: &Path) -> String {
    openssl(&["x509", "-in", text(cert), "-noout", "-text"]).replace(" = ", "=")
}

/// The first error that `openssl verify` prints as `N at D`, or `ok`.
fn verdict(purpose: &str, when: u64, store: &Path, cert: &Path) -> String {
    let when = when.to_string();
    let said = openssl(&[
        "verify",
        "-purpose",
        purpose,
        "-auth_level",
        "2",
        "-no-CApath",
        "-no-CAstore",
        "-attime",
        &when,
        "-CAfile",
        text(store),
        text(cert),
    ]);
    match said.split_once("error ").and_then(|(_, rest)| rest.split_once(" depth")) {
        Some((error, _)) => error.to_owned(),
        None => said.rsplit(": ").next().unwrap_or_default().trim().to_owned(),
    }
}

#[test]
fn openssl_judges_the_made_certificates_as_the_methods_need() {
    if openssl_is_missing() {
        return;
    }
    for kind in [KeyKind::Rsa2048, KeyKind::P256] {
        let (lab, other) = (Lab::new(kind), Lab::new(kind));
        lab.issued();
        other.issued();
        fs::copy(other.path("ca/root.pem"), lab.path("other-root.pem")).expect("copied");
        for (case, when, store, cert, want) in [
            ("self-signed, not in the store", NOON, "ca/root.pem", "hub/self-signed.pem", "18 at 0"),
            ("self-signed, in the store", NOON, "hub/self-signed.pem", "hub/self-signed.pem", "OK"),
            ("CA-signed, root in the store", NOON, "ca/root.pem", "spoke/ca-signed.pem", "OK"),
            ("CA-signed, another lab's root", NOON, "other-root.pem", "spoke/ca-signed.pem", "20 at 0"),
            ("the root itself", NOON, "ca/root.pem", "ca/root.pem", "OK"),
            ("an hour before", NOON - 3600, "ca/root.pem", "hub/ca-signed.pem", "OK"),
            ("two hours before", NOON - 7200, "hub/self-signed.pem", "hub/self-signed.pem", "9 at 0"),
            ("in the last second", NOON + 825 * DAY - 1, "ca/root.pem", "hub/ca-signed.pem", "OK"),
            ("after it", NOON + 825 * DAY, "ca/root.pem", "hub/ca-signed.pem", "10 at 0"),
        ] {
            for purpose in ["sslclient", "sslserver"] {
                // As a server or client, a CA is still only a CA; what counts is that it is sound.
                let purpose = if cert == "ca/root.pem" { "any" } else { purpose };
                let seen = verdict(purpose, when, &lab.path(store), &lab.path(cert));
                assert_eq!(seen, want, "{kind}, {purpose}: {case}");
            }
        }
    }
}

#[test]
fn a_tomcat_certificate_says_what_ils_needs() {
    if openssl_is_missing() {
        return;
    }
    for (kind, size) in
        [(KeyKind::Rsa2048, "Public-Key: (2048 bit)"), (KeyKind::P256, "ASN1 OID: prime256v1")]
    {
        let lab = Lab::new(kind);
        lab.issued();
        for stem in ["hub/ca-signed.pem", "hub/self-signed.pem"] {
            let said = text_of(&lab.path(stem));
            for want in [
                size,
                "Subject: CN=hub.lab.example",
                "DNS:hub.lab.example\n",
                "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment\n",
                "TLS Web Server Authentication, TLS Web Client Authentication\n",
                "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
                "X509v3 Subject Key Identifier",
            ] {
                assert!(said.contains(want), "{kind}, {stem}: no {want:?} in\n{said}");
            }
            assert_eq!(
                said.contains("X509v3 Authority Key Identifier"),
                stem.contains("ca-signed"),
                "{stem}"
            );
        }
    }
}

#[test]
fn the_lab_ca_signs_end_entities_and_nothing_else() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new(KeyKind::Rsa2048);
    lab.issued();
    let said = text_of(&lab.path("ca/root.pem"));
    for want in [
        "Public-Key: (2048 bit)",
        "Subject: O=ilslab, CN=ilslab lab CA ",
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(said.contains(want), "no {want:?} in\n{said}");
    }
}

#[test]
fn openssl_takes_every_key_and_no_two_certificates_share_a_serial_number() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new(KeyKind::Rsa2048);
    let mut serials = Vec::new();
    for pair in lab.issued().pairs() {
        assert!(openssl(&["pkey", "-in", text(&pair.key), "-check", "-noout"]).contains("Key is valid"));
        let public = openssl(&["pkey", "-in", text(&pair.key), "-pubout"]);
        assert_eq!(openssl(&["x509", "-in", text(&pair.cert), "-noout", "-pubkey"]), public);
        serials.push(openssl(&["x509", "-in", text(&pair.cert), "-noout", "-serial"]));
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 5);
}

#[test]
fn identities_made_in_memory_are_as_good_as_those_in_files() {
    if openssl_is_missing() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let validity = Validity::starting(at(NOON), 30).expect("dates");
    let mut keys = Key::several(KeyKind::P256, 2, &mut |_| ()).expect("keys").into_iter();
    let authority = Authority::make(keys.next().expect("a key"), validity).expect("a CA");
    let hub = authority.identity("hub.lab.example.", &keys.next().expect("a key"), validity).expect("made");
    let (root, cert) = (home.path().join("root.pem"), home.path().join("hub.pem"));
    fs::write(&root, authority.root_pem()).expect("written");
    fs::write(&cert, &hub.cert_pem).expect("written");
    assert_eq!(verdict("sslserver", NOON, &root, &cert), "OK");
    assert!(text_of(&cert).contains("DNS:hub.lab.example\n"));
    assert!(hub.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn a_certificate_never_outlives_its_ca() {
    if openssl_is_missing() {
        return;
    }
    let mut lab = Lab::new(KeyKind::P256);
    lab.issued();
    lab.wish.nodes = vec!["late=late.lab.example".parse().expect("a node")];
    let end = NOON + u64::from(AUTHORITY_DAYS) * DAY;
    issue(&lab.wish, at(end - DAY), &mut |_| ()).expect("a day before the end");
    let end_of = |stem| openssl(&["x509", "-in", text(&lab.path(stem)), "-noout", "-enddate"]);
    let (root, late) = (end_of("ca/root.pem"), end_of("late/ca-signed.pem"));
    assert!(root.starts_with("notAfter="), "{root}");
    assert_eq!(late, root);
    assert_ne!(end_of("hub/ca-signed.pem"), root);
}

#[test]
fn a_request_that_openssl_made_is_signed_for_its_names_and_key_and_nothing_else_in_it() {
    if openssl_is_missing() {
        return;
    }
    let lab = Lab::new(KeyKind::P256);
    lab.issued();
    for (case, more, wanted) in [
        ("a common name", &[][..], Ok("DNS:x.lab.example")),
        (
            "two names",
            &["-addext", "subjectAltName=DNS:y.lab.example,DNS:z.lab.example"],
            Ok("DNS:y.lab.example, DNS:z.lab.example"),
        ),
        ("a wish to be a CA", &["-addext", "basicConstraints=critical,CA:TRUE"], Ok("DNS:x.lab.example")),
        ("an address", &["-addext", "subjectAltName=IP:192.0.2.1"], Err("no DNS name")),
        ("no host name", &["-addext", "subjectAltName=DNS:not a host"], Err("not a host")),
    ] {
        let (key, request) = (lab.path("x.key"), lab.path("x.csr"));
        let fixed = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x.lab.example"];
        let files = ["-keyout", text(&key), "-out", text(&request)];
        openssl(&[&fixed[..], &files, more].concat());
        let content = fs::read_to_string(&request).unwrap_or_else(|e| panic!("{case}: {e}"));
        let signed = sign(&Sign { dir: &lab.wish.dir, request: &content, days: 30 }, at(NOON));
        match (signed, wanted) {
            (Ok(pem), Ok(names)) => {
                let cert = lab.path("x.pem");
                fs::write(&cert, pem).expect("written");
                let said = text_of(&cert);
                assert!(said.contains(names) && said.contains("CA:FALSE"), "{case}: {said}");
                assert_eq!(verdict("sslserver", NOON, &lab.path("ca/root.pem"), &cert), "OK", "{case}");
                let public = |args: &[&str]| openssl(&[args, &["-noout", "-pubkey"]].concat());
                let asked = public(&["req", "-in", text(&request)]);
                assert_eq!(
                    public(&["x509", "-in", text(&cert)]),
                    asked,
                    "{case}: for the key of the request"
                );
            }
            (Err(error), Err(reason)) => {
                assert!(error.to_string().contains(reason), "{case}: {error}");
                assert_eq!(error.exit_code(), 3, "{case}");
            }
            (signed, _) => panic!("{case}: {signed:?}"),
        }
    }
}

#[test]
fn what_is_no_request_is_refused_and_a_folder_without_a_ca_named() {
    let lab = Lab::new(KeyKind::P256);
    let asked = |request: &str| {
        let signed = sign(&Sign { dir: &lab.wish.dir, request, days: 30 }, at(NOON));
        signed.expect_err("nothing to sign").to_string()
    };
    assert!(asked("").contains("there is no lab CA"));
    lab.issued();
    for request in ["", "hello", &lab.read("hub/ca-signed.pem")] {
        assert!(asked(request).contains("the request cannot be signed"), "{request}");
    }
}
