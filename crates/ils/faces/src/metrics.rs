//! Counters made of events: what a node did since its process began, however many attempts it has forgotten since.
//!
//! ```text
//! Noted -> Metrics::note -> Counts: attempts by outcome, durations by method      they never go back
//! Readings (Counts, and what others count) + Snapshot + store -> exposition::text -> GET /metrics
//! ```
//! Pure: time comes with the events. Labels have few values, fixed here or in the catalogues of outcomes and alarms.

mod counts;
pub(crate) mod exposition;
mod method;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ils_core::event::{ConnectionId, Happening, Link, Noted, Subject};
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;

pub use counts::Counts;
pub use ilslab_desk::{BOUNDS, Histogram};
pub use method::Method;

/// Most attempts that are followed at once, and most joined connections; the oldest gives way. A node has fewer.
const FOLLOWED: usize = 8_192;

/// What `/metrics` is made of, besides what is in a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// What events tell.
    pub counts: Arc<Counts>,
    /// Lines of trace and alarms that did not reach their file. No event tells of them.
    pub trace_write_errors: u64,
    /// How often accepting connections has paused.
    pub accept_errors: u64,
}

/// Counts events. Feed it every one, in order; whoever has its [`Counts`] reads them meanwhile.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Arc<Counts>,
    /// Attempts under way, by how they authenticate as far as is known.
    open: BTreeMap<ConnectionId, Method>,
    /// Joined connections, whose end is not the end of an attempt.
    joined: BTreeSet<ConnectionId>,
}

impl Metrics {
    /// What has been counted, now and whenever it is looked at.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Counts one event. An attempt begins with the first of its connection, and is decided once.
    pub fn note(&mut self, noted: &Noted) {
        self.follow_event(noted);
        self.counts.set_under_way(self.open.len());
    }

    fn follow_event(&mut self, noted: &Noted) {
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
                self.counts.count(link.direction, outcome);
                if !matches!(happening, Happening::NotConnected { .. }) {
                    self.counts.measure(method, millis(link.begun, noted.event.at), outcome);
                }
                self.follow_joined(link, outcome);
            }
            None => self.follow(link, method),
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
