//! `Ils::VerifyCertificateInfo`: may a peer whose chain is good take part?
//!
//! ```text
//! the very certificate is in the store            -> InStore        (method 2)
//! a password is set, the chain ends in a root     -> RootUploaded   (method 3; the password decides)
//! its FQDN is in the PeerInfoVector               -> KnownFqdn      (method 4)
//! else                                            -> NotKnown
//! ```

use crate::certificate::Certificate;
use crate::store::TrustStore;
use crate::verdict::Verdict;

/// The branch that let a peer in, or kept it out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Its certificate was imported, byte for byte.
    InStore,
    /// Its chain ends in an uploaded root, and the password is still to decide.
    RootUploaded,
    /// It joined before: this FQDN of its certificate is in the PeerInfoVector.
    KnownFqdn(String),
    /// It is to be turned away.
    NotKnown {
        /// [`Certificate::display_name`], for the trace and the alarm; not escaped.
        name: String,
    },
}

impl Admission {
    /// Whether the connection goes on.
    pub fn is_admitted(&self) -> bool {
        !matches!(self, Admission::NotKnown { .. })
    }
}

/// Decides, in the order above, about a peer whose handshake has ended.
///
/// `password_set` is this node's own box, never the peer's claim; `known_fqdn` says whether a name, in
/// lower case without a trailing dot, is in the PeerInfoVector. Only names in the certificate are asked
/// for. A verdict that is not ok is the caller's mistake and admits nobody.
pub fn admit(
    peer: &Certificate, verdict: &Verdict, store: &TrustStore, password_set: bool,
    known_fqdn: impl Fn(&str) -> bool,
) -> Admission {
    if !verdict.is_ok() {
        return Admission::NotKnown { name: peer.display_name() };
    }
    if store.is_pinned(peer) {
        return Admission::InStore;
    }
    if password_set && store.has_anchor() {
        return Admission::RootUploaded;
    }
    match peer.fqdns().iter().find(|name| known_fqdn(name)) {
        Some(name) => Admission::KnownFqdn(name.clone()),
        None => Admission::NotKnown { name: peer.display_name() },
    }
}
