//! One scenario's folder, files and options, and the two processes that come of them.
//!
//! ```text
//! DIR/hub/    the hub's data folder       DIR/hub.password    its password     DIR/admin.password   of both APIs
//! DIR/spoke/  the spoke's                 DIR/hub.stderr …    what it printed
//! DIR/ca/     the lab CA, for who repairs the pair
//! ```

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::value_parser;
use ils_core::limits::PATIENCE;
use ilslab_desk::Client;

use super::catalogue::{Method, Scenario};
use super::credentials::{Credentials, fqdn};
use super::dice::Dice;
use super::repair::Ground;
use crate::certs::{KeyKind, authority_files};
use crate::error::LabError;
use crate::instance::{Instance, NodeName};
use crate::process::{Daemon, ProcessError, Program, Ready, Side};

/// The file with the administrator's password, in a stage's folder.
pub(crate) const ADMIN_PASSWORD: &str = "admin.password";

/// The port of TLS, on a hub that nobody told another.
pub(crate) const TLS_PORT: u16 = 7501;
/// The port of the password.
pub(crate) const PASSWORD_PORT: u16 = 7502;

/// On Linux all of 127.0.0.0/8 is the machine itself: the spoke has an address of its own, so that a trainee can tell
/// the two apart in a line.
const SPOKE_DIALS_FROM: Option<&str> = if cfg!(target_os = "linux") { Some("127.0.0.2") } else { None };

/// What a demo and a run of scenarios say of their pairs alike.
#[derive(Debug, Clone, clap::Args)]
pub struct PairArgs {
    /// Speak this version of TLS only [default: what the nodes agree on]
    #[arg(long, value_name = "VERSION", value_enum)]
    pub tls_version: Option<TlsPin>,
    /// Wait N times as long for whatever is to happen: for slow machines
    #[arg(long, value_name = "N", env = "ILS_PATIENCE", default_value_t = 1, value_parser = value_parser!(u32).range(1..=i64::from(PATIENCE)))]
    pub patience: u32,
    /// The kind of the keys
    #[arg(long, value_enum, default_value_t)]
    pub key: KeyKind,
}

/// Both nodes speak exactly this version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TlsPin {
    /// TLS 1.2
    #[value(name = "1.2")]
    V1_2,
    /// TLS 1.3
    #[value(name = "1.3")]
    V1_3,
}

impl fmt::Display for TlsPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        })
    }
}

/// Which ports the nodes take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortChoice {
    /// Any that is free: several stages can stand at once.
    Any,
    /// 7501, 7502, 8080 and 8081.
    Default,
    /// The same, on addresses of its own.
    Instance(Instance),
}

impl PortChoice {
    /// Which pair of the machine it is.
    pub(crate) fn instance(self) -> Option<Instance> {
        match self {
            Self::Instance(instance) => Some(instance),
            Self::Any | Self::Default => None,
        }
    }

    /// Where the hub listens.
    pub(crate) fn hub(self) -> Ipv4Addr {
        self.instance().map_or(Ipv4Addr::LOCALHOST, |instance| instance.address(Side::Hub))
    }
}

/// What the command line decides for every stage.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tls_version: Option<TlsPin>,
    pub(crate) ports: PortChoice,
    /// Method 4: the spoke's boxes are changed before the hub's.
    pub(crate) spoke_first: bool,
    /// The spoke's first wait between two attempts.
    pub(crate) retry_initial: Option<&'static str>,
    /// How many times as long a node waits for the other, and whoever judges them for both.
    pub(crate) patience: u32,
    pub(crate) dice: Dice,
}

/// All that a scenario needs, before any process runs.
pub(crate) struct Stage<'a> {
    pub(crate) program: &'a Program,
    pub(crate) scenario: &'static Scenario,
    pub(crate) credentials: &'a Credentials,
    pub(crate) settings: &'a Settings,
    pub(crate) dir: &'a Path,
}

/// Both daemons, and how to ask them.
pub(crate) struct Pair {
    pub(crate) hub: Daemon,
    pub(crate) spoke: Daemon,
    clients: [Client; 2],
}

impl Pair {
    /// The client of this side's API.
    pub(crate) fn client(&self, side: Side) -> &Client {
        let [hub, spoke] = &self.clients;
        match side {
            Side::Hub => hub,
            Side::Spoke => spoke,
        }
    }

    /// This side's daemon.
    pub(crate) fn daemon(&self, side: Side) -> &Daemon {
        match side {
            Side::Hub => &self.hub,
            Side::Spoke => &self.spoke,
        }
    }

    /// Whether both still run.
    ///
    /// # Errors
    /// How the first that does not has ended.
    pub(crate) fn check(&mut self) -> Result<(), ProcessError> {
        self.hub.check()?;
        self.spoke.check()
    }

    /// Both say Bye and end; one that does not is killed. The spoke first: the hub then sees it leave.
    pub(crate) fn stop(mut self) {
        self.spoke.terminate();
        self.hub.terminate();
        // How they end no longer matters.
        let _ = (self.spoke.stop(), self.hub.stop());
    }
}

