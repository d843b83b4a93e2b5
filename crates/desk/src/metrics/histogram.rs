//! Durations in buckets.

/// Upper bounds of the buckets, in milliseconds. A join on loopback takes some tens; the timers end an attempt within
/// some twenty seconds.
pub const BOUNDS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

/// How many durations fell into which bucket; the last has no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: u64,
}

impl Histogram {
    /// One more duration, in milliseconds.
    pub fn observe(&mut self, millis: u64) {
        let fitting = BOUNDS.iter().zip(&mut self.buckets).find(|(bound, _)| millis <= **bound);
        if let Some((_, bucket)) = fitting {
            *bucket = bucket.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(millis);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
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
        let mut histogram = Histogram::default();
        for millis in [0, 5, 6, 1_000, 20_000, 20_001] {
            histogram.observe(millis);
        }
        assert_eq!((histogram.count(), histogram.sum()), (6, 41_012));
        for (bound, want) in [(5, 2), (10, 3), (500, 3), (1_000, 4), (10_000, 4), (20_000, 5)] {
            let found = histogram.cumulative().find(|(upper, _)| *upper == bound);
            assert_eq!(found, Some((bound, want)), "up to {bound} ms");
        }
    }
}
