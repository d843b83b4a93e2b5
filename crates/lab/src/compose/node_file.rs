//! A node's `node.toml`: every option that the container's daemon needs.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::volumes::ADMIN_PASSWORD;
use crate::instance::{Instance, NodeName};
use crate::process::Side;
use crate::scenario::{Method, PASSWORD_PORT, TLS_PORT, fqdn};

/// The name of the file in a node's folder.
pub(super) const NODE_FILE: &str = "node.toml";
/// The network password's file.
pub(super) const PASSWORD: &str = "password";
/// The node's data folder.
pub(super) const DATA: &str = "data";

/// How long a spoke waits at most before it dials again: who repairs a pair by hand sees the result soon.
const RETRY_MAX: &str = "5s";

/// Where a node is to run.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// In a container of its own; a spoke dials this host.
    Container { hub_host: &'a str },
    /// On this machine, at the addresses of its instance.
    Instance(Instance),
}

impl Place<'_> {
    fn api(self, side: Side) -> SocketAddr {
        match self {
            Self::Container { .. } => {
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, NodeName { side, instance: None }.api().port()))
            }
            Self::Instance(instance) => instance.api(side),
        }
    }

    fn hub_host(self) -> String {
        match self {
            Self::Container { hub_host } => hub_host.to_owned(),
            Self::Instance(instance) => instance.address(Side::Hub).to_string(),
        }
    }

    /// The address of a node's ILS, where it is not simply all that its container has.
    fn address(self, side: Side) -> Option<Ipv4Addr> {
        match self {
            Self::Container { .. } => None,
            Self::Instance(instance) => Some(instance.address(side)),
        }
    }
}

/// The configuration of one node, whose files lie in `folder`.
pub(super) fn node_file(side: Side, method: Method, folder: &Path, place: Place<'_>) -> String {
    let file = |name: &str| quoted(&folder.join(name).display().to_string());
    let boxes = method.boxes();
    let mut text = format!(
        "# Written by `ilslab setup`.\n\
         cluster_id = \"{side}-cluster\"\n\
         fqdn = {}\n\
         data_dir = {}\n\
         log = \"sdl\"\n\n\
         [admin]\n\
         address = \"{}\"\n\
         names = [\"{side}\", \"localhost\"]\n\
         password_file = {}\n\n\
         [authentication]\n\
         use_tls = {}\n\
         use_password = {}\n",
        quoted(fqdn(side)),
        file(DATA),
        place.api(side),
        file(ADMIN_PASSWORD),
        boxes.tls,
        boxes.password,
    );
    // Writing to a String cannot fail.
    if boxes.password {
        let _ = writeln!(text, "password_file = {}", file(PASSWORD));
    }
    match (side, place.address(side)) {
        (Side::Hub, Some(address)) => {
            let _ = write!(text, "\n[listen]\naddress = \"{address}\"\n");
        }
        (Side::Hub, None) => {}
        (Side::Spoke, own) => text.push_str(&registration(place, own)),
    }
    text
}

fn registration(place: Place<'_>, own: Option<Ipv4Addr>) -> String {
    let dial_from = own.map(|address| format!("dial_from = \"{address}\"\n")).unwrap_or_default();
    format!(
        "\n[registration]\nserver = {}\ntls_port = {TLS_PORT}\npassword_port = {PASSWORD_PORT}\n\
         {dial_from}retry_max = \"{RETRY_MAX}\"\n",
        quoted(&place.hub_host()),
    )
}

/// A basic string of TOML. JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const CONTAINER: Place<'_> = Place::Container { hub_host: "hub" };

    #[test]
    fn a_pair_of_this_machine_has_the_addresses_of_its_instance() {
        let place = Place::Instance("7".parse().expect("a number"));
        let [hub, spoke] = Side::BOTH.map(|side| node_file(side, Method::Tls, Path::new("/state"), place));
        assert!(hub.contains("\n[admin]\naddress = \"127.1.7.1:8080\"\n"), "{hub}");
        assert!(hub.ends_with("\n[listen]\naddress = \"127.1.7.1\"\n"), "{hub}");
        assert!(spoke.contains("\n[admin]\naddress = \"127.1.7.2:8081\"\n"), "{spoke}");
        let registration = "\n[registration]\nserver = \"127.1.7.1\"\ntls_port = 7501\npassword_port = 7502\n\
                            dial_from = \"127.1.7.2\"\nretry_max = \"5s\"\n";
        assert!(spoke.ends_with(registration), "{spoke}");
    }

    #[test]
    fn a_spoke_of_method_3_has_both_boxes_and_its_hub() {
        let folder = Path::new("/state/a \"b\"\u{7f}");
        assert_eq!(
            node_file(Side::Spoke, Method::TlsPassword, folder, CONTAINER),
            r#"# Written by `ilslab setup`.
cluster_id = "spoke-cluster"
fqdn = "spoke.lab.example"
data_dir = "/state/a \"b\"\u007f/data"
log = "sdl"

[admin]
address = "0.0.0.0:8081"
names = ["spoke", "localhost"]
password_file = "/state/a \"b\"\u007f/admin.password"

[authentication]
use_tls = true
use_password = true
password_file = "/state/a \"b\"\u007f/password"

[registration]
server = "hub"
tls_port = 7501
password_port = 7502
retry_max = "5s"
"#
        );
    }

    #[test]
    fn only_a_method_with_a_password_names_its_file_and_only_a_spoke_a_hub() {
        for (side, method, password, registration) in [
            (Side::Hub, Method::Password, true, false),
            (Side::Hub, Method::Tls, false, false),
            (Side::Spoke, Method::Tls, false, true),
            (Side::Spoke, Method::PasswordThenTls, true, true),
        ] {
            let text = node_file(side, method, Path::new("/state"), CONTAINER);
            assert_eq!(text.contains("\"/state/password\""), password, "{side} {method}");
            assert_eq!(text.contains("[registration]"), registration, "{side} {method}");
        }
    }
}
