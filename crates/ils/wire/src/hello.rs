//! The first message in each direction: versions, check boxes, and what the keys of the connection are made from.

// spec: WIRE.md#hello

use crate::values;
use minicbor::{Decode, Decoder, Encode, decode};

/// The protocol versions that this implementation speaks.
pub const PROTOCOL_VERSIONS: &[u16] = &[2];

/// Most versions that one Hello may offer.
pub const VERSIONS_OFFERED: usize = 8;

/// The two check boxes of the configuration page, "Use TLS Certificates" and "Use Password".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Boxes {
    /// "Use TLS Certificates": port 7501.
    #[n(0)]
    pub tls: bool,
    /// "Use Password": frames behind the Hello are sealed.
    #[n(1)]
    pub password: bool,
}

/// What each side says first, never sealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The versions offered, 1 to 8 of them; a listener's answer holds exactly the one chosen.
    #[n(0)]
    #[cbor(decode_with = "decode_versions")]
    pub versions: Vec<u16>,
    /// The sender's boxes. They can end a conversation, never relax one.
    #[n(1)]
    pub boxes: Boxes,
    /// Fresh for each connection.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub random: [u8; 32],
    /// The sender's X25519 share; on the password port only.
    #[n(3)]
    #[cbor(
        encode_with = "minicbor::bytes::encode",
        decode_with = "minicbor::bytes::decode",
        is_nil = "Option::is_none"
    )]
    pub share: Option<[u8; 32]>,
}

/// The highest version that both sides speak.
pub fn choose_version(offered: &[u16]) -> Option<u16> {
    offered.iter().copied().filter(|version| PROTOCOL_VERSIONS.contains(version)).max()
}

fn decode_versions<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<u16>, decode::Error> {
    values::bounded(d, ctx, "version", VERSIONS_OFFERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_chosen() {
        for (name, offered, want) in [
            ("the only one", &[2][..], Some(2)),
            ("a newer peer that speaks this one too", &[4, 3, 2], Some(2)),
            ("a newer peer that does not", &[4, 3], None),
            ("an older peer", &[1], None),
            ("nothing", &[], None),
        ] {
            assert_eq!(choose_version(offered), want, "{name}");
        }
    }
}
