//! The faces of an ILS event: SDL lines, alarms, JSON, sentences. All of them are made from the same
//! [`ils_core::event::Noted`], so they cannot disagree.
//!
//! ```text
//!         +-> ils::lines        the trace: every line that ILS writes
//! Noted --+-> catalogue::alarm  CiscoSyslog and RTMT: the catalogue UC_ILS
//!         +-> json, prose       --log json, --log text
//!         '-> diagnostics       tracing
//! ```
//! Where they end up is the business of [`ilslab_trace`].

pub mod catalogue;
#[cfg(test)]
mod collector_tests;
mod diagnostics;
pub mod ils;
pub mod json;
pub mod openssl;
pub mod prose;
mod record;
#[cfg(test)]
mod sample;

pub use catalogue::alarm_text;
pub use diagnostics::EVENTS;
pub use record::{APPLICATION, TRACE_FOLDER, Told};

/// What writes the trace and the alarms of a node.
pub type Recorder = ilslab_trace::Recorder<Told>;
