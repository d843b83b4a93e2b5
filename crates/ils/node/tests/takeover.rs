//! A peer ID belongs to whoever has its key: kinds of taking it from a cluster that runs, each refused and told, and the ways
//! in which that cluster itself comes back.

mod bench;

use std::sync::Arc;
use std::time::Duration;

use bench::peer::{self, Peer};
use bench::{Bench, PASSWORD, Side, Station, WAYS, stage};
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_wire::{Entry, Introduction, Message, PeerInfo, Reason, Role};

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(600);

/// The alarm that tells of it, and the reason in it.
fn rejected(snapshot: &Snapshot, reason: &str) -> bool {
    snapshot.alarms.iter().any(|alarm| {
        let tells = |(name, value): &(&str, String)| *name == "Reason" && value.contains(reason);
        alarm.name.as_str() == "ILSUnacceptableConnectionAttempt" && alarm.parameters.iter().any(tells)
    })
}

/// The number of the connection that a joined cluster has.
fn connection_of(snapshot: &Snapshot, info: &PeerInfo) -> Option<u64> {
    let peer = snapshot.joined().find(|peer| peer.known.peer_id() == info.peer_id)?;
    peer.link.as_ref().map(|link| link.connection.0)
}

/// Registers, and is refused with this reason.
async fn is_refused(mut villain: Peer, register: Message, wanted: Reason, case: &str) {
    villain.say(&register).await.expect("writes");
    let heard = villain.hear().await;
    assert!(
        matches!(&heard, Some(Message::Refused { reason, .. }) if *reason == wanted),
        "{case}: {heard:?}"
    );
    assert_eq!(villain.hear().await, None, "{case}: and the close");
}

fn victim() -> PeerInfo {
    peer::info("victim", 5, Role::Spoke)
}

