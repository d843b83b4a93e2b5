//! Certificates and chains: any bytes are judged, within bounds, and nobody is accepted whose very certificate neither
//! the store holds nor a CA of the pool issued.
//!
//! The pool is certificates alone. The keys that signed them are gone, so an accepted stranger is a fault.

use std::sync::LazyLock;
use std::time::Duration;

use ilslab_names::{escape, escape_name};
use ilslab_trust::{Admission, Certificate, Purpose, TrustStore, Verdict, admit, verify};
use rustls_pki_types::UnixTime;

use crate::choices::Choices;

/// Certificates that chain, cross, loop, lapse and exceed what they may: made by `crates/trust/tests/corpus.rs`.
const POOL: &[&[u8]] = &[
    include_bytes!("../pool/root.der"),
    include_bytes!("../pool/root-rekeyed.der"),
    include_bytes!("../pool/root-expired.der"),
    include_bytes!("../pool/root-other.der"),
    include_bytes!("../pool/ca.der"),
    include_bytes!("../pool/ca-crossed.der"),
    include_bytes!("../pool/ca-constrained.der"),
    include_bytes!("../pool/ca-left.der"),
    include_bytes!("../pool/ca-right.der"),
    include_bytes!("../pool/leaf.der"),
    include_bytes!("../pool/leaf-direct.der"),
    include_bytes!("../pool/leaf-within.der"),
    include_bytes!("../pool/leaf-outside.der"),
    include_bytes!("../pool/leaf-expired.der"),
    include_bytes!("../pool/leaf-server-only.der"),
    include_bytes!("../pool/leaf-ca.der"),
    include_bytes!("../pool/leaf-critical.der"),
    include_bytes!("../pool/leaf-ed25519.der"),
    include_bytes!("../pool/leaf-looped.der"),
    include_bytes!("../pool/self-signed.der"),
    include_bytes!("../pool/self-signed-rsa.der"),
    include_bytes!("../pool/self-signed-ca.der"),
];

/// The pool, parsed once, and where in it two certificates are.
static GENUINE: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let parsed = POOL.iter().map(|der| Certificate::parse(der.to_vec().into()));
    parsed.collect::<Result<_, _>>().expect("the pool parses")
});
const ROOT: usize = 0;
const LEAF: usize = 9;

/// 1 June 2026, the middle of most of the pool's validities.
const NOW: u64 = 1_780_272_000;

/// Raw: the bytes are a certificate. Structured: a chain and a store from the pool, damaged or not.
pub(crate) fn check(data: &[u8]) {
    match Choices::of(data) {
        Some(mut choices) => chain_and_store(&mut choices),
        None => one_certificate(data),
    }
}

fn one_certificate(data: &[u8]) {
    let peer = match Certificate::parse(data.to_vec().into()) {
        Ok(peer) => peer,
        Err(error) => return fit_to_show(&error.to_string()),
    };
    readable(&peer);
    let everything = TrustStore::new(GENUINE.iter().cloned());
    let nothing = TrustStore::default();
    let (root, leaf) = (&GENUINE[ROOT], &GENUINE[LEAF]);
    for purpose in [Purpose::Client, Purpose::Server] {
        judged(&[peer.clone(), root.clone()], &everything, purpose, NOW);
        judged(&[leaf.clone(), peer.clone()], &everything, purpose, NOW);
        assert!(!judged(&[peer.clone(), root.clone()], &nothing, purpose, NOW).is_ok(), "nothing is trusted");
        judged(std::slice::from_ref(leaf), &TrustStore::new([peer.clone()]), purpose, NOW);
    }
}

fn chain_and_store(choices: &mut Choices<'_>) {
    let chain: Vec<Certificate> = (0..1 + choices.below(6)).filter_map(|_| drawn(choices)).collect();
    let store = TrustStore::new((0..choices.below(6)).filter_map(|_| drawn(choices)));
    let purpose = if choices.flag() { Purpose::Client } else { Purpose::Server };
    let now = match choices.below(8) {
        0 => 0,
        1 => u64::MAX,
        2 => choices.number(),
        3 => 1_300_000_000 + choices.number() % 1_200_000_000,
        _ => NOW,
    };
    judged(&chain, &store, purpose, now);
}

/// A certificate of the pool; one in four is changed.
fn drawn(choices: &mut Choices<'_>) -> Option<Certificate> {
    let mut der = choices.one_of(POOL).to_vec();
    if choices.below(4) == 3 {
        (0..1 + choices.below(3)).for_each(|_| choices.edit(&mut der));
    }
    let certificate = Certificate::parse(der.into()).ok()?;
    readable(&certificate);
    Some(certificate)
}

/// Judges a chain, and holds the verdict against what can be said without walking it.
fn judged(chain: &[Certificate], store: &TrustStore, purpose: Purpose, now: u64) -> Verdict {
    let at = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let verdict = verify(chain, store, purpose, at);
    assert_eq!(verify(chain, store, purpose, at), verdict, "the same question has one answer");
    fit_to_show(&verdict.to_string());
    let Some(leaf) = chain.first() else {
        assert!(!verdict.is_ok(), "nobody is not accepted");
        return verdict;
    };
    if verdict.is_ok() {
        let is_genuine = POOL.contains(&leaf.der().as_ref());
        assert!(is_genuine || store.is_pinned(leaf), "accepted a stranger: {:?}", leaf.der().as_ref());
        assert!(
            store.is_pinned(leaf) || store.certificates().iter().any(Certificate::may_issue),
            "no CA is trusted"
        );
        let is_current =
            i64::try_from(now).is_ok_and(|now| leaf.not_before() <= now && now < leaf.not_after());
        assert!(is_current, "accepted outside its validity");
    }
    admitted(leaf, &verdict, store);
    verdict
}

fn admitted(leaf: &Certificate, verdict: &Verdict, store: &TrustStore) {
    for (password_set, known) in [(false, false), (true, false), (false, true)] {
        match admit(leaf, verdict, store, password_set, |_| known) {
            Admission::NotKnown { name } => {
                fit_to_show(&escape(&name));
                continue;
            }
            Admission::InStore => assert!(store.is_pinned(leaf)),
            Admission::RootUploaded => assert!(password_set && store.has_anchor()),
            Admission::KnownFqdn(name) => assert!(known && leaf.carries(&name)),
        }
        assert!(verdict.is_ok(), "admitted without a chain");
    }
}

/// What displays and matching take from a certificate.
fn readable(certificate: &Certificate) {
    let shown =
        [certificate.subject(), certificate.issuer(), certificate.serial(), certificate.key_description()];
    shown.iter().for_each(|text| fit_to_show(text));
    fit_to_show(&escape_name(&certificate.display_name()));
    fit_to_show(&format!("{certificate:?}"));
    for name in certificate.fqdns() {
        let is_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        assert!(name.chars().all(is_host) && name.len() <= 253, "{name:?} is no host name");
        assert!(certificate.carries(&name.to_uppercase()), "names are compared without case");
    }
}

fn fit_to_show(text: &str) {
    assert!(text.chars().all(|c| (' '..='~').contains(&c)), "not fit to show: {text:?}");
}
