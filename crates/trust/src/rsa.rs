//! RSA signatures that the crypto provider does not check: moduli below 2,048 or above 8,192 bits, keys of the type
//! RSASSA-PSS, any length of salt, SHA-224.
//!
//! Public numbers alone go in here, so that nothing depends on how long it takes.

use rsa::signature::Verifier;
use rsa::{BoxedUint, PublicKey, pkcs1v15, pss};
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use crate::key_kind::Check;
use crate::signature::{Digest, Pss, Scheme};

/// Bits of a modulus: OpenSSL takes up to 16,384 (`OPENSSL_RSA_MAX_MODULUS_BITS`), and what is below 1,024 is too weak
/// long before it gets here.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 1_024..=16_384;

/// Whether the key of this modulus and exponent (unsigned, big-endian) made the signature.
pub(crate) fn check(
    modulus: &[u8], exponent: &[u8], scheme: Scheme, message: &[u8], signature: &[u8],
) -> Check {
    let number = BoxedUint::from_be_slice_vartime;
    let Ok(key) = PublicKey::new_with_size_limits(number(modulus), number(exponent), MODULUS_BITS) else {
        return Check::Unsupported;
    };
    match scheme {
        Scheme::Pkcs1(digest) => pkcs1(key, digest, message, signature),
        Scheme::Pss(parameters) if parameters.digest == parameters.mask => {
            probabilistic(key, parameters, message, signature)
        }
        _ => Check::Unsupported,
    }
}

fn pkcs1(key: PublicKey, digest: Digest, message: &[u8], signature: &[u8]) -> Check {
    let Ok(signature) = pkcs1v15::Signature::try_from(signature) else { return Check::Bad };
    let checked = match digest {
        Digest::Sha1 => return Check::Unsupported,
        Digest::Sha224 => pkcs1v15::VerifyingKey::<Sha224>::new(key).verify(message, &signature),
        Digest::Sha256 => pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &signature),
        Digest::Sha384 => pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &signature),
        Digest::Sha512 => pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &signature),
        Digest::Sha512To224 => pkcs1v15::VerifyingKey::<Sha512_224>::new(key).verify(message, &signature),
        Digest::Sha512To256 => pkcs1v15::VerifyingKey::<Sha512_256>::new(key).verify(message, &signature),
    };
    Check::of(checked.is_ok())
}

fn probabilistic(key: PublicKey, parameters: Pss, message: &[u8], signature: &[u8]) -> Check {
    let Ok(signature) = pss::Signature::try_from(signature) else { return Check::Bad };
    let salt = parameters.salt;
    let checked = match parameters.digest {
        Digest::Sha1 => return Check::Unsupported,
        Digest::Sha224 => {
            pss::VerifyingKey::<Sha224>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Digest::Sha256 => {
            pss::VerifyingKey::<Sha256>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Digest::Sha384 => {
            pss::VerifyingKey::<Sha384>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Digest::Sha512 => {
            pss::VerifyingKey::<Sha512>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Digest::Sha512To224 => {
            pss::VerifyingKey::<Sha512_224>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Digest::Sha512To256 => {
            pss::VerifyingKey::<Sha512_256>::new_with_salt_len(key, salt).verify(message, &signature)
        }
    };
    Check::of(checked.is_ok())
}
