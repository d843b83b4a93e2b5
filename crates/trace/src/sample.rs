//! A system for tests: callers that say hello to a service, which writes of each.

use ilslab_time::{Timestamp, UtcOffset};

use crate::alarm::{Alarm, AlarmSource};
use crate::application::Application;
use crate::record::{Record, Text};

/// 2016-08-26 16:58:42.888 UTC.
pub(crate) const AT: Timestamp = Timestamp(1_472_230_722_888);

/// The service.
pub(crate) const APPLICATION: Application =
    Application { name: "Hello", number: 600, folder: "hello", process: "hello" };

/// Where its trace is, under its data folder.
pub(crate) const TRACE_FOLDER: &str = "activelog/cm/trace/hello/sdl";

/// An alarm without parameters of its own.
pub(crate) const ALARM: Alarm<'static> = Alarm {
    catalogue: "UC_HELLO",
    name: "HelloRefused",
    severity: 3,
    app_id: "Hello Service",
    parameters: &[],
    text: "A caller was turned away.",
    since: AT,
};

/// Whose alarms they are.
pub(crate) fn source() -> AlarmSource {
    AlarmSource { cluster_id: "2".into(), node_id: "cucm1150.adfs.uccs.com".into() }
}

/// A caller came, or was turned away.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) at: Timestamp,
    pub(crate) caller: u64,
    /// Lines of the trace.
    pub(crate) lines: u64,
    /// The parameters of the alarm that begins to stand.
    pub(crate) alarm: Option<Vec<(&'static str, String)>>,
}

/// An event of one line.
pub(crate) fn hello(caller: u64) -> Hello {
    Hello { at: AT, caller, lines: 1, alarm: None }
}

/// An event of two lines with an alarm.
pub(crate) fn refused(caller: u64) -> Hello {
    Hello { lines: 2, alarm: Some(vec![("Caller", caller.to_string())]), ..hello(caller) }
}

impl Record for Hello {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn set_at(&mut self, at: Timestamp) {
        self.at = at;
    }

    fn lines(&self) -> Vec<Text> {
        (1..=self.lines).map(|line| Text::app_info(format!("hello [{}] {line}", self.caller))).collect()
    }

    fn alarm(&self) -> Option<Alarm<'_>> {
        self.alarm.as_deref().map(|parameters| Alarm { parameters, since: self.at, ..ALARM })
    }

    fn sentences(&self, _: &AlarmSource, _: UtcOffset) -> Vec<String> {
        vec![format!("caller {} says hello", self.caller)]
    }

    fn json(&self, source: &AlarmSource) -> String {
        format!(r#"{{"caller":{},"cluster":"{}"}}"#, self.caller, source.cluster_id)
    }

    fn emit(&self) {}
}
