//! Situations off the beaten track, where the walk must still turn as OpenSSL does.

use ilslab_trust::Certificate;

use crate::common::oracle::Oracle;
use crate::common::{Basic, Blueprint, KU_KEY_AGREEMENT, Key, NOW, Purpose, judge, tlv};
use crate::row::{Row, row};
use crate::{Ca, HUB, ca};

#[test]
fn corners_come_out_as_openssl_has_them() {
    let oracle = Oracle::find();
    let rows = [corner_rows(), path_rows()];
    rows.iter().flatten().for_each(|row| row.check(oracle.as_ref()));
}

#[test]
fn a_certificate_that_names_two_algorithms_is_signed_by_nobody() {
    let root = Blueprint::root("Lab Root", Key::Rsa(2)).make();
    let mut der = Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Rsa(2)).der().to_vec();
    let sha256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    // The last place is the one outside of what is signed; 0x0c makes it SHA-384.
    let outer = (0..der.len() - 9).rev().find(|at| der[*at..].starts_with(&sha256)).unwrap();
    der[outer + 8] = 0x0c;
    let chain = [Certificate::parse(der.into()).unwrap()];
    let verdict = judge(&chain, std::slice::from_ref(&root), Purpose::Client, NOW);
    assert_eq!((verdict.code(), verdict.depth()), (7, 0));
    if let Some(oracle) = Oracle::find() {
        assert_eq!(oracle.verify(&chain, &[root], Purpose::Client, NOW, &[]), (7, 0), "openssl");
    }
}

/// Situations that the walk meets in its corners.
#[rustfmt::skip]
fn corner_rows() -> Vec<Row> {
    let Ca {
        root,
        intermediate,
        leaf,
        deep_leaf,
    } = ca();
    let two_basics = leaf
        .clone()
        .with(|b| b.raw_extensions = vec![(vec![2, 5, 29, 19], tlv(0x30, &[]))]);
    let empty_usage = leaf.clone().with(|b| b.key_usage = Some([0, 0]));
    let hidden_bit = root.clone().with(|b| b.key_usage = Some([7, 0x84]));
    let p384_root = Blueprint::root("P-384 Root", Key::P384(0));
    let ed_leaf = Blueprint::leaf(HUB, Key::Ed25519(0), "P-384 Root", Key::P384(0));
    let spaced = Blueprint::root("lab  ROOT", Key::Ec(10));
    let legacy = root.clone().with(|b| b.basic = Basic::Absent);
    let agreement = leaf
        .clone()
        .with(|b| b.key_usage = Some(KU_KEY_AGREEMENT));
    let excluded = root.clone().with(|b| b.excluded = Some(".example.com"));
    let proxy = leaf.clone().with(|b| {
        b.dns = Vec::new();
        b.raw_extensions = vec![(vec![1, 3, 6, 1, 5, 5, 7, 1, 14], PROXY_INFO.to_vec())];
    });
    let weak_ca = Blueprint::root("Lab Root", Key::Weak).with(|b| b.signer = Key::Rsa(2));
    let of_weak_ca = Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Rsa(2)).without_key_ids();
    let netscape_server = leaf
        .clone()
        .with(|b| b.raw_extensions = vec![(vec![2, 16, 840, 1, 113_730, 1, 1], vec![3, 2, 6, 0x40])]);
    let mut of_serial = [1, 2].map(|serial| {
        let key = [tlv(0xa1, &tlv(0xa4, LAB_ROOT)), tlv(0x82, &[serial])].concat();
        leaf.clone()
            .with(|b| b.raw_extensions = vec![(vec![2, 5, 29, 35], tlv(0x30, &key))])
    });
    of_serial.iter_mut().for_each(|b| b.authority_key_id = None);
    let nowhere = leaf
        .clone()
        .with(|b| b.raw_extensions = vec![(vec![2, 5, 29, 31], vec![0x30, 2, 0x30, 0])]);
    let resources = leaf
        .clone()
        .with(|b| b.raw_extensions = vec![(vec![1, 3, 6, 1, 5, 5, 7, 1, 8], AS_INHERIT.to_vec())]);
    let resource_root = root
        .clone()
        .with(|b| b.raw_extensions = vec![(vec![1, 3, 6, 1, 5, 5, 7, 1, 8], AS_1.to_vec())]);
    let netscape_ca = root.clone().with(|b| {
        (b.basic, b.key_usage) = (Basic::Absent, None);
        b.raw_extensions = vec![(vec![2, 16, 840, 1, 113_730, 1, 1], vec![3, 2, 1, 0x02])];
    });
    let ca_for_servers = intermediate.clone().with(|b| b.server_auth = true);
    vec![
        row("issuer and serial name the issuer", &[&of_serial[0]], &[&root], (0, 0)),
        row("issuer and serial name another", &[&of_serial[1]], &[&root], (20, 0)),
        row("a CRL distribution point nowhere", &[&nowhere], &[&root], (20, 0)),
        row("address resources", &[&resources], &[&resource_root], (0, 0))
            .ours("address resource extensions are not supported"),
        row("a Netscape S/MIME CA", &[&leaf], &[&netscape_ca], (26, 1)),
        row("an intermediate for servers only", &[&deep_leaf, &ca_for_servers], &[&root], (26, 1)),
        row("an extension twice", &[&two_basics], &[&root], (20, 0)),
        row("key usage without a bit", &[&empty_usage], &[&root], (20, 0)),
        row("keyCertSign among the unused bits", &[&leaf], &[&hidden_bit], (79, 1)),
        row("P-384 signs Ed25519", &[&ed_leaf], &[&p384_root], (0, 0)),
        row("names equal only when canonical", &[&leaf], &[&spaced], (0, 0)),
        row("root with keyCertSign but no BC", &[&leaf], &[&legacy], (0, 0)),
        row("key agreement will do for a client", &[&agreement], &[&root], (0, 0)),
        row("an excluded subtree", &[&leaf], &[&excluded], (48, 0)),
        row("a proxy certificate", &[&proxy], &[&root], (40, 0)),
        row("an issuer's key of 1,024 bits", &[&of_weak_ca], &[&weak_ca], (67, 1)),
        row("Netscape type says server", &[&netscape_server], &[&root], (26, 0)),
        row("root and intermediate in store", &[&deep_leaf], &[&root, &intermediate], (0, 0)),
        row("pinned, and the root is there too", &[&leaf], &[&leaf, &root], (0, 0)),
    ]
}

