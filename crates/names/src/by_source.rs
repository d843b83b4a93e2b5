//! Something of each source that was heard of lately, bounded however many there are; and how often something was.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Add;
use std::time::Duration;

use crate::Source;

/// Something of each of so many sources; beyond it the one heard of longest ago gives way.
#[derive(Debug)]
pub struct BySource<T> {
    most: usize,
    /// Each with its place in the order.
    of: HashMap<Source, (u64, T)>,
    /// From the one heard of longest ago to the last.
    order: BTreeMap<u64, Source>,
    next: u64,
}

impl<T> BySource<T> {
    /// Of none yet, of at most this many, and at least one.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), of: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }

    /// What is known of a source.
    pub fn get(&self, source: Source) -> Option<&T> {
        self.of.get(&source).map(|(_, known)| known)
    }

    /// Nothing is known of a source any more.
    pub fn forget(&mut self, source: Source) {
        if let Some((place, _)) = self.of.remove(&source) {
            self.order.remove(&place);
        }
    }

    /// How many sources something is known of.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Nothing is known of any.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

impl<T: Default> BySource<T> {
    /// The source was heard of now: it is the last to give way. Answers what is known of it.
    pub fn hear(&mut self, source: Source) -> &mut T {
        if !self.of.contains_key(&source) {
            self.make_room();
        }
        let place = self.next;
        self.next = self.next.wrapping_add(1);
        let (was, known) = self.of.entry(source).or_insert_with(|| (place, T::default()));
        self.order.remove(was);
        self.order.insert(place, source);
        *was = place;
        known
    }

    fn make_room(&mut self) {
        while self.of.len() >= self.most
            && let Some((_, longest_ago)) = self.order.pop_first()
        {
            self.of.remove(&longest_ago);
        }
    }
}

/// When something happened the last `N` times. Times are of any clock that does not go back.
#[derive(Clone, Debug)]
pub struct LastTimes<T, const N: usize>(VecDeque<T>);

impl<T, const N: usize> Default for LastTimes<T, N> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Copy + PartialOrd + Add<Duration, Output = T>, const N: usize> LastTimes<T, N> {
    /// It happened now.
    pub fn note(&mut self, now: T) {
        self.0.push_back(now);
        if self.0.len() > N {
            self.0.pop_front();
        }
    }

    /// It happened `N` times, and the first of them less than this long ago.
    pub fn are_all_within(&self, window: Duration, now: T) -> bool {
        self.0.len() == N && self.0.front().is_some_and(|first| *first + window > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u32) -> Source {
        Source::of(std::net::IpAddr::V4(number.into()))
    }

    #[test]
    fn the_one_heard_of_longest_ago_gives_way() {
        let mut heard = BySource::<u32>::new(3);
        for number in [1, 2, 3, 1, 4] {
            *heard.hear(source(number)) += 1;
        }
        let known = [1, 2, 3, 4].map(|number| heard.get(source(number)).copied());
        assert_eq!(known, [Some(2), None, Some(1), Some(1)]);
        heard.forget(source(3));
        heard.forget(source(9));
        for number in [5, 6] {
            heard.hear(source(number));
        }
        let known = [1, 3, 4, 5, 6].map(|number| heard.get(source(number)).is_some());
        assert_eq!(known, [false, false, true, true, true]);
        assert_eq!((heard.len(), heard.order.len(), heard.is_empty()), (3, 3, false));
    }

    #[test]
    fn no_more_are_kept_than_so_many_and_at_least_one() {
        for (most, want) in [(0, 1), (1, 1), (5, 5)] {
            let mut heard = BySource::<()>::new(most);
            assert!(heard.is_empty());
            for number in 0..20 {
                heard.hear(source(number));
                heard.hear(source(number / 2));
            }
            assert_eq!((heard.len(), heard.order.len()), (want, want), "{most}");
        }
    }

    #[test]
    fn so_many_times_count_while_the_first_of_them_is_in_the_window() {
        let second = Duration::from_secs;
        let mut times = LastTimes::<Duration, 3>::default();
        assert!(!times.are_all_within(second(60), second(0)));
        for at in [0, 1, 2] {
            assert!(!times.are_all_within(second(60), second(at)), "before {at}");
            times.note(second(at));
        }
        for (now, want) in [(2, true), (59, true), (60, false)] {
            assert_eq!(times.are_all_within(second(60), second(now)), want, "at {now}");
        }
        times.note(second(60));
        assert!(times.are_all_within(second(60), second(60)), "the window slides");
        assert!(!times.are_all_within(second(60), second(61)));
        assert_eq!(times.0.len(), 3);
    }
}
