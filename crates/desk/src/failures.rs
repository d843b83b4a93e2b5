//! Failed log-ins, counted by source: after ten a minute a source is late, and guesses a wave at a time.
//!
//! Nobody is refused for what others at the same address have sent: the right password waits for its turn, and gets in.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ilslab_names::{BySource, LastTimes, Source};
use tokio::sync::Semaphore;

/// Failures that one source has in [`WINDOW`] before it is late.
const ALLOWED: usize = 10;
/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a late source waits for the answer to a wrong password.
pub(crate) const DELAY: Duration = Duration::from_secs(1);
/// Passwords that a late source may have judged within one [`DELAY`].
const TURNS: usize = 16;
/// Sources that are remembered; the one heard of longest ago gives way.
const SOURCES: usize = 1_024;

struct Guesser {
    times: LastTimes<Duration, ALLOWED>,
    turns: Arc<Semaphore>,
}

impl Default for Guesser {
    fn default() -> Self {
        Self { times: LastTimes::default(), turns: Arc::new(Semaphore::new(TURNS)) }
    }
}

/// Who failed when. Times are those of `Clock::uptime`.
pub(crate) struct Failures {
    guessers: Mutex<BySource<Guesser>>,
}

impl Default for Failures {
    fn default() -> Self {
        Self { guessers: Mutex::new(BySource::new(SOURCES)) }
    }
}

impl Failures {
    /// The turns of a source that is late: one is taken before a password is judged, and held for [`DELAY`] where it was
    /// wrong.
    pub(crate) fn turns(&self, from: IpAddr, now: Duration) -> Option<Arc<Semaphore>> {
        let guessers = self.lock();
        let guesser = guessers.get(Source::of(from))?;
        guesser.times.are_all_within(WINDOW, now).then(|| Arc::clone(&guesser.turns))
    }

    /// A log-in from this source failed.
    pub(crate) fn count(&self, from: IpAddr, now: Duration) {
        self.lock().hear(Source::of(from)).times.note(now);
    }

    fn lock(&self) -> MutexGuard<'_, BySource<Guesser>> {
        // Whoever panicked with the lock left at worst one failure uncounted.
        self.guessers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ten_failures_a_minute_make_a_source_late_until_the_minute_is_over() {
        let failures = Failures::default();
        let from = ip("127.0.0.1");
        let is_late = |millis| failures.turns(from, Duration::from_millis(millis)).is_some();
        for second in 0..10 {
            assert!(!is_late(second * 1_000), "before failure {second}");
            failures.count(from, Duration::from_secs(second));
        }
        for (name, now, want) in [
            ("at once", 9_000, true),
            ("just before the minute is over", 59_999, true),
            ("when it is over", 60_000, false),
        ] {
            assert_eq!(is_late(now), want, "{name}");
        }
        failures.count(from, Duration::from_secs(60));
        assert!(is_late(60_000), "sliding: nine are left, and one more");
        assert!(!is_late(61_000));
    }

    #[test]
    fn the_turns_of_a_source_are_the_same_each_time_it_is_late() {
        let (failures, from) = (Failures::default(), ip("127.0.0.1"));
        (0..10).for_each(|_| failures.count(from, Duration::ZERO));
        let turns = failures.turns(from, Duration::ZERO).expect("late");
        failures.count(from, Duration::ZERO);
        let again = failures.turns(from, Duration::ZERO).expect("late");
        assert!(Arc::ptr_eq(&turns, &again));
        assert_eq!(turns.available_permits(), TURNS);
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
            assert_eq!(failures.turns(ip(other), Duration::ZERO).is_some(), shared, "{name}");
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
