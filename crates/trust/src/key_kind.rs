//! What keys there are, and what checking with one comes to.

/// What OpenSSL's "signature algorithm matches issuer key" compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyKind {
    Rsa,
    RsaPss,
    Ec,
    Ed25519,
    Ed448,
    Dsa,
    /// X25519 and X448, which sign nothing.
    Agreement,
}

/// What came of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Check {
    Good,
    Bad,
    /// Nothing here can check it.
    Unsupported,
}

impl Check {
    pub(crate) fn of(is_good: bool) -> Check {
        if is_good { Check::Good } else { Check::Bad }
    }
}
