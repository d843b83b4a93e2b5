//! SDL trace lines, alarms and their files.
//!
//! ```text
//!                    +-> ils::lines -> signal::Signals -> line::Line -> rotation -> SDL001_600_000001.txt
//!                    |                              head::FileHead --^
//! Noted -> Recorder -+-> cisco_log::CiscoLog -------------------------> rotation -> CiscoSyslog
//!                    +-> json | prose | the SDL lines --> screen -----> stdout
//!                    +-> diagnostics ---------------------------------> tracing
//! SDL001_600_*.txt -> tail::Tail -> Line -> golden::compare
//! ```
//! All faces of an event are made from the same [`ils_core::event::Noted`], so they cannot disagree. Every text
//! that a peer can choose goes through [`ils_core::trust::escape`] first.

pub mod catalogue;
pub mod cisco_log;
#[cfg(test)]
mod collector_tests;
pub mod console;
mod diagnostics;
mod fault;
pub mod golden;
mod head;
pub mod ils;
pub mod json;
pub mod line;
pub mod openssl;
pub mod prose;
mod readers;
pub mod recorder;
pub mod rotation;
#[cfg(test)]
mod sample;
mod screen;
pub mod signal;
pub mod stamp;
pub mod tail;
mod writer;

pub use catalogue::{AlarmSource, alarm_text};
pub use diagnostics::EVENTS;
pub use line::{Kind, Line, LineError};
pub use readers::Readers;
pub use recorder::{LogFormat, Recorder, RecorderError, RecorderOptions};
pub use rotation::Limits;
pub use stamp::{OffsetError, TimeOfDay, UtcOffset};
pub use tail::{Tail, read_trace};
