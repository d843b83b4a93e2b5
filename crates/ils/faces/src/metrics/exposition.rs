//! What `/metrics` says of a hub or spoke. Every series is there from the start, at 0.

use ils_core::event::Direction;
use ils_core::outcome::Outcome;
use ils_core::snapshot::Snapshot;
use ils_lines::catalogue;
use ilslab_desk::Histogram;
use ilslab_desk::exposition::Exposition;

use super::{Counts, Method, Readings};

/// All families.
pub(crate) fn text(readings: &Readings, snapshot: &Snapshot, store_writable: bool) -> String {
    let (mut page, counts) = (Exposition::default(), &readings.counts);
    page.single(
        "ils_build_info",
        "gauge",
        "The program; always 1.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    attempts(&mut page, counts);
    let help = "Attempts to join that have begun and are not decided.";
    page.single("ils_attempts_under_way", "gauge", help, &[], counts.under_way());
    durations(&mut page, counts);
    page.single("ils_peers_joined", "gauge", "Clusters with a connection.", &[], snapshot.joined().count());
    page.single("ils_peers_known", "gauge", "Clusters in the PeerInfoVector.", &[], snapshot.peers.len());
    alarms(&mut page, snapshot);
    let help = "Lines of trace and alarms that did not reach their file.";
    page.single("ils_trace_write_errors_total", "counter", help, &[], readings.trace_write_errors);
    let help = "Times that accepting connections has paused because the system gave none.";
    page.single("ils_accept_errors_total", "counter", help, &[], readings.accept_errors);
    let help = "1 where the database can be written, 0 where it cannot.";
    page.single("ils_store_writable", "gauge", help, &[], u8::from(store_writable));
    page.into_text()
}

fn attempts(page: &mut Exposition, counts: &Counts) {
    let help = "Attempts to join that were decided, by who dialled and by outcome.";
    page.family("ils_attempts_total", "counter", help);
    for (label, direction) in [("dialled", Direction::Dialled), ("accepted", Direction::Accepted)] {
        for outcome in Outcome::all() {
            let labels = [("direction", label), ("outcome", outcome.name())];
            page.sample("ils_attempts_total", &labels, counts.attempts(direction, outcome));
        }
    }
}

fn durations(page: &mut Exposition, counts: &Counts) {
    let help = "Time from accepting or asking for a connection to its outcome, where it came about.";
    histograms(page, "ils_handshake_duration_seconds", help, |method| counts.handshakes(method));
    let help = "Time from accepting or asking for a connection to its join.";
    histograms(page, "ils_join_duration_seconds", help, |method| counts.joins(method));
}

fn histograms(page: &mut Exposition, name: &str, help: &str, of: impl Fn(Method) -> Histogram) {
    page.family(name, "histogram", help);
    for method in Method::ALL {
        page.histogram(name, ("method", method.as_str()), &of(method));
    }
}

fn alarms(page: &mut Exposition, snapshot: &Snapshot) {
    page.family("ils_alarms_standing", "gauge", "Alarms that stand, by name.");
    for name in catalogue::NAMES {
        let standing = snapshot.alarms.iter().filter(|alarm| alarm.name == name).count();
        page.sample("ils_alarms_standing", &[("name", name.as_str())], standing);
    }
}
