//! The test vectors of `WIRE.md`, read out of it: what the document says is what the code does.

use crate::any::frame;
use hkdf::Hkdf;
use ils_wire::*;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, net::IpAddr};

const DOCUMENT: &str = include_str!("../../WIRE.md");

/// Names and values, as `BTreeMap`s that compare whole: a vector that no test makes is a failure too.
type Vectors = BTreeMap<String, Vec<u8>>;

/// The lines between ```` ```vector ```` and ```` ``` ````: `name = hex`, an indented line going on with the one before.
fn document() -> Vectors {
    let mut vectors = Vectors::new();
    let mut inside = false;
    let mut name = String::new();
    for line in DOCUMENT.lines() {
        match (inside, line) {
            (false, "```vector") => inside = true,
            (true, "```") => inside = false,
            (false, _) => {}
            (true, line) => {
                let value = match line.split_once('=') {
                    Some((new, value)) => {
                        name = new.trim().to_owned();
                        assert!(!vectors.contains_key(&name), "{name} stands twice");
                        value
                    }
                    None => line,
                };
                vectors.entry(name.clone()).or_default().extend(hex(value.trim()));
            }
        }
    }
    vectors
}

/// The vectors whose names begin so, without that beginning.
fn section(prefix: &str) -> Vectors {
    let strip = |(name, value): (String, Vec<u8>)| Some((name.strip_prefix(prefix)?.to_owned(), value));
    document().into_iter().filter_map(strip).collect()
}

