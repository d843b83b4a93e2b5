//! Who a node is: an Ed25519 key made once, whose fingerprint is the peer ID, and what it proves on a connection.
//!
//! ```text
//! 32 random bytes -> IdentityKey -> public key --SHA-256, first 16 bytes--> PeerId
//! Hello ‖ Hello, SharedInput --HKDF--> Binding     IdentityKey + Binding + instance -> proof: it is here, on this connection
//! ```

// spec: WIRE.md#identity

use crate::key::redacted;
use crate::{PeerId, SharedInput};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use ilslab_secrets::secretly;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Bytes of a public key.
pub const PUBLIC_LEN: usize = 32;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

const BINDING_LABEL: &[u8] = b"ilslab v2 identity";

/// The secret by which a node is itself. Clones are one key in one place, which is wiped when the last has gone.
#[derive(Clone)]
pub struct IdentityKey(Arc<SigningKey>);

impl IdentityKey {
    /// The key with this seed: 32 fresh random bytes, or those that were kept. They are the caller's to wipe.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        secretly(|| Self(Arc::new(SigningKey::from_bytes(seed))))
    }

    /// Hands over the seed, from which it can be made again; keep it as secret as the key.
    pub fn with_seed<T>(&self, keep: impl FnOnce(&[u8; 32]) -> T) -> T {
        keep(self.0.as_bytes())
    }

    /// What everybody may know of it.
    pub fn public(&self) -> [u8; PUBLIC_LEN] {
        self.0.verifying_key().to_bytes()
    }

    /// Its fingerprint.
    pub fn peer_id(&self) -> PeerId {
        fingerprint(&self.public())
    }

    /// That this node is at this end of this connection, in this life of its process.
    pub fn prove(&self, end: End, binding: &Binding, instance: &Instance) -> [u8; SIGNATURE_LEN] {
        self.sign(&statement(end, binding, instance))
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> [u8; SIGNATURE_LEN] {
        secretly(|| self.0.sign(statement).to_bytes())
    }
}

impl PartialEq for IdentityKey {
    fn eq(&self, other: &Self) -> bool {
        self.public() == other.public()
    }
}

impl Eq for IdentityKey {}

redacted!(IdentityKey);

/// The peer ID of whoever has the key to this: the first 16 bytes of its SHA-256.
pub fn fingerprint(public: &[u8; PUBLIC_LEN]) -> PeerId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(public)).for_each(|(byte, of_hash)| *byte = of_hash);
    PeerId::from_bytes(bytes)
}

/// One life of a node's process: 16 random bytes that it makes at its start.
pub type Instance = [u8; 16];

/// The two ends of a connection. A proof of one is none of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Who opened it.
    Dialler,
    /// Who accepted it.
    Listener,
}

impl End {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Dialler => b"ilslab v2 dialler",
            Self::Listener => b"ilslab v2 listener",
        }
    }
}

/// What stands for one connection and no other, known at both its ends. It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding([u8; 32]);

impl Binding {
    /// Made of what the connection's keys are made of, but for the password: both Hello frames as they were on the wire, and
    /// what this connection alone has.
    pub fn derive(shared: &SharedInput, dialler_hello: &[u8], listener_hello: &[u8]) -> Self {
        let salt = Sha256::new().chain_update(dialler_hello).chain_update(listener_hello).finalize();
        let mut bytes = [0; 32];
        let expand = |bytes: &mut [u8; 32]| {
            Hkdf::<Sha256>::new(Some(&salt), shared.as_bytes()).expand(BINDING_LABEL, bytes)
        };
        secretly(|| expand(&mut bytes)).expect("32 bytes are fewer than HKDF can give");
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Was this proof made for that end of that connection, with the key to this?
pub fn is_proven(
    public: &[u8; PUBLIC_LEN], end: End, binding: &Binding, instance: &Instance, proof: &[u8; SIGNATURE_LEN],
) -> bool {
    is_signed(public, &statement(end, binding, instance), proof)
}

fn statement(end: End, binding: &Binding, instance: &Instance) -> Vec<u8> {
    [end.label(), &binding.0, instance].concat()
}

/// Strictly: a key of small order signs nothing, and no signature has a second form.
pub(crate) fn is_signed(
    public: &[u8; PUBLIC_LEN], statement: &[u8], signature: &[u8; SIGNATURE_LEN],
) -> bool {
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify_strict(statement, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(byte: u8) -> Binding {
        Binding::derive(&SharedInput::from_exporter([byte; 32]), b"hello", b"hello")
    }

    #[test]
    fn a_proof_is_good_for_its_key_end_connection_and_life_alone() {
        let (key, other) = (IdentityKey::from_seed(&[1; 32]), IdentityKey::from_seed(&[2; 32]));
        let proof = key.prove(End::Dialler, &binding(1), &[3; 16]);
        let mut altered = proof;
        altered[5] ^= 1;
        for (case, key, end, binding, instance, proof, want) in [
            ("as made", &key, End::Dialler, binding(1), [3; 16], proof, true),
            ("another's", &other, End::Dialler, binding(1), [3; 16], proof, false),
            ("the other end", &key, End::Listener, binding(1), [3; 16], proof, false),
            ("another connection", &key, End::Dialler, binding(2), [3; 16], proof, false),
            ("another life", &key, End::Dialler, binding(1), [4; 16], proof, false),
            ("altered", &key, End::Dialler, binding(1), [3; 16], altered, false),
        ] {
            assert_eq!(is_proven(&key.public(), end, &binding, &instance, &proof), want, "{case}");
        }
    }

    #[test]
    fn a_key_of_small_order_proves_nothing() {
        // Of order 8, 4 and 2, and the neutral element: with these, one signature would do for any statement.
        let mut signature = [0; SIGNATURE_LEN];
        signature[0] = 1;
        for public in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            assert!(!is_signed(&public, b"whatever", &signature));
        }
    }

    #[test]
    fn both_hellos_and_the_shared_input_bind() {
        let shared = |byte| SharedInput::from_exporter([byte; 32]);
        let one = Binding::derive(&shared(1), b"ab", b"c");
        assert_eq!(one, Binding::derive(&shared(1), b"ab", b"c"));
        for other in [(2, &b"ab"[..], &b"c"[..]), (1, b"abx", b"c"), (1, b"ab", b"d")] {
            assert_ne!(one, Binding::derive(&shared(other.0), other.1, other.2), "{other:?}");
        }
    }

    #[test]
    fn a_key_is_made_again_from_its_seed_and_shows_nothing_of_itself() {
        let key = IdentityKey::from_seed(&[1; 32]);
        assert_eq!(key.with_seed(IdentityKey::from_seed), key);
        assert_ne!(key.peer_id(), IdentityKey::from_seed(&[2; 32]).peer_id());
        assert_eq!(format!("{key:?}"), "IdentityKey(redacted)");
    }
}
