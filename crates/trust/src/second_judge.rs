//! The second judge: webpki, on the path that the walk found.
//!
//! Where webpki refuses for something that it does not know ([`Unknown`]), the walk decides alone. Where it refuses for
//! anything else the chain is refused, with webpki's reason in the text. So a mistake of the walk can refuse, never
//! admit, in all that webpki knows.

use std::fmt;
use std::sync::LazyLock;

use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, Der, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor,
    UnixTime,
};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage};

use crate::certificate::Certificate;
use crate::extensions::Purpose;
use crate::key::PublicKey;
use crate::key_kind::Check;
use crate::signature::SignatureAlgorithm;
use crate::store::TrustStore;
use crate::verdict::Verdict;
use crate::walk::Path;

/// OpenSSL would compare the address blocks along the chain; nothing here does.
const RESOURCES: &str = "address resource extensions are not supported";
/// OpenSSL would check it.
const UNCHECKED: &str = "this kind of signature cannot be checked here";
/// The walk would have refused it.
const NO_CA: &str = "the chain does not end in a trusted CA certificate";

/// Agrees with the walk, or says why not.
pub(crate) fn second_judge(
    leaf: &Certificate, path: &Path<'_>, store: &TrustStore, purpose: Purpose, now: UnixTime,
) -> Verdict {
    if path.certificates.iter().any(|certificate| certificate.extensions().has_resources) {
        return Verdict::own(RESOURCES);
    }
    if path.is_unchecked {
        return Verdict::own(UNCHECKED);
    }
    if store.is_pinned(leaf) {
        return Verdict::OK;
    }
    let [leaf, intermediates @ .., root] = path.certificates.as_slice() else {
        return Verdict::own(NO_CA);
    };
    if !root.may_issue() {
        return Verdict::own(NO_CA);
    }
    match webpki_judges(leaf, intermediates, root, purpose, now) {
        Ok(()) => Verdict::OK,
        Err(error) if Unknown::of(leaf, intermediates, root).explains(&error, purpose) => Verdict::OK,
        Err(error) => Verdict::own(reason(&error)),
    }
}

fn webpki_judges(
    leaf: &Certificate, intermediates: &[&Certificate], root: &Certificate, purpose: Purpose, now: UnixTime,
) -> Result<(), Error> {
    let end_entity = EndEntityCert::try_from(leaf.der())?;
    let usage = match purpose {
        Purpose::Client => KeyUsage::client_auth(),
        Purpose::Server => KeyUsage::server_auth(),
    };
    let constraints = root.extensions().name_constraints.as_ref().map(|found| found.known_to_webpki());
    let below = intermediates.last().unwrap_or(&leaf);
    let anchor = TrustAnchor {
        // webpki compares names byte for byte, OpenSSL as text; that they are the same the walk has found.
        subject: Der::from_slice(below.raw_issuer()),
        subject_public_key_info: Der::from_slice(root.key_info()),
        name_constraints: constraints.as_deref().filter(|found| !found.is_empty()).map(Der::from_slice),
    };
    let intermediates: Vec<CertificateDer<'_>> =
        intermediates.iter().map(|certificate| CertificateDer::from(certificate.der().as_ref())).collect();
    end_entity.verify_for_usage(&ALGORITHMS, &[anchor], &intermediates, now, usage, None, None).map(|_| ())
}

/// What is in a path that webpki does not know. Each has its rows against OpenSSL in `tests/verdict_table/second.rs`.
struct Unknown {
    /// Names that are the same as text, in other string types, letter case or white space.
    has_other_spelling: bool,
    /// One name and key twice, as a certificate that is sent twice or a cross-certificate has it.
    has_twin: bool,
    /// X.509 version 1 or 2.
    has_old_version: bool,
    /// Unique identifiers, or a path length above 255.
    has_odd_field: bool,
    /// A CA's certificate as the peer's own.
    is_ca_leaf: bool,
    /// Critical policies, policy constraints, Netscape's type and the like.
    has_foreign_critical: bool,
    /// A self-issued CA certificate, which path lengths and name constraints spare.
    has_self_issued: bool,
    /// Constraints of directory names, e-mail addresses, URIs.
    has_foreign_constraint: bool,
    /// A server whose only usage is "server gated crypto".
    is_only_gated: bool,
    /// A date before 1970.
    has_early_date: bool,
    /// A pair of key and signature that webpki's list lacks; the walk has checked what it signed.
    has_foreign_algorithm: bool,
}

