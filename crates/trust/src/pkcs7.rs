//! PKCS#7 as a bag of certificates, as `.p7b` files are: read, with no signature in it that could mean anything.
//!
//! RFC 2315 and RFC 5652: `ContentInfo { signedData, SignedData { version, digests, content, certificates, crls, signers } }`.

use rustls_pki_types::CertificateDer;

use crate::der::{INTEGER, OID, Reader, SEQUENCE, SET, only};

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `[0]`, constructed: the content of a `ContentInfo`, and the certificates.
const FIRST: u8 = 0xa0;
/// `[1]`, constructed: the revocation lists.
const SECOND: u8 = 0xa1;

/// Why bytes are no bag of certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Pkcs7Error {
    /// Not the DER of one `ContentInfo`.
    #[error("this is not the DER of one PKCS#7")]
    NotDer,
    /// Encrypted data, a digest, plain data.
    #[error("this PKCS#7 is of a kind that holds no certificates")]
    Kind,
    /// It signs something, or has something to be signed.
    #[error("this PKCS#7 is a signed message, not a bag of certificates")]
    Message,
    /// Lists that would be dropped in silence.
    #[error("this PKCS#7 has revocation lists, which are not taken")]
    RevocationLists,
    /// An attribute certificate, or one of PKCS#6.
    #[error("this PKCS#7 has a certificate that is not X.509")]
    NotX509,
    /// None in it.
    #[error("this PKCS#7 holds no certificate")]
    Empty,
}

/// Whether these bytes begin as a `ContentInfo` does, and not as a certificate.
pub fn looks_like_pkcs7(der: &[u8]) -> bool {
    only(der, SEQUENCE).is_some_and(|contents| Reader::new(contents).peek() == Some(OID))
}

/// The certificates of a PKCS#7 that holds nothing else, in its order; at least one. Total on any bytes.
///
/// # Errors
/// Anything else, since it would be dropped.
pub fn pkcs7_certificates(der: &[u8]) -> Result<Vec<CertificateDer<'static>>, Pkcs7Error> {
    let bag = Bag::read(signed_data(der)?).ok_or(Pkcs7Error::NotDer)?;
    if bag.has_content || !bag.signers.is_empty() {
        return Err(Pkcs7Error::Message);
    }
    if !bag.lists.is_empty() {
        return Err(Pkcs7Error::RevocationLists);
    }
    let mut found = Vec::new();
    let mut certificates = Reader::new(bag.certificates);
    while !certificates.is_empty() {
        let element = certificates.element().ok_or(Pkcs7Error::NotDer)?;
        if element.tag != SEQUENCE {
            return Err(Pkcs7Error::NotX509);
        }
        found.push(CertificateDer::from(element.whole.to_vec()));
    }
    if found.is_empty() { Err(Pkcs7Error::Empty) } else { Ok(found) }
}

/// What the `SignedData` holds.
fn signed_data(der: &[u8]) -> Result<&[u8], Pkcs7Error> {
    let mut info = Reader::new(only(der, SEQUENCE).ok_or(Pkcs7Error::NotDer)?);
    if info.expect(OID).ok_or(Pkcs7Error::NotDer)? != SIGNED_DATA {
        return Err(Pkcs7Error::Kind);
    }
    let content = info.expect(FIRST).filter(|_| info.is_empty());
    content.and_then(|content| only(content, SEQUENCE)).ok_or(Pkcs7Error::NotDer)
}

/// The parts of a `SignedData` that count here.
struct Bag<'a> {
    has_content: bool,
    certificates: &'a [u8],
    lists: &'a [u8],
    signers: &'a [u8],
}

impl<'a> Bag<'a> {
    fn read(signed_data: &'a [u8]) -> Option<Self> {
        let mut parts = Reader::new(signed_data);
        parts.expect(INTEGER)?;
        parts.expect(SET)?;
        let mut content = Reader::new(parts.expect(SEQUENCE)?);
        content.expect(OID)?;
        let certificates = parts.optional(FIRST).unwrap_or_default();
        let lists = parts.optional(SECOND).unwrap_or_default();
        let signers = parts.expect(SET).filter(|_| parts.is_empty())?;
        Some(Self { has_content: !content.is_empty(), certificates, lists, signers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::element;

    /// `1.2.840.113549.1.7.1`, which is data.
    const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

    fn pkcs7(kind: &[u8], content: &[u8], certificates: &[u8], lists: &[u8], signers: &[u8]) -> Vec<u8> {
        let inner = element(SEQUENCE, &[element(OID, DATA), content.to_vec()].concat());
        let optional = |tag, part: &[u8]| if part.is_empty() { Vec::new() } else { element(tag, part) };
        let parts = [
            element(INTEGER, &[1]),
            element(SET, &[]),
            inner,
            optional(FIRST, certificates),
            optional(SECOND, lists),
            element(SET, signers),
        ];
        let signed = element(SEQUENCE, &parts.concat());
        element(SEQUENCE, &[element(OID, kind), element(FIRST, &signed)].concat())
    }

    #[test]
    fn a_bag_of_certificates_is_read_and_nothing_in_it_is_dropped() {
        let one = element(SEQUENCE, b"one");
        let other = element(SEQUENCE, b"the other");
        let both = [one.clone(), other.clone()].concat();
        let whole = pkcs7(SIGNED_DATA, &[], &both, &[], &[]);
        for (case, der, want) in [
            ("two", whole.clone(), Ok(vec![one.clone(), other])),
            ("none", pkcs7(SIGNED_DATA, &[], &[], &[], &[]), Err(Pkcs7Error::Empty)),
            ("plain data", pkcs7(DATA, &[], &one, &[], &[]), Err(Pkcs7Error::Kind)),
            (
                "a content",
                pkcs7(SIGNED_DATA, &element(FIRST, b"x"), &one, &[], &[]),
                Err(Pkcs7Error::Message),
            ),
            ("a signer", pkcs7(SIGNED_DATA, &[], &one, &[], &one), Err(Pkcs7Error::Message)),
            ("a list", pkcs7(SIGNED_DATA, &[], &one, &one, &[]), Err(Pkcs7Error::RevocationLists)),
            (
                "an attribute certificate",
                pkcs7(SIGNED_DATA, &[], &element(FIRST, b"x"), &[], &[]),
                Err(Pkcs7Error::NotX509),
            ),
            ("half a certificate", pkcs7(SIGNED_DATA, &[], &[0x30, 9, 1], &[], &[]), Err(Pkcs7Error::NotDer)),
            ("something behind", [whole.clone(), vec![0]].concat(), Err(Pkcs7Error::NotDer)),
            ("a certificate", one, Err(Pkcs7Error::NotDer)),
            ("nothing", Vec::new(), Err(Pkcs7Error::NotDer)),
        ] {
            let got = pkcs7_certificates(&der).map(|all| all.iter().map(|one| one.to_vec()).collect());
            assert_eq!(got, want, "{case}");
        }
        for length in 0..whole.len() {
            let cut = whole.get(..length).unwrap_or_default();
            assert_eq!(pkcs7_certificates(cut), Err(Pkcs7Error::NotDer), "cut off at {length}");
            assert!(!looks_like_pkcs7(cut), "cut off at {length}");
        }
        assert!(looks_like_pkcs7(&whole));
    }
}
