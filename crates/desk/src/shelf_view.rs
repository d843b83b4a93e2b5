//! `GET certificates/…`: what the files hold and what is in use; and what an upload is answered with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ilslab_names::escape;
use serde::Serialize;

use crate::backend::Shelved;
use ilslab_time::{Rfc3339, Timestamp};

/// One store: its files first, then what is in use and in no file any more.
#[derive(Serialize)]
pub(crate) struct CertificatesView {
    certificates: Vec<CertificateView>,
    /// Files and use differ: a service restart would change something.
    restart_required: bool,
}

#[derive(Serialize)]
struct CertificateView {
    /// Absent once the file is gone.
    file: Option<String>,
    uploaded: bool,
    active: bool,
    subject: String,
    issuer: String,
    serial: String,
    fqdns: Vec<String>,
    key: String,
    not_before: Rfc3339,
    not_after: Rfc3339,
    sha256: String,
    self_signed: bool,
    ca: bool,
    pem: String,
}

/// What an upload is answered with.
#[derive(Serialize)]
pub(crate) struct StoredView {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    uploaded: bool,
    active: bool,
    restart_required: bool,
}

impl CertificatesView {
    pub(crate) fn new(shelf: &[Shelved]) -> Self {
        Self {
            certificates: shelf.iter().map(CertificateView::new).collect(),
            restart_required: shelf.iter().any(|shelved| shelved.file.is_some() != shelved.active),
        }
    }
}

impl CertificateView {
    fn new(shelved: &Shelved) -> Self {
        let Shelved { file, certificate, active } = shelved;
        let time = |seconds: i64| Rfc3339(Timestamp(seconds.saturating_mul(1_000)));
        Self {
            file: file.as_deref().map(escape),
            uploaded: file.is_some(),
            active: *active,
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            serial: certificate.serial().to_owned(),
            fqdns: certificate.fqdns().to_vec(),
            key: certificate.key_description().to_owned(),
            not_before: time(certificate.not_before()),
            not_after: time(certificate.not_after()),
            sha256: certificate.fingerprint().to_owned(),
            self_signed: certificate.is_self_signed(),
            ca: certificate.is_ca(),
            pem: pem(certificate.der()),
        }
    }
}

impl StoredView {
    /// The node's own certificate is the first of its chain.
    pub(crate) fn of_tomcat(shelf: &[Shelved]) -> Self {
        Self::new(None, shelf.first().is_some_and(|own| own.active))
    }

    /// A file of `tomcat-trust`.
    pub(crate) fn of_trust(shelf: &[Shelved], file: &str) -> Self {
        let stored = shelf.iter().find(|shelved| shelved.file.as_deref() == Some(file));
        Self::new(Some(file.to_owned()), stored.is_some_and(|shelved| shelved.active))
    }

    /// Stored, but some file cannot be read now.
    pub(crate) fn unread(file: Option<String>) -> Self {
        Self::new(file, false)
    }

    fn new(file: Option<String>, active: bool) -> Self {
        Self { file, uploaded: true, active, restart_required: !active }
    }
}

/// As OpenSSL writes it: 64 characters a line.
fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + "\n-----END CERTIFICATE-----\n"
}
