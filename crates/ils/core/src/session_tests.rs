use super::*;
use crate::handshake::Ending;
use crate::samples::{frame, info, joined, local, noon};
use ils_wire::Hello;

const MILLI: Duration = Duration::from_millis(1);
const SYNC: Duration = Duration::from_secs(600);

/// Sessions of a dialler (cluster 1) and a listener (cluster 2), sealed where there is a password.
fn pair(password: Option<u8>, now: Instant) -> (Session, Session) {
    let (dialler, listener) = joined(true, password);
    (Session::new(dialler, SYNC, true, now), Session::new(listener, SYNC, true, now))
}

fn sent(action: &Action) -> RawFrame {
    match action {
        Action::Send(bytes) => frame(bytes),
        other => panic!("not sent: {other:?}"),
    }
}

fn closed(actions: Vec<Action>) -> Refusal {
    match <[Action; 1]>::try_from(actions) {
        Ok([Action::Close(refusal)]) => refusal,
        other => panic!("not just a close: {other:?}"),
    }
}

/// The message that one side writes next.
fn says(side: &mut Session, message: &Message) -> RawFrame {
    frame(&side.codec.encode(message).unwrap())
}

#[test]
fn a_vector_arrives_whole_and_in_order_however_many_batches_it_takes() {
    for (case, count, batches) in
        [("none", 0, 1), ("one", 1, 1), ("a full batch", 200, 1), ("one more", 201, 2), ("many", 450, 3)]
    {
        let now = noon();
        let (mut hub, mut spoke) = pair(Some(7), now);
        let vector: Vec<PeerInfo> = (1..=count).map(info).collect();
        let written = hub.send_vector(vector.clone(), now).unwrap();
        assert_eq!(written.len(), batches, "{case}");
        let mut learned = Vec::new();
        for (n, bytes) in written.iter().enumerate() {
            let actions = spoke.on_frame(frame(bytes), now);
            let [Action::Learn { entries, last }] = actions.as_slice() else {
                panic!("{case}: {actions:?}");
            };
            assert_eq!(*last, n + 1 == batches, "{case}: only the last one says so");
            learned.extend(entries.iter().cloned());
        }
        assert_eq!(learned, vector, "{case}");
    }
}

#[test]
fn after_the_interval_a_ping_goes_out_and_not_before() {
    let start = noon();
    let (mut session, mut peer) = pair(Some(7), start);
    let ping = session.timers.ping;
    assert_eq!(session.deadline(), start + ping);
    assert!(session.on_tick(start + ping - MILLI).is_empty());
    let actions = session.on_tick(start + ping);
    assert_eq!(peer.codec.decode(sent(&actions[0])).unwrap().0, Message::Ping(1));
    assert_eq!(actions.len(), 1);
    assert!(session.on_tick(start + ping).is_empty(), "the next one is due an interval later");
    assert_eq!(session.deadline(), start + 2 * ping);
    assert_eq!(session.on_tick(start + 2 * ping).len(), 1);
}

#[test]
fn whatever_is_sent_puts_the_next_ping_off() {
    let start = noon();
    let later = start + MILLI;
    let (mut vector, mut other) = pair(None, start);
    let (mut ponging, _) = pair(None, start);
    vector.send_vector(vec![], later).unwrap();
    ponging.on_frame(says(&mut other, &Message::Ping(4)), later);
    for mut session in [vector, ponging] {
        let ping = session.timers.ping;
        assert!(session.on_tick(start + ping).is_empty());
        assert_eq!(session.on_tick(later + ping).len(), 1);
    }
}

