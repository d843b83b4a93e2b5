//! The peer ID: sixteen bytes, the fingerprint of a publisher's key, shown as 32 lower-case hex digits.

// spec: WIRE.md#names

use crate::NameError;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use std::{fmt, str::FromStr};

/// A publisher's identity, stable across restarts and methods. Ordered as its bytes: of two connections between one pair, the
/// one that the lower peer ID dialled stays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 16]);

impl PeerId {
    /// Not learned yet: 32 zeros. Never a peer's own; a PeerInfo that claims it is refused as it is decoded.
    pub const UNKNOWN: Self = Self([0; 16]);

    /// The peer ID with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether it is [`PeerId::UNKNOWN`].
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }
}

impl From<[u8; 16]> for PeerId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for PeerId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NameError::PeerId);
        }
        u128::from_str_radix(text, 16).map(|n| Self(n.to_be_bytes())).map_err(|_| NameError::PeerId)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl<C> Encode<C> for PeerId {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PeerId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        match <[u8; 16]>::try_from(d.bytes()?) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(decode::Error::message("a peer ID has 16 bytes").at(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_lower_case_hex_digits_are_a_peer_id() {
        for (name, text, good) in [
            ("documented", "f7f885dcaca845f18f3b7e583ff6c457", true),
            ("zeros", "00000000000000000000000000000000", true),
            ("all ones", "ffffffffffffffffffffffffffffffff", true),
            ("upper case", "F7F885DCACA845F18F3B7E583FF6C457", false),
            ("31 digits", "7f885dcaca845f18f3b7e583ff6c457", false),
            ("33 digits", "0f7f885dcaca845f18f3b7e583ff6c457", false),
            ("sign and 31 digits", "+7f885dcaca845f18f3b7e583ff6c457", false),
            ("not hex", "g7f885dcaca845f18f3b7e583ff6c457", false),
            ("empty", "", false),
            ("32 bytes of other letters", "éééééééééééééééé", false),
        ] {
            let got = text.parse::<PeerId>();
            assert_eq!(got.is_ok(), good, "{name}");
            assert!(got.is_err() || got.unwrap().to_string() == text, "{name}");
        }
    }

    #[test]
    fn the_order_is_that_of_the_digits() {
        let low: PeerId = "0fffffffffffffffffffffffffffffff".parse().unwrap();
        let high: PeerId = "10000000000000000000000000000000".parse().unwrap();
        assert!(low < high && PeerId::UNKNOWN < low);
    }
}
