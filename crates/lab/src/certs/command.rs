//! `ilslab certs`: the options, and what is printed.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};

use super::authority::AUTHORITY_DAYS;
use super::error::CertsError;
use super::issue::{DEFAULT_DAYS, Issue, Issued, IssuedNode, IssuedPair, State, issue};
use super::key::KeyKind;
use super::name::Node;
use super::sign::{Sign, sign};

/// Octets of a request for a certificate.
const REQUEST_MAX: u64 = 64 * 1024;

/// `ilslab certs …`
#[derive(Debug, Clone, Args)]
#[command(about = "Make the lab's certificates, and put them into running nodes")]
#[command(after_help = "\
Examples:
  ilslab certs issue
  ilslab certs export hub | ilslab certs install spoke --trust -
  ilslab certs request hub | ilslab certs sign - | ilslab certs install hub -
  ilslab restart hub

The second lets the spoke trust the hub's own certificate, the third gives the hub one that is signed
by the lab CA; what was uploaded counts once the service of that node was restarted.")]
pub struct CertsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CertsCommand,
}

/// The commands of `ilslab certs`.
#[derive(Debug, Clone, Subcommand)]
pub enum CertsCommand {
    /// Make a lab CA, and for each node a CA-signed and a self-signed tomcat certificate
    Issue(IssueArgs),
    /// Sign a request for a certificate with the lab CA, and print the certificate
    Sign(SignArgs),
}

/// `ilslab certs sign …`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  ilslab certs request hub | ilslab certs sign - > hub.pem
  openssl req -new -key x.key -subj /CN=x.lab.example | ilslab certs sign - > x.pem

The certificate is a tomcat certificate for the names and the key of the request.")]
pub struct SignArgs {
    /// The request: a PKCS#10 file in PEM (- = stdin)
    #[arg(value_name = "FILE")]
    pub request: PathBuf,
    /// The folder with the lab CA, as ca/root.pem and ca/root.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub dir: PathBuf,
    /// How many days the certificate is valid, at most as long as its CA
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DAYS,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(AUTHORITY_DAYS)))]
    pub days: u32,
}

/// `ilslab certs issue …`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  ilslab certs issue
  ilslab certs issue --key p-256 --node hub=hub.corp.example --node paris=ils.paris.example
  ilslab certs issue --node spoke=spoke.lab.example --force     a new certificate for one node

What stands in the folder is kept; the CA that is there signs for new nodes. A run that was
killed is finished by the next. To begin afresh, CA and all, remove the folder `ca` and use
--force.")]
pub struct IssueArgs {
    /// The folder to make them in
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub dir: PathBuf,
    /// The kind of new keys; CUCM's tomcat certificate is RSA with 2048 bits
    #[arg(long, value_enum, default_value_t)]
    pub key: KeyKind,
    /// A node: the name of its folder, and the FQDN in its certificates; may be repeated
    #[arg(long = "node", value_name = "NAME=FQDN",
          default_values = ["hub=hub.lab.example", "spoke=spoke.lab.example"])]
    pub nodes: Vec<Node>,
    /// How many days a node's certificate is valid, at most as long as its CA
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DAYS,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(AUTHORITY_DAYS)))]
    pub days: u32,
    /// Replace the certificates and keys of these nodes, and the CA if it is of no use
    #[arg(long)]
    pub force: bool,
    /// Print what stands there now as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command. The report goes to `out`, progress to `progress`; the clock is the caller's.
///
/// # Errors
/// Those of [`issue`], and [`CertsError::Report`]; [`CertsError::exit_code`] has the process's exit code.
pub fn run(
    args: &CertsArgs, now: SystemTime, out: &mut dyn Write, progress: &mut dyn Write,
) -> Result<(), CertsError> {
    let report = match &args.command {
        CertsCommand::Issue(args) => {
            // Progress that cannot be shown is no reason to fail.
            let mut tell = |line: &str| drop(writeln!(progress, "{line}"));
            let issued = issue(&args.wish(), now, &mut tell)?;
            if args.json { as_json(&args.dir, &issued) } else { as_text(&args.dir, &issued) }
        }
        CertsCommand::Sign(args) => {
            let request = read_request(&args.request)?;
            sign(&Sign { dir: &args.dir, request: &request, days: args.days }, now)?
        }
    };
    out.write_all(report.as_bytes()).and_then(|()| out.flush()).map_err(CertsError::Report)
}

/// Of a file or of stdin, up to a bound: neither has to end.
fn read_request(path: &Path) -> Result<String, CertsError> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(CertsError::file("read", path))?)
    };
    let mut content = Vec::new();
    source.take(REQUEST_MAX + 1).read_to_end(&mut content).map_err(CertsError::file("read", path))?;
    let wrong = |why: String| CertsError::Request { why };
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > REQUEST_MAX {
        return Err(wrong(format!("`{}` has more than {REQUEST_MAX} octets", path.display())));
    }
    String::from_utf8(content).map_err(|_| wrong(format!("`{}` is no PEM", path.display())))
}

