//! Peers whose names are made to mislead: no line of trace or syslog says what a peer wrote into its certificate.

mod bench;

use std::path::Path;
use std::sync::Arc;

use bench::peer::{self, Door, Peer};
use bench::pki::{self, Ca, Flaw, Pair};
use bench::{Bench, PASSWORD, Side, Station, Way, stage, tls};
use ed25519_dalek::{Signer, SigningKey};
use ils_core::config::TlsVersion;
use ils_core::event::Noted;
use ils_core::outcome::Outcome;
use ils_lines::{APPLICATION, Recorder};
use ils_node::Scribe;
use ils_wire::{Message, PeerInfo, Role};
use ilslab_trace::{RecorderOptions, read_trace};
use tokio::io::AsyncReadExt;

/// A common name (64 characters at most) that ends a value, a line and a terminal's colours, and begins a line of its own.
const FORGED: &str = "evil] |\n00000009.001 |00:00:00.000 |AppInfo  |forged\u{1b}[31m\u{202e}";

/// The same as it is shown: octet by octet, and once.
const SHOWN: &str =
    r"evil\x5d \x7c\x0a00000009.001 \x7c00:00:00.000 \x7cAppInfo\x20\x20\x7cforged\x1b[31m\xe2\x80\xae";

/// Writes trace and alarms as a daemon does.
struct Scroll(Arc<Recorder>);

impl Scribe for Scroll {
    fn write(&mut self, noted: Noted) {
        self.0.record(noted);
    }
}

fn recorder(folder: &Path) -> Arc<Recorder> {
    let options = RecorderOptions::new(APPLICATION, folder, "2", "node.lab.example", ils_node::clock::wall());
    Arc::new(Recorder::open(&options).expect("a folder"))
}

/// Everything in the files is a line of this node's own, and nothing in them leads a reader astray.
fn is_unforged(folder: &Path, recorder: &Recorder, case: &str) {
    recorder.close();
    let logs = folder.join("activelog");
    let lines = read_trace(&logs.join("cm/trace/ils/sdl")).expect("every line is one");
    let own = |text: &str| text.contains("HandleSSLError") || text.contains("Ils") || text.contains("SdlSig");
    assert!(
        lines.iter().all(|line| line.is_head() || own(line.text()) && !line.text().starts_with("forged")),
        "{case}: {lines:?}"
    );
    let (mut alarms, mut is_named) = (0, false);
    for file in [logs.join("cm/trace/ils/sdl/SDL001_600_000001.txt"), logs.join("syslog/CiscoSyslog")] {
        let text = std::fs::read_to_string(&file).expect("text");
        let misleads = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(misleads), "{case}: {text:?}");
        assert!(text.lines().all(|line| !line.starts_with("00000009")), "{case}: {text:?}");
        is_named |= text.contains(SHOWN);
        assert_eq!(text.contains("evil"), text.contains(SHOWN), "{case}: {text:?}");
        if file.ends_with("CiscoSyslog") {
            alarms = text.lines().filter(|line| line.contains("%UC_ILS-")).count();
            assert_eq!(alarms, text.lines().count(), "{case}: {text:?}");
        }
    }
    assert_eq!(alarms, 1, "{case}: the failure itself is told");
    // A certificate that verified has a name, and the trace gives it all the same.
    assert_eq!(is_named, case.starts_with("not known"), "{case}");
}

/// A name that is refused: with the chain, after it, and what the node is set to.
fn certificates(
    ca: &Ca, version: TlsVersion,
) -> [(&'static str, Pair, Outcome, Option<&'static str>, TlsVersion); 2] {
    let rejected = Outcome::PeerCertificateRejected(Some(18));
    [
        ("self-signed", pki::named(FORGED, None), rejected, Some(PASSWORD), version),
        ("not known", pki::named(FORGED, Some(ca)), Outcome::CertificateNotKnown, None, version),
    ]
}

