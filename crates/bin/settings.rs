//! From option texts to what a daemon is made of: every value checked before anything is touched.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files;
use crate::options::{Given, Layers, OptionError};
use crate::saved::Origins;
use ils_core::config::{ClusterRole, Config, Listen, Registration, TlsVersion};
use ils_core::limits::{PATIENCE, Timers, UNJOINED_CONNECTIONS};
use ils_core::settings::{SettingError, parse_duration, registration_server, sync_every};
use ils_node::{IdentityPaths, PASSWORD_MAX};
use ils_wire::{Boxes, ClusterId, Fqdn, Host, HostError, NetworkKey, RouteString};
use ilslab_lab::instance::Instance;
use ilslab_time::UtcOffset;
use ilslab_trace::{LogFormat, Readers};

/// Where the groups of a machine are written down.
const GROUPS: &str = "/etc/group";
/// Shortest wait between two attempts.
const RETRY_MIN: Duration = Duration::from_millis(10);
/// Longest first wait.
const RETRY_INITIAL_MAX: Duration = Duration::from_secs(3600);
/// Longest wait at all.
const RETRY_MAX: Duration = Duration::from_secs(24 * 3600);

/// A daemon, as it is to start.
pub struct Daemon {
    /// The node's start-up values.
    pub config: Config,
    /// Its folder.
    pub data_dir: PathBuf,
    /// Certificate, key and trust store, where they are not under the folder.
    pub identity: Option<IdentityPaths>,
    /// HTTP API.
    pub admin: Admin,
    /// What goes to stdout.
    pub log: LogFormat,
    /// Who may read trace and alarms.
    pub readers: Readers,
    /// Local time of trace, syslog and tables.
    pub utc_offset: UtcOffset,
    /// Written once every port is bound.
    pub ready_file: Option<PathBuf>,
    /// Where the start-up values were given.
    pub origins: Origins,
}

/// The HTTP API, as it is to start.
pub struct Admin {
    /// Where it listens.
    pub address: SocketAddr,
    /// Further host names that it answers to.
    pub names: Vec<String>,
    /// The administrator's password.
    pub password_file: Option<PathBuf>,
}

impl Daemon {
    /// Checks every option, reads the password and makes its key (Argon2id, once).
    ///
    /// # Errors
    /// The first option that cannot be.
    pub fn new(role: ClusterRole, layers: &Layers) -> Result<Self, OptionError> {
        // What it stands for is among the layers already.
        let _: Option<Instance> = layers.parsed("instance", "for example 7", str::parse)?;
        let fqdn = fqdn(layers)?;
        let config = config(role, layers, fqdn)?;
        config.check().map_err(|error| of_setting(layers, error))?;
        two_ports(role, layers, &config.listen)?;
        let folder = format!("./ilslab-data/{}", role.label().to_lowercase());
        Ok(Self {
            config,
            data_dir: layers.path("data-dir").unwrap_or_else(|| folder.into()),
            identity: identity(layers)?,
            admin: admin(role, layers)?,
            log: log(layers)?,
            readers: Readers { group: log_group(layers, Path::new(GROUPS))? },
            utc_offset: layers
                .parsed("utc-offset", "for example +02:00", str::parse)?
                .unwrap_or(UtcOffset::UTC),
            ready_file: layers.path("ready-file"),
            origins: Origins::of(layers),
        })
    }
}

fn config(role: ClusterRole, layers: &Layers, fqdn: Fqdn) -> Result<Config, OptionError> {
    let cluster_id = layers.parsed("cluster-id", "1 to 50 of A-Z a-z 0-9 . -", str::parse)?;
    let version = layers.parsed("version-string", "1 to 50 printable characters", str::parse)?;
    let description = layers.parsed("description", "up to 128 characters, no controls", str::parse)?;
    Ok(Config {
        revision: 1,
        conversation: 1,
        role,
        cluster_id: cluster_id.unwrap_or_else(ClusterId::default),
        description: description.unwrap_or_default(),
        version: version.unwrap_or_else(|| "11.5.1.10000(4)".parse().expect("CUCM's own version is one")),
        route_string: route_string(layers, &fqdn)?,
        fqdn,
        boxes: Boxes { tls: switch(layers, "use-tls")?, password: switch(layers, "use-password")? },
        network_key: network_key(layers)?,
        sync_every: every(layers)?,
        tls_min: tls_version(layers, "tls-min")?.unwrap_or(TlsVersion::V1_2),
        tls_max: tls_version(layers, "tls-max")?.unwrap_or(TlsVersion::V1_3),
        listen: Listen {
            address: address(layers, "listen")?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            tls_port: port(layers, "tls-port")?.unwrap_or(7501),
            password_port: port(layers, "password-port")?.unwrap_or(7502),
        },
        registration: registration(role, layers)?,
        dial_from: address(layers, "dial-from")?,
        retry_initial: time(layers, "retry-initial", RETRY_INITIAL_MAX)?.unwrap_or(Duration::from_secs(1)),
        retry_max: time(layers, "retry-max", RETRY_MAX)?.unwrap_or(Duration::from_secs(30)),
        timers: Timers::default().patient(patience(layers)?),
        most_unjoined: UNJOINED_CONNECTIONS,
    })
}

