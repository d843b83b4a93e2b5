//! The administrator's password: made at the first start and kept hashed, or given in a file.
//!
//! ```text
//! --admin-password-file ----> AdminPassword (fingerprint only; the file is the truth at every start)
//! platform/admin.hash ------> AdminPassword (Argon2id; the first right log-in leaves its fingerprint)
//! neither ------------------> Generated, printed once, and platform/admin.hash
//! ```

mod files;
mod line;

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ilslab_secrets::{argon2id, secretly};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use files::PasswordError;
use files::{read, read_password};
pub use line::{LineError, password_line};

/// How a line of `admin.hash` begins: the PHC string format, with the parameters of [`argon2id`].
const PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// 32 characters that nobody mistakes for each other: neither l, 1, o nor 0.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password made at the first start: to be printed once, and wiped.
pub struct Generated(Zeroizing<String>);

impl Generated {
    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What the administrator's password is compared with.
pub struct AdminPassword {
    stored: Option<Stored>,
    /// Makes fingerprints worthless outside this process.
    key: Zeroizing<[u8; 32]>,
    /// Fingerprint of the password, once it is known: what spares the second log-in its Argon2id.
    fingerprint: Mutex<Option<[u8; 32]>>,
}

struct Stored {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl AdminPassword {
    /// The password in `password_file`, less one final LF or CRLF; else the one whose hash is in `hash_file`; else a
    /// new one, whose hash is written there (0600, its folder 0700) and which is answered to be printed once.
    ///
    /// Reads and writes files, and takes tens of milliseconds where a password is made.
    ///
    /// # Errors
    /// A file that cannot be read, or is not what it should be; nothing is replaced then.
    pub fn load_or_create(
        hash_file: &Path, password_file: Option<&Path>,
    ) -> Result<(Self, Option<Generated>), PasswordError> {
        if let Some(file) = password_file {
            return Ok((Self::given(&read_password(file)?)?, None));
        }
        match read(hash_file) {
            Ok(line) => Ok((Self::stored(hash_file, &line)?, None)),
            Err(PasswordError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                let (password, generated) = Self::create(hash_file)?;
                Ok((password, Some(generated)))
            }
            Err(error) => Err(error),
        }
    }

    /// This very password, kept as a fingerprint only.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn given(password: &str) -> Result<Self, PasswordError> {
        let admin = Self::new(None)?;
        admin.remember(password.as_bytes());
        Ok(admin)
    }

    fn stored(file: &Path, line: &[u8]) -> Result<Self, PasswordError> {
        let stored = Stored::parse(line).ok_or_else(|| PasswordError::NotAHash { file: file.to_owned() })?;
        Self::new(Some(stored))
    }

    fn create(file: &Path) -> Result<(Self, Generated), PasswordError> {
        let generated = generate()?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(PasswordError::Random)?;
        let mut stored = Stored { salt, hash: [0; 32] };
        argon2id(generated.expose().as_bytes(), &salt, &mut stored.hash);
        ilslab_files::write_private(file, stored.line().as_bytes())
            .map_err(|error| PasswordError::Write { file: file.to_owned(), error })?;
        let admin = Self::new(Some(stored))?;
        admin.remember(generated.expose().as_bytes());
        Ok((admin, generated))
    }

    fn new(stored: Option<Stored>) -> Result<Self, PasswordError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(PasswordError::Random)?;
        Ok(Self { stored, key, fingerprint: Mutex::new(None) })
    }

    /// Whether it is the password that was right before; never takes long. `false` says nothing.
    pub(crate) fn is_remembered(&self, password: &[u8]) -> bool {
        let fingerprint = self.fingerprint_of(password);
        self.lock().is_some_and(|known| same(&known, &fingerprint))
    }

    /// Whether it is the password. Takes tens of milliseconds where it was not right before: not for async code.
    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        if self.is_remembered(password) {
            return true;
        }
        let right = self.stored.as_ref().is_some_and(|stored| {
            let mut hash = [0; 32];
            argon2id(password, &stored.salt, &mut hash);
            same(&stored.hash, &hash)
        });
        if right {
            self.remember(password);
        }
        right
    }

    fn remember(&self, password: &[u8]) {
        *self.lock() = Some(self.fingerprint_of(password));
    }

    fn fingerprint_of(&self, password: &[u8]) -> [u8; 32] {
        secretly(|| Sha256::new().chain_update(self.key.as_slice()).chain_update(password).finalize().into())
    }

    fn lock(&self) -> MutexGuard<'_, Option<[u8; 32]>> {
        // It is only ever replaced whole.
        self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn line(&self) -> String {
        format!("{PREFIX}{}${}\n", STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.hash))
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?.trim_end();
        let (salt, hash) = line.strip_prefix(PREFIX)?.split_once('$')?;
        let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok();
        Some(Self { salt: decode(salt)?.try_into().ok()?, hash: decode(hash)?.try_into().ok()? })
    }
}

