//! Many at once: a thousand that say nothing, ten thousand wrong passwords. Whoever means it joins undisturbed.

mod bench;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bench::peer::{self, Door, Peer};
use bench::pki::{self, Ca, Flaw};
use bench::{Bench, PASSWORD, Side, Station, WAYS, stage};
use ils_core::config::Config;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Attempt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Connections that say nothing, or one octet at a time.
const CROWD: usize = 1_000;
/// Joins measured on each side.
const JOINS: usize = 30;
/// Joins take a few milliseconds, and machines are shared: what a neighbour adds to one run is gone in the next, what
/// the crowd adds is in each.
const RUNS: usize = 5;
/// Wrong passwords.
const GUESSES: usize = 10_000;
/// So many guess at once.
const GUESSERS: usize = 1_000;

/// One crowd at a time: what the one measures the other would disturb.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Timers that outlast the test, so that the crowd stays.
fn patient(config: &mut Config) {
    let long = Duration::from_secs(600);
    config.timers.tls = long;
    config.timers.hello = long;
    config.timers.handshake = long;
}

/// A hub and its spoke, each with certificates of one CA where TLS is on.
async fn pair(bench: &Bench, tls: bool) -> (Station, Station) {
    let ca = Ca::new("the lab CA");
    let side = |name: &str| {
        let pair = ca.issue(&format!("{name}.lab.example"), Flaw::None);
        let identity = tls.then(|| pki::write(&bench.folder().join(name), &pair, &[&ca.pem]));
        Side { tls, password: Some(PASSWORD), identity, version: None }
    };
    let hub = bench.hub_with(side("hub"), patient).await;
    let spoke = bench.spoke(&hub, side("spoke")).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    (hub, spoke)
}

/// From the restart of the spoke's service to its next join.
async fn rejoin(spoke: &Station) -> Duration {
    let begun = Instant::now();
    spoke.running.restart().await.expect("restarts");
    spoke.until("joined again", |snapshot| snapshot.joined().count() == 1).await;
    begun.elapsed()
}

/// Every second one trickles: a good beginning of something long, an octet a second, as long as the test lasts.
async fn gather(hub: SocketAddr, tls: bool) -> JoinSet<()> {
    let begin: &'static [u8] = if tls {
        &[0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, 0xfc]
    } else {
        b"ILSL\x01\x01\x00\x00\x00\x00\x10\x00"
    };
    let mut crowd = JoinSet::new();
    for number in 0..CROWD {
        let mut socket = TcpStream::connect(hub).await.expect("connects");
        crowd.spawn(async move {
            let (mut heard, mut voice) = socket.split();
            let trickle = async {
                let mut beat = tokio::time::interval(Duration::from_secs(1));
                for octet in begin.iter().copied().chain(std::iter::repeat(0)) {
                    beat.tick().await;
                    if voice.write_all(&[octet]).await.is_err() {
                        return;
                    }
                }
            };
            let held = async {
                let mut rest = [0; 16];
                while heard.read(&mut rest).await.is_ok_and(|length| length > 0) {}
            };
            if number % 2 == 0 {
                tokio::select! {
                    () = trickle => {}
                    () = held => {}
                }
            } else {
                held.await;
            }
        });
    }
    crowd
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().expect("some were measured")
}

