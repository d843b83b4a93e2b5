//! The settings that may change while a node runs: the ILS Configuration page.
//!
//! ```text
//! start-up value --+
//!                  +--> effective --> Config
//! stored change  --+     wins while the start-up value is the one that it replaced
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ils_wire::{Host, HostError, HostNameError};
use serde_json::{Map, Value};

use crate::config::{ClusterRole, Config, Registration};

/// Keys of the page, in its order. `password` is one more; it has a file of its own and no value to show.
pub const ADJUSTABLE: [&str; 7] =
    ["role", "registration_server", "use_tls", "use_password", "sync_every", "route_string", "description"];

/// Shortest interval of `Synchronize Clusters Every`. The page takes whole minutes; seconds are the lab's.
pub const SYNC_MIN: Duration = Duration::from_secs(1);
/// Longest interval.
pub const SYNC_MAX: Duration = Duration::from_secs(1440 * 60);

/// A change made while running, and the start-up value that it replaced; both as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// One of [`ADJUSTABLE`].
    pub key: String,
    /// The value now.
    pub value: Value,
    /// The start-up value at the time; an absent option's is its default.
    pub replaced: Value,
}

/// A setting cannot be that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}; {cure}")]
pub struct SettingError {
    /// Which.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// What it may be.
    pub cure: String,
}

impl SettingError {
    /// An error over one key.
    pub fn new(key: &str, problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { key: key.to_owned(), problem: problem.into(), cure: cure.into() }
    }
}

/// Start-up values, and the changes on top of them.
#[derive(Clone, Debug)]
pub struct Settings {
    startup: Map<String, Value>,
    overrides: BTreeMap<String, Override>,
}

/// What a patch does to the stored changes: set, or back to the start-up value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingChange {
    /// From now on this value.
    Set(Override),
    /// The start-up value again.
    Reset(String),
}

impl Settings {
    /// Start-up values under stored changes; also the keys of those changes whose start-up value is another now.
    pub fn new(startup: Map<String, Value>, stored: Vec<Override>) -> (Self, Vec<String>) {
        let (kept, dropped): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|change| startup.get(&change.key) == Some(&change.replaced));
        let overrides = kept.into_iter().map(|change| (change.key.clone(), change)).collect();
        (Self { startup, overrides }, dropped.into_iter().map(|change| change.key).collect())
    }

    /// The changes that make a difference: they stand over start-up values that say something else.
    pub fn standing(&self) -> impl Iterator<Item = &Override> {
        self.overrides.values().filter(|change| change.value != change.replaced)
    }

    /// What is in force.
    pub fn effective(&self) -> Map<String, Value> {
        let mut all = self.startup.clone();
        for change in self.overrides.values() {
            all.insert(change.key.clone(), change.value.clone());
        }
        all
    }

    /// These settings under a JSON merge patch (RFC 7396): null takes a change back.
    ///
    /// # Errors
    /// An unknown key. Values are judged by [`Config::with_settings`].
    pub fn patched(&self, patch: &Map<String, Value>) -> Result<(Self, Vec<SettingChange>), SettingError> {
        let mut after = self.clone();
        let mut changes = Vec::new();
        for (key, value) in patch {
            let Some(replaced) = self.startup.get(key) else {
                return Err(unknown_key(key));
            };
            match value {
                Value::Null => {
                    after.overrides.remove(key);
                    changes.push(SettingChange::Reset(key.clone()));
                }
                value => {
                    let change =
                        Override { key: key.clone(), value: value.clone(), replaced: replaced.clone() };
                    after.overrides.insert(key.clone(), change.clone());
                    changes.push(SettingChange::Set(change));
                }
            }
        }
        Ok((after, changes))
    }
}

impl Settings {
    /// A patch would change nothing: it is stored already.
    pub fn has(&self, patch: &Map<String, Value>) -> bool {
        self.patched(patch).is_ok_and(|(after, _)| after.overrides == self.overrides)
    }
}

fn unknown_key(key: &str) -> SettingError {
    let cure = format!("the keys are {}, password", ADJUSTABLE.join(", "));
    SettingError::new(key, "is not a setting", cure)
}