#[test]
fn a_silent_peer_is_dropped_after_the_idle_time_and_not_before() {
    let start = noon();
    let (mut session, mut peer) = pair(Some(7), start);
    let idle = session.timers.idle;
    let before = session.on_tick(start + idle - MILLI);
    assert!(matches!(before.as_slice(), [Action::Send(_)]), "a ping at most: {before:?}");
    let refusal = closed(session.on_tick(start + idle));
    assert_eq!((refusal.outcome, refusal.ending), (Outcome::Unresponsive, Ending::Request));
    assert_eq!(refusal.claim, "Cluster-2", "the alarm names the cluster");
    peer.on_frame(sent(&before[0]), start);
    let bye = peer.on_frame(frame(&refusal.reply.expect("last words")), start);
    assert_eq!(closed(bye).told, Some(Reason::Unresponsive));
}

#[test]
fn any_frame_shows_that_the_peer_is_there() {
    let start = noon();
    let later = start + MILLI;
    let (mut session, mut peer) = pair(None, start);
    let idle = session.timers.idle;
    session.on_frame(says(&mut peer, &Message::Pong(99)), later);
    assert!(!session.on_tick(start + idle).iter().any(|action| matches!(action, Action::Close(_))));
    assert_eq!(closed(session.on_tick(later + idle)).outcome, Outcome::Unresponsive);
}

#[test]
fn a_ping_is_answered_with_its_own_number() {
    let now = noon();
    let (mut session, mut peer) = pair(Some(7), now);
    let actions = session.on_frame(says(&mut peer, &Message::Ping(u64::MAX)), now);
    let [Action::Send(pong), Action::Contact] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    let (pong, _) = peer.codec.decode(frame(pong)).unwrap();
    assert_eq!(pong, Message::Pong(u64::MAX));
    let back = peer.on_frame(says(&mut session, &pong), now);
    assert!(matches!(back.as_slice(), [Action::Contact]), "{back:?}");
}

#[test]
fn a_bye_closes_and_tells_why() {
    for (reason, want) in [
        (Reason::Shutdown, Outcome::Closed),
        (Reason::MethodChanged, Outcome::Closed),
        (Reason::Displaced, Outcome::Closed),
        (Reason::Temporary, Outcome::Temporary),
        (Reason::FqdnMismatch, Outcome::FqdnMismatch),
        (Reason::Other(200), Outcome::Closed),
    ] {
        for password in [None, Some(7)] {
            let now = noon();
            let (mut session, mut peer) = pair(password, now);
            let bye = peer.bye(reason, "as told").unwrap();
            let refusal = closed(session.on_frame(frame(&bye), now));
            assert_eq!((refusal.outcome, refusal.ending), (want, Ending::Indication), "{reason}");
            assert_eq!((refusal.told, refusal.detail.as_str()), (Some(reason), "as told"), "{reason}");
            assert_eq!(refusal.reply, None, "{reason}");
        }
    }
}

#[test]
fn nothing_follows_a_sealed_bye_in_its_direction() {
    let now = noon();
    let (mut session, mut peer) = pair(Some(7), now);
    let bye = frame(&peer.bye(Reason::Shutdown, "").unwrap());
    assert_eq!(peer.bye(Reason::Shutdown, ""), None);
    assert!(peer.send_vector(vec![], now).is_err());
    session.on_frame(bye.clone(), now);
    assert_eq!(closed(session.on_frame(bye, now)).outcome, Outcome::ProtocolError);
}

#[test]
fn what_belongs_before_the_join_is_a_fault_after_it() {
    let own = local(1, true, None).info;
    let boxes = ils_wire::Boxes { tls: true, password: false };
    let hello = Hello { versions: vec![1], boxes, random: [1; 32], share: None };
    for (message, passwords) in [
        (Message::Hello(hello), &[None][..]),
        (Message::Register(own.clone()), &[None, Some(7)]),
        (Message::Registered(own), &[None, Some(7)]),
        (Message::refused(Reason::Temporary, ""), &[None, Some(7)]),
    ] {
        for password in passwords.iter().copied() {
            let now = noon();
            let (mut session, mut peer) = pair(password, now);
            let refusal = closed(session.on_frame(says(&mut peer, &message), now));
            assert_eq!(
                (refusal.outcome, refusal.ending),
                (Outcome::ProtocolError, Ending::Request),
                "{message:?}"
            );
            assert_eq!(refusal.opened, None, "the first sealed frame was noted long ago: {message:?}");
            let bye = closed(peer.on_frame(frame(&refusal.reply.expect("last words")), now));
            assert_eq!(bye.told, Some(Reason::ProtocolError), "{message:?}");
        }
    }
}

