//! What the keeper does by itself, when nobody asks it for anything.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ils_core::config::{ClusterRole, Listen, TlsVersion};
use ils_core::event::Direction;
use ils_core::limits::Timers;
use ils_core::outcome::Outcome;
use ils_core::registry::to_say;
use ils_core::settings::Settings;
use ils_store::MemoryStore;
use ils_wire::{Boxes, IdentityKey};

use super::*;

pub(super) struct Wire(pub(super) Sender<Noted>);

impl Scribe for Wire {
    fn write(&mut self, noted: Noted) {
        // The test may have seen enough.
        let _ = self.0.send(noted);
    }
}

pub(crate) fn config() -> Config {
    Config {
        revision: 1,
        conversation: 1,
        role: ClusterRole::Hub,
        cluster_id: "hub".parse().expect("a cluster ID"),
        fqdn: "hub.lab.example".parse().expect("an FQDN"),
        description: Default::default(),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        route_string: "hub.lab.example".parse().expect("a route string"),
        boxes: Boxes { tls: true, password: false },
        network_key: None,
        sync_every: Duration::from_secs(600),
        tls_min: TlsVersion::V1_2,
        tls_max: TlsVersion::V1_3,
        listen: Listen { address: IpAddr::V4(Ipv4Addr::LOCALHOST), tls_port: 0, password_port: 0 },
        registration: None,
        dial_from: None,
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(1),
        timers: Timers::default(),
        most_unjoined: limits::UNJOINED_CONNECTIONS,
    }
}

/// The registry of a node with this key that knows nobody.
pub(crate) fn registry(config: Config, identity: IdentityKey) -> Registry {
    let settings = Settings::new(config.settings(), vec![]).0;
    let says = config.peer_info(identity.peer_id(), vec![]);
    let said = says.and_then(|info| to_say(&identity, None, info));
    Registry::new(config, settings, (identity, said), vec![], vec![], clock::wall())
}

/// A keeper whose windows last so long, and what it writes.
fn keeper(window: Duration) -> (Keeper, Receiver<Noted>) {
    keeper_of(MemoryStore::new(), window, limits::STORE_TRIED)
}

/// The same with this store, which it tries so often.
fn keeper_of(store: MemoryStore, window: Duration, tried: Duration) -> (Keeper, Receiver<Noted>) {
    let registry = registry(config(), IdentityKey::from_seed(&[7; 32]));
    let (sender, written) = channel();
    let strangers = Strangers::new(window, clock::monotonic());
    let started = Keeper::start_with(registry, store, Wire(sender), strangers, tried);
    (started.expect("a thread").0, written)
}

async fn noise(keeper: &Keeper) {
    let link = Link {
        id: keeper.next_id(),
        direction: Direction::Accepted,
        tls: false,
        revision: 1,
        begun: clock::wall(),
        peer: PeerAddress::Socket("192.0.2.66:9".parse().expect("an address")),
        local: None,
    };
    let end = Happening::ClosedThere { outcome: Outcome::NotIls, detail: String::new() };
    keeper.note(&link, end).await;
}

/// Whether a count of strangers comes, now that nobody comes any more.
fn is_counted(written: &Receiver<Noted>, window: Duration) -> bool {
    while written.try_recv().is_ok() {}
    let counted =
        |noted: Noted| matches!(noted.event.subject, Subject::Service(ServiceEvent::Strangers { .. }));
    std::iter::from_fn(|| written.recv_timeout(4 * window).ok()).any(counted)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_counts_strangers_comes_when_the_window_ends_although_nobody_comes_any_more() {
    let window = Duration::from_millis(500);
    let (keeper, written) = keeper(window);
    // On a machine that stalls a window may end before all have come: then another is tried.
    for _ in 0..100 {
        for _ in 0..limits::STRANGERS_WHOLE + 5 {
            noise(&keeper).await;
        }
        let noted = keeper.ask(|answer| Request::Probe { answer }).await;
        assert_eq!(noted, Some(Ok(())));
        if is_counted(&written, window) {
            return;
        }
    }
    panic!("the line never comes");
}

/// The next event of the service, whatever connections do.
fn next_of_service(written: &Receiver<Noted>) -> ServiceEvent {
    loop {
        let noted = written.recv_timeout(Duration::from_secs(60)).expect("an event comes");
        if let Subject::Service(event) = noted.event.subject {
            return event;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stops_working_and_works_again_is_told_of_although_nobody_asks() {
    let store = MemoryStore::new();
    let (keeper, written) = keeper_of(store.clone(), limits::STRANGERS_WINDOW, Duration::from_millis(10));
    store.fail("the file has gone");
    let failed = ServiceEvent::StoreFailed { error: "the file has gone".into() };
    assert_eq!(next_of_service(&written), failed);
    let is_shown = |snapshot: &Arc<Snapshot>| snapshot.store_error.as_deref() == Some("the file has gone");
    keeper.watch().wait_for(is_shown).await.expect("it is shown");
    store.recover();
    let next = std::iter::from_fn(|| Some(next_of_service(&written))).find(|event| *event != failed);
    assert_eq!(next, Some(ServiceEvent::StoreRecovered));
}
