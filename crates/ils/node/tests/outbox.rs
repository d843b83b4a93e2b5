//! What waits to be taken by a peer: reading goes on meanwhile, it is bounded, and whoever takes nothing is left.

mod bench;

use std::net::SocketAddr;
use std::time::Duration;

use bench::peer::{self, Peer};
use bench::{Bench, DEADLINE, PASSWORD, Side, Station, WAYS, stage};
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_wire::{Entry, Message, PeerId, PeerInfo, Reason, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);
/// How long a peer may take nothing, where it is to be seen.
const SOON: Duration = Duration::from_secs(2);

/// A hub with more to say than the sockets hold, and its address.
async fn talkative(bench: &Bench, side: Side, write: Duration) -> (Station, SocketAddr) {
    let hub = bench.hub_knowing_with(side, peer::much(), |config| {
        config.timers.write = write;
        config.timers.idle = LONG;
    });
    let hub = hub.await;
    let address = hub.running.listening().expect("a hub listens");
    (hub, address)
}

/// Someone whose word on others counts.
fn teacher() -> PeerInfo {
    peer::info("teacher", 2, Role::Hub)
}

/// One cluster, of which there is something new with each change.
fn changed(change: u32) -> PeerInfo {
    let description = format!("change {change}").parse().expect("a description");
    PeerInfo { description, ..peer::numbered(0) }
}

/// The same in its version.
fn changed_entry(change: u32) -> Entry {
    peer::signed(&changed(change), 1 + u64::from(change))
}

/// The entries of each whole vector among what was heard, and how many entries came after the last of them.
fn vectors(heard: &[Message]) -> (Vec<Vec<Entry>>, usize) {
    let (mut whole, mut part) = (Vec::new(), Vec::new());
    for message in heard {
        if let Message::PeerInfoVector { entries, last } = message {
            part.extend(entries.iter().cloned());
            if *last {
                whole.push(std::mem::take(&mut part));
            }
        }
    }
    (whole, part.len())
}

/// Listens until a vector is whole that has all these clusters; answers all that came.
async fn hear_all(peer: &mut Peer, wanted: impl Fn(&[Entry]) -> bool) -> Vec<Message> {
    let mut heard = Vec::new();
    let listening = async {
        while !vectors(&heard).0.last().is_some_and(|vector| wanted(vector)) {
            heard.push(peer.hear().await.expect("it is still connected"));
        }
    };
    tokio::time::timeout(DEADLINE, listening).await.expect("never came: the whole vector");
    heard
}

