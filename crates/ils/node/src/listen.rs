//! A port that is this node's for as long as the process lives, whether it listens or not.
//!
//! A guard socket is bound at start and never listens. A listener beside it comes and goes with the method in force:
//! without one, the system refuses connections, as a CUCM set to the other method does. The guard takes the number
//! exclusively, then lets listeners of this process share it, so that a port chosen by 0 keeps its number.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use ils_core::config::Config;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has it.
    #[error("port {port} is in use; stop who has it (`ss -ltnp`), or choose another with {option}")]
    InUse {
        /// Which port.
        port: u16,
        /// The option that sets it.
        option: &'static str,
    },
    /// The system refuses it.
    #[error("port {port} cannot be opened on {address}: {source}; check {option} and --listen")]
    Refused {
        /// Which port.
        port: u16,
        /// On which address.
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        /// The system's words.
        source: io::Error,
    },
}

/// A bound port.
pub(crate) struct Port {
    _guard: Socket,
    address: SocketAddr,
}

impl Port {
    /// Binds it; 0 lets the system choose. `option` is named in errors.
    ///
    /// # Errors
    /// It is taken, or the system refuses.
    pub(crate) fn bind(address: SocketAddr, option: &'static str) -> Result<Self, ListenError> {
        guard(address).map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => ListenError::InUse { port: address.port(), option },
            _ => ListenError::Refused { port: address.port(), address, option, source },
        })
    }

    /// With the number that the system chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on connections are accepted, until the listener is dropped.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        let socket = socket(self.address)?;
        socket.set_reuse_port(true)?;
        socket.bind(&self.address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket.into())
    }
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a process before may still linger on the port.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn guard(address: SocketAddr) -> io::Result<Port> {
    let guard = socket(address)?;
    guard.bind(&address.into())?;
    // Bound: nobody else may share it from now on, but listeners of this process may.
    guard.set_reuse_address(false)?;
    guard.set_reuse_port(true)?;
    let address = guard.local_addr()?.as_socket().unwrap_or(address);
    Ok(Port { _guard: guard, address })
}

/// A hub's two ports.
pub(crate) struct Ports {
    pub(crate) tls: Port,
    pub(crate) password: Port,
}

impl Ports {
    /// Binds both.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub(crate) fn bind(config: &Config) -> Result<Self, ListenError> {
        let listen = &config.listen;
        Ok(Self {
            tls: Port::bind(SocketAddr::new(listen.address, listen.tls_port), "--tls-port")?,
            password: Port::bind(SocketAddr::new(listen.address, listen.password_port), "--password-port")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    const HOSTS: [&str; 4] = ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"];

    /// Where this machine speaks IPv6, or does not have to.
    fn ports() -> impl Iterator<Item = Port> {
        let ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
        let hosts = HOSTS.into_iter().filter(move |host| ipv6 || !host.starts_with('['));
        hosts.map(|host| Port::bind(host.parse().expect("an address"), "--tls-port").expect("a free port"))
    }

    fn near(address: SocketAddr) -> SocketAddr {
        let host = match address.ip() {
            ip if !ip.is_unspecified() => ip,
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(host, address.port())
    }

    #[tokio::test]
    async fn a_bound_port_refuses_until_it_listens_and_again_when_it_stops_and_keeps_its_number() {
        for port in ports() {
            let address = port.address();
            for _ in 0..2 {
                let refused = TcpStream::connect(near(address)).expect_err("nobody listens");
                assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{address}");
                let listener = port.listen().expect("listens");
                assert_eq!(listener.local_addr().expect("bound").port(), address.port());
                TcpStream::connect(near(address)).expect("somebody listens");
            }
        }
    }

    #[test]
    fn a_bound_port_is_in_use_for_everybody_else_whether_it_listens_or_not() {
        for port in ports() {
            let address = port.address();
            let again = Port::bind(address, "--tls-port").err().expect("it is taken");
            assert!(matches!(again, ListenError::InUse { port, .. } if port == address.port()), "{again}");
            let foreign = std::net::TcpListener::bind(address).expect_err("it is taken");
            assert_eq!(foreign.kind(), ErrorKind::AddrInUse, "{address}");
        }
    }
}
