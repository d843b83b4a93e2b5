//! A hub that cannot store: whom it refuses for that, nobody hears of.

mod bench;

use std::time::Duration;

use bench::{Bench, PASSWORD, Side, Station};
use ils_core::ledger::Ledger;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;

/// Who is refused.
const REFUSED: &str = "refused";
/// Refusals after which whatever leaks has leaked.
const REFUSALS: usize = 100;

/// A spoke of this name, which dials every 10 ms until it has joined.
async fn spoke(bench: &Bench, hub: &Station, name: &str) -> Station {
    let address = hub.running.listening().expect("a hub listens");
    let spoke = bench.spoke_with(address, Side::password(PASSWORD), |config| {
        config.cluster_id = name.parse().expect("a cluster ID");
        config.fqdn = format!("{name}.lab.example").parse().expect("an FQDN");
        config.route_string = format!("{name}.lab.example").parse().expect("a route string");
        config.retry_initial = Duration::from_millis(10);
        config.retry_max = Duration::from_millis(10);
    });
    spoke.await
}

fn shows(snapshot: &Snapshot, name: &str) -> bool {
    snapshot.peers.iter().any(|peer| peer.known.info().cluster_id.as_str() == name)
}

fn has_stored(station: &Station, name: &str) -> bool {
    let durable = station.ledger.clone().load().expect("it works");
    durable.peers.iter().any(|known| known.info().cluster_id.as_str() == name)
}

/// Looks at each state until told to stop; answers whether one of them showed the refused one.
fn witness(station: &Station, mut stop: tokio::sync::watch::Receiver<bool>) -> tokio::task::JoinHandle<bool> {
    let mut states = station.running.watch();
    tokio::spawn(async move {
        loop {
            if shows(&states.borrow_and_update(), REFUSED) {
                return true;
            }
            tokio::select! {
                _ = states.changed() => {}
                _ = stop.wait_for(|stop| *stop) => return false,
            }
        }
    })
}

/// Waits until the spoke was refused so often because nothing could be stored.
async fn is_refused(spoke: &Station, times: usize) {
    spoke
        .until("refused again and again", |snapshot| {
            let temporary = snapshot.attempts.iter().filter(|one| one.outcome == Some(Outcome::Temporary));
            temporary.count() >= times
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoke_that_cannot_be_stored_is_never_seen_by_those_that_have_joined() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let mut stations = vec![hub];
    for name in ["one", "two", "three", "four"] {
        let joined = spoke(&bench, &stations[0], name).await;
        joined.until("joined", |snapshot| snapshot.joined().count() == 1).await;
        stations.push(joined);
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let witnesses: Vec<_> = stations.iter().map(|station| witness(station, stopped.clone())).collect();
    let hub = &stations[0];

    hub.ledger.fail("database or disk is full");
    let refused = spoke(&bench, hub, REFUSED).await;
    is_refused(&refused, REFUSALS).await;
    refused.stop().await;
    hub.ledger.recover();

    // What a hub tells comes in order: who has heard of the late one has heard all that was told before.
    let late = spoke(&bench, hub, "late").await;
    for station in &stations {
        station.until("the late one", |snapshot| shows(snapshot, "late")).await;
    }
    late.stop().await;
    stop.send_replace(true);
    let mut told = Vec::new();
    for (station, witness) in stations.iter().zip(witnesses) {
        let name = station.snapshot().config.cluster_id.to_string();
        assert!(has_stored(station, "late"), "{name} has stored whom the hub took");
        told.extend(witness.await.expect("a witness").then(|| format!("{name} has seen it")));
        told.extend(has_stored(station, REFUSED).then(|| format!("{name} has stored it")));
    }
    assert_eq!(told, [""; 0], "of whom the hub refused");
}
