//! `utils ils showpeerinfo [fqdn]`: the peer info vector. The layout is the lab's own; Cisco publishes none. **\[lab\]**

use std::fmt::Write as _;
use std::sync::Arc;

use ils_core::ledger::Proof;
use ils_core::snapshot::{Peer, Snapshot};
use ils_core::wire::NodeAddress;
use ilslab_names::escape;

use ilslab_desk::cli::{CommandError, shown};

use super::terminal::Terminal;
use crate::clusters::role;
use ilslab_time::page_time;

pub(super) const USAGE: &str = "utils ils showpeerinfo [FQDN]";

/// Prints all entries, or the one with this FQDN.
pub(super) fn show(rest: &str, terminal: &Terminal<'_>) -> Result<String, CommandError> {
    if rest.contains(char::is_whitespace) {
        return Err(CommandError::Usage { problem: "one FQDN at most".to_owned(), usage: USAGE });
    }
    let snapshot = terminal.snapshot;
    let peers: Vec<&Peer> = match rest {
        "" => snapshot.peers.iter().map(Arc::as_ref).collect(),
        fqdn => vec![snapshot.peer_of_fqdn(fqdn).ok_or_else(|| no_such_peer(fqdn, snapshot))?],
    };
    let entries = if peers.len() == 1 { "entry" } else { "entries" };
    let mut text = format!("PeerInfoVector: {} {entries} (layout of ilslab, not Cisco's)\n", peers.len());
    for peer in peers {
        text.push('\n');
        for (label, value) in lines(peer, terminal) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", format!("{label:<13}: {value}").trim_end());
        }
    }
    Ok(text)
}

fn lines(peer: &Peer, terminal: &Terminal<'_>) -> Vec<(&'static str, String)> {
    let info = peer.known.info();
    let last_contact = peer.last_contact.map_or_else(|| "-".to_owned(), |at| page_time(at, terminal.offset));
    let mut lines = vec![
        ("Cluster ID", info.cluster_id.to_string()),
        ("Peer ID", info.peer_id.to_string()),
        ("Description", escape(info.description.as_str())),
        ("Version", info.version.to_string()),
        ("FQDN", info.fqdn.to_string()),
        ("Route string", info.route_string.to_string()),
        ("Role", role(info.role).to_owned()),
    ];
    lines.extend(info.nodes.iter().map(|node| ("Node", of_node(node))));
    lines.push(("Proven by", proof(peer, terminal.snapshot)));
    lines.push(("Last contact", last_contact));
    lines
}

fn of_node(node: &NodeAddress) -> String {
    let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    if addresses.is_empty() {
        node.host.to_string()
    } else {
        format!("{} ({})", node.host, addresses.join(", "))
    }
}

fn proof(peer: &Peer, snapshot: &Snapshot) -> String {
    match peer.known.proof {
        Proof::Certificate => "its certificate".to_owned(),
        Proof::Password => "the password".to_owned(),
        Proof::Relayed(hub) => {
            let known = snapshot.peers.iter().find(|peer| peer.known.peer_id() == hub);
            let name = known.map_or_else(|| hub.to_string(), |hub| hub.known.info().fqdn.to_string());
            format!("nothing but the word of the hub {name}")
        }
    }
}

fn no_such_peer(fqdn: &str, snapshot: &Snapshot) -> CommandError {
    let names: Vec<&str> =
        snapshot.peers.iter().map(|peer| peer.known.info().fqdn.as_str()).take(20).collect();
    let known = if names.is_empty() {
        "it is empty: no cluster has joined yet".to_owned()
    } else {
        format!("it has {}{}", names.join(", "), if snapshot.peers.len() > 20 { ", …" } else { "" })
    };
    CommandError::Refused(format!("the peer info vector has no `{}`; {known}", shown(fqdn)))
}
