//! The store as others use it: what every ledger promises, the file, the kill, and `run sql`.

mod battery;
mod common;
mod files;
mod killed;
mod lost;
mod run_sql;
