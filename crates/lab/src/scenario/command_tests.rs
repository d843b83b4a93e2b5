//! Options, and what is printed without running anything.

use clap::{Command, FromArgMatches};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::*;

fn parse(line: &str) -> Result<ScenarioArgs, clap::Error> {
    let words = std::iter::once("scenario").chain(line.split_whitespace());
    ScenarioArgs::augment_args(Command::new("scenario"))
        .try_get_matches_from(words)
        .and_then(|matches| ScenarioArgs::from_arg_matches(&matches))
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
fn a_run_needs_scenarios_or_all_of_them() {
    for (line, ok) in [
        ("run password/joined", true),
        ("run password/joined tls/joined --json --keep kept --seed 7", true),
        ("run --all --tls-version 1.2 --key p-256", true),
        ("run --all --spoke-first", true),
        ("run", false),
        ("run --json", false),
        ("run --all password/joined", false),
        ("run --all --seed x", false),
        ("run --all --tls-version 1.1", false),
        ("list", true),
        ("list password", false),
        ("show tls/joined --json", true),
        ("show", false),
        ("", false),
    ] {
        assert_eq!(parse(line).is_ok(), ok, "{line}");
    }
}

#[test]
fn what_is_not_there_is_exit_code_2_with_the_nearest() {
    for line in ["show tls/join", "run tls/join", "run password/joined tls/join"] {
        let (code, out, err) = run_line(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(err.contains("no scenario `tls/join`; did you mean `tls/joined`?"), "{err}");
    }
}

#[test]
fn list_and_show_print_json_where_it_is_wanted() {
    let (code, out, _) = run_line("list --json");
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, rows.as_array().map(Vec::len)), (0, Some(CATALOGUE.len())));
    let (code, out, _) = run_line("show tls/hub-not-imported --json");
    let row: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &row["id"], &row["method"]), (0, &"tls/hub-not-imported".into(), &"tls".into()));
    assert_eq!(row["wanted"]["spoke"], "peer-certificate-rejected:18");
    assert_eq!(run_line("list").1, report::list());
}

#[test]
fn a_scenario_that_cannot_be_run_is_told_and_stays_in_the_array() {
    let (code, out, err) = run_line("run password/joined password/mismatch password/joined --json --seed 1");
    let rows: Value = serde_json::from_str(&out).expect("one array and nothing else");
    let ids: Vec<_> = rows.as_array().into_iter().flatten().map(|row| row["id"].clone()).collect();
    assert_eq!((code, ids), (4, vec!["password/joined".into(), "password/mismatch".into()]));
    assert_eq!(rows[0]["as_expected"], false);
    assert!(
        err.contains("seed: 1") && err.contains("cannot start the hub from `/nonexistent/ilslab`"),
        "{err}"
    );
}

#[test]
fn kept_folders_are_named_after_their_scenario() {
    let home = tempfile::tempdir().expect("a folder");
    let keep = home.path().join("kept");
    run_line(&format!("run password/mismatch --keep {}", keep.display()));
    let passwords = ["hub.password", "spoke.password"]
        .map(|name| std::fs::read_to_string(keep.join("password/mismatch").join(name)).expect("kept"));
    let [hub, spoke] = passwords;
    assert_ne!(hub, spoke);
}
