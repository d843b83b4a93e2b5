//! Config, handshake, session, registry, events and outcomes: all pure.
//!
//! ```text
//! wire::RawFrame -> handshake::Handshake -> handshake::Joined -> session::Session -> session::Action
//!                                |                                      |
//!                                v                                      v
//!            draft::Draft  ->  ledger::commit  ->  ledger::Stored  ->  registry::Registry::apply  ->  Snapshot
//! event::Event  ->  registry::Registry::note  ->  event::Noted  ->  lines, alarms, JSON
//! ```
//! Bytes, certificates, time and randomness are arguments; nothing here reads a clock, a socket or a file.

pub mod admission;
pub mod alarm;
pub mod claim;
mod codec;
pub mod config;
pub mod draft;
pub mod event;
pub mod handshake;
pub mod intent;
pub mod ledger;
pub mod limits;
mod listing;
pub mod outcome;
mod outlook;
mod refusal;
pub mod registry;
#[cfg(test)]
mod samples;
pub mod session;
pub mod settings;
pub mod snapshot;
mod telling;

pub use ils_wire as wire;
pub use ilslab_time as time;
pub use ilslab_trust as trust;
