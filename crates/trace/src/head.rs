//! The first record of every trace file: what wrote it, and of which day its times are.
//!
//! ```text
//! 00000000.000 |16:58:42.888 |FileHead |UTC:+00:00,Date: 2016/08/26, AppName: ILS, AppId: 600, …, TraceVer: 3.0
//! ```
//! A line has a time of day and no date. Its reader begins with the date of the head, and goes to the next day where a
//! line is earlier than the one before it. A file that could not be read so, since a day went by without a line or the
//! clock was set back, ends there and another begins.
//!
//! The form is that of a live CUCM 11.5.

use std::net::IpAddr;

use ilslab_names::escape;
use ilslab_time::{TimeOfDay, Timestamp, UtcOffset, date, date_and_time, day};

use crate::application::Application;
use crate::line::{Kind, Line};
use crate::options::RecorderOptions;

/// Who writes a trace.
#[derive(Clone, Debug)]
pub(crate) struct FileHead {
    application: Application,
    version: String,
    host_name: String,
    address: IpAddr,
    started: Timestamp,
    offset: UtcOffset,
}

impl FileHead {
    /// Of a process with these options. The host is the first label of its FQDN, as in the heads of CUCM.
    pub(crate) fn new(options: &RecorderOptions) -> Self {
        let host_name = options.source.node_id.split('.').next().unwrap_or_default();
        Self {
            application: options.application,
            version: field(&options.version),
            host_name: field(host_name),
            address: options.address,
            started: options.started,
            offset: options.offset,
        }
    }

    /// Who it is.
    pub(crate) fn application(&self) -> Application {
        self.application
    }

    /// The head of the file with this number, which stands before the signal with that one.
    pub(crate) fn line(&self, signal: u32, at: Timestamp, number: u64) -> Line {
        let Self { application, version, host_name, address, started, offset } = self;
        let Application { name, number: app_id, .. } = application;
        let (zone, date, started) = (offset.signed(), date(at, *offset), date_and_time(*started, *offset));
        let text = format!(
            "UTC:{zone},Date: {date}, AppName: {name}, AppId: {app_id}, AppNodeId: 1, AppVersion: CUCM Install={version} \
             Build=ilslab-{}, HostName: {host_name}, HostIPAddress: {address}, AppStartTime: {started}, \
             FileNumber: {number}, TraceVer: 3.0",
            env!("CARGO_PKG_VERSION"),
        );
        Line::new(signal, 0, TimeOfDay::of(at, *offset), Kind::FILE_HEAD, &text)
    }

    /// Whether a line of the second moment, written behind one of the first, is given its date by the rule above.
    pub(crate) fn dates(&self, before: Timestamp, at: Timestamp) -> bool {
        let of_day = |at| TimeOfDay::of(at, self.offset);
        let next_day = i64::from(of_day(at) < of_day(before));
        self.day(at).checked_sub(self.day(before)) == Some(next_day)
    }

    /// Which local day it is.
    pub(crate) fn day(&self, at: Timestamp) -> i64 {
        day(at, self.offset)
    }
}

/// A value fit for a field: commas end one.
fn field(text: &str) -> String {
    escape(text).replace(',', "\\x2c")
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
