//! A dialler that lacks something of its own says so, and says nothing about its hub.

mod bench;

use std::net::SocketAddr;

use bench::{Bench, PASSWORD, Side, peer};
use ils_core::config::Config;
use ils_core::outcome::Outcome;

/// Sets a registration server.
fn host(config: &mut Config, host: &str) {
    config.registration.as_mut().expect("a spoke has one").host = host.to_owned();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_or_a_route_that_this_node_lacks_is_local_and_raises_no_alarm() {
    type Change = fn(&mut Config);
    let rows: [(&str, Change, &str); 3] = [
        (
            "an address of another machine",
            |config| config.dial_from = Some("192.0.2.7".parse().expect("an address")),
            "this node cannot dial from 192.0.2.7: ",
        ),
        (
            "loopback as the source of what is not on loopback",
            |config| {
                config.dial_from = Some("127.0.0.2".parse().expect("an address"));
                host(config, "192.0.2.7");
            },
            "this node cannot dial: ",
        ),
        // TCP has no way to a group: the system says at once that there is none.
        ("no route", |config| host(config, "224.0.0.1"), "this node cannot dial: "),
    ];
    for (case, change, said) in rows {
        let bench = Bench::new();
        let (_listener, hub): (_, SocketAddr) = peer::listener().await;
        let spoke = bench.spoke_with(hub, Side::password(PASSWORD), change).await;
        spoke
            .until("a second attempt has ended", |snapshot| {
                snapshot.attempts.iter().filter(|attempt| attempt.outcome.is_some()).count() >= 2
            })
            .await;
        let snapshot = spoke.snapshot();
        let ended = snapshot.attempts.iter().filter(|attempt| attempt.outcome.is_some());
        for attempt in ended {
            assert_eq!(attempt.outcome, Some(Outcome::Local), "{case}");
            let told = format!("{:?}", attempt.steps);
            assert!(told.contains(said), "{case}: {told}");
        }
        assert!(snapshot.alarms.is_empty(), "{case}: {:?}", snapshot.alarms);
    }
}
