//! TLS by hand, for peers that are not ours: they show whatever they hold, and take any certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::DigitallySignedStruct;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::pki::Pair;

/// A verifier that takes any certificate.
#[derive(Debug)]
struct Gullible(Arc<CryptoProvider>);

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: &ServerName<'_>, _: &[u8], _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate and the key of a pair, whether they belong together or not.
fn held(pair: &Pair) -> Arc<SingleCertAndKey> {
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
    let key = ils_node::provider().key_provider.load_private_key(key).expect("a key");
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))
}

/// Dials, and shows this pair.
pub(crate) async fn dial(hub: SocketAddr, pair: &Pair) -> io::Result<client::TlsStream<TcpStream>> {
    let provider = ils_node::provider();
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible(provider)))
        .with_client_cert_resolver(held(pair));
    let socket = TcpStream::connect(hub).await.expect("a connection");
    TlsConnector::from(Arc::new(config)).connect(ServerName::IpAddress(hub.ip().into()), socket).await
}

/// Waits for a dialler, and shows this pair.
pub(crate) async fn answer(listener: &TcpListener, pair: &Pair) -> io::Result<server::TlsStream<TcpStream>> {
    let config = rustls::ServerConfig::builder_with_provider(ils_node::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(held(pair));
    let (socket, _) = listener.accept().await.expect("a dialler");
    TlsAcceptor::from(Arc::new(config)).accept(socket).await
}

/// What both sides of a connection know, and nobody else (RFC 9266).
pub(crate) fn exported<Data>(connection: &rustls::ConnectionCommon<Data>) -> [u8; 32] {
    connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).expect("TLS is up")
}
