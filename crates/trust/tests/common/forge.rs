//! What rcgen does not make: RSA of odd sizes, RSASSA-PSS keys, old versions, names spelt in other ways.
//!
//! DER of an ordinary certificate -> its parts, some of them changed -> signed again

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rcgen::SigningKey as _;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
use rsa::{PrivateKey, pkcs1v15, pss};

use super::{Blueprint, Key};

/// How a name is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    /// UTF8String, as rcgen writes it.
    Plain,
    Printable,
    Teletex,
    Bmp,
    UpperCase,
    /// More white space than needed.
    Spaced,
}

impl Spelling {
    fn name(self, text: &str) -> Vec<u8> {
        let (tag, value) = match self {
            Spelling::Plain => (0x0c, text.as_bytes().to_vec()),
            Spelling::Printable => (0x13, text.as_bytes().to_vec()),
            Spelling::Teletex => {
                (0x14, text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect())
            }
            Spelling::Bmp => (0x1e, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Spelling::UpperCase => (0x0c, text.to_ascii_uppercase().into_bytes()),
            Spelling::Spaced => (0x0c, format!(" {} ", text.replace(' ', "  ")).into_bytes()),
        };
        let attribute = [element(0x06, &[0x55, 4, 3]), element(tag, &value)].concat();
        element(0x30, &element(0x31, &element(0x30, &attribute)))
    }
}

/// Whether rcgen cannot make this on its own.
pub(crate) fn is_needed(blueprint: &Blueprint) -> bool {
    let plain = (Spelling::Plain, Spelling::Plain);
    is_odd(blueprint.key) || is_odd(blueprint.signer) || blueprint.spelling != plain || blueprint.version != 3
}

pub(crate) fn is_odd(key: Key) -> bool {
    matches!(key, Key::Small(_) | Key::Pss(_))
}

/// The certificate again, as the blueprint really wants it.
pub(crate) fn forge(blueprint: &Blueprint, der: &[u8]) -> Vec<u8> {
    let parts = elements(contents(der));
    let mut body = elements(contents(&parts[0]));
    let mut algorithm = parts[1].clone();
    if is_odd(blueprint.key) {
        body[6] = key_info(blueprint.key);
    }
    if is_odd(blueprint.signer) {
        algorithm = signature_algorithm(blueprint.signer);
        body[2] = algorithm.clone();
    }
    if blueprint.spelling != (Spelling::Plain, Spelling::Plain) {
        body[5] = blueprint.spelling.0.name(&blueprint.subject);
        body[3] = blueprint.spelling.1.name(&blueprint.issuer);
    }
    match blueprint.version {
        1 => body = body[1..7].to_vec(),
        2 => body = [vec![vec![0xa0, 3, 2, 1, 1]], body[1..7].to_vec()].concat(),
        _ => {}
    }
    let message = element(0x30, &body.concat());
    let signature = [vec![0], sign(blueprint.signer, &message)].concat();
    element(0x30, &[message, algorithm, element(0x03, &signature)].concat())
}

fn sign(signer: Key, message: &[u8]) -> Vec<u8> {
    let mut dice = StdRng::seed_from_u64(7_501);
    match signer {
        Key::Small(_) => pkcs1v15::SigningKey::<Sha256>::new(rsa_key(signer)).sign(message).to_vec(),
        Key::Pss(number) => pss::SigningKey::<Sha256>::new_with_salt_len(rsa_key(signer), salt(number))
            .sign_with_rng(&mut dice, message)
            .to_vec(),
        _ => signer.pair().sign(message).expect("rcgen signs"),
    }
}

fn rsa_key(key: Key) -> PrivateKey {
    static KEYS: LazyLock<Mutex<HashMap<Key, PrivateKey>>> = LazyLock::new(Mutex::default);
    let bits = match key {
        Key::Small(number) => [1_963, 2_041, 2_047][usize::from(number % 3)],
        _ => 2_048,
    };
    let seed = key.id().iter().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(*byte));
    let make = || PrivateKey::new(&mut StdRng::seed_from_u64(seed), bits).expect("a key");
    KEYS.lock().expect("no test panics while it makes a key").entry(key).or_insert_with(make).clone()
}

/// Odd ones are restricted to SHA-256 with 32 octets of salt, every fourth one signs with as much salt as there is room.
fn salt(number: u8) -> usize {
    if number % 4 == 2 { 222 } else { 32 }
}

fn key_info(key: Key) -> Vec<u8> {
    let algorithm = match key {
        Key::Pss(number) if number % 2 == 1 => pss_identifier(32),
        Key::Pss(_) => element(0x30, &element(0x06, RSASSA_PSS)),
        _ => element(0x30, &[element(0x06, &pkcs1_oid(1)), vec![5, 0]].concat()),
    };
    let public = rsa_key(key).to_public_key().to_pkcs1_der().expect("a key is written").into_vec();
    element(0x30, &[algorithm, element(0x03, &[vec![0], public].concat())].concat())
}

fn signature_algorithm(signer: Key) -> Vec<u8> {
    match signer {
        Key::Pss(number) => pss_identifier(salt(number)),
        _ => element(0x30, &[element(0x06, &pkcs1_oid(11)), vec![5, 0]].concat()),
    }
}

/// RSASSA-PSS with SHA-256 and this much salt.
fn pss_identifier(salt: usize) -> Vec<u8> {
    let sha256 =
        element(0x30, &[element(0x06, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]), vec![5, 0]].concat());
    let mask = element(0x30, &[element(0x06, &pkcs1_oid(8)), sha256.clone()].concat());
    let salt =
        if salt < 128 { vec![2, 1, salt.to_be_bytes()[7]] } else { vec![2, 2, 0, salt.to_be_bytes()[7]] };
    let parameters = [element(0xa0, &sha256), element(0xa1, &mask), element(0xa2, &salt)].concat();
    element(0x30, &[element(0x06, RSASSA_PSS), element(0x30, &parameters)].concat())
}

const RSASSA_PSS: &[u8] = &pkcs1_oid(10);

/// 1.2.840.113549.1.1, and a last number.
const fn pkcs1_oid(last: u8) -> [u8; 9] {
    [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last]
}

/// A DER element of any length below 65,536.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(contents.len()).expect("short").to_be_bytes();
    let head = match contents.len() {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, contents.to_vec()].concat()
}

/// What an element holds.
fn contents(element: &[u8]) -> &[u8] {
    let (head, length) = measure(element);
    &element[head..head + length]
}

/// The elements that stand one after the other.
fn elements(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (head, length) = measure(bytes);
        let (element, rest) = bytes.split_at(head + length);
        found.push(element.to_vec());
        bytes = rest;
    }
    found
}

fn measure(element: &[u8]) -> (usize, usize) {
    match element[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(element[2])),
        _ => (4, usize::from(u16::from_be_bytes([element[2], element[3]]))),
    }
}
