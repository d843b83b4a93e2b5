//! Public keys: kinds, strength as OpenSSL rates it, and the check of what they signed.
//!
//! The check is the crypto provider's, the same that judges handshakes, and [`crate::rsa`]'s for RSA that the provider
//! does not take. What neither knows is [`Check::Unsupported`], and told as such: it is no bad signature.

use aws_lc_rs::signature::{
    ECDSA_P256K1_SHA256_ASN1, ECDSA_P521_SHA224_ASN1, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as provider;

use crate::der::{self, Reader};
use crate::key_kind::{Check, KeyKind};
use crate::rsa;
use crate::signature::{Digest, ED448, ED25519, Pss, RSASSA_PSS, Scheme, SignatureAlgorithm};

/// The smallest RSA modulus, in bits, that OpenSSL 3.0 rates at 112 bits: its estimate of NIST SP
/// 800-56B is rounded to the nearest multiple of eight, which 1,963 is the first to reach.
const RSA_LEVEL_2_MODULUS: usize = 1963;
/// Moduli and octets of exponent that the provider takes.
const PROVIDER_MODULUS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
const PROVIDER_EXPONENT: usize = 4;
/// A DSA key of 112 bits: bits of its two primes (FIPS 186-4 §4.2).
const DSA_LEVEL_2: (usize, usize) = (2_048, 224);

/// A subject's public key; [`PublicKey::parse`] gives none for a key that OpenSSL does not understand either.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    description: String,
    is_level_2: bool,
    /// What an RSASSA-PSS key is restricted to.
    allowed: Option<Pss>,
    algorithm: Vec<u8>,
    key: Vec<u8>,
}

impl PublicKey {
    /// Reads an `AlgorithmIdentifier`'s contents and the key bits that go with it.
    pub(crate) fn parse(algorithm: &[u8], key: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(algorithm);
        let oid = reader.expect(der::OID)?;
        let mut allowed = None;
        let (kind, description, is_level_2) = match oid {
            RSA_ENCRYPTION => rsa_strength(KeyKind::Rsa, key)?,
            RSASSA_PSS => {
                if let Some(parameters) = reader.element() {
                    allowed = Some(Pss::parse(parameters.whole)?);
                }
                rsa_strength(KeyKind::RsaPss, key)?
            }
            EC_PUBLIC_KEY => ec(&mut reader, key)?,
            DSA => dsa(reader.expect(der::SEQUENCE)?)?,
            _ if !reader.is_empty() => return None,
            ED25519 if key.len() == 32 => (KeyKind::Ed25519, "Ed25519".to_owned(), true),
            ED448 if key.len() == 57 => (KeyKind::Ed448, "Ed448".to_owned(), true),
            X25519 if key.len() == 32 => (KeyKind::Agreement, "X25519".to_owned(), true),
            X448 if key.len() == 56 => (KeyKind::Agreement, "X448".to_owned(), true),
            _ => return None,
        };
        let (algorithm, key) = (algorithm.to_vec(), key.to_vec());
        Some(PublicKey { kind, description, is_level_2, allowed, algorithm, key })
    }

