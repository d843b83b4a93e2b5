//! The two clocks that the API needs, behind a trait: tests turn them by hand.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ils_core::time::Timestamp;

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
    #[expect(clippy::disallowed_methods, reason = "the one place where this crate reads the monotonic clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn uptime(&self) -> Duration {
        self.0.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where this crate reads the wall clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 says 1970; one beyond the year 292 million says that.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