impl IssueArgs {
    fn wish(&self) -> Issue {
        let Self { dir, key, nodes, days, force, .. } = self.clone();
        Issue { dir, key, nodes, days, force }
    }
}

fn as_json(dir: &Path, issued: &Issued) -> String {
    let dir = dir.display().to_string();
    let report = serde_json::json!({ "dir": dir, "ca": issued.ca, "nodes": issued.nodes });
    format!("{report:#}\n")
}

fn as_text(dir: &Path, issued: &Issued) -> String {
    let width = issued.pairs().flat_map(|pair| [&pair.cert, &pair.key]).map(|path| shown(path).len()).max();
    let table = Table { width: width.unwrap_or_default() };
    let mut lines = vec!["The lab CA".to_owned()];
    lines.extend(table.pair(&issued.ca, ROOT_CERT, ROOT_KEY));
    for node in &issued.nodes {
        lines.push(format!("\n{}, as {}", node.node.name(), node.node.fqdn()));
        lines.extend(table.pair(&node.ca_signed, CA_SIGNED, NODE_KEY));
        lines.extend(table.pair(&node.self_signed, SELF_SIGNED, NODE_KEY));
    }
    lines.extend(summary(issued));
    lines.extend(next_commands(dir, issued));
    lines.join("\n") + "\n"
}

const ROOT_CERT: &str = "into every node's tomcat-trust (methods 3 and 4)";
const ROOT_KEY: &str = "signs for new nodes; no node needs it";
const CA_SIGNED: &str = "signed by the lab CA (methods 3 and 4)";
const SELF_SIGNED: &str = "signed by itself; into the other side's tomcat-trust (method 2)";
const NODE_KEY: &str = "its key";

/// Lines with the paths' column as wide as the widest.
struct Table {
    width: usize,
}

impl Table {
    fn pair(&self, pair: &IssuedPair, for_what: &str, key_for_what: &str) -> Vec<String> {
        let (cert, key) = match pair.state {
            State::Made => ("made", "made"),
            State::Completed => ("made", "kept"),
            State::Kept => ("kept", "kept"),
            State::Replaced => ("replaced", "replaced"),
        };
        let mut lines = vec![self.line(cert, &pair.cert, for_what), self.line(key, &pair.key, key_for_what)];
        lines.extend(pair.warnings.iter().map(|warning| format!("            warning: {warning}")));
        lines
    }