    /// "RSA 2048", "EC P-256", "Ed25519".
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The contents of its `AlgorithmIdentifier`, byte for byte.
    pub(crate) fn identifier(&self) -> &[u8] {
        &self.algorithm
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

    /// Whether this key made `signature` over `message`.
    pub(crate) fn check(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Check {
        match (self.kind, scheme) {
            (KeyKind::Rsa, Scheme::Pkcs1(_) | Scheme::Pss(_)) => self.check_rsa(scheme, message, signature),
            (KeyKind::RsaPss, Scheme::Pss(pss)) => match self.allowed {
                Some(allowed) if !pss.keeps_to(allowed) => Check::Bad,
                _ => self.check_rsa(scheme, message, signature),
            },
            (KeyKind::Ec, Scheme::Ecdsa(digest)) => self.check_ecdsa(digest, message, signature),
            (KeyKind::Ed25519, Scheme::Ed25519) => self.ask(provider::ED25519, message, signature),
            (_, Scheme::Unknown) => Check::Unsupported,
            _ => Check::Bad,
        }
    }

    fn check_rsa(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Check {
        let Some((modulus, exponent)) = rsa_numbers(&self.key) else { return Check::Bad };
        let is_usual = bits(modulus).is_some_and(|bits| PROVIDER_MODULUS.contains(&bits))
            && exponent.len() <= PROVIDER_EXPONENT;
        match rsa_of_provider(scheme).filter(|_| is_usual) {
            Some(algorithm) => self.ask(algorithm, message, signature),
            None => rsa::check(modulus, exponent, scheme, message, signature),
        }
    }

    fn check_ecdsa(&self, digest: Digest, message: &[u8], signature: &[u8]) -> Check {
        let algorithm = match (self.description.as_str(), digest) {
            ("EC P-256", Digest::Sha256) => provider::ECDSA_P256_SHA256,
            ("EC P-256", Digest::Sha384) => provider::ECDSA_P256_SHA384,
            ("EC P-256", Digest::Sha512) => provider::ECDSA_P256_SHA512,
            ("EC P-384", Digest::Sha256) => provider::ECDSA_P384_SHA256,
            ("EC P-384", Digest::Sha384) => provider::ECDSA_P384_SHA384,
            ("EC P-384", Digest::Sha512) => provider::ECDSA_P384_SHA512,
            ("EC P-521", Digest::Sha256) => provider::ECDSA_P521_SHA256,
            ("EC P-521", Digest::Sha384) => provider::ECDSA_P521_SHA384,
            ("EC P-521", Digest::Sha512) => provider::ECDSA_P521_SHA512,
            ("EC P-521", Digest::Sha224) => return self.ask_raw(&ECDSA_P521_SHA224_ASN1, message, signature),
            ("EC secp256k1", Digest::Sha256) => {
                return self.ask_raw(&ECDSA_P256K1_SHA256_ASN1, message, signature);
            }
            _ => return Check::Unsupported,
        };
        self.ask(algorithm, message, signature)
    }

    fn ask(&self, algorithm: &dyn SignatureVerificationAlgorithm, message: &[u8], signature: &[u8]) -> Check {
        Check::of(algorithm.verify_signature(&self.key, message, signature).is_ok())
    }

    fn ask_raw(
        &self, algorithm: &'static dyn VerificationAlgorithm, message: &[u8], signature: &[u8],
    ) -> Check {
        Check::of(UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok())
    }
}

/// What the provider itself checks with an RSA key of the usual sizes.
fn rsa_of_provider(scheme: Scheme) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    let plain = |digest: Digest, salt: usize| Scheme::Pss(Pss { digest, mask: digest, salt });
    Some(match scheme {
        Scheme::Pkcs1(Digest::Sha256) => provider::RSA_PKCS1_2048_8192_SHA256,
        Scheme::Pkcs1(Digest::Sha384) => provider::RSA_PKCS1_2048_8192_SHA384,
        Scheme::Pkcs1(Digest::Sha512) => provider::RSA_PKCS1_2048_8192_SHA512,
        pss if pss == plain(Digest::Sha256, 32) => provider::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        pss if pss == plain(Digest::Sha384, 48) => provider::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        pss if pss == plain(Digest::Sha512, 64) => provider::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        _ => return None,
    })
}

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10040.4.1
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
/// 1.3.101.110
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
/// 1.3.101.111
const X448: &[u8] = &[0x2b, 0x65, 0x6f];

type Strength = (KeyKind, String, bool);

fn rsa_strength(kind: KeyKind, key: &[u8]) -> Option<Strength> {
    let bits = bits(rsa_numbers(key)?.0)?;
    Some((kind, format!("RSA {bits}"), bits >= RSA_LEVEL_2_MODULUS))
}

/// Modulus and exponent, without leading zeros.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader::new(der::only(key, der::SEQUENCE)?);
    let modulus = reader.expect(der::INTEGER)?;
    let exponent = reader.expect(der::INTEGER)?;
    let negative = modulus.first().is_none_or(|first| first & 0x80 != 0);
    (!negative).then(|| (der::magnitude(modulus), der::magnitude(exponent)))
}

/// Bits of a number that has no leading zero octets; `None` for nought.
fn bits(number: &[u8]) -> Option<usize> {
    let idle = usize::try_from(number.first()?.leading_zeros()).ok()?;
    (number.len() * 8).checked_sub(idle)
}

/// A named curve, or one that is written out in full, of which the strength is taken on trust: nothing here can check
/// what it signed. One that is not listed is unknown.
fn ec(reader: &mut Reader<'_>, key: &[u8]) -> Option<Strength> {
    let (form, point) = key.split_first()?;
    if reader.peek() == Some(der::SEQUENCE) {
        return matches!(form, 0x02..=0x04).then(|| (KeyKind::Ec, "EC, curve written out".to_owned(), true));
    }
    let (name, octets) = curve(reader.expect(der::OID)?)?;
    let is_point = match form {
        0x02 | 0x03 => point.len() == octets,
        0x04 => point.len() == 2 * octets,
        _ => false,
    };
    is_point.then(|| (KeyKind::Ec, format!("EC {name}"), octets > 24))
}

/// Name, and octets of a coordinate.
fn curve(oid: &[u8]) -> Option<(&'static str, usize)> {
    Some(match oid {
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
    })
}

/// `DSA-Parms`: the sizes of its two primes.
fn dsa(parameters: &[u8]) -> Option<Strength> {
    let mut reader = Reader::new(parameters);
    let [p, q] = [reader.expect(der::INTEGER)?, reader.expect(der::INTEGER)?].map(der::magnitude);
    let (p, q) = (bits(p)?, bits(q)?);
    Some((KeyKind::Dsa, format!("DSA {p}"), p >= DSA_LEVEL_2.0 && q >= DSA_LEVEL_2.1))
}
