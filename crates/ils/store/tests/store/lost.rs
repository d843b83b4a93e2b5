//! A database whose files are taken away or exchanged while a node has them open: what is not where the next start finds it
//! is not acknowledged, and what was acknowledged is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::common::{learned, peer, said};
use ils_core::ledger::Ledger;
use ils_store::{Reader, Store, StoreError};
use tempfile::TempDir;

/// A store with an identity and peer 1, acknowledged and still in the log.
struct Open {
    folder: TempDir,
    store: Store,
}

impl Open {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = Store::open(&folder.path().join("ils.sqlite")).expect("the store opens");
        store.append(&[vec![said(7), learned(1)]]).expect("the append works");
        Self { folder, store }
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("ils.sqlite{suffix}"))
    }

    /// Refuses everything for this reason.
    fn refuses(&mut self, case: &str, is: fn(&StoreError) -> bool) {
        let tries = [
            ("append", self.store.append(&[vec![learned(9)]])),
            ("probe", self.store.probe()),
            ("load", self.store.load().map(drop)),
        ];
        for (what, tried) in tries {
            let error = tried.expect_err(what);
            assert!(is(&error), "{case}: {what}: {error}");
        }
    }

    /// Takes a change.
    fn takes(&mut self, number: u128) {
        self.store.append(&[vec![learned(number)]]).unwrap_or_else(|error| panic!("{number}: {error}"));
    }

    /// The peers that a start would find now, after a power cut.
    fn found(&self) -> Vec<u128> {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for name in ["ils.sqlite", "ils.sqlite-wal"] {
            if self.folder.path().join(name).exists() {
                fs::copy(self.folder.path().join(name), copy.path().join(name)).expect("a copy");
            }
        }
        peers(&copy.path().join("ils.sqlite"))
    }
}

/// Which of the peers are there.
fn peers(path: &Path) -> Vec<u128> {
    let found = Store::open(path).expect("the store opens").load().expect("the store loads").peers;
    let numbers: Vec<u128> = (1..20).filter(|number| found.contains(&peer(*number))).collect();
    assert_eq!(numbers.len(), found.len(), "a peer that nobody stored");
    numbers
}

/// A closed database with peer 5 and no other.
fn backup(folder: &Path) -> PathBuf {
    let path = folder.join("backup.sqlite");
    let mut store = Store::open(&path).expect("the store opens");
    store.append(&[vec![said(8), learned(5)]]).expect("the append works");
    path
}

fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::Gone { .. })
}

fn is_replaced(error: &StoreError) -> bool {
    matches!(error, StoreError::Replaced { .. })
}

fn is_overwritten(error: &StoreError) -> bool {
    matches!(error, StoreError::Overwritten { .. })
}

#[test]
fn a_database_that_has_gone_takes_nothing_until_it_is_back() {
    for (case, names) in
        [("alone", &[""][..]), ("with its log", &["", "-wal"]), ("with all", &["", "-wal", "-shm"])]
    {
        let mut open = Open::new();
        let away = |name: &str| open.folder.path().join(format!("away{name}"));
        let moves: Vec<(PathBuf, PathBuf)> = names.iter().map(|name| (open.path(name), away(name))).collect();
        for (from, to) in &moves {
            fs::rename(from, to).expect("moved away");
        }
        open.refuses(case, is_gone);
        assert!(!open.path("").exists(), "{case}: none is made in its place");
        for (from, to) in &moves {
            fs::rename(to, from).expect("moved back");
        }
        open.takes(2);
        assert_eq!(open.found(), [1, 2], "{case}");
        open.takes(3);
        drop(open.store);
        assert_eq!(peers(&open.folder.path().join("ils.sqlite")), [1, 2, 3], "{case}");
    }
}

#[test]
fn a_database_whose_folder_has_gone_or_that_is_removed_takes_nothing() {
    let mut open = Open::new();
    fs::remove_file(open.path("")).expect("removed");
    open.refuses("removed", is_gone);
    fs::remove_dir_all(open.folder.path()).expect("removed");
    open.refuses("its folder too", is_gone);
    fs::write(open.folder.path(), "").expect("a file");
    open.refuses("a file in the place of its folder", is_gone);
    fs::remove_file(open.folder.path()).expect("removed");
}

