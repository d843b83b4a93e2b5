//! Host names and addresses, by one rule wherever they come from; and how what a stranger calls himself is shown.
//!
//! ```text
//! --fqdn, a certificate's names, names on the wire  -> HostName    lower case, no trailing dot: `==` compares
//! --registration-server, PATCH, --admin-name        -> Host        a host name or an address
//! --listen, --dial-from                             -> address     an address alone
//! where a stranger comes from                       -> Source      an IPv4 address, or the /64 of an IPv6 one
//! whatever somebody else has written                -> escape      printable ASCII, in which nothing is hidden
//! ```
//! What one of them takes no other refuses: a name that a node may start with is one that a certificate can carry and a
//! peer can say.

mod by_source;
mod escape;
mod host;
mod host_name;
mod source;

pub use by_source::{BySource, LastTimes};
pub use escape::{ascii_json, escape, escape_bytes, escape_name, hex, printable};
pub use host::{Host, HostError, address};
pub use host_name::{HostName, HostNameError, LABEL_MAX, NAME_MAX};
pub use source::Source;
