//! A process that appends is killed at some acknowledged moment: what it had acknowledged is there, and nothing torn.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{learned, peers, setting};
use ils_core::ledger::{Change, Durable, Ledger};
use ils_store::Store;
use serde_json::json;

/// Names the database to the child process, which is this test binary once more.
const CHILD: &str = "ILSLAB_STORE_CHILD";
const ACKNOWLEDGED: &str = "acknowledged ";
const ROUNDS: usize = 8;

#[test]
fn a_killed_process_had_stored_what_it_acknowledged() {
    if let Some(path) = std::env::var_os(CHILD) {
        append_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ils.sqlite");
    for round in 0..ROUNDS {
        let wanted = RandomState::new().build_hasher().finish() % 25;
        let acknowledged = kill_after(&path, usize::try_from(wanted).expect("below 25"));
        let stored = check(&Store::open(&path).and_then(|mut store| store.load()).expect("the store loads"));
        assert!(stored >= acknowledged, "round {round}: {acknowledged} acknowledged, {stored} stored");
    }
}

/// Append `n` learns peer `n` in one set, and says `n` twice in another.
fn append_until_killed(path: &Path) -> ! {
    let mut store = Store::open(path).expect("the store opens");
    let mut number = check(&store.load().expect("the store loads"));
    println!();
    loop {
        number += 1;
        let count = setting("count", json!(number), json!(number));
        let sets = [vec![learned(u128::from(number))], vec![Change::SettingChanged(count)]];
        store.append(&sets).expect("the append works");
        println!("{ACKNOWLEDGED}{number}");
        std::io::stdout().flush().expect("the parent reads");
    }
}

/// The last append, if all up to it and nothing beyond it are whole.
fn check(durable: &Durable) -> u64 {
    let count = durable.overrides.first().map_or(0, |change| {
        assert_eq!(change.value, change.replaced, "torn within a row");
        change.value.as_u64().expect("a number")
    });
    let want = peers((1..=count).map(u128::from));
    assert_eq!(durable.peers, want, "torn between tables");
    count
}

/// Kills the child after it has acknowledged so many appends and one more; answers the last one that was seen.
fn kill_after(path: &Path, appends: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "killed::a_killed_process_had_stored_what_it_acknowledged",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test starts again");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let lines = output.lines().map_while(Result::ok);
    let mut numbers = lines.filter_map(|line| line.strip_prefix(ACKNOWLEDGED)?.parse().ok());
    let seen: Option<u64> = numbers.nth(appends);
    child.kill().expect("SIGKILL");
    // What it had written into the pipe by then was acknowledged as well.
    let last = numbers.last().or(seen);
    child.wait().expect("it is dead");
    last.expect("the child acknowledges until it is killed")
}
