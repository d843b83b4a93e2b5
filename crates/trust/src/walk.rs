//! From the peer's certificate up to one that is trusted, in OpenSSL 3.0's order (`x509_vfy.c`).
//!
//! ```text
//! leaf key strong enough -> issuers: store first, then what was sent -> extensions, root last
//!   -> keys and digests strong enough -> signatures and dates, root first -> name constraints
//! ```
//!
//! The first check that fails gives the number. No path is tried twice: at each step one issuer is taken,
//! so a walk looks at `(store + sent) * (MAX_INTERMEDIATES + 2)` certificates and checks at most
//! `MAX_INTERMEDIATES + 1` signatures, whatever is sent.

use crate::certificate::Certificate;
use crate::extensions::{CaKind, Purpose};
use crate::store::{TrustStore, best_issuer};
use crate::verdict::{Verdict, code};

/// CA certificates between the peer's and the trusted one, at most: `openssl verify -verify_depth 6`.
/// webpki's own bound is the same; OpenSSL's default is 100.
pub const MAX_INTERMEDIATES: usize = 6;

/// A path from the peer's certificate to a trusted one, checked in every way but webpki's.
pub(crate) struct Path<'a>(pub(crate) Vec<&'a Certificate>);

/// Walks and checks; `sent` are the certificates that came with `leaf`, in their order.
pub(crate) fn walk<'a>(
    leaf: &'a Certificate, sent: &'a [Certificate], store: &'a TrustStore, purpose: Purpose, now: i64,
) -> Result<Path<'a>, Verdict> {
    if !leaf.key().is_some_and(|key| key.is_strong()) {
        return Err(Verdict::from_parts(code::EE_KEY_TOO_SMALL, 0));
    }
    let path = build(leaf, sent, store, now)?;
    path.check_extensions(purpose)?;
    path.check_strength()?;
    path.check_signatures_and_dates(now)?;
    path.check_name_constraints()?;
    Ok(path)
}

/// `build_chain`, trusted first, without partial chains.
fn build<'a>(
    leaf: &'a Certificate, sent: &'a [Certificate], store: &'a TrustStore, now: i64,
) -> Result<Path<'a>, Verdict> {
    let mut sent: Vec<&Certificate> = sent.iter().collect();
    let mut path = vec![leaf];
    let mut top = leaf;
    // As soon as one certificate comes from the store, all above it must.
    let mut from_store = false;
    while path.len() <= MAX_INTERMEDIATES + 1 {
        let trusted = best_issuer(store.certificates().iter(), top, now);
        // Of a self-signed certificate the store must have the very copy: same names are no proof.
        match trusted {
            Some(found) if top.is_self_signed() && found == top => return Ok(Path(path)),
            Some(found) if !top.is_self_signed() => {
                from_store = true;
                path.push(found);
                if found.is_self_signed() {
                    return Ok(Path(path));
                }
                top = found;
                continue;
            }
            _ if from_store || top.is_self_signed() => break,
            _ => {}
        }
        let Some(found) = sent_issuer(&sent, &path, top, now) else {
            break;
        };
        sent.retain(|other| !std::ptr::eq(*other, found));
        path.push(found);
        top = found;
    }
    Err(no_trusted_end(top, path.len(), from_store))
}

/// `find_issuer`: one that is not yet on the path, except that a self-issued leaf may meet its like.
fn sent_issuer<'a>(
    sent: &[&'a Certificate], path: &[&Certificate], top: &Certificate, now: i64,
) -> Option<&'a Certificate> {
    let may_repeat = top.is_self_issued() && path.len() == 1;
    let fresh = sent.iter().copied().filter(|candidate| may_repeat || !path.contains(candidate));
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
        for (depth, certificate) in self.0.iter().enumerate() {
            let is_last = depth + 1 == self.0.len();
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
        for (depth, certificate) in self.0.iter().enumerate() {
            if depth > 0 && !certificate.key().is_some_and(|key| key.is_strong()) {
                return Err(refusal(code::CA_KEY_TOO_SMALL, depth));
            }
            if depth + 1 < self.0.len() && !certificate.signature_algorithm().is_strong() {
                return Err(refusal(code::CA_MD_TOO_WEAK, depth));
            }
        }
        Ok(())
    }

    /// `internal_verify`: from the trusted end down; what the trusted end says of itself is not checked.
    fn check_signatures_and_dates(&self, now: i64) -> Result<(), Verdict> {
        let mut issuer: Option<&Certificate> = None;
        for (depth, certificate) in self.0.iter().enumerate().rev() {
            if issuer.is_some_and(|issuer| !certificate.is_signed_by(issuer)) {
                return Err(refusal(code::CERT_SIGNATURE_FAILURE, depth));
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
        for (depth, certificate) in self.0.iter().enumerate().rev() {
            if depth > 0 && certificate.is_self_issued() {
                continue;
            }
            let extensions = certificate.extensions();
            let names = extensions.alternative_names.as_deref().unwrap_or_default();
            let common_names_too = depth == 0 && extensions.dns_names().is_none();
            let above = self.0.iter().skip(depth + 1).rev();
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
