//! Messages against their bounds, and against payloads that come near to being one.

use crate::any::{frame, largest_peer_info, numbered, register};
use ils_wire::*;
use std::net::IpAddr;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hello(versions: Vec<u16>) -> Message {
    let boxes = Boxes { tls: true, password: false };
    Message::Hello(Hello { versions, boxes, random: [7; 32], share: None })
}

#[test]
fn a_payload_is_read_as_its_map_says() {
    let random = "07".repeat(32);
    let hello_with = |keys: &str| format!("{keys} 02 5820 {random}");
    for (name, kind, payload, want) in [
        ("as we write it", Kind::Ping, "a1 00 07".into(), Ok(Message::Ping(7))),
        ("a longer head", Kind::Ping, "a1 00 1b0000000000000007".into(), Ok(Message::Ping(7))),
        ("an unknown key", Kind::Ping, "a2 00 07 19ffff 83 01 a1 00 02 c1 f6".into(), Ok(Message::Ping(7))),
        ("an unknown reason", Kind::Bye, "a2 00 18c8 01 60".into(), Ok(Message::bye(Reason::Other(200), ""))),
        ("a hello", Kind::Hello, hello_with("a3 00 81 02 01 a2 00 f5 01 f4"), Ok(hello(vec![2]))),
        (
            "a share of null",
            Kind::Hello,
            hello_with("a4 00 81 02 01 a2 00 f5 01 f4") + "03 f6",
            Ok(hello(vec![2])),
        ),
        ("a missing key", Kind::Ping, "a0".into(), Err("missing value at index 0 (Beat::number)")),
        ("no map", Kind::Ping, "81 07".into(), Err("unexpected type array")),
        ("a key of another type", Kind::Ping, "a1 00 61 37".into(), Err("unexpected type string")),
        ("a number too large", Kind::Bye, "a2 00 190100 01 60".into(), Err("256 overflows")),
        ("a reason below zero", Kind::Bye, "a2 00 20 01 60".into(), Err("unexpected type i8")),
        ("a key twice", Kind::Ping, "a2 00 07 00 08".into(), Err("the map key 0 occurs twice")),
        ("bytes behind", Kind::Ping, "a1 00 07 00".into(), Err("1 bytes follow the value")),
        ("nothing", Kind::Ping, "".into(), Err("the payload ends in the middle of a value")),
        (
            "a hello without versions",
            Kind::Hello,
            hello_with("a3 00 80 01 a2 00 f5 01 f4"),
            Err("a hello offers no version"),
        ),
        (
            "a hello with nine versions",
            Kind::Hello,
            hello_with("a3 00 89 010203040506070809 01 a2 00 f5 01 f4"),
            Err("9 values of kind \"version\" where 8 are allowed"),
        ),
        ("a short random", Kind::Hello, "a3 00 81 02 01 a2 00 f5 01 f4 02 41 07".into(), Err("")),
        ("a text with a line feed", Kind::Bye, "a2 00 01 01 61 0a".into(), Err("a text consists of")),
        (
            "entries more than bytes",
            Kind::PeerInfoVector,
            "a2 00 98c8 01 f5".into(),
            Err("ends in the middle"),
        ),
        (
            "201 entries",
            Kind::PeerInfoVector,
            format!("a2 00 98c9 {} 01 f5", "a0".repeat(201)),
            Err("201 values of kind \"entry\" where 200 are allowed"),
        ),
        ("an empty entry", Kind::PeerInfoVector, "a2 00 81 a0 01 f5".into(), Err("Parts::statement")),
    ] {
        match (Message::decode(kind, &hex(&payload)), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{name}"),
            (Err(got), Err(part)) => assert!(got.to_string().contains(part), "{name}: {got}"),
            (got, want) => panic!("{name}: {got:?} where {want:?} was wanted"),
        }
    }
}

