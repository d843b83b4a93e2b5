//! The faces of a hub or spoke for its administrator: what the house's door shows of it.
//!
//! ```text
//! Backend (a node, or a fake in tests) -> Snapshot -> views -> JSON          routes below /api/v1
//!                                     \-> clusters, cli -> text               tables and commands as CUCM prints them
//! Noted -> Metrics -----------------------------------> exposition           /metrics
//! desk::Client + Calls ------ HTTP ------> the same routes
//! ```
//! [`face`] makes of a [`Backend`] what the door takes; the rest (log-in, bounds, certificates, the trace) is the house's.

pub mod backend;
mod behind;
pub mod calls;
pub mod cli;
pub mod clusters;
mod face;
pub mod metrics;
mod routes;
mod views;

pub use backend::{Backend, ChangeError, Ports};
pub use behind::Behind;
pub use calls::Calls;
pub use face::face;
pub use metrics::{Counts, Metrics, Readings};
