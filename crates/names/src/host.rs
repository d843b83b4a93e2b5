//! What somebody types where a host is asked for: a name or an address, and neither port nor URL.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::host_name::{HostName, HostNameError};

/// A host name, kept as it was given (its trailing dot tells the resolver something), or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A text that is a [`HostName`].
    Name(String),
    /// An address; an IPv6 one may come in brackets.
    Address(IpAddr),
}

/// Why a text is no host. Its words go on where the text stands: "`hub:7501` has a port in it".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// White space, at an end or inside.
    #[error("has a blank in it")]
    Blank,
    /// A scheme, a path or a user's name.
    #[error("is a URL or a part of one, and no host")]
    Url,
    /// A host, and a port.
    #[error("has a port in it")]
    Port,
    /// One bracket without the other, or something behind both.
    #[error("has a bracket where none belongs: an IPv6 address stands in both, or in none")]
    Bracket,
    /// `fe80::1%eth0`.
    #[error("has a zone, which is not taken: give an address without one")]
    Zone,
    /// It looks like an address and is none.
    #[error("is not an IP address")]
    NoAddress,
    /// Not a host name either.
    #[error("is not a host name: {0}")]
    Name(HostNameError),
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        match literal(text)? {
            Some(address) => Ok(Self::Address(address)),
            None => match text.parse::<HostName>() {
                Ok(_) => Ok(Self::Name(text.to_owned())),
                Err(HostNameError::Address) => Err(HostError::NoAddress),
                Err(error) => Err(HostError::Name(error)),
            },
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// An address alone; an IPv6 one may come in brackets.
///
/// # Errors
/// What is wrong with it; a host name is no address.
pub fn address(text: &str) -> Result<IpAddr, HostError> {
    literal(text)?.ok_or(HostError::NoAddress)
}

/// The address that a text is; `None` where it may be a name.
fn literal(text: &str) -> Result<Option<IpAddr>, HostError> {
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    if text.contains(char::is_whitespace) {
        return Err(HostError::Blank);
    }
    if text.contains(['/', '@', '?', '#']) {
        return Err(HostError::Url);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return in_brackets(rest).map(|address| Some(IpAddr::V6(address)));
    }
    if text.contains(['[', ']']) {
        return Err(HostError::Bracket);
    }
    match text.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) if text.contains(':') => Err(with_colons(text)),
        Err(_) => Ok(None),
    }
}

fn in_brackets(rest: &str) -> Result<Ipv6Addr, HostError> {
    match rest.split_once(']') {
        Some((address, "")) => address.parse().map_err(|_| with_colons(address)),
        Some((_, behind)) if is_port(behind) => Err(HostError::Port),
        _ => Err(HostError::Bracket),
    }
}

/// No IPv6 address, though there are colons or brackets.
fn with_colons(text: &str) -> HostError {
    let before_zone = text.split_once('%').map(|(address, _)| address.parse::<Ipv6Addr>());
    match text.split_once(':') {
        _ if matches!(before_zone, Some(Ok(_))) => HostError::Zone,
        Some((_, behind)) if !behind.contains(':') => HostError::Port,
        _ => HostError::NoAddress,
    }
}

/// A colon and digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_as_it_was_given_or_an_address() {
        for (case, text, shown) in [
            ("a name", "hub.lab.example", "hub.lab.example"),
            ("a name with a dot, which ends the resolver's search", "hub.lab.example.", "hub.lab.example."),
            ("a name in upper case", "HUB", "HUB"),
            ("a name with an underscore", "ils_hub", "ils_hub"),
            ("IPv4", "192.0.2.1", "192.0.2.1"),
            ("IPv6", "2001:db8::1", "2001:db8::1"),
            ("IPv6 in brackets", "[2001:db8::1]", "2001:db8::1"),
            ("IPv6 at length", "[0:0:0:0:0:0:0:1]", "::1"),
            ("IPv6 with IPv4 in it", "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ] {
            assert_eq!(text.parse::<Host>().map(|host| host.to_string()), Ok(shown.to_owned()), "{case}");
        }
    }

    /// What is no host, and so no address either.
    const NONE: [(&str, HostError); 20] = [
        ("", HostError::Empty),
        (" ", HostError::Blank),
        (" hub", HostError::Blank),
        ("hub\n", HostError::Blank),
        ("127.0.0.1 ", HostError::Blank),
        ("http://hub", HostError::Url),
        ("hub/", HostError::Url),
        ("admin@hub", HostError::Url),
        ("hub:7501", HostError::Port),
        ("hub:", HostError::Port),
        ("127.0.0.1:7501", HostError::Port),
        ("[::1]:7501", HostError::Port),
        ("[::1", HostError::Bracket),
        ("::1]", HostError::Bracket),
        ("[::1]x", HostError::Bracket),
        ("fe80::1%eth0", HostError::Zone),
        ("[fe80::1%1]", HostError::Zone),
        ("2001:db8::g", HostError::NoAddress),
        ("[127.0.0.1]", HostError::NoAddress),
        ("[hub]", HostError::NoAddress),
    ];

    #[test]
    fn what_is_no_host_is_refused_with_its_reason() {
        for (text, want) in NONE {
            assert_eq!(text.parse::<Host>(), Err(want), "{text:?}");
            assert_eq!(address(text), Err(want), "{text:?}");
        }
        for text in ["256.0.0.1", "127.1", "010.0.0.1x.8", "1"] {
            assert_eq!(text.parse::<Host>(), Err(HostError::NoAddress), "{text:?}");
        }
        for text in ["hüb", "-hub", "a..b", "*.lab"] {
            assert!(matches!(text.parse::<Host>(), Err(HostError::Name(_))), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        assert_eq!(address("[::1]"), Ok(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(address("0.0.0.0"), Ok(IpAddr::from([0, 0, 0, 0])));
        for text in ["localhost", "127.1", "256.0.0.1", "hüb"] {
            assert_eq!(address(text), Err(HostError::NoAddress), "{text}");
        }
    }
}
