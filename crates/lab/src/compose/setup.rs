//! `ilslab setup`: folders, certificates, passwords and configuration of the pair, for one method and fault.
//!
//! A peer that is once known stays known, and would change how the next scenario ends: so the folders are emptied when
//! another one is asked for. Stamps are written last: a setup that was cut short is done again.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ils_core::wire::{Host, HostError};
use ilslab_trace::console::{self, tell as complain};

use super::error::ComposeError;
use super::node_file::{DATA, NODE_FILE, PASSWORD, Place, node_file};
use super::stamp::Stamp;
use super::volumes::{ADMIN_PASSWORD, LAB, STATE, admin_password};
use crate::certs::{KeyKind, authority_files};
use crate::clock::wall;
use crate::error::LabError;
use crate::folder::Grounds;
use crate::instance::Instance;
use crate::process::Side;
use crate::scenario::{Credentials, Dice, Ground, Method, Scenario, quoted};

/// Left in each of the three folders.
const SETUP_MARK: &str = ".ilslab-setup";

/// `ilslab setup …`
#[derive(Debug, Clone, Args)]
#[command(
    about = "Make what the pair of the compose file needs: certificates, passwords, configuration",
    after_help = "\
Examples:
  ilslab setup --dir state --method tls-password --fault spoke-self-signed
  ilslab setup --dir class/7 --instance 7
  docker compose run --rm -T setup --show-password

What was made for the same method and fault is kept; for another one, all is made anew and the nodes forget
each other. In the compose file this is a service of its own, which ends before the nodes start.

Exit codes: 0 made or kept, 3 usage, 4 a folder not usable."
)]
pub struct SetupArgs {
    /// The folder above hub, spoke and lab
    #[arg(long, value_name = "DIR", default_value = STATE)]
    pub dir: PathBuf,
    /// How the two authenticate
    #[arg(long, env = "ILS_METHOD", value_enum, default_value_t)]
    pub method: Method,
    /// What is wrong, as in the scenario METHOD/FAULT [default: nothing, they join]
    #[arg(long, env = "ILS_FAULT", value_name = "FAULT", default_value = "", hide_default_value = true)]
    pub fault: String,
    /// The name or address under which the spoke reaches the hub
    #[arg(long, value_name = "HOST", default_value = "hub", value_parser = host)]
    pub hub_host: String,
    /// The number of this pair, 1 to 254, where several run side by side on this machine: its hub gets the address
    /// 127.1.N.1, its spoke 127.1.N.2
    #[arg(long, value_name = "N", conflicts_with = "hub_host")]
    pub instance: Option<Instance>,
    /// The kind of the keys
    #[arg(long, value_enum, default_value_t)]
    pub key: KeyKind,
    /// Print the administrator's password, and do nothing else
    #[arg(long)]
    pub show_password: bool,
}

/// By the rule of the spoke's own option, which this becomes.
fn host(text: &str) -> Result<String, HostError> {
    text.parse::<Host>().map(|host| host.to_string())
}

/// Runs `ilslab setup`; answers the exit code.
pub fn run_setup(args: &SetupArgs) -> u8 {
    match setup(args, &mut console::stdout(), &mut console::stderr()) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("failed to set the pair up: {error}"));
            error.exit_code()
        }
    }
}

/// Makes what is not there yet, and says on `out` what was done; progress goes to `err`.
///
/// # Errors
/// A method without this fault, a folder that cannot be used or is somebody else's.
pub fn setup(args: &SetupArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), ComposeError> {
    let lab = args.dir.join(LAB);
    if args.show_password {
        return tell(out, &admin_password(&lab)?);
    }
    let scenario = Scenario::chosen(args.method, &args.fault)?;
    let done = if is_set_up(&args.dir, scenario, args.instance) {
        "kept as it is"
    } else {
        make(args, scenario, err)?;
        "made anew: certificates, passwords, configuration"
    };
    tell(out, &format!("{}: {done}\n  {}", scenario.id, scenario.title))?;
    tell(
        out,
        &format!(
            "log in as administrator; the password is in {}, and `{}` prints it",
            lab.join(ADMIN_PASSWORD).display(),
            show_command(&args.dir),
        ),
    )?;
    if args.dir != Path::new(STATE) {
        start_commands(&args.dir).iter().try_for_each(|line| tell(out, line))?;
    }
    repair_commands(&args.dir, scenario, args.instance).iter().try_for_each(|line| tell(out, line))
}

/// Without containers it is up to whoever reads this.
fn start_commands(dir: &Path) -> Vec<String> {
    let start = |side: Side| {
        let file = dir.join(side.name()).join(NODE_FILE);
        format!("  ilslab {side} --config {}", quoted(&file))
    };
    std::iter::once("start the two, each in a terminal of its own:".to_owned())
        .chain(Side::BOTH.map(start))
        .collect()
}

