//! The outcome of a chain verification: OpenSSL's number, depth, text and alert.

use std::fmt;

/// OpenSSL 3.0's numbers (`X509_V_ERR_…` in `x509_vfy.h`) that a verdict can have.
pub mod code {
    /// Accepted.
    pub const OK: u16 = 0;
    /// Names times name constraints above the bound.
    pub const UNSPECIFIED: u16 = 1;
    /// A certificate of the store needs an issuer that the store lacks.
    pub const UNABLE_TO_GET_ISSUER_CERT: u16 = 2;
    /// The issuer's key did not make this signature.
    pub const CERT_SIGNATURE_FAILURE: u16 = 7;
    /// Before `notBefore`.
    pub const CERT_NOT_YET_VALID: u16 = 9;
    /// At or after `notAfter`.
    pub const CERT_HAS_EXPIRED: u16 = 10;
    /// The peer's certificate is self-signed and not in the store.
    pub const DEPTH_ZERO_SELF_SIGNED_CERT: u16 = 18;
    /// The chain ends in a self-signed certificate that is not in the store.
    pub const SELF_SIGNED_CERT_IN_CHAIN: u16 = 19;
    /// Neither the peer nor the store has the next issuer.
    pub const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: u16 = 20;
    /// More certificates than this lab follows.
    pub const CERT_CHAIN_TOO_LONG: u16 = 22;
    /// More CAs below a CA than it allows.
    pub const PATH_LENGTH_EXCEEDED: u16 = 25;
    /// Extended key usage, key usage or Netscape type forbid this use.
    pub const INVALID_PURPOSE: u16 = 26;
    /// A critical extension that OpenSSL does not handle.
    pub const UNHANDLED_CRITICAL_EXTENSION: u16 = 34;
    /// An RFC 3820 proxy certificate.
    pub const PROXY_CERTIFICATES_NOT_ALLOWED: u16 = 40;
    /// A name outside the permitted subtrees.
    pub const PERMITTED_VIOLATION: u16 = 47;
    /// A name inside an excluded subtree.
    pub const EXCLUDED_VIOLATION: u16 = 48;
    /// A name constraint with a minimum or maximum.
    pub const SUBTREE_MINMAX: u16 = 49;
    /// OpenSSL might accept, this lab does not, and the text says why.
    pub const APPLICATION_VERIFICATION: u16 = 50;
    /// A name constraint of a type that is not supported.
    pub const UNSUPPORTED_CONSTRAINT_TYPE: u16 = 51;
    /// A name that cannot be compared with its constraint.
    pub const UNSUPPORTED_NAME_SYNTAX: u16 = 53;
    /// The peer's key has less than 112 bits of security, or is of an unknown kind.
    pub const EE_KEY_TOO_SMALL: u16 = 66;
    /// An issuer's key has less than 112 bits of security.
    pub const CA_KEY_TOO_SMALL: u16 = 67;
    /// A certificate was signed over a digest with less than 112 bits of security.
    pub const CA_MD_TOO_WEAK: u16 = 68;
    /// Nothing to verify.
    pub const INVALID_CALL: u16 = 69;
    /// An issuer that is no CA; up to OpenSSL 1.1.1 the number was 24.
    pub const INVALID_CA: u16 = 79;
}

/// What `openssl verify` would say about a chain, or a refusal of our own with number 50.
///
/// Only [`crate::verify`] decides; [`Verdict::from_parts`] is for records read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    code: u16,
    depth: u8,
    text: &'static str,
}

impl Verdict {
    /// Accepted.
    pub const OK: Verdict = Verdict { code: code::OK, depth: 0, text: "ok" };

    /// A verdict from its number and depth, with OpenSSL 1.x's text for that number.
    pub const fn from_parts(code: u16, depth: u8) -> Verdict {
        Verdict { code, depth, text: text_1x(code) }
    }

    /// Number 50, `X509_V_ERR_APPLICATION_VERIFICATION`, at depth 0, with a text of our own.
    pub(crate) const fn own(text: &'static str) -> Verdict {
        Verdict { code: code::APPLICATION_VERIFICATION, depth: 0, text }
    }

    /// The number OpenSSL 3.0 prints; 0 = accepted.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Depth of the certificate it is about: 0 = the peer's own.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The number that a trace prints: OpenSSL 1.x's, where "invalid CA certificate" is 24.
    pub fn trace_code(&self) -> u16 {
        match self.code {
            code::INVALID_CA => 24,
            other => other,
        }
    }

    /// OpenSSL 1.x's text, as traces print it; for number 50 our own.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the chain was accepted.
    pub fn is_ok(&self) -> bool {
        self.code == code::OK
    }

    /// The TLS alert that OpenSSL 3.0 sends for it (`ssl_x509err2alert`); of no use for an accepted chain.
    pub fn alert(&self) -> u8 {
        match self.code {
            code::APPLICATION_VERIFICATION => alert::HANDSHAKE_FAILURE,
            code::CERT_NOT_YET_VALID
            | code::EE_KEY_TOO_SMALL
            | code::CA_KEY_TOO_SMALL
            | code::CA_MD_TOO_WEAK => alert::BAD_CERTIFICATE,
            code::INVALID_PURPOSE => alert::UNSUPPORTED_CERTIFICATE,
            23 => alert::CERTIFICATE_REVOKED,
            code::CERT_HAS_EXPIRED => alert::CERTIFICATE_EXPIRED,
            code::UNABLE_TO_GET_ISSUER_CERT
            | code::DEPTH_ZERO_SELF_SIGNED_CERT
            | code::SELF_SIGNED_CERT_IN_CHAIN
            | code::UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | code::CERT_CHAIN_TOO_LONG
            | code::PATH_LENGTH_EXCEEDED
            | code::INVALID_CA => alert::UNKNOWN_CA,
            code::CERT_SIGNATURE_FAILURE => alert::DECRYPT_ERROR,
            code::UNSPECIFIED | code::INVALID_CALL => alert::INTERNAL_ERROR,
            _ => alert::CERTIFICATE_UNKNOWN,
        }
    }
}

