//! How a command finds the node that it is told to go to.
//!
//! ```text
//! http://HOST:PORT     that
//! hub, spoke           ILS_HUB_URL, ILS_SPOKE_URL > what a running demo left > 127.0.0.1:8080, 127.0.0.1:8081
//! hub@N, spoke@N       what a running demo left > 127.1.N.1:8080, 127.1.N.2:8081
//! ```

use std::path::PathBuf;

use anyhow::anyhow;
use ilslab_lab::Side;
use ilslab_lab::handoff::{self, Handoff};
use ilslab_lab::instance::NodeName;

use crate::options::as_typed;

/// What a command's help says of a NODE.
pub(crate) const HELP: &str = "hub, spoke, hub@N or spoke@N of instance N, or the URL of a node's API";

/// A node that was found.
pub(crate) struct Found {
    /// Its API.
    pub(crate) url: String,
    /// The file with the administrator's password, where a demo left one.
    pub(crate) password_file: Option<PathBuf>,
}

/// The variables that say where `hub` and `spoke` are.
pub(crate) const VARIABLES: [&str; 2] = ["ILS_HUB_URL", "ILS_SPOKE_URL"];

/// The node of this name.
///
/// # Errors
/// A name that no node has, with the nearest.
pub(crate) fn find(node: &str) -> anyhow::Result<Found> {
    find_with(node, |variable| std::env::var(variable).ok(), handoff::read)
}

fn find_with(
    node: &str, environment: impl Fn(&str) -> Option<String>, left: impl Fn(NodeName) -> Option<Handoff>,
) -> anyhow::Result<Found> {
    if node.contains("://") {
        return Ok(Found { url: node.to_owned(), password_file: None });
    }
    let name: NodeName = node.parse().map_err(|_| anyhow!("{}", unknown(node)))?;
    let told = environment(variable(name.side)).filter(|url| !url.is_empty() && name.instance.is_none());
    let left = left(name);
    let password_file = left.as_ref().map(|left| left.password_file.clone());
    Ok(match (told, left) {
        (Some(url), _) => Found { url, password_file: None },
        (None, Some(left)) => Found { url: left.url, password_file },
        (None, None) => Found { url: format!("http://{}", name.api()), password_file: None },
    })
}

fn variable(side: Side) -> &'static str {
    let [hub, spoke] = VARIABLES;
    match side {
        Side::Hub => hub,
        Side::Spoke => spoke,
    }
}

fn unknown(node: &str) -> String {
    let (side, instance) =
        node.split_once('@').map_or((node, None), |(side, instance)| (side, Some(instance)));
    let cure =
        "give hub, spoke, hub@N or spoke@N with N from 1 to 254, or the URL of its API, http://HOST:PORT";
    let nearest = Side::BOTH.into_iter().min_by_key(|known| strsim::damerau_levenshtein(known.name(), side));
    let distance = nearest.map_or(usize::MAX, |near| strsim::damerau_levenshtein(near.name(), side));
    let typed = as_typed(node);
    match (nearest, instance) {
        (Some(near), None) if (1..=2).contains(&distance) => {
            format!("`{typed}` is no node; did you mean `{near}`? {cure}")
        }
        _ => format!("`{typed}` is no node; {cure}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_url_by_variable_by_demo_or_by_default() {
        let demo = |name: NodeName| {
            let is_left = ["hub", "hub@3"].contains(&name.to_string().as_str());
            is_left.then(|| Handoff { url: "http://demo".to_owned(), password_file: "demo.password".into() })
        };
        let nothing = |_: &str| None;
        let told = |variable: &str| (variable == "ILS_HUB_URL").then(|| "http://told".to_owned());
        for (case, node, want, has_password) in [
            ("a URL", "http://127.0.0.1:1", "http://127.0.0.1:1", false),
            ("what a demo left", "hub", "http://demo", true),
            ("no demo's", "spoke", "http://127.0.0.1:8081", false),
            ("the demo of an instance", "hub@3", "http://demo", true),
            ("no demo's of an instance", "spoke@3", "http://127.1.3.2:8081", false),
        ] {
            let found = find_with(node, nothing, demo).expect(case);
            assert_eq!((found.url.as_str(), found.password_file.is_some()), (want, has_password), "{case}");
        }
        for (node, want) in
            [("hub", "http://told"), ("spoke", "http://127.0.0.1:8081"), ("hub@3", "http://demo")]
        {
            assert_eq!(find_with(node, told, demo).expect(node).url, want, "{node} with a variable");
        }
    }

    #[test]
    fn a_name_that_no_node_has_is_told_with_the_nearest() {
        for (node, want) in [
            ("hubb", "`hubb` is no node; did you mean `hub`? give"),
            ("Spoke", "`Spoke` is no node; did you mean `spoke`? give"),
            ("hub@0", "`hub@0` is no node; give"),
            ("127.0.0.1:8080", "`127.0.0.1:8080` is no node; give"),
            ("", "`` is no node; give"),
            ("\u{1b}[31m", "`\\u{1b}[31m` is no node; give"),
        ] {
            let error = find_with(node, |_| None, |_| None).err().expect("no node").to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
