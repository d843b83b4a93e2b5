//! Every option of a daemon, once: its flag, its TOML key, its variable and its help come from one row.
//!
//! `--tls-port` = `[listen] tls_port` = `ILS_TLS_PORT`. Flags beat variables beat the file; `instance` stands for several.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use ils_core::config::ClusterRole;
use ilslab_lab::Side;
use ilslab_lab::instance::Instance;

use crate::files;

/// Largest configuration file, in octets.
const CONFIG_MAX: usize = 1024 * 1024;

/// One option.
pub struct OptionRow {
    /// The flag, without its two hyphens.
    pub name: &'static str,
    /// The dotted key in the file.
    pub key: &'static str,
    /// What its value is called; a switch has none.
    pub value: Option<&'static str>,
    /// Its help.
    pub help: &'static str,
}

const fn row(name: &'static str, key: &'static str, value: &'static str, help: &'static str) -> OptionRow {
    OptionRow { name, key, value: Some(value), help }
}

const fn switch(name: &'static str, key: &'static str, help: &'static str) -> OptionRow {
    OptionRow { name, key, value: None, help }
}

/// All of them, in the order of `--help`.
pub const OPTIONS: &[OptionRow] = &[
    row(
        "cluster-id",
        "cluster_id",
        "ID",
        "This cluster's ID, 1-50 of A-Z a-z 0-9 . - [default: StandAloneCluster, which starts and is refused]",
    ),
    row("fqdn", "fqdn", "NAME", "This publisher's FQDN [default: the host name]"),
    row("description", "description", "TEXT", "Free text, up to 128 characters"),
    row(
        "version-string",
        "version_string",
        "TEXT",
        "The CUCM version that others see [default: 11.5.1.10000(4)]",
    ),
    row(
        "route-string",
        "route_string",
        "TEXT",
        "Advertised Route String, 1-64 of A-Z a-z 0-9 . - [default: the FQDN]",
    ),
    row(
        "instance",
        "instance",
        "N",
        "Number of this pair, 1-254, where several share a machine: sets listen, admin, data folder, and a spoke's registration server and dial-from, to those of 127.1.N.1 (hub) and 127.1.N.2 (spoke)",
    ),
    row("listen", "listen.address", "ADDR", "Address that a hub listens on [default: 0.0.0.0]"),
    row("tls-port", "listen.tls_port", "PORT", "Port for TLS; 0 = any free one [default: 7501]"),
    row(
        "password-port",
        "listen.password_port",
        "PORT",
        "Port for the password; 0 = any free one [default: 7502]",
    ),
    switch("use-tls", "authentication.use_tls", "Use TLS Certificates"),
    switch("use-password", "authentication.use_password", "Use Password"),
    row(
        "password-file",
        "authentication.password_file",
        "FILE",
        "File with the password; one line end at its end is not part of it",
    ),
    row("tls-min", "authentication.tls_min", "VERSION", "Lowest TLS version: 1.2 or 1.3 [default: 1.2]"),
    row("tls-max", "authentication.tls_max", "VERSION", "Highest TLS version: 1.2 or 1.3 [default: 1.3]"),
    row(
        "cert",
        "authentication.cert",
        "FILE",
        "The tomcat certificate, PEM, DER or PKCS#7; with --key and --trust [default: under the data folder; made when TLS is on]",
    ),
    row("key", "authentication.key", "FILE", "Its private key, PEM or DER, not encrypted"),
    row(
        "trust",
        "authentication.trust",
        "DIR",
        "tomcat-trust: every *.pem, *.crt, *.cer, *.der, *.p7b and *.p7c in this folder",
    ),
    switch(
        "allow-weak-key",
        "authentication.allow_weak_key",
        "Take an RSA --key below 2048 bits, to see a peer refuse it",
    ),
    row("sync-every", "sync_every", "TIME", "Synchronize Clusters Every, 1s-1440m [default: 10m]"),
    row("registration-server", "registration.server", "HOST", "The hub that a spoke registers with"),
    row("registration-tls-port", "registration.tls_port", "PORT", "Its port for TLS [default: 7501]"),
    row(
        "registration-password-port",
        "registration.password_port",
        "PORT",
        "Its port for the password [default: 7502]",
    ),
    row("dial-from", "registration.dial_from", "ADDR", "Local address of outgoing connections"),
    row(
        "retry-initial",
        "registration.retry_initial",
        "TIME",
        "First wait before dialling again, 10ms-1h; doubled each time, with jitter [default: 1s]",
    ),
    row(
        "retry-max",
        "registration.retry_max",
        "TIME",
        "Longest wait before dialling again, 10ms-24h [default: 30s]",
    ),
    row(
        "patience",
        "patience",
        "N",
        "Wait N times as long for a peer, 1-60: for slow machines and debuggers [default: 1]",
    ),
    row(
        "data-dir",
        "data_dir",
        "DIR",
        "The node's folder [default: ./ilslab-data/hub or ./ilslab-data/spoke]",
    ),
    row(
        "admin",
        "admin.address",
        "ADDR:PORT",
        "HTTP API; port 0 = any free one [default: hub 127.0.0.1:8080, spoke 127.0.0.1:8081]",
    ),
    row(
        "admin-password-file",
        "admin.password_file",
        "FILE",
        "File with the administrator's password [default: made at the first start and printed once]",
    ),
    row("admin-name", "admin.names", "NAME", "A further host name that the API answers to; may be repeated"),
    row("log", "log", "FORMAT", "What goes to stdout: sdl, text or json [default: text]"),
    row(
        "log-group",
        "log_group",
        "GROUP",
        "Let this group (name or number) read trace and alarms: 0750 and 0640 in place of 0700 and 0600",
    ),
    row(
        "utc-offset",
        "utc_offset",
        "±HH:MM",
        "Offset of the times in trace, alarms and tables [default: +00:00]",
    ),
    row("ready-file", "ready_file", "FILE", "JSON with the bound ports, written once all are bound"),
];

