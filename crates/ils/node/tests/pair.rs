//! A hub and a spoke in one process, on real sockets: what the end-to-end tests cannot reach in little time.

mod bench;

use bench::pki::{self, Ca, Flaw};
use bench::{Bench, Side, peer};
use ils_core::alarm::AlarmName;
use ils_core::config::TlsVersion;
use ils_core::event::Happening;
use ils_core::ledger::{KnownPeer, Proof};
use ils_core::limits::PEERS_KNOWN;
use ils_core::outcome::Outcome;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_joins_and_both_know_each_other() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(hub.outcome().await, Outcome::Joined);
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    hub.until("up to date", |snapshot| {
        snapshot.peers.iter().any(|peer| peer.synchronization() == "Up to date")
    })
    .await;
    spoke
        .until("up to date", |snapshot| {
            snapshot.peers.iter().any(|peer| peer.synchronization() == "Up to date")
        })
        .await;
    spoke.stop().await;
    hub.until("spoke gone", |snapshot| snapshot.joined().count() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_is_noticed_by_the_hub_alone() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("another")).await;
    assert_eq!(hub.outcome().await, Outcome::PasswordMismatch);
    assert_eq!(spoke.outcome().await, Outcome::Closed);
    hub.until("an alarm", |snapshot| snapshot.alarms.len() == 1).await;
    assert_eq!(hub.snapshot().alarms[0].name.as_str(), "ILSPwdAuthenticationFailed");
    assert!(spoke.snapshot().alarms.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_the_connection_and_joins_again_when_both_have_it() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    let set = || Some(String::from("the next").into());
    hub.running.configure(Default::default(), set()).await.expect("a change");
    spoke.until("the end", |snapshot| snapshot.joined().count() == 0).await;
    spoke.running.configure(Default::default(), set()).await.expect("a change");
    spoke.until("joined again", |snapshot| snapshot.joined().count() == 1).await;
    hub.until("joined again", |snapshot| snapshot.joined().count() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_changed_while_running_reaches_the_peer() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(hub.outcome().await, Outcome::Joined);
    let patch = json!({"description": "moved to another room"});
    spoke.running.configure(patch.as_object().expect("an object").clone(), None).await.expect("a change");
    hub.until("the description", |snapshot| {
        snapshot.peers.iter().any(|peer| peer.known.info().description.as_str() == "moved to another room")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_cannot_be_stored_is_refused_as_temporary_and_works_when_the_disk_does() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    hub.ledger.fail("database or disk is full");
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(spoke.outcome().await, Outcome::Temporary);
    assert_eq!(hub.outcome().await, Outcome::Temporary);
    assert!(hub.snapshot().peers.is_empty(), "nothing is shown that is not stored");
    hub.until("the alarm", |snapshot| {
        snapshot.alarms.iter().any(|alarm| alarm.name.as_str() == "ILSDBLException")
    })
    .await;
    hub.ledger.recover();
    hub.until("joined", |snapshot| snapshot.joined().count() == 1).await;
    hub.until("no alarm", |snapshot| snapshot.alarms.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_peer_is_told_so_and_may_join_anew() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(hub.outcome().await, Outcome::Joined);
    let peer = hub.snapshot().peers[0].known.peer_id();
    assert!(hub.running.disconnect(peer).await.expect("stored"));
    spoke
        .until("two joins", |snapshot| {
            let joins = snapshot.attempts.iter().filter(|attempt| attempt.outcome == Some(Outcome::Joined));
            joins.count() == 2
        })
        .await;
    assert!(!hub.running.disconnect(ils_wire::PeerId::UNKNOWN).await.expect("stored"), "nobody of that name");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_side_on_tls_and_the_other_on_the_password_is_a_refused_connection() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side { tls: true, ..Side::default() }).await;
    assert_eq!(spoke.outcome().await, Outcome::RefusedConnection);
    spoke
        .until("the alarm", |snapshot| {
            snapshot.alarms.iter().any(|alarm| alarm.name.as_str() == "ILSHubClusterUnreachable")
        })
        .await;
    assert!(hub.snapshot().attempts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_hub_says_bye() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    hub.stop().await;
    spoke.until("the bye", |snapshot| {
        let said = |happening: &Happening| matches!(happening, Happening::ClosedThere { detail, .. } if detail.contains("shutdown"));
        snapshot.attempts.iter().any(|attempt| attempt.steps.iter().any(|step| said(&step.happening)))
    })
    .await;
}

/// A side with a CA-signed certificate, the root in its store.
fn signed(bench: &Bench, ca: &Ca, name: &str) -> Side {
    let folder = bench.folder().join(name);
    let identity = pki::write(&folder, &ca.issue(&format!("{name}.lab.example"), Flaw::None), &[&ca.pem]);
    Side { tls: true, password: Some("one password"), identity: Some(identity), version: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_on_one_side_of_7501_alone_is_a_method_mismatch_for_both() {
    for (hub_password, spoke_password) in [(Some("one password"), None), (None, Some("one password"))] {
        let bench = Bench::new();
        let (hub_pair, spoke_pair) =
            (pki::self_signed("hub.lab.example"), pki::self_signed("spoke.lab.example"));
        // Each has the other's certificate, so that only the boxes differ.
        let hub_identity = pki::write(&bench.folder().join("hub"), &hub_pair, &[&spoke_pair.certificate]);
        let spoke_identity = pki::write(&bench.folder().join("spoke"), &spoke_pair, &[&hub_pair.certificate]);
        let side = |password, identity| Side { tls: true, password, identity: Some(identity), version: None };
        let hub = bench.hub(side(hub_password, hub_identity)).await;
        let spoke = bench.spoke(&hub, side(spoke_password, spoke_identity)).await;
        assert_eq!(hub.outcome().await, Outcome::MethodMismatch, "{hub_password:?}");
        assert_eq!(spoke.outcome().await, Outcome::MethodMismatch, "{hub_password:?}");
        hub.until("the alarm", |snapshot| {
            snapshot.alarms.iter().any(|alarm| alarm.name.as_str() == "ILSUnacceptableConnectionAttempt")
        })
        .await;
        assert!(spoke.snapshot().alarms.is_empty(), "the hub alone raises it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_node_may_start_with_is_one_that_joins_on_tls() {
    for name in ["ils_hub.lab.example", "_a.b-c_.example", "xn--hb-xka.lab.example", "1.2.3.example", "hub"] {
        let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
        let named = |config: &mut ils_core::config::Config| config.fqdn = name.parse().expect("an FQDN");
        let identity = pki::write(&bench.folder().join("hub"), &ca.issue(name, Flaw::None), &[&ca.pem]);
        let side =
            Side { tls: true, password: Some("one password"), identity: Some(identity), version: None };
        let hub = bench.hub_with(side, named).await;
        let spoke = bench.spoke(&hub, signed(&bench, &ca, "spoke")).await;
        assert_eq!(spoke.outcome().await, Outcome::Joined, "{name}");
        assert_eq!(hub.outcome().await, Outcome::Joined, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tls_version_in_common_is_told_as_that_on_both_sides() {
    for (hub_version, spoke_version) in
        [(TlsVersion::V1_3, TlsVersion::V1_2), (TlsVersion::V1_2, TlsVersion::V1_3)]
    {
        let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
        let side = |name, version| Side { version: Some(version), ..signed(&bench, &ca, name) };
        let hub = bench.hub(side("hub", hub_version)).await;
        let spoke = bench.spoke(&hub, side("spoke", spoke_version)).await;
        assert_eq!(hub.outcome().await, Outcome::TlsVersion, "{hub_version:?}");
        assert_eq!(spoke.outcome().await, Outcome::TlsVersion, "{hub_version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_protocol_is_closed_at_once_and_raises_no_alarm() {
    let ca = Ca::new("the lab CA");
    for (tls, bytes) in [
        (false, &b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"[..]),
        (false, &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]),
        // A scan for open ports.
        (false, b""),
        (true, b""),
        (true, b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"),
        (true, b"ILSL\x01\x01\x00\x00\x00\x00\x00\x00"),
    ] {
        let bench = Bench::new();
        let hub = bench.hub(Side { tls, ..signed(&bench, &ca, "hub") }).await;
        let mut socket =
            TcpStream::connect(hub.running.listening().expect("a hub listens")).await.expect("connects");
        socket.write_all(bytes).await.expect("writes");
        if bytes.is_empty() {
            socket.shutdown().await.expect("it is open");
        }
        assert_eq!(hub.outcome().await, Outcome::NotIls, "{bytes:?}");
        let mut rest = Vec::new();
        // On TLS an alert comes first.
        socket.read_to_end(&mut rest).await.expect("closed in an orderly way");
        assert!(hub.snapshot().alarms.is_empty(), "a scan is no peer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_frame_is_refused_by_its_length_alone() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    for (length, outcome) in [(16 * 1024 + 1_u32, Some(Outcome::ProtocolError)), (16 * 1024, None)] {
        let before = hub.snapshot().attempts.len();
        let mut socket =
            TcpStream::connect(hub.running.listening().expect("a hub listens")).await.expect("connects");
        let header = [&b"ILSL\x01\x01\x00\x00"[..], &length.to_be_bytes()].concat();
        socket.write_all(&header).await.expect("writes");
        match outcome {
            Some(outcome) => {
                hub.until("its end", |snapshot| {
                    snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(outcome))
                })
                .await;
            }
            // It waits for the octets that the header announced.
            None => {
                hub.until("it begins", |snapshot| snapshot.attempts.len() > before).await;
                drop(socket);
                hub.until("it breaks off", |snapshot| {
                    snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::Closed))
                })
                .await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_timeout_before_the_hello_and_unresponsive_after_it() {
    let (short, long) = (std::time::Duration::from_millis(50), std::time::Duration::from_secs(3600));
    let bench = Bench::new();
    let hub = bench.hub_with(Side::password("one password"), |config| config.timers.hello = short).await;
    let _silent =
        TcpStream::connect(hub.running.listening().expect("a hub listens")).await.expect("connects");
    assert_eq!(hub.outcome().await, Outcome::Timeout);
    assert!(hub.snapshot().alarms.is_empty(), "a scan is no peer");
    let bench = Bench::new();
    let hub = bench.hub_with(Side::password("one password"), |config| {
        (config.timers.hello, config.timers.handshake, config.timers.register) = (long, long, short);
    });
    let hub = hub.await;
    let address = hub.running.listening().expect("a hub listens");
    let mut halfway = TcpStream::connect(address).await.expect("connects");
    let hello = ils_wire::Hello {
        versions: vec![2],
        boxes: ils_wire::Boxes { tls: false, password: true },
        random: [7; 32],
        share: Some(ils_wire::Ephemeral::from_bytes([9; 32]).public()),
    };
    let hello = ils_wire::Message::Hello(hello).encode_frame().expect("encodes");
    halfway.write_all(&hello).await.expect("writes");
    hub.until("unresponsive", |snapshot| {
        snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::Unresponsive))
    })
    .await;
    hub.until("the alarm", |snapshot| {
        snapshot.alarms.iter().any(|alarm| alarm.name.as_str() == "ILSRemoteHostUnresponsive")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_that_is_answered_in_another_protocol_says_so_and_raises_no_alarm() {
    let ca = Ca::new("the lab CA");
    for (tls, answer) in [
        (false, &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]),
        (false, &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]),
        (true, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (true, b"ILSL\x01\x01\x00\x00\x00\x00\x00\x00"),
    ] {
        let bench = Bench::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("the spoke dials");
            socket.write_all(answer).await.expect("writes");
            let mut rest = Vec::new();
            // The spoke hangs up.
            let _ = socket.read_to_end(&mut rest).await;
        });
        let spoke = bench.spoke_to(address, Side { tls, ..signed(&bench, &ca, "spoke") }).await;
        assert_eq!(spoke.outcome().await, Outcome::NotIls, "{answer:?}");
        assert!(spoke.snapshot().attempts[0].ended.is_some(), "it is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_knows_as_many_clusters_as_it_can_says_so_on_both_sides_and_raises_the_alarm_of_the_limit()
{
    let known = |number: usize| {
        let info = peer::numbered(u32::try_from(number).expect("few"));
        KnownPeer { entry: peer::entry(&info), proof: Proof::Password, pkid: format!("key-{number}") }
    };
    let count = |clusters: usize| (1..clusters).map(known).collect();
    let (full, bench) = (PEERS_KNOWN + 1, Bench::new());
    let hub = bench.hub_knowing(Side::password("one password"), count(full)).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!((hub.outcome().await, spoke.outcome().await), (Outcome::PeerLimit, Outcome::PeerLimit));
    let alarms: Vec<_> = hub.snapshot().alarms.iter().map(|alarm| alarm.name).collect();
    assert_eq!(alarms, [AlarmName::PeerLimitExceeded], "the network is full; nobody is unacceptable");
    assert!(spoke.snapshot().alarms.is_empty());
    // With one place left there is room.
    let bench = Bench::new();
    let hub = bench.hub_knowing(Side::password("one password"), count(full - 1)).await;
    let spoke = bench.spoke(&hub, Side::password("one password")).await;
    assert_eq!((hub.outcome().await, spoke.outcome().await), (Outcome::Joined, Outcome::Joined));
}