fn side(bench: &Bench, ca: &Ca, name: &str, password: Option<&'static str>, version: TlsVersion) -> Side {
    let own = ca.issue(&format!("{name}.lab.example"), Flaw::None);
    let identity = pki::write(bench.folder(), &own, &[&ca.pem]);
    Side { tls: true, password, identity: Some(identity), version: Some(version) }
}

async fn ends_as(station: &Station, outcome: Outcome, case: &str) {
    assert_eq!(station.outcome().await, outcome, "{case}");
    station.until("the alarm", |snapshot| !snapshot.alarms.is_empty()).await;
    station.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_forges_no_line_on_either_side() {
    let ca = Ca::new("the lab CA");
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for (case, pair, outcome, password, version) in certificates(&ca, version) {
            let (bench, case) = (Bench::new(), format!("{case}, to a hub, {version:?}"));
            let written = recorder(bench.folder());
            let hub = side(&bench, &ca, "hub", password, version);
            let hub = bench.hub_written_by(hub, Scroll(Arc::clone(&written))).await;
            let address = hub.running.listening().expect("it listens");
            // It is refused, sooner or later.
            if let Ok(mut stream) = tls::dial(address, &pair).await {
                let _ = stream.read(&mut [0; 16]).await;
            }
            ends_as(&hub, outcome, &case).await;
            is_unforged(bench.folder(), &written, &case);
        }
        for (case, pair, outcome, password, version) in certificates(&ca, version) {
            let (bench, case) = (Bench::new(), format!("{case}, to a spoke, {version:?}"));
            let written = recorder(bench.folder());
            let (listener, address) = peer::listener().await;
            let villain = tokio::spawn(async move {
                // The listener stays, so that the spoke meets nothing else when it dials again.
                let answered = tls::answer(&listener, &pair).await;
                (listener, answered.is_ok())
            });
            let spoke = side(&bench, &ca, "spoke", password, version);
            let spoke = bench.spoke_written_by(address, spoke, Scroll(Arc::clone(&written))).await;
            ends_as(&spoke, outcome, &case).await;
            let _listener = villain.await.expect("no panic");
            is_unforged(bench.folder(), &written, &case);
        }
    }
}

/// Common name and DNS names that people have typed into a request for `pub.lab.example`, and what of them is compared, as
/// it is shown.
const TYPED: [(&str, &[&str], &str); 5] = [
    ("pub.lab.example", &["pub.lab.example,sub.lab.example"], "pub.lab.example,sub.lab.example"),
    ("pub.lab.example", &["DNS:pub.lab.example"], "DNS:pub.lab.example"),
    ("pub.lab.example", &["pub.lab.example "], r"pub.lab.example\x20"),
    ("pub.lab.example", &["*.lab.example"], "*.lab.example"),
    ("pub.lab.example ", &[], r"pub.lab.example\x20"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_told_by_the_name_that_was_compared_and_not_by_one_that_is_in_the_vector() {
    let ca = Ca::new("the lab CA");
    for (common_name, dns, shown) in TYPED {
        let (bench, written) = (Bench::new(), recorder_of_a_bench());
        let (folder, recorder) = &written;
        let known = Arc::new(ca.issue("pub.lab.example", Flaw::None));
        let own = ca.issue("hub.lab.example", Flaw::None);
        let identity = pki::write(bench.folder(), &own, &[&ca.pem, &known.certificate]);
        let side = Side { tls: true, identity: Some(identity), ..Side::default() };
        let hub = bench.hub_written_by(side, Scroll(Arc::clone(recorder))).await;
        let address = hub.running.listening().expect("it listens");
        // From now on the FQDN is known.
        let _joined = Peer::spoke(address, "pub", Door { tls: Some(known), password: None }).await;
        if let Ok(mut stream) = tls::dial(address, &pki::titled(common_name, dns, Some(&ca))).await {
            let _ = stream.read(&mut [0; 16]).await;
        }
        hub.until("it is turned away", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::CertificateNotKnown))
        })
        .await;
        hub.stop().await;
        recorder.close();
        let logs = folder.path().join("activelog");
        let lines = read_trace(&logs.join("cm/trace/ils/sdl")).expect("every line is one");
        let told = format!("the FQDN ({shown}) is not in the peer info vector");
        assert!(lines.iter().any(|line| line.text().contains(&told)), "{shown}: {lines:?}");
        let sent = format!("alarm for Cluster1= {shown};");
        assert!(lines.iter().any(|line| line.text().contains(&sent)), "{shown}: {lines:?}");
        let alarms = std::fs::read_to_string(logs.join("syslog/CiscoSyslog")).expect("text");
        assert!(alarms.contains(&format!("[Cluster1={shown}]")), "{shown}: {alarms}");
    }
}

