use super::*;
use crate::samples::{
    answered, begun, channel, claimed, entry, frame, hub, introduction, joined, local, noon, refusal,
};
use crate::session::{Action, Session};
use ils_wire::{FRAME_VERSION, FrameError, HEADER_LEN, MAGIC};
use proptest::prelude::*;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// One message of each kind, all of them well-formed.
fn every() -> Vec<Message> {
    let peer = introduction(9);
    vec![
        hello_message(&[2], false, Some([5; 32])),
        Message::Register(peer.clone()),
        Message::Registered(peer.clone()),
        Message::refused(Reason::Temporary, "later"),
        Message::PeerInfoVector { entries: vec![peer.entry], last: true },
        Message::Ping(1),
        Message::Pong(1),
        Message::bye(Reason::Shutdown, "the end"),
    ]
}

fn hello_message(versions: &[u16], password: bool, share: Option<[u8; 32]>) -> Message {
    let boxes = Boxes { tls: false, password };
    Message::Hello(Hello { versions: versions.to_vec(), boxes, random: [9; 32], share })
}

fn plain(message: &Message) -> RawFrame {
    frame(&message.encode_frame().unwrap())
}

/// The codec of a side that waits for a sealed frame, to speak in its name.
fn codec_of(side: Handshake) -> Codec {
    match side.state {
        State::Register { codec, .. } | State::Answer { codec, .. } => codec,
        State::Hello { .. } => panic!("no keys before the hello"),
    }
}

/// Dialler and listener that have each read the other's Hello, and the Register under way.
fn acquainted(tls: bool, password: Option<u8>) -> (Handshake, Handshake, Vec<u8>) {
    let (hello, dialler, listener) = begun(local(1, tls, password), local(2, tls, password), tls);
    let (hello, listener) = answered(listener, &hello);
    let (register, dialler) = answered(dialler, &hello);
    (dialler, listener, register)
}

#[test]
fn every_method_joins_both_sides() {
    let (plain, tls) = ((false, Some(7)), (true, None));
    for (method, connections) in [
        ("1 password", vec![plain]),
        ("2 TLS", vec![tls]),
        ("3 TLS with password", vec![(true, Some(7))]),
        ("4 password, then TLS", vec![plain, tls]),
    ] {
        for (tls, password) in connections {
            let (dialler, listener, register) = acquainted(tls, password);
            let claim = claimed(listener, &register);
            assert_eq!(claim.entry(), &local(1, tls, password).entry, "{method}");
            assert_eq!(claim.sealed(), password.is_some(), "{method}");
            let (registered, _) = claim.accept().unwrap();
            let claim = claimed(dialler, &registered.unwrap());
            assert_eq!(claim.entry(), &local(2, tls, password).entry, "{method}");
            assert_eq!(claim.opened().is_some(), password.is_some(), "{method}");
        }
    }
}

#[test]
fn a_joined_pair_reads_each_other_in_both_directions() {
    for (tls, password) in [(false, Some(7)), (true, None), (true, Some(7))] {
        let (mut dialler, mut listener) = joined(tls, password);
        for number in 0..3 {
            let there = dialler.codec.encode(&Message::Ping(number)).unwrap();
            assert_eq!(frame(&there).sealed, password.is_some());
            let (message, _) = listener.codec.decode(frame(&there)).unwrap();
            assert_eq!(message, Message::Ping(number));
            let back = listener.codec.encode(&Message::Pong(number)).unwrap();
            assert_eq!(dialler.codec.decode(frame(&back)).unwrap().0, Message::Pong(number));
        }
    }
}

#[test]
fn the_sizes_of_the_first_sealed_frame_are_the_true_ones() {
    let (_, listener, register) = acquainted(false, Some(7));
    let sizes = claimed(listener, &register).opened().unwrap();
    assert_eq!(sizes.inlen, register.len() - HEADER_LEN);
    assert_eq!(sizes.outlen + ils_wire::TAG_LEN, sizes.inlen);
}

#[test]
fn a_wrong_password_is_noticed_by_the_listener_and_the_dialler_never_learns_of_it() {
    for (port, tls) in [("7502", false), ("7501", true)] {
        let (hello, dialler, listener) = begun(local(1, tls, Some(7)), local(2, tls, Some(8)), tls);
        let (hello, listener) = answered(listener, &hello);
        let (register, dialler) = answered(dialler, &hello);
        let refused = refusal(listener, frame(&register));
        assert_eq!(refused.outcome, Outcome::PasswordMismatch, "{port}");
        assert_eq!((refused.ending, refused.reply), (Ending::Silent, None), "{port}");
        assert_eq!((refused.opened, refused.told), (None, None), "{port}");
        assert_eq!(dialler.on_deadline().outcome, Outcome::Unresponsive, "{port}: it waits for an answer");
    }
    assert_eq!(Refusal::closed().outcome, Outcome::Closed, "which is all that a dialler is left with");
}

