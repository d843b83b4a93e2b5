//! The kinds of frame, one for each message.

// spec: WIRE.md#messages

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        /// What a frame carries. The numbers 6, 7 and 8 are kept free for replication.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $code,)*
        }

        impl Kind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number in the header.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The kind with this number, if it is one.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for Kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.pad($word),)*
                }
            }
        }
    };
}

kinds! {
    /// The first frame in each direction; never sealed.
    Hello = 1, "hello";
    /// The dialler's own PeerInfo.
    Register = 2, "register";
    /// The listener's own PeerInfo: the dialler is in.
    Registered = 3, "registered";
    /// The dialler is not in, and why.
    Refused = 4, "refused";
    /// What the sender knows of other clusters, or a part of it.
    PeerInfoVector = 5, "peer-info-vector";
    /// A question whether the peer is there.
    Ping = 9, "ping";
    /// The answer to it.
    Pong = 10, "pong";
    /// The last frame of a direction, and why.
    Bye = 11, "bye";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_by_its_number() {
        for code in 0..=u8::MAX {
            assert!(Kind::from_code(code).is_none_or(|kind| kind.code() == code), "{code}");
        }
        let numbers: Vec<u8> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 9, 10, 11]);
    }
}
