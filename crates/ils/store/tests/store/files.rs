//! The file itself: who may read it, and what becomes of files that are not what they should be.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::common::{id, learned, peer, peers, said, setting};
use ils_core::ledger::{KnownPeer, Ledger};
use ils_store::{Reader, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

/// Names the database to a child process, which is this test binary once more.
const CHILD: &str = "ILSLAB_STORE_CHILD";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

/// Runs a program that was only just written.
fn start(child: &mut Command) -> ExitStatus {
    loop {
        match child.status() {
            // Another test has forked while the program was open for writing (ETXTBSY): it soon lets go.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
            started => return started.expect("this test starts again"),
        }
    }
}

/// A store with a peer in it.
fn filled(path: &Path) {
    let mut store = Store::open(path).expect("the store opens");
    store.append(&[vec![said(7), learned(1)]]).expect("the append works");
}

#[test]
fn only_the_owner_may_read_whatever_the_umask_is() {
    if let Some(path) = std::env::var_os(CHILD) {
        return modes_are_private(Path::new(&path));
    }
    for (case, umask) in [("an open umask", "000"), ("the usual one", "022"), ("one that takes all", "777")] {
        let folder = folder();
        let path = folder.path().join("node/db/ils.sqlite");
        let status = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().expect("this test"))
            .args(["--exact", "files::only_the_owner_may_read_whatever_the_umask_is"])
            .env(CHILD, &path)
            .status()
            .expect("a shell starts");
        assert!(status.success() && path.is_file(), "{case}");
    }
}

fn modes_are_private(path: &Path) {
    let mut store = Store::open(path).expect("the store opens");
    store.append(&[vec![learned(1)]]).expect("the append works");
    Reader::open(path).expect("the reader opens");
    for name in ["ils.sqlite", "ils.sqlite-wal", "ils.sqlite-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    let folder = path.parent().expect("it has a folder");
    assert_eq!((mode(folder), mode(folder.parent().expect("and that one too"))), (0o700, 0o700));
}

#[test]
fn a_file_that_others_may_read_is_closed_to_them() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    filled(&path);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("its mode is changed");
    let mut store = Store::open(&path).expect("the store opens");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(store.load().expect("the store loads").peers, [peer(1)]);
}

/// Runs a test of this file once more, with a filled database: as an ordinary user, since root may write what is read-only.
/// Answers the peers in it afterwards.
fn as_an_ordinary_user(test: &str) -> Vec<KnownPeer> {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    filled(&path);
    let program = folder.path().join("this-test");
    fs::copy(std::env::current_exe().expect("this test"), &program).expect("a copy that any user may start");
    let mut child = Command::new(&program);
    child.args(["--exact", &format!("files::{test}")]).env(CHILD, &path);
    let root = fs::metadata(folder.path()).expect("it is there").uid() == 0;
    if root {
        for place in [folder.path(), &path, &program] {
            chown(place, Some(65_534), Some(65_534)).expect("root may");
        }
        child.uid(65_534).gid(65_534);
    }
    assert!(start(&mut child).success());
    Store::open(&path).expect("the store opens").load().expect("the store loads").peers
}

#[test]
fn a_read_only_file_is_read_and_takes_appends_once_it_may_be_written() {
    if let Some(path) = std::env::var_os(CHILD) {
        return read_only_then_writable(Path::new(&path));
    }
    let after = as_an_ordinary_user("a_read_only_file_is_read_and_takes_appends_once_it_may_be_written");
    assert_eq!(after, peers([1, 3]), "the child did its part");
}

fn read_only_then_writable(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o400)).expect("its mode is changed");
    let mut store = Store::open(path).expect("it can be read");
    assert_eq!(store.load().expect("the store loads").peers, [peer(1)]);
    for (case, failed) in [("append", store.append(&[vec![learned(2)]])), ("probe", store.probe())] {
        let error = failed.expect_err(case);
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{case}: {error}");
    }
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("its mode is changed back");
    store.append(&[vec![learned(3)]]).expect("the same store works again");
    assert_eq!(store.load().expect("the store loads").peers, peers([1, 3]));
}

#[test]
fn a_file_that_turns_read_only_under_an_open_store_takes_nothing_until_it_may_be_written_again() {
    if let Some(path) = std::env::var_os(CHILD) {
        return writable_then_read_only(Path::new(&path));
    }
    let after = as_an_ordinary_user(
        "a_file_that_turns_read_only_under_an_open_store_takes_nothing_until_it_may_be_written_again",
    );
    assert_eq!(after, peers([1, 2, 4]), "the child did its part");
}

