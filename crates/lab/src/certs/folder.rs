//! The pairs of files under the certificates' folder: looked at before they are written, and written whole.
//!
//! ```text
//! neither                Nothing      both are made
//! key only               KeyOnly      an earlier run was ended between key and certificate: it is finished
//! both, belonging        Both         kept
//! anything else          an error that names the files and the cure
//! ```
//!
//! A key is written before its certificate, each to a `.part` file that is then renamed; so a run that is killed
//! leaves one of the first three.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ilslab_files::private_folder;
use rcgen::PublicKeyData;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::error::CertsError;
use super::found::{self, Difference};
use super::identity::Identity;
use super::key::Key;
use super::name::AUTHORITY_NAME;
use crate::lock::Lock;

/// Folders in which a key lies.
const FOLDER_MODE: u32 = 0o700;
const KEY_MODE: u32 = 0o600;
const CERT_MODE: u32 = 0o644;
/// The bits that let anybody but the owner in.
const OTHERS: u32 = 0o077;

/// The certificates' folder, locked against a second run until dropped.
pub(super) struct Folder {
    dir: PathBuf,
    _lock: Lock,
}

/// Where a certificate and its key belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// What stands where a pair belongs.
pub(super) enum Standing {
    Nothing,
    KeyOnly(Key),
    Both { cert_pem: String, cert_der: CertificateDer<'static>, key: Key },
}

/// The pair of the lab CA.
pub(super) fn authority_pair(dir: &Path) -> Pair {
    Pair::new(&dir.join(AUTHORITY_NAME), "root")
}

/// Where [`Authority::load`](super::Authority::load) looks for a CA under `dir`, and what belongs there; the key first.
pub(crate) fn authority_files<'a>(dir: &Path, root: &'a Identity) -> [(PathBuf, &'a str); 2] {
    let Pair { cert, key } = authority_pair(dir);
    [(key, root.key_pem.as_str()), (cert, root.cert_pem.as_str())]
}

impl Folder {
    /// Makes the folder where it is missing, and locks it.
    pub(super) fn open(dir: &Path) -> Result<Self, CertsError> {
        fs::create_dir_all(dir).map_err(CertsError::file("make the folder", dir))?;
        let opened = File::open(dir).map_err(CertsError::file("open the folder", dir))?;
        let lock = Lock::take(opened).ok_or_else(|| CertsError::Busy { dir: dir.to_path_buf() })?;
        Ok(Self { dir: dir.to_path_buf(), _lock: lock })
    }

    /// The pair of the lab CA.
    pub(super) fn authority(&self) -> Pair {
        authority_pair(&self.dir)
    }

    /// The pair called `stem` (as `ca-signed`) of a node.
    pub(super) fn node(&self, name: &str, stem: &str) -> Pair {
        Pair::new(&self.dir.join(name), stem)
    }
}

impl Pair {
    fn new(folder: &Path, stem: &str) -> Self {
        Self { cert: folder.join(format!("{stem}.pem")), key: folder.join(format!("{stem}.key")) }
    }

    /// Whether anything stands here, sound or not.
    pub(super) fn is_there(&self) -> bool {
        self.cert.exists() || self.key.exists()
    }

    /// Removes the `.part` files of a run that was killed: one may hold half a key.
    pub(super) fn sweep(&self) -> Result<(), CertsError> {
        let folder = self.key.parent().unwrap_or(&self.key);
        ilslab_files::sweep(folder).map_err(CertsError::file("clear the folder", folder))
    }

    /// Reads what stands here.
    pub(super) fn standing(&self) -> Result<Standing, CertsError> {
        let (cert_pem, key_pem) = (read(&self.cert)?, read(&self.key)?);
        let Some(key_pem) = key_pem else {
            let Pair { cert, key } = self.clone();
            return if cert_pem.is_some() {
                Err(CertsError::KeyMissing { cert, key })
            } else {
                Ok(Standing::Nothing)
            };
        };
        let key = self.parse_key(&key_pem)?;
        match cert_pem {
            None => Ok(Standing::KeyOnly(key)),
            Some(cert_pem) => self.both(cert_pem.to_string(), key),
        }
    }

    fn both(&self, cert_pem: String, key: Key) -> Result<Standing, CertsError> {
        let cert_der = CertificateDer::from_pem_slice(cert_pem.as_bytes())
            .map_err(|e| CertsError::NotACertificate { path: self.cert.clone(), why: e.to_string() })?;
        if found::public_key(&cert_der, &self.cert)? != key.subject_public_key_info() {
            let Pair { cert, key } = self.clone();
            return Err(CertsError::KeyMismatch { cert, key });
        }
        Ok(Standing::Both { cert_pem, cert_der, key })
    }

    fn parse_key(&self, pem: &str) -> Result<Key, CertsError> {
        Key::from_pem(pem).map_err(|why| CertsError::NotAKey { path: self.key.clone(), why })
    }

    /// Writes the key, then the certificate. A certificate that stands here goes first, so that no moment shows one
    /// with somebody else's key.
    pub(super) fn write(&self, cert_pem: &str, key_pem: &str) -> Result<(), CertsError> {
        remove(&self.cert)?;
        self.make_folder()?;
        write_whole(&self.key, key_pem, KEY_MODE)?;
        self.write_cert(cert_pem)
    }

    /// Writes the certificate of a key that is already here.
    pub(super) fn write_cert(&self, cert_pem: &str) -> Result<(), CertsError> {
        write_whole(&self.cert, cert_pem, CERT_MODE)
    }

    /// The folder, if it is missing: closed to others from the first moment on.
    fn make_folder(&self) -> Result<(), CertsError> {
        let Some(folder) = self.key.parent() else {
            return Ok(());
        };
        private_folder(folder).map_err(CertsError::file("make the folder", folder))
    }

    /// What of this pair others can get at. We tell and do not touch: somebody may have opened it on purpose.
    pub(super) fn open_to_others(&self) -> Vec<Difference> {
        let folder = self.key.parent().map(|folder| (folder, FOLDER_MODE));
        let looked_at = [Some((self.key.as_path(), KEY_MODE)), folder];
        let open = |(path, wanted): (&Path, u32)| {
            let mode = fs::metadata(path).ok()?.mode() & 0o7777;
            (mode & OTHERS != 0).then(|| Difference::Open { path: path.to_path_buf(), mode, wanted })
        };
        looked_at.into_iter().flatten().filter_map(open).collect()
    }
}

/// The text of a file, wiped when dropped; `None` where there is none.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, CertsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        // Not text at all: an empty PEM gets the error that names the file and the cure.
        Err(e) if e.kind() == ErrorKind::InvalidData => Ok(Some(Zeroizing::default())),
        Err(e) => Err(CertsError::file("read", path)(e)),
    }
}

