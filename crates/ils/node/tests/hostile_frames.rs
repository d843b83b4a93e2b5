//! A peer that breaks a rule, at any point of its conversation, on either side and through either port: what the other
//! side makes of it, and what it still tells the peer.

mod bench;

use std::io::ErrorKind;

use bench::peer::{self, Door, Peer};
use bench::{Bench, Station, WAYS, Way, stage};
use ils_core::outcome::Outcome;
use ils_wire::{HEADER_LEN, Message, Reason, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn header(kind: u8, length: u32) -> Vec<u8> {
    [&b"ILSL\x01"[..], &[kind, 1, 0], &length.to_be_bytes()].concat()
}

fn unsealed(message: &Message) -> Vec<u8> {
    message.encode_frame().expect("encodes")
}

/// The frame with the flag of a sealed one.
fn as_if_sealed(mut frame: Vec<u8>) -> Vec<u8> {
    *frame.get_mut(6).expect("a header") = 1;
    frame
}

/// The alarms that a villain's conversation raised. One that dials again meets nobody, which is another matter.
fn alarms(station: &Station) -> Vec<&'static str> {
    let names = |alarm: &ils_core::alarm::Alarm| alarm.name.as_str();
    let snapshot = station.snapshot();
    let dials = snapshot.config.registration.is_some();
    let later = |name: &&str| dials && *name == "ILSHubClusterUnreachable";
    snapshot.alarms.iter().map(names).filter(|name| !later(name)).collect()
}

async fn ends_as(station: &Station, outcome: Outcome) {
    station
        .until("its end", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.ended.is_some_and(|(_, end)| end == outcome))
        })
        .await;
}

/// What it raises: of these, only what looks like a wrong password does.
fn alarm_of(outcome: Outcome) -> Vec<&'static str> {
    if outcome == Outcome::PasswordMismatch { vec!["ILSPwdAuthenticationFailed"] } else { vec![] }
}

/// What comes in place of the first Hello, and its outcome with a password and without.
fn openings(hello: &[u8]) -> Vec<(&'static str, Vec<u8>, [Outcome; 2])> {
    use Outcome::{Closed, NotIls, PasswordMismatch, ProtocolError};
    let register = Message::Register(peer::stray(&peer::info("villain", 5, Role::Spoke)));
    vec![
        (
            "deep CBOR",
            [hello.split_at(8).0, &1000_u32.to_be_bytes(), &[0x81; 1000]].concat(),
            [ProtocolError; 2],
        ),
        ("a sealed hello", as_if_sealed(hello.to_vec()), [ProtocolError; 2]),
        ("a ping first", unsealed(&Message::Ping(1)), [ProtocolError; 2]),
        ("a register first", unsealed(&register), [ProtocolError; 2]),
        ("a length over the cap", header(1, 16 * 1024 + 1), [ProtocolError; 2]),
        ("a kind that is none", header(200, 1), [ProtocolError; 2]),
        // With a password set, the frame after the hello must open, whatever it is.
        ("a hello twice", hello.repeat(2), [PasswordMismatch, ProtocolError]),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), [NotIls; 2]),
        ("half a hello", hello.split_at(hello.len() / 2).0.to_vec(), [Closed; 2]),
    ]
}

/// One opening through one door.
struct Opening {
    case: String,
    door: Door,
    bytes: Vec<u8>,
    outcome: Outcome,
}

impl Opening {
    fn number(at: usize, door: Door, way: Way) -> Option<Self> {
        let (case, bytes, [with, without]) = openings(&door.hello()).into_iter().nth(at)?;
        let outcome = if way.password { with } else { without };
        Some(Self { case: format!("{case}, {way:?}"), door, bytes, outcome })
    }

    /// Says it, hangs up, and reads until the other side does.
    async fn is_said(bytes: Vec<u8>, wire: peer::Wire) {
        let mut socket = wire.stream;
        socket.write_all(&bytes).await.expect("writes");
        let said = async {
            socket.shutdown().await?;
            socket.read_to_end(&mut Vec::new()).await
        };
        match said.await {
            Ok(_) => {}
            Err(error) if is_of_a_closed_one(error.kind()) => {}
            Err(error) => panic!("closed in an orderly way: {error}"),
        }
    }
}