impl Unknown {
    fn of(leaf: &Certificate, intermediates: &[&Certificate], root: &Certificate) -> Self {
        let below: Vec<&Certificate> = [&[leaf], intermediates].concat();
        let links: Vec<(&Certificate, &Certificate)> =
            below.iter().copied().zip(below.iter().copied().skip(1).chain([root])).collect();
        let is_spelt_otherwise = |issuer: &Certificate, subject: &Certificate| {
            subject.raw_issuer() != issuer.raw_subject() && !std::ptr::eq(issuer, root)
        };
        let any = |fact: fn(&Certificate) -> bool| below.iter().any(|certificate| fact(certificate));
        Unknown {
            has_other_spelling: links.iter().any(|(subject, issuer)| is_spelt_otherwise(issuer, subject)),
            has_twin: has_twin(&below),
            has_old_version: any(|certificate| !certificate.is_v3()),
            has_odd_field: any(|c| c.has_unique_id() || c.extensions().path_length() > Some(255)),
            is_ca_leaf: leaf.is_ca(),
            has_foreign_critical: any(|certificate| certificate.extensions().has_foreign_critical),
            has_self_issued: intermediates.iter().any(|certificate| certificate.is_self_issued()),
            has_foreign_constraint: any(|certificate| {
                certificate.extensions().name_constraints.as_ref().is_some_and(|c| c.is_foreign_to_webpki())
            }),
            is_only_gated: any(|certificate| certificate.extensions().is_only_gated()),
            has_early_date: any(|certificate| certificate.not_before() < 0),
            has_foreign_algorithm: links.iter().any(|(subject, issuer)| !is_listed(subject, issuer)),
        }
    }

    /// Whether one of these is what webpki complains of.
    fn explains(&self, error: &Error, purpose: Purpose) -> bool {
        match error {
            Error::UnknownIssuer => self.has_other_spelling || self.has_twin,
            Error::UnsupportedCertVersion => self.has_old_version,
            Error::BadDer => self.has_odd_field,
            Error::CaUsedAsEndEntity => self.is_ca_leaf,
            Error::UnsupportedCriticalExtension => self.has_foreign_critical,
            Error::PathLenConstraintViolated => self.has_self_issued,
            Error::NameConstraintViolation => self.has_self_issued || self.has_foreign_constraint,
            // webpki tries the trusted key on whatever names it, and tells of that failure rather than of the other.
            Error::InvalidSignatureForPublicKey => self.has_self_issued,
            // A name or a mask that webpki cannot read at all, and OpenSSL compares.
            Error::MalformedDnsIdentifier
            | Error::MalformedNameConstraint
            | Error::InvalidNetworkMaskConstraint => true,
            Error::RequiredEkuNotFoundContext(_) => purpose == Purpose::Server && self.is_only_gated,
            Error::BadDerTime => self.has_early_date,
            Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                self.has_foreign_algorithm || self.has_self_issued
            }
            _ => false,
        }
    }
}

fn has_twin(path: &[&Certificate]) -> bool {
    let same =
        |a: &Certificate, b: &Certificate| a.raw_subject() == b.raw_subject() && a.key_info() == b.key_info();
    path.iter().enumerate().any(|(at, left)| path.iter().skip(at + 1).any(|right| same(left, right)))
}

