//! The certificates that are uploaded: listed, added and taken away while the service runs with those it has loaded.
//!
//! An upload is checked as a start would check it, stored whole, and active only after a service restart.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ilslab_core::trust::Certificate;
use rustls::crypto::CryptoProvider;
use tokio::sync::watch;

use crate::data_dir::{private_folder, write_private};
use crate::identity::{self, Identity, IdentityPaths, certified, chain, parse, trusted_files};
use crate::pem::{self, PemError};

/// Longest name of a file in `tomcat-trust`.
const NAME_MAX: usize = 64;

/// An upload that did not happen; everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The files were named at start and are the user's own.
    #[error(
        "this node was started with --cert, --key and --trust; change those files, then restart the service"
    )]
    Fixed,
    /// It is not what it must be.
    #[error(transparent)]
    Refused(#[from] PemError),
    /// It cannot be stored.
    #[error("{} cannot be written: {source}", path.display())]
    Storage {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

/// A certificate on the shelf.
pub struct Shelved {
    /// The name of its file; none for one that is still in use although its file has gone.
    pub file: Option<String>,
    /// The certificate.
    pub certificate: Certificate,
    /// The service has loaded it.
    pub active: bool,
}

/// Certificate, key and trust store of a node, as files.
#[derive(Clone)]
pub struct Shelf {
    pub(crate) paths: IdentityPaths,
    /// Not to be changed here.
    pub(crate) fixed: bool,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) active: watch::Receiver<Option<Arc<Identity>>>,
}

impl Shelf {
    /// The uploaded tomcat certificate with its chain; empty where there is none. Reads files.
    ///
    /// # Errors
    /// A file that is not what it must be.
    pub fn tomcat(&self) -> Result<Vec<Shelved>, PemError> {
        let path = &self.paths.certificate;
        let active = self.active.borrow().clone();
        let loaded = |certificate: &Certificate| {
            active.as_ref().is_some_and(|identity| identity.certified.cert.contains(certificate.der()))
        };
        let stored = if path.exists() { shelved(path, loaded)? } else { Vec::new() };
        let in_use = active.iter().map(|identity| &identity.leaf);
        Ok(with_those_in_use(stored, in_use))
    }

    /// The uploaded `tomcat-trust`, in the order of names. Reads files.
    ///
    /// # Errors
    /// The first file that is not what it must be.
    pub fn trust(&self) -> Result<Vec<Shelved>, PemError> {
        let active = self.active.borrow().clone();
        let loaded = |certificate: &Certificate| {
            active.as_ref().is_some_and(|identity| identity.trust.is_pinned(certificate))
        };
        let mut all = Vec::new();
        for path in trusted_files(&self.paths.trust)? {
            all.extend(shelved(&path, loaded)?);
        }
        let in_use = active.iter().flat_map(|identity| identity.trust.certificates());
        Ok(with_those_in_use(all, in_use))
    }

    /// A request for a certificate of this FQDN, for the key that lies there: PKCS#10, as PEM. Reads files.
    ///
    /// # Errors
    /// No key, or one that cannot sign.
    pub fn request(&self, fqdn: &str) -> Result<String, ShelfError> {
        Ok(identity::request(&self.paths, fqdn)?)
    }

    /// Takes a certificate, with its chain, and its key in place of the old ones; without a key, a certificate of the
    /// key that lies there. Writes files.
    ///
    /// # Errors
    /// A text that is not what it must be, or a disk that does not take it.
    pub fn put_tomcat(&self, certificate: &str, key: Option<&str>) -> Result<(), ShelfError> {
        self.may_change()?;
        let (certificate_path, key_path) = (&self.paths.certificate, &self.paths.key);
        let certificate = pem::armoured(certificate);
        let found = pem::certificates_in(certificate_path, certificate.as_bytes())?;
        let chain = chain(certificate_path, found)?;
        let private = match key {
            Some(key) => pem::private_key_in(key_path, key.as_bytes())?,
            None => pem::private_key(key_path)?,
        };
        certified(&self.paths, chain, private, &self.provider)?;
        match key {
            Some(key) => self.swap(&certificate, key),
            None => write_private(certificate_path, certificate.as_bytes())
                .map_err(|source| ShelfError::Storage { path: certificate_path.clone(), source }),
        }
    }

    /// Both files at once: a start between two renames would find a key that is not the certificate's.
    fn swap(&self, certificate: &str, key: &str) -> Result<(), ShelfError> {
        let folder = self.paths.certificate.parent().unwrap_or(Path::new("."));
        let staged = folder.with_extension("staged");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ShelfError::Storage { path, source }
        };
        clear(&staged).map_err(failed(&staged))?;
        for (path, content) in [(&self.paths.key, key), (&self.paths.certificate, certificate)] {
            let beside = staged.join(path.file_name().unwrap_or_default());
            write_private(&beside, content.as_bytes()).map_err(failed(&beside))?;
        }
        private_folder(folder).and_then(|()| exchange(&staged, folder)).map_err(failed(folder))?;
        // The old pair is in the way of nothing.
        let _ = clear(&staged);
        Ok(())
    }

    /// Takes one certificate into `tomcat-trust`; answers the name of its file. Writes a file.
    ///
    /// # Errors
    /// A text that is not one certificate, a name that is none, or a disk that does not take it.
    pub fn put_trust(&self, name: Option<&str>, certificate: &str) -> Result<String, ShelfError> {
        self.may_change()?;
        let unnamed = self.paths.trust.join("upload.pem");
        let certificate = pem::armoured(certificate);
        let found = pem::certificates_in(&unnamed, certificate.as_bytes())?;
        let mut found = found.into_iter().map(|one| parse(&unnamed, one)).collect::<Result<Vec<_>, _>>()?;
        let (Some(parsed), true) = (found.pop(), found.is_empty()) else {
            let cure = "upload them one at a time";
            return Err(PemError::new(&unnamed, "holds more than one certificate", cure).into());
        };
        let name = name.map_or_else(|| format!("{:.32}.pem", parsed.fingerprint()), str::to_owned);
        let path = self.trusted_file(&name)?;
        write_private(&path, certificate.as_bytes())
            .map_err(|source| ShelfError::Storage { path, source })?;
        Ok(name)
    }

    /// Takes a file out of `tomcat-trust`; answers whether it was there. Removes a file.
    ///
    /// # Errors
    /// A name that is none, or a disk that does not let it go.
    pub fn remove_trust(&self, name: &str) -> Result<bool, ShelfError> {
        self.may_change()?;
        let path = self.trusted_file(name)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ShelfError::Storage { path, source }),
        }
    }

    fn may_change(&self) -> Result<(), ShelfError> {
        if self.fixed { Err(ShelfError::Fixed) } else { Ok(()) }
    }

    /// A name is a name: no path, no hidden file.
    fn trusted_file(&self, name: &str) -> Result<PathBuf, PemError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let good = name.len() <= NAME_MAX && name.ends_with(".pem") && !name.starts_with('.');
        if !good || !name.chars().all(allowed) {
            let cure = "use up to 64 of A-Z a-z 0-9 . _ - with .pem at the end";
            return Err(PemError::new(&self.paths.trust, "that is no name for a file in it", cure));
        }
        Ok(self.paths.trust.join(name))
    }
}

/// What the service has loaded is trusted until it restarts, file or not.
fn with_those_in_use<'a>(
    mut stored: Vec<Shelved>, in_use: impl Iterator<Item = &'a Certificate>,
) -> Vec<Shelved> {
    for certificate in in_use {
        if !stored.iter().any(|one| one.certificate == *certificate) {
            stored.push(Shelved { file: None, certificate: certificate.clone(), active: true });
        }
    }
    stored
}

fn shelved(path: &Path, active: impl Fn(&Certificate) -> bool) -> Result<Vec<Shelved>, PemError> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut all = Vec::new();
    for found in pem::certificates(path)? {
        let certificate = parse(path, found)?;
        let active = active(&certificate);
        all.push(Shelved { file: Some(file.clone()), certificate, active });
    }
    Ok(all)
}

fn clear(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Two folders trade places in one step.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Elsewhere in two: a start in between finds no certificate, and makes one.
#[cfg(not(target_os = "linux"))]
fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    fs::remove_dir_all(other)?;
    fs::rename(one, other)
}
