//! One cluster as others know it: an entry of the PeerInfoVector, and what Register and Registered carry.

// spec: WIRE.md#peerinfo

use crate::error::MessageError;
use crate::{ClusterId, Description, Fqdn, PeerId, RouteString, Version, values};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use std::net::IpAddr;

/// Most ILS nodes of one cluster; a choice of this lab, like [`NODE_ADDRESSES`].
pub const NODES: usize = 20;

/// Most addresses of one node.
pub const NODE_ADDRESSES: usize = 8;

/// A cluster's place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Connected with every other hub, and with its spokes.
    #[n(0)]
    Hub,
    /// Connected with one hub.
    #[n(1)]
    Spoke,
}

/// An ILS node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NodeAddress {
    /// Its host name.
    #[n(0)]
    pub host: Fqdn,
    /// Its addresses, at most [`NODE_ADDRESSES`].
    #[n(1)]
    #[cbor(encode_with = "encode_addresses", decode_with = "decode_addresses")]
    pub addresses: Vec<IpAddr>,
}

/// What is known of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PeerInfo {
    /// The publisher's identity. All zeros stands for "not learned yet" and is never sent.
    #[n(0)]
    pub peer_id: PeerId,
    /// The cluster's name.
    #[n(1)]
    pub cluster_id: ClusterId,
    /// An administrator's words about it.
    #[n(2)]
    pub description: Description,
    /// Its software version.
    #[n(3)]
    pub version: Version,
    /// The publisher's host name.
    #[n(4)]
    pub fqdn: Fqdn,
    /// Hub or spoke.
    #[n(5)]
    pub role: Role,
    /// What it attaches to all that it advertises.
    #[n(6)]
    pub route_string: RouteString,
    /// Its ILS nodes, at most [`NODES`].
    #[n(7)]
    #[cbor(decode_with = "decode_nodes")]
    pub nodes: Vec<NodeAddress>,
}

impl PeerInfo {
    /// Checks what the types of the fields do not: both ends do, so nothing is sent that would be refused.
    pub(crate) fn check(&self) -> Result<(), MessageError> {
        if self.peer_id.is_unknown() {
            return Err(MessageError::UnknownPeerId);
        }
        MessageError::at_most("node", self.nodes.len(), NODES)?;
        let longest = self.nodes.iter().map(|node| node.addresses.len()).max().unwrap_or(0);
        MessageError::at_most("node address", longest, NODE_ADDRESSES)
    }
}

/// An address on the wire: a byte string of 4 or 16 bytes.
struct Address(IpAddr);

impl<C> Encode<C> for Address {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        match self.0 {
            IpAddr::V4(v4) => e.bytes(&v4.octets())?.ok(),
            IpAddr::V6(v6) => e.bytes(&v6.octets())?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Address {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        let bytes = d.bytes()?;
        let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
        address.map(Self).map_err(|_| decode::Error::message("an address has 4 or 16 bytes").at(at))
    }
}

fn encode_addresses<C, W: encode::Write>(
    addresses: &[IpAddr], e: &mut Encoder<W>, ctx: &mut C,
) -> Result<(), encode::Error<W::Error>> {
    let addresses: Vec<Address> = addresses.iter().copied().map(Address).collect();
    addresses.encode(e, ctx)
}

fn decode_addresses<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<IpAddr>, decode::Error> {
    let addresses: Vec<Address> = values::bounded(d, ctx, "node address", NODE_ADDRESSES)?;
    Ok(addresses.into_iter().map(|address| address.0).collect())
}

fn decode_nodes<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<NodeAddress>, decode::Error> {
    values::bounded(d, ctx, "node", NODES)
}
