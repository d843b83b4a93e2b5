//! The HTTP API of a node, and its client.
//!
//! ```text
//! TcpListener -> server::serve -> guard (Host, Origin, login) -> routes -> views of a Snapshot -> JSON
//!                                                                  |----> trace: pages of the SDL files
//!                                                                  |----> metrics: counters made of events -> /metrics
//!                                                                  +----> Backend (a node, or a fake in tests)
//! client::Client ------------------ HTTP on the admin address ----------> the same routes
//! ```
//!
//! Nothing here knows how a node works: [`Backend`] hands out snapshots and takes commands. Whatever a caller sends is
//! bounded in size and time before it is parsed, and every refusal is a problem document (RFC 9457).

mod answer;
pub mod backend;
mod body;
pub mod cli;
pub mod client;
pub mod clock;
pub mod clusters;
mod failures;
pub mod file_name;
mod gate;
mod guard;
pub mod metrics;
pub mod password;
mod problem;
mod readiness;
mod routes;
pub mod server;

mod tokens;
mod trace;
mod views;
mod visitors;

pub use backend::{
    Answer, Backend, CertificateRefusal, CertificateShelf, ChangeError, Ports, Secret, Shelved,
};
pub use client::{Client, ClientError};
pub use clock::{Clock, SystemClock};
pub use file_name::{FileName, FileNameError};
pub use metrics::Metrics;
pub use password::{AdminPassword, Generated, LineError, PasswordError, password_line};
pub use server::{AdminOptions, HttpLimits, serve};
pub use trace::{Cursor, CursorError};
