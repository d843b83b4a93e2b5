//! The pair in containers: what the one-shot services of the compose file do.
//!
//! ```text
//! DIR/hub/      volume of the hub      node.toml  password  admin.password  data/   \
//! DIR/spoke/    volume of the spoke    the same                                      > and a stamp in each
//! DIR/lab/      of neither node        admin.password                     ca/       /
//!
//! setup  -> stamps as asked? nothing : empty, certificates, passwords, configuration, stamps
//! switch -> method 4: wait until both have joined by password -> PATCH hub -> PATCH spoke
//! ```
//!
//! Each node sees its own volume alone, so that neither reads the other's key. The folders lie at the same place in
//! every container that sees them.

mod error;
mod node_file;
mod setup;
mod stamp;
mod switch;
mod volumes;

pub use error::ComposeError;
pub use setup::{SetupArgs, run_setup, setup};
pub use switch::{SwitchArgs, run_switch};
