//! What an earlier run was told while it ran and still holds: said at the start, over what it stands and how it ends.
//!
//! ```text
//! stored change --+
//!                 +--> one sentence: `use_tls` is true, where --use-tls says false; …
//! origin of the --+
//! start-up value
//! ```

use std::collections::BTreeMap;

use ils_core::settings::{ADJUSTABLE, Override};
use ils_node::Standing;

use crate::options::{Layers, as_typed};

/// Where each start-up value of the page was given: flag, variable, or file with line and key.
pub struct Origins(BTreeMap<&'static str, String>);

impl Origins {
    /// Those of the settings that may change while running, and of the password.
    pub fn of(layers: &Layers) -> Self {
        let given = |key: &'static str| Some((key, layers.one(&option_of(key))?.origin.clone()));
        Self(ADJUSTABLE.into_iter().chain(["password"]).filter_map(given).collect())
    }

    fn of_key(&self, key: &str) -> &str {
        let unsaid = if key == "role" { "the command" } else { "the default" };
        self.0.get(key).map_or(unsaid, String::as_str)
    }
}

fn option_of(key: &str) -> String {
    if key == "password" { "password-file".to_owned() } else { key.replace('_', "-") }
}

/// For the line at the start; none where nothing of an earlier run stands. `node` is how commands reach it.
pub(crate) fn sentence(standing: &Standing, origins: &Origins, node: &str) -> Option<String> {
    let mut parts: Vec<String> = standing.settings.iter().map(|change| part(change, origins)).collect();
    let mut cures = Vec::new();
    if !parts.is_empty() {
        cures.push(format!("`ilslab set {node} --reset` takes them back"));
    }
    if standing.password {
        let place = match origins.0.get("password") {
            Some(origin) => format!("the one of {origin}"),
            None => "none at the start".to_owned(),
        };
        parts.push(format!("the password is the saved one, not {place}"));
        cures.push(format!("`ilslab set {node} --password-file FILE` sets another password"));
    }
    let told = parts.join(", ");
    (!parts.is_empty())
        .then(|| format!("set while an earlier run was running, and in force: {told}; {}", cures.join(", ")))
}

fn part(change: &Override, origins: &Origins) -> String {
    let Override { key, value, replaced } = change;
    let [value, replaced] = [value, replaced].map(|value| as_typed(&value.to_string()));
    format!("`{key}` is {value}, where {} says {replaced}", as_typed(origins.of_key(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn change(key: &str, value: Value, replaced: Value) -> Override {
        Override { key: key.to_owned(), value, replaced }
    }

    #[test]
    fn each_saved_setting_is_told_with_what_it_stands_over_and_how_it_ends() {
        let origins = Origins(BTreeMap::from([
            ("use_tls", "--use-tls".to_owned()),
            ("use_password", "hub.toml line 9, `authentication.use_password`".to_owned()),
            ("password", "ILS_PASSWORD_FILE".to_owned()),
        ]));
        let boxes = vec![
            change("use_password", json!(false), json!(true)),
            change("use_tls", json!(true), json!(false)),
        ];
        let reset = "`ilslab set hub --reset` takes them back";
        let renew = "`ilslab set hub --password-file FILE` sets another password";
        for (name, settings, password, want) in [
            ("nothing", vec![], false, None),
            (
                "two boxes",
                boxes,
                false,
                Some(format!(
                    "`use_password` is false, where hub.toml line 9, `authentication.use_password` says true, \
                     `use_tls` is true, where --use-tls says false; {reset}"
                )),
            ),
            (
                "over a default, and nothing in it misleads a terminal",
                vec![change("description", json!("a\u{202e}b"), json!(""))],
                false,
                Some(format!("`description` is \"a\\u{{202e}}b\", where the default says \"\"; {reset}")),
            ),
            (
                "the role",
                vec![change("role", json!("hub"), json!("spoke"))],
                false,
                Some(format!("`role` is \"hub\", where the command says \"spoke\"; {reset}")),
            ),
            (
                "a password",
                vec![],
                true,
                Some(format!("the password is the saved one, not the one of ILS_PASSWORD_FILE; {renew}")),
            ),
        ] {
            let told = sentence(&Standing { settings, password }, &origins, "hub");
            let want = want.map(|want| format!("set while an earlier run was running, and in force: {want}"));
            assert_eq!(told, want, "{name}");
        }
    }
}
