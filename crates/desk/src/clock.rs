//! The two clocks that the API needs, behind a trait: tests turn them by hand.

use std::time::{Duration, Instant};

use ilslab_time::{Timestamp, clock};

/// Time for log-ins and tokens.
pub trait Clock: Send + Sync + 'static {
    /// Since some fixed moment; never goes back.
    fn uptime(&self) -> Duration;

    /// Wall-clock time.
    fn now(&self) -> Timestamp;
}

/// The machine's clocks.
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts to count.
    pub fn start() -> Self {
        Self(clock::monotonic())
    }
}

impl Clock for SystemClock {
    fn uptime(&self) -> Duration {
        self.0.elapsed()
    }

    fn now(&self) -> Timestamp {
        clock::wall()
    }
}