fn hex(digits: &str) -> Vec<u8> {
    assert_eq!(digits.len() % 2, 0, "{digits}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect(digits))
        .collect()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a vector of this length")
}

fn own<const N: usize>(pairs: [(&str, Vec<u8>); N]) -> Vectors {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn hub() -> PeerInfo {
    let host: Fqdn = "hub.lab.example".parse().unwrap();
    let addresses = ["192.0.2.1", "2001:db8::1"].map(|a| a.parse::<IpAddr>().unwrap()).to_vec();
    PeerInfo {
        peer_id: PeerId::UNKNOWN,
        cluster_id: "HubCluster".parse().unwrap(),
        description: "Hub of the lab".parse().unwrap(),
        version: "11.5.1.10000(4)".parse().unwrap(),
        fqdn: host.clone(),
        role: Role::Hub,
        route_string: "hub.route".parse().unwrap(),
        nodes: vec![NodeAddress { host, addresses }],
    }
}

fn spoke() -> PeerInfo {
    let host: Fqdn = "spoke.lab.example".parse().unwrap();
    PeerInfo {
        peer_id: PeerId::UNKNOWN,
        cluster_id: "SpokeCluster".parse().unwrap(),
        description: Description::default(),
        version: "11.5.1.10000(4)".parse().unwrap(),
        fqdn: host.clone(),
        role: Role::Spoke,
        route_string: "spoke.lab.example".parse().unwrap(),
        nodes: vec![NodeAddress { host, addresses: vec![IpAddr::from([192, 0, 2, 2])] }],
    }
}

fn key(of: &str) -> IdentityKey {
    IdentityKey::from_seed(&array(&section("identity.")[&format!("{of}-seed")]))
}

fn entry(of: &str) -> Entry {
    let (info, version) = if of == "hub" { (hub(), 1) } else { (spoke(), 258) };
    Entry::sign(&key(of), info, version).unwrap()
}

fn binding(tls: bool) -> Binding {
    let (shared, hellos) = if tls {
        ((64..96).collect(), ["hello-tls-dialler", "hello-tls-listener"])
    } else {
        (section("x25519.")["shared"].clone(), ["hello-dialler", "hello-listener"])
    };
    let [dialler, listener] = hellos.map(|hello| section("frame.")[hello].clone());
    Binding::derive(&SharedInput::from_exporter(array(&shared)), &dialler, &listener)
}

fn introduction(of: &str, tls: bool) -> Introduction {
    let (end, first) = if of == "hub" { (End::Listener, 0xb0) } else { (End::Dialler, 0xa0) };
    let instance = std::array::from_fn(|at| first + u8::try_from(at).unwrap());
    Introduction::new(&key(of), entry(of), instance, end, &binding(tls))
}

fn hello(tls: bool, random_from: u8, share: Option<[u8; 32]>) -> Message {
    let random = std::array::from_fn(|at| random_from + u8::try_from(at).unwrap());
    Message::Hello(Hello { versions: vec![2], boxes: Boxes { tls, password: true }, random, share })
}

fn bye() -> Message {
    Message::bye(Reason::Shutdown, "the service is stopping")
}

#[test]
fn every_vector_belongs_to_a_section() {
    let mut sections: Vec<String> =
        document().into_keys().map(|name| name.split_once('.').expect("section.name").0.to_owned()).collect();
    sections.dedup();
    let want = [
        "binding",
        "entry",
        "frame",
        "identity",
        "key",
        "proof",
        "schedule-7501",
        "schedule-7502",
        "sealed-7501",
        "sealed-7502",
        "x25519",
    ];
    assert_eq!(sections, want);
}

#[test]
fn frames_are_as_documented_both_ways() {
    let shares = section("x25519.");
    let messages = [
        ("hello-dialler", hello(false, 0, Some(array(&shares["dialler-share"])))),
        ("hello-listener", hello(false, 32, Some(array(&shares["listener-share"])))),
        ("hello-tls-dialler", hello(true, 0, None)),
        ("hello-tls-listener", hello(true, 32, None)),
        ("register", Message::Register(introduction("spoke", false))),
        ("registered", Message::Registered(introduction("hub", false))),
        ("refused", Message::refused(Reason::DefaultClusterId, "the cluster ID is still the default one")),
        (
            "peer-info-vector",
            Message::PeerInfoVector { entries: vec![entry("hub"), entry("spoke")], last: true },
        ),
        ("peer-info-vector-empty", Message::PeerInfoVector { entries: vec![], last: true }),
        ("ping", Message::Ping(7)),
        ("pong", Message::Pong(u64::MAX)),
        ("bye", bye()),
    ];
    for kind in Kind::ALL {
        assert!(messages.iter().any(|(_, message)| message.kind() == *kind), "no vector has the kind {kind}");
    }
    assert_eq!(
        own(messages.clone().map(|(name, message)| (name, message.encode_frame().unwrap()))),
        section("frame.")
    );
    for (name, message) in messages {
        let frame = frame(&section("frame.")[name]);
        assert_eq!(Message::decode(frame.kind, &frame.payload), Ok(message), "{name}");
    }
}

#[test]
fn identities_entries_and_proofs_are_as_documented() {
    let mut made = Vectors::new();
    let mut entries = Vectors::new();
    for of in ["hub", "spoke"] {
        let key = key(of);
        let mut put = |name: &str, value: &[u8]| drop(made.insert(format!("{of}-{name}"), value.to_vec()));
        key.with_seed(|seed| put("seed", seed));
        put("public", &key.public());
        put("peer-id", key.peer_id().as_bytes());
        let entry = entry(of);
        entries.insert(format!("{of}-statement"), entry.statement().to_vec());
        entries.insert(format!("{of}-signature"), entry.signature().to_vec());
        // What the document has verifies, whoever signed it.
        let documented = section("entry.");
        let [statement, signature] =
            ["statement", "signature"].map(|part| documented[&format!("{of}-{part}")].clone());
        assert_eq!(Entry::verify(&statement, key.public(), array(&signature)), Ok(entry), "{of}");
    }
    assert_eq!(made, section("identity."));
    assert_eq!(entries, section("entry."));
    let bindings =
        [("7501", true), ("7502", false)].map(|(port, tls)| (port, binding(tls).as_bytes().to_vec()));
    assert_eq!(own(bindings), section("binding."));
    let proof = |of: &str, tls| introduction(of, tls).proof.to_vec();
    let proofs = [
        ("7501-dialler", proof("spoke", true)),
        ("7501-listener", proof("hub", true)),
        ("7502-dialler", proof("spoke", false)),
        ("7502-listener", proof("hub", false)),
    ];
    assert_eq!(own(proofs), section("proof."));
}

#[test]
fn a_password_gives_the_documented_key() {
    let key = section("key.");
    let network = NetworkKey::from_password(&key["password"]);
    let made = own([
        ("password", b"Correct horse 12".to_vec()),
        ("salt", Sha256::digest(b"ilslab network key v1")[..16].to_vec()),
        ("network", network.as_bytes().to_vec()),
        ("fingerprint", hex(&network.fingerprint())),
    ]);
    assert_eq!(made, key);
}

#[test]
fn shares_are_those_of_rfc_7748() {
    let given = section("x25519.");
    let (ours, theirs) = (array(&given["dialler-secret"]), array(&given["listener-secret"]));
    let shares = [ours, theirs].map(|secret| Ephemeral::from_bytes(secret).public());
    let made = own([
        ("dialler-secret", ours.to_vec()),
        ("dialler-share", shares[0].to_vec()),
        ("listener-secret", theirs.to_vec()),
        ("listener-share", shares[1].to_vec()),
        ("shared", x25519_dalek::x25519(ours, shares[1]).to_vec()),
    ]);
    assert_eq!(made, given);
}

#[test]
fn the_key_schedule_is_as_documented() {
    let (frames, network) = (section("frame."), section("key.")["network"].clone());
    for (name, hellos, input) in [
        ("schedule-7502.", ["hello-dialler", "hello-listener"], section("x25519.")["shared"].clone()),
        ("schedule-7501.", ["hello-tls-dialler", "hello-tls-listener"], (64..96).collect()),
    ] {
        let mut given = section(name);
        assert!(given.remove("exporter").is_none_or(|exporter| exporter == input), "{name}");
        let salt = Sha256::digest(hellos.map(|hello| frames[hello].clone()).concat());
        let hkdf = Hkdf::<Sha256>::new(Some(&salt), &[network.clone(), input].concat());
        let expand = |label: &str, len| {
            let mut out = vec![0; len];
            hkdf.expand(label.as_bytes(), &mut out).unwrap();
            out
        };
        let made = own([
            ("salt", salt.to_vec()),
            ("d2l-key", expand("ilslab v1 d2l key", 32)),
            ("d2l-iv", expand("ilslab v1 d2l iv", 12)),
            ("l2d-key", expand("ilslab v1 l2d key", 32)),
            ("l2d-iv", expand("ilslab v1 l2d iv", 12)),
        ]);
        assert_eq!(made, given, "{name}");
    }
}

/// Both ends of the conversation of a section, from the documented secrets.
fn conversation(tls: bool) -> ((Sealer, Opener), (Sealer, Opener)) {
    let (frames, secrets) = (section("frame."), section("x25519."));
    let network = NetworkKey::from_bytes(array(&section("key.")["network"]));
    let (dialler, listener) =
        if tls { ("hello-tls-dialler", "hello-tls-listener") } else { ("hello-dialler", "hello-listener") };
    let derive = |secret: &str, share: &str| {
        let shared = if tls {
            SharedInput::from_exporter(array(&section("schedule-7501.")["exporter"]))
        } else {
            Ephemeral::from_bytes(array(&secrets[secret])).agree(&array(&secrets[share])).unwrap()
        };
        ConnectionKeys::derive(&network, &shared, &frames[dialler], &frames[listener])
    };
    (
        derive("dialler-secret", "listener-share").for_dialler(),
        derive("listener-secret", "dialler-share").for_listener(),
    )
}

#[test]
fn sealed_frames_are_as_documented_both_ways() {
    let register = |tls| Message::Register(introduction("spoke", tls));
    let registered = |tls| Message::Registered(introduction("hub", tls));
    for (name, tls, d2l, l2d) in [
        (
            "sealed-7502.",
            false,
            vec![("d2l-0-register", register(false)), ("d2l-1-ping", Message::Ping(7)), ("d2l-2-bye", bye())],
            vec![("l2d-0-registered", registered(false)), ("l2d-1-pong", Message::Pong(u64::MAX))],
        ),
        (
            "sealed-7501.",
            true,
            vec![("d2l-0-register", register(true))],
            vec![("l2d-0-registered", registered(true))],
        ),
    ] {
        let ((mut dialler, mut from_listener), (mut listener, mut from_dialler)) = conversation(tls);
        let mut made = Vectors::new();
        for (sealer, opener, messages) in
            [(&mut dialler, &mut from_dialler, d2l), (&mut listener, &mut from_listener, l2d)]
        {
            for (label, message) in messages {
                let sealed = sealer.seal(&message).unwrap();
                assert_eq!(opener.open(frame(&sealed)).unwrap().message, message, "{name}{label}");
                made.insert(label.to_owned(), sealed);
            }
        }
        assert_eq!(made, section(name), "{name}");
    }
}
