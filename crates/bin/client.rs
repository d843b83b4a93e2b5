//! `ilslab status|alarms|trace|admin|set|restart|disconnect NODE`: commands to a running node, over its HTTP API.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ils_core::settings::ADJUSTABLE;
use ils_faces::Calls;
use ilslab_desk::{ClientError, Cursor};
use ilslab_lab::{clusters, style};
use ilslab_names::printable;
use ilslab_trace::console::{self, tell};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::certificates;
use crate::daemon::USAGE;
use crate::files;
use crate::options::as_typed;
use crate::reach::{PASSWORD_LINE_MAX, addressed, client, node_of};

/// How often a followed trace is asked for more.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// `ilslab status`.
pub fn status_command() -> Command {
    addressed(Command::new("status"))
        .about("Print how a node is, and its table of ILS clusters")
        .arg(json())
        .after_help(
            "Example:\n  ilslab status hub\n  ilslab status spoke@7\n  ilslab status http://127.0.0.1:8081 --json\n\n\
             The table is as wide as the terminal allows; where stdout is no terminal, it is as the page has it.",
        )
}

/// `ilslab alarms`.
pub fn alarms_command() -> Command {
    addressed(Command::new("alarms"))
        .about("Print the alarms that stand on a node")
        .arg(json())
        .after_help("Example:\n  ilslab alarms hub\n  ilslab alarms http://127.0.0.1:8081 --json")
}

/// `ilslab trace`.
pub fn trace_command() -> Command {
    let follow = Arg::new("follow").long("follow").short('f').action(ArgAction::SetTrue);
    addressed(Command::new("trace"))
        .about("Print the SDL trace of a node")
        .arg(follow.help("Go on with what is written from now on, until Ctrl-C"))
        .after_help("Example:\n  ilslab trace hub\n  ilslab trace spoke --follow")
}

/// `ilslab admin`.
pub fn admin_command() -> Command {
    let words = Arg::new("command").value_name("COMMAND").required(true).num_args(1..).trailing_var_arg(true);
    addressed(Command::new("admin"))
        .about("Run a command of the CUCM command line on a node")
        .arg(words.allow_hyphen_values(true).help("The command; its words are joined by one space"))
        .after_help(
            "Example:\n  ilslab admin hub run sql 'select * from remotecluster'\n  ilslab admin spoke utils ils showpeerinfo",
        )
}

/// `ilslab set`.
pub fn set_command() -> Command {
    let keys = format!("KEY=VALUE with one of {}", ADJUSTABLE.join(", "));
    let password = Arg::new("password-file")
        .long("password-file")
        .value_name("FILE")
        .help("Also set the password in FILE (- = stdin)");
    let reset =
        Arg::new("reset").long("reset").value_name("KEY").num_args(0..).action(ArgAction::Append).help(
            "Take saved changes back, of these KEYs or of all: what the node was started with counts again",
        );
    addressed(Command::new("set"))
        .about("Change settings of a running node, as the ILS Configuration page does")
        .arg(Arg::new("setting").value_name("KEY=VALUE").num_args(0..).help(keys))
        .arg(reset)
        .arg(password)
        .after_help(
            "Example (method 4, second step, on each node, and back):\n  ilslab set hub use_tls=true use_password=false\n  ilslab set spoke use_tls=true use_password=false\n  ilslab set hub --reset\n  ilslab set spoke --reset use_tls use_password",
        )
}

/// `ilslab restart`.
pub fn restart_command() -> Command {
    addressed(Command::new("restart"))
        .about("Restart the service of a running node: certificates are read again, alarms are cleared")
        .after_help("Example:\n  ilslab restart hub")
}

/// `ilslab disconnect`.
pub fn disconnect_command() -> Command {
    let peer = Arg::new("peer").value_name("PEER").required(true);
    addressed(Command::new("disconnect"))
        .about("Let a running node forget a cluster, as Disconnect on the page does")
        .arg(peer.help("Peer ID, FQDN or cluster ID of the cluster"))
        .after_help("Example:\n  ilslab disconnect hub spoke.lab.example")
}

fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// Runs one of the commands to a node; answers the exit code.
pub fn run(name: &str, matches: &ArgMatches) -> u8 {
    let result = match name {
        "status" => status(matches),
        "alarms" => alarms(matches),
        "trace" => trace(matches),
        "admin" => admin(matches),
        "set" => set(matches),
        "restart" => restart(matches),
        "disconnect" => disconnect(matches),
        _ => certificates::run(name, matches),
    };
    match result {
        Ok(text) => {
            print_text(&text);
            0
        }
        Err(error) => {
            tell(format_args!(
                "failed to {}: {error:#}",
                match name {
                    "set" => "change the settings",
                    "restart" => "restart the service",
                    "disconnect" => "disconnect the cluster",
                    "install" => "install the certificate",
                    _ => "ask the node",
                }
            ));
            exit_code(&error)
        }
    }
}