impl Config {
    /// The settings of the page as this configuration has them.
    pub fn settings(&self) -> Map<String, Value> {
        let server = self.registration.as_ref().map_or("", |registration| registration.host.as_str());
        let role = serde_json::to_value(self.role).unwrap_or_default();
        let pairs = [
            ("role", role),
            ("registration_server", server.into()),
            ("use_tls", self.boxes.tls.into()),
            ("use_password", self.boxes.password.into()),
            ("sync_every", format_duration(self.sync_every).into()),
            ("route_string", self.route_string.as_str().into()),
            ("description", self.description.as_str().into()),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// This configuration with other values for the settings of the page. The revision is the caller's to raise.
    ///
    /// # Errors
    /// The first value that cannot be, or boxes that do not go together.
    pub fn with_settings(&self, settings: &Map<String, Value>) -> Result<Config, SettingError> {
        let mut config = self.clone();
        for (key, value) in settings {
            config.set(key, value)?;
        }
        config.check()?;
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), SettingError> {
        match key {
            "role" => self.role = role(value)?,
            "registration_server" => self.set_registration(text(key, value)?)?,
            "use_tls" => self.boxes.tls = flag(key, value)?,
            "use_password" => self.boxes.password = flag(key, value)?,
            "sync_every" => self.sync_every = sync_every(text(key, value)?)?,
            "route_string" => {
                self.route_string = text(key, value)?.parse().map_err(|error| {
                    SettingError::new(
                        key,
                        format!("is not a route string: {error}"),
                        "1 to 64 of A-Z a-z 0-9 . -",
                    )
                })?;
            }
            "description" => {
                self.description = text(key, value)?.parse().map_err(|error| {
                    SettingError::new(
                        key,
                        format!("is not a description: {error}"),
                        "up to 128 characters, no controls",
                    )
                })?;
            }
            other => return Err(unknown_key(other)),
        }
        Ok(())
    }

    fn set_registration(&mut self, host: &str) -> Result<(), SettingError> {
        let host = if host.is_empty() { None } else { Some(registration_server(host)?) };
        let ports = self.registration.as_ref().map_or((7501, 7502), |old| (old.tls_port, old.password_port));
        self.registration = host.map(|host| Registration { host, tls_port: ports.0, password_port: ports.1 });
        Ok(())
    }

    /// Values that are each right, and wrong together.
    ///
    /// # Errors
    /// Names the setting to change.
    pub fn check(&self) -> Result<(), SettingError> {
        if !self.boxes.tls && !self.boxes.password {
            let cure = "set use_tls, use_password, or both";
            return Err(SettingError::new("use_tls", "and `use_password` are both off", cure));
        }
        if self.boxes.password && self.network_key.is_none() {
            let cure = "give it one: `password_file` at start, `password` while running";
            return Err(SettingError::new("use_password", "is set and the password is empty", cure));
        }
        if self.role == ClusterRole::Spoke && self.registration.is_none() {
            let cure = "a spoke needs the host name or address of a hub";
            return Err(SettingError::new("registration_server", "is empty", cure));
        }
        if self.tls_min > self.tls_max {
            return Err(SettingError::new("tls_min", "is above `tls_max`", "1.2 or 1.3, the lower first"));
        }
        Ok(())
    }
}

fn role(value: &Value) -> Result<ClusterRole, SettingError> {
    serde_json::from_value(value.clone())
        .map_err(|_| SettingError::new("role", format!("cannot be {value}"), "hub, spoke or standalone"))
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, SettingError> {
    value.as_str().ok_or_else(|| SettingError::new(key, format!("cannot be {value}"), "it takes text"))
}

fn flag(key: &str, value: &Value) -> Result<bool, SettingError> {
    value
        .as_bool()
        .ok_or_else(|| SettingError::new(key, format!("cannot be {value}"), "it takes true or false"))
}

/// A host name as it was given, or an address.
///
/// # Errors
/// Anything else: a port, a URL, a blank.
pub fn registration_server(text: &str) -> Result<String, SettingError> {
    let wrong = |error: HostError| {
        let cure = match error {
            HostError::Port => {
                "give the host alone: its ports are --registration-tls-port and --registration-password-port"
            }
            HostError::Name(HostNameError::Character { found }) if !found.is_ascii() => {
                "give it as DNS has it, xn--…"
            }
            _ => "give a host name or an address, without a port",
        };
        SettingError::new("registration_server", error.to_string(), cure)
    };
    text.parse::<Host>().map(|host| host.to_string()).map_err(wrong)
}

/// `10m`, `90s`, `2h`; a bare number is minutes, as on the page. 1 s to 1440 minutes.
///
/// # Errors
/// Anything else, with the range.
pub fn sync_every(text: &str) -> Result<Duration, SettingError> {
    let cure = "1s to 1440m, for example 10m or 30s";
    let wrong = |problem: &str| SettingError::new("sync_every", format!("{problem}: `{text}`"), cure);
    let text =
        if text.ends_with(|c: char| c.is_ascii_digit()) { format!("{text}m") } else { text.to_owned() };
    let every = parse_duration(&text).ok_or_else(|| wrong("is not a duration"))?;
    if every < SYNC_MIN || every > SYNC_MAX {
        return Err(wrong("is out of range"));
    }
    Ok(every)
}

/// A whole number and a unit: `ms`, `s`, `m` or `h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// The shortest text that [`parse_duration`] reads back.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        m if m % 60_000 == 0 => format!("{}m", m / 60_000),
        m if m % 1_000 == 0 => format!("{}s", m / 1_000),
        m => format!("{m}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_stored_change_wins_while_the_value_it_replaced_is_the_start_up_value() {
        let stored = |replaced| Override { key: "use_tls".into(), value: json!(true), replaced };
        let startup = map(json!({"use_tls": false, "description": ""}));
        let (same, dropped) = Settings::new(startup.clone(), vec![stored(json!(false))]);
        assert_eq!((same.effective()["use_tls"].clone(), dropped), (json!(true), vec![]));
        let (changed, dropped) = Settings::new(startup, vec![stored(json!(true))]);
        assert_eq!((changed.effective()["use_tls"].clone(), dropped), (json!(false), vec!["use_tls".into()]));
    }

    #[test]
    fn a_change_stands_where_it_says_something_else_than_the_start() {
        let stored = |key: &str, value: bool| Override {
            key: key.into(),
            value: value.into(),
            replaced: false.into(),
        };
        let startup = map(json!({"use_tls": false, "use_password": false, "description": ""}));
        let (settings, _) =
            Settings::new(startup, vec![stored("use_tls", true), stored("use_password", false)]);
        let standing: Vec<&str> = settings.standing().map(|change| change.key.as_str()).collect();
        assert_eq!(standing, ["use_tls"]);
    }

    #[test]
    fn null_takes_a_change_back_and_an_unknown_key_is_an_error() {
        let (settings, _) = Settings::new(map(json!({"description": "as started"})), vec![]);
        let (set, _) = settings.patched(&map(json!({"description": "changed"}))).expect("a known key");
        assert_eq!(set.effective()["description"], "changed");
        let (reset, changes) = set.patched(&map(json!({"description": null}))).expect("a known key");
        assert_eq!(reset.effective()["description"], "as started");
        assert_eq!(changes, [SettingChange::Reset("description".into())]);
        let error = settings.patched(&map(json!({"cluster_id": "x"}))).expect_err("not on the page");
        assert_eq!(error.key, "cluster_id");
    }

    #[test]
    fn synchronize_clusters_every_takes_one_second_to_1440_minutes() {
        for (text, seconds) in [
            ("1s", Some(1)),
            ("10", Some(600)),
            ("1440", Some(86_400)),
            ("24h", Some(86_400)),
            ("0s", None),
            ("999ms", None),
            ("1441m", None),
            ("86401s", None),
            ("", None),
            ("m", None),
            ("1d", None),
            ("-1m", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(sync_every(text).ok().map(|every| every.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn a_duration_is_read_back_from_its_own_text() {
        for text in ["10m", "90s", "250ms", "1m"] {
            let parsed = parse_duration(text).expect("a duration");
            assert_eq!(format_duration(parsed), text);
        }
    }
}
