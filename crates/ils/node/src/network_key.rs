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

use ils_core::settings::Settings;
use ils_wire::NetworkKey;
use ilslab_files::{move_into_place, remove, write_private};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

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

/// The stored key. Of the start-up one only the mark is kept: it may not be in force any more.
pub(crate) struct KeyFile {
    path: PathBuf,
    startup: String,
}

struct Stored {
    key: Option<NetworkKey>,
    replaced: Option<String>,
    with: Option<Map<String, Value>>,
}

/// What became of a password that was set while running, at the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// There was none.
    Nothing,
    /// It stands over the start-up one.
    Standing,
    /// The start-up one is another now, and counts.
    Dropped,
}

impl KeyFile {
    /// The file of a node that starts with this password (or none).
    pub(crate) fn new(path: PathBuf, startup: Option<&NetworkKey>) -> Self {
        Self { path, startup: mark(startup) }
    }

    /// The key in force: one set while running, while the start-up password is the one that it replaced; else the
    /// start-up one.
    ///
    /// # Errors
    /// A file that cannot be read, or is not ours.
    pub(crate) fn open(
        &self, startup: Option<NetworkKey>,
    ) -> Result<(Option<NetworkKey>, Saved), KeyFileError> {
        let stored = self.read()?;
        let changed = stored.as_ref().is_some_and(|stored| stored.replaced.is_some());
        match stored {
            Some(Stored { key, replaced: Some(replaced), .. }) if replaced == self.startup => {
                Ok((key, Saved::Standing))
            }
            _ => {
                self.write(startup.as_ref())?;
                Ok((startup, if changed { Saved::Dropped } else { Saved::Nothing }))
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
        let replaced = (mark(key) != self.startup).then_some(self.startup.as_str());
        let with = Value::from(settings.clone()).to_string();
        let text = text(key, replaced, Some(&with));
        write_private(&self.next(), text.as_bytes()).map_err(|error| self.unwritten(&error))
    }

    /// The settings are stored: the prepared key is in force.
    ///
    /// # Errors
    /// Where the system does not let it; the next start does it then.
    pub(crate) fn install(&self) -> Result<(), KeyFileError> {
        move_into_place(&self.next(), &self.path).map_err(|error| self.unwritten(&error))
    }

    /// The settings are not stored: the old key stays in force.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub(crate) fn abandon(&self) -> Result<(), KeyFileError> {
        remove(&self.next()).map_err(|error| self.unwritten(&error))
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

    fn write(&self, startup: Option<&NetworkKey>) -> Result<(), KeyFileError> {
        let written = match startup {
            None => remove(&self.path),
            key => write_private(&self.path, text(key, None, None).as_bytes()),
        };
        written.map_err(|error| self.unwritten(&error))
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

/// By which a change of the start-up key is noticed.
fn mark(key: Option<&NetworkKey>) -> String {
    key.map_or_else(|| "none".to_owned(), NetworkKey::fingerprint)
}

/// The content of the file. Its length is known first: text that grew would leave half of the key where it was.
fn text(key: Option<&NetworkKey>, replaced: Option<&str>, with: Option<&str>) -> Zeroizing<String> {
    let lines = [("replaced ", replaced), ("with ", with)];
    let rest: usize = lines.iter().map(|(name, value)| name.len() + value.map_or(0, str::len) + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity("in-force ".len() + 2 * 32 + 1 + rest));
    text.push_str("in-force ");
    match key {
        Some(key) => key.as_bytes().iter().for_each(|byte| text.extend(digits(*byte))),
        None => text.push_str("none"),
    }
    text.push('\n');
    for (name, value) in lines {
        text.extend(value.into_iter().flat_map(|value| [name, value, "\n"]));
    }
    text
}

fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
}

fn of(path: &Path, problem: String) -> KeyFileError {
    let cure = "check its permissions, or remove it and give the password again";
    KeyFileError { path: path.to_owned(), problem, cure }
}

fn parse(text: &str) -> Option<Stored> {
    let mut lines = text.lines().peekable();
    let key = match lines.next()?.strip_prefix("in-force ")? {
        "none" => None,
        digits => Some(key_of(digits)?),
    };
    let replaced = lines.next_if(|line| line.starts_with("replaced "));
    let replaced = replaced.and_then(|line| line.strip_prefix("replaced ")).map(str::to_owned);
    let with = match lines.next() {
        None => None,
        Some(line) => Some(serde_json::from_str(line.strip_prefix("with ")?).ok()?),
    };
    Some(Stored { key, replaced, with })
}

fn key_of(digits: &str) -> Option<NetworkKey> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let values = digits.bytes().filter_map(|digit| char::from(digit).to_digit(16));
    // Two digits an octet, the first of which is moved on by the second.
    let values = values.filter_map(|value| u8::try_from(value).ok()).enumerate();
    Some(NetworkKey::filled(|octets| {
        for (at, value) in values {
            if let Some(octet) = octets.get_mut(at / 2) {
                *octet = *octet << 4 | value;
            }
        }
    }))
}

/// The path below a node's `platform` folder.
pub(crate) fn path_under(platform: &Path) -> PathBuf {
    platform.join("network.key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ils_core::settings::Override;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    fn key(seed: u8) -> NetworkKey {
        NetworkKey::from_bytes([seed; 32])
    }

    /// The file of a node that starts with the password of this seed, and what it finds.
    fn opened(path: &Path, seed: Option<u8>) -> (Option<[u8; 32]>, Saved) {
        let startup = seed.map(key);
        let file = KeyFile::new(path.to_owned(), startup.as_ref());
        let (key, saved) = file.open(startup).expect("opens");
        (bytes(key), saved)
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
        let path = path_under(folder.path());
        assert_eq!(opened(&path, Some(1)), (Some([1; 32]), Saved::Nothing));
        change(&KeyFile::new(path.clone(), Some(&key(1))), 2);
        assert_eq!(opened(&path, Some(1)), (Some([2; 32]), Saved::Standing));
        assert_eq!(opened(&path, Some(3)), (Some([3; 32]), Saved::Dropped), "another start-up password");
        assert_eq!(opened(&path, Some(1)), (Some([1; 32]), Saved::Nothing), "the change is dropped for good");
    }

    #[test]
    fn a_password_set_without_a_start_up_one_lasts_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = KeyFile::new(path_under(folder.path()), None);
        change(&file, 2);
        assert_eq!(opened(&path_under(folder.path()), None).0, Some([2; 32]));
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
            let path = path_under(folder.path());
            let file = KeyFile::new(path.clone(), Some(&key(1)));
            opened(&path, Some(1));
            file.prepare(Some(&key(2)), &patch).expect("writes");
            assert_eq!(opened(&path, Some(1)).0, Some([1; 32]), "{case}: so far");
            file.settle(&Settings::new(startup.clone(), overrides).0).expect("settles");
            assert_eq!(opened(&path, Some(1)).0, Some(want), "{case}");
            assert!(!file.next().exists(), "{case}");
        }
    }

