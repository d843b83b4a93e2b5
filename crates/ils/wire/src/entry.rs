//! What a cluster says of itself, signed: an entry of the PeerInfoVector. Whoever passes it on can withhold it, not alter it.
//!
//! ```text
//! PeerInfo, version -> statement (CBOR, passed on byte for byte) -> signature -> Entry
//! bytes of a stranger -> [`Entry::verify`] -> Entry                   there is no Entry that its owner has not signed
//! ```

// spec: WIRE.md#entry

use crate::error::{EntryError, MessageError};
use crate::identity::{IdentityKey, PUBLIC_LEN, SIGNATURE_LEN, fingerprint, is_signed};
use crate::{CAP_UNJOINED, PeerId, PeerInfo, cbor, values};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use std::fmt;
use std::sync::Arc;

const LABEL: &[u8] = b"ilslab v2 entry";

/// Longest statement, in bytes: with it a Register fits into a frame before the join.
pub const STATEMENT_MAX: usize = CAP_UNJOINED - 256;

/// One cluster in its own words. Clones share what it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry(Arc<Signed>);

#[derive(PartialEq, Eq)]
struct Signed {
    info: PeerInfo,
    version: u64,
    statement: Vec<u8>,
    public: [u8; PUBLIC_LEN],
    signature: [u8; SIGNATURE_LEN],
}

/// What is signed: the CBOR of this, after the label.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Statement {
    #[n(0)]
    info: PeerInfo,
    #[n(1)]
    version: u64,
}

impl Entry {
    /// What the owner of the key says. Its peer ID is the key's, whatever is in `info`.
    ///
    /// # Errors
    /// [`MessageError`] for what a peer would refuse.
    pub fn sign(key: &IdentityKey, info: PeerInfo, version: u64) -> Result<Self, MessageError> {
        let info = PeerInfo { peer_id: key.peer_id(), ..info };
        info.check()?;
        let statement = values::encoded(&Statement { info: info.clone(), version });
        MessageError::at_most("octet of a statement", statement.len(), STATEMENT_MAX)?;
        let signature = key.sign(&labelled(&statement));
        Ok(Self(Arc::new(Signed { info, version, statement, public: key.public(), signature })))
    }

    /// What somebody has passed on.
    ///
    /// # Errors
    /// [`MessageError`]: it is no statement, or not that of the key's owner.
    pub fn verify(
        statement: &[u8], public: [u8; PUBLIC_LEN], signature: [u8; SIGNATURE_LEN],
    ) -> Result<Self, MessageError> {
        MessageError::at_most("octet of a statement", statement.len(), STATEMENT_MAX)?;
        if !is_signed(&public, &labelled(statement), &signature) {
            return Err(EntryError::Signature.into());
        }
        cbor::check(statement)?;
        let Statement { info, version } = minicbor::decode(statement)?;
        info.check()?;
        if info.peer_id != fingerprint(&public) {
            return Err(EntryError::PeerId.into());
        }
        Ok(Self(Arc::new(Signed { info, version, statement: statement.to_vec(), public, signature })))
    }

    /// What it says.
    pub fn info(&self) -> &PeerInfo {
        &self.0.info
    }

    /// Whose it is.
    pub fn peer_id(&self) -> PeerId {
        self.0.info.peer_id
    }

    /// Raised by the owner with each change of what it says.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The bytes that are signed, without the label.
    pub fn statement(&self) -> &[u8] {
        &self.0.statement
    }

    /// The owner's public key.
    pub fn public(&self) -> &[u8; PUBLIC_LEN] {
        &self.0.public
    }

    /// The owner's signature.
    pub fn signature(&self) -> &[u8; SIGNATURE_LEN] {
        &self.0.signature
    }
}

/// As what it says: keys and signatures tell a reader nothing.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("version", &self.0.version).field("info", &self.0.info).finish()
    }
}

fn labelled(statement: &[u8]) -> Vec<u8> {
    [LABEL, statement].concat()
}

/// On the wire: a map of the three.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Parts<'a> {
    #[n(0)]
    #[cbor(borrow, with = "minicbor::bytes")]
    statement: &'a [u8],
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    public: [u8; PUBLIC_LEN],
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    signature: [u8; SIGNATURE_LEN],
}

impl<C> Encode<C> for Entry {
    fn encode<W: encode::Write>(
        &self, e: &mut Encoder<W>, ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let Signed { statement, public, signature, .. } = &*self.0;
        Parts { statement, public: *public, signature: *signature }.encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Entry {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        let Parts { statement, public, signature } = Parts::decode(d, ctx)?;
        Self::verify(statement, public, signature).map_err(|error| decode::Error::custom(error).at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn key(byte: u8) -> IdentityKey {
        IdentityKey::from_seed(&[byte; 32])
    }

    fn info() -> PeerInfo {
        PeerInfo {
            peer_id: PeerId::UNKNOWN,
            cluster_id: "HubCluster".parse().expect("a cluster ID"),
            description: Default::default(),
            version: "11.5.1.10000(4)".parse().expect("a version"),
            fqdn: "hub.lab.example".parse().expect("an FQDN"),
            role: Role::Hub,
            route_string: "hub.route".parse().expect("a route string"),
            nodes: vec![],
        }
    }

    #[test]
    fn what_its_owner_signed_comes_back_and_nothing_else_does() {
        let entry = Entry::sign(&key(1), info(), 7).expect("signs");
        assert_eq!((entry.peer_id(), entry.version()), (key(1).peer_id(), 7));
        let verify = Entry::verify;
        assert_eq!(verify(entry.statement(), *entry.public(), *entry.signature()), Ok(entry.clone()));
        let mut later = entry.statement().to_vec();
        *later.last_mut().expect("it has octets") = 8;
        let refused = |error: EntryError| Err(MessageError::from(error));
        assert_eq!(verify(&later, *entry.public(), *entry.signature()), refused(EntryError::Signature));
        // Signed by another, who claims the same peer ID.
        let forged = key(2).sign(&labelled(entry.statement()));
        assert_eq!(verify(entry.statement(), key(2).public(), forged), refused(EntryError::PeerId));
        assert_eq!(verify(entry.statement(), *entry.public(), forged), refused(EntryError::Signature));
    }

    #[test]
    fn a_signed_statement_is_judged_as_any_other_bytes() {
        for (case, statement) in [
            ("nothing", &b""[..]),
            ("no map", &[0x00]),
            ("without a version", &[0xa1, 0x00, 0xa0]),
            ("a tail", &[0xa0, 0x00]),
        ] {
            let signature = key(1).sign(&labelled(statement));
            let error = Entry::verify(statement, key(1).public(), signature).expect_err(case);
            assert!(!matches!(error, MessageError::Entry(_)), "{case}: {error}");
        }
        let long = vec![0; STATEMENT_MAX + 1];
        let signature = key(1).sign(&labelled(&long));
        let error = Entry::verify(&long, key(1).public(), signature).expect_err("too long");
        assert!(matches!(error, MessageError::TooMany { .. }), "{error}");
    }
}
