//! Alarms as lines of `CiscoSyslog`: what a native service of CUCM logs (CiscoLog), behind the head of the file.
//!
//! ```text
//! Aug 26 16:58:42 hub.lab.example local7 3 ils: 0: hub.lab.example: Aug 26 2016 16:58:42.888 UTC : %UC_ILS-3-…: %[…]: …
//! └ local time    └ host          └ severity    └ sequence number   └ local time and zone        └ the alarm
//!   └ of the file, cut off on the wire, where `<184 + severity>` takes its place ┘
//! ```
//! Source: Managed Services Guide 12.5, and a line of the service CallManager as CUCM stores it, which has a blank before
//! the colon behind the zone. That other services write as that one does is \[inferred\]; that the host is the FQDN is \[lab\].

use ilslab_names::escape;
use ilslab_time::{UtcOffset, cisco_log, rfc3164};

use crate::alarm::{Alarm, AlarmSource};

/// Octets of the longest line, without its line break: CiscoLog's bound, kept by the whole line of the file.
pub const LINE_MAX: usize = 800;
/// Octets of the longest host that is shown; it stands in a line up to three times.
const HOST_MAX: usize = 64;
/// What stands for the rest of a value that was cut.
const CUT: &str = "...";

/// Writes the alarms of one process and numbers them.
#[derive(Clone, Debug)]
pub(crate) struct CiscoLog {
    process: &'static str,
    source: AlarmSource,
    host: String,
    offset: UtcOffset,
    /// The next sequence number.
    next: u32,
}

impl CiscoLog {
    /// Numbers from 0: once a process.
    pub(crate) fn new(process: &'static str, source: AlarmSource, offset: UtcOffset) -> Self {
        Self { process, host: host(&source.node_id), source, offset, next: 0 }
    }

    /// The line of an alarm that begins to stand, without its line break: printable ASCII, at most [`LINE_MAX`] octets.
    /// The documented text is never cut, nor is what says whose alarm it is; the alarm's own values are, the longest
    /// first. The API has them whole.
    pub(crate) fn line(&mut self, alarm: &Alarm<'_>) -> String {
        let head = self.head(alarm);
        self.next = self.next.wrapping_add(1);
        let mut values = alarm.values();
        let line = |values: &[String]| head.clone() + &alarm.text_with(&self.source, values);
        let least = line(&vec![String::new(); values.len()]).len();
        fit(&mut values, LINE_MAX.saturating_sub(least));
        line(&values)
    }

    fn head(&self, alarm: &Alarm<'_>) -> String {
        let Self { process, host, offset, next, .. } = self;
        let severity = alarm.severity;
        let (of_file, stamp) = (rfc3164(alarm.since, *offset), cisco_log(alarm.since, *offset));
        format!("{of_file} {host} local7 {severity} {process}: {next}: {host}: {stamp} : ")
    }
}

/// The FQDN, or of a long one its first label, so that there is room for the alarm.
fn host(node_id: &str) -> String {
    let shown = escape(node_id);
    let label = shown.split('.').next().unwrap_or_default();
    if shown.len() <= HOST_MAX { shown } else { label.chars().take(HOST_MAX).collect() }
}

/// Cuts the longest values until all have room; each keeps at least its even share.
fn fit(values: &mut [String], room: usize) {
    let share = room.checked_div(values.len()).unwrap_or(0);
    loop {
        let excess = values.iter().map(String::len).sum::<usize>().saturating_sub(room);
        let longest = values.iter_mut().max_by_key(|value| value.len());
        match longest.filter(|value| excess > 0 && value.len() > share) {
            Some(value) => *value = cut(value, share.max(value.len().saturating_sub(excess))),
            None => return,
        }
    }
}

/// The beginning of an escaped value, in so many octets. No `\xNN` is cut in two.
fn cut(value: &str, length: usize) -> String {
    let kept = value.get(..length.saturating_sub(CUT.len())).unwrap_or_default();
    // An escape has four octets: one that begins in the last three goes on behind the cut.
    let torn = kept.rfind('\\').filter(|at| at + 4 > kept.len());
    let kept = torn.and_then(|at| kept.get(..at)).unwrap_or(kept);
    format!("{kept}{CUT}").chars().take(length).collect()
}

#[cfg(test)]
#[path = "cisco_log_tests.rs"]
mod tests;
