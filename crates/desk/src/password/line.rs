//! What a password file may hold: one line of UTF-8, so that what somebody types elsewhere is the same.

/// Why a text is not one line of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// As an editor on Windows puts before UTF-8.
    #[error("it begins with a byte-order mark; save it as UTF-8 without one")]
    Mark,
    /// Two octets a character.
    #[error("it is text in UTF-16; save it as UTF-8 without a byte-order mark")]
    Utf16,
    /// Latin-1, say.
    #[error("it is not UTF-8; save it as UTF-8 without a byte-order mark")]
    NotUtf8,
    /// Which of them is the password?
    #[error("it has more than one line; write the password alone into it, in one line")]
    Lines,
}

/// The password in these octets, less one final LF or CRLF.
///
/// # Errors
/// Why nobody can be sure which password is meant.
pub fn password_line(octets: &[u8]) -> Result<&str, LineError> {
    if octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff") || octets.contains(&0) {
        return Err(LineError::Utf16);
    }
    let text = str::from_utf8(octets).map_err(|_| LineError::NotUtf8)?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        line if line.starts_with('\u{feff}') => Err(LineError::Mark),
        line if line.contains(['\n', '\r']) => Err(LineError::Lines),
        line => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_of_utf_8_without_a_mark_or_refused() {
        for (case, octets, want) in [
            ("no end", &b"secret"[..], Ok("secret")),
            ("a line", b"secret\n", Ok("secret")),
            ("of Windows", b"secret\r\n", Ok("secret")),
            ("blanks", b" secret ", Ok(" secret ")),
            ("no ASCII", "sécret\n".as_bytes(), Ok("sécret")),
            ("nothing", b"", Ok("")),
            ("an empty line", b"\n", Ok("")),
            ("two lines", b"first\nsecond\n", Err(LineError::Lines)),
            ("an empty line behind", b"secret\n\n", Err(LineError::Lines)),
            ("an old Mac", b"secret\r", Err(LineError::Lines)),
            ("a mark", b"\xef\xbb\xbfsecret\r\n", Err(LineError::Mark)),
            ("UTF-16", b"\xff\xfes\0e\0", Err(LineError::Utf16)),
            ("the other way round", b"\xfe\xff\0s\0e", Err(LineError::Utf16)),
            ("without a mark", b"s\0e\0", Err(LineError::Utf16)),
            ("Latin-1", b"s\xe9cret\n", Err(LineError::NotUtf8)),
        ] {
            assert_eq!(password_line(octets), want, "{case}");
        }
    }
}
