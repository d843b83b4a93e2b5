//! The clocks of a node: that of the house, and those that tokio and rustls go by.

use std::time::Instant;

pub use ilslab_time::clock::wall;
use rustls_pki_types::UnixTime;

/// Wall-clock time, as certificates are judged by it.
pub fn unix() -> UnixTime {
    UnixTime::now()
}

/// Monotonic time, for timers; follows tokio's paused time in tests.
pub fn monotonic() -> Instant {
    tokio::time::Instant::now().into_std()
}
