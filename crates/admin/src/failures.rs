//! Failed log-ins, counted by source: ten a minute, then no more answers for a while.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures that one source has in [`WINDOW`].
const ALLOWED: usize = 10;
/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Sources that are remembered; the one heard of longest ago gives way.
const SOURCES: usize = 1_024;

struct Source {
    address: IpAddr,
    /// When each failure was, oldest first; at most [`ALLOWED`].
    times: VecDeque<Duration>,
}

/// Who failed when. Times are those of `Clock::uptime`.
#[derive(Default)]
pub(crate) struct Failures {
    sources: Mutex<VecDeque<Source>>,
}

impl Failures {
    /// How long this source has to wait before it may try again, if it has to.
    pub(crate) fn wait(&self, from: IpAddr, now: Duration) -> Option<Duration> {
        let address = network(from);
        let sources = self.lock();
        let times = &sources.iter().find(|source| source.address == address)?.times;
        let oldest = times.iter().rev().nth(ALLOWED - 1)?;
        (*oldest + WINDOW).checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// A log-in from this source failed.
    pub(crate) fn count(&self, from: IpAddr, now: Duration) {
        let address = network(from);
        let mut sources = self.lock();
        let position = sources.iter().position(|source| source.address == address);
        let known = position.and_then(|position| sources.remove(position));
        let mut source = known.unwrap_or_else(|| Source { address, times: VecDeque::new() });
        source.times.push_back(now);
        while source.times.len() > ALLOWED {
            source.times.pop_front();
        }
        while sources.len() >= SOURCES {
            sources.pop_front();
        }
        sources.push_back(source);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Source>> {
        // Whoever panicked with the lock left at worst one failure uncounted.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An IPv4 address by itself, an IPv6 one with its /64: one host has that many.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ten_failures_a_minute_are_answered_and_the_eleventh_try_waits() {
        let failures = Failures::default();
        let from = ip("127.0.0.1");
        for second in 0..10 {
            assert_eq!(failures.wait(from, Duration::from_secs(second)), None, "before failure {second}");
            failures.count(from, Duration::from_secs(second));
        }
        for (name, now, want) in [
            ("at once", 9_000, Some(51_000)),
            ("just before the minute is over", 59_999, Some(1)),
            ("when it is over", 60_000, None),
        ] {
            let wait = failures.wait(from, Duration::from_millis(now));
            assert_eq!(wait, want.map(Duration::from_millis), "{name}");
        }
        failures.count(from, Duration::from_secs(60));
        assert_eq!(failures.wait(from, Duration::from_secs(60)), Some(Duration::from_secs(1)), "sliding");
    }

    #[test]
    fn sources_do_not_pay_for_each_other_but_a_64_is_one_source() {
        for (name, failing, other, shared) in [
            ("two IPv4 addresses", "127.0.0.1", "127.0.0.2", false),
            ("the same, mapped", "127.0.0.1", "::ffff:127.0.0.1", true),
            ("one /64", "2001:db8::1", "2001:db8::ffff:0:1", true),
            ("two /64", "2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let failures = Failures::default();
            (0..10).for_each(|_| failures.count(ip(failing), Duration::ZERO));
            assert_eq!(failures.wait(ip(other), Duration::ZERO).is_some(), shared, "{name}");
        }
    }

    #[test]
    fn the_sources_remembered_are_bounded() {
        let failures = Failures::default();
        for host in 0..2 * u32::try_from(SOURCES).expect("small") {
            failures.count(IpAddr::V4(host.into()), Duration::ZERO);
        }
        assert_eq!(failures.lock().len(), SOURCES);
    }
}
