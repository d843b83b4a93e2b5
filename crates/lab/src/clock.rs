//! The clock, and the waits of the lab that are made of it.

use std::time::{Duration, Instant};

/// How often something that is waited for is looked at: often enough that nobody sees the wait.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

pub(crate) use ilslab_time::clock::{monotonic, system as wall};

/// Waits until the next look.
pub(crate) fn glance() {
    std::thread::sleep(GLANCE);
}

/// A point in time that a wait must not pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    begun: Instant,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn within(limit: Duration) -> Self {
        Self { begun: monotonic(), limit }
    }

    /// Since it was set.
    pub(crate) fn elapsed(&self) -> Duration {
        monotonic().saturating_duration_since(self.begun)
    }

    /// Is it over?
    pub(crate) fn has_passed(&self) -> bool {
        self.elapsed() >= self.limit
    }
}

/// A duration for people: `0.42 s`, `31.0 s`.
pub(crate) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_short_and_has_its_unit() {
        for (millis, want) in [(0, "0.00 s"), (421, "0.42 s"), (9_990, "9.99 s"), (30_040, "30.0 s")] {
            assert_eq!(in_words(Duration::from_millis(millis)), want, "{millis}");
        }
    }

    #[test]
    fn a_deadline_passes_when_its_time_is_up_and_not_before() {
        assert!(Deadline::within(Duration::ZERO).has_passed());
        assert!(!Deadline::within(Duration::from_secs(3600)).has_passed());
    }
}
