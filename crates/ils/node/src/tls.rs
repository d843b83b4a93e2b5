//! TLS as ILS uses it: both sides show a certificate, nothing is resumed, and each failure is a [`Happening`].
//!
//! ```text
//! TcpStream -> accept | connect -> [`Secured`] { stream, the peer's certificate, X for the keys }
//!                              \-> [`Failed`] { what to note, the socket to linger on }
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ils_core::config::{Config, TlsVersion};
use ils_core::event::{Happening, Rejection};
use ils_core::outcome::Outcome;
use ils_core::trust::{Certificate, Purpose, Verdict};
use ils_wire::SharedInput;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InvalidMessage, PeerIncompatible, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::identity::Identity;
use crate::stream::SCANNED;
use crate::verifier::{Seen, Verifier};

/// RFC 9266: the label that binds keys to a TLS connection.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

/// A finished handshake.
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) certificate: Certificate,
    pub(crate) verdict: Verdict,
    pub(crate) input: SharedInput,
}

/// A handshake that failed.
pub(crate) struct Failed {
    pub(crate) happening: Box<Happening>,
    /// The socket, where the alert may still be under way.
    pub(crate) socket: Option<TcpStream>,
}

/// The provider of this process; always passed explicitly.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// One side of TLS, as one connection needs it.
pub(crate) struct Tls<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) config: &'a Config,
    pub(crate) provider: &'a Arc<CryptoProvider>,
}

impl Tls<'_> {
    /// The hub's side.
    pub(crate) async fn accept(&self, socket: TcpStream, limit: Duration) -> Result<Secured, Failed> {
        let (verifier, seen) = self.verifier(Purpose::Client);
        let config = self.server(verifier).map_err(failed_here)?;
        let handshake = async {
            if !socket.peek(&mut [0]).await.is_ok_and(|length| length > 0) {
                return Err(scanned());
            }
            let accepted = TlsAcceptor::from(Arc::new(config)).accept(socket).into_fallible().await;
            accepted.map_err(|(error, socket)| failed(&error, &seen, Some(socket)))
        };
        let stream = tokio::time::timeout(limit, handshake).await.map_err(|_| late())??;
        secured(TlsStream::from(stream), &seen)
    }

    /// The spoke's side.
    pub(crate) async fn connect(&self, socket: TcpStream, limit: Duration) -> Result<Secured, Failed> {
        let (verifier, seen) = self.verifier(Purpose::Server);
        let config = self.client(verifier).map_err(failed_here)?;
        let address = socket.peer_addr().map_err(|error| failed(&error, &seen, None))?;
        let name = ServerName::IpAddress(address.ip().into());
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, socket).into_fallible();
        match tokio::time::timeout(limit, handshake).await {
            Ok(Ok(stream)) => secured(TlsStream::from(stream), &seen),
            Ok(Err((error, socket))) => Err(failed(&error, &seen, Some(socket))),
            Err(_) => Err(late()),
        }
    }

    fn verifier(&self, purpose: Purpose) -> (Arc<Verifier>, Arc<Seen>) {
        let has_tls13 = self.config.tls_max >= TlsVersion::V1_3;
        Verifier::new(Arc::clone(&self.identity.trust), purpose, Arc::clone(self.provider), has_tls13)
    }

    fn server(&self, verifier: Arc<Verifier>) -> Result<ServerConfig, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(self.provider))
            .with_protocol_versions(&versions(self.config))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(self.resolver());
        // A resumed session never reaches the verifier: a peer whose CA was removed would still get in.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.require_ems = true;
        Ok(config)
    }

    fn client(&self, verifier: Arc<Verifier>) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(self.provider))
            .with_protocol_versions(&versions(self.config))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(self.resolver());
        config.resumption = Resumption::disabled();
        config.require_ems = true;
        Ok(config)
    }

    fn resolver(&self) -> Arc<SingleCertAndKey> {
        let certified: &CertifiedKey = &self.identity.certified;
        Arc::new(SingleCertAndKey::from(certified.clone()))
    }
}

fn versions(config: &Config) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::V1_2, &rustls::version::TLS12), (TlsVersion::V1_3, &rustls::version::TLS13)];
    let range = config.tls_min..=config.tls_max;
    all.into_iter().filter(|(version, _)| range.contains(version)).map(|(_, supported)| supported).collect()
}

fn secured(stream: TlsStream<TcpStream>, seen: &Seen) -> Result<Secured, Failed> {
    let Some((certificate, verdict)) = seen.judged().cloned() else {
        let happening = Happening::PeerRejected { rejection: Rejection::NoCertificate };
        return Err(Failed { happening: Box::new(happening), socket: None });
    };
    let mut input = [0; 32];
    let exported = match &stream {
        TlsStream::Client(stream) => {
            stream.get_ref().1.export_keying_material(&mut input, EXPORTER, Some(&[])).err()
        }
        TlsStream::Server(stream) => {
            stream.get_ref().1.export_keying_material(&mut input, EXPORTER, Some(&[])).err()
        }
    };
    match exported {
        None => Ok(Secured { stream, certificate, verdict, input: SharedInput::from_exporter(input) }),
        Some(error) => Err(failed_here(error)),
    }
}

/// This node's own TLS configuration does not work.
fn failed_here(error: Error) -> Failed {
    Failed { happening: Box::new(tls_failed(Outcome::ProtocolError, error.to_string())), socket: None }
}

/// It was closed before its first octet.
fn scanned() -> Failed {
    let happening = Happening::ClosedThere { outcome: Outcome::NotIls, detail: SCANNED.to_owned() };
    Failed { happening: Box::new(happening), socket: None }
}

fn late() -> Failed {
    Failed {
        happening: Box::new(tls_failed(Outcome::Timeout, "no TLS handshake in time".to_owned())),
        socket: None,
    }
}

fn tls_failed(outcome: Outcome, error: String) -> Happening {
    Happening::TlsFailed { outcome, error }
}

fn failed(error: &io::Error, seen: &Seen, socket: Option<TcpStream>) -> Failed {
    let happening = match tls_error(error) {
        Some(tls) => of_tls_error(tls, seen),
        None => tls_failed(Outcome::Closed, error.to_string()),
    };
    Failed { happening: Box::new(happening), socket }
}

/// The TLS error inside an I/O error, if TLS is what failed.
pub(crate) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The happening of a TLS error, whenever it comes.
pub(crate) fn of_tls_error(error: &Error, seen: &Seen) -> Happening {
    let text = error.to_string();
    match error {
        Error::AlertReceived(alert) => Happening::AlertReceived { alert: u8::from(*alert) },
        Error::InvalidCertificate(_) => Happening::PeerRejected { rejection: rejection(seen) },
        Error::NoCertificatesPresented => Happening::PeerRejected { rejection: Rejection::NoCertificate },
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => tls_failed(Outcome::NotIls, text),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => tls_failed(Outcome::TlsVersion, text),
        _ => tls_failed(Outcome::ProtocolError, text),
    }
}

/// A chain that verified, and yet an invalid certificate: its key did not sign. One that was not even judged could not
/// be read.
fn rejection(seen: &Seen) -> Rejection {
    match seen.judged() {
        Some((_, verdict)) if !verdict.is_ok() => Rejection::Verdict(*verdict),
        Some(_) if seen.is_unchecked() => Rejection::Unchecked,
        Some(_) => Rejection::BadSignature,
        None => Rejection::Unreadable,
    }
}
