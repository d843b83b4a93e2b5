//! Work with secrets, whose traces on the stack are gone when it is done.

use std::hint::black_box;

/// Octets of stack that are overwritten afterwards: more than a hash, a cipher or a derivation of keys takes.
const STACK: usize = 64 * 1024;

/// Does the work, then overwrites the stack that it took. What lies on the heap is its owner's to wipe; what is answered
/// is moved, so let it be small or on the heap.
///
/// Hashes keep the block that they work on, and pass digests by value; that reaches places no owner knows of.
#[inline(never)]
pub fn secretly<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    overwrite();
    done
}

/// In a frame of its own, which begins where that of [`overwrite`] does.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut stack = [0_u8; STACK];
    black_box(&mut stack);
}
