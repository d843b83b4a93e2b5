//! A node of the lab: the name of its folder, and the FQDN that its certificates carry.

use std::fmt;
use std::str::FromStr;

use ils_core::wire::{HostName, HostNameError};
use serde::Serialize;

/// The longest folder name, in characters. Ours: short enough for any file system and any table.
const NAME_MAX: usize = 64;
/// The folder of the lab CA, which no node may have.
pub(super) const AUTHORITY_NAME: &str = "ca";

/// One node: its folder under `certs/`, and its FQDN. Both are checked; parsed from `NAME=FQDN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    name: String,
    fqdn: String,
}

/// Why a text is no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// No `=` in it.
    #[error("`{0}` is not NAME=FQDN; write it like hub=hub.lab.example")]
    NoEqualsSign(String),
    /// The name would make a bad folder.
    #[error(
        "`{0}` cannot name a node's folder; use 1 to 64 letters, digits, `-`, `_` or `.`, a letter or digit first"
    )]
    BadName(String),
    /// The name of the CA's own folder.
    #[error("`{0}` is the folder of the lab CA; call the node something else")]
    Reserved(String),
    /// Not a host name that ILS could match.
    #[error("`{fqdn}` cannot be a node's FQDN: {why}")]
    BadFqdn {
        /// As given.
        fqdn: String,
        /// What is wrong.
        why: HostNameError,
    },
}

impl Node {
    /// Checks both. One trailing dot of the FQDN is dropped, since a certificate's dNSName has none.
    pub fn new(name: &str, fqdn: &str) -> Result<Self, NodeError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), fqdn: checked_fqdn(fqdn)?.to_owned() })
    }

    /// The name of its folder, as `hub`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The FQDN its certificates carry, as `hub.lab.example`.
    pub fn fqdn(&self) -> &str {
        &self.fqdn
    }
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Self, NodeError> {
        let (name, fqdn) = text.split_once('=').ok_or_else(|| NodeError::NoEqualsSign(text.to_owned()))?;
        Self::new(name, fqdn)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.fqdn)
    }
}

fn check_name(name: &str) -> Result<(), NodeError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !starts_well || name.len() > NAME_MAX || !name.chars().all(allowed) {
        return Err(NodeError::BadName(name.to_owned()));
    }
    if name.eq_ignore_ascii_case(AUTHORITY_NAME) {
        return Err(NodeError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// The FQDN without its trailing dot, where a certificate with it could be matched by ILS: wildcards and addresses
/// never match.
pub(super) fn checked_fqdn(given: &str) -> Result<&str, NodeError> {
    match given.parse::<HostName>() {
        Ok(_) => Ok(given.strip_suffix('.').unwrap_or(given)),
        Err(why) => Err(NodeError::BadFqdn { fqdn: given.to_owned(), why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_good_node_is_taken_as_it_is_but_for_a_trailing_dot() {
        let longest = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
        for (case, text, name, fqdn) in [
            ("the usual", "hub=hub.lab.example", "hub", "hub.lab.example"),
            ("one label", "hub=hub", "hub", "hub"),
            ("a trailing dot", "hub=hub.lab.example.", "hub", "hub.lab.example"),
            ("a name with marks", "hub-2_b.x=h", "hub-2_b.x", "h"),
            ("digits", "1=1.2.3a", "1", "1.2.3a"),
            ("an underscore", "hub=ils_hub.lab", "hub", "ils_hub.lab"),
            ("253 characters", &format!("hub={longest}"), "hub", &longest),
        ] {
            let node: Node = text.parse().unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!((node.name(), node.fqdn()), (name, fqdn), "{case}");
        }
    }

    #[test]
    fn a_bad_node_is_refused_with_what_is_wrong_with_it() {
        let too_long = format!("hub={}.{}", "a.".repeat(126), "bc");
        for (case, text, want) in [
            ("no sign", "hub", "is not NAME=FQDN"),
            ("no name", "=hub.lab.example", "cannot name a node's folder"),
            ("a path", "a/b=hub", "cannot name a node's folder"),
            ("the parent", "..=hub", "cannot name a node's folder"),
            ("hidden", ".hub=hub", "cannot name a node's folder"),
            ("65 characters", &format!("{}=hub", "n".repeat(65)), "cannot name a node's folder"),
            ("the CA's", "CA=hub", "the folder of the lab CA"),
            ("no FQDN", "hub=", "1 to 253 characters"),
            ("254 characters", &too_long, "1 to 253 characters"),
            ("a wildcard", "hub=*.lab.example", "cannot hold '*'"),
            ("IPv4", "hub=127.0.0.1", "as an address does"),
            ("IPv6", "hub=::1", "cannot hold ':'"),
            ("an empty label", "hub=a..b", "no empty part"),
            ("a long label", &format!("hub={}.x", "a".repeat(64)), "at most 63 characters"),
            ("a hyphen first", "hub=-a.b", "begins nor ends with"),
            ("not ASCII", "hub=hüb.lab", "cannot hold"),
            ("a blank", "hub=a b", "cannot hold ' '"),
        ] {
            let error = text.parse::<Node>().map(|n| n.to_string()).expect_err(case).to_string();
            assert!(error.contains(want), "{case}: {error}");
        }
    }
}
