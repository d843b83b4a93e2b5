//! Peers that are not ours on 7501: OpenSSL's own client and server, and a thief with somebody's certificate.
//!
//! The alert that the foreign peer prints is the one that OpenSSL itself would have sent to it.

mod bench;

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use bench::pki::{self, Ca, Flaw, Pair};
use bench::{Bench, Side, Station, tls};
use ils_core::config::TlsVersion;
use ils_core::event::{Happening, Rejection};
use ils_core::outcome::Outcome;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Is the oracle there? Where tools are required, it has to be.
fn openssl() -> bool {
    let there = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(
        there || std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
        "openssl is required and not installed"
    );
    if !there {
        println!("skipped: openssl is not installed");
    }
    there
}

fn versions() -> [(TlsVersion, &'static str); 2] {
    [(TlsVersion::V1_2, "-tls1_2"), (TlsVersion::V1_3, "-tls1_3")]
}

/// What `openssl s_client` prints when it talks to that address and its input ends at once.
fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["30", "openssl", "s_client", "-connect", &address.to_string(), "-ign_eof"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_is_refused_with_openssls_own_alert() {
    if !openssl() {
        return;
    }
    let (ca, other) = (Ca::new("the lab CA"), Ca::new("another CA"));
    for (case, pair, outcome, alert) in [
        (
            "unknown CA",
            Some(other.issue("spoke.lab.example", Flaw::None)),
            Outcome::PeerCertificateRejected(Some(20)),
            [48, 48],
        ),
        (
            "self-signed",
            Some(pki::self_signed("spoke.lab.example")),
            Outcome::PeerCertificateRejected(Some(18)),
            [48, 48],
        ),
        (
            "expired",
            Some(ca.issue("spoke.lab.example", Flaw::Expired)),
            Outcome::PeerCertificateRejected(Some(10)),
            [45, 45],
        ),
        (
            "not yet valid",
            Some(ca.issue("spoke.lab.example", Flaw::NotYetValid)),
            Outcome::PeerCertificateRejected(Some(9)),
            [42, 42],
        ),
        (
            "wrong purpose",
            Some(ca.issue("spoke.lab.example", Flaw::ServerAuthOnly)),
            Outcome::PeerCertificateRejected(Some(26)),
            [43, 43],
        ),
        ("no certificate", None, Outcome::PeerCertificateRejected(None), [116, 116]),
    ] {
        for ((version, flag), alert) in versions().into_iter().zip(alert) {
            let bench = Bench::new();
            let hub = tls_hub(&bench, &ca, version).await;
            let seen = knock(&bench, &hub, pair.as_ref(), flag).await;
            assert_eq!(hub.outcome().await, outcome, "{case} {flag}");
            assert!(seen.contains(&format!("SSL alert number {alert}")), "{case} {flag}: {seen}");
            hub.until("the alarm", |snapshot| snapshot.alarms.iter().any(|alarm| alarm.key == "127.0.0.1"))
                .await;
        }
    }
}

async fn tls_hub(bench: &Bench, ca: &Ca, version: TlsVersion) -> Station {
    let identity = pki::write(bench.folder(), &ca.issue("hub.lab.example", Flaw::None), &[&ca.pem]);
    let side =
        Side { tls: true, password: Some("one password"), identity: Some(identity), version: Some(version) };
    // OpenSSL says no Hello, and waits until the hub hangs up.
    bench.hub_with(side, |config| config.timers.hello = Duration::from_secs(2)).await
}

async fn knock(bench: &Bench, hub: &Station, pair: Option<&Pair>, flag: &'static str) -> String {
    let address = hub.running.listening().expect("a hub listens");
    let files = pair.map(|pair| pki::write_pair(bench.folder(), "foreign", pair));
    let client = tokio::task::spawn_blocking(move || {
        let mut arguments = vec![flag.to_owned()];
        if let Some((certificate, key)) = files {
            let path = |path: std::path::PathBuf| path.display().to_string();
            arguments.extend(["-cert".to_owned(), path(certificate), "-key".to_owned(), path(key)]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        s_client(address, &arguments)
    });
    client.await.expect("openssl ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_refuses_openssls_server_with_openssls_own_alert() {
    if !openssl() {
        return;
    }
    let (ca, other) = (Ca::new("the lab CA"), Ca::new("another CA"));
    for (case, pair, code, alert) in [
        ("unknown CA", other.issue("hub.lab.example", Flaw::None), 20, 48),
        ("self-signed", pki::self_signed("hub.lab.example"), 18, 48),
        ("expired", ca.issue("hub.lab.example", Flaw::Expired), 10, 45),
        ("not yet valid", ca.issue("hub.lab.example", Flaw::NotYetValid), 9, 42),
        ("wrong purpose", ca.issue("hub.lab.example", Flaw::ClientAuthOnly), 26, 43),
    ] {
        for (version, flag) in versions() {
            let bench = Bench::new();
            let (address, server) = s_server(&bench, &pair, flag);
            let identity = pki::write(bench.folder(), &ca.issue("spoke.lab.example", Flaw::None), &[&ca.pem]);
            let side = Side {
                tls: true,
                password: Some("one password"),
                identity: Some(identity),
                version: Some(version),
            };
            let spoke = bench.spoke_to(address, side).await;
            assert_eq!(spoke.outcome().await, Outcome::PeerCertificateRejected(Some(code)), "{case} {flag}");
            let printed = tokio::task::spawn_blocking(move || server.until("SSL alert number"))
                .await
                .expect("it prints");
            assert!(printed.contains(&format!("SSL alert number {alert}")), "{case} {flag}: {printed}");
        }
    }
}

/// An `openssl s_server`, ended when dropped.
struct Server(std::process::Child);

impl Server {
    /// What it prints up to this text.
    fn until(mut self, text: &str) -> String {
        use std::io::{BufRead, BufReader};
        let printed = BufReader::new(self.0.stderr.take().expect("piped"));
        let mut all = String::new();
        for line in printed.lines().map_while(Result::ok) {
            all.push_str(&line);
            if line.contains(text) {
                break;
            }
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, which `timeout` passes on to OpenSSL. It may have ended by itself.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// On a port of the system's choice: OpenSSL prints which.
fn s_server(bench: &Bench, pair: &Pair, flag: &str) -> (SocketAddr, Server) {
    use std::io::{BufRead, BufReader};
    let (certificate, key) = pki::write_pair(bench.folder(), "server", pair);
    let mut child = Command::new("timeout")
        .args(["60", "openssl", "s_server", "-accept", "127.0.0.1:0", flag, "-Verify", "1", "-cert"])
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let accept =
        stdout.lines().map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ")?.parse().ok());
    (accept.expect("it says where it accepts"), Server(child))
}

/// Keys that rustls has no scheme for, or its provider no room. With TLS 1.2 rustls asks nobody for RSASSA-PSS keys, and
/// OpenSSL then shows no certificate.
#[tokio::test(flavor = "multi_thread")]
async fn openssl_proves_an_rsassa_pss_key_and_one_of_2047_bits() {
    if !openssl() {
        return;
    }
    for (case, algorithm, bits) in [("RSASSA-PSS", "rsa-pss", 2_048), ("RSA-2047", "rsa", 2_047)] {
        for (version, flag) in versions() {
            let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
            let foreign = made_by_openssl(&bench, algorithm, bits);
            let trusted = [ca.pem.as_str(), &foreign.certificate];
            let identity = pki::write(bench.folder(), &ca.issue("hub.lab.example", Flaw::None), &trusted);
            let side =
                Side { tls: true, identity: Some(identity), version: Some(version), ..Side::default() };
            let hub = bench.hub_with(side, |config| config.timers.hello = Duration::from_secs(2)).await;
            knock(&bench, &hub, Some(&foreign), flag).await;
            let shows_none = algorithm == "rsa-pss" && version == TlsVersion::V1_2;
            // Past TLS it is the Hello that does not come.
            let wanted = if shows_none { Outcome::PeerCertificateRejected(None) } else { Outcome::Timeout };
            assert_eq!(hub.outcome().await, wanted, "{case} {flag}");
        }
    }
}

/// A self-signed pair.
fn made_by_openssl(bench: &Bench, algorithm: &str, bits: usize) -> Pair {
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=spoke.lab.example",
            "-newkey",
            algorithm,
        ])
        .args(["-pkeyopt", &format!("rsa_keygen_bits:{bits}"), "-keyout", "made.key", "-out", "made.pem"])
        .current_dir(bench.folder())
        .output()
        .expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(bench.folder().join(name)).expect("openssl wrote it");
    Pair { certificate: read("made.pem"), key: read("made.key") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_certificate_without_its_key_is_refused_both_ways_with_alert_51() {
    for (version, _) in versions() {
        let ca = Ca::new("the lab CA");
        let stolen = ca.issue("spoke.lab.example", Flaw::None);
        let bench = Bench::new();
        // The very certificate is imported: only the key can tell.
        let identity = pki::write(
            bench.folder(),
            &ca.issue("hub.lab.example", Flaw::None),
            &[&ca.pem, &stolen.certificate],
        );
        let hub = bench
            .hub(Side { tls: true, identity: Some(identity), version: Some(version), ..Side::default() })
            .await;
        let alert = thief_dials(hub.running.listening().expect("a hub listens"), &stolen).await;
        assert_eq!(alert, Some(rustls::AlertDescription::DecryptError), "{version:?}");
        assert_eq!(hub.outcome().await, Outcome::PeerCertificateRejected(None), "{version:?}");
        assert!(hub.snapshot().peers.is_empty());

        let stolen = ca.issue("hub.lab.example", Flaw::None);
        let bench = Bench::new();
        let identity = pki::write(
            bench.folder(),
            &ca.issue("spoke.lab.example", Flaw::None),
            &[&ca.pem, &stolen.certificate],
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let thief = tokio::spawn(thief_answers(listener, stolen));
        let spoke = bench
            .spoke_to(
                address,
                Side { tls: true, identity: Some(identity), version: Some(version), ..Side::default() },
            )
            .await;
        assert_eq!(spoke.outcome().await, Outcome::PeerCertificateRejected(None), "{version:?}");
        assert_eq!(
            thief.await.expect("the thief ends"),
            Some(rustls::AlertDescription::DecryptError),
            "{version:?}"
        );
    }
}

/// Somebody's certificate with a key of the thief's own.
fn loot(stolen: &Pair) -> Pair {
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    Pair { certificate: stolen.certificate.clone(), key }
}

async fn thief_dials(hub: SocketAddr, stolen: &Pair) -> Option<rustls::AlertDescription> {
    dials(hub, &loot(stolen)).await
}

/// Dials with this pair, to be refused.
async fn dials(hub: SocketAddr, pair: &Pair) -> Option<rustls::AlertDescription> {
    match tls::dial(hub, pair).await {
        // With TLS 1.3 the refusal comes after the handshake.
        Ok(mut stream) => alert(stream.read(&mut [0; 64]).await.expect_err("refused")),
        Err(error) => alert(error),
    }
}

async fn thief_answers(listener: TcpListener, stolen: Pair) -> Option<rustls::AlertDescription> {
    alert(tls::answer(&listener, &loot(&stolen)).await.expect_err("refused"))
}

fn alert(error: std::io::Error) -> Option<rustls::AlertDescription> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_read_is_no_wrong_key() {
    let none = pki::unreadable();
    for (version, _) in versions() {
        let (ca, bench) = (Ca::new("the lab CA"), Bench::new());
        let hub = tls_hub(&bench, &ca, version).await;
        let address = hub.running.listening().expect("a hub listens");
        assert!(dials(address, &none).await.is_some(), "to a hub, {version:?}: it is told by an alert");
        is_unreadable(&hub, &format!("to a hub, {version:?}")).await;

        let bench = Bench::new();
        let own = pki::write(bench.folder(), &ca.issue("spoke.lab.example", Flaw::None), &[&ca.pem]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let side = Side { tls: true, identity: Some(own), version: Some(version), ..Side::default() };
        let none = none.clone();
        let answered =
            tokio::spawn(async move { alert(tls::answer(&listener, &none).await.expect_err("refused")) });
        let spoke = bench.spoke_to(address, side).await;
        is_unreadable(&spoke, &format!("to a spoke, {version:?}")).await;
        assert_eq!(
            answered.await.expect("it ends"),
            Some(rustls::AlertDescription::BadCertificate),
            "to a spoke, {version:?}"
        );
    }
}

async fn is_unreadable(station: &Station, case: &str) {
    assert_eq!(station.outcome().await, Outcome::PeerCertificateRejected(None), "{case}");
    let snapshot = station.snapshot();
    let rejected = Happening::PeerRejected { rejection: Rejection::Unreadable };
    let steps = snapshot.attempts.iter().flat_map(|attempt| &attempt.steps);
    assert!(steps.map(|step| &step.happening).any(|happening| *happening == rejected), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_resumed_so_a_peer_whose_ca_was_removed_stays_out() {
    if !openssl() {
        return;
    }
    for (version, flag) in versions() {
        let ca = Ca::new("the lab CA");
        let bench = Bench::new();
        let hub = tls_hub(&bench, &ca, version).await;
        let session = bench.folder().join("session.pem");
        let address = hub.running.listening().expect("a hub listens");
        let (certificate, key) =
            pki::write_pair(bench.folder(), "foreign", &ca.issue("spoke.lab.example", Flaw::None));
        let path = |path: &std::path::Path| path.display().to_string();
        let common = [flag.to_owned(), "-cert".into(), path(&certificate), "-key".into(), path(&key)];
        let visit = |more: [String; 2]| {
            let arguments: Vec<String> = common.iter().cloned().chain(more).collect();
            tokio::task::spawn_blocking(move || {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                s_client(address, &arguments)
            })
        };
        let first = visit(["-sess_out".into(), path(&session)]).await.expect("openssl ends");
        assert!(first.contains("New, TLSv1") && !first.contains("SSL alert number 48"), "{flag}: {first}");
        std::fs::remove_file(bench.folder().join("trust/0.pem")).expect("the CA is removed");
        hub.running.restart().await.expect("certificates are read again");
        // OpenSSL writes no session file where the server gave it none to keep.
        let more = if session.exists() {
            ["-sess_in".to_owned(), path(&session)]
        } else {
            ["-servername".into(), "hub.lab.example".into()]
        };
        let second = loop {
            let seen = visit(more.clone()).await.expect("openssl ends");
            // A child that another test starts has the old listener until it has become its program: a visit that
            // comes to that one is reset.
            if seen.contains("Reused, TLSv1") || seen.contains("SSL alert number") {
                break seen;
            }
        };
        assert!(!second.contains("Reused, TLSv1"), "{flag}: {second}");
        assert!(second.contains("SSL alert number 48"), "{flag}: {second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_resumes_no_session_either_so_a_hub_whose_ca_was_removed_is_refused() {
    if !openssl() {
        return;
    }
    for (version, flag) in versions() {
        let (ca, bench) = (Ca::new("the lab CA"), Bench::new());
        // OpenSSL's server offers sessions to be resumed, and says nothing on them.
        let (address, _server) = s_server(&bench, &ca.issue("hub.lab.example", Flaw::None), flag);
        let own = pki::write(bench.folder(), &ca.issue("spoke.lab.example", Flaw::None), &[&ca.pem]);
        let side =
            Side { tls: true, password: Some("one password"), identity: Some(own), version: Some(version) };
        let spoke = bench.spoke_with(address, side, |config| {
            config.timers.hello = Duration::from_millis(500);
        });
        let spoke = spoke.await;
        assert_eq!(spoke.outcome().await, Outcome::Timeout, "{flag}: the certificate is let in");
        std::fs::remove_file(bench.folder().join("trust/0.pem")).expect("the CA is removed");
        spoke.running.restart().await.expect("certificates are read again");
        spoke
            .until("it is refused", |snapshot| {
                let refused = Some(Outcome::PeerCertificateRejected(Some(20)));
                snapshot.attempts.iter().any(|attempt| attempt.outcome == refused)
            })
            .await;
    }
}
