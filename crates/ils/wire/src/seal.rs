//! Sealing: from two Hellos and the secrets to two keys, and from messages to frames that only the peer can open.
//!
//! ```text
//! NetworkKey ‖ SharedInput, salted with Hello ‖ Hello --HKDF--> d2l key, iv;  l2d key, iv
//! Message -> Sealer --AES-256-GCM, nonce = iv xor counter, header authenticated--> frame -> Opener -> Opened
//! ```
//!
//! One key, one direction, one counter: a frame that was replayed, reordered, reflected, altered or left out does not open,
//! and only a sealed Bye ends a direction in order.

// spec: WIRE.md#sealing

use crate::error::{MessageError, OpenError, SealError};
use crate::{Message, NetworkKey, RawFrame, SharedInput, TAG_LEN, frame, key::redacted};
use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use hkdf::Hkdf;
use ilslab_secrets::secretly;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A message that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The message.
    pub message: Message,
    /// Bytes of the sealed payload.
    pub inlen: usize,
    /// Bytes of the payload that was in it.
    pub outlen: usize,
}

/// The keys of one connection, to be split into its two directions once.
pub struct ConnectionKeys {
    d2l: Secret,
    l2d: Secret,
}

impl ConnectionKeys {
    /// Derives the keys from the network key, what this connection alone has, and both Hello frames as they were on the wire
    /// (header ‖ payload).
    // spec: WIRE.md#key-schedule
    pub fn derive(
        network: &NetworkKey, shared: &SharedInput, dialler_hello: &[u8], listener_hello: &[u8],
    ) -> Self {
        secretly(|| Self::expand(network, shared, dialler_hello, listener_hello))
    }

    fn expand(
        network: &NetworkKey, shared: &SharedInput, dialler_hello: &[u8], listener_hello: &[u8],
    ) -> Self {
        let salt = Sha256::new().chain_update(dialler_hello).chain_update(listener_hello).finalize();
        let mut ikm = Zeroizing::new([0; 64]);
        let (first, second) = ikm.split_at_mut(32);
        first.copy_from_slice(network.as_bytes());
        second.copy_from_slice(shared.as_bytes());
        let hkdf = Hkdf::<Sha256>::new(Some(&salt), ikm.as_slice());
        Self {
            d2l: Secret::expand(&hkdf, b"ilslab v1 d2l key", b"ilslab v1 d2l iv"),
            l2d: Secret::expand(&hkdf, b"ilslab v1 l2d key", b"ilslab v1 l2d iv"),
        }
    }

    /// The directions as the side that dialled uses them.
    pub fn for_dialler(self) -> (Sealer, Opener) {
        (Sealer::new(&self.d2l), Opener::new(&self.l2d))
    }

    /// The directions as the side that listened uses them.
    pub fn for_listener(self) -> (Sealer, Opener) {
        (Sealer::new(&self.l2d), Opener::new(&self.d2l))
    }
}

/// Seals the messages of one direction, in order.
pub struct Sealer {
    direction: Direction,
    ended: bool,
}

impl Sealer {
    fn new(secret: &Secret) -> Self {
        Self { direction: Direction::new(secret), ended: false }
    }

    /// The whole frame of the next message. Every frame must be sent, and in this order.
    ///
    /// # Errors
    /// [`SealError`]; the message was then not sealed, and another may be.
    pub fn seal(&mut self, message: &Message) -> Result<Vec<u8>, SealError> {
        if self.ended {
            return Err(SealError::Ended);
        }
        if matches!(message, Message::Hello(_)) {
            return Err(SealError::Hello);
        }
        let mut payload = message.payload()?;
        let sealed_len = payload.len().saturating_add(TAG_LEN);
        let header = frame::header(message.kind(), true, sealed_len).map_err(MessageError::from)?;
        let nonce = self.direction.nonce().ok_or(SealError::Exhausted)?;
        let sealed = self.direction.cipher.encrypt_in_place(&nonce.into(), &header, &mut payload);
        sealed.expect("AES-GCM takes 64 GiB at once, and a payload has at most 1 MiB");
        self.ended = matches!(message, Message::Bye { .. });
        Ok([header.as_slice(), &payload].concat())
    }
}

/// Opens the frames of one direction, in order.
pub struct Opener {
    direction: Direction,
    /// Why nothing more is opened.
    closed: Option<OpenError>,
}

impl Opener {
    fn new(secret: &Secret) -> Self {
        Self { direction: Direction::new(secret), closed: None }
    }

    /// The message in the next frame: authenticated first, parsed after.
    ///
    /// # Errors
    /// The first [`OpenError`], and the same one ever after; [`OpenError::Ended`] after a Bye.
    pub fn open(&mut self, frame: RawFrame) -> Result<Opened, OpenError> {
        if let Some(error) = &self.closed {
            return Err(error.clone());
        }
        let opened = self.direction.open(frame);
        self.closed = match &opened {
            Err(error) => Some(error.clone()),
            Ok(Opened { message: Message::Bye { .. }, .. }) => Some(OpenError::Ended),
            Ok(_) => None,
        };
        opened
    }
}