    #[test]
    fn a_password_that_is_taken_away_with_settings_leaves_the_start_up_one_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = KeyFile::new(path_under(folder.path()), Some(&key(1)));
        file.prepare(None, &Map::new()).expect("writes");
        file.install().expect("replaces");
        assert_eq!(opened(&path_under(folder.path()), Some(1)), (None, Saved::Standing));
    }

    #[test]
    fn every_octet_of_a_key_comes_back_from_the_file_and_the_text_never_grows() {
        let octets: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8 + 5).unwrap_or(0xfe));
        let key = NetworkKey::from_bytes(octets);
        for (replaced, with) in [(None, None), (Some("none"), None), (Some("mark"), Some("{}"))] {
            let text = text(Some(&key), replaced, with);
            assert!(text.capacity() <= text.len() + "replaced \nwith \n".len(), "{} octets", text.capacity());
            let read = parse(&text).expect("its own text");
            assert_eq!(bytes(read.key), Some(octets));
            assert_eq!((read.replaced.as_deref(), read.with.is_some()), (replaced, with.is_some()));
        }
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
            assert!(KeyFile::new(path.clone(), Some(&key(1))).open(Some(key(1))).is_err(), "{junk:?}");
            assert_eq!(std::fs::read_to_string(&path).expect("is there"), junk);
            let file = KeyFile::new(path.clone(), Some(&key(1)));
            std::fs::write(file.next(), junk).expect("writes");
            let error = file.settle(&Settings::new(Map::new(), vec![]).0).expect_err("it is no key either");
            assert_eq!(error.path, file.next(), "{junk:?}: the file that is at fault is named");
        }
    }
}