/// How to make the pair join that was set up to fail, once it has.
fn repair_commands(dir: &Path, scenario: &Scenario, instance: Option<Instance>) -> Vec<String> {
    let in_containers = dir == Path::new(STATE);
    let (lab, hub_password) = (dir.join(LAB), dir.join(Side::Hub.name()).join(PASSWORD));
    let ground = match in_containers {
        true => Ground::Containers { state: dir },
        false => Ground::Here { dir: &lab, hub_password: &hub_password, instance },
    };
    let commands = scenario.repair_commands(ground);
    if commands.is_empty() {
        return commands;
    }
    let login = format!("export ILS_ADMIN_PASSWORD_FILE={}", quoted(&lab.join(ADMIN_PASSWORD)));
    let first = (!in_containers).then_some(login);
    let indented = first.into_iter().chain(commands).map(|command| format!("  {command}"));
    std::iter::once("it does not join; once you have seen why, this makes it join:".to_owned())
        .chain(indented)
        .collect()
}

/// In a container there is no shell to type the plain command into.
fn show_command(dir: &Path) -> String {
    match dir == Path::new(STATE) {
        true => "docker compose run --rm -T setup --show-password".to_owned(),
        false => format!("ilslab setup --dir {} --show-password", dir.display()),
    }
}

fn tell(out: &mut dyn Write, line: &str) -> Result<(), ComposeError> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| LabError::Report(error).into())
}

fn folders(dir: &Path) -> [PathBuf; 3] {
    [Side::Hub.name(), Side::Spoke.name(), LAB].map(|name| dir.join(name))
}

/// All three bear the same stamp, and it is this scenario's.
fn is_set_up(dir: &Path, scenario: &Scenario, instance: Option<Instance>) -> bool {
    let [hub, spoke, lab] = folders(dir).map(|folder| Stamp::read(&folder).ok());
    lab.as_ref().is_some_and(|stamp| stamp.is_of(scenario, instance)) && hub == lab && spoke == lab
}

fn make(args: &SetupArgs, scenario: &'static Scenario, err: &mut dyn Write) -> Result<(), LabError> {
    let folders = folders(&args.dir);
    let mut grounds = Vec::new();
    for folder in &folders {
        grounds.push(Grounds::at(folder, SETUP_MARK)?);
    }
    // Progress that cannot be shown is no reason to fail.
    let mut progress = |line: &str| drop(writeln!(err, "{line}"));
    let making = Making {
        args,
        scenario,
        credentials: Credentials::make([scenario], args.key, wall(), &mut progress)?,
        dice: Dice::random().map_err(LabError::Random)?,
    };
    let admin = Dice::random().map_err(LabError::Random)?.password();
    for side in Side::BOTH {
        making.node(side, &admin)?;
    }
    write(&args.dir.join(LAB).join(ADMIN_PASSWORD), &admin)?;
    if let Some(root) = making.credentials.root() {
        for (path, pem) in authority_files(&args.dir.join(LAB), root) {
            write(&path, pem)?;
        }
    }
    let stamp = Stamp::new(scenario, args.instance)?;
    folders.iter().try_for_each(|folder| stamp.write(folder).map_err(LabError::folder("stamp", folder)))
}

/// One setup.
struct Making<'a> {
    args: &'a SetupArgs,
    scenario: &'static Scenario,
    credentials: Credentials,
    dice: Dice,
}

impl Making<'_> {
    /// Fills a node's folder.
    fn node(&self, side: Side, admin: &str) -> Result<(), LabError> {
        let folder = self.args.dir.join(side.name());
        let platform = folder.join(DATA).join("platform");
        if let Some(identity) = self.credentials.carried(self.scenario, side) {
            write(&platform.join("tomcat/tomcat.key"), &identity.key_pem)?;
            write(&platform.join("tomcat/tomcat.pem"), &identity.cert_pem)?;
        }
        for (name, pem) in self.credentials.trusted(self.scenario, side) {
            write(&platform.join("tomcat-trust").join(name), pem)?;
        }
        let method = self.scenario.method;
        if method.boxes().password {
            write(&folder.join(PASSWORD), &self.network_password(side))?;
        }
        write(&folder.join(ADMIN_PASSWORD), admin)?;
        let place = match self.args.instance {
            Some(instance) => Place::Instance(instance),
            None => Place::Container { hub_host: &self.args.hub_host },
        };
        write(&folder.join(NODE_FILE), &node_file(side, method, &folder, place))
    }

    /// Where both have the same, it is the hub's.
    fn network_password(&self, side: Side) -> String {
        let whose = if self.scenario.same_password { Side::Hub } else { side };
        self.dice.for_name(whose.name()).password()
    }
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    ilslab_files::write_new(path, text.as_bytes()).map_err(LabError::folder("write", path))
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
