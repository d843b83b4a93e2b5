//! Who may be whom: each peer ID, cluster ID, FQDN and route string belongs to one cluster.

use ils_wire::{PeerId, PeerInfo, Reason};
use sha2::{Digest, Sha256};

use crate::claim::Claim;
use crate::event::ConnectionId;
use crate::ledger::KnownPeer;
use crate::outlook::Outlook;

/// A claim is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the peer is told.
    pub reason: Reason,
    /// In words: what is wrong, and what to do.
    pub text: String,
    /// What the alarm names: the claimed cluster ID or FQDN.
    pub claim: String,
    /// The connection that stands in its place, where it is still to be asked whether anybody is there.
    pub rival: Option<ConnectionId>,
}

impl Denied {
    /// A refusal for this reason.
    pub fn new(reason: Reason, text: impl Into<String>, claim: impl Into<String>) -> Self {
        Self { reason, text: text.into(), claim: claim.into(), rival: None }
    }
}

/// Judges a claim made on a connection.
pub(crate) fn judge(claim: &Claim, own: &PeerInfo, known: Outlook<'_>) -> Result<(), Denied> {
    certificate(claim, known)?;
    identity(claim.entry.info(), own, known)?;
    role(claim.entry.info(), known)
}

/// On 7501 the FQDN is one that the certificate carries; where an FQDN let it in, that very one, with the peer ID
/// that the PeerInfoVector has for it.
fn certificate(claim: &Claim, known: Outlook<'_>) -> Result<(), Denied> {
    let Some(names) = &claim.certificate else {
        return Ok(());
    };
    let fqdn = claim.entry.info().fqdn.as_str();
    let mismatch = |text: String| Err(Denied::new(Reason::FqdnMismatch, text, fqdn));
    if !names.iter().any(|name| name.eq_ignore_ascii_case(fqdn)) {
        let carried = claim.shown.as_deref().unwrap_or("no name");
        return mismatch(format!(
            "the certificate carries `{carried}`, not the FQDN {fqdn}; reissue it with that name"
        ));
    }
    let Some(admitted) = &claim.admitted_by else {
        return Ok(());
    };
    if !admitted.eq_ignore_ascii_case(fqdn) {
        return mismatch(format!(
            "the certificate was let in as {admitted}, and {fqdn} is another name of it"
        ));
    }
    let entry = known.all().find(|other| other.info().fqdn.as_str() == fqdn);
    if entry.is_none_or(|other| other.peer_id() != claim.entry.peer_id()) {
        return mismatch(format!(
            "the FQDN {fqdn} is known with another peer ID; disconnect that peer, then join with the password again"
        ));
    }
    Ok(())
}

/// One of the names of a cluster.
type Name = fn(&PeerInfo) -> &str;

/// Peer ID, cluster ID, FQDN and route string are nobody else's.
pub(crate) fn identity(info: &PeerInfo, own: &PeerInfo, known: Outlook<'_>) -> Result<(), Denied> {
    cluster_id(info, own, known)?;
    let fqdn_of_id = known.known(info.peer_id).map(|before| &before.info().fqdn);
    if info.peer_id == own.peer_id || fqdn_of_id.is_some_and(|fqdn| *fqdn != info.fqdn) {
        return Err(taken("peer ID", &info.peer_id.to_string()));
    }
    let names: [(&str, Name); 2] =
        [("FQDN", |info| info.fqdn.as_str()), ("route string", |info| info.route_string.as_str())];
    for (what, name) in names {
        let text = name(info);
        if others(info, own, known).any(|other| name(other).eq_ignore_ascii_case(text)) {
            return Err(taken(what, text));
        }
    }
    if fqdn_of_id.is_none() && known.is_full() {
        return Err(Denied::new(
            Reason::PeerLimit,
            "no room for another cluster; disconnect obsolete peers",
            "",
        ));
    }
    Ok(())
}

fn cluster_id(info: &PeerInfo, own: &PeerInfo, known: Outlook<'_>) -> Result<(), Denied> {
    let id = info.cluster_id.as_str();
    if info.cluster_id.is_default() || own.cluster_id.is_default() {
        // Either side may read this: it names the cluster, not its place in the conversation.
        let unnamed = if info.cluster_id.is_default() { info } else { own };
        let text = format!("{} still has the default cluster ID; give each cluster its own", unnamed.fqdn);
        return Err(Denied::new(Reason::DefaultClusterId, text, unnamed.cluster_id.as_str()));
    }
    if others(info, own, known).any(|other| other.cluster_id.as_str().eq_ignore_ascii_case(id)) {
        let text =
            format!("the cluster ID {id} belongs to another cluster; rename one, or disconnect the old peer");
        return Err(Denied::new(Reason::DuplicateClusterId, text, id));
    }
    Ok(())
}

/// Every cluster but the one that speaks, this node's own included.
fn others<'a>(
    info: &'a PeerInfo, own: &'a PeerInfo, known: Outlook<'a>,
) -> impl Iterator<Item = &'a PeerInfo> {
    let peers = known.all().map(KnownPeer::info);
    peers.filter(|other| other.peer_id != info.peer_id).chain([own])
}

fn taken(what: &str, text: &str) -> Denied {
    let text =
        format!("the {what} {text} belongs to another cluster; `disconnect` forgets a peer that was rebuilt");
    Denied::new(Reason::DuplicateIdentity, text, "")
}

/// A peer that was here before has the role it had.
fn role(info: &PeerInfo, known: Outlook<'_>) -> Result<(), Denied> {
    let before = known.known(info.peer_id).map(|before| before.info().role);
    if before.is_some_and(|before| before != info.role) {
        let text = "the peer is known with another role; disconnect it here first";
        return Err(Denied::new(Reason::RoleChanged, text, ""));
    }
    Ok(())
}

/// The row key of a remote cluster: a UUID (RFC 9562, version 8) made of the two peer IDs.
pub(crate) fn pkid(own: PeerId, peer: PeerId) -> String {
    let digest = Sha256::new()
        .chain_update(b"ilslab remotecluster")
        .chain_update(own.to_string())
        .chain_update(peer.to_string())
        .finalize();
    let mut hex: Vec<char> =
        digest.iter().take(16).flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from).collect();
    for (position, digit) in [(12, '8'), (16, '8')] {
        if let Some(place) = hex.get_mut(position) {
            *place = digit;
        }
    }
    for hyphen in [20, 16, 12, 8] {
        hex.insert(hyphen, '-');
    }
    hex.into_iter().collect()
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
