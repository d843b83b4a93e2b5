//! What a peer may send to hurt: endless chains, cycles, and bytes that are no certificates.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

mod common;

use common::oracle::Oracle;
use common::{Blueprint, Key, NOW, Purpose, judge};
use ilslab_trust::{Certificate, MAX_INTERMEDIATES, MAX_SENT};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustls_pki_types::CertificateDer;

const LEAF: &str = "peer.example.com";

/// `openssl verify` with the crate's own bound.
const SAME_BOUND: [&str; 2] = ["-verify_depth", "6"];

/// The leaf and `intermediates` CAs above it; the root is apart.
fn long_chain(intermediates: u8) -> (Vec<Certificate>, Certificate) {
    let name = |level: u8| {
        if level == 0 { LEAF.to_owned() } else { format!("CA {level}") }
    };
    let above = |level: u8| {
        if level == intermediates { "Root".to_owned() } else { name(level + 1) }
    };
    let leaf = Blueprint::leaf(&name(0), Key::Ec(0), &above(0), Key::Ec(1));
    let cas =
        (1..=intermediates).map(|l| Blueprint::ca(&name(l), Key::Ec(l), &above(l), Key::Ec(l + 1)).make());
    let chain = std::iter::once(leaf.make()).chain(cas).collect();
    (chain, Blueprint::root("Root", Key::Ec(intermediates + 1)).make())
}

#[test]
fn a_chain_is_followed_as_far_as_openssl_follows_it_with_the_same_bound() {
    assert_eq!(MAX_INTERMEDIATES, 6);
    let oracle = Oracle::find();
    for (intermediates, want) in [(5, (0, 0)), (6, (0, 0)), (7, (22, 7)), (8, (22, 7)), (9, (22, 7))] {
        let (chain, root) = long_chain(intermediates);
        let verdict = judge(&chain, std::slice::from_ref(&root), Purpose::Client, NOW);
        assert_eq!((verdict.code(), verdict.depth()), want, "{intermediates} intermediates");
        if let Some(oracle) = &oracle {
            let live = oracle.verify(&chain, &[root], Purpose::Client, NOW, &SAME_BOUND);
            assert_eq!(live, want, "openssl: {intermediates} intermediates");
        }
    }
}

#[test]
fn more_certificates_than_the_bound_are_refused_unread() {
    let root = Blueprint::root("Root", Key::Ec(1)).make();
    let leaf = Blueprint::leaf(LEAF, Key::Ec(0), "Root", Key::Ec(1)).make();
    let padded = |count: usize| [vec![leaf.clone()], vec![root.clone(); count - 1]].concat();
    let store = [root.clone(), leaf.clone()];
    assert!(judge(&padded(MAX_SENT), &store, Purpose::Client, NOW).is_ok());
    let verdict = judge(&padded(MAX_SENT + 1), &store, Purpose::Client, NOW);
    assert_eq!((verdict.code(), verdict.depth()), (22, 7));
}

/// CAs of two names that all certify each other: a search through every path would not end in our days.
fn tangle(count: u8) -> Vec<Certificate> {
    let name = |number: u8| ["Left", "Right"][usize::from(number % 2)];
    let twist = |n: u8| {
        let made = Blueprint::ca(name(n), Key::Ec(n % 2), name(n + 1), Key::Ec((n + 1) % 2));
        made.with(|b| b.serial = u64::from(n) + 1).make()
    };
    (0..count).map(twist).collect()
}

#[test]
fn cas_that_certify_each_other_end_at_the_bound() {
    let oracle = Oracle::find();
    let leaf = Blueprint::leaf(LEAF, Key::Ec(5), "Left", Key::Ec(0)).make();
    let sent = [vec![leaf.clone()], tangle(9)].concat();
    let root = Blueprint::root("Root", Key::Ec(6)).make();
    for (case, chain, store) in
        [("all of them sent", sent, vec![root]), ("hundreds of them in the store", vec![leaf], tangle(250))]
    {
        let verdict = judge(&chain, &store, Purpose::Client, NOW);
        assert_eq!((verdict.code(), verdict.depth()), (22, 7), "{case}");
        if let Some(oracle) = &oracle {
            let live = oracle.verify(&chain, &store, Purpose::Client, NOW, &SAME_BOUND);
            assert_eq!(live, (22, 7), "openssl: {case}");
        }
    }
}

#[test]
fn changed_bytes_never_panic_and_are_never_accepted() {
    let root = Blueprint::root("Root", Key::Ec(1)).with(|b| b.permitted = Some("example.com")).make();
    let intermediate = Blueprint::ca("CA", Key::Ec(2), "Root", Key::Ec(1)).make();
    let leaf = Blueprint::leaf(LEAF, Key::Ec(3), "CA", Key::Ec(2)).make();
    let own = Blueprint::self_signed(LEAF, Key::Rsa(1)).make();
    let store = [root.clone(), own.clone()];
    assert!(judge(&[leaf.clone(), intermediate.clone()], &store, Purpose::Client, NOW).is_ok());
    let mut dice = StdRng::seed_from_u64(200_694);
    let mut parsed = 0;
    for turn in 0..6_000 {
        let original = [&leaf, &intermediate, &own][turn % 3];
        let Ok(changed) = Certificate::parse(mutate(&mut dice, original.der())) else {
            continue;
        };
        if changed == *original {
            continue;
        }
        parsed += 1;
        let _ = (changed.display_name(), changed.key_description(), changed.carries(LEAF));
        let chain = match turn % 3 {
            0 => vec![changed, intermediate.clone()],
            1 => vec![leaf.clone(), changed],
            _ => vec![changed],
        };
        let verdict = judge(&chain, &store, Purpose::Client, NOW);
        assert!(
            !verdict.is_ok(),
            "turn {turn}: {:?}",
            chain.iter().map(|c| c.der().to_vec()).collect::<Vec<_>>()
        );
        // As a store, too, it is only ever looked at.
        judge(std::slice::from_ref(&leaf), &chain, Purpose::Server, NOW);
    }
    assert!(parsed > 500, "only {parsed} of the changed certificates were worth judging");
}

#[test]
fn noise_is_no_certificate() {
    let mut dice = StdRng::seed_from_u64(7_501);
    for _ in 0..2_000 {
        let length = dice.random_range(0..200);
        let mut noise: Vec<u8> = (0..length).map(|_| dice.random()).collect();
        if let Some(first) = noise.first_mut() {
            *first = 0x30;
        }
        assert!(Certificate::parse(noise.into()).is_err());
    }
}

fn mutate(dice: &mut StdRng, der: &[u8]) -> CertificateDer<'static> {
    let mut der = der.to_vec();
    for _ in 0..dice.random_range(1..4) {
        let at = dice.random_range(0..der.len());
        match dice.random_range(0..8) {
            0 => der.truncate(at.max(1)),
            1 => der.insert(at, dice.random()),
            2 => drop(der.remove(at)),
            3 => der[at] = [0, 1, 0x7f, 0x80, 0xff][dice.random_range(0..5)],
            4 => der[at] = der[at].wrapping_add(1),
            _ => der[at] ^= 1 << dice.random_range(0..8),
        }
        if der.len() < 2 {
            break;
        }
    }
    der.into()
}