/// Which issuer is taken, and what self-issued certificates are spared.
#[rustfmt::skip]
fn path_rows() -> Vec<Row> {
    let Ca { root, leaf, .. } = ca();
    let anonymous = leaf.clone().without_key_ids();
    let future = root.clone().without_key_ids().with(|b| b.years = (2028, 2030));
    let expired = root.clone().without_key_ids().with(|b| b.years = (2010, 2024));
    let other_kind = Blueprint::root("Lab Root", Key::Rsa(2)).without_key_ids();
    // Ed25519 signs alike each time, so the certificate sent twice is the same twice.
    let left = Blueprint::ca("Left", Key::Ed25519(1), "Right", Key::Ed25519(2));
    let right = Blueprint::ca("Right", Key::Ed25519(2), "Left", Key::Ed25519(1));
    let of_left = Blueprint::leaf(HUB, Key::Ec(1), "Left", Key::Ed25519(1));
    let legacy = Blueprint::ca("Lab Intermediate", Key::Ec(11), "Lab Root", Key::Ec(10)).with(|b| b.basic = Basic::Absent);
    let of_legacy = Blueprint::leaf(HUB, Key::Ec(1), "Lab Intermediate", Key::Ec(11));
    let bridge = Blueprint::ca("Lab Root", Key::Ec(13), "Lab Root", Key::Ec(10));
    let of_new_key = Blueprint::leaf(HUB, Key::Ec(1), "Lab Root", Key::Ec(13));
    let short_root = root.clone().with(|b| b.basic = Basic::PathLength(0));
    let constrained = root.clone().with(|b| b.permitted = Some("example.com"));
    let strange_bridge = bridge.clone().with(|b| b.dns = vec!["example.org".into()]);
    let like_the_root = Blueprint::leaf("Lab Root", Key::Ec(1), "Lab Root", Key::Ec(10)).with(|b| b.dns = vec!["example.org".into()]);
    vec![
        row("of issuers that are not valid, the last to end", &[&anonymous], &[&expired, &future], (9, 1)),
        row("the last to end, in any order", &[&anonymous], &[&future, &expired], (9, 1)),
        row("an issuer's key of another kind", &[&anonymous], &[&other_kind], (20, 0)),
        row("two CAs that certify each other, one sent twice", &[&of_left, &left, &right, &left], &[], (20, 2)),
        row("an intermediate with keyCertSign but no BC", &[&of_legacy, &legacy], &[&root], (79, 1)),
        row("a self-issued CA costs no path length", &[&of_new_key, &bridge], &[&short_root], (0, 0)),
        row("a self-issued CA may be called anything", &[&of_new_key, &strange_bridge], &[&constrained], (0, 0)),
        row("a self-issued end entity may not", &[&like_the_root], &[&constrained], (47, 0)),
    ]
}

/// `ProxyCertInfo` with `id-ppl-inheritAll`.
const PROXY_INFO: [u8; 14] =
    [0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x15, 0x01];

/// `CN=Lab Root`, as a `Name`.
const LAB_ROOT: &[u8] = b"\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x0c\x08Lab Root";
/// `ASIdentifiers`: inherited, and autonomous system 1.
const AS_INHERIT: [u8; 6] = [0x30, 4, 0xa0, 2, 5, 0];
const AS_1: [u8; 9] = [0x30, 7, 0xa0, 5, 0x30, 3, 2, 1, 1];
