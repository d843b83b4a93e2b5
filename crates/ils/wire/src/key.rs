//! The secrets that a connection's keys are made from: the network key behind the password, and what is fresh each time.
//!
//! ```text
//! password --Argon2id, once per change--> NetworkKey
//! 7502: Ephemeral + the peer's share --X25519--> SharedInput      7501: TLS exporter -> SharedInput
//! ```
//!
//! Every type here is wiped when it is dropped, and shows nothing of itself in `Debug`.

// spec: WIRE.md#network-key

use crate::error::SealError;
use ilslab_secrets::{argon2id, secretly};
use sha2::{Digest, Sha256};
use std::{fmt, hint::black_box, sync::Arc};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Hashed, its first 16 bytes are the salt: one for all networks, since both sides must reach one key without talking.
const SALT_LABEL: &[u8] = b"ilslab network key v1";

const FINGERPRINT_LABEL: &[u8] = b"ilslab network key fingerprint";

/// What a password stands for: the key of an ILS network. Clones are one key in one place: whoever holds a configuration
/// holds no copy of it, and moving one leaves none behind.
#[derive(Clone)]
pub struct NetworkKey(Arc<Octets>);

/// In its place on the heap, and wiped when the last who knows it has gone.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Octets([u8; 32]);

impl NetworkKey {
    /// The key of a password, byte for byte as given. Takes tens of milliseconds and 19 MiB: once per change of password,
    /// never on the way of an accepted connection.
    pub fn from_password(password: &[u8]) -> Self {
        let label = Sha256::digest(SALT_LABEL);
        let mut salt = [0; 16];
        salt.iter_mut().zip(label).for_each(|(octet, of_label)| *octet = of_label);
        Self::filled(|octets| argon2id(password, &salt, octets))
    }

    /// The key with these bytes. They are the caller's to wipe; [`NetworkKey::filled`] has none to wipe.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Octets(bytes)))
    }

    /// The key that `fill` writes in its place.
    pub fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut octets = Arc::new(Octets([0; 32]));
        // Nobody else has it yet.
        if let Some(octets) = Arc::get_mut(&mut octets) {
            fill(&mut octets.0);
        }
        Self(octets)
    }

    /// Its bytes; keep them as secret as the password.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// 64 hex digits by which a change of the key can be noticed, and from which the key cannot be had.
    pub fn fingerprint(&self) -> String {
        let hash = secretly(|| {
            Sha256::new().chain_update(FINGERPRINT_LABEL).chain_update(self.as_bytes()).finalize()
        });
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// In constant time.
impl PartialEq for NetworkKey {
    fn eq(&self, other: &Self) -> bool {
        let differences =
            self.as_bytes().iter().zip(other.as_bytes()).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
        differences == 0
    }
}

impl Eq for NetworkKey {}

/// The X25519 secret of one side of one connection.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Ephemeral([u8; 32]);

impl Ephemeral {
    /// The secret made of 32 fresh random bytes, which must serve for no other connection.
    pub const fn from_bytes(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The share to send in the Hello.
    pub fn public(&self) -> [u8; 32] {
        x25519(self.0, X25519_BASEPOINT_BYTES)
    }

    /// What both sides reach with the other's share.
    ///
    /// # Errors
    /// [`SealError::WeakShare`] if it comes out as all zeros, as it does for a share of small order (RFC 7748 §6.1).
    // spec: WIRE.md#key-schedule
    pub fn agree(self, share: &[u8; 32]) -> Result<SharedInput, SealError> {
        let shared = SharedInput(x25519(self.0, *share));
        let any_bit = shared.0.iter().fold(0, |all, byte| black_box(all | byte));
        if any_bit == 0 { Err(SealError::WeakShare) } else { Ok(shared) }
    }
}

/// What both sides of one connection share and no other connection has.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SharedInput([u8; 32]);

impl SharedInput {
    /// From the TLS exporter `EXPORTER-Channel-Binding` with empty context, 32 bytes (RFC 9266).
    pub const fn from_exporter(exported: [u8; 32]) -> Self {
        Self(exported)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

macro_rules! redacted {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        })*
    };
}
pub(crate) use redacted;

redacted!(NetworkKey, Ephemeral, SharedInput);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_password_gives_the_same_key_and_another_another() {
        let key = NetworkKey::from_password(b"secret");
        assert!(key == NetworkKey::from_password(b"secret"));
        for (name, other) in [("case", &b"Secret"[..]), ("a space", b"secret "), ("none", b"")] {
            assert!(key != NetworkKey::from_password(other), "{name}");
        }
    }

    #[test]
    fn keys_that_differ_in_one_bit_differ() {
        let key = NetworkKey::from_bytes([7; 32]);
        for bit in [0, 100, 255] {
            let mut bytes = [7; 32];
            bytes[bit / 8] ^= 1 << (bit % 8);
            let other = NetworkKey::from_bytes(bytes);
            assert!(key != other && key.fingerprint() != other.fingerprint(), "bit {bit}");
        }
    }

    #[test]
    fn both_sides_agree() {
        let (a, b) = (Ephemeral::from_bytes([1; 32]), Ephemeral::from_bytes([2; 32]));
        let (to_b, to_a) = (a.public(), b.public());
        assert_eq!(a.agree(&to_a).unwrap().as_bytes(), b.agree(&to_b).unwrap().as_bytes());
    }

    #[test]
    fn a_share_of_small_order_is_refused() {
        let order_eight = [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
            0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ];
        let one = std::array::from_fn(|at| u8::from(at == 0));
        for (name, share) in [("zero", [0; 32]), ("one", one), ("order eight", order_eight)] {
            let refused = Ephemeral::from_bytes([9; 32]).agree(&share).unwrap_err();
            assert_eq!(refused, SealError::WeakShare, "{name}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", NetworkKey::from_bytes([7; 32])), "NetworkKey(redacted)");
        assert_eq!(format!("{:?}", Ephemeral::from_bytes([7; 32])), "Ephemeral(redacted)");
        assert_eq!(format!("{:?}", SharedInput::from_exporter([7; 32])), "SharedInput(redacted)");
    }
}