/// A closed pipe is the reader's way to say that it has seen enough.
fn print_text(text: &str) {
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    // It came from whoever answers at that address.
    let _ = write!(console::stdout(), "{}{end}", printable(text));
}

/// What did not come from the node is the command line's.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<ClientError>().map_or(USAGE, exit_code_of)
}

/// Whose fault it is decides the code: the same table for every command, the lab's too.
pub(crate) fn exit_code_of(error: &ClientError) -> u8 {
    error.exit_code()
}

fn status(matches: &ArgMatches) -> anyhow::Result<String> {
    let status = client(matches)?.status()?;
    if matches.get_flag("json") {
        return Ok(ilslab_names::ascii_json(&status.to_string()));
    }
    let state: String = state(&status).iter().map(|(name, value)| format!("{name:<8}  {value}\n")).collect();
    let table = clusters::fitted(&status, style::columns());
    Ok(format!("{state}\n{}\n{table}", clusters::TITLE))
}

/// What a node is, and how it is, a line each.
fn state(status: &Value) -> Vec<(&'static str, String)> {
    let at = |path: &str| match status.pointer(path) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let ticked = |path: &str| if status.pointer(path) == Some(&Value::Bool(true)) { "x" } else { " " };
    let ports = match at("/role").as_str() {
        "hub" => {
            format!(
                "TLS {}, password {}; {} listens",
                at("/ports/tls"),
                at("/ports/password"),
                at("/ports/listening")
            )
        }
        _ => "none for peers: a spoke dials".to_owned(),
    };
    let store = match status.pointer("/store/error").and_then(Value::as_str) {
        Some(error) => format!("cannot be written: {error}"),
        None => "can be written".to_owned(),
    };
    vec![
        ("node", format!("{}, {}, cluster {}", at("/role"), at("/fqdn"), at("/cluster_id"))),
        ("since", at("/since")),
        (
            "boxes",
            format!("[{}] TLS  [{}] Password", ticked("/method/use_tls"), ticked("/method/use_password")),
        ),
        ("ports", ports),
        ("API", at("/ports/admin")),
        ("peers", format!("{} known, {} joined", at("/peers"), at("/joined"))),
        ("alarms", at("/alarms")),
        ("store", store),
    ]
}

