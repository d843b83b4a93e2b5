//! RSA keys that the crypto provider does not take: what is told of them, and a signer for those who want to see a peer
//! refuse one.
//!
//! ```text
//! --allow-weak-key, RSA-1024 -> the node shows its certificate -> the peer's trace: 66, EE certificate key too weak
//! ```
//!
//! It is a lab's signer: its operations are blinded, and not held to be free of side channels.

use std::sync::Arc;

use rsa::pkcs1::{DecodeRsaPrivateKey, RsaPrivateKeyRef};
use rsa::pkcs8::der::Decode;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, PrivateKeyInfoRef};
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer as _};
use rsa::{PrivateKey, pkcs1v15};
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};

/// Bits of the smallest RSA modulus that the provider signs with.
pub(crate) const SMALLEST: usize = 2_048;

/// 1.2.840.113549.1.1.10 in its DER contents.
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// What is wrong with a key that the provider does not take, where it can be told.
pub(crate) fn fault(key: &PrivateKeyDer<'_>) -> Option<String> {
    let PrivateKeyDer::Pkcs8(pkcs8) = key else { return too_small(key.secret_der()) };
    let info = PrivateKeyInfoRef::try_from(pkcs8.secret_pkcs8_der()).ok()?;
    if info.algorithm.oid.as_bytes() == RSASSA_PSS {
        return Some("holds a key of the type RSASSA-PSS, which cannot be used here".to_owned());
    }
    too_small(info.private_key.as_bytes())
}

/// From an `RSAPrivateKey`.
fn too_small(pkcs1: &[u8]) -> Option<String> {
    let key = RsaPrivateKeyRef::from_der(pkcs1).ok()?;
    let modulus = key.modulus.as_bytes();
    let idle = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    let bits = (modulus.len() * 8).checked_sub(idle)?;
    (bits < SMALLEST).then(|| {
        format!("holds an RSA key of {bits} bits, which is too small: the smallest that works is {SMALLEST}")
    })
}

/// A signer for an RSA key of 1,024 bits or more; `None` for any other.
pub(crate) fn signer(key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
    let key = match key {
        PrivateKeyDer::Pkcs8(pkcs8) => PrivateKey::from_pkcs8_der(pkcs8.secret_pkcs8_der()).ok()?,
        PrivateKeyDer::Pkcs1(pkcs1) => PrivateKey::from_pkcs1_der(pkcs1.secret_pkcs1_der()).ok()?,
        _ => return None,
    };
    let public = key.as_public_key().to_public_key_der().ok()?.into_vec();
    Some(Arc::new(WeakKey { key: Arc::new(key), public }))
}

struct WeakKey {
    key: Arc<PrivateKey>,
    public: Vec<u8>,
}

impl std::fmt::Debug for WeakKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakKey").finish_non_exhaustive()
    }
}

impl SigningKey for WeakKey {
    /// SHA-256 alone: with more, RSASSA-PSS does not fit into 1,024 bits.
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let known = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        let scheme = known.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(WeakSigner { key: Arc::clone(&self.key), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.public.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

struct WeakSigner {
    key: Arc<PrivateKey>,
    scheme: SignatureScheme,
}

impl std::fmt::Debug for WeakSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakSigner").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Signer for WeakSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::General("a weak key did not sign".to_owned());
        if self.scheme == SignatureScheme::RSA_PSS_SHA256 {
            return self.key.pss_sign::<Sha256>(message).map_err(|error| failed(error.to_string()));
        }
        let signer = pkcs1v15::SigningKey::<Sha256>::new(PrivateKey::clone(&self.key));
        let signature = signer.try_sign(message).map_err(|error| failed(error.to_string()))?;
        Ok(signature.to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
