//! rustls asks, `trust` judges: the verdict is kept for the trace, the alert is the one OpenSSL would send, where rustls
//! can send it, and else 46 (certificate unknown).
//!
//! One verifier a connection, so that the verdict kept in it is that connection's.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ils_core::trust::{Certificate, PSS_KEY_SCHEMES, Proof, Purpose, TrustStore, Verdict, verify};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What one connection's verifier has seen.
#[derive(Default)]
pub(crate) struct Seen {
    chain: OnceLock<(Certificate, Verdict)>,
    /// Its key signed in a way that nothing here can check.
    unchecked: OnceLock<()>,
}

impl Seen {
    /// The peer's certificate and what was found of its chain, once it has been judged.
    pub(crate) fn judged(&self) -> Option<&(Certificate, Verdict)> {
        self.chain.get()
    }

    /// Whether the proof that the peer holds the key could not be checked, be it right or wrong.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.unchecked.get().is_some()
    }
}

/// Judges one peer's chain against one store.
pub(crate) struct Verifier {
    trust: Arc<TrustStore>,
    purpose: Purpose,
    provider: Arc<CryptoProvider>,
    takes_pss_keys: bool,
    seen: Arc<Seen>,
}

impl Verifier {
    /// A verifier for certificates in this role, and the place where its verdict will be. `has_tls13`: this node may
    /// speak it.
    pub(crate) fn new(
        trust: Arc<TrustStore>, purpose: Purpose, provider: Arc<CryptoProvider>, has_tls13: bool,
    ) -> (Arc<Self>, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        (
            Arc::new(Self { trust, purpose, provider, takes_pss_keys: has_tls13, seen: Arc::clone(&seen) }),
            seen,
        )
    }

    fn judge(
        &self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>], now: UnixTime,
    ) -> Result<(), Error> {
        let mut chain = Vec::new();
        for der in [leaf].into_iter().chain(rest) {
            let parsed = Certificate::parse(der.clone().into_owned());
            chain.push(parsed.map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?);
        }
        let verdict = verify(&chain, &self.trust, self.purpose, now);
        let refused =
            (!verdict.is_ok()).then(|| Error::InvalidCertificate(error_with_alert(verdict.alert())));
        if let Some(leaf) = chain.into_iter().next() {
            // A second certificate message cannot come: rustls ends such a handshake itself.
            let _ = self.seen.chain.set((leaf, verdict));
        }
        refused.map_or(Ok(()), Err)
    }

    /// Proof of possession, from the certificate's raw key: it does not matter whether webpki could read the rest.
    fn prove(
        &self, message: &[u8], leaf: &CertificateDer<'_>, signed: &DigitallySignedStruct, is_tls13: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.schemes().contains(&signed.scheme) {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        let leaf = Certificate::parse(leaf.clone().into_owned())
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        match leaf.proves(signed.scheme.into(), is_tls13, message, signed.signature()) {
            Proof::Holds => return Ok(HandshakeSignatureValid::assertion()),
            Proof::Fails => {}
            Proof::Unsupported => drop(self.seen.unchecked.set(())),
        }
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    /// The provider's, and those of RSASSA-PSS keys. With TLS 1.2 rustls neither follows a hub that signs with such a key
    /// nor asks a spoke for it.
    fn schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        schemes
            .extend(PSS_KEY_SCHEMES.map(SignatureScheme::from).into_iter().filter(|_| self.takes_pss_keys));
        schemes
    }
}

/// rustls takes the alert from the variant; this is the variant for an alert.
fn error_with_alert(alert: u8) -> CertificateError {
    match alert {
        42 => CertificateError::BadEncoding,
        43 => CertificateError::InvalidPurpose,
        44 => CertificateError::Revoked,
        45 => CertificateError::Expired,
        48 => CertificateError::UnknownIssuer,
        51 => CertificateError::BadSignature,
        _ => CertificateError::Other(rustls::OtherError(Arc::new(Refused))),
    }
}

/// Alert 46, certificate unknown.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate was refused")
    }
}

impl std::error::Error for Refused {}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>], now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(leaf, rest, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self, message: &[u8], leaf: &CertificateDer<'_>, signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(message, leaf, signed, false)
    }

    fn verify_tls13_signature(
        &self, message: &[u8], leaf: &CertificateDer<'_>, signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(message, leaf, signed, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ServerCertVerifier for Verifier {
    /// The name is not compared: during the handshake ILS compares none.
    fn verify_server_cert(
        &self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>], _name: &ServerName<'_>, _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, rest, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self, message: &[u8], leaf: &CertificateDer<'_>, signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(message, leaf, signed, false)
    }

    fn verify_tls13_signature(
        &self, message: &[u8], leaf: &CertificateDer<'_>, signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(message, leaf, signed, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}