/// A statement of this, however wrong, as a Register of whoever has the key.
fn registered(info: &PeerInfo) -> Vec<u8> {
    let statement = [&[0xa2, 0x00][..], &minicbor::to_vec(info).unwrap(), &[0x01, 0x01]].concat();
    let signing = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let labelled = [b"ilslab v2 entry", statement.as_slice()].concat();
    let signature = ed25519_dalek::Signer::sign(&signing, &labelled).to_bytes();
    let mut e = minicbor::Encoder::new(Vec::new());
    e.map(3).unwrap().u8(0).unwrap().map(3).unwrap();
    e.u8(0).unwrap().bytes(&statement).unwrap();
    e.u8(1).unwrap().bytes(signing.verifying_key().as_bytes()).unwrap();
    e.u8(2).unwrap().bytes(&signature).unwrap();
    e.u8(1).unwrap().bytes(&[3; 16]).unwrap().u8(2).unwrap().bytes(&[4; 64]).unwrap();
    e.into_writer()
}

#[test]
fn a_peer_info_keeps_its_bounds_both_ways() {
    let key = IdentityKey::from_seed(&[1; 32]);
    let full = PeerInfo { peer_id: key.peer_id(), ..largest_peer_info() };
    let mut rows = vec![("every bound reached", full.clone(), true)];
    let mut change = |name, good, edit: &dyn Fn(&mut PeerInfo)| {
        let mut info = full.clone();
        edit(&mut info);
        rows.push((name, info, good));
    };
    change("one node more", false, &|info| info.nodes.push(info.nodes[0].clone()));
    change("one address more", false, &|info| info.nodes[19].addresses.push(IpAddr::from([127, 0, 0, 1])));
    change("no nodes", true, &|info| info.nodes.clear());
    change("no addresses", true, &|info| info.nodes[0].addresses.clear());
    for (name, info, good) in rows {
        assert_eq!(Entry::sign(&key, info.clone(), 1).is_ok(), good, "{name}");
        assert_eq!(Message::decode(Kind::Register, &registered(&info)).is_ok(), good, "{name}");
    }
    for peer_id in [PeerId::UNKNOWN, IdentityKey::from_seed(&[2; 32]).peer_id()] {
        let info = PeerInfo { peer_id, ..full.clone() };
        assert!(Message::decode(Kind::Register, &registered(&info)).is_err(), "{peer_id}");
        assert_eq!(Entry::sign(&key, info, 1).unwrap().peer_id(), key.peer_id(), "the key decides");
    }
}

#[test]
fn an_address_has_four_or_sixteen_bytes() {
    let info = PeerInfo {
        nodes: vec![NodeAddress { host: "h".parse().unwrap(), addresses: vec![IpAddr::from([1, 2, 3, 4])] }],
        ..largest_peer_info()
    };
    let payload = minicbor::to_vec(info).unwrap();
    let (before, address) = payload.split_at(payload.len() - 5);
    assert_eq!(address, hex("44 01020304"));
    for (bytes, good) in
        [("44 01020304", true), ("43 010203", false), ("45 0102030405", false), ("64 31323334", false)]
    {
        let payload = [before, &hex(bytes)].concat();
        assert_eq!(minicbor::decode::<PeerInfo>(&payload).is_ok(), good, "{bytes}");
    }
}

#[test]
fn the_largest_register_fits_before_the_join() {
    let entry = numbered(1, &largest_peer_info());
    assert!(entry.statement().len() <= STATEMENT_MAX, "{} bytes", entry.statement().len());
    let frame = register(entry).encode_frame().unwrap();
    assert!(frame.len() - HEADER_LEN + TAG_LEN <= CAP_UNJOINED, "{} bytes", frame.len());
    // So does one whose statement is as long as may be.
    let around = frame.len() - HEADER_LEN - numbered(1, &largest_peer_info()).statement().len();
    assert!(STATEMENT_MAX + around + TAG_LEN <= CAP_UNJOINED, "{around} bytes around it");
}