    fn line(&self, state: &str, path: &Path, for_what: &str) -> String {
        format!("  {state:<8}  {:<width$}  {for_what}", shown(path), width = self.width)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What was kept is said once more where a reader ends up.
fn summary(issued: &Issued) -> Option<String> {
    let kept = issued.pairs().filter(|pair| pair.state == State::Kept).count();
    let all = issued.pairs().count();
    (kept > 0).then(|| {
        format!("\n{kept} of {all} certificates were there and are untouched; --force replaces those of the nodes.")
    })
}

fn next_commands(dir: &Path, issued: &Issued) -> Vec<String> {
    // A run always has a node: `issue` refuses one without.
    let Some(node) = hub_of(issued) else {
        return Vec::new();
    };
    let (root, pair) = (issued.ca.cert.display(), &node.ca_signed);
    let (cert, key, trust) =
        (pair.cert.display(), pair.key.display(), issued.ca.cert.parent().unwrap_or(dir));
    let (name, fqdn, trust) = (node.node.name(), node.node.fqdn(), trust.display());
    let role = if name == "spoke" { "spoke --registration-server 127.0.0.1" } else { "hub" };
    vec![
        "\nNext, look at one, or start a node with it:".to_owned(),
        format!("  openssl verify -CAfile {root} {cert}"),
        format!("  ilslab {role} --cluster-id {name} --fqdn {fqdn} --use-tls \\"),
        format!("      --cert {cert} --key {key} --trust {trust}"),
    ]
}

fn hub_of(issued: &Issued) -> Option<&IssuedNode> {
    issued.nodes.iter().find(|node| node.node.name() == "hub").or_else(|| issued.nodes.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use pretty_assertions::assert_eq;
    use std::time::{Duration, UNIX_EPOCH};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        certs: CertsArgs,
    }

    fn run_in(dir: &Path, more: &[&str]) -> Result<(String, String), CertsError> {
        let dir = dir.to_str().expect("a UTF-8 path");
        let words =
            ["ilslab", "issue", "--key", "p-256", "--dir", dir].into_iter().chain(more.iter().copied());
        let args = Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{e}")).certs;
        let (mut out, mut progress) = (Vec::new(), Vec::new());
        run(&args, UNIX_EPOCH + Duration::from_secs(1_800_000_000), &mut out, &mut progress)?;
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ok((text(out), text(progress)))
    }

    #[test]
    fn a_bare_command_makes_a_hub_and_a_spoke_with_rsa() {
        let CertsCommand::Issue(args) = Cli::parse_from(["ilslab", "issue"]).certs.command else {
            panic!("`issue` is what was asked for");
        };
        let nodes: Vec<_> = args.nodes.iter().map(ToString::to_string).collect();
        assert_eq!(nodes, ["hub=hub.lab.example", "spoke=spoke.lab.example"]);
        assert_eq!((args.dir, args.key, args.days), (PathBuf::from("certs"), KeyKind::Rsa2048, 825));
    }

    #[test]
    fn bad_options_are_refused_with_a_reason() {
        for (case, option, value, want) in [
            ("no FQDN", "--node", "hub", "is not NAME=FQDN"),
            ("no such key", "--key", "rsa-1024", "rsa-2048, p-256"),
            ("no days", "--days", "0", "1..=3650"),
            ("too many days", "--days", "3651", "1..=3650"),
        ] {
            let error = Cli::try_parse_from(["ilslab", "issue", option, value]).map(|_| ()).expect_err(case);
            assert!(error.to_string().contains(want), "{case}: {error}");
        }
    }

    #[test]
    fn the_report_names_every_file_and_the_next_command() {
        let home = tempfile::tempdir().expect("a folder");
        let (report, progress) = run_in(home.path(), &[]).unwrap_or_else(|e| panic!("{e}"));
        let seen = report.replace(&home.path().display().to_string(), "certs");
        assert_eq!(seen, FIRST_REPORT);
        assert_eq!(progress.lines().last(), Some("made P-256 key 5 of 5"));
    }

    #[test]
    fn a_second_report_says_what_was_kept() {
        let home = tempfile::tempdir().expect("a folder");
        run_in(home.path(), &[]).unwrap_or_else(|e| panic!("{e}"));
        let (report, progress) = run_in(home.path(), &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((report.matches("  kept  ").count(), report.matches("  made  ").count()), (10, 0));
        assert!(report.contains("5 of 5 certificates were there and are untouched"), "{report}");
        assert_eq!(progress, "");
    }

    #[test]
    fn json_names_what_a_script_needs() {
        let home = tempfile::tempdir().expect("a folder");
        let (report, _) = run_in(home.path(), &["--json", "--node", "x=x.lab.example"]).expect("made");
        let seen: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        let at = |path: &str| home.path().join(path).display().to_string();
        let pair = |stem: &str| {
            let (cert, key) = (at(&format!("{stem}.pem")), at(&format!("{stem}.key")));
            serde_json::json!({ "cert": cert, "key": key, "state": "made", "warnings": [] })
        };
        let want = serde_json::json!({
            "dir": home.path().display().to_string(),
            "ca": pair("ca/root"),
            "nodes": [{
                "name": "x", "fqdn": "x.lab.example",
                "ca_signed": pair("x/ca-signed"), "self_signed": pair("x/self-signed"),
            }],
        });
        assert_eq!(seen, want);
    }

    #[test]
    fn an_error_has_the_exit_code_of_whoever_can_cure_it() {
        let home = tempfile::tempdir().expect("a folder");
        let twice =
            run_in(home.path(), &["--node", "a=a.x", "--node", "A=b.x"]).map(|_| ()).expect_err("twice");
        let file = home.path().join("file");
        std::fs::write(&file, "").expect("written");
        let no_folder = run_in(&file, &[]).map(|_| ()).expect_err("not a folder");
        assert_eq!((twice.exit_code(), no_folder.exit_code()), (3, 4));
        assert!(no_folder.to_string().contains(&file.display().to_string()), "{no_folder}");
    }

    const FIRST_REPORT: &str = "\
The lab CA
  made      certs/ca/root.pem            into every node's tomcat-trust (methods 3 and 4)
  made      certs/ca/root.key            signs for new nodes; no node needs it

hub, as hub.lab.example
  made      certs/hub/ca-signed.pem      signed by the lab CA (methods 3 and 4)
  made      certs/hub/ca-signed.key      its key
  made      certs/hub/self-signed.pem    signed by itself; into the other side's tomcat-trust (method 2)
  made      certs/hub/self-signed.key    its key

spoke, as spoke.lab.example
  made      certs/spoke/ca-signed.pem    signed by the lab CA (methods 3 and 4)
  made      certs/spoke/ca-signed.key    its key
  made      certs/spoke/self-signed.pem  signed by itself; into the other side's tomcat-trust (method 2)
  made      certs/spoke/self-signed.key  its key

Next, look at one, or start a node with it:
  openssl verify -CAfile certs/ca/root.pem certs/hub/ca-signed.pem
  ilslab hub --cluster-id hub --fqdn hub.lab.example --use-tls \\
      --cert certs/hub/ca-signed.pem --key certs/hub/ca-signed.key --trust certs/ca
";
}
