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

/// An ILS event on its way into the files.
#[derive(Clone, Debug)]
pub struct Told(Noted);

impl From<Noted> for Told {
    fn from(noted: Noted) -> Self {
        Self(noted)
    }
}

impl Record for Told {
    fn at(&self) -> Timestamp {
        self.0.event.at
    }

    fn set_at(&mut self, at: Timestamp) {
        self.0.event.at = at;
    }

    fn lines(&self) -> Vec<Text> {
        ils::lines(&self.0)
    }

    fn alarm(&self) -> Option<Alarm<'_>> {
        self.0.raised.as_ref().map(catalogue::alarm)
    }

    fn sentences(&self, source: &AlarmSource, offset: UtcOffset) -> Vec<String> {
        prose::lines(&self.0, source, offset)
    }

    fn json(&self, source: &AlarmSource) -> String {
        json::line(&self.0, source)
    }

    fn emit(&self) {
        diagnostics::emit(&self.0);
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
