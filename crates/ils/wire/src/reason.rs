//! Why a peer refuses a join or ends a connection: one number on the wire, one word in logs.

// spec: WIRE.md#reasons

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        /// The reason in a `Refused` or a `Bye`. Shown as its kebab-case word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A number that this version does not know; it ends the connection all the same.
            Other(u8),
        }

        impl Reason {
            /// Every reason that has a name, in the order of the numbers.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// Its number on the wire.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The reason with this number; [`Reason::Other`] where it has no name.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.pad($word),)*
                    Self::Other(code) => write!(f, "other-{code}"),
                }
            }
        }
    };
}

reasons! {
    /// The service is stopping.
    Shutdown = 1, "shutdown";
    /// The sender's authentication method is changing.
    MethodChanged = 2, "method-changed";
    /// One side has a password and the other none.
    MethodMismatch = 3, "method-mismatch";
    /// Another cluster has this cluster ID.
    DuplicateClusterId = 4, "duplicate-cluster-id";
    /// The cluster ID is still the installation's default.
    DefaultClusterId = 5, "default-cluster-id";
    /// Another cluster has this peer ID, FQDN or route string.
    DuplicateIdentity = 6, "duplicate-identity";
    /// The claimed FQDN is not one that the certificate carries.
    FqdnMismatch = 7, "fqdn-mismatch";
    /// A known peer came back with another role.
    RoleChanged = 8, "role-changed";
    /// No protocol version in common.
    ProtocolVersion = 9, "protocol-version";
    /// A frame or message that the protocol does not allow there.
    ProtocolError = 10, "protocol-error";
    /// The sender cannot store what it would acknowledge; try again later.
    Temporary = 11, "temporary";
    /// Nothing was heard of the receiver for too long.
    Unresponsive = 12, "unresponsive";
    /// A newer connection of the same pair took this one's place.
    Displaced = 13, "displaced";
    /// An administrator forgot the receiver.
    Disconnected = 14, "disconnected";
    /// The service is restarting.
    Restart = 15, "restart";
    /// The sender knows as many peers as it can.
    PeerLimit = 16, "peer-limit";
    /// The sender's own PeerInfo changed; connect again to learn it.
    IdentityChanged = 17, "identity-changed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_as_itself() {
        for code in 0..=u8::MAX {
            assert_eq!(Reason::from_code(code).code(), code);
        }
        for (n, reason) in (1u8..).zip(Reason::KNOWN) {
            assert_eq!(reason.code(), n, "{reason} is out of the order of the numbers");
        }
    }

    #[test]
    fn a_reason_is_shown_as_a_word() {
        for (reason, word) in [
            (Reason::Shutdown, "shutdown"),
            (Reason::DuplicateClusterId, "duplicate-cluster-id"),
            (Reason::FqdnMismatch, "fqdn-mismatch"),
            (Reason::Other(200), "other-200"),
        ] {
            assert_eq!(reason.to_string(), word);
        }
    }
}