fn recorder_of_a_bench() -> (tempfile::TempDir, Arc<Recorder>) {
    let folder = tempfile::tempdir().expect("a folder");
    let written = recorder(folder.path());
    (folder, written)
}

/// Of the same length, so that only the rule of the description is broken.
const GOOD: &str = "a description for this one test";
const BAD: &str = "a]\u{1b}[31m|\nforged line, one test.";

/// The octets of an introduction whose good description has become a bad one, signed by the villain all the same. Only without
/// a password: nobody can alter what is sealed.
fn altered(villain: &mut Peer, role: Role) -> Vec<u8> {
    assert_eq!(GOOD.len(), BAD.len());
    let description = GOOD.parse().expect("a description");
    let info = PeerInfo { description, ..peer::info("villain", 5, role) };
    let entry = peer::entry(&info);
    let statement = replaced(entry.statement(), GOOD.as_bytes(), BAD.as_bytes());
    let signing = peer::key(entry.peer_id()).with_seed(SigningKey::from_bytes);
    let signature = signing.sign(&[b"ilslab v2 entry", statement.as_slice()].concat()).to_bytes();
    let message = villain.introduction(&info);
    let octets = replaced(&villain.octets(&message), entry.statement(), &statement);
    replaced(&octets, entry.signature(), &signature)
}

/// With the one place where `old` stands overwritten.
fn replaced(octets: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = octets.windows(old.len()).position(|window| window == old).expect("it is in there");
    let mut octets = octets.to_vec();
    octets.splice(at..at + old.len(), new.iter().copied());
    octets
}

async fn is_refused_and_not_shown(station: &Station, folder: &Path, written: &Recorder, case: &str) {
    assert_eq!(station.outcome().await, Outcome::ProtocolError, "{case}");
    assert!(station.snapshot().peers.is_empty(), "{case}: nothing is learned");
    station.stop().await;
    written.close();
    let file = folder.join("activelog/cm/trace/ils/sdl/SDL001_600_000001.txt");
    let text = std::fs::read_to_string(file).expect("text");
    assert!(
        !text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("forged")),
        "{case}: {text:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_breaks_its_rule_is_refused_by_either_side_and_shown_to_nobody_as_it_is() {
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let way = Way { tls: Some(version), password: false };
        let bench = Bench::new();
        let written = recorder(bench.folder());
        let (side, door) = stage(&bench, "hub", way);
        let hub = bench.hub_written_by(side, Scroll(Arc::clone(&written))).await;
        let address = hub.running.listening().expect("it listens");
        let mut villain = Peer::dial(address, "127.0.0.1", door).await;
        let octets = altered(&mut villain, Role::Spoke);
        villain.send(&octets).await;
        assert_eq!(villain.frame().await, None, "nothing is told before the join");
        is_refused_and_not_shown(&hub, bench.folder(), &written, &format!("to a hub, {version:?}")).await;

        let bench = Bench::new();
        let written = recorder(bench.folder());
        let (side, door) = stage(&bench, "spoke", way);
        let (listener, address) = peer::listener().await;
        let spoke = bench.spoke_written_by(address, side, Scroll(Arc::clone(&written))).await;
        let mut villain = Peer::answer(&listener, door).await;
        assert!(matches!(villain.hear().await, Some(Message::Register(_))), "it registers");
        let octets = altered(&mut villain, Role::Hub);
        villain.send(&octets).await;
        is_refused_and_not_shown(&spoke, bench.folder(), &written, &format!("to a spoke, {version:?}")).await;
    }
}
