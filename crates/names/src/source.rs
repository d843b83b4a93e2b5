//! Where strangers come from, as far as they are counted: one host may have many addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

/// An IPv4 address by itself, an IPv6 one with its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source of this address; of a mapped one that of its IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => IpAddr::V4(Ipv4Addr::from(v4.octets())),
                None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
            },
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_source_is_its_64_and_a_mapped_address_its_ipv4() {
        for (one, other, same, shown) in [
            ("2001:db8::1", "2001:db8::2", true, "2001:db8::/64"),
            ("2001:db8:0:1::1", "2001:db8::1", false, "2001:db8:0:1::/64"),
            ("::ffff:127.0.0.1", "127.0.0.1", true, "127.0.0.1"),
            ("127.0.0.1", "127.0.0.2", false, "127.0.0.1"),
        ] {
            let source = |text: &str| Source::of(text.parse().expect("an address"));
            assert_eq!(source(one) == source(other), same, "{one} {other}");
            assert_eq!(source(one).to_string(), shown);
        }
    }
}
