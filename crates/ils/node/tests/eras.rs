//! Changes while a node runs: what they come to together, and that nothing of the time before outlives them.

mod bench;

use bench::peer::{self, Peer};
use bench::pki::{self, Ca, Flaw};
use bench::{Bench, PASSWORD, Panics, Side, Station, WAYS, Way, stage, tls};
use ils_core::event::{Direction, Happening};
use ils_core::outcome::Outcome;
use ils_core::snapshot::Attempt;
use ils_node::ChangeError;
use ils_wire::{Message, PeerInfo, Reason, Role};
use serde_json::{Value, json};
use tokio::net::TcpListener;

async fn set(station: &Station, patch: Value) -> Result<u64, ChangeError> {
    let patch = patch.as_object().expect("an object").clone();
    station.running.configure(patch, None).await.map(|config| config.revision)
}

async fn joined(station: &Station, count: usize) {
    station.until("so many are joined", |snapshot| snapshot.joined().count() == count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_judged_by_what_it_comes_to() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    set(&hub, json!({"use_tls": true, "use_password": false})).await.expect("a certificate is made for it");
    assert_eq!(hub.running.bound().listening, Some("tls"));
    // Null alone is the start-up value, which is on.
    set(&hub, json!({"use_tls": false, "use_password": null})).await.expect("a password is set at the start");
    assert_eq!(hub.running.bound().listening, Some("password"));
    let error = set(&hub, json!({"use_password": false})).await.expect_err("neither would be on");
    assert!(matches!(error, ChangeError::Setting(_)), "{error}");
    assert_eq!(hub.running.bound().listening, Some("password"), "everything is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_carries_the_revision_it_began_under_even_of_a_change_that_ends_no_connection() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    joined(&hub, 1).await;
    let revision = set(&hub, json!({"sync_every": "5m"})).await.expect("a change");
    set(&spoke, json!({"sync_every": "5m"})).await.expect("a change");
    assert_eq!(hub.snapshot().joined().count(), 1, "it ends no connection");
    let peer = hub.snapshot().peers[0].known.peer_id();
    hub.running.disconnect(peer).await.expect("stored");
    for station in [&hub, &spoke] {
        station
            .until("an attempt after the change", |snapshot| {
                let begun = |attempt: &&std::sync::Arc<Attempt>| attempt.link.revision == revision;
                snapshot.attempts.iter().filter(begun).any(|attempt| attempt.outcome.is_some())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_once_both_count_one_after_the_other() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    joined(&hub, 1).await;
    let (one, other) = tokio::join!(
        set(&hub, json!({"description": "one"})),
        set(&hub, json!({"route_string": "other.example"})),
    );
    let mut revisions = [one.expect("a change"), other.expect("a change")];
    revisions.sort_unstable();
    assert_eq!(revisions, [2, 3]);
    spoke
        .until("both have come", |snapshot| {
            snapshot.peers.iter().any(|peer| {
                let info = peer.known.info();
                info.description.as_str() == "one" && info.route_string.as_str() == "other.example"
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_while_stopping_is_made_or_refused_and_never_waits_for_ever() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    joined(&hub, 1).await;
    let (changed, ()) = tokio::join!(set(&hub, json!({"description": "late"})), hub.stop());
    assert!(matches!(changed, Ok(_) | Err(ChangeError::Stopping)), "{changed:?}");
    assert!(matches!(set(&hub, json!({"description": "later"})).await, Err(ChangeError::Stopping)));
    assert!(matches!(hub.running.restart().await, Err(ChangeError::Stopping)));
    hub.stop().await;
    joined(&spoke, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_standalone_and_comes_back_keeps_its_port_and_its_peers() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    joined(&hub, 1).await;
    let before = hub.running.listening();
    set(&hub, json!({"role": "standalone"})).await.expect("a change");
    joined(&spoke, 0).await;
    assert_eq!(hub.running.listening(), None);
    spoke
        .until("the port refuses", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::RefusedConnection))
        })
        .await;
    set(&hub, json!({"role": "hub"})).await.expect("a change");
    assert_eq!(hub.running.listening(), before, "the number is kept");
    joined(&hub, 1).await;
    set(&spoke, json!({"role": "standalone"})).await.expect("a change");
    joined(&hub, 0).await;
    set(&spoke, json!({"role": "spoke"})).await.expect("a change");
    joined(&hub, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_becomes_a_hub_on_ports_of_its_own() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    joined(&hub, 1).await;
    assert_eq!(spoke.running.bound(), Default::default(), "a spoke opens none");
    set(&spoke, json!({"role": "hub"})).await.expect("a change");
    assert!(spoke.running.listening().is_some());
    // The hub knows it as a spoke, and says so.
    spoke
        .until("its old hub refuses the new role", |snapshot| {
            snapshot.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::RoleChanged))
        })
        .await;
}

/// What a hub claims that it may not: of a spoke's names one each, a name that is nobody's, and on TLS one that its
/// certificate does not carry. With the reason, and the alarm's name and parameter at the spoke.
fn false_claims(way: Way) -> Vec<(PeerInfo, Reason, &'static str, &'static str)> {
    let hub = || peer::info("villain", 6, Role::Hub);
    let own = peer::info("spoke", 1, Role::Spoke);
    let named = |name: &str| PeerInfo { cluster_id: name.parse().expect("a cluster ID"), ..hub() };
    let fqdn = PeerInfo { fqdn: own.fqdn.clone(), ..hub() };
    let duplicate = |info| (info, Reason::DuplicateIdentity, "ILSUnacceptableConnectionAttempt", "");
    vec![
        (named("spoke"), Reason::DuplicateClusterId, "ILSDuplicateClusterID", "spoke"),
        (named("StandAloneCluster"), Reason::DefaultClusterId, "ILSDuplicateClusterID", "StandAloneCluster"),
        duplicate(PeerInfo { route_string: own.route_string.clone(), ..hub() }),
        match way.tls {
            None => duplicate(fqdn),
            Some(_) => (fqdn, Reason::FqdnMismatch, "ILSTLSAuthenticationFailed", "spoke.lab.example"),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_refuses_a_hub_that_claims_what_it_may_not_and_tells_it() {
    for way in WAYS {
        for number in 0.. {
            let bench = Bench::new();
            let (side, door) = stage(&bench, "spoke", way);
            let (listener, address) = peer::listener().await;
            let spoke = bench.spoke_to(address, side).await;
            let Some((info, reason, alarm, named)) = false_claims(way).into_iter().nth(number) else {
                break;
            };
            let mut hub = Peer::hub(&listener, info, door).await;
            let heard = hub.last_heard().await;
            assert!(
                matches!(&heard, Some(Message::Bye { reason: told, .. }) if *told == reason),
                "{way:?}, {reason:?}: {heard:?}"
            );
            assert_eq!(spoke.outcome().await, Outcome::from(reason), "{way:?}");
            spoke
                .until("the alarm", |snapshot| {
                    let names = |(_, value): &(&str, String)| named.is_empty() || value == named;
                    snapshot.alarms.iter().any(|standing| {
                        standing.name.as_str() == alarm && standing.parameters.iter().any(names)
                    })
                })
                .await;
            assert!(spoke.snapshot().peers.is_empty(), "{way:?}, {reason:?}: nothing is learned");
            spoke.stop().await;
        }
    }
}

/// The names of an attempt's steps.
fn steps(attempt: &Attempt) -> Vec<String> {
    let name = |happening: &Happening| {
        let json = serde_json::to_value(happening).expect("serialises");
        json.get("step").and_then(Value::as_str).expect("a name").to_owned()
    };
    attempt.steps.iter().map(|step| name(&step.happening)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_a_change_cancels_before_the_hubs_first_word_fails_like_one_without_a_connection() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let identity = pki::write(bench.folder(), &ca.issue("spoke.lab.example", Flaw::None), &[&ca.pem]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let side = Side { tls: true, password: Some(PASSWORD), identity: Some(identity), version: None };
    let silent = tokio::spawn(silent_tls_server(listener, ca.issue("hub.lab.example", Flaw::None)));
    let spoke = bench.spoke_to(address, side).await;
    let _connection = silent.await.expect("the spoke's hello has come");
    set(&spoke, json!({"role": "standalone"})).await.expect("a change");
    spoke.until("its end", |snapshot| snapshot.attempts.iter().any(|attempt| attempt.ended.is_some())).await;
    let attempt = spoke.snapshot().attempts[0].clone();
    assert_eq!(attempt.link.direction, Direction::Dialled);
    assert_eq!(steps(&attempt), ["requested", "not-connected"]);
    assert!(spoke.snapshot().alarms.is_empty(), "a change raises none");
}

/// Finishes TLS, reads the dialler's Hello, and says nothing.
async fn silent_tls_server(
    listener: TcpListener, pair: pki::Pair,
) -> tokio_rustls::server::TlsStream<tokio::net::TcpStream> {
    use tokio::io::AsyncReadExt;
    let mut stream = tls::answer(&listener, &pair).await.expect("a handshake");
    stream.read_exact(&mut [0; 4]).await.expect("a hello");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_registry_ends_by_a_bug_says_that_it_is_broken() {
    let bench = Bench::new();
    let hub = bench.hub_written_by(Side::password(PASSWORD), Panics).await;
    assert_eq!(hub.running.broken().await, None);
    hub.stop().await;
}