/// In constant time.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |all, (a, b)| black_box(all | (a ^ b))) == 0
}

/// 20 characters of 5 random bits each.
fn generate() -> Result<Generated, PasswordError> {
    let mut bits = Zeroizing::new([0_u8; 20]);
    getrandom::fill(bits.as_mut_slice()).map_err(PasswordError::Random)?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('a', char::from);
    Ok(Generated(Zeroizing::new(bits.iter().map(letter).collect())))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::files::FILE_MAX;
    use super::*;

    fn load(
        hash: &Path, password: Option<&Path>,
    ) -> Result<(AdminPassword, Option<Generated>), PasswordError> {
        AdminPassword::load_or_create(hash, password)
    }

    #[test]
    fn a_password_is_made_once_and_its_hash_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let hash = folder.path().join("platform").join("admin.hash");
        let (_, generated) = load(&hash, None).expect("made");
        let generated = generated.expect("the first start makes one");
        assert_eq!(generated.expose().len(), 20);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&hash), mode(hash.parent().expect("a folder"))), (0o600, 0o700));

        let before = fs::read(&hash).expect("readable");
        let (again, none) = load(&hash, None).expect("read");
        assert!(none.is_none(), "shown once only");
        assert_eq!(fs::read(&hash).expect("readable"), before);
        assert!(!again.is_remembered(generated.expose().as_bytes()), "not known before the first log-in");
        assert!(!again.verify(b"another"));
        assert!(again.verify(generated.expose().as_bytes()));
        assert!(again.is_remembered(generated.expose().as_bytes()), "no second Argon2id");
        assert!(!again.is_remembered(b"another"));
    }

    #[test]
    fn a_password_file_is_taken_less_its_last_line_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        let long = "x".repeat(FILE_MAX);
        for (name, content, want) in [
            ("plain", b"secret".as_slice(), Some("secret")),
            ("LF", b"secret\n", Some("secret")),
            ("CRLF", b"secret\r\n", Some("secret")),
            ("two line ends", b"secret\n\n", None),
            ("a lone CR", b"secret\r", None),
            ("a byte-order mark", b"\xef\xbb\xbfsecret", None),
            ("blanks stay", b" secret ", Some(" secret ")),
            ("as long as may be", long.as_bytes(), Some(long.as_str())),
            ("one too long", [long.as_bytes(), b"x"].concat().as_slice(), None),
            ("empty", b"", None),
            ("only a line end", b"\r\n", None),
            ("not UTF-8", b"\xff", None),
        ] {
            fs::write(&file, content).expect("writable");
            let got = load(&folder.path().join("admin.hash"), Some(&file));
            let right =
                got.as_ref().is_ok_and(|(admin, _)| want.is_some_and(|want| admin.verify(want.as_bytes())));
            assert_eq!(right, want.is_some(), "{name}");
            assert_eq!(got.is_err(), want.is_none(), "{name}");
        }
        assert!(!folder.path().join("admin.hash").exists(), "a given password is never stored");
    }

    #[test]
    fn an_error_names_the_file_and_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("admin.hash");
        for content in
            ["", "secret", "$argon2id$v=19$m=19456,t=2,p=1$short$short", "$argon2id$v=19$m=8,t=1,p=1$a$b"]
        {
            fs::write(&file, content).expect("writable");
            let error = load(&file, None).err().expect("not a hash").to_string();
            assert!(error.contains("admin.hash") && error.contains("remove it"), "{error}");
            assert_eq!(fs::read_to_string(&file).expect("still there"), content);
        }
        let missing =
            load(&file, Some(&folder.path().join("nowhere"))).err().expect("no such file").to_string();
        assert!(missing.contains("nowhere"), "{missing}");
    }

    #[test]
    fn no_two_characters_of_a_made_password_look_alike() {
        assert!(!ALPHABET.iter().any(|letter| b"lo01".contains(letter)));
        let distinct: std::collections::BTreeSet<_> = ALPHABET.iter().collect();
        assert_eq!(distinct.len(), 32);
    }
}