#[test]
fn an_entry_that_was_altered_breaks_its_message() {
    let good = Message::PeerInfoVector { entries: vec![numbered(1, &largest_peer_info())], last: true };
    let payload = frame(&good.encode_frame().unwrap()).payload;
    assert_eq!(Message::decode(Kind::PeerInfoVector, &payload), Ok(good));
    // A letter of the description, of the key and of the signature.
    for at in [400, payload.len() - 120, payload.len() - 20] {
        let mut altered = payload.clone();
        altered[at] ^= 1;
        let error = Message::decode(Kind::PeerInfoVector, &altered).expect_err("altered");
        assert_eq!(error, MessageError::Entry(EntryError::Signature), "octet {at}");
    }
}

#[test]
fn what_a_peer_would_refuse_is_not_sent() {
    let text = |text: &str| Message::Bye { reason: Reason::Shutdown, text: text.into() };
    for (name, message, good) in [
        ("200 characters", text(&"\u{1f4de}".repeat(200)), true),
        ("201 characters", text(&"t".repeat(201)), false),
        ("a control", text("\u{7}"), false),
        ("eight versions", hello(vec![1; 8]), true),
        ("nine versions", hello(vec![1; 9]), false),
        ("no version", hello(vec![]), false),
    ] {
        assert_eq!(message.encode_frame().is_ok(), good, "{name}");
    }
}

#[test]
fn any_words_can_be_made_a_text() {
    for words in ["", "plain", "a\nb\u{202e}", &"\u{1b}".repeat(1000)] {
        assert!(Message::bye(Reason::Shutdown, words).encode_frame().is_ok(), "{words:?}");
        assert!(Message::refused(Reason::Temporary, words).encode_frame().is_ok(), "{words:?}");
    }
}

fn batches(entries: &[Entry]) -> Vec<Message> {
    let (mut rest, mut batches) = (entries.iter().peekable(), Vec::new());
    while !matches!(batches.last(), Some(Message::PeerInfoVector { last: true, .. })) {
        batches.push(vector_batch(&mut rest));
    }
    batches
}

#[test]
fn a_vector_is_split_within_both_bounds_and_in_order() {
    let large = largest_peer_info();
    let small = PeerInfo {
        description: "small".parse().expect("a description"),
        cluster_id: "small".parse().expect("a cluster ID"),
        fqdn: "small.lab.example".parse().expect("an FQDN"),
        route_string: "small".parse().expect("a route string"),
        nodes: vec![],
        ..large.clone()
    };
    let alone = Message::PeerInfoVector { entries: vec![numbered(1, &large)], last: true };
    let fit = (BATCH_OCTETS - TAG_LEN) / frame(&alone.encode_frame().unwrap()).payload.len();
    for (name, info, entries, want) in [
        ("none", &small, 0, vec![0]),
        ("one", &small, 1, vec![1]),
        ("as many as one message holds", &small, 200, vec![200]),
        ("one more", &small, 201, vec![200, 1]),
        ("a network and a half of small ones", &small, 450, vec![200, 200, 50]),
        ("as many large ones as fit", &large, fit, vec![fit]),
        ("one large one more", &large, fit + 1, vec![fit, 1]),
    ] {
        let some = [1, 2, 3].map(|n| numbered(n, info));
        let given: Vec<Entry> = some.iter().cycle().take(entries).cloned().collect();
        let batches = batches(&given);
        let mut back = Vec::new();
        let mut sizes = Vec::new();
        for (n, batch) in (1..).zip(&batches) {
            let payload = frame(&batch.encode_frame().unwrap()).payload.len();
            assert!(payload + TAG_LEN <= BATCH_OCTETS, "{name}: {payload} bytes");
            let Message::PeerInfoVector { entries, last } = batch else { panic!("{name}: {batch:?}") };
            assert_eq!(*last, n == batches.len(), "{name}: only the last batch is marked");
            sizes.push(entries.len());
            back.extend(entries.iter().cloned());
        }
        assert_eq!(sizes, want, "{name}");
        assert_eq!(back, given, "{name}");
    }
}
