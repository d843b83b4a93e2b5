//! The certificates that a node trusts, as its `tomcat-trust` folder holds them.

use std::sync::Arc;

use crate::certificate::Certificate;

/// An immutable set of trusted certificates in the order they were uploaded.
///
/// Each is a *pin*: that very certificate is trusted. Those that are CAs and may sign are *anchors* too:
/// what they issue is trusted. Cloning copies a pointer; to change a store, make another.
#[derive(Clone, Default, Debug)]
pub struct TrustStore {
    certificates: Arc<[Certificate]>,
}

impl TrustStore {
    /// A store of these certificates; a second copy of one is dropped.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        let mut kept: Vec<Certificate> = Vec::new();
        for certificate in certificates {
            if !kept.contains(&certificate) {
                kept.push(certificate);
            }
        }
        TrustStore { certificates: kept.into() }
    }

    /// Whether this very certificate, byte for byte, is in the store.
    pub fn is_pinned(&self, certificate: &Certificate) -> bool {
        self.certificates.contains(certificate)
    }

    /// All of them, in order.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether a root CA was uploaded: self-signed, CA:TRUE, allowed to sign certificates.
    pub fn has_anchor(&self) -> bool {
        self.certificates.iter().any(|certificate| certificate.is_anchor() && certificate.is_self_signed())
    }
}

/// The certificate among `candidates` that OpenSSL takes for `subject`'s issuer: the first that is valid
/// at `now`, else the one that stays or stayed valid longest (the first of those that end together).
pub(crate) fn best_issuer<'a>(
    candidates: impl Iterator<Item = &'a Certificate>, subject: &Certificate, now: i64,
) -> Option<&'a Certificate> {
    let mut best: Option<&Certificate> = None;
    for candidate in candidates.filter(|candidate| subject.is_issued_by(candidate)) {
        if candidate.is_current(now) {
            return Some(candidate);
        }
        if best.is_none_or(|best| candidate.not_after() > best.not_after()) {
            best = Some(candidate);
        }
    }
    best
}