/// Whether webpki knows how `issuer`'s kind of key signed `subject`.
fn is_listed(subject: &Certificate, issuer: &Certificate) -> bool {
    let Some(key) = issuer.key() else { return false };
    let is_same = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == subject.signature_algorithm().identifier()
            && algorithm.public_key_alg_id().as_ref() == key.identifier()
    };
    ALL_VERIFICATION_ALGS.iter().any(is_same)
}

/// webpki's algorithms without its bounds on the size of RSA keys, which OpenSSL's level 2 sets otherwise.
static ALGORITHMS: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
    let wide = |listed: &&'static dyn SignatureVerificationAlgorithm| {
        let wide: &'static dyn SignatureVerificationAlgorithm = Box::leak(Box::new(Wide(*listed)));
        wide
    };
    ALL_VERIFICATION_ALGS.iter().map(wide).collect()
});

/// One of them.
struct Wide(&'static dyn SignatureVerificationAlgorithm);

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SignatureVerificationAlgorithm for Wide {
    fn verify_signature(
        &self, public_key: &[u8], message: &[u8], signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let scheme = SignatureAlgorithm::parse(self.0.signature_alg_id().as_ref()).scheme;
        let key = PublicKey::parse(self.0.public_key_alg_id().as_ref(), public_key);
        match key.map(|key| key.check(scheme, message, signature)) {
            Some(Check::Good) => Ok(()),
            _ => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

/// webpki's reason in words, for the trace. `SECURITY.md` lists when OpenSSL would have accepted.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => "second verifier: not strict DER",
        Error::ExtensionValueInvalid | Error::MalformedExtensions => "second verifier: malformed extension",
        Error::NameConstraintViolation => "second verifier: name constraint violated",
        Error::MaximumNameConstraintComparisonsExceeded => "second verifier: too many names to compare",
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => "second verifier: chain too complex",
        Error::InvalidSignatureForPublicKey | Error::SignatureAlgorithmMismatch => {
            "second verifier: signature does not verify"
        }
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } | Error::InvalidCertValidity => {
            "second verifier: outside its validity"
        }
        Error::UnknownIssuer => "second verifier: issuer is not the one named",
        Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa => "second verifier: wrong kind of certificate",
        Error::PathLenConstraintViolated => "second verifier: path length exceeded",
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => "second verifier: wrong purpose",
        Error::UnsupportedCertVersion => "second verifier: unsupported X.509 version",
        Error::UnsupportedCriticalExtension => "second verifier: unsupported critical extension",
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "second verifier: unsupported signature algorithm"
        }
        Error::MalformedDnsIdentifier
        | Error::MalformedNameConstraint
        | Error::InvalidNetworkMaskConstraint => "second verifier: malformed name or name constraint",
        _ => "second verifier: refused for a reason that this version has no words for",
    }
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
        let unsigned = "second verifier: signature does not verify";
        for (case, path, want) in [
            ("a good path", vec![&of_ca, &root_of_ca], Verdict::OK),
            ("another key of the same name", vec![&of_ca, &same_name_other_key], Verdict::own(unsigned)),
            ("an issuer that is no CA", vec![&of_imported, &no_ca], Verdict::own(NO_CA)),
            ("an end nobody trusts", vec![&of_ca], Verdict::own(NO_CA)),
            ("a CA that stands alone", vec![&root_of_ca], Verdict::own(NO_CA)),
        ] {
            let empty = TrustStore::default();
            let path = Path { certificates: path, is_unchecked: false };
            let got = second_judge(path.certificates.first().unwrap(), &path, &empty, Purpose::Client, NOW);
            assert_eq!(got, want, "{case}");
        }
        let early = UnixTime::since_unix_epoch(Duration::from_secs(1));
        let path = Path { certificates: vec![&of_ca, &root_of_ca], is_unchecked: false };
        let got = second_judge(&of_ca, &path, &TrustStore::default(), Purpose::Client, early);
        assert_eq!(got, Verdict::own("second verifier: outside its validity"));
    }
}
