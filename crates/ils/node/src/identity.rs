//! What a node shows of itself on TLS, and whom it trusts: loaded at service start, immutable, swapped whole.
//!
//! ```text
//! --cert --key --trust, else platform/tomcat/tomcat.{pem,key}, platform/tomcat-trust/ -> [`Identity`]
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ils_core::trust::{Certificate, TrustStore};
use rcgen::KeyPair;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::pem::{self, Found, PemError};
use crate::staged::Staged;
use crate::upload::finish_upload;
use crate::weak_key;

/// Where certificates, key and trust store lie.
#[derive(Clone, Debug)]
pub struct IdentityPaths {
    /// The tomcat certificate, with whatever chain is to be sent.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The folder of `tomcat-trust`: every `*.pem`, `*.crt`, `*.cer`, `*.der`, `*.p7b` and `*.p7c` in it.
    pub trust: PathBuf,
    /// Take an RSA key that is too small, so that a peer can be seen refusing it.
    pub allow_weak_key: bool,
}

impl IdentityPaths {
    /// The places under a node's folder.
    pub fn under(platform: &Path) -> Self {
        Self {
            certificate: platform.join("tomcat/tomcat.pem"),
            key: platform.join("tomcat/tomcat.key"),
            trust: platform.join("tomcat-trust"),
            allow_weak_key: false,
        }
    }

    /// A trust store that was named is a folder; a mistyped one would be an empty store, and every peer a stranger.
    pub(crate) fn check_store(&self) -> Result<(), PemError> {
        if self.trust.is_dir() {
            return Ok(());
        }
        let cure = "name the folder with the certificates that are trusted; it may be empty";
        Err(PemError::new(&self.trust, "is not a folder that can be read", cure))
    }

    /// Removes what was made for a change that a kill has cut off, and ends an upload that one has.
    pub(crate) fn sweep(&self) -> Result<(), PemError> {
        finish_upload(&self.key, &self.certificate).map_err(|error| {
            let problem = format!("has an upload beside it that cannot be ended: {error}");
            PemError::new(&self.certificate, problem, "check the data folder's permissions")
        })?;
        for place in [&self.key, &self.certificate] {
            Staged::sweep(place).map_err(|error| {
                let problem = format!("has a leftover beside it that cannot be removed: {error}");
                PemError::new(place, problem, "check the data folder's permissions")
            })?;
        }
        Ok(())
    }
}

/// The certificate this node shows, its key, and the store it judges peers by.
pub struct Identity {
    /// Certificate and key, as rustls takes them.
    pub certified: Arc<CertifiedKey>,
    /// The node's own certificate.
    pub leaf: Certificate,
    /// `tomcat-trust`.
    pub trust: Arc<TrustStore>,
}

impl Identity {
    /// Loads all three.
    ///
    /// # Errors
    /// The first file that is not what it must be; nothing is replaced.
    pub fn load(paths: &IdentityPaths, provider: &CryptoProvider) -> Result<Self, PemError> {
        let chain = chain(&paths.certificate, pem::certificates(&paths.certificate)?)?;
        let key = pem::private_key(&paths.key)?;
        Self::of(paths, chain, key, provider)
    }

    /// Makes a self-signed RSA-2048 certificate for the FQDN, as a fresh CUCM does, and its key. A key that lies there
    /// already is kept and gets its certificate: a start that was killed halfway may have left it. The files count
    /// once they are installed.
    ///
    /// # Errors
    /// Where it cannot be written, or the key or the store there is of no use; then nothing is left behind.
    pub(crate) fn make(
        paths: &IdentityPaths, fqdn: &str, provider: &CryptoProvider,
    ) -> Result<(Self, Staged), PemError> {
        let unmade = |path: &Path, error: &dyn std::fmt::Display| PemError::unmade(path, error);
        let now = crate::clock::wall().seconds();
        let validity = validity(now).ok_or_else(|| clock_out_of_bounds(&paths.certificate, now))?;
        let mut staged = Staged::default();
        // The key first: a certificate without one would be loaded, and refused, by the next start.
        let key = if paths.key.exists() {
            kept_key(&paths.key)?
        } else {
            let (key, pem) = new_key().map_err(|error| unmade(&paths.key, &error))?;
            staged.put(&paths.key, pem.as_bytes()).map_err(|error| unmade(&paths.key, &error))?;
            key
        };
        let certificate =
            self_signed(fqdn, &key, validity).map_err(|error| unmade(&paths.certificate, &error))?;
        let written = staged.put(&paths.certificate, certificate.pem().as_bytes());
        written.map_err(|error| unmade(&paths.certificate, &error))?;
        staged.folder(&paths.trust).map_err(|error| unmade(&paths.trust, &error))?;
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((Self::of(paths, vec![certificate.der().clone()], private, provider)?, staged))
    }

