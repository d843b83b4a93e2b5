//! `ilslab wait NODE…`: until every node has come to the outcome that is waited for. For scripts and CI.
//!
//! ```text
//! each node:  joined         -> GET peers        is one connected?
//!             anything else  -> GET connections  how did the newest finished attempt end?
//! ```

use std::fmt;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Arg, ArgMatches, Command};
use ils_core::outcome::Outcome;
use ils_core::settings::parse_duration;
use ils_faces::Calls;
use ilslab_desk::{Client, ClientError};
use ilslab_time::clock;
use ilslab_trace::console::tell;
use serde_json::Value;

use crate::client::exit_code;
use crate::daemon::TIMEOUT;
use crate::node_name;
use crate::reach::reach;

/// How often the nodes are asked.
const GLANCE: Duration = Duration::from_millis(100);

/// `ilslab wait`.
pub fn command() -> Command {
    let node = Arg::new("node").value_name("NODE").required(true).num_args(1..).help(node_name::HELP);
    let outcome = Arg::new("outcome").long("outcome").value_name("OUTCOME").default_value("joined");
    let timeout = Arg::new("timeout").long("timeout").value_name("TIME").default_value("60s");
    let password = Arg::new("admin-password-file")
        .long("admin-password-file")
        .env("ILS_ADMIN_PASSWORD_FILE")
        .value_name("FILE")
        .help("File with the administrator's password [default: what a running demo left]");
    Command::new("wait")
        .about("Wait until nodes have joined, or have failed to in a certain way")
        .arg(node)
        .arg(outcome.help(
            "What the newest finished attempt of each node is to come to; joined: a peer is connected",
        ))
        .arg(timeout.help("How long at most, for example 500ms, 60s or 2m"))
        .arg(password)
        .after_help(
            "Examples:\n  ilslab wait hub spoke\n  \
             ilslab wait http://127.0.0.1:8080 --outcome peer-certificate-rejected:18 --timeout 30s\n\n\
             Without its number, peer-certificate-rejected is any of them. A node that cannot be reached is waited \
             for too.\n\
             Exit codes: 0 all have it, 3 usage, 4 the password is not right, 5 timeout.",
        )
}

/// Waits; answers the exit code.
pub fn run(matches: &ArgMatches) -> u8 {
    match Wait::new(matches).and_then(|wait| wait.until_all()) {
        Ok(true) => 0,
        Ok(false) => TIMEOUT,
        Err(error) => {
            tell(format_args!("failed to wait: {error:#}"));
            exit_code(&error)
        }
    }
}

/// What is waited for, and where.
struct Wait {
    wanted: Outcome,
    timeout: Duration,
    nodes: Vec<Client>,
}

impl Wait {
    fn new(matches: &ArgMatches) -> anyhow::Result<Self> {
        let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
        let wanted = text("outcome").parse().map_err(|error| {
            let names: Vec<&str> = Outcome::all().map(Outcome::name).collect();
            anyhow!("{error}; give one of {}", names.join(", "))
        })?;
        let timeout = parse_duration(text("timeout")).ok_or_else(|| {
            anyhow!("`{}` is not a time; give for example 500ms, 60s or 2m", text("timeout"))
        })?;
        let file = matches.get_one::<String>("admin-password-file").map(PathBuf::from);
        let nodes = matches.get_many::<String>("node").into_iter().flatten();
        let nodes = nodes.map(|node| reach(node, file.clone())).collect::<anyhow::Result<_>>()?;
        Ok(Self { wanted, timeout, nodes })
    }

    /// Tells on stderr what each node shows, whenever that changes.
    fn until_all(&self) -> anyhow::Result<bool> {
        let begun = clock::monotonic();
        let mut shown: Vec<Option<Seen>> = self.nodes.iter().map(|_| None).collect();
        loop {
            for (node, shown) in self.nodes.iter().zip(&mut shown) {
                let seen = self.look(node)?;
                if shown.as_ref() != Some(&seen) {
                    tell(format_args!("{:>6.1} s  {}: {seen}", begun.elapsed().as_secs_f64(), node.url()));
                    *shown = Some(seen);
                }
            }
            if shown.iter().flatten().all(|seen| seen.is(self.wanted)) {
                return Ok(true);
            }
            if begun.elapsed() >= self.timeout {
                self.give_up(&shown);
                return Ok(false);
            }
            thread::sleep(GLANCE);
        }
    }

