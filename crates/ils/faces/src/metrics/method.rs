//! The method of an attempt, as a label.

use ils_core::event::{Admitted, Happening};

/// How an attempt authenticates, as far as its events have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// On the password port.
    Password,
    /// On the TLS port, without a password so far.
    Tls,
    /// On the TLS port with a password.
    TlsPassword,
}

impl Method {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::Tls, Self::TlsPassword];

    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Tls => "tls",
            Self::TlsPassword => "tls-password",
        }
    }

    /// What this event adds: only with a password are frames sealed, and uploaded roots enough.
    pub(super) fn seen(self, happening: &Happening) -> Self {
        let is_with_password = matches!(
            happening,
            Happening::Opened { .. }
                | Happening::OpenFailed
                | Happening::Accepted { admitted: Some(Admitted::RootUploaded) }
                | Happening::Connected { admitted: Some(Admitted::RootUploaded) }
        );
        if self == Self::Tls && is_with_password { Self::TlsPassword } else { self }
    }
}