    /// Chain and key, with the store that lies there.
    fn of(
        paths: &IdentityPaths, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>,
        provider: &CryptoProvider,
    ) -> Result<Self, PemError> {
        let der = chain.first().cloned().unwrap_or_else(|| Vec::new().into());
        let leaf = parse(&paths.certificate, Found { der, place: "the first".to_owned() })?;
        let certified = certified(paths, chain, key, provider)?;
        let trust = Arc::new(TrustStore::new(trusted(&paths.trust)?));
        Ok(Self { certified: Arc::new(certified), leaf, trust })
    }
}

/// A chain with its key, once it is sure that they belong together.
pub(crate) fn certified(
    paths: &IdentityPaths, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, PemError> {
    let weak = if paths.allow_weak_key { weak_key::signer(&key) } else { None };
    let fault = weak_key::fault(&key);
    let loaded = provider.key_provider.load_private_key(key);
    let key = loaded.or_else(|error| weak.ok_or(error)).map_err(|error| {
        let problem = fault.unwrap_or_else(|| format!("holds a key that cannot be used: {error}"));
        let cure = "use RSA-2048 or P-256; to see a peer refuse RSA-1024, name the files with --cert, --key, --trust and \
                    add --allow-weak-key";
        PemError::new(&paths.key, problem, cure)
    })?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| {
        let problem = format!("is not the key of {}", paths.certificate.display());
        PemError::new(&paths.key, problem, "put certificate and key of one pair there")
    })?;
    Ok(certified)
}

/// A certificate of a file.
pub(crate) fn parse(path: &Path, found: Found) -> Result<Certificate, PemError> {
    Certificate::parse(found.der).map_err(|error| {
        let problem = format!("{} is no certificate: {error}", found.place);
        PemError::new(path, problem, "export the certificate again (X.509, as PEM or DER)")
    })
}

/// A chain as it is sent; what a peer could not read is not.
pub(crate) fn chain(path: &Path, found: Vec<Found>) -> Result<Vec<CertificateDer<'static>>, PemError> {
    found.into_iter().map(|found| Ok(parse(path, found)?.der().clone())).collect()
}

/// Every certificate of every file of the folder, in the order of names. No folder is an empty store.
fn trusted(folder: &Path) -> Result<Vec<Certificate>, PemError> {
    let mut certificates = Vec::new();
    for file in trusted_files(folder)? {
        for found in pem::certificates(&file)? {
            certificates.push(parse(&file, found)?);
        }
    }
    Ok(certificates)
}

/// What files of certificates are called. Others in a trust store are not looked at.
const ENDINGS: [&str; 6] = ["pem", "crt", "cer", "der", "p7b", "p7c"];

