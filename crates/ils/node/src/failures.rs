//! Sources whose frames did not open: after too many in a minute, their Hellos are answered late.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ils_core::limits;
use ilslab_names::{BySource, LastTimes, Source};

const MINUTE: Duration = Duration::from_secs(60);
/// One more than are allowed makes a source late.
const TOO_MANY: usize = limits::PASSWORD_FAILURES_A_MINUTE + 1;

/// The last failures of each source, at most [`limits::PASSWORD_FAILURE_SOURCES`] sources.
pub(crate) struct Failures {
    by_source: BySource<LastTimes<Instant, TOO_MANY>>,
}

impl Default for Failures {
    fn default() -> Self {
        Self { by_source: BySource::new(limits::PASSWORD_FAILURE_SOURCES) }
    }
}

impl Failures {
    /// A frame from there did not open.
    pub(crate) fn note(&mut self, address: IpAddr, now: Instant) {
        self.by_source.hear(Source::of(address)).note(now);
    }

    /// A peer from there joined.
    pub(crate) fn clear(&mut self, address: IpAddr) {
        self.by_source.forget(Source::of(address));
    }

    /// More than [`limits::PASSWORD_FAILURES_A_MINUTE`] in the last minute.
    pub(crate) fn is_late(&self, address: IpAddr, now: Instant) -> bool {
        let times = self.by_source.get(Source::of(address));
        times.is_some_and(|times| times.are_all_within(MINUTE, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn now() -> Instant {
        crate::clock::monotonic()
    }

    #[test]
    fn the_thirty_first_failure_in_a_minute_makes_a_source_late_and_a_join_clears_it() {
        let (mut failures, start, peer) =
            (Failures::default(), now(), "127.0.0.9".parse().expect("an address"));
        for _ in 0..30 {
            failures.note(peer, start);
        }
        assert!(!failures.is_late(peer, start), "thirty are not too many");
        failures.note(peer, start);
        assert!(failures.is_late(peer, start));
        assert!(
            !failures.is_late("127.0.0.10".parse().expect("an address"), start),
            "another source is not late"
        );
        assert!(!failures.is_late(peer, start + MINUTE), "a minute later it is over");
        failures.clear(peer);
        assert!(!failures.is_late(peer, start));
    }

    #[test]
    fn no_more_sources_are_kept_than_the_limit() {
        let (mut failures, start) = (Failures::default(), now());
        for number in 0..u32::try_from(limits::PASSWORD_FAILURE_SOURCES).expect("small") + 5 {
            failures
                .note(IpAddr::V4(Ipv4Addr::from(number)), start + Duration::from_millis(u64::from(number)));
        }
        assert_eq!(failures.by_source.len(), limits::PASSWORD_FAILURE_SOURCES);
        assert!(
            failures.by_source.get(Source::of(IpAddr::V4(Ipv4Addr::from(0)))).is_none(),
            "the oldest gave way"
        );
    }
}