fn writable_then_read_only(path: &Path) {
    let mut store = Store::open(path).expect("the store opens");
    store.append(&[vec![learned(2)]]).expect("it may be written");
    fs::set_permissions(path, Permissions::from_mode(0o400)).expect("its mode is changed");
    for (case, failed) in [("append", store.append(&[vec![learned(3)]])), ("probe", store.probe())] {
        let error = failed.expect_err(case);
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{case}: {error}");
    }
    assert_eq!(store.load().expect("it may be read").peers, peers([1, 2]));
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("its mode is changed back");
    store.append(&[vec![learned(4)]]).expect("the same store works again");
}

#[test]
fn a_file_that_is_not_ours_is_left_as_it_is() {
    type Make = fn(&Path);
    let rows: [(&str, Make, &str); 6] = [
        ("a short text", |path| fs::write(path, "hello\n").expect("written"), "is not a database of ilslab"),
        (
            "a long text",
            |path| fs::write(path, "hello\n".repeat(9000)).expect("written"),
            "is not a database of ilslab",
        ),
        (
            "another program's database",
            |path| sql(path, "CREATE TABLE bookmark (url)"),
            "is not a database of ilslab",
        ),
        (
            "another program's mark",
            |path| sql(path, "PRAGMA application_id = 9"),
            "is not a database of ilslab",
        ),
        ("a newer schema", newer, "has schema 1000, and this version knows schemas up to 2"),
        ("an older schema than any", older, "has schema -1, and this version knows schemas up to 2"),
    ];
    for (case, make, want) in rows {
        let folder = folder();
        let path = folder.path().join("ils.sqlite");
        make(&path);
        let before = fs::read(&path).expect("it is there");
        for error in [Store::open(&path).expect_err(case), Reader::open(&path).expect_err(case)] {
            let text = error.to_string();
            assert!(text.starts_with(&path.display().to_string()) && text.contains(want), "{case}: {text}");
        }
        assert_eq!(fs::read(&path).expect("it is there"), before, "{case}");
    }
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).and_then(|handle| handle.execute_batch(sql)).expect("the file is prepared");
}

fn newer(path: &Path) {
    filled(path);
    sql(path, "PRAGMA user_version = 1000");
}

fn older(path: &Path) {
    filled(path);
    sql(path, "PRAGMA user_version = -1");
}

#[test]
fn a_damaged_file_is_an_error_and_not_replaced() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    filled(&path);
    let mut file = fs::OpenOptions::new().write(true).open(&path).expect("it is there");
    let length = file.metadata().expect("it is there").len();
    file.seek(SeekFrom::Start(4096)).expect("it has a second page");
    let noise = vec![0x5a; usize::try_from(length - 4096).expect("a small file")];
    file.write_all(&noise).expect("it is damaged");
    let before = fs::read(&path).expect("it is there");
    let error = Store::open(&path).expect_err("it is damaged");
    assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
    assert_eq!(fs::read(&path).expect("it is there"), before);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = folder();
    fs::create_dir(folder.path().join("folder")).expect("made");
    fs::write(folder.path().join("file"), "").expect("made");
    for (case, name) in
        [("a folder in its place", "folder"), ("a file in its folder's place", "file/ils.sqlite")]
    {
        let error = Store::open(&folder.path().join(name)).expect_err(case).to_string();
        assert!(
            error.contains(&folder.path().display().to_string()) && error.contains("check"),
            "{case}: {error}"
        );
    }
    let missing = folder.path().join("missing.sqlite");
    Reader::open(&missing).expect_err("a reader makes no file");
    assert!(!missing.exists());
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    fs::write(&path, "").expect("made");
    Reader::open(&path).expect_err("there is nothing to read yet");
    filled(&path);
    assert_eq!(
        Store::open(&path).expect("the store opens").load().expect("the store loads").peers,
        [peer(1)]
    );
}

#[test]
fn a_database_held_by_another_is_an_error_and_not_a_hang() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    filled(&path);
    let mut store = Store::open(&path).expect("the store opens");
    let other = Connection::open(&path).expect("another handle");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock is free");
    let error = store.append(&[vec![learned(2)]]).expect_err("it is locked");
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    other.execute_batch("ROLLBACK").expect("the lock is let go");
    store.append(&[vec![learned(3)]]).expect("the lock is free again");
}

#[test]
fn empty_sets_and_a_known_name_write_nothing() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    filled(&path);
    let mut store = Store::open(&path).expect("the store opens");
    let other = Connection::open(&path).expect("another handle");
    let version =
        || other.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).expect("read");
    let name = "hub.lab.example".parse().expect("an FQDN");
    let [none, some] = ["", "Main site"].map(|text| Some(text.parse().expect("a description")));
    let mut before = version();
    for (case, description, writes) in [
        ("empty sets", &None, false),
        ("a name", &none, true),
        ("the same name", &none, false),
        ("another description", &some, true),
        ("empty sets again", &None, false),
    ] {
        let done = match description {
            Some(description) => store.set_node(&name, description),
            None => store.append(&[vec![], vec![]]),
        };
        done.unwrap_or_else(|error| panic!("{case}: {error}"));
        let after = version();
        assert_eq!(after != before, writes, "{case}");
        before = after;
    }
}

