//! Proof of possession: what a peer signed in the handshake, held against the key of its certificate.
//!
//! From the raw public key, so that it does not matter what else a second parser thinks of the certificate (version 1,
//! a CA's, critical policies).

use crate::certificate::Certificate;
use crate::key_kind::{Check, KeyKind};
use crate::signature::{Digest, Pss, Scheme};

/// What a handshake's signature shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// The peer holds the certificate's key.
    Holds,
    /// It does not, or signed in a way that this key does not sign.
    Fails,
    /// Nothing here can check this kind of key or signature.
    Unsupported,
}

/// The signature schemes of RSASSA-PSS keys (RFC 8446 §4.2.3), which rustls has no names for.
pub const PSS_KEY_SCHEMES: [u16; 3] = [0x0809, 0x080a, 0x080b];

impl Certificate {
    /// Whether this certificate's key made `signature` over a handshake's `message` in the `SignatureScheme` of this
    /// number. TLS 1.3 binds a curve to its digest and has no PKCS #1 v1.5; `is_tls13` says so.
    pub fn proves(&self, scheme: u16, is_tls13: bool, message: &[u8], signature: &[u8]) -> Proof {
        let Some(key) = self.key() else { return Proof::Unsupported };
        let Some((kind, signed, curve)) = scheme_of(scheme) else { return Proof::Unsupported };
        let is_old = matches!(signed, Scheme::Pkcs1(_));
        let is_other_curve = curve.is_some_and(|curve| key.description() != curve);
        if key.kind() != kind || (is_tls13 && (is_old || is_other_curve)) {
            return Proof::Fails;
        }
        match key.check(signed, message, signature) {
            Check::Good => Proof::Holds,
            Check::Bad => Proof::Fails,
            Check::Unsupported => Proof::Unsupported,
        }
    }
}

/// RFC 8446 §4.2.3: kind of key, how it signs, and for ECDSA the curve that TLS 1.3 binds it to.
fn scheme_of(number: u16) -> Option<(KeyKind, Scheme, Option<&'static str>)> {
    let pss = |digest: Digest, salt: usize| Scheme::Pss(Pss { digest, mask: digest, salt });
    Some(match number {
        0x0401 => (KeyKind::Rsa, Scheme::Pkcs1(Digest::Sha256), None),
        0x0501 => (KeyKind::Rsa, Scheme::Pkcs1(Digest::Sha384), None),
        0x0601 => (KeyKind::Rsa, Scheme::Pkcs1(Digest::Sha512), None),
        0x0403 => (KeyKind::Ec, Scheme::Ecdsa(Digest::Sha256), Some("EC P-256")),
        0x0503 => (KeyKind::Ec, Scheme::Ecdsa(Digest::Sha384), Some("EC P-384")),
        0x0603 => (KeyKind::Ec, Scheme::Ecdsa(Digest::Sha512), Some("EC P-521")),
        0x0804 => (KeyKind::Rsa, pss(Digest::Sha256, 32), None),
        0x0805 => (KeyKind::Rsa, pss(Digest::Sha384, 48), None),
        0x0806 => (KeyKind::Rsa, pss(Digest::Sha512, 64), None),
        0x0807 => (KeyKind::Ed25519, Scheme::Ed25519, None),
        0x0809 => (KeyKind::RsaPss, pss(Digest::Sha256, 32), None),
        0x080a => (KeyKind::RsaPss, pss(Digest::Sha384, 48), None),
        0x080b => (KeyKind::RsaPss, pss(Digest::Sha512, 64), None),
        _ => return None,
    })
}