impl Stage<'_> {
    /// Writes the files, starts the hub and then the spoke, which needs to know the hub's ports.
    ///
    /// # Errors
    /// Files that cannot be written, or a daemon that does not start; then none is left running.
    pub(crate) fn raise(&self) -> Result<Pair, LabError> {
        let admin_password = Dice::random().map_err(LabError::Random)?.password();
        self.write(&self.admin_password(), &admin_password)?;
        if let Some(root) = self.credentials.root() {
            for (path, pem) in authority_files(self.dir, root) {
                self.write(&path, pem)?;
            }
        }
        for side in Side::BOTH {
            self.equip(side)?;
        }
        let hub = Daemon::start(self.program, Side::Hub, self.hub_options(), self.dir)?;
        let spoke = Daemon::start(self.program, Side::Spoke, self.spoke_options(hub.ready()), self.dir)?;
        let client = |daemon: &Daemon| daemon.client(&admin_password).map_err(LabError::api(daemon.side()));
        let clients = [client(&hub)?, client(&spoke)?];
        Ok(Pair { hub, spoke, clients })
    }

    /// A node's data folder.
    pub(crate) fn data(&self, side: Side) -> PathBuf {
        self.dir.join(side.name())
    }

    /// The commands that make the pair join.
    pub(crate) fn repair_commands(&self) -> Vec<String> {
        let dir = std::path::absolute(self.dir).unwrap_or_else(|_| self.dir.to_owned());
        let hub_password = dir.join(format!("{}.password", Side::Hub));
        let instance = self.settings.ports.instance();
        self.scenario.repair_commands(Ground::Here { dir: &dir, hub_password: &hub_password, instance })
    }

    /// Where its trace is.
    pub(crate) fn trace(&self, side: Side) -> PathBuf {
        self.data(side).join("activelog/cm/trace/ils/sdl")
    }

    /// Where its alarms are.
    pub(crate) fn alarms(&self, side: Side) -> PathBuf {
        self.data(side).join("activelog/syslog/CiscoSyslog")
    }

    /// The file with the administrator's password.
    pub(crate) fn admin_password(&self) -> PathBuf {
        self.dir.join(ADMIN_PASSWORD)
    }

    /// The file with a node's password.
    pub(crate) fn password(&self, side: Side) -> PathBuf {
        self.dir.join(format!("{side}.password"))
    }

    /// Certificates, trust store and password of a node, where they lie on a CUCM.
    fn equip(&self, side: Side) -> Result<(), LabError> {
        let platform = self.data(side).join("platform");
        if let Some(identity) = self.credentials.carried(self.scenario, side) {
            self.write(&platform.join("tomcat/tomcat.key"), &identity.key_pem)?;
            self.write(&platform.join("tomcat/tomcat.pem"), &identity.cert_pem)?;
        }
        for (name, pem) in self.credentials.trusted(self.scenario, side) {
            self.write(&platform.join("tomcat-trust").join(name), pem)?;
        }
        if self.scenario.method != Method::Tls {
            self.write(&self.password(side), &self.network_password(side))?;
        }
        Ok(())
    }

    /// Where both have the same, it is the hub's.
    fn network_password(&self, side: Side) -> String {
        let whose = if self.scenario.same_password { Side::Hub } else { side };
        self.settings.dice.for_name(&format!("{} {whose}", self.scenario.id)).password()
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), LabError> {
        ilslab_files::write_new(path, text.as_bytes()).map_err(LabError::folder("write", path))
    }

    fn hub_options(&self) -> Vec<OsString> {
        let [tls, password] = match self.settings.ports {
            PortChoice::Any => [0, 0],
            PortChoice::Default | PortChoice::Instance(_) => [TLS_PORT, PASSWORD_PORT],
        };
        let mut options = self.common_options(Side::Hub);
        options.pair("--listen", self.settings.ports.hub().to_string());
        options.pair("--tls-port", tls.to_string());
        options.pair("--password-port", password.to_string());
        options.0
    }

    fn spoke_options(&self, hub: &Ready) -> Vec<OsString> {
        let mut options = self.common_options(Side::Spoke);
        options.pair("--registration-server", self.settings.ports.hub().to_string());
        for (name, address) in
            [("--registration-tls-port", hub.tls), ("--registration-password-port", hub.password)]
        {
            if let Some(address) = address {
                options.pair(name, address.port().to_string());
            }
        }
        let own = self.settings.ports.instance().map(|instance| instance.address(Side::Spoke).to_string());
        if let Some(address) = own.or(SPOKE_DIALS_FROM.map(str::to_owned)) {
            options.pair("--dial-from", address);
        }
        if let Some(wait) = self.settings.retry_initial {
            options.pair("--retry-initial", wait);
        }
        options.0
    }

    fn common_options(&self, side: Side) -> Options {
        let boxes = self.scenario.method.boxes();
        let mut options = Options::default();
        options.pair("--cluster-id", format!("{side}-cluster"));
        options.pair("--fqdn", fqdn(side));
        options.pair("--data-dir", self.data(side));
        options.pair("--admin", self.admin_address(side).to_string());
        options.pair("--admin-password-file", self.admin_password());
        if boxes.tls {
            options.switch("--use-tls");
        }
        if boxes.password {
            options.switch("--use-password");
            options.pair("--password-file", self.password(side));
        }
        if self.settings.patience > 1 {
            options.pair("--patience", self.settings.patience.to_string());
        }
        if let Some(version) = self.settings.tls_version {
            options.pair("--tls-min", version.to_string());
            options.pair("--tls-max", version.to_string());
        }
        options
    }

    fn admin_address(&self, side: Side) -> SocketAddr {
        match self.settings.ports {
            PortChoice::Any => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            PortChoice::Default | PortChoice::Instance(_) => self.node(side).api(),
        }
    }

    /// How commands call a node.
    pub(crate) fn node(&self, side: Side) -> NodeName {
        NodeName { side, instance: self.settings.ports.instance() }
    }
}

/// A command line as it grows.
#[derive(Default)]
struct Options(Vec<OsString>);

impl Options {
    fn switch(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn pair(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.extend([name.into(), value.into()]);
    }
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
