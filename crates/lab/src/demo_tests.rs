//! Options and refusals: what a demo says before any daemon runs.

use std::fs;

use clap::{Command, FromArgMatches};
use pretty_assertions::assert_eq;

use super::*;

fn parse(line: &str) -> Result<DemoArgs, clap::Error> {
    let words = std::iter::once("demo").chain(line.split_whitespace());
    DemoArgs::augment_args(Command::new("demo"))
        .try_get_matches_from(words)
        .and_then(|matches| DemoArgs::from_arg_matches(&matches))
}

/// Exit code, stdout, stderr. No daemon can be started.
fn run_line(line: &str) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let program = Program("/nonexistent/ilslab".into());
    let code = run(&args, &program, &mut out, &mut err, Style::PLAIN);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (code, text(out), text(err))
}

#[test]
fn options_are_what_the_help_says() {
    for (line, ok) in [
        ("", true),
        ("--method tls-password --fault spoke-self-signed", true),
        ("--method password-then-tls --data-dir demo --tls-version 1.3 --key p-256", true),
        ("--once", true),
        ("--patience 60", true),
        ("--patience 61", false),
        ("--patience 0", false),
        ("--once --json", true),
        ("--json", false),
        ("--method kerberos", false),
        ("--tls-version 1.1", false),
        ("hub", false),
    ] {
        assert_eq!(parse(line).is_ok(), ok, "{line}");
    }
}

#[test]
fn a_pair_that_does_not_exist_is_exit_code_3_with_those_that_do() {
    let (code, out, err) = run_line("--method tls --fault mismatch --once --json");
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(
        err.contains(
            "the method `tls` has no fault `mismatch`; give one of: hub-not-imported, spoke-not-imported"
        ),
        "{err}"
    );
}

#[test]
fn a_port_that_is_taken_is_exit_code_4_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let error = check_ports(&[SocketAddr::from(([127, 0, 0, 1], port))]).expect_err("taken");
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains(&format!("port 127.0.0.1:{port} cannot be had")), "{error}");
}

#[test]
fn a_folder_of_somebody_else_is_exit_code_4_and_left_alone() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("thesis.txt"), "precious").expect("written");
    let (code, out, err) = run_line(&format!("--any-port --once --data-dir {}", home.path().display()));
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(err.contains("no earlier run left its mark"), "{err}");
    assert_eq!(fs::read_to_string(home.path().join("thesis.txt")).expect("there"), "precious");
}

#[test]
fn a_daemon_that_cannot_be_started_is_exit_code_4_and_no_result() {
    let (code, out, err) = run_line("--any-port --once --json");
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(
        err.contains("failed to show the demo: cannot start the hub from `/nonexistent/ilslab`"),
        "{err}"
    );
}
