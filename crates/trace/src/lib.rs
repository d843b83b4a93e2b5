//! Traces and alarms of a service, whichever it is: lines, records and their files, and reading traces back.
//!
//! ```text
//!                     +-> lines     -> signal::Signals -> line::Line -> rotation -> SDL001_600_000001.txt
//!                     |                              head::FileHead --^
//! Record -> Recorder -+-> alarm     -> cisco_log::CiscoLog -----------> rotation -> CiscoSyslog
//!                     +-> json | sentences | the lines ---> screen ---> stdout
//!                     +-> emit ----------------------------------------> tracing
//! SDL001_600_*.txt -> tail::Tail -> Line -> golden::compare
//! ```
//! A system gives its events the trait [`Record`] and says with [`Application`] what it is called; nothing here knows one.

mod alarm;
mod application;
mod cisco_log;
pub mod console;
mod fault;
pub mod golden;
mod head;
mod limits;
pub mod line;
mod options;
mod readers;
mod record;
pub mod recorder;
pub mod rotation;
#[cfg(test)]
mod sample;
mod say;
mod screen;
pub mod signal;
pub mod tail;
mod writer;

pub use alarm::{Alarm, AlarmSource};
pub use application::Application;
pub use cisco_log::LINE_MAX as ALARM_LINE_MAX;
pub use limits::Limits;
pub use line::{Kind, Line, LineError};
pub use options::{LogFormat, RecorderOptions, UnknownFormat};
pub use readers::Readers;
pub use record::{Record, Text};
pub use recorder::{Recorder, RecorderError};
pub use tail::{Tail, read_trace};
