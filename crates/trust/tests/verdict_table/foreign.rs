//! Keys and signatures of other kinds, made by `openssl`: checked as OpenSSL does, or refused with the true reason.

use crate::common::oracle::{Oracle, read_der};
use crate::common::{Purpose, judge};

const UNCHECKED: &str = "this kind of signature cannot be checked here";
/// OpenSSL 3.0 does not know it either.
const UNKNOWN: &str = "unable to get local issuer certificate";
/// They begin today, whenever that is: they are judged in 2060.
const AT: u64 = 2_840_140_800;

#[test]
fn a_signature_is_checked_as_openssl_does_or_refused_with_the_true_reason() {
    let Some(oracle) = Oracle::find() else { return };
    oracle.run("req -new -newkey rsa:2048 -nodes -keyout hub.key -out hub.csr -subj /CN=hub.example.com");
    std::fs::write(oracle.path("v3.cnf"), "subjectAltName=DNS:hub.example.com\n").unwrap();
    let curve = |name: &str| format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{name} -out root.key");
    let rsa = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out root.key".to_owned();
    let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen";
    for (name, key, signed, ours) in [
        ("secp256k1", curve("secp256k1"), "-sha256".to_owned(), "ok"),
        ("P-384 and SHA-256", curve("secp384r1"), "-sha256".to_owned(), "ok"),
        ("P-521 and SHA-224", curve("secp521r1"), "-sha224".to_owned(), "ok"),
        ("P-256 and SHA-224", curve("prime256v1"), "-sha224".to_owned(), UNCHECKED),
        ("P-224", curve("secp224r1"), "-sha256".to_owned(), UNCHECKED),
        ("brainpoolP256r1", curve("brainpoolP256r1"), "-sha256".to_owned(), UNCHECKED),
        ("Ed448", "genpkey -algorithm ED448 -out root.key".to_owned(), String::new(), UNCHECKED),
        ("DSA", "dsaparam -genkey -out root.key 2048".to_owned(), "-sha256".to_owned(), UNCHECKED),
        ("RSA and SHA-224", rsa.clone(), "-sha224".to_owned(), "ok"),
        ("RSA and SHA-512/256", rsa.clone(), "-sha512-256".to_owned(), UNKNOWN),
        ("RSA and SHA3-256", rsa.clone(), "-sha3-256".to_owned(), UNCHECKED),
        ("RSASSA-PSS without salt", rsa.clone(), format!("{pss}:0"), "ok"),
        ("RSASSA-PSS, two digests", rsa, format!("{pss}:32 -sigopt rsa_mgf1_md:sha384"), UNCHECKED),
    ] {
        oracle.run(&key);
        let digest = if signed.is_empty() { String::new() } else { " -sha256".to_owned() };
        oracle.run(&format!("req -x509 -new -key root.key -subj /CN=Root -days 36500 -out root.pem{digest}"));
        oracle.run("x509 -in root.pem -outform DER -out root.der");
        let signed = if signed.is_empty() { signed } else { format!(" {signed}") };
        let sign =
            "x509 -req -in hub.csr -CA root.pem -CAkey root.key -days 36500 -extfile v3.cnf -outform DER";
        oracle.run(&format!("{sign} -out leaf.der{signed}"));
        let (chain, store) = ([read_der(&oracle.path("leaf.der"))], [read_der(&oracle.path("root.der"))]);
        for purpose in [Purpose::Client, Purpose::Server] {
            assert_eq!(
                oracle.verify(&chain, &store, purpose, AT, &[]),
                if ours == UNKNOWN { (20, 0) } else { (0, 0) },
                "openssl on {name}"
            );
            assert_eq!(judge(&chain, &store, purpose, AT).text(), ours, "{name}");
            // What OpenSSL refuses before it looks at the signature is refused with its number.
            assert_eq!(judge(&chain, &[], purpose, AT).code(), 20, "{name}, root missing");
            let late = judge(&chain, &store, purpose, 4_102_444_800 * 3);
            assert_eq!(late.code(), if ours == UNKNOWN { 20 } else { 10 }, "{name}, expired");
        }
    }
}

#[test]
fn server_gated_crypto_is_as_good_as_a_servers_usage() {
    use crate::common::{Blueprint, Key, NOW};
    let oracle = Oracle::find();
    let root = Blueprint::root("Lab Root", Key::Ec(10)).make();
    let microsoft = [0x30, 12, 6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3];
    let leaf = Blueprint::leaf("hub.example.com", Key::Ec(1), "Lab Root", Key::Ec(10)).with(|b| {
        (b.client_auth, b.server_auth) = (false, false);
        b.raw_extensions = vec![(vec![2, 5, 29, 37], microsoft.to_vec())];
    });
    let chain = [leaf.make()];
    for (purpose, want) in [(Purpose::Server, (0, 0)), (Purpose::Client, (26, 0))] {
        let verdict = judge(&chain, std::slice::from_ref(&root), purpose, NOW);
        assert_eq!((verdict.code(), verdict.depth()), want, "{purpose:?}");
        if let Some(oracle) = &oracle {
            assert_eq!(
                oracle.verify(&chain, std::slice::from_ref(&root), purpose, NOW, &[]),
                want,
                "openssl: {purpose:?}"
            );
        }
    }
}