/// `18 at 0: self signed certificate`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.code, self.depth, self.text)
    }
}

/// RFC 5246 §7.2.2, RFC 8446 §6.2.
mod alert {
    pub(super) const HANDSHAKE_FAILURE: u8 = 40;
    pub(super) const BAD_CERTIFICATE: u8 = 42;
    pub(super) const UNSUPPORTED_CERTIFICATE: u8 = 43;
    pub(super) const CERTIFICATE_REVOKED: u8 = 44;
    pub(super) const CERTIFICATE_EXPIRED: u8 = 45;
    pub(super) const CERTIFICATE_UNKNOWN: u8 = 46;
    pub(super) const UNKNOWN_CA: u8 = 48;
    pub(super) const DECRYPT_ERROR: u8 = 51;
    pub(super) const INTERNAL_ERROR: u8 = 80;
}

/// The texts of OpenSSL 1.x (`X509_verify_cert_error_string`); 3.0 words some of them differently.
const fn text_1x(number: u16) -> &'static str {
    match number {
        code::OK => "ok",
        code::UNSPECIFIED => "unspecified certificate verification error",
        code::UNABLE_TO_GET_ISSUER_CERT => "unable to get issuer certificate",
        code::CERT_SIGNATURE_FAILURE => "certificate signature failure",
        code::CERT_NOT_YET_VALID => "certificate is not yet valid",
        code::CERT_HAS_EXPIRED => "certificate has expired",
        code::DEPTH_ZERO_SELF_SIGNED_CERT => "self signed certificate",
        code::SELF_SIGNED_CERT_IN_CHAIN => "self signed certificate in certificate chain",
        code::UNABLE_TO_GET_ISSUER_CERT_LOCALLY => "unable to get local issuer certificate",
        21 => "unable to verify the first certificate",
        code::CERT_CHAIN_TOO_LONG => "certificate chain too long",
        23 => "certificate revoked",
        24 | code::INVALID_CA => "invalid CA certificate",
        code::PATH_LENGTH_EXCEEDED => "path length constraint exceeded",
        code::INVALID_PURPOSE => "unsupported certificate purpose",
        code::UNHANDLED_CRITICAL_EXTENSION => "unhandled critical extension",
        code::PROXY_CERTIFICATES_NOT_ALLOWED => {
            "proxy certificates not allowed, please set the appropriate flag"
        }
        code::PERMITTED_VIOLATION => "permitted subtree violation",
        code::EXCLUDED_VIOLATION => "excluded subtree violation",
        code::SUBTREE_MINMAX => "name constraints minimum and maximum not supported",
        code::APPLICATION_VERIFICATION => "application verification failure",
        code::UNSUPPORTED_CONSTRAINT_TYPE => "unsupported name constraint type",
        code::UNSUPPORTED_NAME_SYNTAX => "unsupported or invalid name syntax",
        code::EE_KEY_TOO_SMALL => "EE certificate key too weak",
        code::CA_KEY_TOO_SMALL => "CA certificate key too weak",
        code::CA_MD_TOO_WEAK => "CA signature digest algorithm too weak",
        code::INVALID_CALL => "Invalid certificate verification context",
        _ => "unknown certificate verification error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_reads_and_alerts_as_openssl_does() {
        for (number, trace, alert, text) in [
            (2, 2, 48, "unable to get issuer certificate"),
            (7, 7, 51, "certificate signature failure"),
            (9, 9, 42, "certificate is not yet valid"),
            (10, 10, 45, "certificate has expired"),
            (18, 18, 48, "self signed certificate"),
            (19, 19, 48, "self signed certificate in certificate chain"),
            (20, 20, 48, "unable to get local issuer certificate"),
            (22, 22, 48, "certificate chain too long"),
            (23, 23, 44, "certificate revoked"),
            (25, 25, 48, "path length constraint exceeded"),
            (26, 26, 43, "unsupported certificate purpose"),
            (34, 34, 46, "unhandled critical extension"),
            (47, 47, 46, "permitted subtree violation"),
            (50, 50, 40, "application verification failure"),
            (66, 66, 42, "EE certificate key too weak"),
            (67, 67, 42, "CA certificate key too weak"),
            (68, 68, 42, "CA signature digest algorithm too weak"),
            (79, 24, 48, "invalid CA certificate"),
        ] {
            let verdict = Verdict::from_parts(number, 1);
            assert_eq!(
                (verdict.trace_code(), verdict.alert(), verdict.text()),
                (trace, alert, text),
                "{number}"
            );
            assert_eq!(verdict.to_string(), format!("{number} at 1: {text}"));
            assert!(!verdict.is_ok(), "{number}");
        }
        assert!(Verdict::OK.is_ok());
    }
}
