//! `ilslab switch`: the second half of method 4, on a running pair that `ilslab setup` has equipped.
//!
//! Run again it finds what is left to do: a node that has been switched stays as it is.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ils_faces::Calls;
use ilslab_desk::{Client, ClientError};
use ilslab_trace::console::{self, tell as complain};
use serde_json::{Map, Value};

use super::error::ComposeError;
use super::stamp::Stamp;
use super::volumes::{LAB, STATE, admin_password};
use crate::clock::{Deadline, glance};
use crate::error::LabError;
use crate::interrupt::Interrupt;
use crate::process::Side;

/// How long the first half of method 4 may take.
const JOINED_WITHIN: Duration = Duration::from_secs(60);

/// `ilslab switch …`
#[derive(Debug, Clone, Args)]
#[command(
    about = "Switch a pair that has joined by password to TLS: the second half of method 4",
    after_help = "\
Example:
  ilslab switch --dir state --hub http://127.0.0.1:8080 --spoke http://127.0.0.1:8081

The pair is the one that `ilslab setup` has equipped, and only its method password-then-tls switches. In the
compose file this is a service of its own, which starts once both nodes are healthy.

Exit codes: 0 switched, or nothing to switch, 4 not set up or a node not reached, 5 not joined in time."
)]
pub struct SwitchArgs {
    /// The folder above lab
    #[arg(long, value_name = "DIR", default_value = STATE)]
    pub dir: PathBuf,
    /// The hub's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub hub: String,
    /// The spoke's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub spoke: String,
}

/// Runs `ilslab switch`; answers the exit code.
pub fn run_switch(args: &SwitchArgs) -> u8 {
    match switch(args, &mut console::stdout()) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("failed to switch the pair: {error}"));
            error.exit_code()
        }
    }
}

fn switch(args: &SwitchArgs, out: &mut dyn Write) -> Result<(), ComposeError> {
    let lab = args.dir.join(LAB);
    let method = Stamp::read(&lab)?.scenario.method;
    if !method.switches() {
        return tell(out, &format!("nothing to switch: {method} is not password-then-tls"));
    }
    let password = admin_password(&lab)?;
    let node = |side, url| Node::new(side, url, &password);
    let pair = [node(Side::Hub, &args.hub)?, node(Side::Spoke, &args.spoke)?];
    let mut left = Vec::new();
    for node in &pair {
        if !node.is_switched()? {
            left.push(node);
        }
    }
    // Once one of them has changed they cannot be joined before the other has.
    if left.len() == pair.len() {
        wait_for_join(&pair, out)?;
    }
    for node in left {
        node.switch()?;
        tell(out, &format!("the {} is switched: Use TLS Certificates on, Use Password off", node.side))?;
    }
    tell(out, "both nodes use TLS; they join on port 7501, as each knows the other's FQDN")
}

fn wait_for_join(pair: &[Node], out: &mut dyn Write) -> Result<(), ComposeError> {
    let interrupt =
        Interrupt::watch().map_err(|source| LabError::System { doing: "catch signals", source })?;
    tell(out, "waiting until both have joined by password")?;
    let deadline = Deadline::within(JOINED_WITHIN);
    while !all_joined(pair)? {
        if interrupt.has_come() {
            return Err(LabError::Interrupted.into());
        }
        if deadline.has_passed() {
            return Err(ComposeError::NotJoined { within: JOINED_WITHIN });
        }
        glance();
    }
    tell(out, "both have joined by password")
}

fn all_joined(pair: &[Node]) -> Result<bool, ComposeError> {
    for node in pair {
        if !node.client.is_joined().map_err(node.failed())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn tell(out: &mut dyn Write, line: &str) -> Result<(), ComposeError> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| LabError::Report(error).into())
}

/// One of the two, as its API shows it.
struct Node {
    side: Side,
    client: Client,
}

impl Node {
    fn new(side: Side, url: &str, password: &str) -> Result<Self, ComposeError> {
        let client = Client::new(url, password).map_err(|source| ComposeError::Node { side, source })?;
        Ok(Self { side, client })
    }

    fn failed(&self) -> impl FnOnce(ClientError) -> ComposeError {
        let side = self.side;
        move |source| ComposeError::Node { side, source }
    }

    fn is_switched(&self) -> Result<bool, ComposeError> {
        let config = self.client.config().map_err(self.failed())?;
        let is = |name: &str, ticked: bool| config.get(name) == Some(&Value::Bool(ticked));
        Ok(is("use_tls", true) && is("use_password", false))
    }

    /// Answered once it is in force.
    fn switch(&self) -> Result<(), ComposeError> {
        let boxes = [("use_tls", true), ("use_password", false)];
        let patch: Map<_, _> =
            boxes.map(|(name, ticked)| (name.to_owned(), Value::Bool(ticked))).into_iter().collect();
        self.client.patch(&patch).map_err(self.failed()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn args(dir: &std::path::Path) -> SwitchArgs {
        // Port 0 is nobody's: whoever were asked there could not answer.
        let url = "http://127.0.0.1:0".to_owned();
        SwitchArgs { dir: dir.to_owned(), hub: url.clone(), spoke: url }
    }

    #[test]
    fn only_method_4_asks_the_nodes_at_all() {
        for (id, code) in [
            (None, Some(4)),
            (Some("password/joined"), None),
            (Some("tls/hub-not-imported"), None),
            (Some("tls-password/mismatch"), None),
            (Some("password-then-tls/joined"), Some(4)),
        ] {
            let home = tempfile::tempdir().expect("a folder");
            if let Some(id) = id {
                let lab = home.path().join(LAB);
                let stamp = Stamp::new(Scenario::find(id).expect("a scenario"), None).expect("random");
                stamp.write(&lab).expect("stamped");
                ilslab_files::write_new(&lab.join(super::super::volumes::ADMIN_PASSWORD), b"x")
                    .expect("written");
            }
            let mut out = Vec::new();
            let failed = switch(&args(home.path()), &mut out).err();
            assert_eq!(failed.as_ref().map(ComposeError::exit_code), code, "{id:?}: {failed:?}");
            assert_eq!(String::from_utf8_lossy(&out).starts_with("nothing to switch"), code.is_none());
        }
    }
}