fn remove(path: &Path) -> Result<(), CertsError> {
    match fs::remove_file(path) {
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(CertsError::file("remove", path)(e))
        }
        _ => Ok(()),
    }
}

/// Whole or not at all.
fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), CertsError> {
    ilslab_files::write_whole(path, text.as_bytes(), mode).map_err(CertsError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::KeyKind;
    use pretty_assertions::assert_eq;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").mode() & 0o777
    }

    #[test]
    fn a_second_run_in_the_same_folder_is_turned_away() {
        let home = tempfile::tempdir().expect("a folder");
        let first = Folder::open(home.path()).expect("the first");
        let error = Folder::open(home.path()).map(|_| ()).expect_err("the second");
        assert_eq!((matches!(error, CertsError::Busy { .. }), error.exit_code()), (true, 4));
        drop(first);
        Folder::open(home.path()).expect("once the first has ended");
    }

    #[test]
    fn a_written_pair_is_closed_to_others_and_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().expect("a folder");
        let pair = Folder::open(home.path()).expect("locked").node("hub", "ca-signed");
        pair.write("certificate", "key").expect("written");
        let folder = home.path().join("hub");
        assert_eq!((mode(&folder), mode(&pair.key), mode(&pair.cert) & !0o644), (0o700, 0o600, 0));
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
        assert_eq!(pair.open_to_others(), []);
    }

    #[test]
    fn what_others_can_read_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("a folder");
        let pair = Folder::open(home.path()).expect("locked").node("hub", "ca-signed");
        pair.write("certificate", "key").expect("written");
        fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o640)).expect("opened");
        let told: Vec<_> = pair.open_to_others().iter().map(ToString::to_string).collect();
        let key = pair.key.display();
        assert_eq!(told, [format!("others can get at {key} (mode 0640); `chmod 600 {key}` closes it")]);
    }

    #[test]
    fn each_thing_that_can_stand_somewhere_is_told_apart() {
        let key = Key::make(KeyKind::P256).expect("a key");
        let other = Key::make(KeyKind::P256).expect("a key");
        let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
        let validity = crate::certs::Validity::starting(now, 1).expect("dates");
        let cert = crate::certs::Identity::self_signed("hub", &key, validity).expect("made").cert_pem;
        let (key, other) = (key.to_pem(), other.to_pem());
        for (case, cert, key, want) in [
            ("nothing", None, None, "Nothing"),
            ("a key alone", None, Some(key.as_str()), "KeyOnly"),
            ("both", Some(cert.as_str()), Some(key.as_str()), "Both"),
            ("a certificate alone", Some(cert.as_str()), None, "KeyMissing"),
            ("another's key", Some(cert.as_str()), Some(other.as_str()), "KeyMismatch"),
            ("an empty key", None, Some(""), "NotAKey"),
            ("an empty certificate", Some(""), Some(key.as_str()), "NotACertificate"),
            ("files swapped", Some(key.as_str()), Some(cert.as_str()), "NotAKey"),
        ] {
            assert_eq!(standing_of(cert, key), want, "{case}");
        }
    }

    fn standing_of(cert: Option<&str>, key: Option<&str>) -> &'static str {
        let home = tempfile::tempdir().expect("a folder");
        let pair = Pair::new(home.path(), "root");
        for (path, text) in [(&pair.cert, cert), (&pair.key, key)] {
            if let Some(text) = text {
                fs::write(path, text).expect("written");
            }
        }
        match pair.standing() {
            Ok(Standing::Nothing) => "Nothing",
            Ok(Standing::KeyOnly(_)) => "KeyOnly",
            Ok(Standing::Both { .. }) => "Both",
            Err(CertsError::KeyMissing { .. }) => "KeyMissing",
            Err(CertsError::KeyMismatch { .. }) => "KeyMismatch",
            Err(CertsError::NotAKey { .. }) => "NotAKey",
            Err(CertsError::NotACertificate { .. }) => "NotACertificate",
            Err(e) => panic!("{e}"),
        }
    }
}