#[test]
fn another_tls_channel_opens_nothing() {
    let (hello, dialler, _) = begun(local(1, true, Some(7)), local(2, true, Some(7)), true);
    let elsewhere = Channel::Tls(SharedInput::from_exporter([4; 32]));
    let listener = Handshake::listen(local(2, true, Some(7)), elsewhere, [2; 32], noon());
    let (hello, listener) = answered(listener, &hello);
    let (register, _) = answered(dialler, &hello);
    assert_eq!(refusal(listener, frame(&register)).outcome, Outcome::PasswordMismatch);
}

#[test]
fn a_method_mismatch_is_seen_by_both_sides() {
    for (case, dials, listens) in [("dialler only", Some(7), None), ("listener only", None, Some(7))] {
        let (hello, dialler, listener) = begun(local(1, true, dials), local(2, true, listens), true);
        let heard = refusal(listener, frame(&hello));
        assert_eq!((heard.outcome, heard.ending), (Outcome::MethodMismatch, Ending::Request), "{case}");
        let reply = heard.reply.expect("the listener's own hello");
        assert_eq!(frame(&reply).kind, Kind::Hello, "{case}");
        let told = refusal(dialler, frame(&reply));
        assert_eq!((told.outcome, told.ending), (Outcome::MethodMismatch, Ending::Indication), "{case}");
        assert_eq!(told.reply, None, "{case}");
    }
}

#[test]
fn where_a_password_is_set_nothing_unsealed_is_taken_after_the_hello() {
    for message in every() {
        let (dialler, listener, _) = acquainted(true, Some(7));
        for (side, handshake) in [("dialler", dialler), ("listener", listener)] {
            let refused = refusal(handshake, plain(&message));
            assert_eq!(refused.outcome, Outcome::PasswordMismatch, "{side}: {message:?}");
            assert_eq!((refused.ending, refused.reply), (Ending::Silent, None), "{side}: {message:?}");
        }
    }
}

#[test]
fn where_no_password_is_set_nothing_sealed_is_taken() {
    let (mut stranger, _) = joined(true, Some(7));
    let sealed = frame(&stranger.codec.encode(&Message::Ping(1)).unwrap());
    let marked = |message| RawFrame { sealed: true, ..plain(message) };
    let peer = introduction(9);
    for (case, to_listener, to_dialler) in [
        ("sealed with some password", sealed.clone(), sealed),
        (
            "right but for the mark",
            marked(&Message::Register(peer.clone())),
            marked(&Message::Registered(peer)),
        ),
    ] {
        let (dialler, listener, _) = acquainted(true, None);
        for (side, frame) in [(listener, to_listener), (dialler, to_dialler)] {
            let refused = refusal(side, frame);
            assert_eq!(refused.outcome, Outcome::ProtocolError, "{case}");
            assert_eq!((refused.ending, refused.reply), (Ending::Request, None), "{case}");
        }
    }
}

#[test]
fn without_a_common_version_both_sides_say_so() {
    let (_, dialler, listener) = begun(local(1, false, Some(7)), local(2, false, Some(7)), false);
    let heard = refusal(listener, plain(&hello_message(&[1, 3], true, Some([5; 32]))));
    assert_eq!((heard.outcome, heard.ending), (Outcome::ProtocolVersion, Ending::Request));
    let reply = frame(&heard.reply.expect("last words"));
    assert_eq!((reply.kind, reply.sealed), (Kind::Refused, false));
    let told = refusal(dialler, reply);
    assert_eq!((told.outcome, told.ending), (Outcome::ProtocolVersion, Ending::Indication));
    assert_eq!(told.told, Some(Reason::ProtocolVersion));
    assert!(told.detail.contains("[1, 3]"), "{}", told.detail);
}

#[test]
fn a_listeners_hello_holds_one_version_that_was_offered() {
    for (case, versions, joins) in [
        ("the one", &[2][..], true),
        ("not offered", &[1], false),
        ("two", &[2, 3], false),
        ("the same twice", &[2, 2], false),
    ] {
        let (_, dialler, _) = begun(local(1, false, Some(7)), local(2, false, Some(7)), false);
        let answer = plain(&hello_message(versions, true, Some([5; 32])));
        match dialler.on_frame(answer, noon()) {
            Ok(_) => assert!(joins, "{case}"),
            Err(refused) => {
                assert!(!joins, "{case}");
                assert_eq!((refused.outcome, refused.reply), (Outcome::ProtocolVersion, None), "{case}");
            }
        }
    }
}

