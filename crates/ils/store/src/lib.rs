//! The durable registry, and the tables that `run sql` reads.
//!
//! ```text
//! core::ledger::ChangeSet -> Store (SQLite, WAL, synchronous=FULL) -> core::ledger::Durable    at the next start
//!                            MemoryStore: the same trait, for tests and simulated networks
//! select … -> Reader (read-only; Grants permits CUCM's tables alone) -> Table -> rows, or CUCM's text layout
//! ```
//!
//! CUCM's tables that describe peers are views of the registry's own tables: they cannot disagree with it. The own
//! tables stay hidden from `run sql`. Nothing here is secret: keys and hashes are never in the database.

mod access;
mod cells;
mod error;
mod grants;
mod held;
mod memory;
mod peers;
mod query;
mod reader;
mod schema;
mod settings;
mod store;
mod table;

pub use error::StoreError;
pub use grants::TABLES;
pub use memory::{MemoryError, MemoryStore};
pub use query::{QueryError, QueryLimits};
pub use reader::Reader;
pub use store::Store;
pub use table::Table;
