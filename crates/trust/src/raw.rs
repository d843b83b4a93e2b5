//! The parts of a certificate as they stand in its DER, for what must be taken byte for byte.

use crate::der::{self, Reader};
use crate::signature::SignatureAlgorithm;

/// The version that a certificate says it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V3,
    /// Version 2, or none that there is.
    Other,
}

/// The parts of a certificate as they stand in its DER.
pub(crate) struct Raw<'a> {
    message: &'a [u8],
    pub(crate) version: Version,
    pub(crate) serial: &'a [u8],
    inner_algorithm: &'a [u8],
    pub(crate) issuer: &'a [u8],
    dates: [der::Element<'a>; 2],
    pub(crate) subject: &'a [u8],
    pub(crate) key_algorithm: &'a [u8],
    pub(crate) key: &'a [u8],
    /// The contents of the `SubjectPublicKeyInfo`.
    pub(crate) key_info: &'a [u8],
    /// An issuer or subject unique identifier, which nobody uses.
    pub(crate) has_unique_id: bool,
    outer_algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Raw<'a> {
    /// `None` where the outer structure is not a certificate's.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Reader::new(der::only(der, der::SEQUENCE)?);
        let message = certificate.element()?;
        let outer_algorithm = certificate.expect(der::SEQUENCE)?;
        let signature = octets(certificate.expect(der::BIT_STRING)?)?;
        let mut body = Reader::new(message.contents);
        let version = body.optional(EXPLICIT_VERSION);
        let serial = body.expect(der::INTEGER)?;
        let inner_algorithm = body.expect(der::SEQUENCE)?;
        let issuer = body.expect(der::SEQUENCE)?;
        let mut validity = Reader::new(body.expect(der::SEQUENCE)?);
        let dates = [validity.element()?, validity.element()?];
        let subject = body.expect(der::SEQUENCE)?;
        let key_info = body.expect(der::SEQUENCE)?;
        let mut info = Reader::new(key_info);
        let key_algorithm = info.expect(der::SEQUENCE)?;
        let key = octets(info.expect(der::BIT_STRING)?)?;
        let has_unique_id = [0x81, 0x82].map(|tag| body.optional(tag).is_some()).contains(&true);
        let version = match version.and_then(|version| version.last()) {
            None | Some(0) => Version::V1,
            Some(2) => Version::V3,
            Some(_) => Version::Other,
        };
        let message = message.whole;
        Some(Raw {
            message,
            version,
            serial,
            inner_algorithm,
            issuer,
            dates,
            subject,
            key_algorithm,
            key,
            key_info,
            has_unique_id,
            outer_algorithm,
            signature,
        })
    }

    /// Whether both dates have the form that OpenSSL reads: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
    pub(crate) fn has_plain_dates(&self) -> bool {
        self.dates.iter().all(|date| {
            let digits = match date.tag {
                der::UTC_TIME => 12,
                der::GENERALIZED_TIME => 14,
                _ => return false,
            };
            let number = date.contents.strip_suffix(b"Z").unwrap_or_default();
            number.len() == digits && number.iter().all(u8::is_ascii_digit)
        })
    }

    /// The signature, with the algorithm that the issuer named inside what it signed.
    pub(crate) fn signature(&self) -> Signature {
        Signature {
            message: self.message.to_vec(),
            algorithm: SignatureAlgorithm::parse(self.inner_algorithm),
            is_consistent: self.inner_algorithm == self.outer_algorithm,
            value: self.signature.to_vec(),
        }
    }
}

/// What the issuer signed, and how.
pub(crate) struct Signature {
    pub(crate) message: Vec<u8>,
    pub(crate) algorithm: SignatureAlgorithm,
    /// The two places that name the algorithm agree.
    pub(crate) is_consistent: bool,
    pub(crate) value: Vec<u8>,
}

/// `[0] EXPLICIT Version`.
const EXPLICIT_VERSION: u8 = 0xa0;

/// The bytes of a bit string that uses all its bits.
fn octets(bit_string: &[u8]) -> Option<&[u8]> {
    bit_string.split_first().filter(|(unused, _)| **unused == 0).map(|(_, octets)| octets)
}
