//! PEM files, read with errors that name file, block and cure. The one user of rustls-pemfile.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

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

/// The certificates of a file, in its order; at least one.
///
/// # Errors
/// No such file, junk, another kind of block, or no certificate at all.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    certificates_in(path, &read(path)?)
}

/// The certificates of a text that is, or is to be, the content of that file.
///
/// # Errors
/// Junk, another kind of block, or no certificate at all.
pub(crate) fn certificates_in(
    path: &Path, mut text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let mut found = Vec::new();
    for (number, item) in rustls_pemfile::read_all(&mut text).enumerate() {
        let cure = "put PEM certificates in it, nothing else";
        match item {
            Ok(rustls_pemfile::Item::X509Certificate(der)) => found.push(der),
            Ok(_) => {
                return Err(PemError::new(path, format!("block {} is not a certificate", number + 1), cure));
            }
            Err(error) => {
                return Err(PemError::new(
                    path,
                    format!("block {} does not decode: {error}", number + 1),
                    cure,
                ));
            }
        }
    }
    if found.is_empty() {
        let cure = "it must hold a block that begins with -----BEGIN CERTIFICATE-----";
        return Err(PemError::new(path, "holds no certificate", cure));
    }
    Ok(found)
}

/// The private key of a file: PKCS#8, PKCS#1 or SEC 1, not encrypted.
///
/// # Errors
/// No such file, an encrypted key, junk, or no key at all.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    private_key_in(path, &zeroize::Zeroizing::new(read(path)?))
}

/// The private key of a text that is, or is to be, the content of that file.
///
/// # Errors
/// An encrypted key, junk, or no key at all.
pub(crate) fn private_key_in(path: &Path, mut text: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    refuse_encrypted(path, text)?;
    for (number, item) in rustls_pemfile::read_all(&mut text).enumerate() {
        match item {
            Ok(rustls_pemfile::Item::Pkcs8Key(key)) => return Ok(key.into()),
            Ok(rustls_pemfile::Item::Pkcs1Key(key)) => return Ok(key.into()),
            Ok(rustls_pemfile::Item::Sec1Key(key)) => return Ok(key.into()),
            Ok(_) => {}
            Err(error) => {
                let problem = format!("block {} does not decode: {error}", number + 1);
                return Err(PemError::new(path, problem, "write the key again as PEM"));
            }
        }
    }
    let cure = "it must hold a block that begins with -----BEGIN PRIVATE KEY-----";
    Err(PemError::new(path, "holds no private key", cure))
}

/// The reader skips encrypted blocks in silence; people should be told.
fn refuse_encrypted(path: &Path, text: &[u8]) -> Result<(), PemError> {
    let text = String::from_utf8_lossy(text);
    let mut block = 0;
    for line in text.lines() {
        block += usize::from(line.starts_with("-----BEGIN "));
        if line.starts_with("-----BEGIN ENCRYPTED") || line.starts_with("Proc-Type: 4,ENCRYPTED") {
            let cure = "a service cannot ask for a passphrase: `openssl pkey -in FILE -out FILE` writes it in the clear";
            return Err(PemError::new(path, format!("block {block} is an encrypted private key"), cure));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    let unreadable = |error: std::io::Error| {
        PemError::new(path, format!("cannot be read: {error}"), "check the path and its permissions")
    };
    // Looked at before it is opened: to open a pipe is to wait for whoever writes it.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(PemError::new(path, "is not a file", "name a PEM file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    BufReader::new(file).take(FILE_MAX + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.is_empty() {
        return Err(PemError::new(path, "is empty", "write the PEM text into it"));
    }
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_MAX) {
        return Err(PemError::new(path, "is larger than 1 MiB", "name a PEM file"));
    }
    Ok(text)
}
