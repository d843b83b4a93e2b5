//! The lab's certificates: one CA, and for each node a CA-signed and a self-signed tomcat certificate.
//!
//! ```text
//! IssueArgs -> Issue -> issue() -> Issued -> what `ilslab certs issue` prints
//!                          |
//!                          |  name       what a node is called, checked before anything is touched
//!                          |  folder     the pairs of files: locked, kept where they stand, written whole
//!                          |  found      what a kept certificate says, beside what was asked for
//!                          |  key        new keys, made on every processor
//!                          '  identity, authority    certificates, in memory
//! ```
//!
//! `certs/ca/root.{pem,key}` is the lab's CA; `certs/NAME/{ca-signed,self-signed}.{pem,key}` are those of a node.
//! Whoever needs certificates without files takes [`Key`], [`Authority`] and [`Identity`] directly.

mod authority;
mod command;
mod error;
mod folder;
mod found;
mod identity;
mod issue;
mod key;
mod name;
mod sign;
#[cfg(test)]
mod tests;

pub use authority::{AUTHORITY_DAYS, Authority};
pub use command::{CertsArgs, CertsCommand, IssueArgs, run};
pub use error::CertsError;
pub(crate) use folder::authority_files;
pub use found::Difference;
pub use identity::{Identity, Validity};
pub use issue::{DEFAULT_DAYS, Issue, Issued, IssuedNode, IssuedPair, State, issue};
pub use key::{Key, KeyKind};
pub use name::{Node, NodeError};
pub use sign::{Sign, sign};
