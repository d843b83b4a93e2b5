//! A node's `node.toml`: every option that the container's daemon needs.

use std::fmt::Write as _;
use std::path::Path;

use super::ADMIN_PASSWORD;
use crate::process::Side;
use crate::scenario::{ADMIN_PORTS, Method, PASSWORD_PORT, TLS_PORT, fqdn};

/// The name of the file in a node's folder.
pub(super) const NODE_FILE: &str = "node.toml";
/// The network password's file.
pub(super) const PASSWORD: &str = "password";
/// The node's data folder.
pub(super) const DATA: &str = "data";

/// How long a spoke waits at most before it dials again: who repairs a pair by hand sees the result soon.
const RETRY_MAX: &str = "5s";

/// The configuration of one node, whose files lie in `folder`; a spoke dials `hub_host`.
pub(super) fn node_file(side: Side, method: Method, folder: &Path, hub_host: &str) -> String {
    let file = |name: &str| quoted(&folder.join(name).display().to_string());
    let boxes = method.boxes();
    let mut text = format!(
        "# Written by `ilslab setup`.\n\
         cluster_id = \"{side}-cluster\"\n\
         fqdn = {}\n\
         data_dir = {}\n\
         log = \"sdl\"\n\n\
         [admin]\n\
         address = \"0.0.0.0:{}\"\n\
         names = [\"{side}\", \"localhost\"]\n\
         password_file = {}\n\n\
         [authentication]\n\
         use_tls = {}\n\
         use_password = {}\n",
        quoted(fqdn(side)),
        file(DATA),
        admin_port(side),
        file(ADMIN_PASSWORD),
        boxes.tls,
        boxes.password,
    );
    // Writing to a String cannot fail.
    if boxes.password {
        let _ = writeln!(text, "password_file = {}", file(PASSWORD));
    }
    if side == Side::Spoke {
        let _ = write!(
            text,
            "\n[registration]\nserver = {}\ntls_port = {TLS_PORT}\npassword_port = {PASSWORD_PORT}\n\
             retry_max = \"{RETRY_MAX}\"\n",
            quoted(hub_host),
        );
    }
    text
}

fn admin_port(side: Side) -> u16 {
    let [hub, spoke] = ADMIN_PORTS;
    match side {
        Side::Hub => hub,
        Side::Spoke => spoke,
    }
}

/// A basic string of TOML. JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_spoke_of_method_3_has_both_boxes_and_its_hub() {
        let folder = Path::new("/state/a \"b\"\u{7f}");
        assert_eq!(
            node_file(Side::Spoke, Method::TlsPassword, folder, "hub"),
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
            let text = node_file(side, method, Path::new("/state"), "hub");
            assert_eq!(text.contains("\"/state/password\""), password, "{side} {method}");
            assert_eq!(text.contains("[registration]"), registration, "{side} {method}");
        }
    }
}
