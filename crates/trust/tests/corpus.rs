//! What fuzzing has found worth keeping, judged again: every file of `fuzz/corpus/certificate`.

#![allow(clippy::indexing_slicing, reason = "a test that goes out of bounds has failed")]

mod common;

#[cfg(test)]
#[path = "../../../fuzz/properties/certificate.rs"]
mod certificate;
#[cfg(test)]
#[path = "../../../fuzz/properties/choices.rs"]
mod choices;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Basic, Blueprint, Key};

fn fuzz(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder)
}

#[test]
fn the_certificate_corpus_is_judged_without_a_fault() {
    let files = fs::read_dir(fuzz("corpus/certificate")).expect("the corpus is part of the project");
    let mut replayed = 0;
    for file in files {
        let path = file.expect("the folder can be read").path();
        println!("{}", path.display());
        certificate::check(&fs::read(&path).expect("the file can be read"));
        replayed += 1;
    }
    assert!(replayed >= 20, "only {replayed} files are left of the corpus");
}

/// Makes `fuzz/pool` anew: `cargo test -p ilslab-trust --test corpus -- --ignored`. The keys are not kept, so files of the
/// corpus that name certificates of the pool stay good, and those that hold one verbatim become strangers.
#[test]
#[ignore = "rewrites the certificates that fuzzing starts from"]
fn write_the_pool() {
    for (name, blueprint) in pool() {
        fs::write(fuzz("pool").join(format!("{name}.der")), blueprint.der())
            .expect("the pool can be written");
    }
}

fn pool() -> Vec<(&'static str, Blueprint)> {
    let [root, ca, other] = [Key::Ec(1), Key::Ec(3), Key::Ec(4)];
    let [constrained, left, right, peer] = [Key::Ec(5), Key::Ec(8), Key::Ec(9), Key::Ec(6)];
    let leaf = || Blueprint::leaf("peer.example.com", peer, "CA", ca);
    vec![
        ("root", Blueprint::root("Root", root)),
        ("root-rekeyed", Blueprint::root("Root", Key::Ec(2)).without_key_ids()),
        ("root-expired", Blueprint::root("Root", root).with(|b| b.years = (2010, 2020))),
        ("root-other", Blueprint::root("Other Root", other)),
        ("ca", Blueprint::ca("CA", ca, "Root", root).with(|b| b.basic = Basic::PathLength(0))),
        ("ca-crossed", Blueprint::ca("CA", ca, "Other Root", other)),
        (
            "ca-constrained",
            Blueprint::ca("Constrained", constrained, "CA", ca).with(|b| b.permitted = Some("example.com")),
        ),
        ("ca-left", Blueprint::ca("Left", left, "Right", right)),
        ("ca-right", Blueprint::ca("Right", right, "Left", left)),
        ("leaf", leaf()),
        ("leaf-direct", Blueprint::leaf("peer.example.com", peer, "Root", root)),
        ("leaf-within", Blueprint::leaf("in.example.com", peer, "Constrained", constrained)),
        ("leaf-outside", Blueprint::leaf("peer.example.org", peer, "Constrained", constrained)),
        ("leaf-expired", leaf().with(|b| b.years = (2010, 2020))),
        ("leaf-server-only", leaf().with(|b| b.client_auth = false)),
        ("leaf-ca", leaf().with(|b| b.basic = Basic::Ca)),
        ("leaf-critical", leaf().with(|b| b.critical_unknown = true)),
        ("leaf-ed25519", Blueprint::leaf("peer.example.com", Key::Ed25519(1), "CA", ca)),
        ("leaf-looped", Blueprint::leaf("peer.example.com", peer, "Left", left)),
        ("self-signed", Blueprint::self_signed("peer.example.com", peer)),
        ("self-signed-rsa", Blueprint::self_signed("peer.example.com", Key::Rsa(1))),
        (
            "self-signed-ca",
            Blueprint::self_signed("peer.example.com", peer).with(|b| {
                (b.basic, b.key_usage) = (Basic::Ca, None);
            }),
        ),
    ]
}
