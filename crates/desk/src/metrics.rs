//! Counters made of events: what a node did since its process began, however many attempts it has forgotten since.
//!
//! ```text
//! Noted -> Metrics::note -> attempts by outcome, durations by method      counts never go back
//! Metrics + Snapshot + store -> exposition::text -> GET /metrics
//! ```
//! Pure: time comes with the events. Labels have few values, fixed here or in the catalogues of outcomes and alarms.

pub(crate) mod exposition;
mod histogram;

use std::collections::{BTreeMap, BTreeSet};

use ils_core::event::{Admitted, ConnectionId, Direction, Happening, Link, Noted, Subject};
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;

pub use histogram::{BOUNDS, Histogram};

/// Most attempts that are followed at once, and most joined connections; the oldest gives way. A node has fewer.
const FOLLOWED: usize = 8_192;

/// How an attempt authenticates, as far as its events have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// On the password port.
    Password,
    /// On the TLS port, without a password so far.
    Tls,
    /// On the TLS port with a password.
    TlsPassword,
}

impl Method {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::Tls, Self::TlsPassword];

    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Tls => "tls",
            Self::TlsPassword => "tls-password",
        }
    }

    /// What this event adds: only with a password are frames sealed, and uploaded roots enough.
    fn seen(self, happening: &Happening) -> Self {
        let is_with_password = matches!(
            happening,
            Happening::Opened { .. }
                | Happening::OpenFailed
                | Happening::Accepted { admitted: Some(Admitted::RootUploaded) }
                | Happening::Connected { admitted: Some(Admitted::RootUploaded) }
        );
        if self == Self::Tls && is_with_password { Self::TlsPassword } else { self }
    }
}

/// What `/metrics` counts. Feed it every event, in order.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Lines of trace and alarms that did not reach their file. No event tells of them: whoever has the recorder fills
    /// this in.
    pub trace_write_errors: u64,
    /// How often accepting connections has paused. Filled in by whoever has the node.
    pub accept_errors: u64,
    dialled: BTreeMap<&'static str, u64>,
    accepted: BTreeMap<&'static str, u64>,
    handshakes: BTreeMap<Method, Histogram>,
    joins: BTreeMap<Method, Histogram>,
    /// Attempts under way, by how they authenticate as far as is known.
    open: BTreeMap<ConnectionId, Method>,
    /// Joined connections, whose end is not the end of an attempt.
    joined: BTreeSet<ConnectionId>,
}

impl Metrics {
    /// Counts one event. An attempt begins with the first of its connection, and is decided once.
    pub fn note(&mut self, noted: &Noted) {
        let Subject::Connection { link, happening } = &noted.event.subject else { return };
        if self.joined.contains(&link.id) {
            if happening.is_end() {
                self.joined.remove(&link.id);
            }
            return;
        }
        let first = if link.tls { Method::Tls } else { Method::Password };
        let method = self.open.remove(&link.id).unwrap_or(first).seen(happening);
        match happening.outcome() {
            Some(outcome) => {
                self.count(link.direction, outcome);
                if !matches!(happening, Happening::NotConnected { .. }) {
                    self.measure(method, millis(link.begun, noted.event.at), outcome);
                }
                self.follow_joined(link, outcome);
            }
            None => {
                self.follow(link, method);
            }
        }
    }

    /// Attempts that ended so.
    pub fn attempts(&self, direction: Direction, outcome: Outcome) -> u64 {
        let counts = match direction {
            Direction::Dialled => &self.dialled,
            Direction::Accepted => &self.accepted,
        };
        counts.get(outcome.name()).copied().unwrap_or_default()
    }

    /// Attempts that have begun and are not decided.
    pub fn under_way(&self) -> usize {
        self.open.len()
    }

    /// How long attempts with a connection took to be decided, from when they were accepted or asked for.
    pub fn handshakes(&self, method: Method) -> Histogram {
        self.handshakes.get(&method).cloned().unwrap_or_default()
    }

    /// The same of those that joined.
    pub fn joins(&self, method: Method) -> Histogram {
        self.joins.get(&method).cloned().unwrap_or_default()
    }

    fn count(&mut self, direction: Direction, outcome: Outcome) {
        let counts = match direction {
            Direction::Dialled => &mut self.dialled,
            Direction::Accepted => &mut self.accepted,
        };
        let count = counts.entry(outcome.name()).or_default();
        *count = count.saturating_add(1);
    }

    fn measure(&mut self, method: Method, millis: u64, outcome: Outcome) {
        self.handshakes.entry(method).or_default().observe(millis);
        if outcome == Outcome::Joined {
            self.joins.entry(method).or_default().observe(millis);
        }
    }

    fn follow(&mut self, link: &Link, method: Method) {
        self.open.insert(link.id, method);
        if self.open.len() > FOLLOWED {
            self.open.pop_first();
        }
    }

    fn follow_joined(&mut self, link: &Link, outcome: Outcome) {
        if outcome != Outcome::Joined {
            return;
        }
        self.joined.insert(link.id);
        if self.joined.len() > FOLLOWED {
            self.joined.pop_first();
        }
    }
}

/// A clock that was set back meanwhile gives 0.
fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or_default()
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
