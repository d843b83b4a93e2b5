//! What webpki refuses and OpenSSL accepts: for each class that the walk decides alone, what is accepted and what is not.

use ilslab_trust::SIGNATURE_CHECKS;

use crate::common::oracle::Oracle;
use crate::common::{Basic, Blueprint, Key, NOW, Purpose, Spelling, judge, tlv};
use crate::row::{Row, row};
use crate::{Ca, HUB, ca};

#[test]
fn what_webpki_does_not_know_is_decided_as_openssl_has_it() {
    let oracle = Oracle::find();
    let rows = [name_rows(), version_rows(), key_rows(), extension_rows(), path_rows()];
    rows.iter().flatten().for_each(|row| row.check(oracle.as_ref()));
}

#[rustfmt::skip]
fn name_rows() -> Vec<Row> {
    let Ca { root, intermediate, leaf, deep_leaf } = ca();
    let spell = |b: &Blueprint, subject, issuer| b.clone().with(|b| b.spelling = (subject, issuer));
    let printable = spell(&root, Spelling::Printable, Spelling::Printable);
    let shouting = spell(&intermediate, Spelling::UpperCase, Spelling::Spaced);
    let wide = spell(&deep_leaf, Spelling::Plain, Spelling::Bmp);
    let other = spell(&root, Spelling::Printable, Spelling::Printable).with(|b| b.subject = "Lab Roof".into());
    let named = |b: &Blueprint, text: &str| b.clone().with(|b| b.issuer = text.into());
    let umlaut = Blueprint::root("Zürich", Key::Ec(10)).with(|b| b.spelling = (Spelling::Teletex, Spelling::Bmp));
    let shouted = spell(&shouting, Spelling::UpperCase, Spelling::Spaced).with(|b| b.tampered = true);
    vec![
        row("a root in PrintableString, an issuer in UTF8String", &[&leaf], &[&printable], (0, 0)),
        row("an intermediate in capitals", &[&wide, &shouting], &[&printable], (0, 0)),
        row("an intermediate in capitals, tampered with", &[&wide, &shouted], &[&printable], (7, 1)),
        row("another name in PrintableString", &[&leaf], &[&other], (20, 0)),
        row("an umlaut in Latin-1, an issuer in UTF-8", &[&named(&leaf, "Zürich")], &[&umlaut], (0, 0)),
        row("another umlaut", &[&named(&leaf, "Zärich")], &[&umlaut], (20, 0)),
    ]
}

#[rustfmt::skip]
fn version_rows() -> Vec<Row> {
    let Ca { root, intermediate, leaf, deep_leaf } = ca();
    let of = |b: &Blueprint, version| b.clone().with(|b| b.version = version);
    let habit = root.clone().with(|b| b.basic = Basic::Absent);
    let (v1, expired) = (of(&root, 1), of(&root, 1).with(|b| b.years = (2010, 2020)));
    let anonymous = leaf.clone().without_key_ids();
    let old_root = of(&Blueprint::root("Lab Root", Key::Ec(12)), 1);
    let ca_leaf = leaf.clone().with(|b| b.basic = Basic::Ca);
    let tampered = ca_leaf.clone().with(|b| b.tampered = true);
    vec![
        row("a root of version 1", &[&leaf], &[&v1], (0, 0)),
        row("a root of version 1, judged by a spoke", &[&leaf], &[&v1], (0, 0)).judged_by_spoke(),
        row("an expired root of version 1", &[&leaf], &[&expired], (10, 1)),
        row("a root of version 1 with another key", &[&anonymous], &[&old_root], (7, 0)),
        row("a root of version 2", &[&leaf], &[&of(&root, 2)], (79, 1)),
        row("an intermediate of version 1", &[&deep_leaf, &of(&intermediate, 1)], &[&root], (79, 1)),
        row("a leaf of version 1", &[&of(&leaf, 1)], &[&root], (0, 0)),
        row("a leaf of version 1, tampered with", &[&of(&leaf, 1).with(|b| b.tampered = true)], &[&root], (7, 0)),
        row("a leaf of version 2", &[&of(&leaf, 2)], &[&root], (0, 0)),
        row("a root by habit, and an intermediate", &[&deep_leaf, &intermediate], &[&habit], (0, 0)),
        row("a CA's certificate as leaf", &[&ca_leaf], &[&root], (0, 0)),
        row("a CA's certificate as leaf, tampered with", &[&tampered], &[&root], (7, 0)),
    ]
}

