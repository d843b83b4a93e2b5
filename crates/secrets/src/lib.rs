//! Secrets on their way: what is done with them leaves nothing behind.
//!
//! ```text
//! password, salt -> argon2id -> 32 octets       one rule for the passwords of networks and of administrators
//! work with one  -> secretly -> its result      the stack that it took is overwritten
//! text of one    -> Secret                      never printed, wiped when dropped
//! ```

mod argon2id;
mod secret;
mod secretly;

pub use argon2id::argon2id;
pub use secret::Secret;
pub use secretly::secretly;