async fn ended_unresponsive(station: &Station) {
    let ended = |snapshot: &Snapshot| {
        snapshot.attempts.iter().any(|attempt| {
            attempt.ended.is_some_and(|(_, end)| end == Outcome::Unresponsive)
                && attempt.steps.iter().any(|step| format!("{step:?}").contains("takes nothing off"))
        })
    };
    station.until("it is left, since it takes nothing", ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_both_say_more_than_the_sockets_hold_hear_each_other_out() {
    for way in WAYS {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "hub", way);
        let (hub, address) = talkative(&bench, side, 10 * SOON).await;
        let name = peer::info("villain", 2, Role::Hub);
        let mut other = Peer::join(address, name, door).await;
        // The other writes all of it before it reads anything, as this node did once.
        let known: Vec<Entry> = peer::much().into_iter().map(|known| known.entry).take(100).collect();
        for change in 0..16 {
            let mut entries = known.clone();
            // News, so that the hub has all of it to say again.
            entries.push(changed_entry(change));
            let vector = Message::PeerInfoVector { entries, last: true };
            let said = tokio::time::timeout(DEADLINE, other.say(&vector)).await.expect("the hub reads");
            said.unwrap_or_else(|error| panic!("{way:?}: the hub has left: {error}"));
        }
        hear_all(&mut other, |vector| vector.len() == 200).await;
        assert_eq!(hub.snapshot().joined().count(), 1, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pings_without_end_and_reads_nothing_is_left_after_the_write_timer() {
    let bench = Bench::new();
    let hub = bench.hub_with(Side::password(PASSWORD), |config| {
        config.timers.write = SOON;
        config.timers.idle = LONG;
    });
    let hub = hub.await;
    let address = hub.running.listening().expect("a hub listens");
    let mut flood = Peer::spoke(address, "flood", PASSWORD).await;
    let pings = async {
        for number in 0.. {
            if flood.say(&Message::Ping(number)).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = ended_unresponsive(&hub) => {}
        () = pings => ended_unresponsive(&hub).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ping_is_answered_in_order_however_many_wait() {
    let bench = Bench::new();
    let (_hub, address) = talkative(&bench, Side::password(PASSWORD), LONG).await;
    let mut peer = Peer::spoke(address, "pinging", PASSWORD).await;
    for number in 0..500 {
        peer.say(&Message::Ping(number)).await.expect("it is still connected");
    }
    let (mut next, mut whole) = (0, 0);
    while next < 500 || whole == 0 {
        match peer.hear().await.expect("it is still connected") {
            Message::Pong(number) => {
                assert_eq!(number, next);
                next += 1;
            }
            Message::PeerInfoVector { last, .. } => whole += u32::from(last),
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum LastWords {
    Order,
    Change,
    Stop,
}

impl LastWords {
    async fn come(self, hub: &Station, peer: PeerId) {
        match self {
            Self::Order => drop(hub.running.disconnect(peer).await.expect("stored")),
            Self::Change => {
                let password = Some(String::from("the next").into());
                hub.running.configure(Default::default(), password).await.expect("a change");
            }
            Self::Stop => hub.stop().await,
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Order => Reason::Disconnected,
            Self::Change => Reason::MethodChanged,
            Self::Stop => Reason::Shutdown,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_words_reach_a_peer_that_begins_to_read_in_time_after_all_that_was_sealed_before_them() {
    for last_words in [LastWords::Order, LastWords::Change, LastWords::Stop] {
        let bench = Bench::new();
        let (hub, address) = talkative(&bench, Side::password(PASSWORD), LONG).await;
        let info = peer::info("late", 5, Role::Spoke);
        let mut peer = Peer::join(address, info.clone(), PASSWORD).await;
        let ((), heard) = tokio::join!(last_words.come(&hub, info.peer_id), peer.rest());
        let bye = heard.last().expect("something was heard");
        assert!(
            matches!(bye, Message::Bye { reason, .. } if *reason == last_words.reason()),
            "{last_words:?}: {bye:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_while_a_peer_is_slow_are_few_sendings_and_end_in_the_whole_vector() {
    let bench = Bench::new();
    let (hub, address) = talkative(&bench, Side::password(PASSWORD), LONG).await;
    let mut teacher = Peer::join(address, teacher(), PASSWORD).await;
    let mut slow = Peer::spoke(address, "slow", PASSWORD).await;
    for change in 1..=20 {
        let message = Message::PeerInfoVector { entries: vec![changed_entry(change)], last: true };
        teacher.say(&message).await.expect("it is still connected");
        hub.until("it has learned", |snapshot| {
            snapshot.peers.iter().any(|peer| *peer.known.info() == changed(change))
        })
        .await;
        // Somebody reads what the teacher is told.
        hear_all(&mut teacher, |_| true).await;
    }
    let heard = hear_all(&mut slow, |vector| vector.contains(&changed_entry(20))).await;
    let (sendings, rest) = vectors(&heard);
    assert!(sendings.len() <= 4, "{} sendings for twenty changes", sendings.len());
    assert_eq!(rest, 0);
    let wanted = hub.snapshot().vector_for(peer::info("slow", 5, Role::Spoke).peer_id);
    assert_eq!(sendings.last(), Some(&wanted), "whole, current and in order");
}

/// Passes octets on in pieces of chance lengths, with pauses between them, until either side is gone.
async fn in_pieces(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut chance: u64, longest: u64) {
    let mut buffer = vec![0; usize::try_from(longest).expect("short")];
    loop {
        // Knuth's constants: the same pieces on each run.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = usize::try_from((chance >> 33) % longest).expect("short") + 1;
        let piece = buffer.get_mut(..length).expect("no longer than the longest");
        let Ok(read @ 1..) = from.read(piece).await else { return };
        if to.write_all(piece.get(..read).expect("no more than fits")).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// An address behind which everything goes to this one, and comes back, in pieces.
async fn torn(hub: SocketAddr, seed: u64, longest: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.expect("accepts");
            let far = TcpStream::connect(hub).await.expect("connects");
            far.set_nodelay(true).expect("takes it");
            near.set_nodelay(true).expect("takes it");
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::spawn(in_pieces(from_near, to_far, seed, longest));
            tokio::spawn(in_pieces(from_far, to_near, !seed, longest));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_come_whole_in_whatever_pieces_the_octets_come() {
    for way in WAYS {
        for (seed, longest, entries) in [(1, 1, 2), (2, 3, 5), (3, 700, 60), (4, 40_000, 200)] {
            let bench = Bench::new();
            let (side, door) = stage(&bench, "hub", way);
            let known = peer::much().into_iter().take(entries - 1).collect();
            let hub = bench.hub_knowing(side, known).await;
            let address = torn(hub.running.listening().expect("a hub listens"), seed, longest).await;
            let mut peer = Peer::spoke(address, "villain", door).await;
            let heard = hear_all(&mut peer, |vector| vector.len() == entries).await;
            let wanted = hub.snapshot().vector_for(peer::info("villain", 5, Role::Spoke).peer_id);
            assert_eq!(vectors(&heard).0, [wanted], "{way:?}, pieces up to {longest}");
        }
    }
}
