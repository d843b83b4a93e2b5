//! Certificates to order, and OpenSSL as the oracle.
//!
//! A [`Blueprint`] says what a certificate claims and which key signs it, so that chains which no honest CA
//! would issue are a field away. Every extension is written by hand: nothing is added behind our back.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod forge;
pub(crate) mod oracle;

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ilslab_trust::{Certificate, TrustStore, Verdict, verify};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair,
    PublicKeyData, RsaKeySize, SanType, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, UnixTime};

pub(crate) use forge::Spelling;

pub(crate) use ilslab_trust::Purpose;

/// 1 June 2026, 00:00 UTC: when the chains are judged unless a case says otherwise.
pub(crate) const NOW: u64 = 1_780_272_000;

/// Key usage as the octets of its bit string: unused bits, then the first octet.
pub(crate) const KU_DIGITAL_SIGNATURE: [u8; 2] = [7, 0x80];
pub(crate) const KU_KEY_AGREEMENT: [u8; 2] = [3, 0x08];
pub(crate) const KU_CRL_SIGN: [u8; 2] = [1, 0x02];
pub(crate) const KU_CERT_SIGN: [u8; 2] = [1, 0x06];

/// Which key: P-256 and RSA-2048 ones are made once and kept, by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    Ec(u8),
    P384(u8),
    Ed25519(u8),
    Rsa(u8),
    /// RSA of 1,963, 2,041 or 2,047 bits.
    Small(u8),
    /// A key of the type RSASSA-PSS.
    Pss(u8),
    /// An RSA-1024 key whose private half nobody has.
    Weak,
}

impl Key {
    pub(crate) fn is_rsa(self) -> bool {
        matches!(self, Key::Rsa(_) | Key::Weak)
    }

    /// The key identifier that all blueprints use for this key.
    pub(crate) fn id(self) -> [u8; 20] {
        let (kind, number) = match self {
            Key::Ec(number) => (1, number),
            Key::P384(number) => (2, number),
            Key::Ed25519(number) => (3, number),
            Key::Rsa(number) => (4, number),
            Key::Weak => (5, 0),
            Key::Small(number) => (6, number),
            Key::Pss(number) => (7, number),
        };
        let mut id = [kind; 20];
        id[19] = number;
        id
    }

    pub(crate) fn pair(self) -> &'static KeyPair {
        static PAIRS: LazyLock<Mutex<HashMap<Key, &'static KeyPair>>> = LazyLock::new(Mutex::default);
        let mut pairs = PAIRS.lock().expect("no test panics while it makes a key");
        pairs.entry(self).or_insert_with(|| Box::leak(Box::new(self.generate())))
    }

    fn generate(self) -> KeyPair {
        let made = match self {
            Key::Ec(_) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Key::P384(_) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Key::Ed25519(_) => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Key::Rsa(_) => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
            Key::Weak | Key::Small(_) | Key::Pss(_) => panic!("rcgen does not make this key"),
        };
        made.expect("the provider makes these keys")
    }
}

/// What basic constraints say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Basic {
    Absent,
    NotCa,
    Ca,
    PathLength(u8),
}

/// A certificate to be made.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) subject: String,
    pub(crate) key: Key,
    pub(crate) issuer: String,
    /// The key that signs, whatever the issuer's certificate says.
    pub(crate) signer: Key,
    pub(crate) subject_key_id: Option<[u8; 20]>,
    pub(crate) authority_key_id: Option<[u8; 20]>,
    pub(crate) basic: Basic,
    pub(crate) key_usage: Option<[u8; 2]>,
    pub(crate) client_auth: bool,
    pub(crate) server_auth: bool,
    pub(crate) dns: Vec<String>,
    pub(crate) addresses: Vec<std::net::IpAddr>,
    /// Years in which validity begins and ends, on 1 January.
    pub(crate) years: (i32, i32),
    pub(crate) serial: u64,
    pub(crate) critical_unknown: bool,
    pub(crate) permitted: Option<&'static str>,
    pub(crate) excluded: Option<&'static str>,
    pub(crate) sha1: bool,
    pub(crate) tampered: bool,
    pub(crate) raw_extensions: Vec<(Vec<u64>, Vec<u8>)>,
    pub(crate) critical_extensions: Vec<(Vec<u64>, Vec<u8>)>,
    /// How subject and issuer are written.
    pub(crate) spelling: (Spelling, Spelling),
    /// 3, or an old one without extensions.
    pub(crate) version: u8,
}

