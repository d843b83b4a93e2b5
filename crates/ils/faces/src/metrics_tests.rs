use ils_core::event::{Admitted, Direction, Event, PeerAddress, PeerName, Rejection, ServiceEvent};
use ils_core::wire::{PeerId, Role};

use super::*;

/// When every connection here begins.
const BEGUN: i64 = 1_472_231_160_000;

fn link(id: u64, direction: Direction, tls: bool) -> Link {
    let peer = PeerAddress::Name("hub.lab.example".into(), 7501);
    Link { id: ConnectionId(id), direction, tls, revision: 1, begun: Timestamp(BEGUN), peer, local: None }
}

fn noted(event: Event) -> Noted {
    Noted { event, raised: None, alarmed_connections: 0 }
}

/// Feeds the happenings of one connection, each so many milliseconds after it began.
fn feed(metrics: &mut Metrics, link: &Link, story: &[(i64, Happening)]) {
    for (millis, happening) in story {
        let at = Timestamp(BEGUN + millis);
        metrics.note(&noted(Event::connection(at, link.clone(), happening.clone())));
    }
}

fn joined() -> Happening {
    let peer = PeerName {
        peer_id: PeerId::from_bytes([7; 16]),
        cluster_id: "2".parse().expect("a cluster ID"),
        fqdn: "hub.lab.example".parse().expect("an FQDN"),
        role: Role::Hub,
    };
    Happening::Established { peer, certificate: None }
}

fn closed() -> Happening {
    Happening::ClosedThere { outcome: Outcome::Closed, detail: String::new() }
}

fn not_connected() -> Happening {
    let outcome = Outcome::RefusedConnection;
    Happening::NotConnected { outcome, error: "refused".into(), quiet: false }
}

fn durations(of: impl Fn(Method) -> Histogram) -> [(u64, u64); 3] {
    Method::ALL.map(|method| (of(method).count(), of(method).sum()))
}

const NONE: (u64, u64) = (0, 0);

#[test]
fn an_attempt_is_decided_once_and_measured_by_its_method() {
    use Happening::{Accepted, Connected, OpenFailed, Opened, PeerRejected, Requested};
    let opened = Opened { inlen: 1_956, outlen: 1_949 };
    let root = Some(Admitted::RootUploaded);
    let rejected = PeerRejected { rejection: Rejection::NoCertificate };
    let story = |steps: Vec<(i64, Happening)>| steps;
    for (name, tls, steps, outcome, handshakes, joins) in [
        (
            "password, joined",
            false,
            story(vec![(0, Accepted { admitted: None }), (3, opened.clone()), (7, joined())]),
            Outcome::Joined,
            [(1, 7), NONE, NONE],
            [(1, 7), NONE, NONE],
        ),
        (
            "password, mismatch",
            false,
            story(vec![(0, Accepted { admitted: None }), (40, OpenFailed)]),
            Outcome::PasswordMismatch,
            [(1, 40), NONE, NONE],
            [NONE; 3],
        ),
        (
            "TLS, joined, and closed long after",
            true,
            story(vec![
                (0, Requested),
                (20, Connected { admitted: Some(Admitted::InStore) }),
                (25, joined()),
                (9_000, closed()),
            ]),
            Outcome::Joined,
            [NONE, (1, 25), NONE],
            [NONE, (1, 25), NONE],
        ),
        (
            "TLS with a password, told by the frames",
            true,
            story(vec![(0, Requested), (5, opened.clone()), (6, joined())]),
            Outcome::Joined,
            [NONE, NONE, (1, 6)],
            [NONE, NONE, (1, 6)],
        ),
        (
            "TLS with a password, told by the admission",
            true,
            story(vec![(0, Accepted { admitted: root }), (8, closed())]),
            Outcome::Closed,
            [NONE, NONE, (1, 8)],
            [NONE; 3],
        ),
        (
            "the certificate is refused",
            true,
            story(vec![(0, Requested), (30, rejected.clone())]),
            Outcome::PeerCertificateRejected(Some(18)),
            [NONE, (1, 30), NONE],
            [NONE; 3],
        ),
        (
            "decided by its first event",
            true,
            story(vec![(12, rejected)]),
            Outcome::PeerCertificateRejected(None),
            [NONE, (1, 12), NONE],
            [NONE; 3],
        ),
        (
            "no connection",
            true,
            story(vec![(0, Requested), (5_000, not_connected())]),
            Outcome::RefusedConnection,
            [NONE; 3],
            [NONE; 3],
        ),
        (
            "the clock went back",
            false,
            story(vec![(0, Requested), (-9_000, closed())]),
            Outcome::Closed,
            [(1, 0), NONE, NONE],
            [NONE; 3],
        ),
    ] {
        let mut metrics = Metrics::default();
        feed(&mut metrics, &link(1, Direction::Dialled, tls), &steps);
        let counts: u64 =
            Outcome::all().map(|outcome| metrics.counts().attempts(Direction::Dialled, outcome)).sum();
        assert_eq!((metrics.counts().attempts(Direction::Dialled, outcome), counts), (1, 1), "{name}");
        assert_eq!(metrics.counts().attempts(Direction::Accepted, outcome), 0, "{name}");
        assert_eq!(durations(|method| metrics.counts().handshakes(method)), handshakes, "{name}: handshakes");
        assert_eq!(durations(|method| metrics.counts().joins(method)), joins, "{name}: joins");
        assert_eq!(metrics.counts().under_way(), 0, "{name}");
    }
}

#[test]
fn attempts_are_kept_apart_and_those_under_way_are_counted() {
    let mut metrics = Metrics::default();
    let (first, second) = (link(1, Direction::Dialled, false), link(2, Direction::Accepted, false));
    feed(&mut metrics, &first, &[(0, Happening::Requested)]);
    feed(&mut metrics, &second, &[(5, Happening::Accepted { admitted: None })]);
    assert_eq!(metrics.counts().under_way(), 2);
    feed(&mut metrics, &second, &[(8, closed())]);
    feed(&mut metrics, &first, &[(10, joined())]);
    assert_eq!(metrics.counts().under_way(), 0);
    assert_eq!(metrics.counts().attempts(Direction::Dialled, Outcome::Joined), 1);
    assert_eq!(metrics.counts().attempts(Direction::Accepted, Outcome::Closed), 1);
    assert_eq!(metrics.counts().handshakes(Method::Password).sum(), 18);
}

#[test]
fn a_service_event_is_no_attempt() {
    let mut metrics = Metrics::default();
    metrics.note(&noted(Event::service(Timestamp(0), ServiceEvent::Started)));
    assert_eq!(metrics.counts().under_way(), 0);
    assert!(Outcome::all().all(|outcome| metrics.counts().attempts(Direction::Accepted, outcome) == 0));
}

#[test]
fn memory_is_bounded_and_no_count_is_lost() {
    let mut metrics = Metrics::default();
    let most = u64::try_from(FOLLOWED).expect("small");
    for id in 0..2 * most {
        feed(&mut metrics, &link(id, Direction::Accepted, false), &[(0, Happening::Requested)]);
    }
    assert_eq!(metrics.counts().under_way(), FOLLOWED);
    for id in 0..2 * most {
        feed(&mut metrics, &link(id, Direction::Accepted, false), &[(4, joined())]);
    }
    assert_eq!((metrics.counts().under_way(), metrics.joined.len()), (0, FOLLOWED));
    assert_eq!(metrics.counts().attempts(Direction::Accepted, Outcome::Joined), 2 * most);
    assert_eq!(metrics.counts().joins(Method::Password).count(), 2 * most);
}
