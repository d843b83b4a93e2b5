//! What the three binaries share: the command line, and the wiring of node, admin and trace.
//!
//! ```text
//! flags > ILS_ variables > TOML file -> options::Layers -> settings::Daemon -> daemon::run
//!                                                            node + sdl + store + admin
//! ilslab alarms|admin|set NODE -> client -> HTTP API of a running node
//! ilslab certs install NODE    -> certificates -> the same
//! ilslab health|wait NODE      -> health, wait
//! ```

pub mod backend;
pub mod certificates;
pub mod client;
pub mod daemon;
mod files;
pub mod health;
pub mod limits;
mod memory;
mod node_name;
pub mod options;
mod reach;
mod saved;
pub mod settings;
pub mod wait;
