//! Many pairs on one machine: each has two addresses of loopback of its own, and the default ports on them.
//!
//! ```text
//! hub      127.0.0.1     spoke      127.0.0.2, API 127.0.0.1:8081      the pair without a number
//! hub@N    127.1.N.1     spoke@N    127.1.N.2                          N from 1 to 254
//! ```
//! On Linux all of 127.0.0.0/8 is the machine itself; elsewhere the addresses have to be added first.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU8;
use std::str::FromStr;

use crate::process::Side;

/// Where the two APIs are unless told otherwise.
const ADMIN_PORTS: [u16; 2] = [8080, 8081];

/// The number of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(NonZeroU8);

/// A text is no number of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an instance is a number from 1 to 254")]
pub struct InstanceError;

impl Instance {
    /// The highest: 255 would look like a broadcast address.
    pub const LAST: u8 = 254;

    /// The address of this node.
    pub fn address(self, side: Side) -> Ipv4Addr {
        let host = match side {
            Side::Hub => 1,
            Side::Spoke => 2,
        };
        Ipv4Addr::new(127, 1, self.0.get(), host)
    }

    /// The address of its API.
    pub fn api(self, side: Side) -> SocketAddr {
        SocketAddr::from((self.address(side), admin_port(side)))
    }
}

impl FromStr for Instance {
    type Err = InstanceError;

    fn from_str(text: &str) -> Result<Self, InstanceError> {
        let number = text.parse().ok().filter(|number: &NonZeroU8| number.get() <= Self::LAST);
        // One number, one text: what is typed is part of the names of files.
        number.filter(|number| number.to_string() == text).map(Self).ok_or(InstanceError)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node as commands call it: `hub`, `spoke`, `hub@3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeName {
    /// Which of the pair.
    pub side: Side,
    /// Which pair.
    pub instance: Option<Instance>,
}

impl NodeName {
    /// Where its API is, unless somebody knows better.
    pub fn api(self) -> SocketAddr {
        match self.instance {
            Some(instance) => instance.api(self.side),
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, admin_port(self.side))),
        }
    }
}

impl FromStr for NodeName {
    type Err = InstanceError;

    fn from_str(text: &str) -> Result<Self, InstanceError> {
        let (side, instance) = match text.split_once('@') {
            Some((side, instance)) => (side, Some(instance.parse()?)),
            None => (text, None),
        };
        let side = Side::BOTH.into_iter().find(|known| known.name() == side).ok_or(InstanceError)?;
        Ok(Self { side, instance })
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            Some(instance) => write!(f, "{}@{instance}", self.side),
            None => self.side.fmt(f),
        }
    }
}

fn admin_port(side: Side) -> u16 {
    let [hub, spoke] = ADMIN_PORTS;
    match side {
        Side::Hub => hub,
        Side::Spoke => spoke,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_called_by_its_side_and_the_number_of_its_pair() {
        for (text, want) in [
            ("hub", Some("127.0.0.1:8080")),
            ("spoke", Some("127.0.0.1:8081")),
            ("hub@1", Some("127.1.1.1:8080")),
            ("spoke@254", Some("127.1.254.2:8081")),
            ("hub@0", None),
            ("hub@255", None),
            ("hub@01", None),
            ("hub@+1", None),
            ("hub@", None),
            ("@1", None),
            ("Hub", None),
            ("hubb", None),
            ("", None),
        ] {
            let name = text.parse::<NodeName>().ok();
            assert_eq!(name.map(|name| name.api().to_string()).as_deref(), want, "{text}");
            assert_eq!(name.map(|name| name.to_string()).as_deref(), want.map(|_| text), "it is called so");
        }
    }
}
