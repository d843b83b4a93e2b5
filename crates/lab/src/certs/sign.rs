//! A request for a certificate (PKCS#10), signed by the lab CA.
//!
//! The certificate says what a tomcat certificate says, for the names and the key of the request; whatever else was asked
//! for, such as to be a CA, is not what the lab signs.

use std::path::Path;
use std::time::SystemTime;

use rcgen::{CertificateSigningRequestParams, DnValue, SanType};

use super::authority::Authority;
use super::error::CertsError;
use super::folder::authority_pair;
use super::found;
use super::identity::Validity;

/// What `ilslab certs sign` is asked for.
#[derive(Debug, Clone)]
pub struct Sign<'a> {
    /// The folder of the lab CA: `ca/root.pem` and `ca/root.key` lie under it.
    pub dir: &'a Path,
    /// The request, as PEM.
    pub request: &'a str,
    /// How many days the certificate is valid, at most as long as its CA.
    pub days: u32,
}

/// The certificate, as PEM.
///
/// # Errors
/// No usable CA, one that is over, or a request that is none: [`CertsError::Request`].
pub fn sign(wish: &Sign<'_>, now: SystemTime) -> Result<String, CertsError> {
    let authority = Authority::load(wish.dir)?;
    found::check_authority(authority.der(), &authority_pair(wish.dir).cert, now)?;
    authority.sign_request(wish.request, Validity::starting(now, wish.days)?)
}

impl Authority {
    /// A tomcat certificate for the names and the key of this request (PKCS#10, as PEM); it never outlives the CA.
    ///
    /// # Errors
    /// [`CertsError::Request`], [`CertsError::Making`].
    pub fn sign_request(&self, request: &str, validity: Validity) -> Result<String, CertsError> {
        let unusable = |error: rcgen::Error| CertsError::Request { why: error.to_string() };
        let request = CertificateSigningRequestParams::from_pem(request).map_err(unusable)?;
        let names = names(&request)?;
        let (first, others) = names.split_first().ok_or_else(|| CertsError::Request {
            why: "it names no host, neither as a DNS name nor as its common name".to_owned(),
        })?;
        self.sign_for(first, others, &request.public_key, validity)
    }
}

/// The DNS names; where there is none, the common name.
fn names(request: &CertificateSigningRequestParams) -> Result<Vec<String>, CertsError> {
    let params = &request.params;
    if params.subject_alt_names.is_empty() {
        let name = params.distinguished_name.get(&rcgen::DnType::CommonName);
        return Ok(name.and_then(text).into_iter().collect());
    }
    let name = |name: &SanType| match name {
        SanType::DnsName(name) => Ok(name.as_str().to_owned()),
        _ => Err(CertsError::Request {
            why: "it asks for a name that is no DNS name, which ILS does not compare".to_owned(),
        }),
    };
    params.subject_alt_names.iter().map(name).collect()
}

fn text(name: &DnValue) -> Option<String> {
    match name {
        DnValue::Utf8String(text) => Some(text.clone()),
        DnValue::PrintableString(text) => Some(text.as_str().to_owned()),
        DnValue::Ia5String(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}