impl Blueprint {
    /// An end entity with both usages, as a tomcat certificate has them.
    pub(crate) fn leaf(subject: &str, key: Key, issuer: &str, signer: Key) -> Blueprint {
        Blueprint {
            subject: subject.to_owned(),
            key,
            issuer: issuer.to_owned(),
            signer,
            subject_key_id: Some(key.id()),
            authority_key_id: Some(signer.id()),
            basic: Basic::NotCa,
            key_usage: Some(KU_DIGITAL_SIGNATURE),
            client_auth: true,
            server_auth: true,
            dns: vec![subject.to_owned()],
            addresses: Vec::new(),
            years: (2025, 2030),
            serial: 1,
            critical_unknown: false,
            permitted: None,
            excluded: None,
            sha1: false,
            tampered: false,
            raw_extensions: Vec::new(),
            critical_extensions: Vec::new(),
            spelling: (Spelling::Plain, Spelling::Plain),
            version: 3,
        }
    }

    pub(crate) fn ca(subject: &str, key: Key, issuer: &str, signer: Key) -> Blueprint {
        Blueprint {
            basic: Basic::Ca,
            key_usage: Some(KU_CERT_SIGN),
            client_auth: false,
            server_auth: false,
            dns: Vec::new(),
            ..Blueprint::leaf(subject, key, issuer, signer)
        }
    }

    pub(crate) fn root(subject: &str, key: Key) -> Blueprint {
        Blueprint::ca(subject, key, subject, key)
    }

    pub(crate) fn self_signed(subject: &str, key: Key) -> Blueprint {
        Blueprint::leaf(subject, key, subject, key)
    }

