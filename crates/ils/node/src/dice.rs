//! Randomness as an argument: the system's in a node, a seeded one in a simulation.

use std::time::Duration;

/// A source of random bytes.
pub trait Dice: Send + Sync + 'static {
    /// Fills the buffer. Must be unpredictable wherever real peers are involved: keys are made from it.
    fn fill(&self, buffer: &mut [u8]);
}

/// The system's generator.
pub struct SystemDice;

impl Dice for SystemDice {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the system has randomness; without it no key could be made");
    }
}

/// Thirty-two random octets.
pub(crate) fn octets<const N: usize>(dice: &dyn Dice) -> [u8; N] {
    let mut buffer = [0; N];
    dice.fill(&mut buffer);
    buffer
}

/// Something between half of the wait and all of it, so that peers that failed together do not retry together.
pub(crate) fn jittered(dice: &dyn Dice, wait: Duration) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(f64::from(u16::from_be_bytes(octets(dice))) / f64::from(u16::MAX))
}
