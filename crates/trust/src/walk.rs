//! From the peer's certificate up to one that is trusted, in OpenSSL 3.0's order (`x509_vfy.c`).
//!
//! ```text
//! leaf key strong enough -> issuers: store first, then what was sent -> extensions, root last
//!   -> keys and digests strong enough -> signatures and dates, root first -> name constraints
//! ```
//!
//! The first check that fails gives the number. OpenSSL takes one issuer at each step, and where the store has several
//! of one name, its hash order says which. Here the store's order is a rule ([`issuers`]), an issuer whose key did not
//! sign is passed over for the next, and where a path fails the next candidate is tried: what works in some order of
//! OpenSSL's works. Where none does, the verdict is that of the first.
//!
//! A walk looks at [`SIGNATURE_CHECKS`] signatures in search of a path, and at `MAX_INTERMEDIATES + 1` more for the last
//! one that it judges, whatever is sent and however many of one name are in the store.

use crate::certificate::Certificate;
use crate::extensions::{CaKind, Purpose};
use crate::key_kind::Check;
use crate::store::{TrustStore, best_issuer, issuers};
use crate::verdict::{Verdict, code};

/// CA certificates between the peer's and the trusted one, at most: `openssl verify -verify_depth 6`.
/// webpki's own bound is the same; OpenSSL's default is 100.
pub const MAX_INTERMEDIATES: usize = 6;

/// Signatures that are looked at until the search for another path ends, as in webpki.
pub const SIGNATURE_CHECKS: usize = 100;

/// OpenSSL would take one of them, by chance.
const TOO_MANY_ISSUERS: &str = "too many certificates of the issuer's name are trusted";

/// A path from the peer's certificate to a trusted one, checked in every way but webpki's.
pub(crate) struct Path<'a> {
    pub(crate) certificates: Vec<&'a Certificate>,
    /// A signature in it is of a kind that nothing here can check.
    pub(crate) is_unchecked: bool,
}

/// Walks and checks; `sent` are the certificates that came with `leaf`, in their order.
pub(crate) fn walk<'a>(
    leaf: &'a Certificate, sent: &'a [Certificate], store: &'a TrustStore, purpose: Purpose, now: i64,
) -> Result<Path<'a>, Verdict> {
    if !leaf.key().is_some_and(|key| key.is_strong()) {
        return Err(Verdict::from_parts(code::EE_KEY_TOO_SMALL, 0));
    }
    let search = Search { store, purpose, now, checks_left: SIGNATURE_CHECKS };
    search.run(Climb { path: vec![leaf], sent: sent.iter().collect(), from_store: false })
}

/// `build_chain`, trusted first, without partial chains, over every choice that the store leaves.
struct Search<'a> {
    store: &'a TrustStore,
    purpose: Purpose,
    now: i64,
    checks_left: usize,
}

/// A path that is not at its end.
#[derive(Clone)]
struct Climb<'a> {
    path: Vec<&'a Certificate>,
    /// What was sent and is not on it.
    sent: Vec<&'a Certificate>,
    /// As soon as one certificate comes from the store, all above it must.
    from_store: bool,
}

/// A climb, and who of the store may have issued its last certificate.
struct Fork<'a> {
    climb: Climb<'a>,
    candidates: Vec<&'a Certificate>,
    next: usize,
    has_chosen: bool,
}

