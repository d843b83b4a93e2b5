//! The timers and limits of `ils_core::limits`, each on both sides of its instant where a short one can show it.

mod bench;

use std::net::SocketAddr;
use std::time::Duration;

use bench::peer::{self, Door, Peer};
use bench::pki::{self, Ca, Flaw};
use bench::{Bench, DEADLINE, PASSWORD, Side, Station, WAYS, Way, stage};
use ils_core::config::Config;
use ils_core::event::Happening;
use ils_core::limits;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_core::time::Timestamp;
use ils_node::clock::wall;
use ils_wire::{Message, Reason, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(3600);

async fn ended_as(station: &Station, outcome: Outcome) {
    station
        .until("an end", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.ended.is_some_and(|(_, end)| end == outcome))
        })
        .await;
}

/// The alarm of silence names who fell silent.
async fn alarmed_for(station: &Station, cluster: &str) {
    station
        .until("the alarm", |snapshot| {
            snapshot.alarms.iter().any(|alarm| {
                alarm.name.as_str() == "ILSRemoteHostUnresponsive"
                    && alarm.parameters.contains(&("ClusterId", cluster.to_owned()))
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joined_peer_that_answers_stays_and_one_that_falls_silent_is_told_and_dropped() {
    let bench = Bench::new();
    let hub = bench.hub_with(Side::password(PASSWORD), |config| {
        config.timers.ping = SHORT;
        config.timers.idle = 160 * SHORT;
    });
    let hub = hub.await;
    let address = hub.running.listening().expect("a hub listens");
    let mut peer = Peer::spoke(address, "quiet", PASSWORD).await;
    let mut pings = 0;
    // So many pings take longer than the idle timer.
    while pings < 170 {
        match peer.hear().await {
            Some(Message::Ping(number)) => {
                pings += 1;
                peer.say(&Message::Pong(number)).await.expect("it is still connected");
            }
            Some(Message::PeerInfoVector { .. }) => {}
            other => panic!("{other:?} after {pings} pings"),
        }
    }
    assert_eq!(hub.snapshot().joined().count(), 1);
    let last = peer.last_heard().await;
    assert!(matches!(last, Some(Message::Bye { reason: Reason::Unresponsive, .. })), "{last:?}");
    ended_as(&hub, Outcome::Unresponsive).await;
    alarmed_for(&hub, "quiet").await;
    hub.until("no link", |snapshot| snapshot.joined().count() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_drops_a_hub_that_falls_silent_and_dials_again() {
    let bench = Bench::new();
    let (listener, address) = peer::listener().await;
    let spoke = bench.spoke_with(address, Side::password(PASSWORD), |config| {
        config.timers.ping = SHORT;
        config.timers.idle = 4 * SHORT;
    });
    let spoke = spoke.await;
    let info = peer::info("silent-hub", 6, Role::Hub);
    let mut first = Peer::hub(&listener, info.clone(), PASSWORD).await;
    let last = first.last_heard().await;
    assert!(matches!(last, Some(Message::Bye { reason: Reason::Unresponsive, .. })), "{last:?}");
    alarmed_for(&spoke, "silent-hub").await;
    tokio::spawn(async move {
        loop {
            answer_pings(Peer::hub(&listener, info.clone(), PASSWORD).await).await;
        }
    });
    spoke
        .until("joined again, no alarm", |snapshot| {
            snapshot.joined().count() == 1 && snapshot.alarms.is_empty()
        })
        .await;
}

/// As long as the connection lasts.
async fn answer_pings(mut peer: Peer) {
    while let Some(message) = peer.hear().await {
        if let Message::Ping(number) = message {
            // Where it fails, there is nothing more to hear either.
            let _ = peer.say(&Message::Pong(number)).await;
        }
    }
}

/// When the hub last heard of the cluster.
fn contact(snapshot: &Snapshot, cluster: &str) -> Option<Timestamp> {
    snapshot.peers.iter().find(|peer| peer.known.info().cluster_id.as_str() == cluster)?.last_contact
}

/// A joined peer that takes nothing off its connection, at a hub that tells it more, again and again, than any buffer
/// holds. It is heard all the while: the hub reads although it cannot write.
async fn glutton(hub: &Station) -> Peer {
    let address = hub.running.listening().expect("a hub listens");
    let mut teacher = Peer::join(address, peer::info("teacher", 2, Role::Hub), PASSWORD).await;
    let entries: Vec<_> = (100..200)
        .map(|seed| peer::entry(&peer::large(&peer::info(&format!("c{seed}"), seed, Role::Spoke))))
        .collect();
    teacher.say(&Message::PeerInfoVector { entries, last: true }).await.expect("writes");
    hub.until("it has learned", |snapshot| snapshot.peers.len() > 100).await;
    let mut glutton = Peer::spoke(address, "glutton", PASSWORD).await;
    for number in 0..40 {
        // Each change is told to everybody, with all the rest.
        let peer = hub.snapshot().peers.last().expect("a hundred").known.peer_id();
        hub.running.disconnect(peer).await.expect("stored");
        let before = contact(&hub.snapshot(), "glutton");
        later_than(before).await;
        // On a machine that stalls the hub may have dropped it already, which is seen next.
        let _ = glutton.say(&Message::Ping(number)).await;
        hub.until("it is heard, or dropped", |snapshot| {
            contact(snapshot, "glutton") > before || is_unresponsive(snapshot)
        })
        .await;
    }
    glutton
}

/// Contacts are told to the millisecond: two in the same one could not be told apart.
async fn later_than(before: Option<Timestamp>) {
    while before.is_some_and(|before| wall() <= before) {
        tokio::task::yield_now().await;
    }
}

fn is_unresponsive(snapshot: &Snapshot) -> bool {
    snapshot.attempts.iter().any(|attempt| attempt.ended.is_some_and(|(_, end)| end == Outcome::Unresponsive))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_nothing_off_its_connection_is_dropped_after_the_write_timer() {
    let bench = Bench::new();
    let hub = bench.hub_with(Side::password(PASSWORD), |config| {
        config.timers.write = 20 * SHORT;
        config.timers.idle = LONG;
    });
    let hub = hub.await;
    let _peer = glutton(&hub).await;
    hub.until("it is dropped", is_unresponsive).await;
    alarmed_for(&hub, "glutton").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_change_nor_a_stop_waits_for_a_peer_that_takes_nothing_off_its_connection() {
    for stop in [false, true] {
        let bench = Bench::new();
        let hub = bench.hub_with(Side::password(PASSWORD), |config| {
            config.timers.write = LONG;
            config.timers.idle = LONG;
        });
        let hub = hub.await;
        let _peer = glutton(&hub).await;
        let change = async {
            if stop {
                hub.stop().await;
            } else {
                let password = Some(String::from("the next").into());
                hub.running.configure(Default::default(), password).await.expect("a change");
            }
        };
        tokio::time::timeout(DEADLINE, change).await.expect("in force, whoever reads or not");
        ended_as(&hub, Outcome::Closed).await;
    }
}

/// How late a peer is with each answer: within the timer of that answer, and with two of them beyond the whole.
const LATE: Duration = Duration::from_secs(4);

fn whole_handshake_is_short(config: &mut Config) {
    // Never the first to run out, however long the machine stalls.
    config.timers.hello = LONG;
    config.timers.register = LONG;
    config.timers.handshake = LATE + LATE / 2;
}

/// Says Hello late, and nothing more in time.
async fn is_late(wire: &mut peer::Wire, door: &Door) {
    tokio::time::sleep(LATE).await;
    // On a machine that stalls it comes too late even for the whole.
    let _ = wire.send(&door.hello()).await;
}

/// It ended by the bound of the whole, which tells nothing and raises nothing.
async fn took_too_long(station: &Station) {
    assert_eq!(station.outcome().await, Outcome::Timeout);
    let snapshot = station.snapshot();
    let told = |happening: &Happening| matches!(happening, Happening::ClosedHere { detail, .. } if detail.contains("whole handshake"));
    let steps = || snapshot.attempts.iter().flat_map(|attempt| &attempt.steps);
    assert!(steps().any(|step| told(&step.happening)), "{:?}", snapshot.attempts);
    assert!(snapshot.alarms.is_empty());
}

async fn a_dialler_that_is_late_is_left(way: Way) {
    let bench = Bench::new();
    let (side, door) = stage(&bench, "hub", way);
    let hub = bench.hub_with(side, whole_handshake_is_short).await;
    let mut wire = door.dial(hub.running.listening().expect("a hub listens"), "127.0.0.1").await;
    is_late(&mut wire, &door).await;
    took_too_long(&hub).await;
}

async fn a_listener_that_is_late_is_left(way: Way) {
    let bench = Bench::new();
    let (side, door) = stage(&bench, "spoke", way);
    let (listener, address) = peer::listener().await;
    let spoke = bench.spoke_with(address, side, whole_handshake_is_short).await;
    let mut wire = door.answer(&listener).await;
    is_late(&mut wire, &door).await;
    took_too_long(&spoke).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_late_with_each_answer_is_left_after_the_bound_of_the_whole() {
    // All at once: each takes as long as the bound.
    let mut tries = tokio::task::JoinSet::new();
    for way in WAYS {
        tries.spawn(a_dialler_that_is_late_is_left(way));
        tries.spawn(a_listener_that_is_late_is_left(way));
    }
    tries.join_all().await;
}

/// A listener with no room for another connection: the system lets no further one be made.
async fn full_listener() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(0).expect("listens");
    let (address, mut waiting) = (listener.local_addr().expect("bound"), Vec::new());
    while let Ok(connected) = tokio::time::timeout(4 * SHORT, TcpStream::connect(address)).await {
        waiting.push(connected.expect("connects"));
    }
    (listener, waiting)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_cannot_be_reached_in_time_or_has_no_address_is_unreachable_with_its_alarm() {
    let (listener, mut waiting) = full_listener().await;
    let address = listener.local_addr().expect("bound");
    for (host, shown) in [("127.0.0.1", "127.0.0.1"), ("nowhere.invalid", "nowhere.invalid")] {
        let bench = Bench::new();
        let spoke = bench.spoke_with(address, Side::password(PASSWORD), |config| {
            config.timers.connect = SHORT;
            config.registration.as_mut().expect("a spoke has one").host = host.to_owned();
        });
        let spoke = spoke.await;
        assert_eq!(spoke.outcome().await, Outcome::Unreachable, "{host}");
        spoke
            .until("the alarm", |snapshot| {
                let unreachable = |name: &str| name == "ILSHubClusterUnreachable";
                snapshot.alarms.iter().any(|alarm| unreachable(alarm.name.as_str()) && alarm.key == shown)
            })
            .await;
    }
    // With time enough it gets through once there is room.
    let bench = Bench::new();
    let spoke =
        bench.spoke_with(address, Side::password(PASSWORD), |config| config.timers.connect = LONG).await;
    spoke.until("it dials", |snapshot| !snapshot.attempts.is_empty()).await;
    waiting.clear();
    // Kept until all is seen: a socket that is dropped would be an end of the attempt.
    let _connection = spokes_connection(&listener).await;
    let attempts = spoke.snapshot().attempts.clone();
    assert!(attempts.iter().all(|attempt| attempt.outcome.is_none()), "{attempts:?}");
}

/// The first connection on which a hello comes; those that had filled the listener end without a word.
async fn spokes_connection(listener: &TcpListener) -> TcpStream {
    loop {
        let (mut socket, _) = listener.accept().await.expect("accepts");
        let mut octets = [0; 4];
        if socket.read_exact(&mut octets).await.is_ok() {
            assert_eq!(&octets, b"ILSL", "the spoke's hello");
            return socket;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_inside_tls_is_a_timeout_on_either_side() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let side = |name: &str| {
        let folder = bench.folder().join(name);
        let identity = pki::write(&folder, &ca.issue(&format!("{name}.lab.example"), Flaw::None), &[&ca.pem]);
        Side { tls: true, password: Some(PASSWORD), identity: Some(identity), version: None }
    };
    let hub = bench.hub_with(side("hub"), |config| config.timers.tls = SHORT).await;
    let address = hub.running.listening().expect("a hub listens");
    let _silent = TcpStream::connect(address).await.expect("connects");
    assert_eq!(hub.outcome().await, Outcome::Timeout);
    let attempt = hub.snapshot().attempts[0].clone();
    assert!(attempt.steps[0].at.0 - attempt.link.begun.0 >= 50, "TLS is a part of the attempt: {attempt:?}");
    let (listener, address) = peer::listener().await;
    let spoke = bench.spoke_with(address, side("spoke"), |config| config.timers.tls = SHORT).await;
    let _accepted = listener.accept().await.expect("it dials");
    assert_eq!(spoke.outcome().await, Outcome::Timeout);
    assert!(hub.snapshot().alarms.is_empty() && spoke.snapshot().alarms.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_too_many_wrong_passwords_a_source_is_answered_after_everybody_else() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let address = hub.running.listening().expect("a hub listens");
    for seed in 1..=31 {
        let mut guess = Peer::dial(address, "127.0.0.2", "a guess").await;
        let register = guess.introduction(&peer::info("guess", seed, Role::Spoke));
        guess.say(&register).await.expect("writes");
        assert_eq!(guess.frame().await, None, "nothing is told");
    }
    hub.until("all are counted", |snapshot| {
        let guessed = |outcome| outcome == Some(Outcome::PasswordMismatch);
        snapshot.attempts.iter().filter(|attempt| guessed(attempt.outcome)).count() == 31
    })
    .await;
    // A late answer is late by the delay at least, however busy the machine is; a prompt one can only be seen in time.
    let late = answered_within(address, "127.0.0.2").await;
    assert!(late >= limits::PASSWORD_FAILURE_DELAY, "after {late:?}");
    let mut prompt = answered_within(address, "127.0.0.3").await;
    for _ in 0..5 {
        prompt = prompt.min(answered_within(address, "127.0.0.3").await);
    }
    assert!(prompt < limits::PASSWORD_FAILURE_DELAY, "after {prompt:?}");
    assert_eq!(hub.snapshot().alarms.len(), 1, "one alarm, however many guesses");
}

/// How long the hub's Hello takes after one from this address.
async fn answered_within(hub: SocketAddr, from: &str) -> Duration {
    let mut socket = peer::connect(hub, from).await;
    let begun = tokio::time::Instant::now();
    socket.write_all(&Door::from(PASSWORD).hello()).await.expect("writes");
    socket.readable().await.expect("an answer");
    begun.elapsed()
}
