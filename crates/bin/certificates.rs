//! `ilslab certs export|request|install NODE`: certificates of a running node, out of it and into it.
//!
//! ```text
//! export NODE                its own certificate           | install OTHER --trust -
//! request NODE               PKCS#10, of its own key       | sign - | install NODE -
//! ```
//! What is printed is PEM and nothing else, so that one command feeds the next. The key stays in its node.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgAction, ArgMatches, Command};
use ilslab_desk::{Client, FileName};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::files;
use crate::reach::{addressed, client, node_of};

/// Octets of a file that is sent to a node, whose answer to more is that it is too much.
const FILE_MAX: usize = 64 * 1024;

/// `ilslab certs export`.
pub fn export_command() -> Command {
    addressed(Command::new("export"))
        .about("Print the tomcat certificate of a running node, as PEM")
        .after_help("Example (method 2, then restart the spoke):\n  ilslab certs export hub | ilslab certs install spoke --trust -")
}

/// `ilslab certs request`.
pub fn request_command() -> Command {
    addressed(Command::new("request"))
        .about("Print a request (PKCS#10) for a certificate of a running node's key, as PEM")
        .after_help("Example (methods 3 and 4, then restart the hub):\n  ilslab certs request hub | ilslab certs sign - | ilslab certs install hub -")
}

/// `ilslab certs install`.
pub fn install_command() -> Command {
    let file = Arg::new("file").value_name("FILE").required(true);
    let key = Arg::new("key").long("key").value_name("FILE").conflicts_with("trust");
    let trust = Arg::new("trust").long("trust").action(ArgAction::SetTrue);
    let name = Arg::new("name").long("name").value_name("NAME").requires("trust");
    addressed(Command::new("install"))
        .about("Upload a certificate to a running node; it counts after `ilslab restart NODE`")
        .arg(file.help("The certificate, PEM, DER or PKCS#7 (- = stdin)"))
        .arg(trust.help("Into tomcat-trust, instead of in place of the node's own certificate"))
        .arg(key.help("Its private key, PEM [default: the key that the node has]"))
        .arg(name.help("Name of its file in tomcat-trust, ending in .pem [default: one that the node makes]"))
        .after_help(
            "Examples:\n  ilslab certs install spoke --trust certs/ca/root.pem\n  ilslab certs install hub certs/hub/ca-signed.pem --key certs/hub/ca-signed.key",
        )
}

/// Runs one of the three; answers what is to be printed.
///
/// # Errors
/// A file that cannot be read, and what the node answers.
pub(crate) fn run(name: &str, matches: &ArgMatches) -> anyhow::Result<String> {
    match name {
        "export" => export(&client(matches)?),
        "request" => Ok(client(matches)?.request_tomcat()?),
        _ => install(matches),
    }
}

/// What lies in its file comes first: that is what it will use.
fn export(client: &Client) -> anyhow::Result<String> {
    let shelf = client.tomcat()?;
    let own = shelf.get("certificates").and_then(Value::as_array).and_then(|all| all.first());
    let own = own.ok_or_else(|| {
        anyhow!(
            "the node has no certificate yet; one is made when TLS is turned on: ilslab set NODE use_tls=true"
        )
    })?;
    let pem = own.get("pem").and_then(Value::as_str);
    pem.map(str::to_owned).ok_or_else(|| anyhow!("the answer has no certificate; is this a node?"))
}

fn install(matches: &ArgMatches) -> anyhow::Result<String> {
    let path = matches.get_one::<String>("file").map_or("-", String::as_str);
    let certificate = as_text(&content(path)?);
    let (client, node) = (client(matches)?, node_of(matches));
    let answer = if matches.get_flag("trust") {
        let name = matches.get_one::<String>("name").map(|name| name.parse::<FileName>());
        client.upload_trust(name.transpose().context("--name")?.as_ref(), &certificate)?
    } else {
        let key = matches.get_one::<String>("key").map(|path| key(path)).transpose()?;
        client.upload_tomcat(&certificate, key.as_ref().map(|key| key.as_str()))?
    };
    let place = match answer.get("file").and_then(Value::as_str) {
        Some(file) => format!("tomcat-trust of {node} has {file}"),
        None => format!("{node} has the certificate"),
    };
    let counts = match answer.get("active").and_then(Value::as_bool) {
        Some(true) => "it is in use already".to_owned(),
        _ => format!("it counts after `ilslab restart {node}`"),
    };
    Ok(format!("{place}; {counts}"))
}

/// PEM is text; DER goes as base64, which a node takes too.
fn as_text(content: &[u8]) -> String {
    match str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => STANDARD.encode(content),
    }
}

fn key(path: &str) -> anyhow::Result<Zeroizing<String>> {
    let content = content(path)?;
    let text = str::from_utf8(&content);
    let cure = "write the key as PEM: `openssl pkey -in FILE -out NEW`";
    Ok(Zeroizing::new(text.map_err(|_| anyhow!("{path} is no PEM; {cure}"))?.to_owned()))
}

fn content(path: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let read = match path {
        "-" => whole(std::io::stdin().lock()),
        path => File::open(Path::new(path)).and_then(whole),
    };
    let shown = if path == "-" { "stdin" } else { path };
    read.with_context(|| format!("{shown} cannot be read"))
}

fn whole(source: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    files::all(source, FILE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_sent_as_it_is_and_der_as_base64() {
        for (content, want) in
            [(&b"-----BEGIN"[..], "-----BEGIN"), (&[0x30, 0x82, 0x01, 0xff][..], "MIIB/w=="), (b"", "")]
        {
            assert_eq!(as_text(content), want);
        }
    }
}
