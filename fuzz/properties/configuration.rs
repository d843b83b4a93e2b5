//! Options: any file is settings or an error with its place, flags beat variables beat the file, and a daemon that could
//! start has every value within its range.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::Command;
use ils_core::config::ClusterRole;
use ilslab::options::{Layers, OPTIONS, OptionError, OptionRow, with_options};
use ilslab::settings::Daemon;

use crate::choices::Choices;

/// Values that some option takes, and near misses.
const VALUES: &[&str] = &[
    "true",
    "false",
    "1",
    "0",
    "yes",
    "7501",
    "65535",
    "65536",
    "-1",
    "10ms",
    "9ms",
    "1s",
    "10m",
    "1440m",
    "1441m",
    "24h",
    "25h",
    "99999999999999999999h",
    "1.2",
    "1.3",
    "1.1",
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "127.0.0.1:8080",
    "[::1]:0",
    "sdl",
    "text",
    "json",
    "+02:00",
    "-23:59",
    "+24:00",
    "hub.example.com",
    "hub.example.com.",
    "a..",
    "StandAloneCluster",
    "1",
    "11.5.1.10000(4)",
    "two words",
    "a|b",
    "a]b",
    "…",
    "/nonexistent",
    ".",
];

/// Raw: the bytes are a configuration file. Structured: options, each in some of the three layers.
pub(crate) fn check(data: &[u8]) {
    match Choices::of(data) {
        Some(mut choices) => three_layers(&mut choices),
        None => {
            let nothing = BTreeMap::new();
            match gathered(data, &nothing, &nothing) {
                Ok(layers) => start(&layers),
                Err(error) => told(&error),
            }
        }
    }
}

type Texts = BTreeMap<&'static str, String>;

fn three_layers(choices: &mut Choices<'_>) {
    let [mut file, mut variables, mut flags] = [Texts::new(), Texts::new(), Texts::new()];
    for _ in 0..1 + choices.below(8) {
        let row = &OPTIONS[choices.below(OPTIONS.len())];
        let layer = [&mut file, &mut variables, &mut flags][choices.below(3)].entry(row.name);
        layer.insert_entry(value(choices, row));
    }
    let text: String = file.iter_mut().map(|(name, value)| as_toml(row(name), value)).collect();
    let layers =
        gathered(text.as_bytes(), &variables, &flags).unwrap_or_else(|error| panic!("{error}\n{text}"));
    // The number of a pair stands for others; what it makes of them has tests of its own.
    let implied = ["admin", "data-dir", "listen", "registration-server", "dial-from"];
    let has_instance = [&file, &variables, &flags].iter().any(|layer| layer.contains_key("instance"));
    for row in OPTIONS.iter().filter(|row| !(has_instance && implied.contains(&row.name))) {
        let want = [&flags, &variables, &file].into_iter().find_map(|layer| layer.get(row.name));
        let got = layers.one(row.name).map(|given| &given.text);
        assert_eq!(got, want, "--{}: flags beat variables beat the file", row.name);
    }
    start(&layers);
}

fn row(name: &str) -> &'static OptionRow {
    OPTIONS.iter().find(|row| row.name == name).expect("it came from there")
}

/// A value that every layer can carry.
fn value(choices: &mut Choices<'_>, row: &OptionRow) -> String {
    let text = if choices.below(4) == 0 { choices.text(40) } else { choices.one_of(VALUES).to_owned() };
    let plain = text.replace(|c: char| c.is_control() || c == '\'', "");
    let number = || (sum_of(&plain) % 70_000).to_string();
    match row.value {
        None => (plain.len() % 2 == 0).to_string(),
        Some("PORT") if plain.parse::<u16>().is_err() => number(),
        _ if plain.is_empty() => "x".to_owned(),
        _ => plain,
    }
}

fn sum_of(text: &str) -> usize {
    text.bytes().fold(7, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
}

/// One line of the file. A file's number loses leading zeros and plus signs, so the text becomes what the file says.
fn as_toml(row: &OptionRow, value: &mut String) -> String {
    let written = match row.value {
        None => value.clone(),
        Some("PORT") => {
            *value = value.trim_start_matches('+').parse::<u32>().expect("a number").to_string();
            value.clone()
        }
        _ if row.name == "admin-name" => format!("['first', '{value}']"),
        _ => format!("'{value}'"),
    };
    format!("{} = {written}\n", row.key)
}

fn gathered(file: &[u8], variables: &Texts, flags: &Texts) -> Result<Layers, OptionError> {
    let mut named = tempfile::NamedTempFile::new().expect("the temporary folder can be written");
    named.write_all(file).expect("the temporary file can be written");
    let config = format!("--config={}", named.path().display());
    let flags = flags.iter().map(|(name, text)| format!("--{name}={text}"));
    let arguments = ["ilslab".to_owned(), config].into_iter().chain(flags);
    let matches = with_options(Command::new("ilslab")).try_get_matches_from(arguments).expect("known flags");
    Layers::gather(ClusterRole::Spoke, &matches, |variable| {
        variables
            .iter()
            .find(|(name, _)| variable == format!("ILS_{}", name.replace('-', "_").to_uppercase()))
            .map(|(_, text)| text.clone())
    })
}

/// Both daemons from these options; nothing outside is read, so a password file is left out.
fn start(layers: &Layers) {
    if layers.one("password-file").is_some() {
        return;
    }
    for role in [ClusterRole::Hub, ClusterRole::Spoke] {
        match Daemon::new(role, layers) {
            Ok(daemon) => within_ranges(&daemon),
            Err(error) => told(&error),
        }
    }
}

fn within_ranges(daemon: &Daemon) {
    let config = &daemon.config;
    assert!(config.check().is_ok(), "a daemon has been checked as a whole");
    assert!(config.boxes.tls || config.boxes.password, "neither box is no method");
    let ranges = [
        ("sync_every", config.sync_every, 1_000, 1_440 * 60_000),
        ("retry_initial", config.retry_initial, 10, 3_600_000),
        ("retry_max", config.retry_max, 10, 24 * 3_600_000),
    ];
    for (name, got, least, most) in ranges {
        assert!(
            (Duration::from_millis(least)..=Duration::from_millis(most)).contains(&got),
            "{name} = {got:?}"
        );
    }
    assert!(config.tls_min <= config.tls_max, "a lowest version above the highest");
    assert_ne!(daemon.data_dir, Path::new(""), "a folder has a name");
}

/// An error has a place, a reason and a cure, and what a file says reaches a terminal as text.
fn told(error: &OptionError) {
    for part in [&error.origin, &error.problem, &error.cure] {
        assert!(!part.is_empty(), "nothing to say: {error:?}");
        assert!(!part.contains(char::is_control), "a control character in {error:?}");
    }
}
