//! The one place that reads the clock; everything else is told the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ils_core::time::Timestamp;
use rustls_pki_types::UnixTime;

/// Wall-clock time, for traces, alarms and tables.
#[expect(clippy::disallowed_methods, reason = "the clock of a node")]
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Wall-clock time, as certificates are judged by it.
pub fn unix() -> UnixTime {
    UnixTime::now()
}

/// Monotonic time, for timers; follows tokio's paused time in tests.
pub fn monotonic() -> Instant {
    tokio::time::Instant::now().into_std()
}
