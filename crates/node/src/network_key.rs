//! `platform/network.key`: the password as a key, where it came from, and what it replaced. Readable by its owner alone.
//!
//! ```text
//! in-force 64 hex digits
//! replaced none | fingerprint of the start-up key     only for a password set while running
//! with     {"use_password":true}                      the settings that were changed together with it
//! ```
//! A password that is set together with settings lies beside it, in `network.key.next`, until those are stored. A node
//! that was killed in between has either both or none of them: the next start sees in the settings which.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ilslab_core::settings::Settings;
use ilslab_wire::NetworkKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::data_dir::{sync_folder, write_private};

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; {cure}", path.display())]
pub struct KeyFileError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub cure: &'static str,
}

/// The stored key.
pub(crate) struct KeyFile {
    path: PathBuf,
    startup: Option<NetworkKey>,
}

struct Stored {
    key: Option<NetworkKey>,
    replaced: Option<String>,
    with: Option<Map<String, Value>>,
}

impl KeyFile {
    /// The file of a node that starts with this password (or none).
    pub(crate) fn new(path: PathBuf, startup: Option<NetworkKey>) -> Self {
        Self { path, startup }
    }

    /// The key in force: one set while running, while the start-up password is the one that it replaced; else the
    /// start-up one. `true` where a stored one was dropped.
    ///
    /// # Errors
    /// A file that cannot be read, or is not ours.
    pub(crate) fn open(&self) -> Result<(Option<NetworkKey>, bool), KeyFileError> {
        let stored = self.read()?;
        let changed = stored.as_ref().is_some_and(|stored| stored.replaced.is_some());
        match stored {
            Some(Stored { key, replaced: Some(replaced), .. }) if replaced == self.startup_mark() => {
                Ok((key, false))
            }
            _ => {
                self.write(self.startup.as_ref(), false)?;
                Ok((self.startup.clone(), changed))
            }
        }
    }

    /// Stores the key that is to be in force once these settings are.
    ///
    /// # Errors
    /// Where it cannot be written; the old one is still there.
    pub(crate) fn prepare(
        &self, key: Option<&NetworkKey>, settings: &Map<String, Value>,
    ) -> Result<(), KeyFileError> {
        let same = key.map(NetworkKey::fingerprint) == self.startup.as_ref().map(NetworkKey::fingerprint);
        let mut text = self.text(key, !same);
        text.push_str(&format!("with {}\n", Value::from(settings.clone())));
        write_private(&self.next(), text.as_bytes()).map_err(|error| self.unwritten(&error))
    }

    /// The settings are stored: the prepared key is in force.
    ///
    /// # Errors
    /// Where the system does not let it; the next start does it then.
    pub(crate) fn install(&self) -> Result<(), KeyFileError> {
        std::fs::rename(self.next(), &self.path).map_err(|error| self.unwritten(&error))?;
        sync_folder(&self.path).map_err(|error| self.unwritten(&error))
    }

    /// The settings are not stored: the old key stays in force.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub(crate) fn abandon(&self) -> Result<(), KeyFileError> {
        removed(&self.next()).map_err(|error| self.unwritten(&error))
    }

    /// After a kill between the two: a prepared key counts if its settings do.
    ///
    /// # Errors
    /// A file that cannot be read, replaced or removed.
    pub(crate) fn settle(&self, settings: &Settings) -> Result<(), KeyFileError> {
        match self.read_at(&self.next())? {
            None => Ok(()),
            Some(Stored { with: Some(with), .. }) if settings.has(&with) => self.install(),
            Some(_) => self.abandon(),
        }
    }

    fn next(&self) -> PathBuf {
        self.path.with_extension("key.next")
    }

    fn startup_mark(&self) -> String {
        self.startup.as_ref().map_or_else(|| "none".to_owned(), NetworkKey::fingerprint)
    }

    fn write(&self, key: Option<&NetworkKey>, changed: bool) -> Result<(), KeyFileError> {
        let written = match key {
            None => removed(&self.path),
            key => write_private(&self.path, self.text(key, changed).as_bytes()),
        };
        written.map_err(|error| self.unwritten(&error))
    }

    fn text(&self, key: Option<&NetworkKey>, changed: bool) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from("in-force "));
        match key {
            Some(key) => key.as_bytes().iter().for_each(|byte| text.push_str(&format!("{byte:02x}"))),
            None => text.push_str("none"),
        }
        text.push('\n');
        if changed {
            text.push_str(&format!("replaced {}\n", self.startup_mark()));
        }
        text
    }

    fn read(&self) -> Result<Option<Stored>, KeyFileError> {
        self.read_at(&self.path)
    }

    fn read_at(&self, path: &Path) -> Result<Option<Stored>, KeyFileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(of(path, format!("cannot be read: {error}"))),
        };
        parse(&text).map(Some).ok_or_else(|| of(path, "is not a network key".to_owned()))
    }

    fn unwritten(&self, error: &std::io::Error) -> KeyFileError {
        of(&self.path, format!("cannot be written: {error}"))
    }
}

