//! What a system tells a recorder: one event, and the faces that are made from it.

use ilslab_time::{Timestamp, UtcOffset};

use crate::alarm::{Alarm, AlarmSource};
use crate::line::Kind;

/// Type and text of a line that is to be numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The type column.
    pub kind: Kind,
    /// All that follows it.
    pub text: String,
}

impl Text {
    /// A line written while a signal is handled.
    pub fn app_info(text: impl Into<String>) -> Self {
        Self { kind: Kind::APP_INFO, text: text.into() }
    }
}

/// One event of a system. All its faces are made from the same value, so they cannot disagree. What a stranger can choose
/// is escaped in each of them.
pub trait Record: Send + 'static {
    /// When it happened.
    fn at(&self) -> Timestamp;

    /// Writes it under another moment: events are written in the order in which they were decided.
    fn set_at(&mut self, at: Timestamp);

    /// Its lines of the trace, in their order: one signal. It may have none.
    fn lines(&self) -> Vec<Text>;

    /// The alarm that begins to stand with it, if one does.
    fn alarm(&self) -> Option<Alarm<'_>>;

    /// In sentences, each a line without its break, for `--log text`.
    fn sentences(&self, source: &AlarmSource, offset: UtcOffset) -> Vec<String>;

    /// As one line of JSON in ASCII, without its break, for `--log json`.
    fn json(&self, source: &AlarmSource) -> String;

    /// A copy for `tracing`: for diagnostics, never the source of a trace or an alarm.
    fn emit(&self);
}