/// The FQDN given, or this machine's name.
fn fqdn(layers: &Layers) -> Result<Fqdn, OptionError> {
    let cure = "a host name, for example hub.lab.example";
    if let Some(fqdn) = layers.parsed("fqdn", cure, str::parse)? {
        return Ok(fqdn);
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let given = Given { text: host, origin: "this machine's name".to_owned() };
    given.text.parse().map_err(|error| given.error(error, "give --fqdn"))
}

fn route_string(layers: &Layers, fqdn: &Fqdn) -> Result<RouteString, OptionError> {
    let cure = "1 to 64 of A-Z a-z 0-9 . -";
    if let Some(route_string) = layers.parsed("route-string", cure, str::parse)? {
        return Ok(route_string);
    }
    let given = Given { text: fqdn.to_string(), origin: "the FQDN as route string".to_owned() };
    given.text.parse().map_err(|error| given.error(error, "give --route-string"))
}

fn switch(layers: &Layers, name: &str) -> Result<bool, OptionError> {
    let switched = layers.parsed(name, "true or false", |text| match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false"),
    })?;
    Ok(switched.unwrap_or(false))
}

fn port(layers: &Layers, name: &str) -> Result<Option<u16>, OptionError> {
    layers.parsed(name, "a number from 0 to 65535", |text| text.parse().map_err(|_| "is not a port"))
}

/// Each method has a port of its own.
fn two_ports(role: ClusterRole, layers: &Layers, listen: &Listen) -> Result<(), OptionError> {
    match layers.one("password-port").or(layers.one("tls-port")) {
        Some(given)
            if role == ClusterRole::Hub
                && listen.tls_port == listen.password_port
                && listen.tls_port != 0 =>
        {
            Err(given
                .error("is the port of the other method", "give --tls-port and --password-port two ports"))
        }
        _ => Ok(()),
    }
}

fn address(layers: &Layers, name: &str) -> Result<Option<IpAddr>, OptionError> {
    let Some(given) = layers.one(name) else { return Ok(None) };
    let cure = |error| match (error, name) {
        (HostError::Port, "listen") => "give the address alone: its ports are --tls-port and --password-port",
        (HostError::Port, _) => "give the address alone: the system chooses the port",
        _ => "for example 127.0.0.1 or ::1",
    };
    ils_wire::address(&given.text).map(Some).map_err(|error| given.error(error, cure(error)))
}

fn time(layers: &Layers, name: &str, most: Duration) -> Result<Option<Duration>, OptionError> {
    let most_text = ils_core::settings::format_duration(most);
    let cure = format!("from 10ms to {most_text}, for example 500ms or 10s");
    layers.parsed(name, &cure, |text| match parse_duration(text) {
        None => Err("is not a time"),
        Some(time) if time < RETRY_MIN || time > most => Err("is out of range"),
        Some(time) => Ok(time),
    })
}

fn patience(layers: &Layers) -> Result<u32, OptionError> {
    let cure = format!("a number from 1 to {PATIENCE}");
    let given = layers.parsed("patience", &cure, |text| match text.parse() {
        Ok(factor) if (1..=PATIENCE).contains(&factor) => Ok(factor),
        Ok(_) => Err("is out of range"),
        Err(_) => Err("is not a number"),
    })?;
    Ok(given.unwrap_or(1))
}

fn every(layers: &Layers) -> Result<Duration, OptionError> {
    let Some(given) = layers.one("sync-every") else { return Ok(Duration::from_secs(600)) };
    sync_every(&given.text).map_err(|error| given.error(error.problem, error.cure))
}

fn tls_version(layers: &Layers, name: &str) -> Result<Option<TlsVersion>, OptionError> {
    layers.parsed(name, "1.2 or 1.3", |text| match text {
        "1.2" => Ok(TlsVersion::V1_2),
        "1.3" => Ok(TlsVersion::V1_3),
        _ => Err("is not a TLS version"),
    })
}

