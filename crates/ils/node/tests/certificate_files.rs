//! Files of certificates in every form that is taken, and in forms that are not: never one that is left out in silence.

mod bench;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bench::pki::{self, Ca, Flaw, Pair};
use bench::{Bench, Side};
use ils_node::pem::PemError;
use ils_node::{Identity, IdentityPaths, provider};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate").to_vec()
}

fn labelled(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = u16::try_from(contents.len()).expect("a short one").to_be_bytes();
    [&[tag, 0x82], length.as_slice(), &contents].concat()
}

/// PKCS#7 with these certificates and nothing else, as a Windows CA writes it.
fn bag(certificates: &[&[u8]]) -> Vec<u8> {
    const OF_A_KIND: [u8; 10] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    let kind = |last: u8| [OF_A_KIND.as_slice(), &[last]].concat();
    let certificates = element(0xa0, certificates);
    let content = element(0x30, &[&kind(1)]);
    let signed = element(0x30, &[&[2, 1, 1], &[0x31, 0], &content, &certificates, &[0x31, 0]]);
    element(0x30, &[&kind(2), &element(0xa0, &[&signed])])
}

/// Each form of a certificate, or of two, that is taken; with the ending of its file.
fn forms(one: &str, other: &str) -> Vec<(&'static str, &'static str, Vec<u8>, usize)> {
    let (first, second) = (der(one), der(other));
    let text = |text: String| text.into_bytes();
    vec![
        ("PEM", "pem", text(one.to_owned()), 1),
        ("PEM of two", "crt", text(format!("{one}{other}")), 2),
        ("lines of Windows", "cer", text(one.replace('\n', "\r\n")), 1),
        ("text around", "pem", text(format!("subject=CN = x\n{one}\n the END\n")), 1),
        ("the old label", "pem", text(labelled("X509 CERTIFICATE", &first)), 1),
        ("DER", "der", first.clone(), 1),
        ("PKCS#7 as PEM", "p7b", text(labelled("PKCS7", &bag(&[&first, &second]))), 2),
        ("PKCS#7 as DER", "p7b", bag(&[&first, &second]), 2),
        ("DER that is called PEM", "pem", first, 1),
    ]
}