    fn look(&self, node: &Client) -> anyhow::Result<Seen> {
        let seen = match self.wanted {
            Outcome::Joined => node.is_joined().and_then(|joined| match joined {
                true => Ok(Seen::Outcome(Outcome::Joined)),
                false => Ok(before_the_join(Seen::newest(&node.connections()?))),
            }),
            _ => node.connections().map(|answer| Seen::newest(&answer)),
        };
        match seen {
            Ok(seen) => Ok(seen),
            Err(ClientError::Unreachable { .. } | ClientError::Timeout { .. }) => Ok(Seen::Unreachable),
            // What may pass is waited for, too.
            Err(ClientError::Problem { status: 408 | 429 | 503 | 504, .. }) => Ok(Seen::Busy),
            Err(error) => Err(error.into()),
        }
    }

    fn give_up(&self, shown: &[Option<Seen>]) {
        let wanted = self.wanted;
        tell(format_args!("{wanted} has not come within {:.1} s; seen instead:", self.timeout.as_secs_f64()));
        for (node, seen) in self.nodes.iter().zip(shown) {
            if let Some(seen) = seen.as_ref().filter(|seen| !seen.is(wanted)) {
                tell(format_args!("  {}: {seen}", node.url()));
            }
        }
    }
}

/// What a node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// How its newest finished attempt ended, or that it is joined.
    Outcome(Outcome),
    /// It has joined, and lost its peers again.
    JoinLost,
    /// No attempt has ended.
    Nothing,
    /// It does not answer.
    Unreachable,
    /// It answers that it cannot tell now.
    Busy,
}

impl Seen {
    /// From `GET connections`. Numbers of attempts only grow.
    fn newest(answer: &Value) -> Self {
        let attempts = answer.get("connections").and_then(Value::as_array).into_iter().flatten();
        let finished = attempts.filter_map(|attempt| {
            let outcome: Outcome = attempt.get("outcome")?.as_str()?.parse().ok()?;
            Some((attempt.get("id")?.as_u64()?, outcome))
        });
        finished.max_by_key(|(id, _)| *id).map_or(Self::Nothing, |(_, outcome)| Self::Outcome(outcome))
    }

    fn is(self, wanted: Outcome) -> bool {
        match (self, wanted) {
            (Self::Outcome(Outcome::PeerCertificateRejected(_)), Outcome::PeerCertificateRejected(None)) => {
                true
            }
            (seen, wanted) => seen == Self::Outcome(wanted),
        }
    }
}

/// What is seen where no peer is connected: an attempt that has joined is no join any more.
fn before_the_join(seen: Seen) -> Seen {
    if seen == Seen::Outcome(Outcome::Joined) { Seen::JoinLost } else { seen }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(outcome) => outcome.fmt(f),
            Self::JoinLost => f.write_str("joined before, no peer connected now"),
            Self::Nothing => f.write_str("no finished attempt"),
            Self::Unreachable => f.write_str("does not answer"),
            Self::Busy => f.write_str("cannot tell now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn newest(rows: &[(u64, Option<&str>)]) -> Seen {
        let attempts: Vec<Value> =
            rows.iter().map(|(id, outcome)| json!({"id": id, "outcome": outcome})).collect();
        Seen::newest(&json!({ "connections": attempts }))
    }

    #[test]
    fn the_newest_finished_attempt_counts() {
        let closed = Seen::Outcome(Outcome::Closed);
        for (case, rows, want) in [
            ("none", &[][..], Seen::Nothing),
            ("only one under way", &[(1, None)], Seen::Nothing),
            ("one under way after one that has ended", &[(1, Some("closed")), (2, None)], closed),
            ("the larger number, wherever it stands", &[(9, Some("closed")), (8, Some("joined"))], closed),
        ] {
            assert_eq!(newest(rows), want, "{case}");
        }
    }

    #[test]
    fn an_outcome_without_its_number_is_any_of_them() {
        let rejected = |code| Outcome::PeerCertificateRejected(code);
        for (case, seen, wanted, is) in [
            ("the same number", Seen::Outcome(rejected(Some(18))), rejected(Some(18)), true),
            ("any number", Seen::Outcome(rejected(Some(18))), rejected(None), true),
            ("another number", Seen::Outcome(rejected(Some(20))), rejected(Some(18)), false),
            ("no number where one is wanted", Seen::Outcome(rejected(None)), rejected(Some(18)), false),
            ("a join that was lost", before_the_join(Seen::Outcome(Outcome::Joined)), Outcome::Joined, false),
            ("nothing", Seen::Nothing, Outcome::Closed, false),
        ] {
            assert_eq!(seen.is(wanted), is, "{case}");
        }
    }
}
