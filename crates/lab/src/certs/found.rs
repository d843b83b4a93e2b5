//! What a certificate that already stands in a folder says, beside what was asked for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use serde::{Serialize, Serializer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use super::error::CertsError;
use super::key::KeyKind;

/// How something that was kept differs from what would have been made in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It names somebody else.
    OtherFqdn {
        /// The names it carries, with commas between.
        carries: String,
        /// The name asked for.
        wanted: String,
    },
    /// Its key is of another kind.
    OtherKey {
        /// The kind asked for.
        wanted: KeyKind,
    },
    /// Not signed by the lab CA that lies there now, or, where it should be, not by itself.
    OtherIssuer {
        /// Who was to sign.
        wanted: &'static str,
    },
    /// Its notAfter has passed.
    Expired {
        /// The notAfter.
        when: String,
    },
    /// Others may read a key, or enter the folder where it lies.
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it should have.
        wanted: u32,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFqdn { carries, wanted } => {
                write!(f, "it is for {carries}, not {wanted}; --force replaces it")
            }
            Self::OtherKey { wanted } => write!(f, "its key is not {wanted}; --force replaces it"),
            Self::OtherIssuer { wanted } => write!(f, "it was not signed by {wanted}; --force replaces it"),
            Self::Expired { when } => write!(f, "it expired on {when}; --force replaces it"),
            Self::Open { path, mode, wanted } => {
                let path = path.display();
                write!(f, "others can get at {path} (mode {mode:04o}); `chmod {wanted:03o} {path}` closes it")
            }
        }
    }
}

impl Serialize for Difference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What would have been made where something was found.
pub(super) struct Wanted<'a> {
    pub(super) fqdn: &'a str,
    pub(super) key: KeyKind,
    /// `None`: itself.
    pub(super) issuer: Option<&'a CertificateDer<'static>>,
    pub(super) now: SystemTime,
}

impl Wanted<'_> {
    /// How the certificate of `path` differs from this; nothing, if it would do.
    pub(super) fn differences(&self, cert: &[u8], path: &Path) -> Result<Vec<Difference>, CertsError> {
        let cert = parse(cert, path)?;
        let (names, until) = (dns_names(&cert), since_epoch(cert.validity().not_after));
        let mut differences = Vec::new();
        if !names.iter().any(|name| name.eq_ignore_ascii_case(self.fqdn)) {
            let carries = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            differences.push(Difference::OtherFqdn { carries, wanted: self.fqdn.to_owned() });
        }
        if key_kind(&cert) != Some(self.key) {
            differences.push(Difference::OtherKey { wanted: self.key });
        }
        if !self.is_signed_as_wanted(&cert)? {
            let wanted = if self.issuer.is_some() { "this lab CA" } else { "itself" };
            differences.push(Difference::OtherIssuer { wanted });
        }
        if self.now.duration_since(UNIX_EPOCH).is_ok_and(|now| now >= until) {
            differences.push(Difference::Expired { when: date(until) });
        }
        Ok(differences)
    }

    fn is_signed_as_wanted(&self, cert: &X509Certificate<'_>) -> Result<bool, CertsError> {
        let Some(issuer) = self.issuer else {
            return Ok(cert.verify_signature(None).is_ok());
        };
        let issuer = parse(issuer, Path::new("the lab CA"))?;
        let same_name = cert.issuer().as_raw() == issuer.subject().as_raw();
        Ok(same_name && cert.verify_signature(Some(issuer.public_key())).is_ok())
    }
}

/// The public key in a certificate, as a DER SubjectPublicKeyInfo.
pub(super) fn public_key(cert: &[u8], path: &Path) -> Result<Vec<u8>, CertsError> {
    Ok(parse(cert, path)?.public_key().raw.to_vec())
}

/// The notAfter of a certificate that may sign others, since the Unix epoch.
pub(super) fn authority_end(cert: &[u8], path: &Path) -> Result<Duration, CertsError> {
    let cert = parse(cert, path)?;
    let unreadable = |e: x509_parser::error::X509Error| not_a_certificate(path, &e);
    let usage = cert.key_usage().map_err(unreadable)?;
    if !cert.is_ca() || usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(CertsError::NotAnAuthority { path: path.into() });
    }
    Ok(since_epoch(cert.validity().not_after))
}

/// Refuses a CA that must not sign, or is over at `now`. OpenSSL takes notAfter itself for over, and so do we.
pub(super) fn check_authority(cert: &[u8], path: &Path, now: SystemTime) -> Result<(), CertsError> {
    let end = authority_end(cert, path)?;
    if now.duration_since(UNIX_EPOCH).is_ok_and(|now| now >= end) {
        return Err(CertsError::AuthorityExpired { path: path.into(), when: date(end) });
    }
    Ok(())
}

/// A date as a person reads it, in UTC.
pub(super) fn date(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(seconds).map_or_else(|_| format!("second {seconds}"), |date| date.to_string())
}

fn parse<'a>(cert: &'a [u8], path: &Path) -> Result<X509Certificate<'a>, CertsError> {
    match x509_parser::parse_x509_certificate(cert) {
        Ok((_, cert)) => Ok(cert),
        Err(error) => Err(not_a_certificate(path, &error)),
    }
}

fn not_a_certificate(path: &Path, why: &dyn fmt::Display) -> CertsError {
    CertsError::NotACertificate { path: path.into(), why: why.to_string() }
}

/// A date before 1970 counts as 1970: over, in any case.
fn since_epoch(date: ASN1Time) -> Duration {
    Duration::from_secs(u64::try_from(date.timestamp()).unwrap_or(0))
}

/// The host names in the SAN.
fn dns_names(cert: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(san)) = cert.subject_alternative_name() else {
        return Vec::new();
    };
    let dns_name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    };
    san.value.general_names.iter().filter_map(dns_name).collect()
}

fn key_kind(cert: &X509Certificate<'_>) -> Option<KeyKind> {
    match cert.public_key().parsed().ok()? {
        PublicKey::RSA(key) if key.key_size() == 2048 => Some(KeyKind::Rsa2048),
        PublicKey::EC(key) if key.key_size() == 256 => Some(KeyKind::P256),
        _ => None,
    }
}
