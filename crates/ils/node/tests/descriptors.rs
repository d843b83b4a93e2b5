//! A process that has no descriptor left: a program of its own, since the limit holds for all that is in it.

mod bench;

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bench::{Bench, DEADLINE, PASSWORD, Side};
use ils_core::alarm::AlarmName;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_node::ChangeError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpSocket;

/// One test at a time, its runtime included: that takes descriptors too.
fn alone(test: impl Future<Output = ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

/// While this value lives the process gets no further descriptor.
struct Exhausted(Rlimit);

impl Exhausted {
    fn begin() -> Self {
        let before = getrlimit(Resource::Nofile);
        // Numbers below the limit may be free where something was closed, so the limit is 0.
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).expect("lowered");
        Self(before)
    }
}

impl Drop for Exhausted {
    fn drop(&mut self) {
        let _ = setrlimit(Resource::Nofile, self.0);
    }
}

fn socket() -> TcpSocket {
    TcpSocket::new_v4().expect("a descriptor")
}

#[test]
fn without_a_descriptor_accepting_pauses_is_counted_and_goes_on() {
    alone(pauses());
}

async fn pauses() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let address = hub.running.listening().expect("it listens");
    let waiting = socket();
    assert_eq!(hub.running.accept_errors(), 0);
    let exhausted = Exhausted::begin();
    let mut waiting = waiting.connect(address).await.expect("the system takes it for the hub");
    until("accepting pauses", || hub.running.accept_errors() >= 2).await;
    drop(exhausted);
    let counted = hub.running.accept_errors();
    // It comes to its turn: what it says is heard.
    tokio::io::AsyncWriteExt::write_all(&mut waiting, b"GET / HTTP/1.1\r\n\r\n").await.expect("takes it");
    assert_eq!(hub.outcome().await, Outcome::NotIls);
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    assert!(hub.running.accept_errors() <= counted + 1, "and no more than one pause was under way");
}

#[test]
fn a_spoke_without_a_descriptor_says_so_of_itself_and_joins_once_it_has_one() {
    alone(dials());
}

async fn dials() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let address = hub.running.listening().expect("it listens");
    // One is given as an address, the other has to be looked up first.
    for host in ["127.0.0.1", "localhost"] {
        let bench = Bench::new();
        let closed = socket();
        closed.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let spoke = bench.spoke_with(address, Side::password(PASSWORD), |config| {
            config.registration.as_mut().expect("a spoke has one").host = host.to_owned();
            // Nothing comes of the first attempts, which have a descriptor still.
            config.registration.as_mut().expect("a spoke has one").password_port =
                closed.local_addr().expect("bound").port();
        });
        let spoke = spoke.await;
        assert_eq!(spoke.outcome().await, Outcome::RefusedConnection, "{host}");
        let exhausted = Exhausted::begin();
        let any =
            |seen: &Snapshot, wanted| seen.attempts.iter().any(|attempt| attempt.outcome == Some(wanted));
        spoke.until("an attempt that lacks a descriptor", |seen| any(seen, Outcome::Local)).await;
        assert!(!any(&spoke.snapshot(), Outcome::Unreachable), "{host}: nobody was unreachable");
        drop(exhausted);
        spoke.stop().await;
    }
    let spoke = bench.spoke(&hub, Side::password(PASSWORD)).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
}

#[test]
fn a_change_whose_port_cannot_be_opened_is_stored_and_ends_the_service() {
    alone(goes_deaf());
}

async fn goes_deaf() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password(PASSWORD)).await;
    let exhausted = Exhausted::begin();
    let patch = json!({"password_port_in_use": 0});
    let unknown = hub.running.configure(patch.as_object().expect("an object").clone(), None).await;
    assert!(matches!(unknown, Err(ChangeError::Setting(_))), "what is refused before is no end");
    let patch = json!({"route_string": "another.example"}).as_object().expect("an object").clone();
    let changed = hub.running.configure(patch, None).await;
    drop(exhausted);
    let error = match changed {
        Err(error @ ChangeError::Deaf(_)) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it listens"),
    };
    assert!(
        error.starts_with("what was changed is stored, but ") && error.contains("the service ends"),
        "{error}"
    );
    let ended = tokio::time::timeout(DEADLINE, hub.running.broken()).await.expect("it ends");
    assert!(ended.is_some_and(|why| error.contains(&why)));
    let snapshot = hub.snapshot();
    assert_eq!(snapshot.config.route_string.as_str(), "another.example");
    assert!(snapshot.alarms.iter().any(|alarm| alarm.name == AlarmName::TcpListenError));
    assert_eq!(hub.running.listening(), None::<SocketAddr>);
    hub.stop().await;
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "never came: {what}");
}
