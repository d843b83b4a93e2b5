//! The door that a node has for its administrator: HTTP, and its client. It knows no system.
//!
//! ```text
//! TcpListener -> server::serve -> guard (Host, Origin, login) -> routes -> Certificates, Trace, Commands
//!                                                                  +----> the guest's own routes
//! client::Client ------------------ HTTP on the admin address ----------> the same routes
//! ```
//!
//! A system hands in a [`Face`]: the node as a [`Backend`], its commands, and routes of its own. Whatever a caller sends is
//! bounded in size and time before it is parsed, and every refusal is a problem document (RFC 9457).

mod answer;
mod api;
pub mod backend;
mod body;
mod certificates;
pub mod cli;
pub mod client;
pub mod clock;
pub mod exposition;
mod failures;
pub mod file_name;
mod gate;
mod guard;
mod histogram;
mod hosts;
mod limits;
mod metrics;
pub mod password;
mod problem;
mod readiness;
mod routes;
pub mod server;
mod shelf_view;
mod tokens;
mod trace;
mod trace_pages;
mod turns;
mod typed;
mod visitors;

pub use answer::Json;
pub use api::{Face, Shell};
pub use backend::{Answer, Backend, CertificateRefusal, CertificateShelf, Certificates, Shelved};
pub use body::{JsonBody, NoBody, PatchBody};
pub use client::{Client, ClientError};
pub use clock::{Clock, SystemClock};
pub use file_name::{FileName, FileNameError};
pub use histogram::{BOUNDS, Histogram, Tally};
pub use ilslab_secrets::Secret;
pub use limits::HttpLimits;
pub use password::{AdminPassword, Generated, LineError, PasswordError, password_line};
pub use problem::Problem;
pub use readiness::StoreState;
pub use server::{AdminOptions, serve};
pub use trace::{Cursor, CursorError};
pub use turns::{Turns, to_the_end};