/// Median of the joins in the crowd over the median of those without, one after the other in turn.
async fn compare(quiet: &Station, loud: &Station) -> f64 {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..JOINS {
        without.push(rejoin(quiet).await);
        with.push(rejoin(loud).await);
    }
    median(with).as_secs_f64() / median(without).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_silent_or_trickling_connections_hold_no_join_up() {
    let _alone = ALONE.lock().await;
    for tls in [false, true] {
        let (quiet_bench, loud_bench) = (Bench::new(), Bench::new());
        let (_quiet_hub, quiet) = pair(&quiet_bench, tls).await;
        let (loud_hub, loud) = pair(&loud_bench, tls).await;
        let mut crowd = gather(loud_hub.running.listening().expect("a hub listens"), tls).await;
        let mut ratios = Vec::new();
        while ratios.len() < RUNS && !ratios.iter().any(|ratio| *ratio <= 1.5) {
            ratios.push(compare(&quiet, &loud).await);
        }
        println!("TLS {tls}: a join in the crowd takes {ratios:.2?} of one without");
        assert!(crowd.try_join_next().is_none(), "the crowd was there to the end");
        assert!(ratios.iter().any(|ratio| *ratio <= 1.5), "TLS {tls}: {ratios:.2?}");
    }
}

/// A frame that claims to be sealed, as somebody with another password would send it.
fn guess() -> Vec<u8> {
    [&b"ILSL\x01\x02\x01\x00\x00\x00\x00\x40"[..], &[0x5a; 64]].concat()
}

async fn wrong_password(hub: SocketAddr, from: &str) {
    let mut socket = peer::connect(hub, from).await;
    socket.write_all(&Door::from(PASSWORD).hello()).await.expect("writes");
    let mut answer = [0; 256];
    // The hub's Hello, late after the first thirty; then the guess, then the end.
    if socket.read(&mut answer).await.is_ok_and(|length| length > 0) {
        // A hub that has closed already has made up its mind.
        let _ = socket.write_all(&guess()).await;
        while socket.read(&mut answer).await.is_ok_and(|length| length > 0) {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wrong_passwords_are_one_alarm_and_a_right_one_from_elsewhere_joins() {
    let _alone = ALONE.lock().await;
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let address = hub.running.listening().expect("a hub listens");
    let (mut guesses, room) = (JoinSet::new(), Arc::new(Semaphore::new(GUESSERS)));
    for number in 0..GUESSES {
        let room = Arc::clone(&room).acquire_owned().await.expect("open");
        guesses.spawn(async move {
            wrong_password(address, "127.0.0.66").await;
            drop(room);
        });
        if number == GUESSES / 2 {
            let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
            assert_eq!(spoke.outcome().await, Outcome::Joined, "undisturbed, in the middle of it");
            spoke.stop().await;
        }
    }
    while guesses.join_next().await.is_some() {}
    hub.until("one alarm", |snapshot| snapshot.alarms.len() == 1).await;
    assert_eq!(hub.snapshot().alarms[0].key, "127.0.0.66");
    assert!(
        hub.snapshot().attempts.len() <= ils_core::limits::ATTEMPTS_KEPT,
        "nothing is kept without a bound"
    );
    let spoke = Bench::new().spoke(&hub, Side::password(PASSWORD)).await;
    assert_eq!(
        spoke.outcome().await,
        Outcome::DuplicateClusterId,
        "another node of that name: the hub still judges"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_that_has_not_joined_gives_way_with_a_word_whatever_the_port() {
    for way in WAYS {
        let bench = Bench::new();
        let (side, door) = stage(&bench, "hub", way);
        let hub = bench.hub_with(side, |config| {
            patient(config);
            config.most_unjoined = 3;
        });
        let hub = hub.await;
        let address = hub.running.listening().expect("a hub listens");
        // One that has joined has no place to give.
        let _joined = Peer::spoke(address, "villain", door).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(address).await.expect("connects"));
        }
        // Closed without a word on the connection: nothing has been said there.
        let mut oldest = silent.remove(0);
        assert_eq!(oldest.read(&mut [0; 16]).await.expect("closed in an orderly way"), 0, "{way:?}");
        hub.until("it is told", |snapshot| {
            let closed = |attempt: &Attempt| attempt.ended.is_some_and(|(_, end)| end == Outcome::Closed);
            snapshot.attempts.iter().filter(|attempt| closed(attempt)).count() == 1
        })
        .await;
        assert_eq!(hub.snapshot().joined().count(), 1, "{way:?}");
        assert!(hub.snapshot().alarms.is_empty(), "{way:?}");
    }
}