#[test]
fn the_password_port_needs_a_share_that_is_not_weak() {
    let one = std::array::from_fn(|at| u8::from(at == 0));
    for (case, share, good) in [
        ("good", Some([5; 32]), true),
        ("missing", None, false),
        ("all zeros", Some([0; 32]), false),
        ("of small order", Some(one), false),
    ] {
        let (_, dialler, listener) = begun(local(1, false, Some(7)), local(2, false, Some(7)), false);
        for (side, handshake) in [("dialler", dialler), ("listener", listener)] {
            let outcome = handshake.on_frame(plain(&hello_message(&[2], true, share)), noon());
            let refused = outcome.err().map(|refused| (refused.outcome, refused.ending));
            assert_eq!(
                refused,
                (!good).then_some((Outcome::ProtocolError, Ending::Request)),
                "{side}: {case}"
            );
        }
    }
}

#[test]
fn before_the_hello_nothing_else_is_taken() {
    for message in every().into_iter().filter(|message| message.kind() != Kind::Hello) {
        let (_, dialler, listener) = begun(local(1, true, None), local(2, true, None), true);
        for (side, handshake) in [("dialler", dialler), ("listener", listener)] {
            let refused = refusal(handshake, plain(&message));
            assert_eq!(refused.outcome, Outcome::ProtocolError, "{side}: {message:?}");
            assert_eq!((refused.ending, refused.reply, refused.told), (Ending::Request, None, None));
        }
    }
}

#[test]
fn a_hello_is_never_sealed_nor_anything_else_in_its_place() {
    for kind in Kind::ALL.iter().copied() {
        let (hello, dialler, listener) = begun(local(1, true, None), local(2, true, None), true);
        let sealed = RawFrame { kind, sealed: true, ..frame(&hello) };
        for side in [dialler, listener] {
            assert_eq!(refusal(side, sealed.clone()).outcome, Outcome::ProtocolError, "{kind}");
        }
    }
}

#[test]
fn after_the_hello_only_what_the_state_allows_is_taken() {
    for password in [None, Some(7)] {
        for message in every() {
            let kind = message.kind();
            if password.is_some() && kind == Kind::Hello {
                continue; // cannot be sealed; unsealed it has a row of its own
            }
            let told = |text: &str| {
                (
                    Outcome::from(if text == "later" { Reason::Temporary } else { Reason::Shutdown }),
                    Ending::Indication,
                )
            };
            let fault = Some((Outcome::ProtocolError, Ending::Request));
            let impostor = Some((Outcome::DuplicateIdentity, Ending::Request));
            let (at_listener, at_dialler) = match &message {
                // The right message, of whoever has no proof for this connection.
                Message::Register(_) => (impostor, fault),
                Message::Registered(_) => (fault, impostor),
                Message::Refused { text, .. } => (fault, Some(told(text))),
                Message::Bye { text, .. } => (Some(told(text)), Some(told(text))),
                _ => (fault, fault),
            };
            for (side, want) in [("listener", at_listener), ("dialler", at_dialler)] {
                let (dialler, listener, _) = acquainted(true, password);
                let (hears, speaks) =
                    if side == "listener" { (listener, dialler) } else { (dialler, listener) };
                // A dialler has sealed its Register already: what it says next would be number two.
                let bytes = match side {
                    "listener" => first_words(password, &message),
                    _ => codec_of(speaks).encode(&message).unwrap(),
                };
                let outcome = hears.on_frame(frame(&bytes), noon());
                let refused = outcome.err();
                let opened =
                    refused.as_ref().is_none_or(|refused| refused.opened.is_some() == password.is_some());
                assert!(opened, "{side}: {kind}");
                let refused = refused.map(|refused| (refused.outcome, refused.ending));
                assert_eq!(refused, want, "{side}: {kind}, password {password:?}");
            }
        }
    }
}

