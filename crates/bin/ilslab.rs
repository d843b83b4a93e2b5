//! `ilslab`: the daemons, the lab around them, and the commands to a running node.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, FromArgMatches};
use ils_core::config::ClusterRole;
use ilslab::{certificates, client, daemon, health, wait};
use ilslab_lab::certs::CertsArgs;
use ilslab_lab::{DemoArgs, ScenarioArgs, SetupArgs, SwitchArgs};
use ilslab_trace::console::{self, tell};

fn main() -> ExitCode {
    // Under the name of a daemon it is that daemon: an image holds one program.
    let name = std::env::args_os().next().map(PathBuf::from);
    match name.as_deref().and_then(Path::file_name).and_then(OsStr::to_str) {
        Some("ils-hub") => daemon::main("ils-hub", ClusterRole::Hub, std::env::args_os()),
        Some("ils-spoke") => daemon::main("ils-spoke", ClusterRole::Spoke, std::env::args_os()),
        _ => ilslab(),
    }
}

fn ilslab() -> ExitCode {
    daemon::guarded(|| match command().try_get_matches() {
        Ok(matches) => run(&matches),
        Err(error) => daemon::usage(&error),
    })
}

fn command() -> Command {
    Command::new("ilslab")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A simulated Cisco Intercluster Lookup Service: hub, spoke, and the lab around them")
        .after_help(
            "Start with `ilslab demo`. Not affiliated with Cisco; the protocol is a mock of ILS, not ILS.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(DemoArgs::augment_args(Command::new("demo")))
        .subcommand(ScenarioArgs::augment_args(Command::new("scenario")))
        .subcommand(daemon::command("hub", ClusterRole::Hub))
        .subcommand(daemon::command("spoke", ClusterRole::Spoke))
        .subcommand(certs_command())
        .subcommand(client::status_command())
        .subcommand(client::alarms_command())
        .subcommand(client::trace_command())
        .subcommand(client::admin_command())
        .subcommand(client::set_command())
        .subcommand(client::restart_command())
        .subcommand(client::disconnect_command())
        .subcommand(wait::command())
        .subcommand(health::command())
        .subcommand(SetupArgs::augment_args(Command::new("setup")))
        .subcommand(SwitchArgs::augment_args(Command::new("switch")))
}

/// Those of files, and those of running nodes.
fn certs_command() -> Command {
    CertsArgs::augment_args(Command::new("certs"))
        .subcommand(certificates::export_command())
        .subcommand(certificates::request_command())
        .subcommand(certificates::install_command())
}

fn run(matches: &clap::ArgMatches) -> u8 {
    match matches.subcommand() {
        Some(("hub", matches)) => daemon::run(ClusterRole::Hub, matches),
        Some(("spoke", matches)) => daemon::run(ClusterRole::Spoke, matches),
        Some((
            name @ ("status" | "alarms" | "trace" | "admin" | "set" | "restart" | "disconnect"),
            matches,
        )) => client::run(name, matches),
        Some(("demo", matches)) => parsed(DemoArgs::from_arg_matches(matches), ilslab_lab::run_demo),
        Some(("scenario", matches)) => {
            parsed(ScenarioArgs::from_arg_matches(matches), ilslab_lab::run_scenario)
        }
        Some(("wait", matches)) => wait::run(matches),
        Some(("health", matches)) => health::run(matches),
        Some(("setup", matches)) => parsed(SetupArgs::from_arg_matches(matches), ilslab_lab::run_setup),
        Some(("switch", matches)) => parsed(SwitchArgs::from_arg_matches(matches), ilslab_lab::run_switch),
        Some(("certs", matches)) => match matches.subcommand() {
            Some((name @ ("export" | "request" | "install"), matches)) => client::run(name, matches),
            _ => parsed(CertsArgs::from_arg_matches(matches), certs),
        },
        _ => daemon::BUG,
    }
}

fn parsed<A>(arguments: Result<A, clap::Error>, run: impl Fn(&A) -> u8) -> u8 {
    match arguments {
        Ok(arguments) => run(&arguments),
        Err(error) => daemon::usage(&error),
    }
}

fn certs(arguments: &CertsArgs) -> u8 {
    let now = ilslab_time::clock::system();
    let result = ilslab_lab::certs::run(arguments, now, &mut console::stdout(), &mut console::stderr());
    match result {
        Ok(()) => 0,
        Err(error) => {
            tell(format_args!("failed to make certificates: {error}"));
            error.exit_code()
        }
    }
}
