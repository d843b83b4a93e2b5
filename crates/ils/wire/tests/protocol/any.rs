//! Any valid message, for property tests.

use ils_wire::*;
use proptest::{array::uniform32, collection::vec, option, prelude::*};
use std::net::IpAddr;

/// Enough for a property to be worth its name, few enough to wait for.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any message that may be sent.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    prop_oneof![1 => hello().prop_map(Message::Hello), 5 => sealable()]
}

/// Any message that may be sealed.
pub(crate) fn sealable() -> impl Strategy<Value = Message> {
    prop_oneof![
        introduction(End::Dialler).prop_map(Message::Register),
        introduction(End::Listener).prop_map(Message::Registered),
        (any::<u8>(), text(200))
            .prop_map(|(code, text)| Message::Refused { reason: Reason::from_code(code), text }),
        (vec(entry(), 0..4), any::<bool>())
            .prop_map(|(entries, last)| Message::PeerInfoVector { entries, last }),
        any::<u64>().prop_map(Message::Ping),
        any::<u64>().prop_map(Message::Pong),
        (any::<u8>(), text(200))
            .prop_map(|(code, text)| Message::Bye { reason: Reason::from_code(code), text }),
    ]
}

fn hello() -> impl Strategy<Value = Hello> {
    let boxes = any::<(bool, bool)>().prop_map(|(tls, password)| Boxes { tls, password });
    let share = option::of(uniform32(any::<u8>()));
    (vec(any::<u16>(), 1..=8), boxes, uniform32(any::<u8>()), share)
        .prop_map(|(versions, boxes, random, share)| Hello { versions, boxes, random, share })
}

fn introduction(end: End) -> impl Strategy<Value = Introduction> {
    let binding = uniform32(any::<u8>())
        .prop_map(|bytes| Binding::derive(&SharedInput::from_exporter(bytes), b"hello", b"hello"));
    (entry(), any::<[u8; 16]>(), binding).prop_map(move |(entry, instance, binding)| {
        Introduction::new(&IdentityKey::from_seed(&[7; 32]), entry, instance, end, &binding)
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    (peer_info(), any::<u64>(), uniform32(any::<u8>()))
        .prop_map(|(info, version, seed)| signed(&IdentityKey::from_seed(&seed), info, version))
}

fn signed(key: &IdentityKey, info: PeerInfo, version: u64) -> Entry {
    Entry::sign(key, info, version).expect("within its bounds")
}

fn peer_info() -> impl Strategy<Value = PeerInfo> {
    let role = prop_oneof![Just(Role::Hub), Just(Role::Spoke)];
    let names = (
        "[A-Za-z0-9.-]{1,50}",
        text(128),
        "[ -Z^-{}~]{1,50}",
        // Parts with a letter or an underscore at either end: neither a hyphen nor a number.
        "([A-Za-z_]([A-Za-z0-9_-]{0,61}[A-Za-z_])?[.]){0,2}[A-Za-z_]([A-Za-z0-9_-]{0,61}[A-Za-z_])?[.]?",
        "[A-Za-z0-9.-]{1,64}",
    );
    (names, role, vec(node(), 0..5)).prop_map(|(names, role, nodes)| {
        let (cluster_id, description, version, fqdn, route_string) = names;
        PeerInfo {
            peer_id: PeerId::UNKNOWN,
            cluster_id: cluster_id.parse().expect("the pattern is the rule"),
            description: description.parse().expect("the pattern is the rule"),
            version: version.parse().expect("the pattern is the rule"),
            fqdn: fqdn.parse().expect("the pattern is the rule"),
            role,
            route_string: route_string.parse().expect("the pattern is the rule"),
            nodes,
        }
    })
}

fn node() -> impl Strategy<Value = NodeAddress> {
    let address =
        prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)];
    ("[a-z_]([a-z0-9_-]{0,38}[a-z_])?", vec(address, 0..=8)).prop_map(|(host, addresses)| NodeAddress {
        host: host.parse().expect("the pattern is the rule"),
        addresses,
    })
}

/// Text of up to `max` characters, of every length in bytes.
fn text(max: usize) -> impl Strategy<Value = String> {
    let char = prop_oneof![
        prop::char::range(' ', '~'),
        prop::char::range('\u{a0}', '\u{17f}'),
        prop::char::range('\u{4e00}', '\u{4eff}'),
        prop::char::range('\u{1f300}', '\u{1f5ff}'),
    ];
    vec(char, 0..=max).prop_map(|chars| chars.into_iter().collect())
}

/// The longest PeerInfo there is: every string and every array at its bound.
pub(crate) fn largest_peer_info() -> PeerInfo {
    let part = "h".repeat(63);
    let fqdn = format!("{part}.{part}.{part}.{}", "h".repeat(61));
    let fqdn: Fqdn = fqdn.parse().expect("253 letters are a host name");
    let node = NodeAddress { host: fqdn.clone(), addresses: vec![IpAddr::from([0xff; 16]); NODE_ADDRESSES] };
    PeerInfo {
        peer_id: PeerId([0xff; 16]),
        cluster_id: "c".repeat(50).parse().expect("50 letters are a cluster ID"),
        description: "\u{1f4de}".repeat(128).parse().expect("128 characters are a description"),
        version: "1".repeat(50).parse().expect("50 digits are a version"),
        fqdn,
        role: Role::Spoke,
        route_string: "r".repeat(64).parse().expect("64 letters are a route string"),
        nodes: vec![node; NODES],
    }
}

/// Number `n` of many clusters that say this.
pub(crate) fn numbered(n: u8, info: &PeerInfo) -> Entry {
    signed(&IdentityKey::from_seed(&[n; 32]), info.clone(), u64::MAX)
}

/// Who says this of itself, at the dialler's end of a connection.
pub(crate) fn register(entry: Entry) -> Message {
    let binding = Binding::derive(&SharedInput::from_exporter([7; 32]), b"hello", b"hello");
    let key = IdentityKey::from_seed(&[1; 32]);
    Message::Register(Introduction::new(&key, entry, [0xff; 16], End::Dialler, &binding))
}

/// The frames that a decoder finds in `bytes`.
pub(crate) fn frames(bytes: &[u8]) -> Vec<RawFrame> {
    let mut decoder = Decoder::new();
    decoder.joined();
    decoder.push(bytes);
    std::iter::from_fn(|| decoder.next().expect("whole and good frames")).collect()
}

/// The only frame in `bytes`.
pub(crate) fn frame(bytes: &[u8]) -> RawFrame {
    let [frame] = <[RawFrame; 1]>::try_from(frames(bytes)).expect("one frame");
    frame
}