fn of(path: &Path, problem: String) -> KeyFileError {
    let cure = "check its permissions, or remove it and give the password again";
    KeyFileError { path: path.to_owned(), problem, cure }
}

fn removed(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn parse(text: &str) -> Option<Stored> {
    let mut lines = text.lines().peekable();
    let key = match lines.next()?.strip_prefix("in-force ")? {
        "none" => None,
        digits => Some(NetworkKey::from_bytes(octets(digits)?)),
    };
    let replaced = lines.next_if(|line| line.starts_with("replaced "));
    let replaced = replaced.and_then(|line| line.strip_prefix("replaced ")).map(str::to_owned);
    let with = match lines.next() {
        None => None,
        Some(line) => Some(serde_json::from_str(line.strip_prefix("with ")?).ok()?),
    };
    Some(Stored { key, replaced, with })
}

fn octets(digits: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (index, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(octets)
}

/// The path below a node's `platform` folder.
pub(crate) fn path_under(platform: &Path) -> PathBuf {
    platform.join("network.key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ilslab_core::settings::Override;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    fn key(seed: u8) -> NetworkKey {
        NetworkKey::from_bytes([seed; 32])
    }

    fn change(file: &KeyFile, seed: u8) {
        file.prepare(Some(&key(seed)), &Map::new()).expect("writes");
        file.install().expect("replaces");
    }

    fn bytes(key: Option<NetworkKey>) -> Option<[u8; 32]> {
        key.map(|key| *key.as_bytes())
    }

    #[test]
    fn a_password_set_while_running_lasts_until_the_start_up_one_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |startup| KeyFile::new(path_under(folder.path()), startup);
        assert_eq!(
            file(Some(key(1))).open().map(|(key, dropped)| (bytes(key), dropped)).expect("opens"),
            (Some([1; 32]), false)
        );
        change(&file(Some(key(1))), 2);
        assert_eq!(file(Some(key(1))).open().map(|(key, _)| bytes(key)).expect("opens"), Some([2; 32]));
        let (now, dropped) = file(Some(key(3))).open().expect("opens");
        assert_eq!((bytes(now), dropped), (Some([3; 32]), true), "another start-up password");
        let (now, dropped) = file(Some(key(1))).open().expect("opens");
        assert_eq!((bytes(now), dropped), (Some([1; 32]), false), "the change is dropped for good");
    }

    #[test]
    fn a_password_set_without_a_start_up_one_lasts_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = KeyFile::new(path_under(folder.path()), None);
        change(&file, 2);
        assert_eq!(file.open().map(|(key, _)| bytes(key)).expect("opens"), Some([2; 32]));
        let mode = std::fs::metadata(path_under(folder.path())).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_kill_between_password_and_settings_leaves_both_or_none() {
        let object = |value: Value| value.as_object().expect("an object").clone();
        let startup = object(json!({"use_tls": true, "use_password": false}));
        let patch = object(json!({"use_password": true}));
        let stored = Override { key: "use_password".into(), value: true.into(), replaced: false.into() };
        for (case, overrides, want) in [("not stored", vec![], [1; 32]), ("stored", vec![stored], [2; 32])] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = KeyFile::new(path_under(folder.path()), Some(key(1)));
            file.open().expect("opens");
            file.prepare(Some(&key(2)), &patch).expect("writes");
            assert_eq!(
                file.open().map(|(key, _)| bytes(key)).expect("opens"),
                Some([1; 32]),
                "{case}: so far"
            );
            file.settle(&Settings::new(startup.clone(), overrides).0).expect("settles");
            assert_eq!(file.open().map(|(key, _)| bytes(key)).expect("opens"), Some(want), "{case}");
            assert!(!file.next().exists(), "{case}");
        }
    }

    #[test]
    fn a_password_that_is_taken_away_with_settings_leaves_the_start_up_one_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = KeyFile::new(path_under(folder.path()), Some(key(1)));
        file.prepare(None, &Map::new()).expect("writes");
        file.install().expect("replaces");
        assert_eq!(file.open().map(|(key, dropped)| (bytes(key), dropped)).expect("opens"), (None, false));
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = path_under(folder.path());
        for junk in [
            "",
            "in-force 12",
            "in-force none\nmore",
            "in-force zz",
            "hello\n",
            &format!("in-force {}é", "0".repeat(62)),
        ] {
            std::fs::write(&path, junk).expect("writes");
            assert!(KeyFile::new(path.clone(), Some(key(1))).open().is_err(), "{junk:?}");
            assert_eq!(std::fs::read_to_string(&path).expect("is there"), junk);
            let file = KeyFile::new(path.clone(), Some(key(1)));
            std::fs::write(file.next(), junk).expect("writes");
            let error = file.settle(&Settings::new(Map::new(), vec![]).0).expect_err("it is no key either");
            assert_eq!(error.path, file.next(), "{junk:?}: the file that is at fault is named");
        }
    }
}
