//! The machine's clocks: the one place that reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::timestamp::Timestamp;

/// Wall-clock time. A clock before 1970 says 1970, one beyond the year 292 million says that.
pub fn wall() -> Timestamp {
    let since_epoch = system().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Wall-clock time as the standard library has it: what certificates are dated with.
#[expect(clippy::disallowed_methods, reason = "the clock")]
pub fn system() -> SystemTime {
    SystemTime::now()
}

/// The clock that durations are measured with; it never goes back.
#[expect(clippy::disallowed_methods, reason = "the clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}
