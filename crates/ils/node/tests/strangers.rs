//! Noise from one address: a hub counts it and does not write it down, and whoever means it is traced whole.

mod bench;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bench::peer;
use bench::{Bench, PASSWORD, Side, Station};
use ils_core::event::{Noted, Subject};
use ils_core::limits::{ATTEMPTS_KEPT, STRANGERS_WHOLE};
use ils_core::outcome::Outcome;
use ils_core::snapshot::Attempt;
use ils_lines::{APPLICATION, Recorder};
use ils_node::Scribe;
use ilslab_trace::{RecorderOptions, read_trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Attempts beyond those that are written whole.
const FURTHER: usize = 400;
const NOISY: &str = "127.0.0.66";

/// Writes trace and alarms as a daemon does, and counts attempts that ended as its metrics do.
struct Scroll {
    recorder: Arc<Recorder>,
    ended: Arc<AtomicU64>,
}

impl Scribe for Scroll {
    fn write(&mut self, noted: Noted) {
        self.recorder.record(noted);
    }

    fn count(&mut self, noted: &Noted) {
        let ends =
            matches!(&noted.event.subject, Subject::Connection { happening, .. } if happening.is_end());
        self.ended.fetch_add(u64::from(ends), Ordering::Relaxed);
    }
}

async fn noise(hub: &Station) {
    let address = hub.running.listening().expect("a hub listens");
    let mut socket = peer::connect(address, NOISY).await;
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("writes");
    // Closed by the hub once it is noted.
    while socket.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
}

fn texts(folder: &Path, recorder: &Recorder) -> Vec<String> {
    recorder.flush();
    let lines = read_trace(&folder.join("activelog/cm/trace/ils/sdl")).expect("a trace");
    lines.iter().filter(|line| !line.is_head()).map(|line| line.text().to_owned()).collect()
}

fn count(texts: &[String], part: &str) -> usize {
    texts.iter().filter(|text| text.contains(part)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_of_one_address_is_counted_and_an_honest_spoke_behind_it_is_traced_whole() {
    let (bench, logs) = (Bench::new(), tempfile::tempdir().expect("a folder"));
    let options =
        RecorderOptions::new(APPLICATION, logs.path(), "2", "hub.lab.example", ils_node::clock::wall());
    let recorder = Arc::new(Recorder::open(&options).expect("a folder"));
    let ended = Arc::new(AtomicU64::new(0));
    let scroll = Scroll { recorder: Arc::clone(&recorder), ended: Arc::clone(&ended) };
    let hub = bench.hub_written_by(Side::password(PASSWORD), scroll).await;

    // Somebody else fails before, and is not forgotten over the noise.
    let stranger = bench.spoke(&hub, Side::password("another")).await;
    stranger.outcome().await;
    stranger.stop().await;
    hub.until("a wrong password", |snapshot| {
        snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::PasswordMismatch))
    })
    .await;
    let (alarms, before) = (hub.snapshot().alarms.len(), ended.load(Ordering::Relaxed));

    for _ in 0..STRANGERS_WHOLE + FURTHER {
        noise(&hub).await;
    }
    // Answered after all that was noted before it.
    hub.running.probe().await.expect("the store can be written");
    let counted = ended.load(Ordering::Relaxed) - before;
    assert_eq!(counted, u64::try_from(STRANGERS_WHOLE + FURTHER).expect("few"), "metrics count them all");
    let from_noisy = format!("IPAddr={NOISY}");
    let written = texts(logs.path(), &recorder);
    let accepted = |texts: &[String]| {
        texts
            .iter()
            .filter(|text| text.contains("New connection accepted") && text.contains(&from_noisy))
            .count()
    };
    assert_eq!(accepted(&written), STRANGERS_WHOLE, "the first ones, whole");
    assert_eq!(count(&written, "are counted, not traced"), 0, "not yet");

    // The list of attempts still has the one that was there before.
    let snapshot = hub.snapshot();
    assert_eq!(snapshot.attempts.len(), ATTEMPTS_KEPT);
    let wrong = |attempt: &&Arc<Attempt>| attempt.outcome == Some(Outcome::PasswordMismatch);
    assert!(snapshot.attempts.iter().any(|attempt| wrong(&attempt)), "what others did is not pushed out");

    // A wrong password from there raises its alarm, with its lines.
    let door = peer::Door::from("a third password");
    let address = hub.running.listening().expect("a hub listens");
    let mut guess = peer::connect(address, NOISY).await;
    guess.write_all(&door.hello()).await.expect("writes");
    assert!(guess.read(&mut [0; 512]).await.expect("the hub's Hello") > 0);
    guess
        .write_all(&[&b"ILSL\x01\x02\x01\x00\x00\x00\x00\x40"[..], &[0x5a; 64]].concat())
        .await
        .expect("writes");
    while guess.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
    hub.until("one more alarm", |snapshot| snapshot.alarms.len() == alarms + 1).await;
    hub.running.probe().await.expect("the store can be written");
    let written = texts(logs.path(), &recorder);
    assert_eq!(accepted(&written), STRANGERS_WHOLE + 1);
    assert_eq!(count(&written, &format!("ILSPwdAuthenticationFailed alarm with IPAddress= {NOISY}")), 1);

    // An honest one from there: the count, then all of its lines.
    let spoke = bench.spoke_with(address, Side::password(PASSWORD), |config| {
        config.dial_from = Some(NOISY.parse().expect("an address"));
    });
    let spoke = spoke.await;
    hub.until("joined", |snapshot| {
        snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::Joined))
    })
    .await;
    hub.running.probe().await.expect("the store can be written");
    let written = texts(logs.path(), &recorder);
    let line = format!(
        "IlsD IlsHandler: {FURTHER} more connections from {NOISY} did not join and are counted, not traced: not-ils {FURTHER}"
    );
    let at =
        written.iter().position(|text| *text == line).unwrap_or_else(|| panic!("no count: {written:#?}"));
    let rest = &written[at + 1..];
    assert!(rest.first().is_some_and(|text| text.contains("New connection accepted")), "{rest:#?}");
    for part in ["ConnectInd TCPPid", "decryptData: inlen", "established"] {
        assert_eq!(count(rest, part), 1, "{part}: {rest:#?}");
    }
    spoke.stop().await;
    hub.stop().await;
}
