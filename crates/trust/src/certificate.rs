//! A certificate, parsed once.
//!
//! DER -> [`Certificate`]: the bytes, the facts a verdict needs, and what displays show. Cloning it copies
//! a pointer.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::der;
use crate::extensions::{CaKind, Extensions};
use crate::key::PublicKey;
use crate::key_kind::Check;
use crate::name::{DistinguishedName, fqdn};
use crate::raw::{Raw, Signature, Version};
use crate::signature::SignatureAlgorithm;
use ilslab_names::hex;

/// Octets of a certificate at most, a bound of this lab; real ones have one or two thousand.
pub const CERTIFICATE_MAX: usize = 65_535;

/// Characters of a name that are shown at most: a host name has fewer.
const DISPLAYED: usize = 255;

/// Why bytes are no certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateError {
    /// More than [`CERTIFICATE_MAX`] octets.
    #[error("read a certificate of {octets} octets: the limit is {CERTIFICATE_MAX}")]
    TooLarge {
        /// How many there were.
        octets: usize,
    },
    /// Not the DER of an X.509 certificate, or more than one.
    #[error("read the certificate: this is not the DER of one X.509 certificate")]
    NotDer,
    /// A subject or issuer whose text is not what its type says.
    #[error("read the certificate's subject or issuer: a text in it is malformed")]
    Name,
    /// A date in another form than `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
    #[error("read the certificate's validity: a date in it is malformed")]
    Date,
}

/// An X.509 certificate.
#[derive(Clone)]
pub struct Certificate(Arc<Facts>);

struct Facts {
    der: CertificateDer<'static>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    subject_text: String,
    issuer_text: String,
    serial: Vec<u8>,
    serial_text: String,
    fingerprint: String,
    not_before: i64,
    not_after: i64,
    version: Version,
    has_unique_id: bool,
    raw_subject: Vec<u8>,
    raw_issuer: Vec<u8>,
    key_info: Vec<u8>,
    is_self_signed: bool,
    fqdns: Vec<String>,
    extensions: Extensions,
    key: Option<PublicKey>,
    signature: Signature,
}

impl Certificate {
    /// Reads a certificate. Total on any bytes.
    pub fn parse(der: CertificateDer<'static>) -> Result<Certificate, CertificateError> {
        let octets = der.len();
        if octets > CERTIFICATE_MAX {
            return Err(CertificateError::TooLarge { octets });
        }
        let facts = Facts::read(&der)?;
        Ok(Certificate(Arc::new(Facts { der, ..facts })))
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.0.der
    }

    /// The names that ILS matches: the DNS names among its alternative names, or the last common name
    /// where it has no DNS name; ASCII lower case, one trailing dot dropped. Wildcards, addresses and
    /// what is no host name are left out.
    pub fn fqdns(&self) -> &[String] {
        &self.0.fqdns
    }

    /// Whether `name` is one of [`Certificate::fqdns`], whatever its case or one trailing dot.
    pub fn carries(&self, name: &str) -> bool {
        fqdn(name).is_some_and(|name| self.0.fqdns.contains(&name))
    }

    /// The subject in one line, escaped.
    pub fn subject(&self) -> &str {
        &self.0.subject_text
    }

    /// The issuer in one line, escaped.
    pub fn issuer(&self) -> &str {
        &self.0.issuer_text
    }

    /// The serial number, hexadecimal.
    pub fn serial(&self) -> &str {
        &self.0.serial_text
    }

    /// Start of its validity, in seconds since 1970.
    pub fn not_before(&self) -> i64 {
        self.0.not_before
    }

    /// End of its validity, in seconds since 1970; at that second it is no longer valid.
    pub fn not_after(&self) -> i64 {
        self.0.not_after
    }

    /// Whether both have one subject, as OpenSSL compares names.
    pub fn is_namesake_of(&self, other: &Certificate) -> bool {
        self.0.subject.matches(&other.0.subject)
    }