#[test]
fn a_frame_that_does_not_open_ends_the_session_without_a_word() {
    let now = noon();
    let replayed = {
        let (_, mut peer) = pair(Some(7), now);
        says(&mut peer, &Message::Ping(1))
    };
    let altered = {
        let mut altered = replayed.clone();
        altered.payload[0] ^= 1;
        altered
    };
    let unsealed = frame(&Message::Ping(1).encode_frame().unwrap());
    for (case, frame, first) in
        [("replayed", replayed.clone(), true), ("altered", altered, false), ("unsealed", unsealed, false)]
    {
        let (mut session, _) = pair(Some(7), now);
        if first {
            assert_eq!(session.on_frame(replayed.clone(), now).len(), 2, "{case}: it opens once");
        }
        let refusal = closed(session.on_frame(frame, now));
        assert_eq!((refusal.outcome, refusal.ending), (Outcome::PasswordMismatch, Ending::Silent), "{case}");
        assert_eq!((refusal.reply, refusal.told), (None, None), "{case}");
    }
}

#[test]
fn only_the_first_sealed_frame_is_noted() {
    for (case, password, noted_before, want) in [
        ("noted in the handshake", Some(7), true, [false, false]),
        ("not noted yet", Some(7), false, [true, false]),
        ("nothing is sealed", None, false, [false, false]),
    ] {
        let now = noon();
        let (dialler, listener) = joined(true, password);
        let mut session = Session::new(dialler, SYNC, noted_before, now);
        let mut peer = Session::new(listener, SYNC, true, now);
        let noted = [1, 2].map(|number| {
            let actions = session.on_frame(says(&mut peer, &Message::Pong(number)), now);
            matches!(actions.first(), Some(Action::Opened(_)))
        });
        assert_eq!(noted, want, "{case}");
    }
}

#[test]
fn a_fault_in_the_first_sealed_frame_notes_its_sizes_once() {
    let now = noon();
    let (dialler, listener) = joined(true, Some(7));
    let mut session = Session::new(dialler, SYNC, false, now);
    let mut peer = Session::new(listener, SYNC, true, now);
    let refused = says(&mut peer, &Message::refused(Reason::Temporary, ""));
    let actions = session.on_frame(refused, now);
    let [Action::Opened(_), Action::Close(refusal)] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!((refusal.outcome, refusal.opened), (Outcome::ProtocolError, None));
}

#[test]
fn the_vector_is_due_again_after_the_interval_and_not_before() {
    let start = noon();
    let (mut session, _) = pair(None, start);
    assert!(!session.sync_is_due(start + SYNC - MILLI));
    assert!(session.sync_is_due(start + SYNC));
    session.send_vector(vec![], start + SYNC).unwrap();
    assert!(!session.sync_is_due(start + 2 * SYNC - MILLI));
    assert!(session.sync_is_due(start + 2 * SYNC));
}

#[test]
fn the_interval_may_change_while_the_connection_stands() {
    let start = noon();
    let (mut session, _) = pair(None, start);
    let short = Duration::from_secs(1);
    session.set_sync_every(short);
    assert_eq!(session.deadline(), start + short, "a tick comes in time for it");
    assert!(!session.sync_is_due(start + short - MILLI) && session.sync_is_due(start + short));
    session.set_sync_every(SYNC);
    assert!(!session.sync_is_due(start + short));
}

#[test]
fn a_session_knows_its_peer() {
    let (session, _) = pair(None, noon());
    assert_eq!(session.peer(), &local(2, true, None).info);
    assert_eq!(session.peer_id(), info(2).peer_id);
}