/// A peer that reads, and answers Pings, until it is left.
async fn answers(mut peer: Peer) {
    while let Some(message) = peer.hear().await {
        if let Message::Ping(number) = message
            && peer.say(&Message::Pong(number)).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_password_and_the_entry_but_not_the_key_is_refused_and_the_running_one_stays() {
    for way in WAYS {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "hub", way);
        let hub = bench.hub(side).await;
        let address = hub.running.listening().expect("a hub listens");
        // On TLS its own certificate carries the villain's name: so the victim has that name.
        let victim = peer::info("villain", 5, Role::Spoke);
        let joined = Peer::join(address, victim.clone(), door.clone()).await;
        let standing = connection_of(&hub.snapshot(), &victim).expect("it has joined");
        let running = tokio::spawn(answers(joined));
        let entry = hub.snapshot().peers[0].known.entry.clone();
        for round in 0..10 {
            let villain = Peer::dial(address, "127.0.0.1", door.clone()).await;
            // The entry that everybody in the network has, and a proof: by another key, or made for another connection.
            let register = if round % 2 == 0 {
                forged(&villain, &entry)
            } else {
                Message::Register(peer::stray(&victim))
            };
            is_refused(villain, register, Reason::DuplicateIdentity, &format!("{way:?}, round {round}"))
                .await;
        }
        let reason = format!("the proof that goes with the peer ID {}", victim.peer_id);
        hub.until("the alarm", |snapshot| rejected(snapshot, &reason)).await;
        assert_eq!(connection_of(&hub.snapshot(), &victim), Some(standing), "{way:?}: the running one stays");
        assert!(!running.is_finished(), "{way:?}: and is told nothing of it");
        running.abort();
    }
}

/// A Register with somebody else's entry, proven with the key of whoever sends it.
fn forged(villain: &Peer, entry: &Entry) -> Message {
    let own = villain.introduction(&peer::info("somebody", 6, Role::Spoke));
    match own {
        Message::Register(own) => Message::Register(Introduction { entry: entry.clone(), ..own }),
        Message::Registered(own) => Message::Registered(Introduction { entry: entry.clone(), ..own }),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_has_the_hubs_entry_but_not_its_key_is_left_by_the_spoke() {
    for way in WAYS {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "spoke", way);
        let (listener, address) = peer::listener().await;
        let spoke = bench.spoke_to(address, side).await;
        let mut villain = Peer::answer(&listener, door).await;
        assert!(matches!(villain.hear().await, Some(Message::Register(_))), "it registers");
        let registered = forged(&villain, &peer::entry(&peer::info("villain", 7, Role::Hub)));
        villain.say(&registered).await.expect("writes");
        let heard = villain.hear().await;
        assert!(
            matches!(&heard, Some(Message::Bye { reason: Reason::DuplicateIdentity, .. })),
            "{way:?}: {heard:?}"
        );
        assert_eq!(spoke.outcome().await, Outcome::DuplicateIdentity, "{way:?}");
        spoke.until("the alarm", |snapshot| rejected(snapshot, "the proof that goes with")).await;
        assert!(spoke.snapshot().peers.is_empty(), "{way:?}: nothing is learned");
    }
}

/// What a node is recorded to say is of no use on another connection, not even at the same end and from the same address.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_register_opens_no_second_connection() {
    let bench = Bench::new();
    let way = WAYS.into_iter().find(|way| way.tls.is_some() && !way.password).expect("method 2");
    let (side, door) = stage(&bench, "hub", way);
    let hub = bench.hub(side).await;
    let address = hub.running.listening().expect("a hub listens");
    let info = peer::info("villain", 5, Role::Spoke);
    let first = Peer::dial(address, "127.0.0.1", door.clone()).await;
    let recorded = first.introduction(&info);
    drop(first);
    let second = Peer::dial(address, "127.0.0.1", door).await;
    is_refused(second, recorded, Reason::DuplicateIdentity, "replayed").await;
}

/// A hub at which the victim has joined, in the first life of its process.
async fn with_victim(bench: &Bench, challenge: Duration) -> (Station, Peer) {
    let hub = bench.hub_with(Side::password(PASSWORD), |config| {
        config.timers.challenge = challenge;
        config.timers.idle = LONG;
        config.timers.handshake = LONG;
        config.timers.register = LONG;
    });
    let hub = hub.await;
    let address = hub.running.listening().expect("a hub listens");
    let joined = Peer::join(address, victim(), PASSWORD).await;
    (hub, joined)
}

/// A Register in another life of the victim's process.
fn another_life(peer: &Peer) -> Message {
    peer.introduction_of(peer::entry(&victim()), [0x99; 16])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_holder_of_the_key_is_refused_while_the_first_answers() {
    let bench = Bench::new();
    let (hub, joined) = with_victim(&bench, LONG).await;
    let address = hub.running.listening().expect("a hub listens");
    let standing = connection_of(&hub.snapshot(), &victim());
    let running = tokio::spawn(answers(joined));
    for round in 0..3 {
        let second = Peer::dial(address, "127.0.0.1", PASSWORD).await;
        let register = another_life(&second);
        is_refused(second, register, Reason::DuplicateIdentity, &format!("round {round}")).await;
    }
    hub.until("the alarm", |snapshot| rejected(snapshot, "by another process with the same key")).await;
    assert_eq!(connection_of(&hub.snapshot(), &victim()), standing, "the running one stays");
    assert!(!running.is_finished());
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_before_its_old_connection_is_missed_takes_its_place_once_that_does_not_answer()
 {
    let bench = Bench::new();
    // Its machine has lost power: the connection stands, and nobody is there.
    let (hub, silent) = with_victim(&bench, Duration::from_secs(2)).await;
    let address = hub.running.listening().expect("a hub listens");
    let mut again = Peer::dial(address, "127.0.0.1", PASSWORD).await;
    let register = another_life(&again);
    again.say(&register).await.expect("writes");
    let heard = again.hear().await;
    assert!(matches!(heard, Some(Message::Registered(_))), "{heard:?}");
    let ended = |snapshot: &Snapshot| {
        snapshot
            .attempts
            .iter()
            .any(|attempt| attempt.ended.is_some_and(|(_, end)| end == Outcome::Unresponsive))
    };
    hub.until("the old one has ended as unresponsive", ended).await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_process_that_dials_anew_takes_its_own_place_at_once() {
    let bench = Bench::new();
    let (hub, mut old) = with_victim(&bench, LONG).await;
    let address = hub.running.listening().expect("a hub listens");
    let _new = Peer::join(address, victim(), PASSWORD).await;
    let last = old.last_heard().await;
    assert!(matches!(&last, Some(Message::Bye { reason: Reason::Displaced, .. })), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_of_the_same_folder_is_refused_and_the_first_is_not_disturbed() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let first = bench.spoke(&hub, Side::password(PASSWORD)).await;
    first.until("it has joined", |snapshot| snapshot.joined().count() == 1).await;
    let peer_id = first.snapshot().peer_id;
    // Its files are the same, so its key is; and so are its names.
    let second = bench.spoke(&hub, Side::password(PASSWORD)).await;
    assert_eq!(second.snapshot().peer_id, peer_id);
    assert_eq!(second.outcome().await, Outcome::DuplicateIdentity);
    let has_ended = |snapshot: &Arc<Snapshot>| {
        snapshot.attempts.iter().any(|attempt| attempt.peer.is_some() && attempt.ended.is_some())
    };
    assert!(!has_ended(&first.snapshot()) && first.snapshot().joined().count() == 1);
}
