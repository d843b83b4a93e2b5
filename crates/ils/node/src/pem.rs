//! Files of certificates and keys, PEM or DER, read with errors that name file, line, label and cure. The one user of
//! rustls-pemfile.

mod blocks;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ils_core::trust::{looks_like_pkcs7, pkcs7_certificates};
use rustls_pemfile::Item;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use blocks::Block;

/// Largest PEM file that is read, in octets.
pub const FILE_MAX: u64 = 1024 * 1024;

/// A PEM file is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; {cure}", path.display())]
pub struct PemError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it, and in which block.
    pub problem: String,
    /// What to do.
    pub cure: String,
    /// The system did not let it be made: no file is at fault.
    pub unmade: bool,
}

impl PemError {
    pub(crate) fn new(path: &Path, problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { path: path.to_owned(), problem: problem.into(), cure: cure.into(), unmade: false }
    }

    pub(crate) fn unmade(path: &Path, error: &dyn std::fmt::Display) -> Self {
        let cure = "check the data folder's permissions and space";
        Self { unmade: true, ..Self::new(path, format!("cannot be made: {error}"), cure) }
    }
}

/// A certificate in a file, not looked into yet.
pub struct Found {
    /// Its DER.
    pub der: CertificateDer<'static>,
    /// Where it stands: line and label, and its number in a bag.
    pub place: String,
}

/// The certificates of a file, in its order; at least one. PEM blocks, one DER certificate, or a PKCS#7 bag of them.
///
/// # Errors
/// No such file, junk, another kind of block, or no certificate at all.
pub fn certificates(path: &Path) -> Result<Vec<Found>, PemError> {
    certificates_in(path, &read(path)?)
}

/// The certificates of what is, or is to be, the content of that file.
///
/// # Errors
/// Junk, another kind of block, or no certificate at all.
pub(crate) fn certificates_in(path: &Path, content: &[u8]) -> Result<Vec<Found>, PemError> {
    if is_der(content) {
        return match looks_like_pkcs7(content) {
            true => bag(path, "DER", content),
            false => Ok(vec![Found { der: content.to_vec().into(), place: "the DER".to_owned() }]),
        };
    }
    let mut found = Vec::new();
    for block in blocks_of(path, content)? {
        found.extend(certificates_of(path, &block)?);
    }
    if found.is_empty() {
        let cure = "it must hold a block that begins with -----BEGIN CERTIFICATE-----, a DER certificate or a PKCS#7";
        return Err(PemError::new(path, "holds no certificate", cure));
    }
    Ok(found)
}

fn certificates_of(path: &Path, block: &Block<'_>) -> Result<Vec<Found>, PemError> {
    let place = place(block);
    match block.label {
        // The second is OpenSSL's old name for it.
        "CERTIFICATE" | "X509 CERTIFICATE" => Ok(vec![Found { der: der(path, block)?.into(), place }]),
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => bag(path, &place, &der(path, block)?),
        "TRUSTED CERTIFICATE" => {
            let problem = format!("{place} holds OpenSSL's own trust settings, which are not taken");
            Err(PemError::new(path, problem, "`openssl x509 -in FILE -out NEW` writes it without them"))
        }
        _ => {
            let cure = "put certificates in it, nothing else";
            Err(PemError::new(path, format!("{place} is not a certificate"), cure))
        }
    }
}

fn bag(path: &Path, place: &str, der: &[u8]) -> Result<Vec<Found>, PemError> {
    let bag = pkcs7_certificates(der).map_err(|error| {
        let cure = "`openssl crl2pkcs7 -nocrl -certfile FILE` makes one of certificates alone";
        PemError::new(path, format!("{place}: {error}"), cure)
    })?;
    let numbered = bag.into_iter().zip(1..);
    Ok(numbered.map(|(der, number)| Found { der, place: format!("{place}, certificate {number}") }).collect())
}

/// The private key of a file: PKCS#8, PKCS#1 or SEC 1, as PEM or DER, not encrypted.
///
/// # Errors
/// No such file, an encrypted key, junk, or no key at all.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    private_key_in(path, &Zeroizing::new(read(path)?))
}

/// The private key of what is, or is to be, the content of that file. Certificates and the parameters of a curve may
/// stand beside it.
///
/// # Errors
/// An encrypted key, two keys, junk, or no key at all.
pub(crate) fn private_key_in(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    if is_der(content) {
        return PrivateKeyDer::try_from(content).map(|key| key.clone_key()).map_err(|_| {
            PemError::new(
                path,
                "is DER, and not of a private key that is taken",
                "write the key again as PEM",
            )
        });
    }
    let mut found = None;
    for block in blocks_of(path, content)? {
        let Some(key) = key_of(path, &block)? else { continue };
        if found.replace(key).is_some() {
            let problem = format!("{} is a second private key", place(&block));
            return Err(PemError::new(path, problem, "leave one in it"));
        }
    }
    let cure = "it must hold a block that begins with -----BEGIN PRIVATE KEY-----";
    found.ok_or_else(|| PemError::new(path, "holds no private key", cure))
}

