//! The lab around the pair: certificates, the demo and the scenarios.
//!
//! ```text
//! ilslab certs issue  -> certs       a lab CA and tomcat certificates
//! ilslab demo         -> demo     \
//! ilslab scenario run -> scenario  > stage -> process: two daemons -> judge: their admin API
//!                        demo     /                    tell: their trace files
//! ilslab admin hub …  -> handoff     where a running demo's nodes are, and how to log in
//! docker compose up   -> compose     what the one-shot services setup and switch do
//! ```
//!
//! What is here starts nodes or equips them, and judges them only from outside: by ports, trace files and the admin
//! API. So the same scenario can judge another implementation.

pub mod certs;
mod clock;
pub mod clusters;
pub mod compose;
pub mod demo;
pub mod error;
mod folder;
pub mod handoff;
pub mod instance;
mod interrupt;
mod lock;
pub mod process;
pub mod scenario;
pub mod style;

pub use compose::{SetupArgs, SwitchArgs, run_setup, run_switch};
pub use demo::{DemoArgs, run_demo};
pub use error::LabError;
pub use process::{Daemon, Program, Side};
pub use scenario::{ScenarioArgs, run_scenario};
