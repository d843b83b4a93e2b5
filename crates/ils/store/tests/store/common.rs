//! What the tests put into a store.

use ils_core::ledger::{Change, KnownPeer, Proof};
use ils_core::settings::Override;
use ils_core::wire::{Entry, IdentityKey, NodeAddress, PeerId, PeerInfo, Role};
use serde_json::Value;

fn key(number: u128) -> IdentityKey {
    let mut seed = [0; 32];
    seed.iter_mut().zip(number.to_be_bytes()).for_each(|(octet, of_number)| *octet = of_number);
    IdentityKey::from_seed(&seed)
}

/// The peer ID of the key made of a number.
pub(crate) fn id(number: u128) -> PeerId {
    key(number).peer_id()
}

/// What the owner of that key says.
pub(crate) fn signed(number: u128, info: &PeerInfo, version: u64) -> Entry {
    Entry::sign(&key(number), info.clone(), version).expect("signs")
}

/// That this node says what peer `number` would.
pub(crate) fn said(number: u128) -> Change {
    Change::Said(peer(number).entry)
}

/// These peers, in the order of peer IDs.
pub(crate) fn peers(numbers: impl IntoIterator<Item = u128>) -> Vec<KnownPeer> {
    let mut peers: Vec<KnownPeer> = numbers.into_iter().map(peer).collect();
    peers.sort_by_key(KnownPeer::peer_id);
    peers
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
    let entry = signed(number, &info, 1);
    KnownPeer { entry, proof, pkid: format!("00000000-0000-8000-8000-{number:012x}") }
}

/// That this peer is known.
pub(crate) fn learned(number: u128) -> Change {
    Change::Learned(peer(number))
}

/// A change of a setting, as JSON.
pub(crate) fn setting(key: &str, value: Value, replaced: Value) -> Override {
    Override { key: key.to_owned(), value, replaced }
}