fn alarms(matches: &ArgMatches) -> anyhow::Result<String> {
    let answer = client(matches)?.alarms()?;
    if matches.get_flag("json") {
        return Ok(ilslab_names::ascii_json(&answer.to_string()));
    }
    let none = Vec::new();
    let alarms = answer.get("alarms").and_then(Value::as_array).unwrap_or(&none);
    if alarms.is_empty() {
        return Ok("no alarm stands".to_owned());
    }
    let field = |alarm: &Value, name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let lines = alarms.iter().map(|alarm| format!("{}  {}", field(alarm, "since"), field(alarm, "text")));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Page after page to the end; with `--follow` past it.
fn trace(matches: &ArgMatches) -> anyhow::Result<String> {
    let (client, follow) = (client(matches)?, matches.get_flag("follow"));
    let mut after: Option<Cursor> = None;
    loop {
        let page = client.trace(after.map(|after| after.to_string()).as_deref())?;
        let none = Vec::new();
        let lines = page.get("lines").and_then(Value::as_array).unwrap_or(&none);
        for line in lines.iter().filter_map(|line| line.get("line").and_then(Value::as_str)) {
            if writeln!(console::stdout(), "{}", escape_breaks(line)).is_err() {
                return Ok(String::new());
            }
        }
        let next = next_of(&page)?;
        match (lines.is_empty(), follow, Some(next) > after) {
            (true, false, _) => return Ok(String::new()),
            (false, _, true) => {}
            (_, true, _) => std::thread::sleep(FOLLOW_EVERY),
            (false, false, false) => {
                return Err(anyhow!("{} answers with the same lines again", client.url()));
            }
        }
        after = Some(next);
    }
}

fn next_of(page: &Value) -> anyhow::Result<Cursor> {
    let next = page.get("next").and_then(Value::as_str).and_then(|next| next.parse().ok());
    next.ok_or_else(|| anyhow!("the answer does not say where the trace goes on; is this a node?"))
}

/// A line of a trace is one line here too.
fn escape_breaks(line: &str) -> String {
    printable(line).replace('\n', "\\x0a")
}

fn admin(matches: &ArgMatches) -> anyhow::Result<String> {
    let words: Vec<&str> =
        matches.get_many::<String>("command").into_iter().flatten().map(String::as_str).collect();
    let answer = client(matches)?.cli(&words.join(" "));
    answer.map_err(|error| {
        let error = anyhow::Error::from(error);
        if is_unquoted_query(&words) { error.context(UNQUOTED) } else { error }
    })
}

/// A shell has been at the query: it takes quotes away, and puts names of files for `*`.
const UNQUOTED: &str =
    "the query came in several words; quote it, so that the shell leaves it as it is: run sql 'select …'";

fn is_unquoted_query(words: &[&str]) -> bool {
    matches!(words, ["run", "sql", _, _, ..])
}

fn set(matches: &ArgMatches) -> anyhow::Result<String> {
    let patch = patch(matches)?;
    let password = matches.get_one::<String>("password-file").map(|file| password(file)).transpose()?;
    if patch.is_empty() && password.is_none() {
        return Err(anyhow!("nothing to set; give KEY=VALUE with one of {}", ADJUSTABLE.join(", ")));
    }
    let password = password.as_ref().map(|password| password.as_str());
    let config = client(matches)?.set(&patch, password)?;
    let lines = config.as_object().into_iter().flatten().map(|(key, value)| match value {
        Value::String(text) => format!("{key} = {text}"),
        other => format!("{key} = {other}"),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn restart(matches: &ArgMatches) -> anyhow::Result<String> {
    client(matches)?.restart()?;
    Ok(format!("restarted the service of {}", node_of(matches)))
}

fn disconnect(matches: &ArgMatches) -> anyhow::Result<String> {
    let client = client(matches)?;
    let wanted = matches.get_one::<String>("peer").map_or("", String::as_str);
    let peers = client.peers()?;
    let (id, fqdn) = peer(&peers, wanted).ok_or_else(|| ClientError::Problem {
        status: 404,
        title: "Not found".to_owned(),
        detail: format!(
            "no cluster has the peer ID, FQDN or cluster ID {}; {}",
            as_typed(wanted),
            known(&peers)
        ),
        key: None,
    })?;
    client.disconnect(id)?;
    Ok(format!("{} has forgotten {fqdn}; it is known again once it joins", node_of(matches)))
}

/// Peer ID and FQDN of the cluster that is called so in one way or another; names have no case.
fn peer<'a>(peers: &'a Value, wanted: &str) -> Option<(&'a str, &'a str)> {
    let text = |peer: &'a Value, name: &str| peer.get(name).and_then(Value::as_str).unwrap_or("");
    let is_called = |peer: &&'a Value| {
        text(peer, "peer_id") == wanted
            || text(peer, "fqdn").eq_ignore_ascii_case(wanted)
            || text(peer, "cluster_id") == wanted
    };
    let found = peers.get("peers").and_then(Value::as_array)?.iter().find(is_called)?;
    Some((text(found, "peer_id"), text(found, "fqdn")))
}

fn known(peers: &Value) -> String {
    let all = peers.get("peers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = all.iter().filter_map(|peer| peer.get("fqdn")?.as_str()).collect();
    if names.is_empty() { "none is known".to_owned() } else { format!("known are {}", names.join(", ")) }
}

/// The merge patch (RFC 7396) that the words of `set` ask for.
fn patch(matches: &ArgMatches) -> anyhow::Result<Map<String, Value>> {
    let mut patch = Map::new();
    for setting in matches.get_many::<String>("setting").into_iter().flatten() {
        let (key, value) = setting.split_once('=').ok_or_else(|| anyhow!("`{setting}` is not KEY=VALUE"))?;
        if key == "password" {
            return Err(anyhow!(
                "a password is no argument: others can read those; use --password-file FILE"
            ));
        }
        patch.insert(key.to_owned(), value_of(value));
    }
    for key in keys_to_reset(matches)? {
        if patch.insert(key.clone(), Value::Null).is_some() {
            return Err(anyhow!("`{key}` is set and taken back; ask for one of the two"));
        }
    }
    Ok(patch)
}

/// Those named, or all of the page.
fn keys_to_reset(matches: &ArgMatches) -> anyhow::Result<Vec<String>> {
    if !matches.contains_id("reset") {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = matches.get_many::<String>("reset").into_iter().flatten().cloned().collect();
    if let Some(word) = keys.iter().find(|key| key.contains('=')) {
        return Err(anyhow!("`{word}` is no key to take back; give KEY=VALUE before --reset"));
    }
    if keys.iter().any(|key| key == "password") {
        return Err(anyhow!(
            "a password that was replaced is kept nowhere; give it again with --password-file FILE"
        ));
    }
    Ok(if keys.is_empty() { ADJUSTABLE.map(str::to_owned).into() } else { keys })
}

/// `true`, `false` and `null` are what they are in JSON; all else is text.
fn value_of(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

fn password(file: &str) -> anyhow::Result<Zeroizing<String>> {
    let line = match file {
        // Past the buffer of `stdin()`, which nobody wipes.
        "-" => std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .and_then(|stdin| files::line(File::from(stdin), PASSWORD_LINE_MAX))
            .context("the password on stdin cannot be read")?,
        file => files::read_line(Path::new(file), PASSWORD_LINE_MAX)
            .with_context(|| format!("the password file {file} cannot be read"))?,
    };
    Ok(Zeroizing::new(str::from_utf8(&line).context("the password is no text")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{BUG, ENVIRONMENT, NOTHING, TIMEOUT};

    #[test]
    fn the_state_of_a_node_is_told_whatever_is_missing() {
        let hub = serde_json::json!({
            "role": "hub", "fqdn": "hub.lab.example", "cluster_id": "hub-cluster", "since": "2016-09-28T16:58:42.888Z",
            "method": {"use_tls": true, "use_password": false}, "peers": 2, "joined": 1, "alarms": 0,
            "ports": {"tls": "127.0.0.1:7501", "password": "127.0.0.1:7502", "listening": "tls"},
            "store": {"writable": true, "error": null},
        });
        let spoke =
            serde_json::json!({"role": "spoke", "store": {"writable": false, "error": "the disk is full"}});
        for (case, status, name, want) in [
            ("a hub", &hub, "node", "hub, hub.lab.example, cluster hub-cluster"),
            ("a hub", &hub, "boxes", "[x] TLS  [ ] Password"),
            ("a hub", &hub, "ports", "TLS 127.0.0.1:7501, password 127.0.0.1:7502; tls listens"),
            ("a hub", &hub, "peers", "2 known, 1 joined"),
            ("a hub", &hub, "store", "can be written"),
            ("a spoke", &spoke, "ports", "none for peers: a spoke dials"),
            ("a spoke", &spoke, "store", "cannot be written: the disk is full"),
            ("nothing else is said", &spoke, "node", "spoke, -, cluster -"),
            ("nothing else is said", &spoke, "peers", "- known, - joined"),
        ] {
            let state = state(status);
            let value = state.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str());
            assert_eq!(value, Some(want), "{case}: {name}");
        }
    }

    #[test]
    fn a_refusal_has_the_exit_code_of_what_it_means() {
        for (status, meaning, want) in [
            (400, "no JSON", USAGE),
            (401, "another password", ENVIRONMENT),
            (403, "not from here", ENVIRONMENT),
            (404, "no such peer, file or route", NOTHING),
            (405, "another method", USAGE),
            (408, "too slow", TIMEOUT),
            (409, "a port that is taken", ENVIRONMENT),
            (413, "a body too large", USAGE),
            (415, "another kind of body", USAGE),
            (421, "a name that is not the node's", USAGE),
            (422, "a value out of range", USAGE),
            (429, "too many at once", ENVIRONMENT),
            (431, "headers too large", USAGE),
            (500, "a fault of the node", BUG),
            (503, "cannot be stored now", ENVIRONMENT),
        ] {
            let problem =
                ClientError::Problem { status, title: String::new(), detail: String::new(), key: None };
            assert_eq!(exit_code_of(&problem), want, "{status}: {meaning}");
        }
        let url = || "http://127.0.0.1:8080".to_owned();
        for (error, want) in [
            (ClientError::Address { url: url() }, USAGE),
            (ClientError::Unreachable { url: url(), error: String::new() }, ENVIRONMENT),
            (ClientError::Timeout { url: url() }, TIMEOUT),
            (ClientError::Unauthorised { url: url() }, ENVIRONMENT),
            (ClientError::Answer { url: url(), error: String::new() }, ENVIRONMENT),
        ] {
            assert_eq!(exit_code_of(&error), want, "{error}");
        }
    }
}
