//! What the tests put into a store.

use ils_core::ledger::{Change, KnownPeer, Proof};
use ils_core::settings::Override;
use ils_core::wire::{NodeAddress, PeerId, PeerInfo, Role};
use serde_json::Value;

/// A peer ID made of a number above 0.
pub(crate) fn id(number: u128) -> PeerId {
    PeerId::from_bytes(number.to_be_bytes())
}

/// A peer made of a number above 0: every field differs from that of another.
pub(crate) fn peer(number: u128) -> KnownPeer {
    let fqdn: String = format!("cucm{number}.lab.example");
    let addresses = vec![[127, 0, 0, 1].into(), "2001:db8::1".parse().expect("an address")];
    let info = PeerInfo {
        peer_id: id(number),
        cluster_id: format!("cluster-{number}").parse().expect("a cluster ID"),
        description: format!("Zürich, \"{number}\" 'x'").parse().expect("a description"),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        fqdn: fqdn.parse().expect("an FQDN"),
        role: if number.is_multiple_of(2) { Role::Hub } else { Role::Spoke },
        route_string: format!("route-{number}").parse().expect("a route string"),
        nodes: vec![
            NodeAddress { host: fqdn.parse().expect("an FQDN"), addresses },
            NodeAddress { host: format!("sub{number}").parse().expect("an FQDN"), addresses: vec![] },
        ],
    };
    let proof = match number % 3 {
        0 => Proof::Certificate,
        1 => Proof::Password,
        _ => Proof::Relayed(id(number + 1)),
    };
    KnownPeer { info, proof, pkid: format!("00000000-0000-8000-8000-{number:012x}") }
}

/// That this peer is known.
pub(crate) fn learned(number: u128) -> Change {
    Change::Learned(peer(number))
}

/// A change of a setting, as JSON.
pub(crate) fn setting(key: &str, value: Value, replaced: Value) -> Override {
    Override { key: key.to_owned(), value, replaced }
}