#[test]
fn a_backup_in_its_place_is_refused_and_the_next_start_finds_the_backup_alone() {
    let mut open = Open::new();
    let backup = backup(open.folder.path());
    let content = fs::read(&backup).expect("it is there");
    fs::rename(&backup, open.path("")).expect("put in its place");
    open.refuses("a backup", is_replaced);
    assert_eq!(fs::read(open.path("")).expect("it is there"), content, "nobody wrote to it");
    assert_eq!(open.found(), [5], "the log of the other is no log of this one");
    drop(open.store);
    assert_eq!(peers(&open.folder.path().join("ils.sqlite")), [5]);
}

#[test]
fn a_database_that_comes_back_after_another_was_in_its_place_has_all_that_was_acknowledged() {
    let mut open = Open::new();
    let backup = backup(open.folder.path());
    let away = open.folder.path().join("away");
    fs::rename(open.path(""), &away).expect("moved away");
    fs::rename(&backup, open.path("")).expect("put in its place");
    open.refuses("a backup", is_replaced);
    fs::rename(&away, open.path("")).expect("moved back");
    open.takes(2);
    assert_eq!(open.found(), [1, 2]);
}

#[test]
fn a_backup_copied_over_it_is_refused_and_left_as_it_is() {
    let mut open = Open::new();
    let backup = backup(open.folder.path());
    let content = fs::read(&backup).expect("it is there");
    fs::write(open.path(""), &content).expect("copied over it");
    open.refuses("a backup", is_overwritten);
    drop(open.store);
    let path = open.folder.path().join("ils.sqlite");
    assert_eq!(fs::read(&path).expect("it is there"), content, "nobody wrote to it");
    // As the error says.
    fs::remove_file(open.folder.path().join("ils.sqlite-wal")).expect("the log is still there");
    assert_eq!(peers(&path), [5]);
}

#[test]
fn a_database_that_was_only_touched_takes_nothing_and_loses_nothing() {
    for name in ["", "-wal"] {
        let mut open = Open::new();
        let touched = fs::File::options().write(true).open(open.path(name)).expect("it is there");
        touched.set_modified(SystemTime::UNIX_EPOCH).expect("touched");
        open.refuses(name, is_overwritten);
        drop(open.store);
        assert_eq!(peers(&open.folder.path().join("ils.sqlite")), [1], "{name}");
    }
}

#[test]
fn a_log_that_was_emptied_by_somebody_else_is_not_written_to() {
    let mut open = Open::new();
    fs::write(open.path("-wal"), "").expect("emptied");
    open.refuses("an empty log", is_overwritten);
}

#[test]
fn a_log_that_has_gone_costs_nothing() {
    type Lose = fn(&Open);
    let rows: [(&str, Lose); 4] = [
        ("the log", |open| fs::remove_file(open.path("-wal")).expect("removed")),
        ("its index", |open| fs::remove_file(open.path("-shm")).expect("removed")),
        ("both", |open| {
            for name in ["-wal", "-shm"] {
                fs::remove_file(open.path(name)).expect("removed");
            }
        }),
        ("another in its place", |open| {
            fs::remove_file(open.path("-wal")).expect("removed");
            // Made while the old one is open: another inode.
            fs::write(open.path("-wal"), "").expect("made");
        }),
    ];
    for (case, lose) in rows {
        let mut open = Open::new();
        open.takes(2);
        lose(&open);
        open.takes(3);
        assert_eq!(open.found(), [1, 2, 3], "{case}");
        open.store.probe().unwrap_or_else(|error| panic!("{case}: {error}"));
        open.takes(4);
        assert_eq!(open.found(), [1, 2, 3, 4], "{case}");
        let rows = Reader::open(&open.path("")).expect("the reader opens");
        let table = rows.query("select clusterid from remotecluster", &Default::default());
        assert_eq!(table.expect("it answers").rows.len(), 4, "{case}");
    }
}

#[test]
fn a_log_that_a_reader_keeps_from_being_put_in_order_is_not_stored_into() {
    let mut open = Open::new();
    let reader = rusqlite::Connection::open(open.path("")).expect("another handle");
    reader.execute_batch("BEGIN; SELECT count(*) FROM peer").expect("it reads");
    open.takes(2);
    fs::remove_file(open.path("-wal")).expect("removed");
    let error = open.store.append(&[vec![learned(3)]]).expect_err("the reader is in the way");
    assert!(matches!(error, StoreError::LogGone { .. }), "{error}");
    reader.execute_batch("ROLLBACK").expect("it ends");
    drop(reader);
    open.takes(4);
    assert_eq!(open.found(), [1, 2, 4]);
}
