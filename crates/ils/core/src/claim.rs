//! What a peer says when it asks to join.

use ils_wire::{Entry, Instance};

use crate::event::{ConnectionId, Direction};

/// A peer asks to join: what it says, and what is known of the connection it says it on.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The connection.
    pub connection: ConnectionId,
    /// Who opened it.
    pub direction: Direction,
    /// On the TLS port.
    pub tls: bool,
    /// What the peer says of itself.
    pub entry: Entry,
    /// The life of its process.
    pub instance: Instance,
    /// Another life that stands in its place was asked whether it is there.
    pub is_last: bool,
    /// FQDNs of its certificate, on TLS.
    pub certificate: Option<Vec<String>>,
    /// What its certificate is called, on TLS; not escaped.
    pub shown: Option<String>,
    /// The FQDN that let the certificate in, where an FQDN did.
    pub admitted_by: Option<String>,
}
