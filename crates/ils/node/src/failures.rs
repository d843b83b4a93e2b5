//! Sources whose frames did not open: after too many in a minute, their Hellos are answered late.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ils_core::limits;
use ils_core::source::Source;

const MINUTE: Duration = Duration::from_secs(60);

/// Failures of the last minute by source, at most [`limits::PASSWORD_FAILURE_SOURCES`] sources.
#[derive(Default)]
pub(crate) struct Failures {
    by_source: HashMap<Source, VecDeque<Instant>>,
}

impl Failures {
    /// A frame from there did not open.
    pub(crate) fn note(&mut self, address: IpAddr, now: Instant) {
        let source = Source::of(address);
        if !self.by_source.contains_key(&source) {
            self.make_room();
        }
        let times = self.by_source.entry(source).or_default();
        times.push_back(now);
        // One more than the limit tells all there is to know.
        if times.len() > limits::PASSWORD_FAILURES_A_MINUTE + 1 {
            times.pop_front();
        }
    }

    /// The source heard of longest ago gives way.
    fn make_room(&mut self) {
        if self.by_source.len() < limits::PASSWORD_FAILURE_SOURCES {
            return;
        }
        let oldest = self.by_source.iter().min_by_key(|(_, times)| times.back().copied()).map(|(ip, _)| *ip);
        if let Some(oldest) = oldest {
            self.by_source.remove(&oldest);
        }
    }

    /// A peer from there joined.
    pub(crate) fn clear(&mut self, address: IpAddr) {
        self.by_source.remove(&Source::of(address));
    }

    /// More than [`limits::PASSWORD_FAILURES_A_MINUTE`] in the last minute.
    pub(crate) fn is_late(&self, address: IpAddr, now: Instant) -> bool {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < MINUTE;
        self.by_source
            .get(&Source::of(address))
            .is_some_and(|times| times.iter().filter(recent).count() > limits::PASSWORD_FAILURES_A_MINUTE)
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
            !failures.by_source.contains_key(&Source::of(IpAddr::V4(Ipv4Addr::from(0)))),
            "the oldest gave way"
        );
    }
}