/// Each form that is not, with what has to be said of it. The certificate begins in line 1.
fn faults(one: &str) -> Vec<(&'static str, Vec<u8>, Vec<&'static str>)> {
    let der = der(one);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let end = "-----END CERTIFICATE-----\n";
    let body = one.replace(end, "");
    let behind = |text: String| [one.as_bytes(), text.as_bytes()].concat();
    let lines = one.lines().count();
    assert_eq!(lines, one.trim_end().lines().count(), "the next block begins in the next line");
    vec![
        (
            "a mark",
            format!("\u{feff}{one}").into_bytes(),
            vec!["line 1", "byte-order mark", "BEGIN CERTIFICATE"],
        ),
        (
            "a mark, and a good one",
            [format!("\u{feff}{one}"), one.to_owned()].concat().into_bytes(),
            vec!["line 1", "byte-order mark"],
        ),
        ("UTF-16", [b"\xff\xfe".to_vec(), utf16(one)].concat(), vec!["line 1", "UTF-16"]),
        (
            "OpenSSL's own label",
            behind(labelled("TRUSTED CERTIFICATE", &der)),
            vec!["line ", "TRUSTED CERTIFICATE", "openssl x509"],
        ),
        (
            "a request",
            behind(labelled("CERTIFICATE REQUEST", &der)),
            vec!["line ", "CERTIFICATE REQUEST is not a certificate"],
        ),
        (
            "a label nobody knows",
            behind(labelled("LAB THING", &der)),
            vec!["line ", "LAB THING is not a certificate"],
        ),
        ("a key", behind(labelled("PRIVATE KEY", b"key")), vec!["line ", "PRIVATE KEY is not a certificate"]),
        ("no end", body.clone().into_bytes(), vec!["line 1", "CERTIFICATE has no end"]),
        (
            "no end, then a good one",
            format!("{body}{one}").into_bytes(),
            vec!["line 1", "CERTIFICATE does not end before"],
        ),
        (
            "a bad end",
            format!("{body}-----END CERTIFICATE----\n{one}").into_bytes(),
            vec!["END CERTIFICATE does not stand alone"],
        ),
        (
            "another end",
            format!("{body}-----END PKCS7-----\n{one}").into_bytes(),
            vec!["line 1", "END PKCS7"],
        ),
        (
            "four dashes",
            format!("{one}----BEGIN CERTIFICATE-----\n").into_bytes(),
            vec!["BEGIN CERTIFICATE does not stand alone"],
        ),
        (
            "no base64",
            behind("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n".to_owned()),
            vec!["CERTIFICATE does not decode"],
        ),
        (
            "nothing in it",
            behind("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned()),
            vec!["CERTIFICATE", "no certificate"],
        ),
        (
            "junk in it",
            behind(labelled("CERTIFICATE", b"junk")),
            vec!["line ", "CERTIFICATE is no certificate"],
        ),
        (
            "a PKCS#7 of nothing",
            labelled("PKCS7", &bag(&[])).into_bytes(),
            vec!["line 1", "PKCS7", "holds no certificate"],
        ),
        (
            "a PKCS#7 of junk",
            labelled("PKCS7", &bag(&[&[0x30, 1, 5]])).into_bytes(),
            vec!["line 1: PKCS7, certificate 1 is no certificate"],
        ),
        ("text alone", b"0 s:CN = hub\n".to_vec(), vec!["holds no certificate"]),
        ("DER cut off", der.split_last().expect("octets").1.to_vec(), vec!["the DER is no certificate"]),
    ]
}

fn load(paths: &IdentityPaths) -> Result<Identity, PemError> {
    Identity::load(paths, &provider())
}

/// An identity whose store is empty, and the pair in it.
fn identity(bench: &Bench, ca: &Ca) -> (IdentityPaths, Pair) {
    let pair = ca.issue("hub.lab.example", Flaw::None);
    (pki::write(bench.folder(), &pair, &[]), pair)
}

#[test]
fn each_form_of_a_certificate_is_taken_in_the_store_and_in_the_own_chain() {
    let (bench, ca, other) = (Bench::new(), Ca::new("the lab CA"), Ca::new("another CA"));
    let (paths, pair) = identity(&bench, &ca);
    for (case, ending, content, count) in forms(&ca.pem, &other.pem) {
        let file = paths.trust.join(format!("root.{ending}"));
        std::fs::write(&file, content).expect("writes");
        assert_eq!(load(&paths).expect(case).trust.certificates().len(), count, "{case}");
        std::fs::remove_file(&file).expect("removes");
    }
    for (case, _, content, count) in forms(&pair.certificate, &ca.pem) {
        std::fs::write(&paths.certificate, content).expect("writes");
        assert_eq!(load(&paths).expect(case).certified.cert.len(), count, "{case}");
    }
}

#[test]
fn what_looks_like_a_certificate_and_is_not_taken_stops_a_start_with_file_line_and_label() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let (paths, pair) = identity(&bench, &ca);
    let refused = |case: &str, content: &[u8], file: &std::path::Path, wanted: &[&str]| {
        std::fs::write(file, content).expect("writes");
        let error = load(&paths).err().expect(case).to_string();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for wanted in wanted.iter().chain([&name.as_str()]) {
            assert!(error.contains(wanted), "{case} in {name}: {wanted} is missing in {error}");
        }
    };
    let root = paths.trust.join("root.pem");
    for (case, content, wanted) in faults(&ca.pem) {
        refused(case, &content, &root, &wanted);
    }
    std::fs::remove_file(&root).expect("removes");
    for (case, content, wanted) in faults(&pair.certificate) {
        refused(case, &content, &paths.certificate, &wanted);
    }
}

