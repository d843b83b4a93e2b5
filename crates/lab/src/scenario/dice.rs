//! What a seed decides: the order of the scenarios and their passwords. The same seed gives the same run.

use std::fmt;

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679";
/// Characters of a made-up password.
const PASSWORD_LENGTH: usize = 20;

/// SplitMix64 (Steele, Lea, Flood, 2014): a few lines, and the same on every machine and in every version.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// Dice with this seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Dice with a seed from the system.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self::seeded)
    }

    /// The same dice for everybody who names the same thing, whatever was thrown before.
    pub(crate) fn for_name(&self, name: &str) -> Self {
        let mut dice = Self::seeded(self.seed);
        for byte in name.bytes() {
            dice.state = dice.next() ^ u64::from(byte);
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which must not be 0. The bias of a remainder does not matter for an order or a lab's password.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// Another order, each as likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last.saturating_add(1));
            items.swap(last, chosen);
        }
    }

    /// A password of twenty letters and digits.
    pub(crate) fn password(&mut self) -> String {
        let letter =
            |dice: &mut Self| ALPHABET.get(dice.below(ALPHABET.len())).copied().map_or('a', char::from);
        std::iter::repeat_with(|| letter(self)).take(PASSWORD_LENGTH).collect()
    }
}

/// The seed, as `--seed` takes it.
impl fmt::Display for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seed.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<usize> {
        let mut items: Vec<usize> = (0..13).collect();
        Dice::seeded(seed).shuffle(&mut items);
        items
    }

    #[test]
    fn the_same_seed_gives_the_same_order_and_another_seed_another() {
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..13).collect::<Vec<_>>());
    }

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut dice = Dice::seeded(0);
        assert_eq!([dice.next(), dice.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn passwords_depend_on_seed_and_name_and_on_nothing_else() {
        let password = |seed, name: &str, thrown: usize| {
            let mut dice = Dice::seeded(seed);
            (0..thrown).for_each(|_| drop(dice.password()));
            dice.for_name(name).password()
        };
        assert_eq!(password(1, "hub", 0), password(1, "hub", 3));
        assert_ne!(password(1, "hub", 0), password(1, "spoke", 0));
        assert_ne!(password(1, "hub", 0), password(2, "hub", 0));
        let made = password(1, "hub", 0);
        assert!(made.len() == PASSWORD_LENGTH && made.bytes().all(|byte| ALPHABET.contains(&byte)), "{made}");
    }
}
