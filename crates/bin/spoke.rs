//! `ils-spoke`: the spoke daemon under its own name.

use std::process::ExitCode;

use ils_core::config::ClusterRole;

fn main() -> ExitCode {
    ilslab::daemon::main("ils-spoke", ClusterRole::Spoke, std::env::args_os())
}
