//! Private keys: made, read and written; wiped when dropped, and never shown.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{fmt, thread};

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey,
};
use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use super::error::CertsError;

/// The keys that the lab makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
pub enum KeyKind {
    /// RSA with 2048 bits, as CUCM's tomcat certificate has it.
    #[default]
    #[value(name = "rsa-2048")]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// ECDSA on P-256.
    #[value(name = "p-256")]
    #[serde(rename = "p-256")]
    P256,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa2048 => "RSA-2048",
            Self::P256 => "P-256",
        })
    }
}

impl KeyKind {
    /// Signatures are made with SHA-256, which OpenSSL's `-auth_level 2` accepts.
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::Rsa2048 => &PKCS_RSA_SHA256,
            Self::P256 => &PKCS_ECDSA_P256_SHA256,
        }
    }
}

/// A private key. Wiped when dropped; it has no `Debug`.
pub struct Key(KeyPair);

impl Key {
    /// A new key. RSA takes about a tenth of a second; see [`Key::several`] for many.
    ///
    /// # Errors
    /// [`CertsError::Making`] when the library cannot.
    pub fn make(kind: KeyKind) -> Result<Self, CertsError> {
        // RSA without a size is 2048 bits in rcgen; a test looks at what openssl says.
        KeyPair::generate_for(kind.algorithm()).map(Self).map_err(CertsError::making("a key"))
    }

    /// `count` new keys, on as many threads as there are processors. `progress` hears of each as it is done.
    ///
    /// # Errors
    /// That of the first key that could not be made.
    pub fn several(
        kind: KeyKind, count: usize, progress: &mut dyn FnMut(&str),
    ) -> Result<Vec<Self>, CertsError> {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (taken, (done, made)) = (AtomicUsize::new(0), mpsc::channel());
        thread::scope(|scope| {
            for _ in 0..processors.min(count) {
                let (taken, done) = (&taken, done.clone());
                scope.spawn(move || {
                    while taken.fetch_add(1, Ordering::Relaxed) < count {
                        // The other end is dropped after a first error: nobody wants the rest.
                        if done.send(Self::make(kind)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(done);
            let told = made.into_iter().enumerate().map(|(before, key)| {
                progress(&format!("made {kind} key {} of {count}", before.saturating_add(1)));
                key
            });
            told.collect()
        })
    }

    /// Reads a key that is not encrypted: PKCS#8, PKCS#1 or SEC1, in PEM.
    ///
    /// # Errors
    /// What is wrong with it, for a sentence that names the file.
    pub(super) fn from_pem(pem: &str) -> Result<Self, String> {
        // PKCS#8 says so in its first line, the older forms in a header of their own.
        if pem
            .lines()
            .any(|l| l.starts_with("-----BEGIN ENCRYPTED") || l.starts_with("Proc-Type: 4,ENCRYPTED"))
        {
            return Err("it is encrypted, and the lab asks for no passphrase".to_owned());
        }
        KeyPair::from_pem(pem).map(Self).map_err(|e| e.to_string())
    }

    /// The key in PEM, as PKCS#8. For keys made here; one that was read stays in its file.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        PublicKeyData::algorithm(&self.0)
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn several_keys_are_all_different_and_each_is_told_once() {
        let mut told = Vec::new();
        let keys = Key::several(KeyKind::P256, 9, &mut |line| told.push(line.to_owned())).expect("keys");
        let mut public: Vec<_> = keys.iter().map(PublicKeyData::subject_public_key_info).collect();
        public.sort();
        public.dedup();
        assert_eq!((public.len(), told.len()), (9, 9));
        assert_eq!(told.last().map(String::as_str), Some("made P-256 key 9 of 9"));
    }

    #[test]
    fn no_keys_are_made_where_none_are_wanted() {
        let keys = Key::several(KeyKind::Rsa2048, 0, &mut |line| panic!("{line}")).expect("no keys");
        assert!(keys.is_empty());
    }

    #[test]
    fn a_key_survives_being_written_and_read() {
        let key = Key::make(KeyKind::P256).expect("a key");
        let read = Key::from_pem(&key.to_pem()).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(read.subject_public_key_info(), key.subject_public_key_info());
    }

    #[test]
    fn what_is_not_a_key_is_refused_with_a_reason() {
        for (case, pem, want) in [
            ("empty", "", "PEM"),
            ("junk", "hello", "PEM"),
            ("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "it is encrypted"),
            ("not a key inside", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key"),
        ] {
            let why = Key::from_pem(pem).map(|_| ()).expect_err(case);
            assert!(why.contains(want), "{case}: {why}");
        }
    }
}
