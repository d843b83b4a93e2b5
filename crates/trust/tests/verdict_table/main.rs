//! Known situations: the number of the table, the crate's verdict and the live `openssl verify` agree.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

#[path = "../common/mod.rs"]
mod common;
mod corners;
mod foreign;
mod row;
mod second;

use common::oracle::{Oracle, read_der};
use common::{Basic, Blueprint, KU_CRL_SIGN, Key, NOW, Purpose, judge};
use ilslab_trust::Verdict;
use row::{Row, row, webpki_alone};
use webpki::EndEntityCert;

pub(crate) const HUB: &str = "hub.example.com";

#[rustfmt::skip]
fn self_signed_rows() -> Vec<Row> {
    let plain = Blueprint::self_signed(HUB, Key::Rsa(1));
    let bare = plain.clone().with(|b| b.basic = Basic::Absent);
    let ca = plain.clone().with(|b| b.basic = Basic::Ca);
    let old = Blueprint::self_signed(HUB, Key::Rsa(2)).without_key_ids();
    let renewed = Blueprint::self_signed(HUB, Key::Ec(1)).without_key_ids();
    let expired = plain.clone().with(|b| b.years = (2020, 2025));
    let server_only = plain.clone().with(|b| b.client_auth = false);
    vec![
        row("01 self-signed (CA:FALSE, RSA) not in store", &[&plain], &[], (18, 0)),
        row("02 self-signed (no BC) not in store", &[&bare], &[], (18, 0)),
        row("03 self-signed (CA:TRUE) not in store", &[&ca], &[], (18, 0)),
        row("04 self-signed (CA:FALSE) exactly in store", &[&plain], &[&plain], (0, 0)),
        row("05 self-signed (CA:TRUE) exactly in store", &[&ca], &[&ca], (0, 0)).webpki(false),
        row("06 self-signed renewed, old one in store", &[&renewed], &[&old], (18, 0)),
        row("07 self-signed, expired, not in store", &[&expired], &[], (18, 0)),
        row("08 self-signed, expired, exactly in store", &[&expired], &[&expired], (10, 0)),
        row("09 serverAuth only, exactly in store, as client", &[&server_only], &[&server_only], (26, 0)),
    ]
}

/// A root, a CA below it, and a leaf of each.
pub(crate) struct Ca {
    pub(crate) root: Blueprint,
    pub(crate) intermediate: Blueprint,
    pub(crate) leaf: Blueprint,
    pub(crate) deep_leaf: Blueprint,
}

pub(crate) fn ca() -> Ca {
    let intermediate = Blueprint::ca("Lab Intermediate", Key::Ec(11), "Lab Root", Key::Ec(10));
    Ca {
        root: Blueprint::root("Lab Root", Key::Ec(10)),
        leaf: Blueprint::leaf(HUB, Key::Rsa(1), "Lab Root", Key::Ec(10)),
        deep_leaf: Blueprint::leaf(HUB, Key::Ec(1), "Lab Intermediate", Key::Ec(11)),
        intermediate,
    }
}

#[rustfmt::skip]
fn chain_rows() -> Vec<Row> {
    let Ca {
        root,
        intermediate,
        leaf,
        deep_leaf,
    } = ca();
    vec![
        row("10 CA-signed, root in store, leaf only sent", &[&leaf], &[&root], (0, 0)),
        row("11 CA-signed, root in store, as server", &[&leaf], &[&root], (0, 0)).judged_by_spoke(),
        row("12 root missing, leaf only sent", &[&leaf], &[&Blueprint::root("Other", Key::Ec(2))], (20, 0)),
        row("13 root sent but not in store", &[&leaf, &root], &[], (19, 1)),
        row("14 leaf+intermediate, root in store", &[&deep_leaf, &intermediate], &[&root], (0, 0)),
        row("15 intermediate not sent, root in store", &[&deep_leaf], &[&root], (20, 0)),
        row("16 leaf+intermediate sent, root missing", &[&deep_leaf, &intermediate], &[], (20, 1)),
        row("17 intermediate in store, root not", &[&deep_leaf], &[&intermediate], (2, 1)).webpki(true),
        row("18 CA-signed leaf itself in store, root not", &[&leaf], &[&leaf], (20, 0)),
        row("45 empty store", &[&leaf], &[], (20, 0)),
    ]
}