#[rustfmt::skip]
fn key_rows() -> Vec<Row> {
    let of = |root: Key| (Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", root), Blueprint::root("Lab Root", root));
    let (free, free_root) = of(Key::Pss(0));
    let (salted, salted_root) = of(Key::Pss(2));
    let (bound, bound_root) = of(Key::Pss(1));
    let tampered = free.clone().with(|b| b.tampered = true);
    let mut rows = vec![
        row("a root with an RSASSA-PSS key", &[&free], &[&free_root], (0, 0)),
        row("… with as much salt as there is room", &[&salted], &[&salted_root], (0, 0)),
        row("… restricted to a digest", &[&bound], &[&bound_root], (0, 0)),
        row("… whose signature was tampered with", &[&tampered], &[&free_root], (7, 0)),
        row("a leaf with an RSASSA-PSS key", &[&Blueprint::self_signed(HUB, Key::Pss(0))], &[], (18, 0)),
    ];
    for number in 0..3 {
        let (leaf, root) = of(Key::Small(number));
        let small = Blueprint::leaf(HUB, Key::Small(number), "Lab Root", Key::Small(number));
        let tampered = small.clone().with(|b| b.tampered = true);
        rows.push(row("a root of RSA from 1,963 to 2,047", &[&leaf], &[&root], (0, 0)));
        rows.push(row("a leaf of RSA from 1,963 to 2,047", &[&small], &[&root], (0, 0)));
        rows.push(row("…, tampered with", &[&tampered], &[&root], (7, 0)));
    }
    rows
}

#[rustfmt::skip]
fn extension_rows() -> Vec<Row> {
    let Ca { root, intermediate, leaf, deep_leaf } = ca();
    let critical = |b: &Blueprint, last: u64, content: Vec<u8>| {
        b.clone().with(|b| b.critical_extensions = vec![(vec![2, 5, 29, last], content)])
    };
    let policies = critical(&leaf, 32, vec![0x30, 8, 0x30, 6, 6, 4, 0x55, 0x1d, 0x20, 0]);
    let constrained = critical(&intermediate, 36, vec![0x30, 3, 0x80, 1, 0]);
    let inhibited = critical(&intermediate, 54, vec![2, 1, 0]);
    let directory = |tag: u8, name: &str| {
        let attribute = [tlv(6, &[0x55, 4, 3]), tlv(0x0c, name.as_bytes())].concat();
        let name = tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)));
        tlv(0x30, &tlv(tag, &tlv(0x30, &tlv(0xa4, &name))))
    };
    let within = critical(&root, 30, directory(0xa0, HUB));
    let outside = critical(&root, 30, directory(0xa0, "other.example.com"));
    let spared = critical(&intermediate, 30, directory(0xa1, "other.example.com"));
    let barred = critical(&intermediate, 30, directory(0xa1, HUB));
    let strange = leaf.clone().with(|b| b.critical_unknown = true);
    vec![
        row("critical policies", &[&policies], &[&root], (0, 0)),
        row("critical policy constraints", &[&deep_leaf, &constrained], &[&root], (0, 0)),
        row("critical inhibition of any policy", &[&deep_leaf, &inhibited], &[&root], (0, 0)),
        row("another critical extension", &[&strange], &[&root], (34, 0)),
        row("a directory name that is permitted", &[&leaf], &[&within], (0, 0)),
        row("a directory name that is not", &[&leaf], &[&outside], (47, 0)),
        row("a directory name that is spared", &[&deep_leaf, &spared], &[&root], (0, 0)),
        row("a directory name that is barred", &[&deep_leaf, &barred], &[&root], (48, 0)),
    ]
}

