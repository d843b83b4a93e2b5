//! Argon2id, as every password here goes through it: a network's and an administrator's.

use crate::secretly;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

/// Argon2id memory in KiB, passes and lanes: the first choice of OWASP's password storage cheat sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Blocks of 1 KiB reserved for Argon2id. More than it fills, because glibc gives an allocation back to the system at
/// once only above 32 MiB: else one run would leave 19 MiB resident in an idle node.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// 32 octets of a password and a salt, written to `hash`: 19 MiB, two passes, one lane. Takes tens of milliseconds. Leaves
/// nothing of either on the stack or in memory.
pub fn argon2id(password: &[u8], salt: &[u8; 16], hash: &mut [u8; 32]) {
    secretly(|| stretch(password, salt, hash));
}

fn stretch(password: &[u8], salt: &[u8; 16], hash: &mut [u8; 32]) {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the constants are within Argon2's bounds");
    let mut memory: Vec<Block> = Vec::with_capacity(RESERVED_BLOCKS.max(params.block_count()));
    memory.resize(params.block_count(), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, hash, memory.as_mut_slice())
        .expect("salt, output and memory have the lengths asked for, and no password has 4 GiB");
    memory.iter_mut().for_each(Zeroize::zeroize);
}
