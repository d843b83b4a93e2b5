//! The certificates that a node trusts, as its `tomcat-trust` folder holds them.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::certificate::Certificate;

/// An immutable set of trusted certificates. Their order decides nothing.
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

    /// All of them, as they were given.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether a root CA was uploaded: self-signed, and [`Certificate::may_issue`].
    pub fn has_anchor(&self) -> bool {
        self.certificates.iter().any(|certificate| certificate.may_issue() && certificate.is_self_signed())
    }
}

/// The certificates of the store that OpenSSL could take for `subject`'s issuer, the likeliest first: those whose key
/// identifier it names, of those the one that begins latest; where all that is equal, their bytes decide.
///
/// Where one is valid at `now`, OpenSSL takes none that is not, and else only the last to end.
pub(crate) fn issuers<'a>(store: &'a TrustStore, subject: &Certificate, now: i64) -> Vec<&'a Certificate> {
    let mut found: Vec<_> =
        store.certificates.iter().filter(|candidate| subject.is_issued_by(candidate)).collect();
    let has_current = found.iter().any(|candidate| candidate.is_current(now));
    let last = found.iter().map(|candidate| candidate.not_after()).max();
    found.retain(|candidate| match has_current {
        true => candidate.is_current(now),
        false => Some(candidate.not_after()) == last,
    });
    found.sort_by_cached_key(|candidate| {
        let rank = (subject.names_key_of(candidate), candidate.not_before(), candidate.not_after());
        Reverse((rank, candidate.der().to_vec()))
    });
    found
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
