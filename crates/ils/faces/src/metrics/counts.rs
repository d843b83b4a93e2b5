//! What is counted: by the one who sees events, read by whoever asks for `/metrics`. Neither waits for the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ils_core::event::Direction;
use ils_core::outcome::Outcome;
use ilslab_desk::{Histogram, Tally};

use super::method::Method;

/// Counts since the process began; none goes back.
#[derive(Debug)]
pub struct Counts {
    dialled: Outcomes,
    accepted: Outcomes,
    handshakes: Methods,
    joins: Methods,
    under_way: AtomicUsize,
}

/// Every outcome that there is, from the start.
type Outcomes = BTreeMap<&'static str, AtomicU64>;
/// Every method, from the start.
type Methods = BTreeMap<Method, Tally>;

impl Default for Counts {
    fn default() -> Self {
        let outcomes = || Outcome::all().map(|outcome| (outcome.name(), AtomicU64::default())).collect();
        let methods = || Method::ALL.into_iter().map(|method| (method, Tally::default())).collect();
        Self {
            dialled: outcomes(),
            accepted: outcomes(),
            handshakes: methods(),
            joins: methods(),
            under_way: AtomicUsize::default(),
        }
    }
}

impl Counts {
    /// Attempts that ended so.
    pub fn attempts(&self, direction: Direction, outcome: Outcome) -> u64 {
        let count = self.outcomes(direction).get(outcome.name());
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Attempts that have begun and are not decided.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// How long attempts with a connection took to be decided, from when they were accepted or asked for.
    pub fn handshakes(&self, method: Method) -> Histogram {
        self.handshakes.get(&method).map(Tally::read).unwrap_or_default()
    }

    /// The same of those that joined.
    pub fn joins(&self, method: Method) -> Histogram {
        self.joins.get(&method).map(Tally::read).unwrap_or_default()
    }

    pub(super) fn count(&self, direction: Direction, outcome: Outcome) {
        if let Some(count) = self.outcomes(direction).get(outcome.name()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn measure(&self, method: Method, millis: u64, outcome: Outcome) {
        let joins = self.joins.get(&method).filter(|_| outcome == Outcome::Joined);
        self.handshakes.get(&method).into_iter().chain(joins).for_each(|tally| tally.observe(millis));
    }

    pub(super) fn set_under_way(&self, attempts: usize) {
        self.under_way.store(attempts, Ordering::Relaxed);
    }

    fn outcomes(&self, direction: Direction) -> &Outcomes {
        match direction {
            Direction::Dialled => &self.dialled,
            Direction::Accepted => &self.accepted,
        }
    }
}