#[test]
fn nobody_registers_under_a_peer_id_without_its_key() {
    for password in [None, Some(7)] {
        let of_another = Introduction { entry: entry(&hub(3)), ..introduction(1) };
        for (case, peer) in [
            ("with what it heard on another connection", introduction(1)),
            ("with the entry that everybody has, and a key of its own", of_another),
        ] {
            let (_, listener, _) = acquainted(true, password);
            let said = first_words(password, &Message::Register(peer.clone()));
            let refused = refusal(listener, frame(&said));
            assert_eq!(
                (refused.outcome, refused.ending),
                (Outcome::DuplicateIdentity, Ending::Request),
                "{case}"
            );
            assert!(refused.detail.contains(&peer.entry.peer_id().to_string()), "{case}: {}", refused.detail);
            let reply = frame(&refused.reply.expect("last words"));
            assert_eq!((reply.kind, reply.sealed), (Kind::Refused, password.is_some()), "{case}");
        }
    }
}

#[test]
fn a_proof_of_one_end_is_none_of_the_other() {
    let (dialler, listener, register) = acquainted(true, None);
    let Ok(Message::Register(own)) = Message::decode(Kind::Register, &frame(&register).payload) else {
        panic!("a dialler registers");
    };
    let reflected = Message::Registered(own).encode_frame().unwrap();
    let refused = refusal(dialler, frame(&reflected));
    assert_eq!(refused.outcome, Outcome::DuplicateIdentity);
    assert_eq!(frame(&refused.reply.expect("last words")).kind, Kind::Bye);
    drop(listener);
}

/// What a dialler with the keys says instead of its Register.
fn first_words(password: Option<u8>, message: &Message) -> Vec<u8> {
    let (hello, _, listener) = begun(local(1, true, password), local(2, true, password), true);
    let (answer, _) = answered(listener, &hello);
    let Ok(Message::Hello(theirs)) = Message::decode(Kind::Hello, &frame(&answer).payload) else {
        panic!("a listener answers with its hello");
    };
    let (_, keys) = derived(&local(1, true, password), channel(true, 1), &theirs, &hello, &answer).unwrap();
    Codec(keys.map(ConnectionKeys::for_dialler)).encode(message).unwrap()
}

#[test]
fn what_is_told_keeps_reason_and_words() {
    let (dialler, listener, register) = acquainted(false, Some(7));
    let reply =
        claimed(listener, &register).refuse(Reason::DuplicateClusterId, "Cluster-1 is taken").unwrap();
    let sealed = frame(&reply);
    assert_eq!((sealed.kind, sealed.sealed), (Kind::Refused, true));
    assert!(!String::from_utf8_lossy(&sealed.payload).contains("taken"), "the words are sealed");
    let told = refusal(dialler, sealed);
    assert_eq!((told.outcome, told.ending), (Outcome::DuplicateClusterId, Ending::Indication));
    assert_eq!((told.told, told.detail.as_str()), (Some(Reason::DuplicateClusterId), "Cluster-1 is taken"));
    assert!(told.opened.is_some());
}

#[test]
fn a_dialler_that_refuses_says_a_sealed_bye() {
    let (dialler, listener, register) = acquainted(false, Some(7));
    let (registered, listener) = claimed(listener, &register).accept().unwrap();
    let bye = claimed(dialler, &registered.unwrap()).refuse(Reason::FqdnMismatch, "not you").unwrap();
    assert_eq!((frame(&bye).kind, frame(&bye).sealed), (Kind::Bye, true));
    let mut session = Session::new(listener, MINUTE, true, noon());
    let actions = session.on_frame(frame(&bye), noon());
    let [Action::Close(refused)] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!((refused.outcome, refused.told), (Outcome::FqdnMismatch, Some(Reason::FqdnMismatch)));
}

#[test]
fn a_refusal_without_words_is_told_by_its_reason() {
    let refused = Refusal::told(Reason::RoleChanged, "", None);
    assert_eq!(refused.detail, "the peer says: role-changed");
}

#[test]
fn a_peer_that_sends_everything_back_does_not_join() {
    let (hello, dialler, _) = begun(local(1, false, Some(7)), local(2, false, Some(7)), false);
    let (register, dialler) = answered(dialler, &hello);
    let refused = refusal(dialler, frame(&register));
    assert_eq!((refused.outcome, refused.ending), (Outcome::PasswordMismatch, Ending::Silent));
}

#[test]
fn a_register_that_was_recorded_opens_in_no_other_conversation() {
    let (_, _, recorded) = acquainted(false, Some(7));
    let (hello, _, _) = begun(local(1, false, Some(7)), local(2, false, Some(7)), false);
    let fresh = Handshake::listen(local(2, false, Some(7)), channel(false, 6), [6; 32], noon());
    let (_, fresh) = answered(fresh, &hello);
    assert_eq!(refusal(fresh, frame(&recorded)).outcome, Outcome::PasswordMismatch);
}

