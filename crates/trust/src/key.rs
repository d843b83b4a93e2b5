//! Public keys and signatures: kinds, strength as OpenSSL rates it, and the check itself.
//!
//! The check is the crypto provider's, the same that judges handshakes; what it does not know (DSA,
//! Ed448, SHA-1, RSASSA-PSS keys) fails. Strengths only decide which number a refusal gets.

use webpki::ALL_VERIFICATION_ALGS;

use crate::der::{self, Reader};

/// Security bits that `-auth_level 2` asks of keys and signature digests.
const LEVEL_2_BITS: u16 = 112;
/// The smallest RSA modulus, in bits, that OpenSSL 3.0 rates at 112 bits: its estimate of NIST SP
/// 800-56B is rounded to the nearest multiple of eight, which 1,963 is the first to reach.
const RSA_LEVEL_2_MODULUS: usize = 1963;

/// What OpenSSL's "signature algorithm matches issuer key" compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyKind {
    Rsa,
    RsaPss,
    Ec,
    Ed25519,
    Ed448,
}

/// A subject's public key; [`PublicKey::parse`] gives none for a key that nothing here understands.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    description: String,
    is_level_2: bool,
    algorithm: Vec<u8>,
    key: Vec<u8>,
}

impl PublicKey {
    /// Reads an `AlgorithmIdentifier`'s contents and the key bits that go with it.
    pub(crate) fn parse(algorithm: &[u8], key: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(algorithm);
        let oid = reader.expect(der::OID)?;
        let (kind, description, is_level_2) = match oid {
            RSA_ENCRYPTION => rsa(KeyKind::Rsa, key)?,
            RSASSA_PSS => rsa(KeyKind::RsaPss, key)?,
            EC_PUBLIC_KEY => ec(reader.expect(der::OID)?, key)?,
            ED25519 if key.len() == 32 => (KeyKind::Ed25519, "Ed25519".to_owned(), true),
            ED448 if key.len() == 57 => (KeyKind::Ed448, "Ed448".to_owned(), true),
            _ => return None,
        };
        let (algorithm, key) = (algorithm.to_vec(), key.to_vec());
        Some(PublicKey { kind, description, is_level_2, algorithm, key })
    }

    /// "RSA 2048", "EC P-256", "Ed25519".
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Whether the key reaches 112 bits of security.
    pub(crate) fn is_strong(&self) -> bool {
        self.is_level_2
    }

    /// Whether a signature of this algorithm can be this key's, by kind alone.
    pub(crate) fn fits(&self, signature: &SignatureAlgorithm) -> bool {
        match signature.kind {
            Some(KeyKind::RsaPss) => matches!(self.kind, KeyKind::Rsa | KeyKind::RsaPss),
            kind => kind == Some(self.kind),
        }
    }

    /// Whether this key made `signature` over `message`. An algorithm the provider lacks made nothing.
    pub(crate) fn verifies(&self, algorithm: &SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let mut candidates = ALL_VERIFICATION_ALGS.iter().filter(|candidate| {
            candidate.signature_alg_id().as_ref() == algorithm.identifier
                && candidate.public_key_alg_id().as_ref() == self.algorithm
        });
        candidates.any(|candidate| candidate.verify_signature(&self.key, message, signature).is_ok())
    }
}

/// How a certificate was signed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm {
    identifier: Vec<u8>,
    kind: Option<KeyKind>,
    security_bits: u16,
}

impl SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier`'s contents; an unknown one has no kind and no strength.
    pub(crate) fn parse(identifier: &[u8]) -> Self {
        let oid = Reader::new(identifier).expect(der::OID).unwrap_or_default();
        let (kind, security_bits) = match oid {
            RSASSA_PSS => (Some(KeyKind::RsaPss), pss_bits(identifier)),
            _ => known_signature(oid).map_or((None, 0), |(kind, bits)| (Some(kind), bits)),
        };
        SignatureAlgorithm { identifier: identifier.to_vec(), kind, security_bits }
    }

    /// Whether the digest reaches 112 bits of security.
    pub(crate) fn is_strong(&self) -> bool {
        self.security_bits >= LEVEL_2_BITS
    }
}

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.10
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.3.101.113
const ED448: &[u8] = &[0x2b, 0x65, 0x71];

type Strength = (KeyKind, String, bool);

fn rsa(kind: KeyKind, key: &[u8]) -> Option<Strength> {
    let mut reader = Reader::new(der::only(key, der::SEQUENCE)?);
    let modulus = reader.expect(der::INTEGER)?;
    reader.expect(der::INTEGER)?;
    let negative = modulus.first().is_none_or(|first| first & 0x80 != 0);
    let modulus = der::magnitude(modulus);
    let idle = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    let bits = (modulus.len() * 8).checked_sub(idle)?;
    (!negative).then(|| (kind, format!("RSA {bits}"), bits >= RSA_LEVEL_2_MODULUS))
}

/// A named curve; one written out in full is not supported, nor is one that is not listed.
fn ec(curve: &[u8], key: &[u8]) -> Option<Strength> {
    let (name, octets) = match curve {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01] => ("P-192", 24),
        [0x2b, 0x81, 0x04, 0x00, 0x21] => ("P-224", 28),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => ("P-256", 32),
        [0x2b, 0x81, 0x04, 0x00, 0x22] => ("P-384", 48),
        [0x2b, 0x81, 0x04, 0x00, 0x23] => ("P-521", 66),
        [0x2b, 0x81, 0x04, 0x00, 0x0a] => ("secp256k1", 32),
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07] => ("brainpoolP256r1", 32),
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b] => ("brainpoolP384r1", 48),
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d] => ("brainpoolP512r1", 64),
        _ => return None,
    };
    let (form, point) = key.split_first()?;
    let is_point = match form {
        0x02 | 0x03 => point.len() == octets,
        0x04 => point.len() == 2 * octets,
        _ => false,
    };
    is_point.then(|| (KeyKind::Ec, format!("EC {name}"), octets > 24))
}

/// Kind of key and security bits: half the digest, less where the digest is broken (SHA-1 63, MD5 39).
fn known_signature(oid: &[u8]) -> Option<(KeyKind, u16)> {
    if let Some(last) = oid.strip_prefix(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01]) {
        return match last {
            [4] => Some((KeyKind::Rsa, 39)),
            [5] => Some((KeyKind::Rsa, 63)),
            [11] => Some((KeyKind::Rsa, 128)),
            [12] => Some((KeyKind::Rsa, 192)),
            [13] => Some((KeyKind::Rsa, 256)),
            [14] => Some((KeyKind::Rsa, 112)),
            _ => None,
        };
    }
    match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Some((KeyKind::Ec, 63)),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01] => Some((KeyKind::Ec, 112)),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => Some((KeyKind::Ec, 128)),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => Some((KeyKind::Ec, 192)),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => Some((KeyKind::Ec, 256)),
        ED25519 => Some((KeyKind::Ed25519, 128)),
        ED448 => Some((KeyKind::Ed448, 224)),
        _ => None,
    }
}

/// RSASSA-PSS states its digest in the parameters: only the three the provider can check count.
fn pss_bits(identifier: &[u8]) -> u16 {
    let known = [
        (webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY, 128),
        (webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY, 192),
        (webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY, 256),
    ];
    let found = known.iter().find(|(algorithm, _)| algorithm.signature_alg_id().as_ref() == identifier);
    found.map_or(0, |(_, bits)| *bits)
}
