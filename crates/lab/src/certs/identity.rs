//! A node's certificate with its key, as a tomcat certificate is: in memory.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    SerialNumber, string::Ia5String,
};
use zeroize::Zeroizing;

use super::error::CertsError;
use super::key::Key;
use super::name::checked_fqdn;

/// How long before its making a certificate is valid, so that a peer whose clock is a little slow takes it.
const HEAD_START: Duration = Duration::from_secs(3600);
const DAY: u64 = 24 * 3600;
/// The last second that an X.509 date can hold, the end of 9999 (RFC 5280, 4.1.2.5), in Unix time.
const END_OF_9999: Duration = Duration::from_secs(253_402_300_799);
/// The longest common name, in characters (RFC 5280, A.1, ub-common-name).
const COMMON_NAME_MAX: usize = 64;

/// From when to when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Not before, since the Unix epoch.
    from: Duration,
    /// Not after, since the Unix epoch.
    until: Duration,
}

impl Validity {
    /// From an hour before `now` until `days` days after it, or until the calendar ends.
    ///
    /// # Errors
    /// [`CertsError::Clock`] where `now` is outside the years 1970 to 9999.
    pub fn starting(now: SystemTime, days: u32) -> Result<Self, CertsError> {
        let now = now.duration_since(UNIX_EPOCH).map_err(|_| CertsError::Clock)?;
        let life = Duration::from_secs(u64::from(days).saturating_mul(DAY));
        let from = now.checked_sub(HEAD_START).ok_or(CertsError::Clock)?;
        if now >= END_OF_9999 {
            return Err(CertsError::Clock);
        }
        Ok(Self { from, until: now.saturating_add(life).min(END_OF_9999) })
    }

    /// The same, but not beyond `end` (since the Unix epoch).
    pub(super) fn ending_by(self, end: Duration) -> Self {
        Self { until: self.until.min(end), ..self }
    }

    /// Writes the two dates into what is to be signed. Cannot overflow: both lie within 1970 to 9999.
    pub(super) fn apply(self, params: &mut CertificateParams) {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + self.from;
        params.not_after = epoch + self.until;
    }
}

/// A certificate and its private key, both in PEM. The key is wiped when dropped.
pub struct Identity {
    /// The certificate alone, without its issuer's.
    pub cert_pem: String,
    /// Its key, PKCS#8, not encrypted.
    pub key_pem: Zeroizing<String>,
}

impl Identity {
    /// A self-signed tomcat certificate as CUCM makes at installation: CA:FALSE, for both purposes.
    ///
    /// # Errors
    /// An FQDN that ILS could not match; [`CertsError::Making`].
    pub fn self_signed(fqdn: &str, key: &Key, validity: Validity) -> Result<Self, CertsError> {
        let cert_pem = self_signed_cert(fqdn, key, validity)?;
        Ok(Self { cert_pem, key_pem: key.to_pem() })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("cert_pem", &self.cert_pem).finish_non_exhaustive()
    }
}

/// The certificate of [`Identity::self_signed`], for a key that already has its file.
pub(super) fn self_signed_cert(fqdn: &str, key: &Key, validity: Validity) -> Result<String, CertsError> {
    let cert = tomcat_params(fqdn, validity)?.self_signed(key);
    Ok(cert.map_err(CertsError::making("a self-signed certificate"))?.pem())
}

/// What a tomcat certificate says. ILS needs both purposes: a node dials and listens with the same certificate.
pub(super) fn tomcat_params(fqdn: &str, validity: Validity) -> Result<CertificateParams, CertsError> {
    let (name, fqdn) = (dns_name(fqdn)?, checked_fqdn(fqdn)?);
    let mut params = CertificateParams::default();
    validity.apply(&mut params);
    params.serial_number = Some(random_serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name(fqdn));
    params.subject_alt_names = vec![name];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// A name of a node, as a certificate carries it.
pub(super) fn dns_name(fqdn: &str) -> Result<SanType, CertsError> {
    let name = Ia5String::try_from(checked_fqdn(fqdn)?).map_err(CertsError::making("a dNSName"))?;
    Ok(SanType::DnsName(name))
}

/// The FQDN, or its first label where X.509 has no room for the whole; the SAN carries it in full either way.
fn common_name(fqdn: &str) -> &str {
    match fqdn.split_once('.') {
        Some((host, _)) if fqdn.len() > COMMON_NAME_MAX => host,
        _ => fqdn,
    }
}

/// 16 random bytes, positive and never zero (RFC 5280, 4.1.2.2, allows up to 20).
pub(super) fn random_serial() -> Result<SerialNumber, CertsError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(CertsError::Random)?;
    let [first, ..] = &mut bytes;
    *first = *first & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::KeyKind;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_clock_that_x509_cannot_hold_is_refused() {
        for (case, now, days, ok) in [
            ("a usual day", UNIX_EPOCH + Duration::from_secs(1_800_000_000), 825, true),
            ("before 1970", UNIX_EPOCH - Duration::from_secs(1), 825, false),
            ("within the first hour", UNIX_EPOCH + Duration::from_secs(3599), 825, false),
            ("ending in 9999", UNIX_EPOCH + END_OF_9999 - Duration::from_secs(DAY), 1, true),
            ("the last second but one", UNIX_EPOCH + END_OF_9999 - Duration::from_secs(1), 1, true),
            ("the last second", UNIX_EPOCH + END_OF_9999, 1, false),
            ("the year 10000", UNIX_EPOCH + END_OF_9999 + Duration::from_secs(1), 1, false),
        ] {
            assert_eq!(Validity::starting(now, days).is_ok(), ok, "{case}");
        }
    }

    #[test]
    fn a_certificate_ends_with_the_calendar_where_its_days_do_not() {
        let key = Key::make(KeyKind::P256).expect("a key");
        for (case, before, days, ends_there) in [
            ("a day less", 825 * DAY + 1, 825, false),
            ("to the second", 825 * DAY, 825, true),
            ("a day more", 824 * DAY, 825, true),
            ("the last second but one", 1, u32::MAX, true),
        ] {
            let now = UNIX_EPOCH + END_OF_9999 - Duration::from_secs(before);
            let validity = Validity::starting(now, days).expect(case);
            assert_eq!(validity.until == END_OF_9999, ends_there, "{case}");
            let params = tomcat_params("hub.lab.example", validity).expect(case);
            let made = params.self_signed(&key).expect(case);
            let last = made.der().windows(15).any(|text| text == b"99991231235959Z");
            assert_eq!(last, ends_there, "{case}");
        }
    }

    #[test]
    fn a_common_name_never_exceeds_what_x509_allows() {
        let long = format!("hub.{}.example", "a".repeat(60));
        for (fqdn, want) in [("hub.lab.example", "hub.lab.example"), (&long, "hub"), ("hub", "hub")] {
            assert_eq!(common_name(fqdn), want, "{fqdn}");
        }
    }

    #[test]
    fn debug_output_does_not_hold_the_key() {
        let validity = Validity::starting(UNIX_EPOCH + Duration::from_secs(1_800_000_000), 1).expect("dates");
        let key = Key::make(KeyKind::P256).expect("a key");
        let shown = format!("{:?}", Identity::self_signed("hub", &key, validity).expect("an identity"));
        assert!(shown.contains("BEGIN CERTIFICATE") && !shown.contains("PRIVATE"), "{shown}");
    }
}