#[test]
fn a_key_is_taken_in_each_form_and_refused_with_its_line_where_it_is_not_sure() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let (paths, pair) = identity(&bench, &ca);
    let key = pair.key.as_str();
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let der = der.secret_pkcs8_der();
    for (case, content) in [
        ("with its certificate", format!("{}{key}", pair.certificate).into_bytes()),
        ("with the parameters of its curve", (labelled("EC PARAMETERS", b"curve") + key).into_bytes()),
        ("DER", der.to_vec()),
    ] {
        std::fs::write(&paths.key, content).expect("writes");
        load(&paths).expect(case);
    }
    for (case, content, wanted) in [
        ("a mark", format!("\u{feff}{key}"), "line 1: a byte-order mark stands before BEGIN PRIVATE KEY"),
        ("two", format!("{key}{key}"), "PRIVATE KEY is a second private key"),
        (
            "encrypted",
            labelled("ENCRYPTED PRIVATE KEY", der),
            "line 1: ENCRYPTED PRIVATE KEY is an encrypted",
        ),
        ("another program's", labelled("OPENSSH PRIVATE KEY", der) + key, "line 1: OPENSSH PRIVATE KEY"),
        ("a bad end", key.replace("KEY-----\n", "KEY---\n"), "PRIVATE KEY does not stand alone"),
        ("lines lost", key.replace('\n', " "), "line 1: "),
    ] {
        std::fs::write(&paths.key, &content).expect("writes");
        let error = load(&paths).err().expect(case).to_string();
        assert!(error.contains(wanted), "{case}: {error}");
        let secret = key.lines().nth(1).expect("base64").to_uppercase();
        assert!(!error.to_uppercase().contains(secret.get(..8).expect("base64")), "{case}: {error}");
    }
    std::fs::write(&paths.key, der.split_last().expect("octets").1).expect("writes");
    assert!(load(&paths).err().expect("cut off").to_string().contains("tomcat.key: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_taken_and_refused_as_a_file_is() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let hub = bench.hub(Side { tls: true, ..Side::default() }).await;
    let (shelf, pair) = (hub.running.shelf(), ca.issue("hub.lab.example", Flaw::None));
    // JSON has no octets: DER comes as base64.
    let text = |content: Vec<u8>| {
        String::from_utf8(content).unwrap_or_else(|binary| STANDARD.encode(binary.into_bytes()))
    };
    for (case, _, content, count) in forms(&pair.certificate, &ca.pem) {
        shelf.put_tomcat(&text(content), Some(&pair.key)).expect(case);
        let stored = shelf.tomcat().expect(case);
        assert_eq!(stored.iter().filter(|one| one.file.is_some()).count(), count, "{case}");
        assert_eq!(stored[0].certificate.der().to_vec(), der(&pair.certificate), "{case}");
    }
    let before = std::fs::read(bench.folder().join("hub/tomcat/tomcat.pem")).expect("is there");
    for (case, content, wanted) in faults(&pair.certificate) {
        let Ok(content) = String::from_utf8(content) else { continue };
        let error = shelf.put_tomcat(&content, Some(&pair.key)).expect_err(case).to_string();
        let trusted = shelf.put_trust(Some("root.pem"), &content).expect_err(case).to_string();
        for wanted in wanted {
            assert!(error.contains(wanted), "{case}: {wanted} is missing in {error}");
            assert!(trusted.contains(wanted), "{case}: {wanted} is missing in {trusted}");
        }
    }
    assert_eq!(std::fs::read(bench.folder().join("hub/tomcat/tomcat.pem")).expect("is there"), before);
    assert!(shelf.trust().expect("listed").is_empty());
    for (case, content) in [("DER", der(&ca.pem)), ("PKCS#7", bag(&[&der(&ca.pem)]))] {
        shelf.put_trust(Some("root.pem"), &STANDARD.encode(content)).expect(case);
        assert_eq!(shelf.trust().expect(case)[0].certificate.der().to_vec(), der(&ca.pem), "{case}");
    }
}