redacted!(ConnectionKeys, Sealer, Opener);

/// Key and initialisation vector of one direction.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Secret {
    key: [u8; 32],
    iv: [u8; 12],
}

impl Secret {
    fn expand(hkdf: &Hkdf<Sha256>, key_label: &[u8], iv_label: &[u8]) -> Self {
        let mut secret = Self { key: [0; 32], iv: [0; 12] };
        hkdf.expand(key_label, &mut secret.key).expect("32 bytes are within HKDF's 255 blocks");
        hkdf.expand(iv_label, &mut secret.iv).expect("12 bytes are within HKDF's 255 blocks");
        secret
    }
}

/// A key in use, and the counter that gives each frame its nonce.
struct Direction {
    /// Boxed, since its key schedule has about a kilobyte; wiped when dropped.
    cipher: Box<Aes256Gcm>,
    iv: Zeroizing<[u8; 12]>,
    /// The number of the next frame; none once the last is used.
    counter: Option<u64>,
}

impl Direction {
    fn new(secret: &Secret) -> Self {
        let cipher = Box::new(Aes256Gcm::new(&secret.key.into()));
        Self { cipher, iv: Zeroizing::new(secret.iv), counter: Some(0) }
    }

    /// The nonce of the next frame: the counter, big-endian, xored into the last eight bytes of the IV (as RFC 8446 §5.3).
    /// None rather than a nonce twice.
    fn nonce(&mut self) -> Option<[u8; 12]> {
        let counter = self.counter?;
        self.counter = counter.checked_add(1);
        let mut nonce = *self.iv;
        for (byte, mask) in nonce.iter_mut().rev().zip(counter.to_le_bytes()) {
            *byte ^= mask;
        }
        Some(nonce)
    }

    fn open(&mut self, frame: RawFrame) -> Result<Opened, OpenError> {
        let RawFrame { kind, sealed, header, mut payload } = frame;
        if !sealed {
            return Err(OpenError::NotSealed);
        }
        let inlen = payload.len();
        let nonce = self.nonce().ok_or(OpenError::Exhausted)?;
        let opened = self.cipher.decrypt_in_place(&nonce.into(), &header, &mut payload);
        opened.map_err(|_| OpenError::Decrypt)?;
        let message = Message::decode(kind, &payload)?;
        Ok(Opened { message, inlen, outlen: payload.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Reason};

    fn dialler_to_listener() -> (Sealer, Opener) {
        let derive = || {
            let (network, shared) = (NetworkKey::from_bytes([1; 32]), SharedInput::from_exporter([2; 32]));
            ConnectionKeys::derive(&network, &shared, b"hello", b"hello back")
        };
        (derive().for_dialler().0, derive().for_listener().1)
    }

    fn frame(bytes: &[u8]) -> RawFrame {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        decoder.next().unwrap().unwrap()
    }

    #[test]
    fn the_last_counter_is_used_once_and_none_after_it() {
        let (mut sealer, mut opener) = dialler_to_listener();
        (sealer.direction.counter, opener.direction.counter) = (Some(u64::MAX), Some(u64::MAX));
        let last = sealer.seal(&Message::Ping(1)).unwrap();
        assert_eq!(sealer.seal(&Message::Ping(2)), Err(SealError::Exhausted));
        assert_eq!(opener.open(frame(&last)).unwrap().message, Message::Ping(1));
        assert_eq!(opener.open(frame(&last)), Err(OpenError::Exhausted));
    }

    #[test]
    fn the_counter_is_xored_into_the_last_eight_bytes() {
        let mut direction = Direction::new(&Secret { key: [0; 32], iv: [0xff; 12] });
        direction.counter = Some(0x0102_0304_0506_0708);
        let want = [0xff, 0xff, 0xff, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7];
        assert_eq!(direction.nonce(), Some(want));
    }

    #[test]
    fn what_opens_and_is_no_message_closes_the_direction() {
        let (mut sealer, mut opener) = dialler_to_listener();
        let mut payload = vec![0xff];
        let header = frame::header(crate::Kind::Ping, true, payload.len() + TAG_LEN).unwrap();
        let nonce = sealer.direction.nonce().unwrap();
        sealer.direction.cipher.encrypt_in_place(&nonce.into(), &header, &mut payload).unwrap();
        let error = opener.open(frame(&[header.as_slice(), &payload].concat())).unwrap_err();
        assert!(matches!(error, OpenError::Message(_)), "{error}");
        let next = sealer.seal(&Message::Ping(1)).unwrap();
        assert_eq!(opener.open(frame(&next)), Err(error));
    }

    #[test]
    fn a_message_that_cannot_be_sealed_uses_no_counter() {
        let (mut sealer, mut opener) = dialler_to_listener();
        let text = "a\nb".to_owned();
        assert!(matches!(
            sealer.seal(&Message::Bye { reason: Reason::Shutdown, text }),
            Err(SealError::Message(_))
        ));
        let next = sealer.seal(&Message::Ping(3)).unwrap();
        assert_eq!(opener.open(frame(&next)).unwrap().message, Message::Ping(3));
    }
}
