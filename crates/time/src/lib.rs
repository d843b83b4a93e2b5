//! Moments as values, how traces, logs and pages write them, and the one clock of the house.
//!
//! ```text
//! clock::wall      -> Timestamp --+-> TimeOfDay | date_and_time       traces     local, by UtcOffset
//! clock::monotonic -> Instant     +-> rfc3164 | cisco_log             alarms     local
//!                                 +-> rfc3339                         JSON       UTC
//!                                 '-> page_time                       pages      local
//! ```
//! Whoever decides something is told the time: only what waits, dates or measures asks [`clock`].

pub mod clock;
mod stamp;
mod timestamp;

pub use stamp::{
    OffsetError, Rfc3339, TimeOfDay, UtcOffset, cisco_log, date, date_and_time, day, digits, page_time,
    rfc3164, rfc3339,
};
pub use timestamp::Timestamp;