#[test]
fn a_value_that_cannot_be_is_named_by_table_row_and_column() {
    let peer_1 = id(1).to_string();
    let rows = [
        (
            "UPDATE own SET peer_id = 'x'",
            "table own, row 1, column peer_id: is not what the cluster has signed",
        ),
        ("UPDATE own SET signature = zeroblob(64)", "table own, row 1, column statement: cannot be used"),
        ("DELETE FROM own; INSERT INTO identity VALUES (1, 'x')", "table identity, row 1, column peer_id"),
        ("UPDATE peer SET peer_id = 'X\ny'", "table peer, row X\\x0ay, column peer_id"),
        (
            "UPDATE peer SET cluster_id = 'a b'",
            &format!(
                "table peer, row {peer_1}, column cluster_id: is not what the cluster has signed, `cluster-1`"
            ),
        ),
        ("UPDATE peer SET fqdn = ''", "column fqdn"),
        ("UPDATE peer SET fqdn = CAST(x'ff' AS TEXT)", "column fqdn: is not UTF-8"),
        ("UPDATE peer SET description = char(7)", "column description"),
        ("UPDATE peer SET version = ''", "column version"),
        ("UPDATE peer SET route_string = '!'", "column route_string"),
        ("UPDATE peer SET proof = 'rumour'", "column proof: is neither"),
        ("UPDATE peer SET proof = 'relayed'", "column relayed_by: is missing"),
        ("UPDATE peer SET relayed_by = peer_id", "column relayed_by: is set"),
        ("UPDATE peer SET proof = 'relayed', relayed_by = ''", "column relayed_by: a peer ID"),
        ("UPDATE peer SET statement = CAST('x' AS BLOB)", "column statement: cannot be used"),
        ("UPDATE peer SET statement = (SELECT statement FROM own)", "column statement: cannot be used"),
        ("UPDATE peer SET public_key = zeroblob(32)", "column statement: cannot be used"),
        ("UPDATE peer SET public_key = zeroblob(31)", "column public_key: has not 32 octets"),
        ("UPDATE peer SET signature = zeroblob(65)", "column signature: has not 64 octets"),
        ("INSERT INTO setting VALUES ('role', '\"hub\"', 'hub')", "table setting, row role, column replaced"),
    ];
    for (edit, want) in rows {
        let folder = folder();
        let path = folder.path().join("ils.sqlite");
        filled(&path);
        sql(&path, &format!("PRAGMA foreign_keys = OFF; {edit}"));
        let error = Store::open(&path).expect("the file is whole").load().expect_err(edit).to_string();
        assert!(error.contains(want) && error.contains("ils.sqlite"), "{edit}: {error}");
    }
}

#[test]
fn a_database_of_version_1_keeps_its_settings_and_gives_up_its_peer_id_and_whom_it_knew() {
    let folder = folder();
    let path = folder.path().join("ils.sqlite");
    sql(&path, include_str!("../../src/schema/1.sql"));
    sql(
        &path,
        "PRAGMA application_id = 1229738828; PRAGMA user_version = 1;
         INSERT INTO identity VALUES (1, '77c59d0960cc4fdc959168a3d686a6de');
         INSERT INTO setting VALUES ('description', '\"Main site\"', '\"\"');
         INSERT INTO peer VALUES ('f7f885dcaca845f18f3b7e583ff6c457', 'key', 'spoke', 'spoke.lab.example', '',
                                  '11.5.1.10000(4)', 'spoke', 'spoke.lab.example', 'password', NULL);
         INSERT INTO peer_node VALUES ('f7f885dcaca845f18f3b7e583ff6c457', 0, 'spoke.lab.example', '[]');",
    );
    let mut store = Store::open(&path).expect("it is brought up to date");
    let found = store.load().expect("the store loads");
    assert_eq!(found.former.map(|id| id.to_string()).as_deref(), Some("77c59d0960cc4fdc959168a3d686a6de"));
    assert_eq!((found.own, found.peers), (None, vec![]));
    assert_eq!(found.overrides, [setting("description", "Main site".into(), "".into())]);
    store.append(&[vec![said(7), learned(1)]]).expect("the append works");
    let found = Store::open(&path).expect("it opens").load().expect("the store loads");
    assert_eq!((found.former, found.own, found.peers), (None, Some(peer(7).entry), vec![peer(1)]), "once");
    let rows = Reader::open(&path)
        .expect("the reader opens")
        .query("select * from remotecluster", &Default::default());
    assert_eq!(rows.expect("it answers").rows.len(), 1);
}
