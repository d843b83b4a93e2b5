//! A running node, as commands name and reach it.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Arg, ArgMatches, Command};
use ilslab_desk::Client;

use crate::files;
use crate::node_name::{self, Found};

/// Octets of a password that a command reads; the node judges it.
pub(crate) const PASSWORD_LINE_MAX: usize = 1_024;

/// A command to a node: with its name and the administrator's password.
pub(crate) fn addressed(command: Command) -> Command {
    command.arg(Arg::new("node").value_name("NODE").required(true).help(node_name::HELP)).arg(
        Arg::new("admin-password-file")
            .long("admin-password-file")
            .env("ILS_ADMIN_PASSWORD_FILE")
            .value_name("FILE")
            .help("File with the administrator's password [default: what a running demo left]"),
    )
}

pub(crate) fn client(matches: &ArgMatches) -> anyhow::Result<Client> {
    reach(node_of(matches), matches.get_one::<String>("admin-password-file").map(PathBuf::from))
}

/// The node, as it was called.
pub(crate) fn node_of(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("node").map_or("", String::as_str)
}

/// The client of a node; the password from this file, or from what a demo has left.
pub(crate) fn reach(node: &str, password_file: Option<PathBuf>) -> anyhow::Result<Client> {
    let Found { url, password_file: left } = node_name::find(node)?;
    let file = password_file.or(left).ok_or_else(|| {
        anyhow!("no password for {url}; give the administrator's with --admin-password-file FILE")
    })?;
    let password = files::read_line(&file, PASSWORD_LINE_MAX)
        .with_context(|| format!("the password file {} cannot be read", file.display()))?;
    let password = str::from_utf8(&password)
        .with_context(|| format!("the password file {} holds no text", file.display()))?;
    Ok(Client::new(&url, password)?)
}
