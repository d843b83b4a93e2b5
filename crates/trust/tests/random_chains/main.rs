//! Chains made at random, each judged by the crate and by the live `openssl verify`.
//!
//! An honest chain of one to four certificates, then a twist or two: wrong dates, purposes, path lengths, CA
//! flags, key usages, names, strengths; issuers that are missing, swapped, re-keyed or cross-signed; several
//! CAs of one name; stores of pins and anchors. `ILSLAB_SEED` repeats a run.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

#[path = "../common/mod.rs"]
mod common;
mod world;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use common::oracle::Oracle;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use world::{TWISTS, Twist, World};

/// Rounds over all twists: in the first half of them each twist stands alone, which is what makes every
/// number occur often enough whatever the seed.
const ROUNDS: usize = 30;
/// Chains that each number must come from, for its count to mean something.
const LEAST: usize = 10;

/// The same chains on every run, so that a change of ours is what makes it fail; `ILSLAB_SEED` makes others.
const SEED: u64 = 20_261_122;

fn seed() -> u64 {
    match std::env::var("ILSLAB_SEED") {
        Ok(seed) => seed.parse().expect("ILSLAB_SEED is a number"),
        Err(_) => SEED,
    }
}

#[test]
fn random_chains_come_out_as_openssl_has_them() {
    let Some(oracle) = Oracle::find() else { return };
    let seed = seed();
    println!("ILSLAB_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut histogram: BTreeMap<u16, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        for twist in TWISTS {
            let levels = dice.random_range(levels(twist));
            let mut world = World::honest(&mut dice, levels);
            world.twist(twist, &mut dice);
            let mut case = format!("seed {seed}, round {round}, {levels} levels, {twist:?}");
            if round * 2 >= ROUNDS && world.path.len() > 1 {
                let second = TWISTS[dice.random_range(0..TWISTS.len())];
                world.twist(second, &mut dice);
                case = format!("{case} and {second:?}");
            }
            let (code, _) = world.judge(&mut dice, &oracle, &case);
            *histogram.entry(code).or_default() += 1;
        }
    }
    println!("chains by OpenSSL's number: {histogram:?}");
    assert!(histogram.values().sum::<usize>() >= 600);
    let rare: Vec<_> = histogram.iter().filter(|(_, count)| **count < LEAST).collect();
    assert!(rare.is_empty(), "seed {seed}: too few chains to prove anything for {rare:?}");
    assert!(histogram.len() >= 16, "seed {seed}: {histogram:?}");
}

/// How many certificates a chain needs for a twist to be possible.
fn levels(twist: Twist) -> RangeInclusive<usize> {
    match twist {
        Twist::Nothing => 1..=4,
        Twist::PathLength | Twist::NoIntermediate | Twist::StoreWithoutRoot => 3..=4,
        _ => 2..=4,
    }
}
