//! Certificates, trust stores, OpenSSL's verdict and the ILS admission.
//!
//! ```text
//! DER -> Certificate --+
//!                      +-- verify(chain, store, purpose, now) -> Verdict     during the handshake
//!        TrustStore ---+-- admit(peer, verdict, store, …)     -> Admission   after it
//! ```
//!
//! Pure: no clock, no files, no sockets. Time is an argument; a store is parsed once, when it is loaded.
//!
//! Bounds, whatever a peer sends: [`CERTIFICATE_MAX`] octets a certificate, [`MAX_SENT`] certificates,
//! [`MAX_INTERMEDIATES`] between the peer's and the trusted one, [`SIGNATURE_CHECKS`] signatures looked at in search
//! of a path.

mod admission;
mod certificate;
mod constraints;
mod der;
mod extensions;
mod key;
mod key_kind;
mod name;
mod pkcs7;
mod proof;
mod raw;
mod rsa;
mod second_judge;
mod signature;
mod store;
mod verdict;
mod verify;
mod walk;

pub use admission::{Admission, admit};
pub use certificate::{CERTIFICATE_MAX, Certificate, CertificateError};
pub use extensions::Purpose;
pub use pkcs7::{Pkcs7Error, looks_like_pkcs7, pkcs7_certificates};
pub use proof::{PSS_KEY_SCHEMES, Proof};
pub use store::TrustStore;
pub use verdict::{Verdict, code};
pub use verify::{MAX_SENT, verify};
pub use walk::{MAX_INTERMEDIATES, SIGNATURE_CHECKS};