#[rustfmt::skip]
fn leaf_rows() -> Vec<Row> {
    let Ca { root, leaf, .. } = ca();
    let change = |change: fn(&mut Blueprint)| leaf.clone().with(change);
    let expired = change(|b| b.years = (2020, 2025));
    let server_only = change(|b| b.client_auth = false);
    let bare = change(|b| {
        (b.client_auth, b.server_auth, b.key_usage, b.basic) = (false, false, None, Basic::Absent);
    });
    let ca_leaf = change(|b| b.basic = Basic::Ca);
    vec![
        row("19 expired leaf", &[&expired], &[&root], (10, 0)),
        row("20 not yet valid leaf", &[&change(|b| b.years = (2027, 2030))], &[&root], (9, 0)),
        row("21 expired leaf AND root missing", &[&expired], &[], (20, 0)),
        row("22 EKU serverAuth only, used as client", &[&server_only], &[&root], (26, 0)),
        row("23 EKU serverAuth only, used as server", &[&server_only], &[&root], (0, 0)).judged_by_spoke(),
        row("24 no EKU, no KU", &[&bare], &[&root], (0, 0)),
        row("31 CA:TRUE leaf signed by root", &[&ca_leaf], &[&root], (0, 0)).webpki(false),
        row("32 unknown critical extension", &[&change(|b| b.critical_unknown = true)], &[&root], (34, 0)),
        row("33 tampered signature", &[&change(|b| b.tampered = true)], &[&root], (7, 0)),
        row("39 no SAN, CN only", &[&change(|b| b.dns = Vec::new())], &[&root], (0, 0)),
    ]
}

#[rustfmt::skip]
fn issuer_rows() -> Vec<Row> {
    let Ca {
        root,
        intermediate,
        leaf,
        deep_leaf,
    } = ca();
    let no_ca = root
        .clone()
        .with(|b| (b.basic, b.key_usage) = (Basic::NotCa, None));
    let no_basic = root
        .clone()
        .with(|b| (b.basic, b.key_usage) = (Basic::Absent, None));
    let no_cert_sign = root.clone().with(|b| b.key_usage = Some(KU_CRL_SIGN));
    let short_root = root.clone().with(|b| b.basic = Basic::PathLength(0));
    let constrained = root.clone().with(|b| b.permitted = Some("other.example.org"));
    let expired_root = root.clone().with(|b| b.years = (2020, 2025));
    let new_key = Blueprint::root("Lab Root", Key::Ec(12));
    let new_key_without_ids = new_key.clone().without_key_ids();
    let leaf_without_ids = leaf.clone().without_key_ids();
    let imported = Blueprint::self_signed("spoke.example.com", Key::Ec(13));
    let imported_ca = imported
        .clone()
        .with(|b| (b.basic, b.key_usage) = (Basic::Ca, None));
    let of_imported = Blueprint::leaf(HUB, Key::Ec(1), "spoke.example.com", Key::Ec(13));
    vec![
        row("25 issuer has CA:FALSE", &[&leaf], &[&no_ca], (79, 1)),
        row("26 issuer v3 without basicConstraints", &[&leaf], &[&no_basic], (79, 1)),
        row("27 issuer CA:TRUE without keyCertSign", &[&leaf], &[&no_cert_sign], (79, 1)).webpki(true),
        row("28 pathlen exceeded", &[&deep_leaf, &intermediate], &[&short_root], (25, 2)),
        row("29 name constraint violated", &[&leaf], &[&constrained], (47, 0)),
        row("30 root expired, in store", &[&leaf], &[&expired_root], (10, 1)).webpki(true),
        row("34 root re-keyed, leaf with AKI", &[&leaf], &[&new_key], (20, 0)),
        row("35 root re-keyed, leaf without AKI", &[&leaf_without_ids], &[&new_key_without_ids], (7, 0)),
        row("46 issued by an imported CA:FALSE one", &[&of_imported], &[&imported], (79, 1)).webpki(true),
        row("47 issued by an imported CA:TRUE one", &[&of_imported], &[&imported_ca], (0, 0)).webpki(true),
    ]
}

