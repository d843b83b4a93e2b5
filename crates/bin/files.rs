//! Files that people name: read up to a bound, since a device or a pipe may never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ilslab_desk::password_line;
use zeroize::Zeroizing;

/// All of a file that has at most so many octets; wiped when dropped, since it may be a secret.
///
/// # Errors
/// The system's, or [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    all(File::open(path)?, most)
}

/// The line of a file that holds one, as a password file does, without its end.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_line(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    line(File::open(path)?, most)
}

/// The same of whatever can be read.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn line(source: impl Read, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = all(source, most.saturating_add(2))?;
    let length =
        password_line(&content).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?.len();
    content.truncate(length);
    Ok(content)
}

/// The text of a file that is UTF-8; where it is not, the error names the encoding.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`].
pub(crate) fn text(octets: &[u8]) -> io::Result<String> {
    let other = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    if octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff") || octets.contains(&0) {
        return Err(other("it is text in UTF-16; save it as UTF-8"));
    }
    let text = str::from_utf8(octets).map_err(|_| other("it is not UTF-8; save it as UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// All that can be read, at most so many octets.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn all(source: impl Read, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it from the start: growing would leave copies of a secret behind.
    let mut content = Zeroizing::new(Vec::with_capacity(most.saturating_add(2)));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut content)?;
    if content.len() > most {
        let error = format!("it has more than {most} octets");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_without_its_end_and_with_nothing_else_left_out() {
        for (content, want) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            (" secret ", " secret "),
            ("", ""),
            ("\n", ""),
        ] {
            let read = line(content.as_bytes(), 8).expect("it is short");
            assert_eq!(*read, want.as_bytes(), "{content:?}");
        }
        for (content, reason) in [
            (&b"first\nsecond\n"[..], "more than one line"),
            (b"\xef\xbb\xbfpass\r\n", "byte-order mark"),
            (b"\xff\xfep\0a\0", "UTF-16"),
            (b"p\xe9\n", "not UTF-8"),
        ] {
            let error = line(content, 16).expect_err(reason).to_string();
            assert!(error.contains(reason), "{reason}: {error}");
        }
        assert!(line(&b"12345678\r\n"[..], 8).is_ok() && line(&b"12345678901"[..], 8).is_err());
    }

    #[test]
    fn a_text_is_utf_8_with_or_without_a_mark_and_an_error_names_the_encoding() {
        for (content, want) in [
            (&b"a = 1\n"[..], Ok("a = 1\n")),
            (b"\xef\xbb\xbfa = 1\n", Ok("a = 1\n")),
            (b"\xff\xfea\0", Err("UTF-16")),
            (b"\xfe\xff\0a", Err("UTF-16")),
            (b"a\0 \0", Err("UTF-16")),
            (b"a = '\xe9'\n", Err("not UTF-8")),
        ] {
            match (text(content), want) {
                (Ok(text), want) => assert_eq!(Ok(text.as_str()), want),
                (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
                (Err(error), Ok(want)) => panic!("{want}: {error}"),
            }
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_and_one_without_an_end_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for (octets, is_read) in [(0, true), (1_024, true), (1_025, false)] {
            std::fs::write(&path, vec![b'x'; octets]).expect("writes");
            assert_eq!(read(&path, 1_024).is_ok_and(|content| content.len() == octets), is_read, "{octets}");
        }
        let endless = read(Path::new("/dev/zero"), 1_024).expect_err("it never ends");
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
        assert!(read(&folder.path().join("nowhere"), 1_024).is_err());
    }
}
