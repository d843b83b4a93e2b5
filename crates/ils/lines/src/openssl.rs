//! TLS errors in the words of OpenSSL 1.0.2, as a CUCM of that time traces them.
//!
//! Reason texts, reason numbers and function numbers are those of `ssl/ssl_err.c` and `ssl/ssl.h` of OpenSSL 1.0.2.
//! Which of them a failure gets is documented for [`HUB_REFUSES`] and [`SPOKE_REFUSES`] only; the rest is \[lab\].

use std::borrow::Cow;
use std::fmt;

/// An entry of OpenSSL's error queue: reason and function, each with its number. The library is always 20, SSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    reason: Cow<'static, str>,
    reason_number: u16,
    function: &'static str,
    function_number: u16,
}

/// What a listener writes after the two lines about a peer's certificate.
pub const HUB_REFUSES: TlsError = TlsError::of("internal error", 68, "SSL_clear", 164);
/// What a dialler writes after them.
pub const SPOKE_REFUSES: TlsError = TlsError::of("bad message type", 114, "ssl3_get_server_hello", 146);
/// \[lab\] A listener was shown no certificate.
pub const NO_CLIENT_CERTIFICATE: TlsError =
    TlsError::of("peer did not return a certificate", 199, "ssl3_get_client_certificate", 137);
/// \[lab\] A dialler was shown no certificate.
pub const NO_SERVER_CERTIFICATE: TlsError =
    TlsError::of("peer did not return a certificate", 199, "ssl3_get_server_certificate", 144);
/// \[lab\] A listener was shown a certificate that is none.
pub const UNREADABLE_CLIENT_CERTIFICATE: TlsError =
    TlsError::of("ASN1 lib", 13, "ssl3_get_client_certificate", 137);
/// \[lab\] A dialler was shown a certificate that is none.
pub const UNREADABLE_SERVER_CERTIFICATE: TlsError =
    TlsError::of("ASN1 lib", 13, "ssl3_get_server_certificate", 144);
/// \[lab\] The dialler's key did not sign.
pub const BAD_CLIENT_SIGNATURE: TlsError = TlsError::of("bad signature", 123, "ssl3_get_cert_verify", 136);
/// \[lab\] The listener's key did not sign.
pub const BAD_SERVER_SIGNATURE: TlsError = TlsError::of("bad signature", 123, "ssl3_get_key_exchange", 141);
/// \[lab\] The dialler's key signed in a way that this lab cannot check.
pub const UNCHECKED_CLIENT_SIGNATURE: TlsError =
    TlsError::of("wrong signature type", 370, "ssl3_get_cert_verify", 136);
/// \[lab\] The listener's key signed in a way that this lab cannot check.
pub const UNCHECKED_SERVER_SIGNATURE: TlsError =
    TlsError::of("wrong signature type", 370, "ssl3_get_key_exchange", 141);
/// \[lab\] What a dialler sent is not TLS.
pub const CLIENT_NOT_TLS: TlsError = TlsError::of("unknown protocol", 252, "ssl23_get_client_hello", 118);
/// \[lab\] What a listener answered is not TLS.
pub const SERVER_NOT_TLS: TlsError = TlsError::of("unknown protocol", 252, "ssl23_get_server_hello", 119);
/// \[lab\] A dialler offers no version that this node may speak.
pub const CLIENT_VERSION: TlsError = TlsError::of("unsupported protocol", 258, "ssl23_get_client_hello", 118);
/// \[lab\] A listener chose a version that this node may not speak.
pub const SERVER_VERSION: TlsError = TlsError::of("unsupported protocol", 258, "ssl23_get_server_hello", 119);
/// \[lab\] A handshake that breaks the rules of TLS in any other way.
pub const UNEXPECTED_MESSAGE: TlsError = TlsError::of("unexpected message", 244, "ssl3_get_message", 142);

impl TlsError {
    const fn of(
        reason: &'static str, reason_number: u16, function: &'static str, function_number: u16,
    ) -> Self {
        Self { reason: Cow::Borrowed(reason), reason_number, function, function_number }
    }

    /// A fatal alert from the peer: reason 1000 + its number, noticed while reading a record.
    pub fn alert(number: u8) -> Self {
        let reason_number = 1000 + u16::from(number);
        // The words of ERR_error_string_n for a number that has no text.
        let unknown = || Cow::Owned(format!("reason({reason_number})"));
        let reason = alert_text(number).map_or_else(unknown, Cow::Borrowed);
        Self { reason, reason_number, function: "ssl3_read_bytes", function_number: 148 }
    }

    /// The reason in OpenSSL's words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, reason_number, function, function_number } = self;
        write!(
            f,
            "TLS protocol error(ssl reason code={reason} [{reason_number}]),lib=SSL routines [20],\
             fun={function} [{function_number}], errno=0"
        )
    }
}

/// The alerts that OpenSSL 1.0.2 has a text for (`SSL_R_…ALERT…`, number less 1000).
fn alert_text(number: u8) -> Option<&'static str> {
    Some(match number {
        10 => "sslv3 alert unexpected message",
        20 => "sslv3 alert bad record mac",
        21 => "tlsv1 alert decryption failed",
        22 => "tlsv1 alert record overflow",
        30 => "sslv3 alert decompression failure",
        40 => "sslv3 alert handshake failure",
        41 => "sslv3 alert no certificate",
        42 => "sslv3 alert bad certificate",
        43 => "sslv3 alert unsupported certificate",
        44 => "sslv3 alert certificate revoked",
        45 => "sslv3 alert certificate expired",
        46 => "sslv3 alert certificate unknown",
        47 => "sslv3 alert illegal parameter",
        48 => "tlsv1 alert unknown ca",
        49 => "tlsv1 alert access denied",
        50 => "tlsv1 alert decode error",
        51 => "tlsv1 alert decrypt error",
        60 => "tlsv1 alert export restriction",
        70 => "tlsv1 alert protocol version",
        71 => "tlsv1 alert insufficient security",
        80 => "tlsv1 alert internal error",
        86 => "tlsv1 alert inappropriate fallback",
        90 => "tlsv1 alert user cancelled",
        100 => "tlsv1 alert no renegotiation",
        110 => "tlsv1 unsupported extension",
        111 => "tlsv1 certificate unobtainable",
        112 => "tlsv1 unrecognized name",
        113 => "tlsv1 bad certificate status response",
        114 => "tlsv1 bad certificate hash value",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_as_openssl_names_it() {
        let of_reason = |reason: &str| {
            format!(
                "TLS protocol error(ssl reason code={reason}),lib=SSL routines [20],fun=ssl3_read_bytes [148], errno=0"
            )
        };
        for (alert, reason) in [
            (48, "tlsv1 alert unknown ca [1048]"),
            (42, "sslv3 alert bad certificate [1042]"),
            (45, "sslv3 alert certificate expired [1045]"),
            (40, "sslv3 alert handshake failure [1040]"),
            (51, "tlsv1 alert decrypt error [1051]"),
            (70, "tlsv1 alert protocol version [1070]"),
            (116, "reason(1116) [1116]"),
            (255, "reason(1255) [1255]"),
        ] {
            assert_eq!(TlsError::alert(alert).to_string(), of_reason(reason), "{alert}");
        }
    }
}
