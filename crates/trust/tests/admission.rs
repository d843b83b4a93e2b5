//! Who is let in after the handshake, and by which branch.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

mod common;

use common::{Blueprint, Key, NOW, Purpose, judge};
use ilslab_trust::{Admission, TrustStore, Verdict, admit};

const SPOKE: &str = "spoke.example.com";

#[test]
fn branches_are_tried_in_order() {
    let root = Blueprint::root("Lab Root", Key::Ec(1)).make();
    let spoke = Blueprint::leaf(SPOKE, Key::Ec(2), "Lab Root", Key::Ec(1)).make();
    let own = Blueprint::self_signed(SPOKE, Key::Ec(3)).make();
    let nameless = Blueprint::leaf("Lab Spoke]", Key::Ec(2), "Lab Root", Key::Ec(1))
        .with(|b| b.dns = vec!["*.example.com".into()])
        .make();
    let both = [&root, &spoke];
    let known = Admission::KnownFqdn(SPOKE.into());
    let not_known = |name: &str| Admission::NotKnown { name: name.into() };
    for (case, peer, store, password, vector, want) in [
        ("imported", &own, &[&own][..], false, &[][..], Admission::InStore),
        ("imported, with a password", &own, &[&own], true, &[], Admission::InStore),
        ("imported, and its FQDN is known", &own, &[&own], false, &[SPOKE], Admission::InStore),
        ("imported next to its root", &spoke, &both, true, &[SPOKE], Admission::InStore),
        ("root and password", &spoke, &[&root], true, &[], Admission::RootUploaded),
        ("root and password come before the FQDN", &spoke, &[&root], true, &[SPOKE], Admission::RootUploaded),
        ("FQDN known", &spoke, &[&root], false, &[SPOKE], known),
        ("another FQDN known", &spoke, &[&root], false, &["other.example.com"], not_known(SPOKE)),
        ("nothing known", &spoke, &[&root], false, &[], not_known(SPOKE)),
        (
            "a wildcard never matches",
            &nameless,
            &[&root],
            false,
            &["a.example.com"],
            not_known("*.example.com"),
        ),
        (
            "nor does a wildcard in the vector",
            &nameless,
            &[&root],
            false,
            &["*.example.com"],
            not_known("*.example.com"),
        ),
    ] {
        let trusted: Vec<_> = store.iter().map(|certificate| (*certificate).clone()).collect();
        let verdict = judge(std::slice::from_ref(peer), &trusted, Purpose::Client, NOW);
        assert!(verdict.is_ok(), "{case}: {verdict}");
        let got = admit(peer, &verdict, &TrustStore::new(trusted), password, |name| vector.contains(&name));
        assert_eq!(got, want, "{case}");
        assert_eq!(got.is_admitted(), !matches!(want, Admission::NotKnown { .. }), "{case}");
    }
}

#[test]
fn a_refused_chain_admits_nobody() {
    let own = Blueprint::self_signed(SPOKE, Key::Ec(3)).make();
    let store = TrustStore::new([own.clone()]);
    let got = admit(&own, &Verdict::from_parts(10, 0), &store, true, |_| true);
    assert_eq!(got, Admission::NotKnown { name: SPOKE.into() });
}

#[test]
fn a_password_is_no_substitute_for_a_root() {
    let spoke = Blueprint::leaf(SPOKE, Key::Ec(2), "Lab Root", Key::Ec(1)).make();
    let pins = TrustStore::new([Blueprint::self_signed("hub.example.com", Key::Ec(3)).make()]);
    let got = admit(&spoke, &Verdict::OK, &pins, true, |_| false);
    assert_eq!(got, Admission::NotKnown { name: SPOKE.into() });
}

#[test]
fn a_pin_is_byte_for_byte() {
    let own = Blueprint::self_signed(SPOKE, Key::Ec(3)).make();
    let twin = Blueprint::self_signed(SPOKE, Key::Ec(3)).with(|b| b.serial = 2).make();
    let store = TrustStore::new([own.clone(), own.clone()]);
    assert_eq!(store.certificates().len(), 1, "a second copy is dropped");
    assert!(store.is_pinned(&own) && !store.is_pinned(&twin));
    let verdict = judge(&[twin], store.certificates(), Purpose::Client, NOW);
    assert_eq!((verdict.code(), verdict.depth()), (18, 0));
}

#[test]
fn a_root_is_what_makes_an_anchor() {
    let leaf = Blueprint::self_signed(SPOKE, Key::Ec(3));
    let intermediate = Blueprint::ca("Lab Intermediate", Key::Ec(4), "Lab Root", Key::Ec(1));
    let no_signing =
        Blueprint::root("Lab Root", Key::Ec(1)).with(|b| b.key_usage = Some(common::KU_CRL_SIGN));
    for (case, blueprint, want) in [
        ("a root", Blueprint::root("Lab Root", Key::Ec(1)), true),
        ("an intermediate", intermediate, false),
        ("a root that may not sign certificates", no_signing, false),
        ("a pin", leaf, false),
    ] {
        assert_eq!(TrustStore::new([blueprint.make()]).has_anchor(), want, "{case}");
    }
    assert!(!TrustStore::default().has_anchor());
}
