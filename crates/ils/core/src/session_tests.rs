use std::sync::Arc;

use super::*;
use crate::config::{ClusterRole, Config};
use crate::handshake::Ending;
use crate::samples::{config, entry, frame, info, introduction, joined, known, local, noon, registry_of};
use ils_wire::{BATCH_OCTETS, HEADER_LEN, Hello, NODE_ADDRESSES, NODES, NodeAddress};

const MILLI: Duration = Duration::from_millis(1);
const SYNC: Duration = Duration::from_secs(600);

/// Sessions of a dialler (cluster 1) and a listener (cluster 2), sealed where there is a password.
fn pair(password: Option<u8>, now: Instant) -> (Session, Session) {
    let (dialler, listener) = joined(true, password);
    (Session::new(dialler, SYNC, true, now), Session::new(listener, SYNC, true, now))
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

/// A hub that knows these clusters besides itself.
fn state(known_ones: impl IntoIterator<Item = PeerInfo>) -> Snapshot {
    registry_of(config(ClusterRole::Hub), known_ones.into_iter().map(known).collect()).snapshot()
}

/// Cluster number `n` with so many nodes and addresses that seven are a batch.
fn large(n: u16) -> PeerInfo {
    let host = format!("{0}.{0}.{0}.{0}", "h".repeat(60)).parse().unwrap();
    let node = NodeAddress { host, addresses: vec!["2001:db8::1".parse().unwrap(); NODE_ADDRESSES] };
    PeerInfo { nodes: vec![node; NODES], ..info(n) }
}

/// The next frame, as a message that the other side opens.
fn next(side: &mut Session, other: &mut Session, state: &Snapshot, now: Instant) -> Option<Message> {
    let bytes = side.next_frame(state, now).unwrap()?;
    Some(other.codec.decode(frame(&bytes)).unwrap().0)
}

/// All that a side has to say now.
fn all(side: &mut Session, other: &mut Session, state: &Snapshot, now: Instant) -> Vec<Message> {
    std::iter::from_fn(|| next(side, other, state, now)).collect()
}

/// How many entries each batch has, and whether it says that it is the last.
fn shape(messages: &[Message]) -> Vec<(usize, bool)> {
    let shape = |message: &Message| match message {
        Message::PeerInfoVector { entries, last } => (entries.len(), *last),
        other => panic!("{other:?}"),
    };
    messages.iter().map(shape).collect()
}

fn entries(messages: Vec<Message>) -> Vec<Entry> {
    let entries = |message| match message {
        Message::PeerInfoVector { entries, .. } => entries,
        other => panic!("{other:?}"),
    };
    messages.into_iter().flat_map(entries).collect()
}

#[test]
fn a_vector_arrives_whole_and_in_order_however_many_batches_it_takes() {
    for (case, count, large_ones, batches) in [
        ("itself alone", 0, false, 1),
        ("one", 1, false, 1),
        ("as many as are advertised", 199, false, 1),
        ("no more than those", 300, false, 1),
        ("a few large ones", 7, true, 1),
        ("one more large one", 9, true, 2),
        ("many large ones", 300, true, 25),
    ] {
        let now = noon();
        let (mut hub, mut spoke) = pair(Some(7), now);
        let one = |n| if large_ones { large(n) } else { info(n) };
        let state = state((1..=count).map(|n| one(1_000 + n)));
        let wanted = state.vector_for(hub.peer_id());
        let mut learned = Vec::new();
        for n in 1..=batches {
            let bytes = hub.next_frame(&state, now).unwrap().expect(case);
            assert!(bytes.len() <= BATCH_OCTETS + HEADER_LEN, "{case}");
            let actions = spoke.on_frame(frame(&bytes), now);
            let [Action::Learn { entries, last }] = actions.as_slice() else {
                panic!("{case}: {actions:?}");
            };
            assert_eq!(*last, n == batches, "{case}: only the last one says so");
            learned.extend(entries.iter().cloned());
        }
        assert_eq!(hub.next_frame(&state, now).unwrap(), None, "{case}");
        assert_eq!(learned, wanted, "{case}");
    }
}

#[test]
fn what_changes_while_a_vector_is_told_is_one_later_sending() {
    let now = noon();
    let (mut hub, mut spoke) = pair(Some(7), now);
    let mut state = state((1..=20).map(|n| large(1_000 + n)));
    let first = Vec::from_iter(next(&mut hub, &mut spoke, &state, now));
    assert!(!shape(&first).first().unwrap().1);
    for change in 0..100 {
        state.vector_version += 1;
        let mut peers = state.peers.to_vec();
        let peer = Arc::make_mut(&mut peers[0]);
        let description = format!("change {change}").parse().unwrap();
        peer.known.entry = entry(&PeerInfo { description, ..peer.known.info().clone() });
        state.peers = std::sync::Arc::new(peers);
    }
    let rest = all(&mut hub, &mut spoke, &state, now);
    let lasts = shape(&rest).iter().filter(|(_, last)| *last).count();
    assert_eq!(lasts, 2, "the one under way, and one more");
    let told = entries(rest);
    assert!(told.ends_with(&state.vector_for(hub.peer_id())), "whole and current");
}

#[test]
fn a_sending_goes_on_in_the_newest_state_without_leaving_out_or_repeating_anyone() {
    let now = noon();
    let (mut hub, mut spoke) = pair(None, now);
    let full = state((1..=20).map(|n| large(1_000 + n)));
    let first: Vec<Message> = next(&mut hub, &mut spoke, &full, now).into_iter().collect();
    let told = entries(first);
    let mut left: Vec<Entry> = full.vector_for(hub.peer_id()).into_iter().skip(told.len()).collect();
    // Some that were told are gone since, as is one that was not.
    let gone = [told[1].clone(), told[2].clone(), left.remove(2)];
    let stays = |n: &u16| !gone.contains(&entry(&large(1_000 + n)));
    let mut fewer = state((1..=20).filter(stays).map(|n| large(1_000 + n)));
    fewer.vector_version = full.vector_version;
    let rest = entries(all(&mut hub, &mut spoke, &fewer, now));
    assert_eq!(rest, left);
}

#[test]
fn while_a_vector_is_told_no_further_one_falls_due() {
    let start = noon();
    let (mut hub, mut spoke) = pair(None, start);
    let state = state((1..=20).map(|n| large(1_000 + n)));
    next(&mut hub, &mut spoke, &state, start).unwrap();
    assert_eq!(hub.deadline(), start + hub.timers.ping, "nothing to wake up for");
    let late = start + 2 * SYNC;
    let rest = shape(&all(&mut hub, &mut spoke, &state, late));
    assert_eq!(rest.iter().filter(|(_, last)| *last).count(), 2, "then at once: {rest:?}");
}

#[test]
fn pings_are_answered_each_and_in_order_before_anything_else_is_told() {
    let now = noon();
    let (mut session, mut peer) = pair(Some(7), now);
    let owed = u64::try_from(limits::PONGS_OWED).unwrap();
    for number in 0..owed {
        assert!(!session.is_sated(), "{number} are owed");
        session.on_frame(says(&mut peer, &Message::Ping(number)), now);
    }
    assert!(session.is_sated());
    let state = state([]);
    for number in 0..owed {
        assert_eq!(next(&mut session, &mut peer, &state, now), Some(Message::Pong(number)));
        assert!(!session.is_sated());
    }
    let told: Vec<Message> = next(&mut session, &mut peer, &state, now).into_iter().collect();
    assert_eq!(shape(&told), [(1, true)]);
}

#[test]
fn of_pings_that_there_is_no_room_for_one_is_sent() {
    let start = noon();
    let (mut session, mut peer) = pair(Some(7), start);
    let state = state([]);
    all(&mut session, &mut peer, &state, start);
    let ping = session.timers.ping;
    for missed in 1..=2 {
        assert!(session.on_tick(start + missed * ping).is_empty());
    }
    assert_eq!(all(&mut session, &mut peer, &state, start + 2 * ping), [Message::Ping(1)]);
}

/// Sessions that have told each other all there is.
fn settled(password: Option<u8>, now: Instant) -> (Session, Session, Snapshot) {
    let ((mut session, mut peer), state) = (pair(password, now), state([]));
    all(&mut session, &mut peer, &state, now);
    (session, peer, state)
}

#[test]
fn after_the_interval_a_ping_goes_out_and_not_before() {
    let start = noon();
    let (mut session, mut peer, state) = settled(Some(7), start);
    let ping = session.timers.ping;
    let mut ticked = |session: &mut Session, now| {
        assert!(session.on_tick(now).is_empty());
        all(session, &mut peer, &state, now)
    };
    assert_eq!(session.deadline(), start + ping);
    assert_eq!(ticked(&mut session, start + ping - MILLI), []);
    assert_eq!(ticked(&mut session, start + ping), [Message::Ping(1)]);
    assert_eq!(ticked(&mut session, start + ping), [], "the next one is due an interval later");
    assert_eq!(session.deadline(), start + 2 * ping);
    assert_eq!(ticked(&mut session, start + 2 * ping), [Message::Ping(2)]);
}

#[test]
fn whatever_is_sent_puts_the_next_ping_off() {
    let start = noon();
    let later = start + MILLI;
    let (vector, _) = pair(None, start);
    let (mut ponging, mut other, state) = settled(None, start);
    ponging.on_frame(says(&mut other, &Message::Ping(4)), later);
    for mut session in [vector, ponging] {
        let ping = session.timers.ping;
        assert_eq!(all(&mut session, &mut other, &state, later).len(), 1);
        session.on_tick(start + ping);
        assert_eq!(all(&mut session, &mut other, &state, start + ping), []);
        session.on_tick(later + ping);
        assert_eq!(all(&mut session, &mut other, &state, later + ping), [Message::Ping(1)]);
    }
}

#[test]
fn a_silent_peer_is_dropped_after_the_idle_time_and_not_before() {
    let start = noon();
    let (mut session, mut peer, state) = settled(Some(7), start);
    let idle = session.timers.idle;
    assert!(session.on_tick(start + idle - MILLI).is_empty());
    assert_eq!(all(&mut session, &mut peer, &state, start), [Message::Ping(1)], "a ping at most");
    let refusal = closed(session.on_tick(start + idle));
    assert_eq!((refusal.outcome, refusal.ending), (Outcome::Unresponsive, Ending::Request));
    assert_eq!(refusal.claim, "Cluster-2", "the alarm names the cluster");
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
    let (mut session, mut peer, state) = settled(Some(7), now);
    let actions = session.on_frame(says(&mut peer, &Message::Ping(u64::MAX)), now);
    assert!(matches!(actions.as_slice(), [Action::Contact]), "{actions:?}");
    let pong = Message::Pong(u64::MAX);
    assert_eq!(all(&mut session, &mut peer, &state, now), std::slice::from_ref(&pong));
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
    assert!(peer.next_frame(&state([]), now).is_err());
    session.on_frame(bye.clone(), now);
    assert_eq!(closed(session.on_frame(bye, now)).outcome, Outcome::ProtocolError);
}

#[test]
fn what_belongs_before_the_join_is_a_fault_after_it() {
    let own = introduction(1);
    let boxes = ils_wire::Boxes { tls: true, password: false };
    let hello = Hello { versions: vec![2], boxes, random: [1; 32], share: None };
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
            assert_eq!(session.on_frame(replayed.clone(), now).len(), 1, "{case}: it opens once");
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
    let (mut session, mut peer, state) = settled(None, start);
    for due in [start + SYNC, start + 2 * SYNC] {
        assert_eq!(all(&mut session, &mut peer, &state, due - MILLI), []);
        assert_eq!(shape(&all(&mut session, &mut peer, &state, due)), [(1, true)]);
    }
}

#[test]
fn the_interval_may_change_while_the_connection_stands() {
    let start = noon();
    let (mut session, mut peer, mut state) = settled(None, start);
    let short = Duration::from_secs(1);
    let mut change = |state: &mut Snapshot, session: &mut Session, every, now| {
        state.config = std::sync::Arc::new(Config { sync_every: every, ..(*state.config).clone() });
        all(session, &mut peer, state, now)
    };
    assert_eq!(change(&mut state, &mut session, short, start), []);
    assert_eq!(session.deadline(), start + short, "a tick comes in time for it");
    assert_eq!(change(&mut state, &mut session, SYNC, start + short), []);
    assert_eq!(change(&mut state, &mut session, short, start + short - MILLI), []);
    assert_eq!(change(&mut state, &mut session, short, start + short).len(), 1);
}

#[test]
fn a_session_knows_its_peer() {
    let (session, _) = pair(None, noon());
    assert_eq!(session.peer(), local(2, true, None).entry.info());
    assert_eq!(session.peer_id(), info(2).peer_id);
}

#[test]
fn a_peer_that_is_challenged_has_to_be_heard_of_and_whatever_it_says_will_do() {
    let now = noon();
    let challenge = Timers::default().challenge;
    for (case, says_something, ends) in [("silent", false, true), ("there", true, false)] {
        let (mut session, mut peer) = pair(Some(7), now);
        let quiet = state([]);
        all(&mut session, &mut peer, &quiet, now);
        session.challenge(now);
        let ping = next(&mut session, &mut peer, &quiet, now);
        assert!(matches!(ping, Some(Message::Ping(_))), "{case}: {ping:?}");
        assert!(session.deadline() <= now + challenge, "{case}");
        session.challenge(now + challenge / 2);
        if says_something {
            session.on_frame(says(&mut peer, &Message::Pong(1)), now + challenge / 2);
        }
        let before = now + challenge - MILLI;
        assert!(session.on_tick(before).is_empty(), "{case}: not before");
        let ended = session.on_tick(now + challenge);
        assert_eq!(!ended.is_empty(), ends, "{case}");
        if ends {
            assert_eq!(closed(ended).outcome, Outcome::Unresponsive, "asked again, it has no longer for it");
        }
    }
}
