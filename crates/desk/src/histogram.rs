//! Durations in buckets: counted by one, read by anybody, and neither waits for the other.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets, in milliseconds. A join on loopback takes some tens; the timers end an attempt within
/// some twenty seconds.
pub const BOUNDS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

/// How many durations fell into which bucket so far.
#[derive(Debug, Default)]
pub struct Tally {
    buckets: [AtomicU64; BOUNDS.len()],
    /// Those beyond the last bound.
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl Tally {
    /// One more duration, in milliseconds.
    pub fn observe(&self, millis: u64) {
        let fitting = BOUNDS.iter().zip(&self.buckets).find(|(bound, _)| millis <= **bound);
        let bucket = fitting.map_or(&self.beyond, |(_, bucket)| bucket);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(millis, Ordering::Relaxed);
    }

    /// What there is now. Counted while it is read, a duration may be in the sum and in no bucket yet, or the other way; the
    /// buckets and the count never disagree.
    pub fn read(&self) -> Histogram {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Histogram {
            buckets: self.buckets.each_ref().map(load),
            beyond: load(&self.beyond),
            sum: load(&self.sum),
        }
    }
}

/// A tally at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BOUNDS.len()],
    beyond: u64,
    sum: u64,
}

impl Histogram {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(self.beyond, |count, bucket| count.saturating_add(*bucket))
    }

    /// What they come to, in milliseconds.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Each bound, in milliseconds, with the number of durations up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let running = self.buckets.iter().scan(0_u64, |sum, bucket| {
            *sum = sum.saturating_add(*bucket);
            Some(*sum)
        });
        BOUNDS.into_iter().zip(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_every_bucket_that_it_does_not_exceed() {
        let tally = Tally::default();
        for millis in [0, 5, 6, 1_000, 20_000, 20_001] {
            tally.observe(millis);
        }
        let histogram = tally.read();
        assert_eq!((histogram.count(), histogram.sum()), (6, 41_012));
        for (bound, want) in [(5, 2), (10, 3), (500, 3), (1_000, 4), (10_000, 4), (20_000, 5)] {
            let found = histogram.cumulative().find(|(upper, _)| *upper == bound);
            assert_eq!(found, Some((bound, want)), "up to {bound} ms");
        }
    }

    #[test]
    fn read_while_it_is_counted_a_histogram_never_goes_back_and_is_never_at_odds_with_itself() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            let counting = scope.spawn(|| (0..200_000).for_each(|millis| tally.observe(millis % 25_000)));
            let mut before = Histogram::default();
            while !counting.is_finished() {
                let now = tally.read();
                let last = now.cumulative().last().map_or(0, |(_, count)| count);
                assert!(last <= now.count() && before.count() <= now.count() && before.sum() <= now.sum());
                for ((_, earlier), (bound, later)) in before.cumulative().zip(now.cumulative()) {
                    assert!(earlier <= later, "up to {bound} ms");
                }
                before = now;
            }
        });
        assert_eq!(tally.read().count(), 200_000);
    }
}
