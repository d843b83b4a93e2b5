//! Attempts at both sides of each bound, with the clock in hand.

use super::*;
use ils_core::alarm::{Alarm, AlarmName};
use ils_core::event::{Event, PeerName};
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;
use ils_wire::{PeerId, Role};

const FLOOD: &str = "192.0.2.66";

fn noted(id: u64, host: &str, happening: Happening) -> Noted {
    let link = Link {
        id: ConnectionId(id),
        direction: Direction::Accepted,
        tls: false,
        revision: 1,
        begun: Timestamp(0),
        peer: PeerAddress::Socket(format!("{host}:9").parse().expect("an address")),
        local: None,
    };
    let event = Event::connection(Timestamp(0), link, happening);
    Noted { event, raised: None, alarmed_connections: 0 }
}

fn accepted() -> Happening {
    Happening::Accepted { admitted: None }
}

fn noise() -> Happening {
    Happening::ClosedThere { outcome: Outcome::NotIls, detail: String::new() }
}

fn joined() -> Happening {
    let peer = PeerName {
        peer_id: PeerId::from_bytes([7; 16]),
        cluster_id: "spoke".parse().expect("a cluster ID"),
        fqdn: "spoke.lab.example".parse().expect("an FQDN"),
        role: Role::Spoke,
    };
    Happening::Established { peer, certificate: None }
}

/// A node's strangers, and its clock.
struct Scene {
    strangers: Strangers,
    now: Instant,
    last: u64,
}

impl Scene {
    fn new() -> Self {
        let now = crate::clock::monotonic();
        Self { strangers: Strangers::new(limits::STRANGERS_WINDOW, now), now, last: 0 }
    }

    fn note(&mut self, id: u64, host: &str, happening: Happening) -> Vec<String> {
        names(self.strangers.sift(noted(id, host, happening), self.now))
    }

    /// A whole attempt that does not join; answers what is written of it.
    fn attempt(&mut self, host: &str) -> Vec<String> {
        self.last += 1;
        let mut written = self.note(self.last, host, accepted());
        written.extend(self.note(self.last, host, noise()));
        written
    }

    fn attempts(&mut self, host: &str, count: usize) -> Vec<String> {
        (0..count).flat_map(|_| self.attempt(host)).collect()
    }
}

fn names(entries: Vec<Sifted>) -> Vec<String> {
    let name = |entry| match entry {
        Sifted::Noted(noted) => match noted.event.subject {
            Subject::Connection { link, happening } => match happening {
                Happening::Accepted { .. } => format!("{} accepted", link.id.0),
                Happening::Established { .. } => format!("{} joined", link.id.0),
                _ => format!("{} ended", link.id.0),
            },
            Subject::Service(event) => format!("{event:?}"),
        },
        Sifted::Counted(ServiceEvent::Strangers { source, attempts, outcomes }) => {
            let source = source.map_or_else(|| "others".to_owned(), |source| source.to_string());
            format!("{attempts} of {source}: {outcomes:?}")
        }
        Sifted::Counted(other) => format!("{other:?}"),
    };
    entries.into_iter().map(name).collect()
}

