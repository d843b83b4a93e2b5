//! How certificates and handshakes are signed: the scheme, its digest, and how strong OpenSSL rates it.
//!
//! AlgorithmIdentifier (DER) -> [`SignatureAlgorithm`] { kind of key, [`Scheme`], security bits }

use crate::der::{self, Reader};
use crate::key_kind::KeyKind;

/// Security bits that `-auth_level 2` asks of keys and signature digests.
const LEVEL_2_BITS: u16 = 112;

/// A digest that something is signed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    /// SHA-512 cut to 224 bits.
    Sha512To224,
    /// SHA-512 cut to 256 bits.
    Sha512To256,
}

impl Digest {
    /// Half of its bits; SHA-1, which is broken, has 63.
    fn security_bits(self) -> u16 {
        match self {
            Digest::Sha1 => 63,
            Digest::Sha224 | Digest::Sha512To224 => 112,
            Digest::Sha256 | Digest::Sha512To256 => 128,
            Digest::Sha384 => 192,
            Digest::Sha512 => 256,
        }
    }

    /// From an `AlgorithmIdentifier`'s contents, as RSASSA-PSS names its digests.
    fn parse(identifier: &[u8]) -> Option<Self> {
        match Reader::new(identifier).expect(der::OID)? {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(Digest::Sha1),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
                1 => Some(Digest::Sha256),
                2 => Some(Digest::Sha384),
                3 => Some(Digest::Sha512),
                4 => Some(Digest::Sha224),
                5 => Some(Digest::Sha512To224),
                6 => Some(Digest::Sha512To256),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The parameters of RSASSA-PSS (RFC 4055 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pss {
    pub(crate) digest: Digest,
    /// The digest inside the mask, most often the same.
    pub(crate) mask: Digest,
    /// Octets of salt.
    pub(crate) salt: usize,
}

impl Pss {
    /// Reads `RSASSA-PSS-params`, its `SEQUENCE` included. What is left out is SHA-1, with 20 octets of salt.
    pub(crate) fn parse(parameters: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(der::only(parameters, der::SEQUENCE)?);
        let digest = match reader.optional(0xa0) {
            Some(digest) => Digest::parse(der::only(digest, der::SEQUENCE)?)?,
            None => Digest::Sha1,
        };
        let mask = match reader.optional(0xa1) {
            Some(mask) => mask_digest(der::only(mask, der::SEQUENCE)?)?,
            None => Digest::Sha1,
        };
        let salt = reader.optional(0xa2).map_or(Some(20), small_number)?;
        let trailer = reader.optional(0xa3).map_or(Some(1), small_number)?;
        (trailer == 1 && reader.is_empty()).then_some(Pss { digest, mask, salt })
    }

    /// Whether a key that is restricted to `allowed` may sign so: the same digests, and as much salt or more.
    pub(crate) fn keeps_to(self, allowed: Pss) -> bool {
        self.digest == allowed.digest && self.mask == allowed.mask && self.salt >= allowed.salt
    }
}

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    Pkcs1(Digest),
    Pss(Pss),
    Ecdsa(Digest),
    Ed25519,
    /// OpenSSL can check it, nothing here can.
    Unknown,
}

/// How a certificate was signed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm {
    identifier: Vec<u8>,
    pub(crate) kind: Option<KeyKind>,
    pub(crate) scheme: Scheme,
    security_bits: u16,
}

impl SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier`'s contents; one that OpenSSL does not know has no kind and no strength.
    pub(crate) fn parse(identifier: &[u8]) -> Self {
        let mut reader = Reader::new(identifier);
        let oid = reader.expect(der::OID).unwrap_or_default();
        let (kind, scheme, security_bits) = match oid {
            RSASSA_PSS => pss(&mut reader),
            _ => {
                rsa(oid).or_else(|| nist(oid)).or_else(|| other(oid)).map_or((None, Scheme::Unknown, 0), some)
            }
        };
        SignatureAlgorithm { identifier: identifier.to_vec(), kind, scheme, security_bits }
    }

    /// Its `AlgorithmIdentifier`'s contents, byte for byte.
    pub(crate) fn identifier(&self) -> &[u8] {
        &self.identifier
    }

    /// Whether the digest reaches 112 bits of security.
    pub(crate) fn is_strong(&self) -> bool {
        self.security_bits >= LEVEL_2_BITS
    }
}

/// 1.2.840.113549.1.1.10
pub(crate) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.113549.1.1.8
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 1.3.101.112
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.3.101.113
pub(crate) const ED448: &[u8] = &[0x2b, 0x65, 0x71];

type Known = (KeyKind, Scheme, u16);

fn some((kind, scheme, bits): Known) -> (Option<KeyKind>, Scheme, u16) {
    (Some(kind), scheme, bits)
}

/// RSASSA-PSS says its digest in the parameters; those that cannot be read have no strength.
fn pss(reader: &mut Reader<'_>) -> (Option<KeyKind>, Scheme, u16) {
    let read = reader.element().and_then(|parameters| Pss::parse(parameters.whole));
    let (scheme, bits) =
        read.map_or((Scheme::Unknown, 0), |pss| (Scheme::Pss(pss), pss.digest.security_bits()));
    (Some(KeyKind::RsaPss), scheme, bits)
}

fn mask_digest(mask: &[u8]) -> Option<Digest> {
    let mut reader = Reader::new(mask);
    (reader.expect(der::OID)? == MGF1).then_some(())?;
    Digest::parse(reader.expect(der::SEQUENCE)?)
}

/// An `INTEGER` of at most two octets, which is more than any salt of a key of 16,384 bits.
fn small_number(explicit: &[u8]) -> Option<usize> {
    let integer = der::only(explicit, der::INTEGER)?;
    let positive = integer.first().is_some_and(|first| first & 0x80 == 0);
    let octets = der::magnitude(integer);
    (positive && octets.len() <= 2)
        .then(|| octets.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
}

/// 1.2.840.113549.1.1: RSA with PKCS #1 v1.5.
fn rsa(oid: &[u8]) -> Option<Known> {
    let digest = match oid.strip_prefix(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01])? {
        // MD5 has 39 bits.
        [4] => return Some((KeyKind::Rsa, Scheme::Unknown, 39)),
        [5] => Digest::Sha1,
        [11] => Digest::Sha256,
        [12] => Digest::Sha384,
        [13] => Digest::Sha512,
        [14] => Digest::Sha224,
        // OpenSSL 3.0 has no signature of RSA with SHA-512/224 or SHA-512/256.
        _ => return None,
    };
    Some((KeyKind::Rsa, Scheme::Pkcs1(digest), digest.security_bits()))
}

/// 2.16.840.1.101.3.4.3: DSA, and SHA-3 with each kind of key. None of them is checked here.
fn nist(oid: &[u8]) -> Option<Known> {
    let last = oid.strip_prefix(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03])?;
    let bits = |at: u8| [112, 128, 192, 256].get(usize::from(at)).copied();
    let (kind, bits) = match last {
        [last @ 1..=4] => (KeyKind::Dsa, bits(last - 1)),
        [last @ 5..=8] => (KeyKind::Dsa, bits(last - 5)),
        [last @ 9..=12] => (KeyKind::Ec, bits(last - 9)),
        [last @ 13..=16] => (KeyKind::Rsa, bits(last - 13)),
        _ => return None,
    };
    Some((kind, Scheme::Unknown, bits?))
}

fn other(oid: &[u8]) -> Option<Known> {
    let ecdsa = |digest: Digest| Some((KeyKind::Ec, Scheme::Ecdsa(digest), digest.security_bits()));
    match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => ecdsa(Digest::Sha1),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01] => ecdsa(Digest::Sha224),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => ecdsa(Digest::Sha256),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => ecdsa(Digest::Sha384),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => ecdsa(Digest::Sha512),
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => Some((KeyKind::Dsa, Scheme::Unknown, 63)),
        ED25519 => Some((KeyKind::Ed25519, Scheme::Ed25519, 128)),
        ED448 => Some((KeyKind::Ed448, Scheme::Unknown, 224)),
        _ => None,
    }
}
