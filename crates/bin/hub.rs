//! `ils-hub`: the hub daemon under its own name.

use std::process::ExitCode;

use ils_core::config::ClusterRole;

fn main() -> ExitCode {
    ilslab::daemon::main("ils-hub", ClusterRole::Hub, std::env::args_os())
}
