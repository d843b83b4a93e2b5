//! Files and folders as the system has them afterwards.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use super::*;

/// Names a folder to a child process, which is this test binary once more.
const CHILD: &str = "ILSLAB_FILES_CHILD";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_whole_and_nothing_lies_beside_it() {
    let root = folder();
    let path = root.path().join("a file");
    for content in ["first", "second"] {
        write_whole(&path, content.as_bytes(), 0o644).expect("writes");
        assert_eq!(fs::read_to_string(&path).expect("reads"), content);
    }
    write_new(&path, b"third").expect_err("it is there");
    assert_eq!(fs::read_to_string(&path).expect("reads"), "second");
    assert_eq!(names(root.path()), ["a file"]);
    write_new(&root.path().join("new/file"), b"first").expect("it is not there");
    assert_eq!((mode(&root.path().join("new")), mode(&root.path().join("new/file"))), (0o700, 0o600));
}

#[test]
fn what_cannot_be_put_in_its_place_leaves_all_as_it_was() {
    let root = folder();
    let place = root.path().join("place");
    fs::create_dir(&place).expect("a folder in its place");
    write_whole(&place, b"content", 0o600).expect_err("a folder is no file");
    write_private(&place.join("x/y"), b"content").expect("folders are made");
    write_private(&place.join("x/y/z"), b"content").expect_err("a file is no folder");
    write_whole(&root.path().join("missing/file"), b"content", 0o600).expect_err("no folder");
    write_whole(Path::new("/"), b"content", 0o600).expect_err("it has no name");
    assert_eq!(names(root.path()), ["place"]);
    assert_eq!(names(&place.join("x")), ["y"]);
}

#[test]
fn a_link_is_replaced_and_what_it_names_is_not() {
    let root = folder();
    let (target, link) = (root.path().join("target"), root.path().join("link"));
    fs::write(&target, "somebody's").expect("writes");
    symlink(&target, &link).expect("a link");
    write_private(&link, b"ours").expect("writes");
    assert_eq!(fs::read_to_string(&target).expect("reads"), "somebody's");
    assert!(!fs::symlink_metadata(&link).expect("it is there").is_symlink());
}

#[test]
fn whatever_the_umask_is_the_owner_may_and_with_what_is_private_nobody_else() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_in(&PathBuf::from(folder));
    }
    for (umask, shared) in [("000", 0o644), ("022", 0o644), ("027", 0o640), ("077", 0o600), ("777", 0o600)] {
        let root = folder();
        let status = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "tests::whatever_the_umask_is_the_owner_may_and_with_what_is_private_nobody_else",
            ])
            .env(CHILD, root.path())
            .status()
            .expect("a shell starts");
        assert!(status.success(), "{umask}");
        for (name, want) in [("a", 0o700), ("a/b", 0o700), ("a/b/private", 0o600), ("a/b/shared", shared)] {
            let found = mode(&root.path().join(name));
            assert_eq!(found, want, "{umask}: {name}: {found:o}");
        }
    }
}

fn write_in(folder: &Path) {
    write_private(&folder.join("a/b/private"), b"content").expect("writes");
    write_whole(&folder.join("a/b/shared"), b"content", 0o644).expect("writes");
}

#[test]
fn a_folder_that_is_there_keeps_its_mode_and_many_may_make_one() {
    let root = folder();
    let open = root.path().join("open");
    fs::create_dir(&open).expect("makes");
    fs::set_permissions(&open, Permissions::from_mode(0o755)).expect("its mode");
    private_folder(&open).expect("it is there");
    assert_eq!(mode(&open), 0o755);
    let deep = root.path().join("one/two/three");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| private_folder(&deep).expect("made by one of them"));
        }
    });
    assert_eq!(mode(&deep), 0o700);
    fs::write(root.path().join("file"), "").expect("writes");
    private_folder(&root.path().join("file")).expect_err("a file is no folder");
}

#[test]
fn what_a_killed_process_was_writing_is_swept_and_nothing_else() {
    let root = folder();
    let path = root.path().join("tomcat.key");
    // Kept as a kill would keep it.
    let left = part(&path, b"half a key", 0o600).expect("writes").into_temp_path().keep().expect("kept");
    let others = ["tomcat.key", ".tomcat.key.part", ".x.toolong7.part", ".x.ab cde.part", "x.abcdef.part"];
    for name in others {
        fs::write(root.path().join(name), "somebody's").expect("writes");
    }
    fs::create_dir(root.path().join(".folder.abcdef.part")).expect("makes");
    for _ in 0..2 {
        sweep(root.path()).expect("removes, or finds nothing");
    }
    assert!(!left.exists());
    assert_eq!(names(root.path()).len(), others.len() + 1);
    sweep(&root.path().join("missing")).expect("there is nothing");
    sweep(&path).expect("there can be nothing below a file");
}

#[test]
fn what_is_not_there_is_removed_already() {
    let root = folder();
    let path = root.path().join("file");
    fs::write(&path, "").expect("writes");
    for _ in 0..2 {
        remove(&path).expect("removes, or finds nothing");
    }
    fs::write(&path, "").expect("writes");
    remove(&path.join("below a file")).expect("there can be none");
    remove(root.path()).expect_err("a folder is no file");
}

#[test]
fn a_file_named_without_a_folder_is_in_the_current_one() {
    // A child, since the current folder is the whole process's.
    if let Some(folder) = std::env::var_os(CHILD) {
        std::env::set_current_dir(folder).expect("a folder");
        return write_private(Path::new("bare"), b"content").expect("writes");
    }
    let root = folder();
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "tests::a_file_named_without_a_folder_is_in_the_current_one"])
        .env(CHILD, root.path())
        .status()
        .expect("it starts");
    assert!(status.success());
    assert_eq!(names(root.path()), ["bare"]);
}