/// The files of certificates in a folder, by name. No folder has none.
pub(crate) fn trusted_files(folder: &Path) -> Result<Vec<PathBuf>, PemError> {
    let unreadable = |error: std::io::Error| {
        PemError::new(folder, format!("cannot be read: {error}"), "check the path and its permissions")
    };
    if !folder.try_exists().map_err(unreadable)? {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A new key, and its PEM.
fn new_key() -> Result<(KeyPair, Zeroizing<String>), rcgen::Error> {
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
    let pem = Zeroizing::new(key.serialize_pem());
    Ok((key, pem))
}

fn kept_key(path: &Path) -> Result<KeyPair, PemError> {
    let key = pem::private_key(path)?;
    KeyPair::try_from(&key).map_err(|error| {
        let problem = format!("is there without its certificate, and none can be made for it: {error}");
        PemError::new(path, problem, "put its certificate beside it, or remove the key")
    })
}

/// A request (PKCS#10, as PEM) for a certificate of this FQDN, signed by the key that lies there.
///
/// # Errors
/// No key, one that is of no use, or one that cannot sign.
pub(crate) fn request(paths: &IdentityPaths, fqdn: &str) -> Result<String, PemError> {
    if !paths.key.exists() {
        let cure = "turn TLS on, with which a node makes its key: `ilslab set NODE use_tls=true`";
        return Err(PemError::new(&paths.key, "is not there yet", cure));
    }
    let unsigned = |error: rcgen::Error| {
        let cure =
            "make the request with the program that made the key, and upload the certificate with the key";
        PemError::new(&paths.key, format!("holds a key that signs no request: {error}"), cure)
    };
    let key = KeyPair::try_from(&pem::private_key(&paths.key)?).map_err(unsigned)?;
    let params = subject(fqdn).map_err(unsigned)?;
    params.serialize_request(&key).and_then(|request| request.pem()).map_err(unsigned)
}

/// From when to when a certificate holds.
type Validity = (time::OffsetDateTime, time::OffsetDateTime);

/// A new certificate for this key.
fn self_signed(
    fqdn: &str, key: &KeyPair, (begin, end): Validity,
) -> Result<rcgen::Certificate, rcgen::Error> {
    let mut params = subject(fqdn)?;
    params.is_ca = rcgen::IsCa::ExplicitNoCa;
    params.not_before = begin;
    params.not_after = end;
    params.self_signed(key)
}

/// What a tomcat certificate says of its node, and what a request for one asks for.
fn subject(fqdn: &str) -> Result<rcgen::CertificateParams, rcgen::Error> {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose};
    let mut params = CertificateParams::new(vec![fqdn.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, fqdn);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// 9999-12-31 23:59:59, in seconds since 1970: the last second that a certificate can name.
const END_OF_CALENDAR: i64 = 253_402_300_799;

/// From an hour ago, for clocks that differ, for five years, as CUCM does, or until the calendar ends. Nothing where the
/// clock is past that.
fn validity(now: i64) -> Option<Validity> {
    let last = time::OffsetDateTime::from_unix_timestamp(END_OF_CALENDAR).ok()?;
    let now = time::OffsetDateTime::from_unix_timestamp(now).ok().filter(|now| *now < last)?;
    let begin = now.checked_sub(time::Duration::hours(1))?;
    let end = now.checked_add(time::Duration::days(5 * 365)).map_or(last, |end| end.min(last));
    Some((begin, end))
}

fn clock_out_of_bounds(path: &Path, now: i64) -> PemError {
    let problem = format!(
        "cannot be made: the clock is {now} seconds past 1970, and a certificate can name no time after the year 9999"
    );
    PemError { unmade: true, ..PemError::new(path, problem, "set the clock of this machine") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_ends_with_the_calendar_and_a_clock_past_it_is_an_error() {
        const DAY: i64 = 86_400;
        let key = KeyPair::generate().expect("a key");
        for (case, now, want) in [
            ("a usual day", 1_800_000_000, Some(1_800_000_000 + 1_825 * DAY)),
            ("five years before", END_OF_CALENDAR - 1_825 * DAY, Some(END_OF_CALENDAR)),
            (
                "a second less than five years before",
                END_OF_CALENDAR - 1_825 * DAY + 1,
                Some(END_OF_CALENDAR),
            ),
            ("in the year 9996", END_OF_CALENDAR - 3 * 365 * DAY, Some(END_OF_CALENDAR)),
            ("a second before", END_OF_CALENDAR - 1, Some(END_OF_CALENDAR)),
            ("the last second", END_OF_CALENDAR, None),
            ("the year 10000", END_OF_CALENDAR + 1, None),
            ("no clock at all", i64::MAX, None),
        ] {
            let made =
                validity(now).map(|validity| self_signed("hub.lab.example", &key, validity).expect(case));
            let read = made.map(|made| Certificate::parse(made.der().clone()).expect(case));
            assert_eq!(read.as_ref().map(Certificate::not_after), want, "{case}");
            assert_eq!(read.map(|read| read.not_before()), want.map(|_| now - 3_600), "{case}");
        }
        let error = clock_out_of_bounds(Path::new("tomcat.pem"), END_OF_CALENDAR);
        assert!(error.unmade && error.to_string().contains("set the clock"), "{error}");
    }
}