#[test]
fn every_row_of_the_table_comes_out_as_openssl_has_it() {
    let oracle = Oracle::find();
    let rows = [self_signed_rows(), chain_rows(), leaf_rows(), issuer_rows()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    assert_eq!(rows.len(), 39, "36, 37 and 38 need openssl to make them");
    rows.iter().for_each(|row| row.check(oracle.as_ref()));
}

#[test]
fn certificates_that_only_openssl_makes_come_out_as_it_has_them() {
    let Some(oracle) = Oracle::find() else { return };
    let root = Blueprint::root("Lab Root", Key::Rsa(2)).make();
    oracle.write("root.pem", std::slice::from_ref(&root));
    std::fs::write(oracle.path("root.key"), Key::Rsa(2).pair().serialize_pem()).unwrap();
    std::fs::write(oracle.path("v3.cnf"), "subjectAltName=DNS:hub.example.com\n").unwrap();
    let sign = "x509 -req -CA root.pem -CAkey root.key -days 36500 -outform DER";
    for (bits, name) in [(2048, "hub"), (1024, "small")] {
        let subject = "-subj /CN=hub.example.com";
        oracle
            .run(&format!("req -new -newkey rsa:{bits} -nodes -keyout {name}.key -out {name}.csr {subject}"));
    }
    oracle.run(&format!("{sign} -in hub.csr -sha1 -extfile v3.cnf -out 36.der"));
    oracle.run(&format!("{sign} -in small.csr -extfile v3.cnf -out 37.der"));
    oracle.run(&format!("{sign} -in hub.csr -out 38.der"));
    // They begin today, whenever that is: they are judged in 2060.
    let at = 2_840_140_800;
    let store = [Blueprint::root("Lab Root", Key::Rsa(2)).with(|b| b.years = (2025, 2100)).make()];
    for (name, file, openssl, ours, alone) in [
        ("36 SHA-1 signed leaf", "36.der", (68, 0), (68, 0, "CA signature digest algorithm too weak"), false),
        ("37 RSA-1024 leaf key", "37.der", (66, 0), (66, 0, "EE certificate key too weak"), true),
        ("38 X.509 v1 leaf", "38.der", (0, 0), (0, 0, "ok"), false),
    ] {
        let chain = [read_der(&oracle.path(file))];
        let verdict = judge(&chain, &store, Purpose::Client, at);
        assert_eq!((verdict.code(), verdict.depth(), verdict.text()), ours, "{name}");
        assert_eq!(oracle.verify(&chain, &store, Purpose::Client, at, &[]), openssl, "openssl on {name}");
        // A version 1 certificate is not even parsed by webpki.
        let parses = EndEntityCert::try_from(chain[0].der()).is_ok();
        assert_eq!(parses && webpki_alone(&chain, &store, at), alone, "webpki on {name}");
    }
}

#[test]
fn validity_begins_with_its_first_second_and_ends_before_its_last() {
    let oracle = Oracle::find();
    let Ca { root, leaf, .. } = ca();
    let chain = [leaf.with(|b| b.years = (2026, 2027)).make()];
    let store = [root.make()];
    let bounds = (chain[0].not_before().unsigned_abs(), chain[0].not_after().unsigned_abs());
    for (case, at, want) in [
        ("a second early", bounds.0 - 1, (9, 0)),
        ("the first second", bounds.0, (0, 0)),
        ("the last second", bounds.1 - 1, (0, 0)),
        ("at notAfter", bounds.1, (10, 0)),
    ] {
        let verdict = judge(&chain, &store, Purpose::Client, at);
        assert_eq!((verdict.code(), verdict.depth()), want, "{case}");
        if let Some(oracle) = &oracle {
            assert_eq!(oracle.verify(&chain, &store, Purpose::Client, at, &[]), want, "openssl: {case}");
        }
    }
}

#[test]
fn nothing_to_verify_is_refused() {
    let verdict = judge(&[], &[], Purpose::Client, NOW);
    assert_eq!(verdict, Verdict::from_parts(69, 0));
}