#[test]
fn the_first_attempts_of_a_source_are_whole_the_rest_is_one_line_and_others_are_not_concerned() {
    let mut scene = Scene::new();
    assert_eq!(scene.attempts(FLOOD, limits::STRANGERS_WHOLE).len(), 2 * limits::STRANGERS_WHOLE);
    assert_eq!(scene.strangers.wake(), None, "nothing is counted yet");
    assert_eq!(scene.attempts(FLOOD, 1_000), [""; 0], "not a line more");
    let wake = scene.strangers.wake().expect("a line is due");
    assert_eq!(wake, scene.now + limits::STRANGERS_WINDOW);
    assert_eq!(scene.attempt("192.0.2.1").len(), 2, "another source");
    scene.now = wake;
    let ended = names(scene.strangers.settle(scene.now));
    assert_eq!(ended, [r#"1000 of 192.0.2.66: {"not-ils": 1000}"#]);
    assert_eq!(scene.attempt(FLOOD).len(), 2, "a window later they are the first ones again");
    assert!(scene.strangers.open.is_empty(), "nothing is kept of what has ended");
}

#[test]
fn one_that_dials_twice_a_second_stays_whole_for_hours() {
    let mut scene = Scene::new();
    for number in 0..20_000 {
        assert_eq!(scene.attempt("192.0.2.1").len(), 2, "attempt {number}");
        scene.now += std::time::Duration::from_millis(500);
    }
}

#[test]
fn a_window_that_is_over_is_told_before_the_next_attempt_of_its_source() {
    let mut scene = Scene::new();
    scene.attempts(FLOOD, limits::STRANGERS_WHOLE + 5);
    scene.now += limits::STRANGERS_WINDOW;
    let written = scene.attempt(FLOOD);
    assert_eq!(written.len(), 3);
    assert_eq!(written[0], r#"5 of 192.0.2.66: {"not-ils": 5}"#);
}

#[test]
fn an_attempt_that_was_held_back_and_joins_is_written_whole_after_the_count() {
    let mut scene = Scene::new();
    scene.attempts(FLOOD, limits::STRANGERS_WHOLE + 5);
    let id = 1_000_000;
    assert_eq!(scene.note(id, FLOOD, accepted()), [""; 0]);
    let written = scene.note(id, FLOOD, joined());
    assert_eq!(
        written,
        [r#"5 of 192.0.2.66: {"not-ils": 5}"#.to_owned(), format!("{id} accepted"), format!("{id} joined")]
    );
    assert_eq!(scene.attempt(FLOOD).len(), 2, "whoever joins from there vouches for the next ones");
    scene.attempts(FLOOD, limits::STRANGERS_WHOLE);
    assert_eq!(scene.note(id, FLOOD, noise()), [format!("{id} ended")], "the end of what has joined");
    assert!(scene.strangers.open.is_empty());
}

#[test]
fn an_attempt_that_raises_an_alarm_is_written_whole() {
    let mut scene = Scene::new();
    scene.attempts(FLOOD, limits::STRANGERS_WHOLE + 5);
    assert_eq!(scene.note(500, FLOOD, accepted()), [""; 0]);
    let alarm = Alarm {
        name: AlarmName::PwdAuthenticationFailed,
        key: FLOOD.to_owned(),
        parameters: vec![],
        since: Timestamp(0),
    };
    let raising = Noted { raised: Some(alarm), ..noted(500, FLOOD, Happening::OpenFailed) };
    assert_eq!(names(scene.strangers.sift(raising, scene.now)), ["500 accepted", "500 ended"]);
    assert!(scene.strangers.open.is_empty());
}

#[test]
fn all_sources_together_have_a_bound_too() {
    let mut scene = Scene::new();
    let mut whole = 0;
    for host in 1..=20 {
        whole += scene.attempts(&format!("192.0.2.{host}"), limits::STRANGERS_WHOLE).len() / 2;
    }
    assert_eq!(whole, limits::STRANGERS_WHOLE_IN_ALL);
    scene.now += limits::STRANGERS_WINDOW;
    assert_eq!(
        names(scene.strangers.settle(scene.now)).len(),
        15,
        "a line each for those that were held back"
    );
    assert_eq!(scene.attempt("192.0.2.200").len(), 2);
}

#[test]
fn more_sources_than_the_bound_are_counted_together() {
    let mut scene = Scene::new();
    for number in 0..limits::STRANGERS_SOURCES + 300 {
        let host = format!("10.0.{}.{}", number / 250, number % 250);
        scene.attempt(&host);
        scene.attempts(&host, 1);
    }
    assert!(scene.strangers.windows.len() <= limits::STRANGERS_SOURCES + 1);
    scene.now += limits::STRANGERS_WINDOW;
    let lines = names(scene.strangers.settle(scene.now));
    assert!(lines.iter().any(|line| line == r#"600 of others: {"not-ils": 600}"#), "{}", lines.len());
    assert!(scene.strangers.windows.is_empty());
}

#[test]
fn what_is_counted_is_told_before_the_service_ends() {
    for event in [ServiceEvent::Stopped, ServiceEvent::Restarted] {
        let mut scene = Scene::new();
        scene.attempts(FLOOD, limits::STRANGERS_WHOLE + 5);
        let end = Event::service(Timestamp(0), event.clone());
        let end = Noted { event: end, raised: None, alarmed_connections: 0 };
        let written = names(scene.strangers.sift(end, scene.now));
        assert_eq!(written, [r#"5 of 192.0.2.66: {"not-ils": 5}"#.to_owned(), format!("{event:?}")]);
    }
}

#[test]
fn whom_this_node_dials_is_no_stranger() {
    let mut scene = Scene::new();
    for id in 0..1_000 {
        let mut dialled = noted(id, FLOOD, noise());
        if let Subject::Connection { link, .. } = &mut dialled.event.subject {
            link.direction = Direction::Dialled;
        }
        assert_eq!(names(scene.strangers.sift(dialled, scene.now)).len(), 1);
    }
}
