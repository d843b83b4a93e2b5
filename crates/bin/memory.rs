//! The memory of every program here: what is given back is overwritten first.
//!
//! Passwords and keys pass through buffers that others own (those of HTTP, JSON, TLS and PEM, on both sides), and through
//! text that grew on its way. No owner can wipe those; whoever takes them back can. What this package itself holds of a
//! secret it wipes all the same, so that a program that uses one of its crates has no more of it than it must.

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);
