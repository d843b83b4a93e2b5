//! Names of files that a caller may choose.

use std::fmt;
use std::str::FromStr;

/// Longest name, in characters.
const LENGTH_MAX: usize = 64;

/// Name of a file in `tomcat-trust`, without its folder: up to 64 letters, digits, `.`, `_` and `-` of ASCII, a letter
/// or digit first, `.pem` last. So it can lead nowhere else, is not hidden, and is read at the service's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

/// The text is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file name has at most {LENGTH_MAX} characters of A-Za-z0-9._-, begins with a letter or digit, and ends with .pem"
)]
pub struct FileNameError;

impl FileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let fits = text.len() <= LENGTH_MAX && text.bytes().all(plain);
        if begins && fits && text.ends_with(".pem") { Ok(Self(text.to_owned())) } else { Err(FileNameError) }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_a_pem_file_of_its_own_folder_or_is_none() {
        let longest = format!("{}.pem", "a".repeat(60));
        let longer = format!("{}.pem", "a".repeat(61));
        for (name, text, want) in [
            ("plain", "root.pem", true),
            ("an FQDN", "hub_1.lab-2.example.pem", true),
            ("a digit first", "1.pem", true),
            ("the longest", &longest, true),
            ("one character more", &longer, false),
            ("nothing", "", false),
            ("no stem", ".pem", false),
            ("hidden", ".root.pem", false),
            ("an option", "-root.pem", false),
            ("another ending", "root.crt", false),
            ("another case of it", "root.PEM", false),
            ("no ending", "rootpem", false),
            ("a folder", "a/root.pem", false),
            ("the folder above", "../root.pem", false),
            ("an absolute path", "/root.pem", false),
            ("a backslash", "a\\root.pem", false),
            ("a NUL", "root.pem\0.pem", false),
            ("a line break", "root\n.pem", false),
            ("a space", "root ca.pem", false),
            ("an escaped slash", "..%2froot.pem", false),
            ("an umlaut", "wörzel.pem", false),
        ] {
            assert_eq!(text.parse::<FileName>().is_ok(), want, "{name}");
        }
    }
}
