//! A host name, as ILS compares it.

use std::fmt;
use std::str::FromStr;

/// Characters of a host name at most (RFC 1035, without the root's dot).
pub const NAME_MAX: usize = 253;
/// Characters of one of its parts at most (RFC 1035).
pub const LABEL_MAX: usize = 63;

/// A host name in lower case and without one trailing dot, so that `==` is the comparison of names.
///
/// Parts of 1 to 63 letters, digits, `_` and inner `-`, 253 characters in all. The underscore is no letter of RFC 1123, but
/// real hosts have it, and so do their certificates. A last part that is a number makes an address of it. Other alphabets
/// come in their ASCII form, `xn--…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// What is wrong with a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// Nothing, or too much.
    #[error("a host name has 1 to {NAME_MAX} characters, this one {got}")]
    Length {
        /// Characters found.
        got: usize,
    },
    /// It ends in several dots: dropped one by one at each hop, they would make several names of it.
    #[error("a host name may end in one dot, not in several")]
    TrailingDots,
    /// A character that may not stand in it; printed escaped, as it may be a control.
    #[error("a host name consists of letters, digits, '.', '-' and '_'; it cannot hold '{}'", .found.escape_default())]
    Character {
        /// The first one that may not.
        found: char,
    },
    /// Two dots in a row, or one at the beginning.
    #[error("a host name has no empty part between or before its dots")]
    EmptyPart,
    /// A part that DNS cannot carry.
    #[error("a part of a host name has at most {LABEL_MAX} characters, this one {got}")]
    LongPart {
        /// Characters found.
        got: usize,
    },
    /// A part begins or ends with one.
    #[error("a part of a host name neither begins nor ends with '-'")]
    Hyphen,
    /// Its last part is a number, decimal or hexadecimal.
    #[error("a host name does not end in a number, as an address does")]
    Address,
}

impl HostName {
    /// The checked name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let got = name.chars().count();
        if name.ends_with('.') {
            return Err(HostNameError::TrailingDots);
        }
        if !(1..=NAME_MAX).contains(&got) {
            return Err(HostNameError::Length { got });
        }
        if let Some(found) = name.chars().find(|c| !is_allowed(*c)) {
            return Err(HostNameError::Character { found });
        }
        name.split('.').try_for_each(check_part)?;
        if name.rsplit('.').next().is_some_and(is_number) {
            return Err(HostNameError::Address);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_".contains(c)
}

fn check_part(part: &str) -> Result<(), HostNameError> {
    match part.len() {
        0 => Err(HostNameError::EmptyPart),
        got if got > LABEL_MAX => Err(HostNameError::LongPart { got }),
        _ if part.starts_with('-') || part.ends_with('-') => Err(HostNameError::Hyphen),
        _ => Ok(()),
    }
}

/// What the system's resolver takes for the last number of an IPv4 address, written in whatever way.
fn is_number(part: &str) -> bool {
    let hex = part.strip_prefix("0x").or(part.strip_prefix("0X"));
    hex.map_or(part.bytes().all(|b| b.is_ascii_digit()), |hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` to `d`, each as often as given, with dots between them.
    fn parts(lengths: [usize; 4]) -> String {
        let parts = ["a", "b", "c", "d"].iter().zip(lengths);
        parts.map(|(letter, length)| letter.repeat(length)).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn a_host_name_is_normalised() {
        let longest = parts([63, 63, 63, 61]);
        for (case, text, want) in [
            ("the usual", "hub.lab.example", "hub.lab.example"),
            ("one part", "hub", "hub"),
            ("one letter", "h", "h"),
            ("upper case", "HUB.Lab.EXAMPLE", "hub.lab.example"),
            ("one trailing dot", "hub.lab.example.", "hub.lab.example"),
            ("253 characters, parts of 63", &longest, &longest),
            ("253 characters and a trailing dot", &format!("{longest}."), &longest),
            ("an underscore", "hub_1.lab.example", "hub_1.lab.example"),
            ("an underscore at either end", "_hub_.lab", "_hub_.lab"),
            ("hyphens inside", "cucm--11-5.lab", "cucm--11-5.lab"),
            ("digits in front", "1.2.3.lab", "1.2.3.lab"),
            ("digits with a letter behind", "1.2.3a", "1.2.3a"),
            ("a word that begins as hexadecimal", "lab.0xample", "lab.0xample"),
            ("another alphabet in its ASCII form", "xn--hb-xka.lab", "xn--hb-xka.lab"),
        ] {
            assert_eq!(text.parse::<HostName>().map(String::from), Ok(want.to_owned()), "{case}");
        }
    }

    #[test]
    fn what_is_no_host_name_is_refused_with_its_reason() {
        use HostNameError::{Address, Character, EmptyPart, Hyphen, Length, LongPart, TrailingDots};
        for (case, text, want) in [
            ("nothing", "", Length { got: 0 }),
            ("the root", ".", Length { got: 0 }),
            ("254 characters", &parts([63, 63, 63, 62]), Length { got: 254 }),
            ("two trailing dots", "hub..", TrailingDots),
            ("only dots", "..", TrailingDots),
            ("an empty part", "hub..lab", EmptyPart),
            ("a dot in front", ".hub", EmptyPart),
            ("a part of 64", &format!("{}.lab", "a".repeat(64)), LongPart { got: 64 }),
            ("a leading hyphen", "-hub.lab", Hyphen),
            ("a trailing hyphen", "hub-.lab", Hyphen),
            ("a trailing hyphen at the end", "hub.lab-", Hyphen),
            ("a wildcard", "*.lab", Character { found: '*' }),
            ("a blank", "hub lab", Character { found: ' ' }),
            ("a blank at the end", "hub.lab ", Character { found: ' ' }),
            ("a list", "hub.lab,sub.lab", Character { found: ',' }),
            ("an umlaut", "hüb.lab", Character { found: 'ü' }),
            ("the Kelvin sign, whose lower case is k", "\u{212a}", Character { found: '\u{212a}' }),
            ("NUL", "hub\0.lab", Character { found: '\0' }),
            ("IPv6", "2001:db8::1", Character { found: ':' }),
            ("IPv4", "192.0.2.1", Address),
            ("IPv4 with a dot", "192.0.2.1.", Address),
            ("no IPv4 address by a hair", "192.0.2.256", Address),
            ("IPv4 in short", "127.1", Address),
            ("IPv4 as one number", "2130706433", Address),
            ("IPv4 in hexadecimal", "0x7F000001", Address),
            ("a number as the last part", "hub.lab.5", Address),
        ] {
            assert_eq!(text.parse::<HostName>(), Err(want), "{case}");
        }
    }

    #[test]
    fn a_name_is_read_back_from_its_own_text_and_an_error_shows_no_control() {
        let name: HostName = "Hub_1.Lab.Example.".parse().expect("a host name");
        assert_eq!(name.to_string().parse(), Ok(name));
        let error = "a\u{1b}b".parse::<HostName>().expect_err("a control").to_string();
        assert!(error.ends_with("it cannot hold '\\u{1b}'"), "{error}");
    }
}
