//! Certificates made for one test: a CA, and what it signs. P-256, since making RSA keys takes longer than the tests.

use std::path::{Path, PathBuf};

use ils_node::IdentityPaths;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use time::{Duration, OffsetDateTime};

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    Expired,
    NotYetValid,
    ServerAuthOnly,
    ClientAuthOnly,
}

/// A certificate authority.
pub(crate) struct Ca {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).expect("signs itself").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn issue_rsa(&self, fqdn: &str, key: &Rsa) -> Pair {
        let certificate = leaf(fqdn, Flaw::None).signed_by(key, &self.issuer).expect("signs");
        Pair { certificate: certificate.pem(), key: key.pem.clone() }
    }

    pub(crate) fn issue(&self, fqdn: &str, flaw: Flaw) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let certificate = leaf(fqdn, flaw).signed_by(&key, &self.issuer).expect("signs");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// An RSA key of a size that the provider does not make.
pub(crate) struct Rsa {
    public: Vec<u8>,
    pub(crate) pem: String,
}

impl Rsa {
    pub(crate) fn new(bits: usize) -> Self {
        let key = rsa::PrivateKey::new(&mut getrandom::SysRng, bits).expect("a key");
        let pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key is written").to_string();
        Self { public: key.to_public_key().to_pkcs1_der().expect("a key is written").into_vec(), pem }
    }
}

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A certificate without any name but this common name, signed by itself or by a CA.
pub(crate) fn named(common_name: &str, ca: Option<&Ca>) -> Pair {
    titled(common_name, &[], ca)
}

/// A certificate with this common name and these DNS names, host names or not.
pub(crate) fn titled(common_name: &str, dns: &[&str], ca: Option<&Ca>) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let mut params = leaf("nobody.example", Flaw::None);
    let name = |name: &&str| SanType::DnsName((*name).try_into().expect("ASCII"));
    params.subject_alt_names = dns.iter().map(name).collect();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let certificate = match ca {
        Some(ca) => params.signed_by(&key, &ca.issuer),
        None => params.self_signed(&key),
    };
    Pair { certificate: certificate.expect("signs").pem(), key: key.serialize_pem() }
}

/// A self-signed certificate that begins so many days from now.
pub(crate) fn beginning(common_name: &str, days: i64) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let mut params = leaf(common_name, Flaw::None);
    params.not_before = OffsetDateTime::now_utc() + Duration::days(days);
    params.not_after = params.not_before + Duration::days(30);
    let certificate = params.self_signed(&key).expect("signs itself");
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

pub(crate) fn self_signed(fqdn: &str) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let certificate = leaf(fqdn, Flaw::None).self_signed(&key).expect("signs itself");
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// A PEM block that says it is a certificate, and holds a sequence of one number.
pub(crate) fn unreadable() -> Pair {
    let certificate = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n".to_owned();
    Pair { certificate, key: KeyPair::generate().expect("a key").serialize_pem() }
}

fn leaf(fqdn: &str, flaw: Flaw) -> CertificateParams {
    let mut params = CertificateParams::new(vec![fqdn.to_owned()]).expect("a name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, fqdn);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = match flaw {
        Flaw::ServerAuthOnly => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Flaw::ClientAuthOnly => vec![ExtendedKeyUsagePurpose::ClientAuth],
        _ => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    };
    let now = OffsetDateTime::now_utc();
    let days = Duration::days;
    (params.not_before, params.not_after) = match flaw {
        Flaw::Expired => (now - days(2), now - days(1)),
        Flaw::NotYetValid => (now + days(1), now + days(2)),
        _ => (now - days(1), now + days(1)),
    };
    params
}

/// Writes an identity: certificate, key, and the certificates that are trusted.
pub(crate) fn write(folder: &Path, pair: &Pair, trusted: &[&str]) -> IdentityPaths {
    let paths = IdentityPaths {
        certificate: folder.join("tomcat.pem"),
        key: folder.join("tomcat.key"),
        trust: folder.join("trust"),
        allow_weak_key: false,
    };
    std::fs::create_dir_all(&paths.trust).expect("a folder");
    std::fs::write(&paths.certificate, &pair.certificate).expect("writes");
    std::fs::write(&paths.key, &pair.key).expect("writes");
    for (number, pem) in trusted.iter().enumerate() {
        std::fs::write(paths.trust.join(format!("{number}.pem")), pem).expect("writes");
    }
    paths
}

/// Writes a pair for a foreign peer; answers the two files.
pub(crate) fn write_pair(folder: &Path, name: &str, pair: &Pair) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&certificate, &pair.certificate).expect("writes");
    std::fs::write(&key, &pair.key).expect("writes");
    (certificate, key)
}
