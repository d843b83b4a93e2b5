//! What can only be seen, or broken, from inside the store.

use super::*;

#[path = "../tests/store/common.rs"]
#[expect(dead_code, reason = "shared with the tests outside, which need more of it")]
mod common;

use common::{learned, peer, peers};

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("ils.sqlite")).expect("the store opens")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn number(store: &mut Store, pragma: &str) -> i64 {
    let handle = store.handle().expect("a handle");
    handle.pragma_query_value(None, pragma, |row| row.get(0)).expect("a number")
}

#[test]
fn a_commit_waits_for_the_disk_and_a_second_for_another_process() {
    let folder = folder();
    let mut store = open(&folder);
    for (pragma, want) in [("synchronous", 2), ("foreign_keys", 1), ("user_version", schema::known())] {
        assert_eq!(number(&mut store, pragma), want, "{pragma}");
    }
    let handle = store.handle().expect("a handle");
    let mode: String = handle.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("text");
    assert_eq!(mode, "wal");
}

#[test]
fn a_full_disk_stores_nothing_and_recovers() {
    let folder = folder();
    let mut store = open(&folder);
    store.append(&[vec![learned(1)]]).expect("the append works");
    let pages = number(&mut store, "page_count");
    let limit = |store: &mut Store, pages: i64| {
        let handle = store.handle().expect("a handle");
        handle.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("a limit");
    };
    limit(&mut store, pages);
    let sets: Vec<ChangeSet> = (2..200).map(|number| vec![learned(number)]).collect();
    for (case, failed) in [("append", store.append(&sets)), ("probe", store.probe())] {
        let error = failed.expect_err(case);
        assert!(matches!(error, StoreError::Full { .. }), "{case}: {error}");
    }
    assert_eq!(store.load().expect("the store loads").peers, [peer(1)]);
    limit(&mut store, pages + 1000);
    store.probe().expect("there is space");
    store.append(&sets).expect("there is space");
    assert_eq!(open(&folder).load().expect("the store loads").peers.len(), 199);
}

#[test]
fn a_handle_that_can_only_read_is_replaced() {
    let folder = folder();
    let mut store = open(&folder);
    let read_only =
        Connection::open_with_flags(&store.path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a handle");
    store.handle = Some(read_only);
    store.held.opened();
    store.append(&[vec![learned(1)]]).expect("the file can be written: a new handle");
    store.append(&[vec![learned(2)]]).expect("the same");
    assert_eq!(store.load().expect("the store loads").peers, peers([1, 2]));
}

#[test]
fn a_file_that_has_gone_missing_is_not_made_anew() {
    let folder = folder();
    let mut store = open(&folder);
    store.handle = None;
    std::fs::remove_file(&store.path).expect("it was there");
    let error = store.append(&[vec![learned(1)]]).expect_err("it is gone");
    assert!(matches!(error, StoreError::Gone { .. }), "{error}");
    assert!(!store.path.exists());
}