/// An option that cannot be. Its text says what, where, and what to do.
#[derive(Debug)]
pub struct OptionError {
    /// Flag, variable, or file with line and key.
    pub origin: String,
    /// What is wrong.
    pub problem: String,
    /// What it may be.
    pub cure: String,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.origin, self.problem, self.cure)
    }
}

impl std::error::Error for OptionError {}

/// A text, and where it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// As it was given.
    pub text: String,
    /// Flag, variable, or file with line and key.
    pub origin: String,
}

impl Given {
    /// An error over it.
    pub fn error(&self, problem: impl fmt::Display, cure: impl Into<String>) -> OptionError {
        let problem = format!("`{}` {problem}", as_typed(&self.text));
        OptionError { origin: self.origin.clone(), problem, cure: cure.into() }
    }
}

/// A text as it was typed, but for what would do something to a terminal or mislead its reader.
pub fn as_typed(text: &str) -> String {
    let misleads = |c: char| {
        let (marks, others) = ('\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}');
        let rare = matches!(c, '\u{61c}' | '\u{feff}' | '\u{2060}'..='\u{206f}');
        c.is_control() || rare || marks.contains(&c) || others.contains(&c)
    };
    let shown = |c: char| if misleads(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The three layers, most important first.
pub struct Layers {
    given: BTreeMap<&'static str, Vec<Given>>,
}

/// The options of a daemon, added to its command.
pub fn with_options(command: Command) -> Command {
    let config =
        Arg::new("config").long("config").value_name("FILE").help("TOML file with any of the options below");
    OPTIONS.iter().fold(command.arg(config), |command, row| command.arg(argument(row)))
}

fn argument(row: &OptionRow) -> Arg {
    let help = format!("{} [{} | {}]", row.help, row.key, variable(row.name));
    let argument = Arg::new(row.name).long(row.name).help(help).allow_hyphen_values(row.name == "utc-offset");
    match row.value {
        Some(value) => argument.value_name(value).action(ArgAction::Append),
        None => argument
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .action(ArgAction::Append),
    }
}

/// Variables that the lab's other commands and `docker-compose.yml` read.
const OTHER_VARIABLES: [&str; 8] = [
    "ILS_CONFIG",
    "ILS_METHOD",
    "ILS_FAULT",
    "ILS_ADMIN_PASSWORD_FILE",
    "ILS_HUB_ADMIN_PORT",
    "ILS_SPOKE_ADMIN_PORT",
    "ILS_HUB_URL",
    "ILS_SPOKE_URL",
];

/// A sentence for each variable that looks like one of ours and is none. No error: other programs may have theirs.
pub fn strangers(names: impl Iterator<Item = String>) -> Vec<String> {
    let ours = || OPTIONS.iter().map(|row| variable(row.name)).chain(OTHER_VARIABLES.map(str::to_owned));
    let stranger = |name: String| {
        let nearest = ours().min_by_key(|own| strsim::damerau_levenshtein(&name, own)).unwrap_or_default();
        format!("{} is no option and is ignored; did you mean {nearest}?", ilslab_names::escape(&name))
    };
    let unknown = |name: &String| name.starts_with("ILS_") && !ours().any(|own| own == *name);
    names.filter(unknown).map(stranger).collect()
}

fn variable(name: &str) -> String {
    format!("ILS_{}", name.replace('-', "_").to_uppercase())
}

impl Layers {
    /// Flags over variables over the file named by `--config` or `ILS_CONFIG`.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, an unknown key, a value of no use, an option given twice.
    pub fn gather(
        role: ClusterRole, matches: &ArgMatches, environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, OptionError> {
        let config = matches.get_one::<String>("config").cloned().or_else(|| environment("ILS_CONFIG"));
        let file = match config {
            Some(path) => from_file(Path::new(&path))?,
            None => BTreeMap::new(),
        };
        let mut given = BTreeMap::new();
        for layer in [file, from_variables(environment), from_flags(matches)?] {
            // What an instance stands for is said by the layer that names it, and beaten by whatever that says itself.
            given.extend(of_instance(role, &layer));
            given.extend(layer);
        }
        Ok(Self { given })
    }

    /// The last word on an option.
    pub fn one(&self, name: &str) -> Option<&Given> {
        self.given.get(name)?.last()
    }

    /// All its values.
    pub fn many(&self, name: &str) -> impl Iterator<Item = &Given> {
        self.given.get(name).into_iter().flatten()
    }

    /// The option through its parser; `None` where it is not given.
    ///
    /// # Errors
    /// The parser's words, with where the text was given and what it may be.
    pub fn parsed<T, E: fmt::Display>(
        &self, name: &str, cure: &str, parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, OptionError> {
        let Some(given) = self.one(name) else { return Ok(None) };
        parse(&given.text).map(Some).map_err(|error| given.error(error, cure))
    }

    /// A path, taken as it is.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.one(name).map(|given| PathBuf::from(&given.text))
    }
}

type Table = BTreeMap<&'static str, Vec<Given>>;

fn from_variables(environment: impl Fn(&str) -> Option<String>) -> Table {
    let given = |row: &OptionRow| {
        let origin = variable(row.name);
        let text = environment(&origin).filter(|text| !text.is_empty())?;
        Some((row.name, vec![Given { text, origin }]))
    };
    OPTIONS.iter().filter_map(given).collect()
}

fn from_flags(matches: &ArgMatches) -> Result<Table, OptionError> {
    let mut table = Table::new();
    for row in OPTIONS {
        let origin = format!("--{}", row.name);
        let texts = matches.get_many::<String>(row.name).into_iter().flatten();
        let flags: Vec<Given> =
            texts.map(|text| Given { text: text.clone(), origin: origin.clone() }).collect();
        if flags.len() > 1 && row.name != "admin-name" {
            let (problem, cure) = ("is given twice".to_owned(), "give it once".to_owned());
            return Err(OptionError { origin, problem, cure });
        }
        if !flags.is_empty() {
            table.insert(row.name, flags);
        }
    }
    Ok(table)
}

/// The options that the number of a pair stands for; none where the layer names no good one.
fn of_instance(role: ClusterRole, layer: &Table) -> Table {
    let Some(given) = layer.get("instance").and_then(|given| given.last()) else { return Table::new() };
    let Ok(instance) = given.text.parse::<Instance>() else { return Table::new() };
    let side = if role == ClusterRole::Spoke { Side::Spoke } else { Side::Hub };
    let [hub, own] = [Side::Hub, side].map(|side| instance.address(side).to_string());
    let common =
        [("admin", instance.api(side).to_string()), ("data-dir", format!("./ilslab-data/{instance}/{side}"))];
    let of_side = match side {
        Side::Hub => vec![("listen", own)],
        Side::Spoke => vec![("registration-server", hub), ("dial-from", own)],
    };
    let told = |text| vec![Given { text, origin: given.origin.clone() }];
    common.into_iter().chain(of_side).map(|(name, text)| (name, told(text))).collect()
}

fn from_file(path: &Path) -> Result<Table, OptionError> {
    let failed = |problem: String, cure: &str| OptionError {
        origin: path.display().to_string(),
        problem,
        cure: cure.to_owned(),
    };
    let text = files::read(path, CONFIG_MAX).and_then(|octets| files::text(&octets)).map_err(|error| {
        failed(format!("cannot be read: {error}"), "name a TOML file, see examples/hub.toml")
    })?;
    let document = toml::de::DeTable::parse(&text).map_err(|error| {
        let line = line_of(&text, error.span().map_or(0, |span| span.start));
        failed(format!("line {line}: {}", error.message()), "see examples/hub.toml")
    })?;
    let mut table = Table::new();
    read_table(&File { path, text: &text }, "", document.get_ref(), &mut table)?;
    Ok(table)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn origin(&self, offset: usize, key: &str) -> String {
        let line = line_of(self.text, offset);
        format!("{} line {line}, `{}`", self.path.display(), ilslab_names::escape(key))
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn read_table(
    file: &File<'_>, prefix: &str, document: &toml::de::DeTable<'_>, table: &mut Table,
) -> Result<(), OptionError> {
    for (name, value) in document {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        let origin = file.origin(name.span().start, &key);
        let row = OPTIONS.iter().find(|row| row.key == key);
        match (row, value.get_ref()) {
            (Some(row), value) => {
                table.insert(row.name, texts(row, value, origin)?);
            }
            (None, toml::de::DeValue::Table(inner)) if is_section(&key) => {
                read_table(file, &key, inner, table)?
            }
            (None, _) => return Err(unknown(&key, origin)),
        }
    }
    Ok(())
}

fn is_section(key: &str) -> bool {
    OPTIONS.iter().any(|row| row.key.split_once('.').is_some_and(|(section, _)| section == key))
}

/// A value as the flag would have had it; its type is part of what may be wrong with it.
fn texts(row: &OptionRow, value: &toml::de::DeValue<'_>, origin: String) -> Result<Vec<Given>, OptionError> {
    use toml::de::DeValue;
    let given = |text: String| Given { text, origin: origin.clone() };
    match (value, row.value) {
        (DeValue::Boolean(flag), None) => Ok(vec![given(flag.to_string())]),
        (DeValue::Integer(number), Some("PORT" | "TIME" | "N")) => Ok(vec![given(number.to_string())]),
        (DeValue::String(text), Some(kind)) if kind != "PORT" && row.name != "admin-name" => {
            Ok(vec![given(text.to_string())])
        }
        (DeValue::Array(names), Some("NAME")) if row.name == "admin-name" => names
            .iter()
            .map(|name| match name.get_ref() {
                DeValue::String(text) => Ok(given(text.to_string())),
                other => Err(ill_typed(row, other, origin.clone())),
            })
            .collect(),
        (other, _) => Err(ill_typed(row, other, origin)),
    }
}

fn ill_typed(row: &OptionRow, value: &toml::de::DeValue<'_>, origin: String) -> OptionError {
    let wanted = match row.value {
        None => "true or false, without quotes",
        Some("PORT") => "a number from 0 to 65535, without quotes",
        Some("TIME") => "a time in quotes, for example \"10m\"",
        Some("NAME") if row.name == "admin-name" => "a list of names in quotes",
        Some(_) => "a text in quotes",
    };
    let problem = format!("cannot be {} {}", article(value.type_str()), value.type_str());
    OptionError { origin, problem, cure: format!("give {wanted}") }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn unknown(key: &str, origin: String) -> OptionError {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    // The nearest by its whole key, or by its last part in another section.
    let distance = |row: &&OptionRow| {
        strsim::damerau_levenshtein(key, row.key)
            .min(strsim::damerau_levenshtein(&last(key), &last(row.key)) + 1)
    };
    let nearest = OPTIONS.iter().min_by_key(distance).map_or("", |row| row.key);
    let cure = format!("did you mean `{nearest}`? `--help` lists every key");
    OptionError { origin, problem: "is not a key".to_owned(), cure }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