fn key_of(path: &Path, block: &Block<'_>) -> Result<Option<PrivateKeyDer<'static>>, PemError> {
    let place = place(block);
    if block.label.starts_with("ENCRYPTED") || block.body.starts_with(b"Proc-Type: 4,ENCRYPTED") {
        let cure =
            "a service cannot ask for a passphrase: `openssl pkey -in FILE -out FILE` writes it in the clear";
        return Err(PemError::new(path, format!("{place} is an encrypted private key"), cure));
    }
    let item = match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "EC PARAMETERS" => return Ok(None),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => item(path, block, block.label)?,
        _ => None,
    };
    match item {
        Some(Item::Pkcs8Key(key)) => Ok(Some(key.into())),
        Some(Item::Pkcs1Key(key)) => Ok(Some(key.into())),
        Some(Item::Sec1Key(key)) => Ok(Some(key.into())),
        _ => {
            let cure = "write the key as PKCS#8: `openssl pkey -in FILE -out NEW`";
            Err(PemError::new(path, format!("{place} is not a private key that is taken"), cure))
        }
    }
}

/// An upload has to be text: one that is base64 alone, of a DER certificate or a bag, is put between the lines that
/// make it PEM.
pub(crate) fn armoured(upload: &str) -> Cow<'_, str> {
    let base64: String = upload.split_ascii_whitespace().collect();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if base64.is_empty() || !base64.bytes().all(plain) {
        return Cow::Borrowed(upload);
    }
    let lines = base64.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok());
    let body = lines.collect::<Vec<_>>().join("\n");
    let as_certificate = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    match rustls_pemfile::read_one_from_slice(as_certificate.as_bytes()) {
        Ok(Some((Item::X509Certificate(der), _))) if looks_like_pkcs7(&der) => {
            Cow::Owned(as_certificate.replace(" CERTIFICATE-", " PKCS7-"))
        }
        Ok(Some((Item::X509Certificate(der), _))) if is_der(&der) => Cow::Owned(as_certificate),
        _ => Cow::Borrowed(upload),
    }
}

/// DER begins with a sequence; text that begins with `0` has no such length behind it.
fn is_der(content: &[u8]) -> bool {
    match content {
        [0x30, 0x80..=0x84, ..] => true,
        [0x30, length, rest @ ..] => rest.len() == usize::from(*length),
        _ => false,
    }
}

fn place(block: &Block<'_>) -> String {
    format!("line {}: {}", block.line, block.label)
}

fn blocks_of<'a>(path: &Path, text: &'a [u8]) -> Result<Vec<Block<'a>>, PemError> {
    blocks::blocks(text).map_err(|fault| PemError::new(path, fault.problem, fault.cure))
}

/// What a block holds, whatever it is called.
fn der(path: &Path, block: &Block<'_>) -> Result<Vec<u8>, PemError> {
    match item(path, block, "CERTIFICATE")? {
        Some(Item::X509Certificate(der)) => Ok(der.to_vec()),
        _ => Err(PemError::new(path, format!("{} holds nothing", place(block)), WRITE_AGAIN)),
    }
}

const WRITE_AGAIN: &str = "export it again, and copy the block whole";

/// A block alone, under the label that the reader knows it by.
fn item(path: &Path, block: &Block<'_>, label: &str) -> Result<Option<Item>, PemError> {
    // Room for all of it from the start, since it may be a key.
    let mut text = Zeroizing::new(Vec::with_capacity(block.body.len() + 2 * label.len() + 64));
    for part in [
        b"-----BEGIN ",
        label.as_bytes(),
        b"-----\n",
        block.body,
        b"\n-----END ",
        label.as_bytes(),
        b"-----\n",
    ] {
        text.extend_from_slice(part);
    }
    match rustls_pemfile::read_one_from_slice(&text) {
        Ok(item) => Ok(item.map(|(item, _)| item)),
        Err(_) => {
            let problem = format!("{} does not decode: it is not base64", place(block));
            Err(PemError::new(path, problem, WRITE_AGAIN))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    let unreadable = |error: std::io::Error| {
        PemError::new(path, format!("cannot be read: {error}"), "check the path and its permissions")
    };
    // Looked at before it is opened: to open a pipe is to wait for whoever writes it.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(PemError::new(path, "is not a file", "name a file of certificates or a key"));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    BufReader::new(file).take(FILE_MAX + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.is_empty() {
        return Err(PemError::new(path, "is empty", "write the certificate or key into it"));
    }
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_MAX) {
        return Err(PemError::new(path, "is larger than 1 MiB", "name a file of certificates or a key"));
    }
    Ok(text)
}
