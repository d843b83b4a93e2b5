//! Any message that a peer may say, from choices.

use std::net::IpAddr;

use ils_wire::*;

use crate::choices::Choices;

const ID: &[char] = &['a', 'z', 'A', 'Z', '0', '9', '.', '-'];
const PROSE: &[char] = &['a', 'Z', '0', '9', ' ', '.', '|', ']', '\\', '~', 'é', '☎', '電', '\u{1f4de}'];
const VERSION: &[char] = &['0', '9', '.', ' ', '(', ')', '~', '!'];
const HOST: &[char] = &['a', 'z', 'A', 'Z', '0', '9', '.', '-', '_'];

/// Any message.
pub(crate) fn message(choices: &mut Choices<'_>) -> Message {
    match choices.below(8) {
        0 => Message::Hello(hello(choices)),
        1 => Message::Register(introduction(choices, End::Dialler)),
        2 => Message::Registered(introduction(choices, End::Listener)),
        3 => Message::refused(Reason::from_code(choices.byte()), choices.text(210)),
        4 => {
            let entries = (0..choices.below(4)).map(|_| entry(choices)).collect();
            Message::PeerInfoVector { entries, last: choices.flag() }
        }
        5 => Message::Ping(choices.number()),
        6 => Message::Pong(choices.number()),
        _ => Message::bye(Reason::from_code(choices.byte()), choices.text(210)),
    }
}

fn hello(choices: &mut Choices<'_>) -> Hello {
    Hello {
        versions: (0..1 + choices.below(8)).map(|_| u16::from(choices.byte())).collect(),
        boxes: Boxes { tls: choices.flag(), password: choices.flag() },
        random: choices.array(),
        share: choices.flag().then(|| choices.array()),
    }
}

fn introduction(choices: &mut Choices<'_>, end: End) -> Introduction {
    let shared = SharedInput::from_exporter(choices.array());
    let binding = Binding::derive(&shared, b"hello", b"hello");
    let (key, entry) = (IdentityKey::from_seed(&choices.array()), entry(choices));
    Introduction::new(&key, entry, choices.array(), end, &binding)
}

fn entry(choices: &mut Choices<'_>) -> Entry {
    let (key, version) = (IdentityKey::from_seed(&choices.array()), choices.number());
    Entry::sign(&key, peer_info(choices), version).expect("within its bounds")
}

fn peer_info(choices: &mut Choices<'_>) -> PeerInfo {
    PeerInfo {
        peer_id: PeerId::UNKNOWN,
        cluster_id: choices.word(ID, 50).parse().expect("its alphabet and length"),
        description: choices.word(PROSE, 128).parse().expect("its alphabet and length"),
        version: choices.word(VERSION, 50).parse().expect("its alphabet and length"),
        fqdn: host(choices),
        role: if choices.flag() { Role::Hub } else { Role::Spoke },
        route_string: choices.word(ID, 64).parse().expect("its alphabet and length"),
        nodes: (0..choices.below(3)).map(|_| node(choices)).collect(),
    }
}

fn node(choices: &mut Choices<'_>) -> NodeAddress {
    let host = host(choices);
    let addresses = (0..choices.below(NODE_ADDRESSES + 1)).map(|_| address(choices)).collect();
    NodeAddress { host, addresses }
}

fn address(choices: &mut Choices<'_>) -> IpAddr {
    if choices.flag() { IpAddr::from(choices.array::<4>()) } else { IpAddr::from(choices.array::<16>()) }
}

/// Where what was chosen is no host name, one that is.
fn host(choices: &mut Choices<'_>) -> Fqdn {
    let chosen = format!("{}x", choices.word(HOST, 60)).parse();
    chosen.unwrap_or_else(|_| "x".parse().expect("a host name"))
}