fn registration(role: ClusterRole, layers: &Layers) -> Result<Option<Registration>, OptionError> {
    if role != ClusterRole::Spoke {
        return match layers.one("registration-server") {
            Some(given) => Err(given.error("is for a spoke", "start `ilslab spoke`, or leave it out")),
            None => Ok(None),
        };
    }
    let Some(given) = layers.one("registration-server") else { return Ok(None) };
    let host = registration_server(&given.text).map_err(|error| given.error(error.problem, error.cure))?;
    Ok(Some(Registration {
        host,
        tls_port: port(layers, "registration-tls-port")?.unwrap_or(7501),
        password_port: port(layers, "registration-password-port")?.unwrap_or(7502),
    }))
}

/// The password's key: one Argon2id a start, never on the accept path.
fn network_key(layers: &Layers) -> Result<Option<NetworkKey>, OptionError> {
    let Some(given) = layers.one("password-file") else { return Ok(None) };
    let cure = "write the password into that file, one line, readable by you alone";
    let password = files::read_line(Path::new(&given.text), PASSWORD_MAX)
        .map_err(|error| given.error(format!("cannot be read: {error}"), cure))?;
    if password.is_empty() {
        return Err(given.error("holds an empty password", cure));
    }
    if password.len() > PASSWORD_MAX {
        return Err(given.error(format!("holds more than {PASSWORD_MAX} octets"), cure));
    }
    Ok(Some(NetworkKey::from_password(&password)))
}

/// All three, or none of them.
fn identity(layers: &Layers) -> Result<Option<IdentityPaths>, OptionError> {
    let allow_weak_key = switch(layers, "allow-weak-key")?;
    let paths = ["cert", "key", "trust"].map(|name| layers.path(name));
    match paths {
        [Some(certificate), Some(key), Some(trust)] => {
            Ok(Some(IdentityPaths { certificate, key, trust, allow_weak_key }))
        }
        [None, None, None] if allow_weak_key => {
            let origin = "--allow-weak-key".to_owned();
            let problem = "is about a key that was not named".to_owned();
            Err(OptionError { origin, problem, cure: "give --cert, --key and --trust too".to_owned() })
        }
        [None, None, None] => Ok(None),
        _ => {
            let origin = "--cert, --key, --trust".to_owned();
            let problem = "are given in part".to_owned();
            Err(OptionError { origin, problem, cure: "give all three, or none of them".to_owned() })
        }
    }
}

fn admin(role: ClusterRole, layers: &Layers) -> Result<Admin, OptionError> {
    let cure = "an address and a port, for example 127.0.0.1:8080";
    let given =
        layers.parsed("admin", cure, |text| text.parse().map_err(|_| "is not an address with a port"))?;
    let port = if role == ClusterRole::Hub { 8080 } else { 8081 };
    Ok(Admin {
        address: given.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        names: layers.many("admin-name").map(admin_name).collect::<Result<_, _>>()?,
        password_file: layers.path("admin-password-file"),
    })
}

/// As `Host` has it: without a port, and a host name without its trailing dot.
fn admin_name(given: &Given) -> Result<String, OptionError> {
    match given.text.parse::<Host>() {
        Ok(Host::Name(name)) => Ok(name.strip_suffix('.').unwrap_or(&name).to_owned()),
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(given.error(error, "a host name or an address, without a port")),
    }
}

/// A number, or the name of a group of this machine.
fn log_group(layers: &Layers, groups: &Path) -> Result<Option<u32>, OptionError> {
    let Some(given) = layers.one("log-group") else { return Ok(None) };
    if let Ok(number) = given.text.parse() {
        return Ok(Some(number));
    }
    let cure = "give the name of a group in /etc/group, or its number";
    let all = std::fs::read_to_string(groups).map_err(|error| {
        given.error(format!("cannot be looked up: {} cannot be read: {error}", groups.display()), cure)
    })?;
    number_of(&all, &given.text).map(Some).ok_or_else(|| given.error("is no group of this machine", cure))
}

/// Name, password, number, members: one group a line.
fn number_of(groups: &str, name: &str) -> Option<u32> {
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?)
}

fn log(layers: &Layers) -> Result<LogFormat, OptionError> {
    let format = layers.parsed("log", "sdl, text or json", |text| match text {
        "sdl" => Ok(LogFormat::Sdl),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is not a format"),
    })?;
    Ok(format.unwrap_or(LogFormat::Text))
}

/// A setting that is wrong together with others: told with the option that sets it.
fn of_setting(layers: &Layers, error: SettingError) -> OptionError {
    let name = error.key.replace('_', "-");
    let origin = layers.one(&name).map_or_else(|| format!("--{name}"), |given| given.origin.clone());
    OptionError { origin, problem: error.problem, cure: error.cure }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
