//! `GET config`: the ILS Configuration page. The password itself is never shown.

use ils_core::config::Config;
use serde::Serialize;
use serde_json::{Map, Value};

/// The settings that may change while a node runs.
#[derive(Serialize)]
pub(crate) struct ConfigView {
    #[serde(flatten)]
    settings: Map<String, Value>,
    password_set: bool,
    revision: u64,
}

impl ConfigView {
    /// This configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            settings: config.settings(),
            password_set: config.network_key.is_some(),
            revision: config.revision,
        }
    }
}