#[test]
fn each_phase_has_its_own_deadline_and_its_own_name_for_silence() {
    let timers =
        Timers { hello: Duration::from_secs(3), register: Duration::from_secs(8), ..Timers::default() };
    let start = noon();
    let timed = |n| Local { timers, ..local(n, true, None) };
    let (hello, dialler) = Handshake::dial(timed(1), channel(true, 1), [1; 32], start).unwrap();
    let listener = Handshake::listen(timed(2), channel(true, 2), [2; 32], start);
    for side in [&dialler, &listener] {
        assert_eq!(side.deadline(), start + timers.hello);
        assert!(!side.has_hello());
    }
    let later = start + timers.hello - Duration::from_millis(1);
    let Ok(Progress::Send(answer, listener)) = listener.on_frame(frame(&hello), later) else {
        panic!("a hello just in time");
    };
    let Ok(Progress::Send(_, dialler)) = dialler.on_frame(frame(&answer), later) else {
        panic!("an answer just in time");
    };
    for side in [dialler, listener] {
        assert_eq!(side.deadline(), later + timers.register, "the next phase begins with the frame");
        assert!(side.has_hello());
        let silent = side.on_deadline();
        assert_eq!((silent.outcome, silent.ending), (Outcome::Unresponsive, Ending::Request));
    }
    let waiting = Handshake::listen(timed(2), channel(true, 2), [2; 32], start);
    let silent = waiting.on_deadline();
    assert_eq!((silent.outcome, silent.ending, silent.reply), (Outcome::Timeout, Ending::Request, None));
}

#[test]
fn bytes_that_are_no_frame_end_with_the_outcome_of_their_fault() {
    for (error, want) in [
        (FrameError::NotIls, Outcome::NotIls),
        (FrameError::Version { got: 2 }, Outcome::ProtocolVersion),
        (FrameError::UnknownKind(6), Outcome::ProtocolError),
        (FrameError::Flags(2), Outcome::ProtocolError),
        (FrameError::Reserved(1), Outcome::ProtocolError),
        (FrameError::TooLong { len: 2, cap: 1 }, Outcome::ProtocolError),
    ] {
        let refused = Refusal::from(error);
        assert_eq!(
            (refused.outcome, refused.ending, refused.reply),
            (want, Ending::Request, None),
            "{error}"
        );
    }
}

#[test]
fn a_payload_that_is_no_message_is_a_protocol_error() {
    for kind in Kind::ALL.iter().copied() {
        let junk = junk(kind, false, vec![0xff, 0x00]);
        let (_, dialler, listener) = begun(local(1, true, None), local(2, true, None), true);
        let (waiting_dialler, waiting_listener, _) = acquainted(true, None);
        for side in [dialler, listener, waiting_dialler, waiting_listener] {
            assert_eq!(refusal(side, junk.clone()).outcome, Outcome::ProtocolError, "{kind}");
        }
    }
}

fn junk(kind: Kind, sealed: bool, payload: Vec<u8>) -> RawFrame {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&MAGIC);
    (header[4], header[5], header[6]) = (FRAME_VERSION, kind.code(), u8::from(sealed));
    RawFrame { kind, sealed, header, payload }
}

fn any_frame() -> impl Strategy<Value = RawFrame> {
    let message = prop::sample::select(every()).prop_map(|message| plain(&message));
    let sealed_hello = Just(plain(&hello_message(&[2], true, Some([5; 32]))));
    let bytes = prop::collection::vec(any::<u8>(), 0..64);
    let noise = (prop::sample::select(Kind::ALL), any::<bool>(), bytes);
    prop_oneof![4 => message, 2 => sealed_hello, 3 => noise.prop_map(|(kind, sealed, payload)| junk(kind, sealed, payload))]
}

proptest! {
    #[test]
    fn frames_in_any_order_never_panic_and_never_join_without_the_password(
        frames in prop::collection::vec(any_frame(), 1..6), dials: bool, tls: bool, password: bool,
    ) {
        let password = (password || !tls).then_some(7);
        let (_, dialler, listener) = begun(local(1, tls, password), local(2, tls, password), tls);
        let mut side = if dials { dialler } else { listener };
        let mut answers = 0;
        for frame in frames {
            match side.on_frame(frame, noon()) {
                Ok(Progress::Send(_, next)) => {
                    side = next;
                    answers += 1;
                    prop_assert_eq!(answers, 1, "one hello is answered, once");
                }
                Ok(Progress::Claimed(claimed)) => {
                    prop_assert!(password.is_none() && !claimed.sealed() && answers == 1);
                    break;
                }
                Err(_) => break,
            }
        }
    }
}