/// What a step up leads to.
enum Step<'a> {
    End(Vec<&'a Certificate>),
    Nowhere(Verdict),
    Sent(Climb<'a>),
    Fork(Fork<'a>),
}

impl<'a> Search<'a> {
    fn run(mut self, start: Climb<'a>) -> Result<Path<'a>, Verdict> {
        let mut forks: Vec<Fork<'a>> = Vec::new();
        let mut first = None;
        let mut climb = Some(start);
        loop {
            match climb.take().and_then(|start| self.follow(start, &mut forks)) {
                Some(Ok(path)) => return Ok(path),
                Some(Err(verdict)) => first = first.or(Some(verdict)),
                None => {}
            }
            let Some(fork) = forks.last_mut() else { break };
            climb = self.choose(fork);
            if climb.is_none() {
                forks.pop();
            }
        }
        Err(first.unwrap_or(Verdict::own(TOO_MANY_ISSUERS)))
    }

    /// Up to the end of a path, or to a fork, which is put on the pile.
    fn follow(
        &mut self, mut climb: Climb<'a>, forks: &mut Vec<Fork<'a>>,
    ) -> Option<Result<Path<'a>, Verdict>> {
        loop {
            match self.step(climb) {
                Step::End(path) => return Some(self.judge(path)),
                Step::Nowhere(verdict) => return Some(Err(verdict)),
                Step::Sent(next) => climb = next,
                Step::Fork(fork) => {
                    forks.push(fork);
                    return None;
                }
            }
        }
    }

    fn step(&self, mut climb: Climb<'a>) -> Step<'a> {
        let length = climb.path.len();
        let Some(top) = climb.path.last().copied() else {
            return Step::Nowhere(refusal(code::UNSPECIFIED, 0));
        };
        // Of a self-signed certificate the store must have the very copy: same names are no proof.
        let is_trusted = top.is_self_signed() && (climb.from_store || self.store.is_pinned(top));
        if is_trusted && length <= MAX_INTERMEDIATES + 2 {
            return Step::End(climb.path);
        }
        if length <= MAX_INTERMEDIATES + 1 && !top.is_self_signed() {
            let candidates = issuers(self.store, top, self.now);
            if !candidates.is_empty() {
                return Step::Fork(Fork { climb, candidates, next: 0, has_chosen: false });
            }
            if !climb.from_store
                && let Some(found) = sent_issuer(&climb, top, self.now)
            {
                climb.sent.retain(|other| !std::ptr::eq(*other, found));
                climb.path.push(found);
                return Step::Sent(climb);
            }
        }
        Step::Nowhere(no_trusted_end(top, length, climb.from_store))
    }

    /// The next candidate whose key signed; a candidate without a rival needs no look, and where none of several
    /// signed, it is the first that the verdict is about.
    fn choose(&mut self, fork: &mut Fork<'a>) -> Option<Climb<'a>> {
        let top = fork.climb.path.last()?;
        let is_alone = fork.candidates.len() == 1;
        while let Some(candidate) = fork.candidates.get(fork.next) {
            if !is_alone {
                self.checks_left = self.checks_left.checked_sub(1)?;
            }
            fork.next += 1;
            if is_alone || top.check_signature_of(candidate) == Check::Good {
                fork.has_chosen = true;
                return Some(fork.climb.with_issuer(candidate));
            }
        }
        let chosen = std::mem::replace(&mut fork.has_chosen, true);
        let first = fork.candidates.first().filter(|_| !chosen)?;
        Some(fork.climb.with_issuer(first))
    }

    fn judge(&mut self, certificates: Vec<&'a Certificate>) -> Result<Path<'a>, Verdict> {
        let mut path = Path { certificates, is_unchecked: false };
        path.check_extensions(self.purpose)?;
        path.check_strength()?;
        self.checks_left = self.checks_left.saturating_sub(path.certificates.len() - 1);
        path.check_signatures_and_dates(self.now)?;
        path.check_name_constraints()?;
        Ok(path)
    }
}

impl<'a> Climb<'a> {
    /// One step up, to a certificate of the store.
    fn with_issuer(&self, issuer: &'a Certificate) -> Climb<'a> {
        let path = [self.path.as_slice(), &[issuer]].concat();
        Climb { path, sent: self.sent.clone(), from_store: true }
    }
}

/// `find_issuer`: one that is not yet on the path, except that a self-issued leaf may meet its like.
fn sent_issuer<'a>(climb: &Climb<'a>, top: &Certificate, now: i64) -> Option<&'a Certificate> {
    let may_repeat = top.is_self_issued() && climb.path.len() == 1;
    let fresh = climb.sent.iter().copied().filter(|candidate| may_repeat || !climb.path.contains(candidate));
    best_issuer(fresh, top, now)
}

fn no_trusted_end(top: &Certificate, length: usize, from_store: bool) -> Verdict {
    let number = if length > MAX_INTERMEDIATES + 1 {
        code::CERT_CHAIN_TOO_LONG
    } else if top.is_self_signed() && length == 1 {
        code::DEPTH_ZERO_SELF_SIGNED_CERT
    } else if top.is_self_signed() {
        code::SELF_SIGNED_CERT_IN_CHAIN
    } else if from_store {
        code::UNABLE_TO_GET_ISSUER_CERT
    } else {
        code::UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    };
    refusal(number, length.saturating_sub(1))
}

impl Path<'_> {
    fn check_extensions(&self, purpose: Purpose) -> Result<(), Verdict> {
        let mut cas_below = 0;
        for (depth, certificate) in self.certificates.iter().enumerate() {
            let is_last = depth + 1 == self.certificates.len();
            check_one(certificate, depth, is_last, purpose).map_err(|number| refusal(number, depth))?;
            let path_length = certificate.extensions().path_length();
            if depth > 1 && path_length.is_some_and(|allowed| cas_below > allowed) {
                return Err(refusal(code::PATH_LENGTH_EXCEEDED, depth));
            }
            if depth > 0 && !certificate.is_self_issued() {
                cas_below += 1;
            }
        }
        Ok(())
    }

    /// `check_auth_level`: the trusted end's own signature is of no interest.
    fn check_strength(&self) -> Result<(), Verdict> {
        for (depth, certificate) in self.certificates.iter().enumerate() {
            if depth > 0 && !certificate.key().is_some_and(|key| key.is_strong()) {
                return Err(refusal(code::CA_KEY_TOO_SMALL, depth));
            }
            if depth + 1 < self.certificates.len() && !certificate.signature_algorithm().is_strong() {
                return Err(refusal(code::CA_MD_TOO_WEAK, depth));
            }
        }
        Ok(())
    }

    /// `internal_verify`: from the trusted end down; what the trusted end says of itself is not checked.
    fn check_signatures_and_dates(&mut self, now: i64) -> Result<(), Verdict> {
        let mut issuer: Option<&Certificate> = None;
        for (depth, certificate) in self.certificates.iter().enumerate().rev() {
            match issuer.map(|issuer| certificate.check_signature_of(issuer)) {
                Some(Check::Bad) => return Err(refusal(code::CERT_SIGNATURE_FAILURE, depth)),
                // What else is wrong is told first: with that OpenSSL refuses too.
                Some(Check::Unsupported) => self.is_unchecked = true,
                _ => {}
            }
            if now < certificate.not_before() {
                return Err(refusal(code::CERT_NOT_YET_VALID, depth));
            }
            if !certificate.is_current(now) {
                return Err(refusal(code::CERT_HAS_EXPIRED, depth));
            }
            issuer = Some(certificate);
        }
        Ok(())
    }

    fn check_name_constraints(&self) -> Result<(), Verdict> {
        for (depth, certificate) in self.certificates.iter().enumerate().rev() {
            if depth > 0 && certificate.is_self_issued() {
                continue;
            }
            let extensions = certificate.extensions();
            let names = extensions.alternative_names.as_deref().unwrap_or_default();
            let common_names_too = depth == 0 && extensions.dns_names().is_none();
            let above = self.certificates.iter().skip(depth + 1).rev();
            for constraints in above.filter_map(|issuer| issuer.extensions().name_constraints.as_ref()) {
                constraints
                    .check(certificate.subject_name(), names, common_names_too)
                    .map_err(|number| refusal(number, depth))?;
            }
        }
        Ok(())
    }
}

/// The part of `check_extensions` that concerns one certificate.
fn check_one(certificate: &Certificate, depth: usize, is_last: bool, purpose: Purpose) -> Result<(), u16> {
    let extensions = certificate.extensions();
    if extensions.has_unhandled_critical {
        return Err(code::UNHANDLED_CRITICAL_EXTENSION);
    }
    if extensions.is_proxy {
        return Err(code::PROXY_CERTIFICATES_NOT_ALLOWED);
    }
    // The peer's own certificate may be a CA's: a self-signed one often is.
    let is_fit = match (depth, certificate.ca_kind()) {
        (0, _) | (_, CaKind::Yes) => true,
        (_, CaKind::Legacy) => is_last,
        (_, CaKind::No) => false,
    };
    let suits = match depth {
        0 => extensions.suits_end_entity(purpose),
        _ => extensions.suits_issuer(purpose, certificate.is_v1_root()),
    };
    match (is_fit, suits) {
        (false, _) => Err(code::INVALID_CA),
        (_, false) => Err(code::INVALID_PURPOSE),
        _ => Ok(()),
    }
}

fn refusal(number: u16, depth: usize) -> Verdict {
    // A path has at most MAX_INTERMEDIATES + 2 certificates, far below 255.
    Verdict::from_parts(number, u8::try_from(depth).unwrap_or(u8::MAX))
}
