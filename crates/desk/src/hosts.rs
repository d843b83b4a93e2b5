//! The names that a door answers to.

use std::net::IpAddr;

/// Names and addresses that this API answers to, besides `localhost` and loopback.
pub(crate) struct Hosts {
    addresses: Vec<IpAddr>,
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(bound: IpAddr, names: &[String]) -> Self {
        let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from(std::net::Ipv6Addr::LOCALHOST), bound];
        let given = names.iter().filter_map(|name| address(name));
        Self { addresses: loopback.into_iter().chain(given).collect(), names: names.to_vec() }
    }

    /// `host`, `host:port` or `[v6]:port`; any port.
    pub(crate) fn accept(&self, authority: &str) -> bool {
        let Some(host) = without_port(authority) else {
            return false;
        };
        match address(host) {
            Some(address) => self.addresses.contains(&address),
            None => {
                let same = |name: &String| name.eq_ignore_ascii_case(host);
                host.eq_ignore_ascii_case("localhost") || self.names.iter().any(same)
            }
        }
    }
}

/// An address, an IPv6 one with or without brackets.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

fn without_port(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_and_addresses_are_answered_to() {
        let bound: IpAddr = "192.0.2.7".parse().expect("an address");
        let hosts = Hosts::new(bound, &["hub.lab.example".into(), "198.51.100.9".into()]);
        for (authority, want) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1", true),
            ("127.0.0.1:1", true),
            ("127.0.0.1:65535", true),
            ("[::1]", true),
            ("[::1]:8080", true),
            ("192.0.2.7:8080", true),
            ("hub.lab.example", true),
            ("Hub.Lab.Example:80", true),
            ("198.51.100.9:8080", true),
            ("", false),
            (":8080", false),
            ("127.0.0.2", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("evil.example:8080", false),
            ("hub.lab.example.", false),
            ("localhost:", false),
            ("localhost:65536", false),
            ("localhost:+80", false),
            ("localhost:80:80", false),
            ("user@localhost", false),
            ("[::1", false),
            ("[::1]x", false),
            ("[::2]", false),
            ("::1", false),
            ("[localhost]", false),
        ] {
            assert_eq!(hosts.accept(authority), want, "{authority}");
        }
    }
}
