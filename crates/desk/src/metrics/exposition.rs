//! Prometheus' text format, version 0.0.4: `# HELP`, `# TYPE`, samples. Every series is there from the start, at 0.

use std::fmt::{self, Write};

use ils_core::event::Direction;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_lines::catalogue;

use super::{Histogram, Method, Metrics};

/// All families.
pub(crate) fn text(metrics: &Metrics, snapshot: &Snapshot, store_writable: bool) -> String {
    let mut page = Exposition(String::new());
    page.single(
        "ils_build_info",
        "gauge",
        "The program; always 1.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    page.attempts(metrics);
    let help = "Attempts to join that have begun and are not decided.";
    page.single("ils_attempts_under_way", "gauge", help, &[], metrics.under_way());
    page.durations(metrics);
    page.single("ils_peers_joined", "gauge", "Clusters with a connection.", &[], snapshot.joined().count());
    page.single("ils_peers_known", "gauge", "Clusters in the PeerInfoVector.", &[], snapshot.peers.len());
    page.alarms(snapshot);
    let help = "Lines of trace and alarms that did not reach their file.";
    page.single("ils_trace_write_errors_total", "counter", help, &[], metrics.trace_write_errors);
    let help = "Times that accepting connections has paused because the system gave none.";
    page.single("ils_accept_errors_total", "counter", help, &[], metrics.accept_errors);
    let help = "1 where the database can be written, 0 where it cannot.";
    page.single("ils_store_writable", "gauge", help, &[], u8::from(store_writable));
    page.0
}

struct Exposition(String);

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    fn attempts(&mut self, metrics: &Metrics) {
        let help = "Attempts to join that were decided, by who dialled and by outcome.";
        self.family("ils_attempts_total", "counter", help);
        for (label, direction) in [("dialled", Direction::Dialled), ("accepted", Direction::Accepted)] {
            for outcome in Outcome::all() {
                let labels = [("direction", label), ("outcome", outcome.name())];
                self.sample("ils_attempts_total", &labels, metrics.attempts(direction, outcome));
            }
        }
    }

    fn durations(&mut self, metrics: &Metrics) {
        let help = "Time from accepting or asking for a connection to its outcome, where it came about.";
        self.histograms("ils_handshake_duration_seconds", help, |method| metrics.handshakes(method));
        let help = "Time from accepting or asking for a connection to its join.";
        self.histograms("ils_join_duration_seconds", help, |method| metrics.joins(method));
    }

    fn histograms(&mut self, name: &str, help: &str, of: impl Fn(Method) -> Histogram) {
        self.family(name, "histogram", help);
        for method in Method::ALL {
            let (histogram, method) = (of(method), ("method", method.as_str()));
            let bucket = format!("{name}_bucket");
            for (bound, count) in histogram.cumulative() {
                self.sample(&bucket, &[method, ("le", &Seconds(bound).to_string())], count);
            }
            self.sample(&bucket, &[method, ("le", "+Inf")], histogram.count());
            self.sample(&format!("{name}_sum"), &[method], Seconds(histogram.sum()));
            self.sample(&format!("{name}_count"), &[method], histogram.count());
        }
    }

    fn alarms(&mut self, snapshot: &Snapshot) {
        self.family("ils_alarms_standing", "gauge", "Alarms that stand, by name.");
        for name in catalogue::NAMES {
            let standing = snapshot.alarms.iter().filter(|alarm| alarm.name == name).count();
            self.sample("ils_alarms_standing", &[("name", name.as_str())], standing);
        }
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, labels: Labels<'_>, value: impl fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, labels, value);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Label values are our own constants: letters, digits, `-`, `.`, `+`; nothing needs an escape.
    fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl fmt::Display) {
        let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let braces = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.0, "{name}{braces} {value}");
    }
}

/// Milliseconds, printed as seconds: `0.025`, `2.5`, `20`.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_more_digits_than_they_need() {
        for (millis, want) in
            [(0, "0"), (5, "0.005"), (250, "0.25"), (2_500, "2.5"), (20_000, "20"), (100_000, "100")]
        {
            assert_eq!(Seconds(millis).to_string(), want, "{millis} ms");
        }
    }
}
