//! `platform/identity.key`: by which this node is itself, made once and kept. Its fingerprint is the peer ID.
//!
//! PKCS#8 in PEM (RFC 8410), as OpenSSL writes an Ed25519 key; readable by its owner alone.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ils_wire::IdentityKey;
use ilslab_files::write_private;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::dice::Dice;
use crate::pem::{self, PemError};

/// Of a PKCS#8 version 1 Ed25519 key all but its 32 octets: the algorithm, and the heads of two octet strings.
const HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const CURE: &str = "restore it from a backup, or remove it: the node takes another peer ID then, and its peers have to forget the old one";

/// Where it lies under `platform/`.
pub(crate) fn path_under(platform: &Path) -> PathBuf {
    platform.join("identity.key")
}

/// The key that lies there; where none does, a new one, which lies there then.
///
/// # Errors
/// A file that is something else, or cannot be read or made.
pub(crate) fn load_or_make(path: &Path, dice: &dyn Dice) -> Result<IdentityKey, PemError> {
    match path.try_exists() {
        Ok(true) => load(path),
        Ok(false) => make(path, dice).map_err(|error| PemError::unmade(path, &error)),
        Err(error) => Err(PemError::new(path, format!("cannot be read: {error}"), "check its permissions")),
    }
}

fn load(path: &Path) -> Result<IdentityKey, PemError> {
    let key = pem::private_key(path)?;
    let PrivateKeyDer::Pkcs8(der) = &key else {
        return Err(PemError::new(path, "is not a key in PKCS#8", CURE));
    };
    let seed = der.secret_pkcs8_der().strip_prefix(&HEAD).and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
    seed.map(IdentityKey::from_seed).ok_or_else(|| PemError::new(path, "is not an Ed25519 key", CURE))
}

fn make(path: &Path, dice: &dyn Dice) -> io::Result<IdentityKey> {
    let mut seed = Zeroizing::new([0; 32]);
    dice.fill(&mut *seed);
    let key = IdentityKey::from_seed(&seed);
    write_private(path, text(&seed).as_bytes())?;
    Ok(key)
}

/// 48 octets are 64 characters of base64, which is one line.
fn text(seed: &[u8; 32]) -> Zeroizing<String> {
    let der = Zeroizing::new([HEAD.as_slice(), seed].concat());
    // Room for all of it from the start: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    STANDARD.encode_string(&*der, &mut text);
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::SystemDice;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    fn at(folder: &tempfile::TempDir) -> PathBuf {
        path_under(&folder.path().join("platform"))
    }

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = load_or_make(&at(&folder), &SystemDice).expect("makes");
        assert_eq!(load_or_make(&at(&folder), &SystemDice).expect("loads"), key);
        let mode = std::fs::metadata(at(&folder)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        std::fs::remove_file(at(&folder)).expect("removed");
        assert_ne!(load_or_make(&at(&folder), &SystemDice).expect("makes another"), key);
    }

    /// Its public key, as OpenSSL derives it from the file.
    fn public_by_openssl(path: &Path) -> Vec<u8> {
        let mut openssl = Command::new("openssl");
        openssl.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(path);
        let made = openssl.output().expect("OpenSSL");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    }

    #[test]
    fn openssl_reads_it_and_its_own_are_taken() {
        if Command::new("openssl").arg("version").output().is_err() {
            let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "OpenSSL is required, and not there");
            println!("skipped: OpenSSL is not there");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let key = load_or_make(&at(&folder), &SystemDice).expect("makes");
        assert!(public_by_openssl(&at(&folder)).ends_with(&key.public()));
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "ed25519", "-out"])
            .arg(at(&folder))
            .output();
        assert!(made.expect("OpenSSL").status.success());
        let theirs = load_or_make(&at(&folder), &SystemDice).expect("loads");
        assert!(public_by_openssl(&at(&folder)).ends_with(&theirs.public()));
    }

    #[test]
    fn a_file_of_no_use_is_named_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let rsa =
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
        for (case, content, want) in [
            ("nothing", "", "identity.key"),
            ("text", "hello\n", "identity.key"),
            ("another kind of key", rsa.as_str(), "is not an Ed25519 key"),
        ] {
            write_private(&at(&folder), content.as_bytes()).expect("writes");
            let error = load_or_make(&at(&folder), &SystemDice).expect_err(case).to_string();
            assert!(error.contains(want) && error.contains("identity.key"), "{case}: {error}");
            assert_eq!(std::fs::read_to_string(at(&folder)).expect("it is there"), content, "{case}");
        }
    }
}
