//! The lab CA: made or loaded, it signs tomcat certificates.

use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::error::CertsError;
use super::folder::{Standing, authority_pair};
use super::found;
use super::identity::{Identity, Validity, dns_name, random_serial, tomcat_params};
use super::key::Key;

/// The life of a lab CA, in days: ours, long enough to outlive what it signs.
pub const AUTHORITY_DAYS: u32 = 3650;

/// The lab's own certificate authority: a root that signs nodes' certificates directly.
pub struct Authority {
    issuer: Issuer<'static, Key>,
    cert_pem: String,
    cert_der: CertificateDer<'static>,
    /// Its notAfter, since the Unix epoch.
    end: Duration,
}

impl Authority {
    /// A new CA, in memory, with a name that no other lab CA has.
    ///
    /// # Errors
    /// [`CertsError::Making`], [`CertsError::Random`].
    pub fn make(key: Key, validity: Validity) -> Result<Self, CertsError> {
        let cert = authority_params(validity)?.self_signed(&key).map_err(CertsError::making("a CA"))?;
        let made_here = Path::new("a CA made in memory");
        Self::new(cert.pem(), cert.der().clone(), key, made_here)
    }

    /// The CA that lies under `dir` as `ca/root.pem` and `ca/root.key`.
    ///
    /// # Errors
    /// Whatever is wrong with the two files, naming them.
    pub fn load(dir: &Path) -> Result<Self, CertsError> {
        let pair = authority_pair(dir);
        match pair.standing()? {
            Standing::Both { cert_pem, cert_der, key } => Self::new(cert_pem, cert_der, key, &pair.cert),
            Standing::Nothing | Standing::KeyOnly(_) => Err(CertsError::NoAuthority { path: pair.cert }),
        }
    }

    /// Takes what stands in `path`, if it may sign.
    pub(super) fn new(
        cert_pem: String, cert_der: CertificateDer<'static>, key: Key, path: &Path,
    ) -> Result<Self, CertsError> {
        let end = found::authority_end(&cert_der, path)?;
        let unusable =
            |e: rcgen::Error| CertsError::NotACertificate { path: path.into(), why: e.to_string() };
        let issuer = Issuer::from_ca_cert_der(&cert_der, key).map_err(unusable)?;
        Ok(Self { issuer, cert_pem, cert_der, end })
    }

    /// The CA's own certificate: what goes into `tomcat-trust`.
    pub fn root_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The CA's private key, PKCS#8 in PEM, for a CA made here.
    pub fn key_pem(&self) -> Zeroizing<String> {
        self.issuer.key().to_pem()
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.cert_der
    }

    /// A tomcat certificate for `fqdn`, signed by this CA; it never outlives the CA.
    ///
    /// # Errors
    /// An FQDN that ILS could not match; [`CertsError::Making`].
    pub fn identity(&self, fqdn: &str, key: &Key, validity: Validity) -> Result<Identity, CertsError> {
        Ok(Identity { cert_pem: self.sign(fqdn, key, validity)?, key_pem: key.to_pem() })
    }

    /// The certificate of [`Authority::identity`], for a key that already has its file.
    pub(super) fn sign(&self, fqdn: &str, key: &Key, validity: Validity) -> Result<String, CertsError> {
        self.sign_for(fqdn, &[], key, validity)
    }

    /// The same for whoever holds the key, which may have further names.
    pub(super) fn sign_for(
        &self, fqdn: &str, further: &[String], key: &impl PublicKeyData, validity: Validity,
    ) -> Result<String, CertsError> {
        let mut params = tomcat_params(fqdn, validity.ending_by(self.end))?;
        for name in further {
            params.subject_alt_names.push(dns_name(name)?);
        }
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(key, &self.issuer);
        Ok(cert.map_err(CertsError::making("a CA-signed certificate"))?.pem())
    }
}

/// What a lab CA says: it signs end entities and nothing else (path length 0).
fn authority_params(validity: Validity) -> Result<CertificateParams, CertsError> {
    let serial = random_serial()?;
    let mut params = CertificateParams::default();
    validity.apply(&mut params);
    params.distinguished_name = authority_name(&serial);
    params.serial_number = Some(serial);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A part of the serial number is in the name, so that two lab CAs in one store can be told apart.
fn authority_name(serial: &SerialNumber) -> DistinguishedName {
    let tag: String = serial.to_bytes().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "ilslab");
    name.push(DnType::CommonName, format!("ilslab lab CA {tag}"));
    name
}
