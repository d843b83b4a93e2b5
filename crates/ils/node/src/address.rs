//! Addresses of sockets, as they are told.

use std::net::SocketAddr;

/// A listener on `::` sees IPv4 peers as mapped addresses; traces and alarms name them as IPv4.
pub(crate) fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_named_as_ipv4() {
        for (address, wanted) in
            [("[::ffff:127.0.0.1]:7", "127.0.0.1:7"), ("[::1]:7", "[::1]:7"), ("127.0.0.1:7", "127.0.0.1:7")]
        {
            let address: SocketAddr = address.parse().expect("an address");
            assert_eq!(unmapped(address).to_string(), wanted);
        }
    }
}
