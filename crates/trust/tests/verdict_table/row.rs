//! One situation, and the three that judge it.

use ilslab_trust::Certificate;
use rustls_pki_types::UnixTime;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::common::oracle::Oracle;
use crate::common::{Blueprint, NOW, Purpose, judge};

/// What the crate says where OpenSSL accepts.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ours {
    Same,
    /// Number 50 with this text.
    Refuses(&'static str),
}

/// A chain, a store, and what is said about them.
pub(crate) struct Row {
    name: &'static str,
    chain: Vec<Certificate>,
    store: Vec<Certificate>,
    purpose: Purpose,
    openssl: (u16, u8),
    ours: Ours,
    /// What webpki alone says when each stored certificate is an anchor; `None` = not measured.
    webpki_alone: Option<bool>,
}

pub(crate) fn row(name: &'static str, chain: &[&Blueprint], store: &[&Blueprint], openssl: (u16, u8)) -> Row {
    let make = |blueprints: &[&Blueprint]| blueprints.iter().map(|b| b.make()).collect();
    let mut made = Row {
        name,
        chain: make(chain),
        store: make(store),
        purpose: Purpose::Client,
        openssl,
        ours: Ours::Same,
        webpki_alone: None,
    };
    // The very same bytes, not the same blueprint signed twice.
    for (index, pinned) in store.iter().enumerate() {
        if let Some(at) = chain.iter().position(|sent| std::ptr::eq(*sent, *pinned)) {
            made.store[index] = made.chain[at].clone();
        }
    }
    made
}

impl Row {
    pub(crate) fn judged_by_spoke(self) -> Row {
        Row { purpose: Purpose::Server, ..self }
    }

    pub(crate) fn ours(self, text: &'static str) -> Row {
        Row { ours: Ours::Refuses(text), ..self }
    }

    pub(crate) fn webpki(self, accepts: bool) -> Row {
        Row { webpki_alone: Some(accepts), ..self }
    }

    pub(crate) fn check(&self, oracle: Option<&Oracle>) {
        let verdict = judge(&self.chain, &self.store, self.purpose, NOW);
        match self.ours {
            Ours::Same => assert_eq!((verdict.code(), verdict.depth()), self.openssl, "{}", self.name),
            Ours::Refuses(text) => {
                assert_eq!((verdict.code(), verdict.depth(), verdict.text()), (50, 0, text), "{}", self.name);
            }
        }
        if let Some(want) = self.webpki_alone {
            assert_eq!(webpki_alone(&self.chain, &self.store, NOW), want, "webpki on {}", self.name);
        }
        if let Some(oracle) = oracle {
            let live = oracle.verify(&self.chain, &self.store, self.purpose, NOW, &[]);
            assert_eq!(live, self.openssl, "openssl on {}", self.name);
        }
    }
}

/// The naive way: every certificate of the store is an anchor.
pub(crate) fn webpki_alone(chain: &[Certificate], store: &[Certificate], at: u64) -> bool {
    let anchors: Vec<_> =
        store.iter().map(|c| anchor_from_trusted_cert(c.der()).expect("webpki reads it")).collect();
    let intermediates: Vec<_> = chain[1..].iter().map(|c| c.der().clone()).collect();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
    let leaf = EndEntityCert::try_from(chain[0].der()).expect("webpki reads it");
    let (algorithms, usage) = (ALL_VERIFICATION_ALGS, KeyUsage::client_auth());
    leaf.verify_for_usage(algorithms, &anchors, &intermediates, now, usage, None, None).is_ok()
}
