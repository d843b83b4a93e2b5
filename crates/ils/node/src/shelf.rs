//! The certificates that are uploaded: listed, added and taken away while the service runs with those it has loaded.
//!
//! An upload is checked as a start would check it, stored whole, and active only after a service restart.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ils_core::trust::Certificate;
use ilslab_files::write_private;
use rustls::crypto::CryptoProvider;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::identity::{self, Identity, IdentityPaths, certified, chain, parse, trusted_files};
use crate::pem::{self, PemError};
use crate::upload::{beside, discard, put_in_place};

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

    /// Both files whole, and nothing else in their folder: each beside its place first, then one rename after the other.
    /// A kill in between leaves one beside its place, which the next start puts there: see [`finish_upload`].
    fn swap(&self, certificate: &str, key: &str) -> Result<(), ShelfError> {
        let (certificate_path, key_path) = (&self.paths.certificate, &self.paths.key);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ShelfError::Storage { path, source }
        };
        discard(&self.paths.key, &self.paths.certificate).map_err(failed(certificate_path))?;
        let old_key = old_content(key_path).map_err(failed(key_path))?;
        let written = write_private(&beside(key_path), key.as_bytes())
            .and_then(|()| write_private(&beside(certificate_path), certificate.as_bytes()))
            .map_err(failed(certificate_path))
            .and_then(|()| put_in_place(key_path).map_err(failed(key_path)));
        if written.is_err() {
            // As far as the disk lets it: the error that counts is the first.
            let _ = discard(&self.paths.key, &self.paths.certificate);
            return written;
        }
        put_in_place(certificate_path).map_err(|error| {
            let _ = put_back(key_path, old_key.as_ref().map(|key| key.as_slice()));
            let _ = discard(&self.paths.key, &self.paths.certificate);
            failed(certificate_path)(error)
        })
    }

    /// Takes one certificate into `tomcat-trust`; answers the name of its file. One that is stored already stays as it
    /// is. One of the same subject is replaced if it begins earlier, as in CUCM. Writes a file.
    ///
    /// # Errors
    /// A text that is not one certificate, one that begins no later than a stored one of its subject, a name that is
    /// none, or a disk that does not take it.
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
        let replaced = match self.namesakes(&parsed, &path)? {
            Namesakes::Itself(file) => return Ok(file),
            Namesakes::Older(files) => files,
        };
        let failed = |path: &Path, source| ShelfError::Storage { path: path.to_owned(), source };
        write_private(&path, certificate.as_bytes()).map_err(|source| failed(&path, source))?;
        // The new one first: were it cut off here, both lie there, and the order of the store takes the later one.
        for old in replaced.iter().filter(|old| **old != path) {
            fs::remove_file(old).map_err(|source| failed(old, source))?;
        }
        Ok(name)
    }

    /// The stored certificates of the subject of one that is to be stored in this place.
    fn namesakes(&self, new: &Certificate, place: &Path) -> Result<Namesakes, PemError> {
        let mut older = Vec::new();
        for file in trusted_files(&self.paths.trust)? {
            let stored = match read_all(&file) {
                // What nobody can read may be repaired by an upload in its place.
                Err(_) if file == place => continue,
                stored => stored?,
            };
            if stored.contains(new) {
                return Ok(Namesakes::Itself(file_name(&file)));
            }
            let Some(namesake) = stored.iter().find(|stored| stored.is_namesake_of(new)) else { continue };
            if let Some(refusal) = not_to_be_replaced(&file, namesake, new, stored.len()) {
                return Err(refusal);
            }
            older.push(file);
        }
        Ok(Namesakes::Older(older))
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
    let shelve = |certificate| {
        let active = active(&certificate);
        Shelved { file: Some(file_name(path)), certificate, active }
    };
    Ok(read_all(path)?.into_iter().map(shelve).collect())
}

fn read_all(path: &Path) -> Result<Vec<Certificate>, PemError> {
    pem::certificates(path)?.into_iter().map(|found| parse(path, found)).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the store has of the subject of a certificate that comes.
enum Namesakes {
    /// That very certificate, in this file.
    Itself(String),
    /// None, or some in files that it replaces.
    Older(Vec<PathBuf>),
}

/// Cisco's security guide: a certificate of the same name replaces the stored one only if its validity starts later.
fn not_to_be_replaced(
    file: &Path, stored: &Certificate, new: &Certificate, in_file: usize,
) -> Option<PemError> {
    if new.not_before() <= stored.not_before() {
        let problem = format!(
            "holds a certificate of the same subject ({}) that begins {}; the new one begins {}, which is no later",
            stored.subject(),
            moment(stored.not_before()),
            moment(new.not_before())
        );
        return Some(PemError::new(file, problem, "remove that one first if it is to go"));
    }
    (in_file > 1).then(|| {
        let problem =
            format!("holds {in_file} certificates, of which one ({}) is to be replaced", stored.subject());
        PemError::new(file, problem, "write each into a file of its own, or change that file")
    })
}

fn moment(seconds: i64) -> String {
    match time::OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(at) => format!("{} {:02}:{:02}:{:02} UTC", at.date(), at.hour(), at.minute(), at.second()),
        Err(_) => format!("{seconds} seconds after 1970"),
    }
}

fn old_content(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(|content| Some(Zeroizing::new(content))),
    }
}

fn put_back(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    content.map_or_else(|| fs::remove_file(path), |content| write_private(path, content))
}
