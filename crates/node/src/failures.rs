//! Sources whose frames did not open: after too many in a minute, their Hellos are answered late.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use ilslab_core::limits;

const MINUTE: Duration = Duration::from_secs(60);

/// Whom a failure is counted against: an IPv4 address, or an IPv6 /64.
fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(Ipv4Addr::from(v4.octets())),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
    }
}

/// Failures of the last minute by source, at most [`limits::PASSWORD_FAILURE_SOURCES`] sources.
#[derive(Default)]
pub(crate) struct Failures {
    by_source: HashMap<IpAddr, VecDeque<Instant>>,
}

impl Failures {
    /// A frame from there did not open.
    pub(crate) fn note(&mut self, address: IpAddr, now: Instant) {
        let source = source(address);
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
        self.by_source.remove(&source(address));
    }

    /// More than [`limits::PASSWORD_FAILURES_A_MINUTE`] in the last minute.
    pub(crate) fn is_late(&self, address: IpAddr, now: Instant) -> bool {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < MINUTE;
        self.by_source
            .get(&source(address))
            .is_some_and(|times| times.iter().filter(recent).count() > limits::PASSWORD_FAILURES_A_MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn an_ipv6_source_is_its_64_and_a_mapped_address_its_ipv4() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::2", true),
            ("2001:db8:0:1::1", "2001:db8::1", false),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
        ] {
            let source = |text: &str| source(text.parse().expect("an address"));
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }

    #[test]
    fn no_more_sources_are_kept_than_the_limit() {
        let (mut failures, start) = (Failures::default(), now());
        for number in 0..u32::try_from(limits::PASSWORD_FAILURE_SOURCES).expect("small") + 5 {
            failures
                .note(IpAddr::V4(Ipv4Addr::from(number)), start + Duration::from_millis(u64::from(number)));
        }
        assert_eq!(failures.by_source.len(), limits::PASSWORD_FAILURE_SOURCES);
        assert!(!failures.by_source.contains_key(&IpAddr::V4(Ipv4Addr::from(0))), "the oldest gave way");
    }
}