#[rustfmt::skip]
fn path_rows() -> Vec<Row> {
    let Ca { leaf, .. } = ca();
    let short = Blueprint::root("Lab Root", Key::Ec(10)).with(|b| b.basic = Basic::PathLength(0));
    let bridge = Blueprint::ca("Lab Root", Key::Ec(13), "Lab Root", Key::Ec(10)).with(|b| b.basic = Basic::PathLength(0));
    let second = Blueprint::ca("Lab Root", Key::Ec(14), "Lab Root", Key::Ec(13));
    let of_second = Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Ec(14));
    let old = Blueprint::self_signed(HUB, Key::Ec(1)).with(|b| (b.years, b.serial) = ((2020, 2030), 2));
    let new = Blueprint::self_signed(HUB, Key::Ec(1));
    let _ = leaf;
    vec![
        row("two self-issued CAs cost no path length", &[&of_second, &second, &bridge], &[&short], (0, 0)),
        row("old and new of one name, and the old one dials", &[&old], &[&old, &new], (0, 0)),
        row("an older one of the name only", &[&new], &[&old], (18, 0)),
    ]
}

/// OpenSSL takes the first that is valid. Here it does not matter which that is.
#[test]
fn no_order_of_the_store_decides() {
    let leaf = Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Ec(10)).without_key_ids();
    let root = |key, years, serial| {
        Blueprint::root("Lab Root", key).without_key_ids().with(|b| (b.years, b.serial) = (years, serial))
    };
    let right = root(Key::Ec(10), (2015, 2035), 1).make();
    let newer = root(Key::Ec(11), (2026, 2035), 2).make();
    let expired = root(Key::Ec(10), (2010, 2020), 3).make();
    let not_yet = root(Key::Ec(10), (2029, 2040), 4).make();
    let no_ca =
        root(Key::Ec(10), (2026, 2036), 5).with(|b| (b.basic, b.key_usage) = (Basic::NotCa, None)).make();
    let chain = [leaf.make()];
    let mut store = vec![right.clone(), newer.clone(), expired.clone(), not_yet, no_ca];
    for turn in 0..store.len() {
        store.rotate_left(1);
        assert!(judge(&chain, &store, Purpose::Client, NOW).is_ok(), "turn {turn}");
    }
    let mine = Blueprint::self_signed(HUB, Key::Ec(1)).make();
    let other = Blueprint::self_signed(HUB, Key::Ec(2)).with(|b| b.years = (2026, 2031)).make();
    for store in [[mine.clone(), other.clone()], [other, mine.clone()]] {
        assert!(
            judge(std::slice::from_ref(&mine), &store, Purpose::Client, NOW).is_ok(),
            "the very certificate"
        );
    }
    for (case, store, want) in [
        ("none that signed", vec![newer.clone(), root(Key::Ec(12), (2020, 2030), 6).make()], (7, 0)),
        (
            "none that signed and is valid: openssl does not look at the expired one",
            vec![newer, expired],
            (7, 0),
        ),
    ] {
        for store in [store.clone(), store.into_iter().rev().collect()] {
            let verdict = judge(&chain, &store, Purpose::Client, NOW);
            assert_eq!((verdict.code(), verdict.depth()), want, "{case}");
        }
    }
}

/// Both sides of the bound: the last candidate that is looked at, and the first that is not.
#[test]
fn a_store_full_of_one_name_is_searched_up_to_its_bound() {
    let leaf = [Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Ec(10)).without_key_ids().make()];
    let newer = |count: usize| {
        let wrong =
            Blueprint::root("Lab Root", Key::Ec(11)).without_key_ids().with(|b| b.years = (2026, 2035));
        let numbered =
            (0..count).map(move |n| wrong.clone().with(|b| b.serial = u64::try_from(n).unwrap() + 2).make());
        numbered.collect::<Vec<_>>()
    };
    let right =
        Blueprint::root("Lab Root", Key::Ec(10)).without_key_ids().with(|b| b.years = (2015, 2035)).make();
    for (others, want) in [
        (SIGNATURE_CHECKS - 1, (0, "ok")),
        (SIGNATURE_CHECKS, (50, "too many certificates of the issuer's name are trusted")),
        (500, (50, "too many certificates of the issuer's name are trusted")),
    ] {
        let mut store = newer(others);
        store.insert(others / 2, right.clone());
        let verdict = judge(&leaf, &store, Purpose::Client, NOW);
        assert_eq!((verdict.code(), verdict.text()), want, "{others} others");
    }
}
