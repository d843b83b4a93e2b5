//! Name constraints of every type, judged as the live `openssl verify` judges them.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

mod common;

use common::oracle::Oracle;
use common::{Blueprint, Key, NOW, Purpose, judge, tlv};

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const REGISTERED: u8 = 0x88;

type Name = (u8, &'static [u8]);

struct Row {
    case: &'static str,
    names: &'static [Name],
    permitted: &'static [Name],
    excluded: &'static [Name],
    want: u16,
}

const fn permits(case: &'static str, names: &'static [Name], permitted: &'static [Name], want: u16) -> Row {
    Row { case, names, permitted, excluded: &[], want }
}

const fn excludes(case: &'static str, names: &'static [Name], excluded: &'static [Name], want: u16) -> Row {
    Row { case, names, permitted: &[], excluded, want }
}

/// `CN=peer.example.com` and `CN=Peer`, as `Name`s.
const PEER: &[u8] = b"\x30\x1b\x31\x19\x30\x17\x06\x03\x55\x04\x03\x0c\x10peer.example.com";
const OTHER: &[u8] = b"\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04Peer";

#[rustfmt::skip]
const ROWS: [Row; 36] = [
    permits("the DNS name itself", &[(DNS, b"a.example.com")], &[(DNS, b"a.example.com")], 0),
    permits("below the DNS name", &[(DNS, b"a.Example.com")], &[(DNS, b"example.com")], 0),
    permits("not at a label", &[(DNS, b"badexample.com")], &[(DNS, b"example.com")], 47),
    permits("shorter than the base", &[(DNS, b"com")], &[(DNS, b"example.com")], 47),
    permits("one of two bases", &[(DNS, b"b.example.org")], &[(DNS, b"example.com"), (DNS, b"example.org")], 0),
    permits("one of two names outside", &[(DNS, b"a.example.com"), (DNS, b"b")], &[(DNS, b"example.com")], 47),
    permits("an empty base holds all", &[(DNS, b"a.example.com")], &[(DNS, b"")], 0),
    permits("a constraint of another type", &[(DNS, b"a.example.com")], &[(EMAIL, b"example.com")], 0),
    permits("the common name, where no DNS name is", &[(EMAIL, b"a@example.org")], &[(DNS, b"example.org")], 47),
    permits("the common name within", &[(EMAIL, b"a@example.org")], &[(DNS, b"example.com")], 0),
    excludes("an excluded DNS name", &[(DNS, b"a.example.com")], &[(DNS, b"example.com")], 48),
    excludes("another one excluded", &[(DNS, b"a.example.com")], &[(DNS, b"example.org")], 0),
    permits("an address at the host", &[(EMAIL, b"a@example.com")], &[(EMAIL, b"EXAMPLE.com")], 0),
    permits("an address below the host", &[(EMAIL, b"a@b.example.com")], &[(EMAIL, b"example.com")], 47),
    permits("an address below the domain", &[(EMAIL, b"a@b.example.com")], &[(EMAIL, b".example.com")], 0),
    permits("an address at the domain", &[(EMAIL, b"a@example.com")], &[(EMAIL, b".example.com")], 47),
    permits("that very address", &[(EMAIL, b"a@example.com")], &[(EMAIL, b"a@Example.com")], 0),
    permits("another user", &[(EMAIL, b"A@example.com")], &[(EMAIL, b"a@example.com")], 47),
    permits("any user", &[(EMAIL, b"A@example.com")], &[(EMAIL, b"@example.com")], 0),
    permits("an address without a host", &[(EMAIL, b"example.com")], &[(EMAIL, b"example.com")], 53),
    permits("a URI's host", &[(URI, b"sip://example.com:5060/x")], &[(URI, b"example.com")], 0),
    permits("a URI's host with a path", &[(URI, b"http://example.com/x")], &[(URI, b"Example.com")], 0),
    permits("a URI below the domain", &[(URI, b"http://a.example.com")], &[(URI, b".example.com")], 0),
    permits("a URI at the domain", &[(URI, b"http://example.com")], &[(URI, b".example.com")], 47),
    permits("a URI without slashes", &[(URI, b"sip:a@example.com")], &[(URI, b"example.com")], 53),
    permits("a URI without a host", &[(URI, b"http:///x")], &[(URI, b"example.com")], 53),
    permits("an IPv4 address within", &[(IP, &[192, 0, 2, 9])], &[(IP, &[192, 0, 2, 1, 255, 255, 255, 0])], 0),
    permits("an IPv4 address outside", &[(IP, &[192, 0, 3, 9])], &[(IP, &[192, 0, 2, 0, 255, 255, 255, 0])], 47),
    permits("IPv6 under IPv4", &[(IP, &[0; 16])], &[(IP, &[0; 8])], 47),
    permits("an address of five octets", &[(IP, &[0; 5])], &[(IP, &[0; 8])], 53),
    excludes("an excluded IPv6 address", &[(IP, &[1; 16])], &[(IP, &[0; 32])], 48),
    permits("the directory name", &[(DNS, b"a.example.com")], &[(DIRECTORY, PEER)], 0),
    permits("another directory name", &[(DNS, b"a.example.com")], &[(DIRECTORY, OTHER)], 47),
    excludes("an excluded directory name", &[(DNS, b"a.example.com")], &[(DIRECTORY, PEER)], 48),
    permits("every directory name", &[(DNS, b"a.example.com")], &[(DIRECTORY, b"\x30\0")], 0),
    permits("a registered identifier", &[(REGISTERED, &[0x2a])], &[(REGISTERED, &[0x2a])], 51),
];

#[test]
fn names_are_held_by_subtrees_as_openssl_has_it() {
    let oracle = Oracle::find();
    for Row { case, names, permitted, excluded, want } in ROWS {
        let root = Blueprint::root("Root", Key::Ec(1)).with(|b| {
            let content = [subtrees(0xa0, permitted), subtrees(0xa1, excluded)].concat();
            b.raw_extensions = vec![(vec![2, 5, 29, 30], tlv(0x30, &content))];
        });
        let leaf = Blueprint::leaf("peer.example.com", Key::Ec(2), "Root", Key::Ec(1)).with(|b| {
            let content: Vec<u8> = names.iter().flat_map(|(tag, name)| tlv(*tag, name)).collect();
            b.dns.clear();
            b.raw_extensions = vec![(vec![2, 5, 29, 17], tlv(0x30, &content))];
        });
        let (chain, store) = ([leaf.make()], [root.make()]);
        let verdict = judge(&chain, &store, Purpose::Client, NOW);
        // webpki supports fewer types, and may refuse where OpenSSL accepts.
        let is_right = verdict.code() == want || (want == 0 && verdict.code() == 50);
        assert!(is_right, "{case}: {verdict}");
        if let Some(oracle) = &oracle {
            assert_eq!(
                oracle.verify(&chain, &store, Purpose::Client, NOW, &[]),
                (want, 0),
                "openssl: {case}"
            );
        }
    }
}

#[test]
fn a_subtree_with_a_minimum_is_not_supported() {
    let oracle = Oracle::find();
    for (case, base, bound, want) in [
        ("minimum 0", DNS, [0x80, 1, 0], 0),
        ("minimum 1", DNS, [0x80, 1, 1], 49),
        ("maximum 0", DNS, [0x81, 1, 0], 49),
        ("maximum of a type that does not occur", EMAIL, [0x81, 1, 0], 0),
    ] {
        let subtree = tlv(0x30, &[tlv(base, b"example.com"), bound.to_vec()].concat());
        let root = Blueprint::root("Root", Key::Ec(1))
            .with(|b| b.raw_extensions = vec![(vec![2, 5, 29, 30], tlv(0x30, &tlv(0xa0, &subtree)))]);
        let leaf = Blueprint::leaf("peer.example.com", Key::Ec(2), "Root", Key::Ec(1));
        let (chain, store) = ([leaf.make()], [root.make()]);
        let verdict = judge(&chain, &store, Purpose::Client, NOW);
        assert!(verdict.code() == want || (want == 0 && verdict.code() == 50), "{case}: {verdict}");
        if let Some(oracle) = &oracle {
            assert_eq!(
                oracle.verify(&chain, &store, Purpose::Client, NOW, &[]),
                (want, 0),
                "openssl: {case}"
            );
        }
    }
}

fn subtrees(tag: u8, bases: &[Name]) -> Vec<u8> {
    let all: Vec<u8> = bases.iter().flat_map(|(tag, base)| tlv(0x30, &tlv(*tag, base))).collect();
    if all.is_empty() { all } else { tlv(tag, &all) }
}
