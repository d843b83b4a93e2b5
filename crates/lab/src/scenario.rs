//! The outcomes of Cisco's document 200694 as scenarios: each sets the stage, starts both daemons and judges.
//!
//! ```text
//! catalogue::Scenario -> Stage: folders, certificates, passwords, options -> two processes
//!   who carries what        |
//!   wanted outcomes         '-> play: wait, change the method, wait -> judge: GET connections -> Judged
//! ```

mod catalogue;
mod command;
mod credentials;
mod dice;
mod judge;
mod play;
mod remedy;
mod repair;
mod report;
mod stage;

pub use catalogue::{CATALOGUE, Carried, Equipment, Lesson, Method, Scenario, Trusted, Wanted};
pub use command::{RunArgs, ScenarioArgs, ScenarioCommand, run, run_scenario};
pub use judge::{Judged, JudgedSide};

pub(crate) use credentials::{Credentials, fqdn};
pub(crate) use dice::Dice;
pub(crate) use play::{Audience, perform};
pub(crate) use repair::{Ground, quoted};
pub(crate) use report::advice;
pub(crate) use stage::{PASSWORD_PORT, Pair, PortChoice, Settings, Stage, TLS_PORT};
pub use stage::{PairArgs, TlsPin};
