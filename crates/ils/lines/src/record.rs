//! An ILS event as a recorder takes it, and what the service is called there.

use ils_core::event::Noted;
use ilslab_time::{Timestamp, UtcOffset};
use ilslab_trace::{Alarm, AlarmSource, Application, Record, Text};

use crate::{catalogue, diagnostics, ils, json, prose};

/// How ILS is called in heads, file names and alarms. No head of it is public: its name and number there, and the name of
/// its process, are \[lab\].
pub const APPLICATION: Application = Application { name: "ILS", number: 600, folder: "ils", process: "ils" };

/// Folder of the trace, under a node's data folder.
pub const TRACE_FOLDER: &str = "activelog/cm/trace/ils/sdl";

impl Record for Noted {
    fn at(&self) -> Timestamp {
        self.event.at
    }

    fn set_at(&mut self, at: Timestamp) {
        self.event.at = at;
    }

    fn lines(&self) -> Vec<Text> {
        ils::lines(self)
    }

    fn alarm(&self) -> Option<Alarm<'_>> {
        self.raised.as_ref().map(catalogue::alarm)
    }

    fn sentences(&self, source: &AlarmSource, offset: UtcOffset) -> Vec<String> {
        prose::lines(self, source, offset)
    }

    fn json(&self, source: &AlarmSource) -> String {
        json::line(self, source)
    }

    fn emit(&self) {
        diagnostics::emit(self);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_folder_of_the_trace_is_the_applications() {
        assert_eq!(APPLICATION.trace_folder(Path::new("")), Path::new(TRACE_FOLDER));
    }
}