    /// Basic constraints with `CA:TRUE`.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca()
    }

    /// Whether it names itself as its issuer, as OpenSSL sees it; the signature is not checked.
    pub fn is_self_signed(&self) -> bool {
        self.0.is_self_signed
    }

    /// SHA-256 of the DER, 64 hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// The public key: "RSA 2048", "EC P-256", "Ed25519"; "unknown" where nothing here can use it.
    pub fn key_description(&self) -> &str {
        self.0.key.as_ref().map_or("unknown", PublicKey::description)
    }

    /// What a trace calls this peer: the name that is compared. Its first FQDN; where none of its names is one, the first
    /// DNS name as it stands, or without any the common name; else the subject. At most 255 characters, with
    /// `...` for the rest. Whoever shows it escapes it, blanks included: see [`ilslab_names::escape_name`].
    pub fn display_name(&self) -> String {
        let common_name = || self.0.subject.common_names().next_back().map(str::to_owned);
        let looked_at = match self.0.extensions.first_dns_name() {
            // A DNS name silences the common name, whatever it is.
            Some(name) => Some(name),
            None => common_name(),
        };
        let name = self.0.fqdns.first().cloned().or(looked_at).filter(|name| !name.is_empty());
        shortened(name.unwrap_or_else(|| self.0.subject.as_it_stands()))
    }

    pub(crate) fn subject_name(&self) -> &DistinguishedName {
        &self.0.subject
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    pub(crate) fn key(&self) -> Option<&PublicKey> {
        self.0.key.as_ref()
    }

    pub(crate) fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.0.signature.algorithm
    }

    pub(crate) fn is_v3(&self) -> bool {
        self.0.version == Version::V3
    }

    pub(crate) fn has_unique_id(&self) -> bool {
        self.0.has_unique_id
    }

    /// The contents of the subject's `Name`, byte for byte.
    pub(crate) fn raw_subject(&self) -> &[u8] {
        &self.0.raw_subject
    }

    /// The contents of the issuer's `Name`, byte for byte.
    pub(crate) fn raw_issuer(&self) -> &[u8] {
        &self.0.raw_issuer
    }

    /// The contents of the `SubjectPublicKeyInfo`, byte for byte.
    pub(crate) fn key_info(&self) -> &[u8] {
        &self.0.key_info
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.0.subject.matches(&self.0.issuer)
    }

    pub(crate) fn ca_kind(&self) -> CaKind {
        self.0.extensions.ca_kind(self.is_v1_root())
    }

    pub(crate) fn is_v1_root(&self) -> bool {
        self.0.version == Version::V1 && self.0.is_self_signed
    }

    /// Whether it may stand at the end of a chain and issue: CA:TRUE, or without basic constraints a self-signed
    /// version 1 certificate or one that old habits make a CA's; and not forbidden to sign certificates.
    pub fn may_issue(&self) -> bool {
        self.ca_kind() != CaKind::No
    }

    pub(crate) fn is_current(&self, now: i64) -> bool {
        self.0.not_before <= now && now < self.0.not_after
    }

    /// Whether `issuer` looks like the issuer of this certificate; the signature is not checked.
    pub(crate) fn is_issued_by(&self, issuer: &Certificate) -> bool {
        self.0.is_likely_issued_by(&issuer.0)
    }

    /// Whether the authority key identifier names the very key of `issuer`, and not only contradicts nothing.
    pub(crate) fn names_key_of(&self, issuer: &Certificate) -> bool {
        let wanted = self.0.extensions.authority_key.as_ref().and_then(|key| key.key_id.as_ref());
        wanted.is_some() && wanted == issuer.0.extensions.subject_key_id.as_ref()
    }

    /// Whether `issuer`'s key signed this certificate.
    pub(crate) fn check_signature_of(&self, issuer: &Certificate) -> Check {
        let Signature { message, algorithm, is_consistent, value } = &self.0.signature;
        let key = issuer.0.key.as_ref().filter(|_| *is_consistent);
        key.map_or(Check::Bad, |key| key.check(algorithm.scheme, message, value))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Certificate) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject(), self.serial())
    }
}

impl Facts {
    /// Everything but the DER itself, which the caller puts in its place.
    fn read(der: &[u8]) -> Result<Facts, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::NotDer)?;
        let raw = Raw::read(der).filter(|_| rest.is_empty()).ok_or(CertificateError::NotDer)?;
        let [subject, issuer] = [raw.subject, raw.issuer].map(DistinguishedName::parse);
        let (subject, issuer) = subject.zip(issuer).ok_or(CertificateError::Name)?;
        if !raw.has_plain_dates() {
            return Err(CertificateError::Date);
        }
        let extensions = Extensions::read(parsed.extensions());
        let mut facts = Facts {
            der: CertificateDer::from(Vec::new()),
            subject_text: subject.display(),
            issuer_text: issuer.display(),
            fqdns: fqdns(&subject, &extensions),
            subject,
            issuer,
            serial: der::magnitude(raw.serial).to_vec(),
            serial_text: hex(raw.serial),
            fingerprint: hex(Sha256::digest(der).as_ref()),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            version: raw.version,
            has_unique_id: raw.has_unique_id,
            raw_subject: raw.subject.to_vec(),
            raw_issuer: raw.issuer.to_vec(),
            key_info: raw.key_info.to_vec(),
            is_self_signed: false,
            extensions,
            key: PublicKey::parse(raw.key_algorithm, raw.key),
            signature: raw.signature(),
        };
        facts.is_self_signed = facts.is_likely_issued_by(&facts);
        Ok(facts)
    }

    /// OpenSSL's `ossl_x509_likely_issued`: names, authority key identifier, kind of key.
    fn is_likely_issued_by(&self, issuer: &Facts) -> bool {
        issuer.subject.matches(&self.issuer)
            && !issuer.extensions.is_invalid
            && !self.extensions.is_invalid
            && self.authority_key_is(issuer)
            && issuer.key.as_ref().is_some_and(|key| key.fits(&self.signature.algorithm))
    }

    fn authority_key_is(&self, issuer: &Facts) -> bool {
        let Some(authority) = &self.extensions.authority_key else {
            return true;
        };
        let ids = authority.key_id.as_ref().zip(issuer.extensions.subject_key_id.as_ref());
        ids.is_none_or(|(wanted, have)| wanted == have)
            && authority.serial.as_ref().is_none_or(|serial| *serial == issuer.serial)
            && authority.issuer.as_ref().is_none_or(|name| name.matches(&issuer.issuer))
    }
}

/// A peer can choose a name of many thousand characters.
fn shortened(name: String) -> String {
    match name.char_indices().nth(DISPLAYED) {
        Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
        None => name,
    }
}

fn fqdns(subject: &DistinguishedName, extensions: &Extensions) -> Vec<String> {
    let names: Vec<&str> = match extensions.dns_names() {
        Some(names) => names,
        None => subject.common_names().next_back().into_iter().collect(),
    };
    // A set, since a peer may send thousands of names.
    let mut seen = HashSet::new();
    names.into_iter().filter_map(fqdn).filter(|name| seen.insert(name.clone())).collect()
}
