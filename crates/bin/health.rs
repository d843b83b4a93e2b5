//! `ilslab health NODE`: is a node of use? For the HEALTHCHECK of a container, which reads nothing but the exit code.

use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use ilslab_desk::client::Readiness;
use ilslab_desk::{Client, ClientError};
use ilslab_names::ascii_json;
use ilslab_trace::console;

use crate::client::exit_code_of;
use crate::daemon::{TIMEOUT, USAGE};
use crate::node_name;
use crate::reach::node_of;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Exit code of a node that answers, and is not of use.
const NOT_READY: u8 = 1;

/// `ilslab health`.
pub fn command() -> Command {
    let node = Arg::new("node").value_name("NODE").required(true).help(node_name::HELP);
    Command::new("health")
        .about("Ask a node whether it is of use: ports bound, store writable; joined or not")
        .arg(node)
        .after_help(
            "Examples:\n  ilslab health hub\n  ilslab health http://127.0.0.1:8080\n\n\
             Exit codes: 0 ready, 1 not ready, 3 usage, 4 not reached, 5 no answer within 2 s.",
        )
}

/// Asks once, without a login; answers the exit code.
pub fn run(matches: &ArgMatches) -> u8 {
    let (line, code) = match node_name::find(node_of(matches)) {
        Ok(found) => health(&found.url),
        Err(error) => (error.to_string(), USAGE),
    };
    // Who has closed stdout reads the exit code.
    let _ = writeln!(console::stdout(), "{line}");
    code
}

fn health(url: &str) -> (String, u8) {
    match Client::anonymous(url).map(ask) {
        Ok(Some(Ok(readiness))) if readiness.ready => (format!("{url} is ready"), 0),
        Ok(Some(Ok(readiness))) => {
            (format!("{url} is not ready: {}", ascii_json(&readiness.details.to_string())), NOT_READY)
        }
        Ok(Some(Err(error))) | Err(error) => (error.to_string(), exit_code_of(&error)),
        Ok(None) => (format!("{url} did not answer within {} s", PATIENCE.as_secs()), TIMEOUT),
    }
}

/// The client waits longer than a health check may: it is left alone when the time is up, and ends with the process.
fn ask(client: Client) -> Option<Result<Readiness, ClientError>> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(client.ready()));
    told.recv_timeout(PATIENCE).ok()
}