    pub(crate) fn without_key_ids(self) -> Blueprint {
        Blueprint { subject_key_id: None, authority_key_id: None, ..self }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Blueprint)) -> Blueprint {
        change(&mut self);
        self
    }

    pub(crate) fn make(&self) -> Certificate {
        Certificate::parse(self.der()).expect("a blueprint makes a certificate that parses")
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        let mut issuer_params = CertificateParams::default();
        issuer_params.distinguished_name = common_name(&self.issuer);
        let stand_in = |key: Key| if forge::is_odd(key) { Key::Ec(250) } else { key };
        let issuer = Issuer::from_params(&issuer_params, stand_in(self.signer).pair());
        let made = match stand_in(self.key) {
            Key::Weak => self.params().signed_by(&weak_key(), &issuer),
            key => self.params().signed_by(key.pair(), &issuer),
        };
        let mut der = made.expect("rcgen signs what a blueprint says").der().to_vec();
        if forge::is_needed(self) {
            der = forge::forge(self, &der);
        }
        if self.sha1 {
            claim_sha1(&mut der);
        }
        if self.tampered {
            *der.last_mut().expect("a certificate is not empty") ^= 1;
        }
        CertificateDer::from(der)
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&self.subject);
        params.serial_number = Some(self.serial.into());
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        params.subject_alt_names = self.alternative_names();
        if self.client_auth {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        }
        if self.server_auth {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        params.custom_extensions = self.custom_extensions();
        params
    }

    fn alternative_names(&self) -> Vec<SanType> {
        let dns = self.dns.iter().map(|name| SanType::DnsName(name.as_str().try_into().expect("ASCII")));
        dns.chain(self.addresses.iter().copied().map(SanType::IpAddress)).collect()
    }

    fn custom_extensions(&self) -> Vec<CustomExtension> {
        let mut found = Vec::new();
        let mut push = |oid: &[u64], critical: bool, content: Vec<u8>| {
            let mut extension = CustomExtension::from_oid_content(oid, content);
            extension.set_criticality(critical);
            found.push(extension);
        };
        match self.basic {
            Basic::Absent => {}
            Basic::NotCa => push(&[2, 5, 29, 19], true, tlv(0x30, &[])),
            Basic::Ca => push(&[2, 5, 29, 19], true, tlv(0x30, &[1, 1, 0xff])),
            Basic::PathLength(length) => {
                push(&[2, 5, 29, 19], true, tlv(0x30, &[1, 1, 0xff, 2, 1, length]));
            }
        }
        if let Some(bits) = self.key_usage {
            push(&[2, 5, 29, 15], true, tlv(0x03, &bits));
        }
        if let Some(id) = self.subject_key_id {
            push(&[2, 5, 29, 14], false, tlv(0x04, &id));
        }
        if let Some(id) = self.authority_key_id {
            push(&[2, 5, 29, 35], false, tlv(0x30, &tlv(0x80, &id)));
        }
        if self.critical_unknown {
            push(&[1, 3, 6, 1, 4, 1, 99_999, 1], true, vec![5, 0]);
        }
        let subtrees = [(0xa0, self.permitted), (0xa1, self.excluded)];
        let subtree = |(tag, name): &(u8, Option<&str>)| {
            name.map(|name| tlv(*tag, &tlv(0x30, &tlv(0x82, name.as_bytes())))).unwrap_or_default()
        };
        let constraints: Vec<u8> = subtrees.iter().flat_map(subtree).collect();
        if !constraints.is_empty() {
            push(&[2, 5, 29, 30], true, tlv(0x30, &constraints));
        }
        for (oid, content) in &self.critical_extensions {
            push(oid, true, content.clone());
        }
        for (oid, content) in &self.raw_extensions {
            push(oid, false, content.clone());
        }
        found
    }
}

/// A DER element of at most 127 octets.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("short");
    assert!(length < 128, "the short form is enough for tests");
    [&[tag, length], contents].concat()
}

/// The verdict of the crate.
pub(crate) fn judge(chain: &[Certificate], store: &[Certificate], purpose: Purpose, at: u64) -> Verdict {
    let store = TrustStore::new(store.iter().cloned());
    verify(chain, &store, purpose, UnixTime::since_unix_epoch(std::time::Duration::from_secs(at)))
}

fn common_name(name: &str) -> DistinguishedName {
    let mut dn = DistinguishedName::new();
    dn.push(DnType::CommonName, name);
    dn
}

/// Rewrites sha256WithRSAEncryption to sha1WithRSAEncryption, twice; the signature is none any more, but
/// the digest is judged first.
fn claim_sha1(der: &mut [u8]) {
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let places: Vec<usize> = (0..der.len() - oid.len()).filter(|at| der[*at..].starts_with(&oid)).collect();
    assert_eq!(places.len(), 2, "only an RSA signature can claim SHA-1");
    for at in places {
        der[at + 8] = 0x05;
    }
}

/// The public half of an RSA-1024 key, which the provider would not make.
struct WeakKey(Vec<u8>);

impl PublicKeyData for WeakKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

fn weak_key() -> WeakKey {
    WeakKey(STANDARD.decode(RSA_1024).expect("this constant is base64"))
}

const RSA_1024: &str = "MIGJAoGBAJx5vG2xlQDulswxGXI0gg/KtAj0dG+YjJFTO95/uioiDRhbgnKxfbThJVLN+ibZy72xhW4Fnf+MdZ9Xrtmvd8BO\
    OE61fshWuoXvqnerdFCl98TnHFtuo+eghzvZK6NYk4Q1ifEJaUGn2thTmuofpTmF9TOHue1elozjUl9Za873AgMBAAE=";
