//! What a caller may take.

use std::time::Duration;

/// What a caller may take, in number, size and time.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections at once; beyond it one that has not logged in gives way.
    pub connections: usize,
    /// Connections at once of an IPv4 address or an IPv6 /64.
    pub source_connections: usize,
    /// Octets of a request line with its headers; hyper takes no less than 8 KiB.
    pub header_size: usize,
    /// From the first wait for a request to the end of its headers, idle time included.
    pub header_time: Duration,
    /// Octets of a body.
    pub body_size: usize,
    /// For a whole body to arrive.
    pub body_time: Duration,
    /// For a whole connection on which nobody has logged in; an answer under way then has as long again.
    pub stranger_time: Duration,
    /// For a whole connection, however many requests it carries; it also ends one that takes no answers.
    pub connection_time: Duration,
    /// For the answer under way when the server or the connection's time ends.
    pub grace: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 128,
            source_connections: 64,
            header_size: 16 * 1024,
            header_time: Duration::from_secs(10),
            body_size: 64 * 1024,
            body_time: Duration::from_secs(10),
            stranger_time: Duration::from_secs(10),
            connection_time: Duration::from_secs(600),
            grace: Duration::from_secs(2),
        }
    }
}