/// The other side had closed already when we hung up: the system says it in several ways.
fn is_of_a_closed_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::NotConnected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_that_opens_with_the_wrong_frame_is_closed_with_a_typed_reason() {
    for way in WAYS {
        for at in 0.. {
            let bench = Bench::new();
            let (side, door) = stage(&bench, "hub", way);
            let Some(opening) = Opening::number(at, door, way) else { break };
            let hub = bench.hub(side).await;
            let address = hub.running.listening().expect("it listens");
            let socket = opening.door.dial(address, "127.0.0.1").await;
            Opening::is_said(opening.bytes.clone(), socket).await;
            assert_eq!(hub.outcome().await, opening.outcome, "{}", opening.case);
            assert_eq!(alarms(&hub), alarm_of(opening.outcome), "{}", opening.case);
            assert!(hub.snapshot().peers.is_empty(), "{}", opening.case);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_opens_with_the_wrong_frame_is_left_with_a_typed_reason() {
    for way in WAYS {
        for at in 0.. {
            let bench = Bench::new();
            let (side, door) = stage(&bench, "spoke", way);
            let Some(opening) = Opening::number(at, door, way) else { break };
            let (listener, address) = peer::listener().await;
            let (bytes, door) = (opening.bytes.clone(), opening.door.clone());
            let villain = tokio::spawn(async move {
                let socket = door.answer(&listener).await;
                Opening::is_said(bytes, socket).await;
            });
            let spoke = bench.spoke_to(address, side).await;
            villain.await.unwrap_or_else(|error| panic!("{}: {error}", opening.case));
            assert_eq!(spoke.outcome().await, opening.outcome, "{}", opening.case);
            assert_eq!(alarms(&spoke), alarm_of(opening.outcome), "{}", opening.case);
            assert!(spoke.snapshot().peers.is_empty(), "{}", opening.case);
        }
    }
}

/// What a villain says after the Hellos, where it should register, or answer a Register.
#[derive(Clone, Copy, Debug)]
enum Slip {
    SaysItUnsealed,
    Alters,
    Reflects,
    Pings,
    Teaches,
    AnnouncesTooMuch,
    BreaksOff,
}

/// Each with its outcome behind a password, and on TLS without one.
const SLIPS: [(Slip, [Option<Outcome>; 2]); 7] = {
    use Outcome::{Closed, PasswordMismatch, ProtocolError};
    [
        (Slip::SaysItUnsealed, [Some(PasswordMismatch), None]),
        (Slip::Alters, [Some(PasswordMismatch), None]),
        (Slip::Reflects, [Some(PasswordMismatch), Some(ProtocolError)]),
        (Slip::Pings, [Some(ProtocolError), Some(ProtocolError)]),
        (Slip::Teaches, [Some(ProtocolError), Some(ProtocolError)]),
        (Slip::AnnouncesTooMuch, [Some(ProtocolError), Some(ProtocolError)]),
        (Slip::BreaksOff, [Some(Closed), Some(Closed)]),
    ]
};

impl Slip {
    /// `right` is what should come; `heard` is what the other side said last, as octets.
    async fn happens(self, mut peer: Peer, right: &Message, heard: &[u8]) {
        let entries = vec![peer::entry(&peer::info("friend", 9, Role::Spoke))];
        let bytes = match self {
            Self::SaysItUnsealed => unsealed(right),
            Self::Alters => {
                let mut bytes = peer.octets(right);
                *bytes.last_mut().expect("a tag") ^= 1;
                bytes
            }
            Self::Reflects => heard.to_vec(),
            Self::Pings => peer.octets(&Message::Ping(1)),
            Self::Teaches => peer.octets(&Message::PeerInfoVector { entries, last: true }),
            Self::AnnouncesTooMuch => header(2, 16 * 1024 + 1),
            Self::BreaksOff => peer.octets(right).into_iter().take(HEADER_LEN + 1).collect(),
        };
        peer.send(&bytes).await;
        if matches!(self, Self::BreaksOff) {
            peer.hang_up().await;
        }
        assert_eq!(peer.frame().await, None, "{self:?}: nothing is told before the join");
    }

    /// With each door: the slip's outcome there.
    fn all() -> impl Iterator<Item = (Self, Way, Outcome)> {
        SLIPS.into_iter().flat_map(|(slip, [with, without])| {
            let at = move |way: Way| if way.password { with } else { without };
            WAYS.into_iter().filter_map(move |way| Some((slip, way, at(way)?)))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_that_breaks_a_rule_before_it_registers_learns_nothing_and_is_not_learned() {
    for (slip, way, outcome) in Slip::all() {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "hub", way);
        let hub = bench.hub(side).await;
        let address = hub.running.listening().expect("it listens");
        let peer = Peer::dial(address, "127.0.0.1", door).await;
        let hello = peer.hello.bytes();
        let right = peer.introduction(&peer::info("villain", 5, Role::Spoke));
        slip.happens(peer, &right, &hello).await;
        ends_as(&hub, outcome).await;
        assert_eq!(alarms(&hub), alarm_of(outcome), "{slip:?}, {way:?}");
        assert!(hub.snapshot().peers.is_empty(), "{slip:?}, {way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_breaks_a_rule_before_the_join_is_left_by_its_spoke() {
    for (slip, way, outcome) in Slip::all() {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "spoke", way);
        let (listener, address) = peer::listener().await;
        let villain = tokio::spawn(async move {
            let mut peer = Peer::answer(&listener, door).await;
            let register = peer.frame().await.expect("a register");
            let right = peer.introduction(&peer::info("villain", 5, Role::Hub));
            slip.happens(peer, &right, &register.bytes()).await;
        });
        let spoke = bench.spoke_to(address, side).await;
        villain.await.unwrap_or_else(|error| panic!("{slip:?}, {way:?}: {error}"));
        ends_as(&spoke, outcome).await;
        assert_eq!(alarms(&spoke), alarm_of(outcome), "{slip:?}, {way:?}");
        assert!(spoke.snapshot().peers.is_empty(), "{slip:?}, {way:?}");
    }
}

/// What a villain does after the join.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Replays,
    Reorders,
    Alters,
    Reflects,
    SaysItUnsealed,
    SaysItSealed,
    RegistersAgain,
    AnnouncesTooMuch,
    InventsAKind,
    SpeaksHttp,
    BreaksOff,
}

/// Where a deed can be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    BehindAPassword,
    WithoutOne,
    Anywhere,
}

impl Where {
    fn is(self, way: Way) -> bool {
        match self {
            Self::BehindAPassword => way.password,
            Self::WithoutOne => !way.password,
            Self::Anywhere => true,
        }
    }
}

impl Deed {
    /// Answers what the other side says last.
    async fn is_done_by(self, mut peer: Peer) -> Option<Message> {
        let first = peer.frame().await.expect("a PeerInfoVector");
        peer.open(first.clone());
        let register = Message::Register(peer::stray(&peer::info("villain", 5, Role::Spoke)));
        let ping = |peer: &mut Peer, number| peer.octets(&Message::Ping(number));
        let bytes = match self {
            Self::Replays => ping(&mut peer, 1).repeat(2),
            Self::Reorders => {
                let (early, late) = (ping(&mut peer, 1), ping(&mut peer, 2));
                [late, early].concat()
            }
            Self::Alters => {
                let mut bytes = ping(&mut peer, 1);
                *bytes.last_mut().expect("a tag") ^= 1;
                bytes
            }
            Self::Reflects => first.bytes(),
            Self::SaysItUnsealed => unsealed(&Message::Ping(1)),
            Self::SaysItSealed => as_if_sealed(unsealed(&Message::Ping(1))),
            Self::RegistersAgain => peer.octets(&register),
            Self::AnnouncesTooMuch => header(9, 1024 * 1024 + 1),
            Self::InventsAKind => header(200, 1),
            Self::SpeaksHttp => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            Self::BreaksOff => ping(&mut peer, 1).into_iter().take(HEADER_LEN + 1).collect(),
        };
        peer.send(&bytes).await;
        match self {
            Self::BreaksOff => None,
            _ => peer.last_heard().await,
        }
    }

    /// With each door where it can be done: outcome, and whether the peer is told of it.
    fn all() -> impl Iterator<Item = (Self, Way, Outcome, bool)> {
        DEEDS.into_iter().flat_map(|(deed, place, outcome, is_told)| {
            let doors = WAYS.into_iter().filter(move |way| place.is(*way));
            doors.map(move |way| (deed, way, outcome, is_told))
        })
    }
}

/// Each deed, where it can be done, its outcome, and whether the peer is told of it.
const DEEDS: [(Deed, Where, Outcome, bool); 11] = [
    (Deed::Replays, Where::BehindAPassword, Outcome::PasswordMismatch, false),
    (Deed::Reorders, Where::BehindAPassword, Outcome::PasswordMismatch, false),
    (Deed::Alters, Where::BehindAPassword, Outcome::PasswordMismatch, false),
    (Deed::Reflects, Where::BehindAPassword, Outcome::PasswordMismatch, false),
    (Deed::SaysItUnsealed, Where::BehindAPassword, Outcome::PasswordMismatch, false),
    (Deed::SaysItSealed, Where::WithoutOne, Outcome::ProtocolError, true),
    (Deed::RegistersAgain, Where::Anywhere, Outcome::ProtocolError, true),
    (Deed::AnnouncesTooMuch, Where::Anywhere, Outcome::ProtocolError, true),
    (Deed::InventsAKind, Where::Anywhere, Outcome::ProtocolError, true),
    (Deed::SpeaksHttp, Where::Anywhere, Outcome::NotIls, false),
    (Deed::BreaksOff, Where::Anywhere, Outcome::Closed, false),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_breaks_a_rule_after_the_join_is_left_by_its_spoke() {
    for (deed, way, outcome, is_told) in Deed::all() {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "spoke", way);
        let (listener, address) = peer::listener().await;
        let villain = tokio::spawn(async move {
            let peer = Peer::hub(&listener, peer::info("villain", 5, Role::Hub), door).await;
            deed.is_done_by(peer).await
        });
        let spoke = bench.spoke_to(address, side).await;
        ends_as(&spoke, outcome).await;
        let told = villain.await.expect("the villain ends");
        let bye = matches!(&told, Some(Message::Bye { reason: Reason::ProtocolError, .. }));
        assert_eq!(bye, is_told, "{deed:?}, {way:?}: {told:?}");
        assert_eq!(alarms(&spoke), alarm_of(outcome), "{deed:?}, {way:?}");
        spoke.until("no link stays", |snapshot| snapshot.joined().count() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joined_peer_that_breaks_a_rule_is_out_with_a_typed_reason_and_the_hub_goes_on() {
    for (deed, way, outcome, is_told) in Deed::all() {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "hub", way);
        let hub = bench.hub(side).await;
        let address = hub.running.listening().expect("it listens");
        let told = deed.is_done_by(Peer::spoke(address, "villain", door.clone()).await).await;
        ends_as(&hub, outcome).await;
        let bye = matches!(&told, Some(Message::Bye { reason: Reason::ProtocolError, .. }));
        assert_eq!(bye, is_told, "{deed:?}, {way:?}: {told:?}");
        assert_eq!(alarms(&hub), alarm_of(outcome), "{deed:?}, {way:?}");
        hub.until("no link stays", |snapshot| snapshot.joined().count() == 0).await;
        // The same, in good order.
        Peer::spoke(address, "villain", door).await;
    }
}
