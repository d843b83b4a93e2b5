//! How long a dialler waits before it dials again.
//!
//! ```text
//! a try fails                       -> twice as long as before, up to the longest wait; each wait jittered
//! it had joined                     -> as short as the first
//! a method is being changed         -> METHOD_CHANGE_RETRY, and quiet, for METHOD_CHANGE_WINDOW
//! ```

use std::time::{Duration, Instant};

use ils_core::limits;

use crate::dice::{Dice, jittered};

/// What a try came to, as far as the next wait depends on it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tried {
    /// It joined, and ended later.
    pub(crate) joined: bool,
    /// The peer's Bye said that it changes its method.
    pub(crate) method_changed: bool,
}

/// The waits of one dialler.
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    /// Until then a method is being changed somewhere: quick, and quiet.
    quick_until: Option<Instant>,
}

impl Backoff {
    /// Waits from `retry_initial` to `retry_max`; `changed_at` is when this node changed its own method.
    pub(crate) fn new(initial: Duration, longest: Duration, changed_at: Option<Instant>) -> Self {
        // The first wait is no longer than the longest one.
        let first = initial.min(longest);
        let quick_until = changed_at.map(|changed| changed + limits::METHOD_CHANGE_WINDOW);
        Self { first, longest, next: first, quick_until }
    }

    /// Whether a method is being changed somewhere, so that a failure is no reason for an alarm.
    pub(crate) fn is_quick(&self, now: Instant) -> bool {
        self.quick_until.is_some_and(|until| now < until)
    }

    /// How long to wait after a try that has ended now.
    pub(crate) fn after(&mut self, tried: Tried, now: Instant, dice: &dyn Dice) -> Duration {
        if tried.method_changed {
            self.quick_until = Some(now + limits::METHOD_CHANGE_WINDOW);
        }
        let quick = self.is_quick(now);
        if tried.joined || quick {
            self.next = self.first;
        }
        if quick {
            return limits::METHOD_CHANGE_RETRY;
        }
        let wait = jittered(dice, self.next);
        self.next = (self.next * 2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_millis(700);

    /// Dice that always show the same.
    struct Loaded(u8);

    impl Dice for Loaded {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    /// The waits of tries that fail, one after another.
    fn waits(backoff: &mut Backoff, dice: u8) -> [u64; 5] {
        let now = clock::monotonic();
        let mut wait = || backoff.after(Tried::default(), now, &Loaded(dice)).as_millis();
        [(); 5].map(|()| u64::try_from(wait()).expect("short"))
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_jittered_between_half_and_whole() {
        for (case, dice, want) in [
            ("the whole wait", 0xff, [100, 200, 400, 700, 700]),
            ("half of it", 0x00, [50, 100, 200, 350, 350]),
        ] {
            assert_eq!(waits(&mut Backoff::new(FIRST, LONGEST, None), dice), want, "{case}");
        }
        let between = waits(&mut Backoff::new(FIRST, LONGEST, None), 0x80);
        assert!((51..100).contains(&between[0]) && (351..700).contains(&between[4]), "{between:?}");
    }

    #[test]
    fn the_first_wait_is_no_longer_than_the_longest() {
        assert_eq!(waits(&mut Backoff::new(LONGEST * 2, LONGEST, None), 0xff), [700; 5]);
    }

    #[test]
    fn after_a_join_waits_are_short_again() {
        let mut backoff = Backoff::new(FIRST, LONGEST, None);
        waits(&mut backoff, 0xff);
        let joined = Tried { joined: true, ..Tried::default() };
        assert_eq!(backoff.after(joined, clock::monotonic(), &Loaded(0xff)), FIRST);
        assert_eq!(waits(&mut backoff, 0xff), [200, 400, 700, 700, 700]);
    }

    #[test]
    fn a_change_of_method_is_waited_for_quickly_and_quietly_and_not_for_ever() {
        let now = clock::monotonic();
        let over = now + limits::METHOD_CHANGE_WINDOW;
        let just_before = over - Duration::from_millis(1);
        let there = Tried { method_changed: true, ..Tried::default() };
        for (case, changed_here, tried) in
            [("this node's own", Some(now), Tried::default()), ("the peer's", None, there)]
        {
            let mut backoff = Backoff::new(FIRST, LONGEST, changed_here);
            assert_eq!(backoff.is_quick(now), changed_here.is_some(), "{case}");
            for (at, tried) in [(now, tried), (just_before, Tried::default())] {
                assert_eq!(backoff.after(tried, at, &Loaded(0xff)), limits::METHOD_CHANGE_RETRY, "{case}");
                assert!(backoff.is_quick(at), "{case}");
            }
            assert!(!backoff.is_quick(over), "{case}");
            assert_eq!(backoff.after(Tried::default(), over, &Loaded(0xff)), FIRST, "{case}");
        }
    }
}
