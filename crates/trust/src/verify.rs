//! Two judges: the walk in OpenSSL's order, and webpki on the path the walk found.
//!
//! A chain is accepted where both accept it, or where the walk does and the peer's very certificate is in
//! the store. So a mistake in the walk can give a wrong number, never let somebody in.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::certificate::Certificate;
use crate::extensions::Purpose;
use crate::store::TrustStore;
use crate::verdict::{Verdict, code};
use crate::walk::{MAX_INTERMEDIATES, Path, walk};

/// Certificates that a peer may send, its own included. More are refused unread, with OpenSSL's 22.
pub const MAX_SENT: usize = 10;

/// OpenSSL would accept: a CA's certificate where an end entity's belongs.
const CA_AS_END_ENTITY: &str = "CA certificate used as end entity certificate";
/// OpenSSL would accept: nothing in it says what it may be used for.
const VERSION_1: &str = "X.509 version 1 certificate";
/// OpenSSL would compare the address blocks along the chain; nothing here does.
const RESOURCES: &str = "address resource extensions are not supported";
/// Anything else.
const SECOND_JUDGE: &str = "certificate refused by the second verifier";

/// Judges a peer's chain, its own certificate first, at the time `now`.
///
/// The verdict has the number and the depth of the first error that this prints (OpenSSL 3.0):
///
/// ```text
/// openssl verify -purpose sslclient|sslserver -auth_level 2 -no-CApath -no-CAstore -attime NOW
///                -verify_depth 6 -CAfile STORE [-untrusted REST] LEAF
/// ```
///
/// It differs from OpenSSL in refusals only: number 50 with a text of its own where OpenSSL accepts and
/// webpki does not (a CA's certificate under a CA, version 1, critical policies, names that are equal
/// only after canonicalization, self-issued certificates counted against a path length); 22 at depth
/// [`MAX_INTERMEDIATES`]` + 1` for more than [`MAX_SENT`] certificates, 69 for none; 66 or 20 for keys,
/// and 7 for signatures, that the crypto provider lacks (DSA, Ed448, SHA-224, curves written out); 26
/// where only "server gated crypto" would let a server in. That the peer's key is sound in itself (a
/// point on its curve) shows in the handshake, when it signs.
pub fn verify(chain: &[Certificate], store: &TrustStore, purpose: Purpose, now: UnixTime) -> Verdict {
    let Some((leaf, sent)) = chain.split_first() else {
        return Verdict::from_parts(code::INVALID_CALL, 0);
    };
    if chain.len() > MAX_SENT {
        let depth = u8::try_from(MAX_INTERMEDIATES + 1).unwrap_or(u8::MAX);
        return Verdict::from_parts(code::CERT_CHAIN_TOO_LONG, depth);
    }
    // No date is beyond the end of i64, so the last second will do for any later time.
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match walk(leaf, sent, store, purpose, seconds) {
        Ok(path) => second_judge(leaf, &path, store, purpose, now),
        Err(verdict) => verdict,
    }
}

fn second_judge(
    leaf: &Certificate, path: &Path<'_>, store: &TrustStore, purpose: Purpose, now: UnixTime,
) -> Verdict {
    if path.0.iter().any(|certificate| certificate.extensions().has_resources) {
        Verdict::own(RESOURCES)
    } else if store.is_pinned(leaf) || webpki_accepts(path, purpose, now) {
        Verdict::OK
    } else if leaf.is_v1() {
        Verdict::own(VERSION_1)
    } else if leaf.is_ca() {
        Verdict::own(CA_AS_END_ENTITY)
    } else {
        Verdict::own(SECOND_JUDGE)
    }
}

/// Whether webpki finds the same path good. Its end must be a CA that may sign: webpki itself takes
/// whatever it is given as an anchor.
fn webpki_accepts(path: &Path<'_>, purpose: Purpose, now: UnixTime) -> bool {
    let [leaf, intermediates @ .., root] = path.0.as_slice() else {
        return false;
    };
    let Some(anchor) = anchor(root) else { return false };
    let Ok(end_entity) = EndEntityCert::try_from(leaf.der()) else {
        return false;
    };
    let intermediates: Vec<CertificateDer<'_>> =
        intermediates.iter().map(|certificate| CertificateDer::from(certificate.der().as_ref())).collect();
    let usage = match purpose {
        Purpose::Client => KeyUsage::client_auth(),
        Purpose::Server => KeyUsage::server_auth(),
    };
    end_entity
        .verify_for_usage(ALL_VERIFICATION_ALGS, &[anchor], &intermediates, now, usage, None, None)
        .is_ok()
}

fn anchor(root: &Certificate) -> Option<TrustAnchor<'_>> {
    if !root.is_anchor() {
        return None;
    }
    anchor_from_trusted_cert(root.der()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::*;

    const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_780_272_000));

    fn root(is_ca: IsCa) -> (Certificate, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::default();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        (Certificate::parse(made.der().clone()).unwrap(), Issuer::new(params, key))
    }

    fn leaf(issuer: &Issuer<'_, KeyPair>) -> Certificate {
        let made = CertificateParams::default().signed_by(&KeyPair::generate().unwrap(), issuer).unwrap();
        Certificate::parse(made.der().clone()).unwrap()
    }

    /// What the walk would have to get wrong for it to matter.
    #[test]
    fn a_mistake_of_the_walk_lets_nobody_in() {
        let (root_of_ca, ca) = root(IsCa::Ca(BasicConstraints::Unconstrained));
        let (same_name_other_key, _) = root(IsCa::Ca(BasicConstraints::Unconstrained));
        let (no_ca, imported) = root(IsCa::ExplicitNoCa);
        let (of_ca, of_imported) = (leaf(&ca), leaf(&imported));
        for (case, path, want) in [
            ("a good path", vec![&of_ca, &root_of_ca], Verdict::OK),
            ("another key of the same name", vec![&of_ca, &same_name_other_key], Verdict::own(SECOND_JUDGE)),
            ("an issuer that is no CA", vec![&of_imported, &no_ca], Verdict::own(SECOND_JUDGE)),
            ("an end nobody trusts", vec![&of_ca], Verdict::own(SECOND_JUDGE)),
            ("a CA as end entity", vec![&root_of_ca], Verdict::own(CA_AS_END_ENTITY)),
        ] {
            let empty = TrustStore::default();
            let got = second_judge(path.first().unwrap(), &Path(path.clone()), &empty, Purpose::Client, NOW);
            assert_eq!(got, want, "{case}");
        }
    }
}
