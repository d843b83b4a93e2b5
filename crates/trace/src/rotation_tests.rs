use std::os::unix::fs::symlink;

use super::*;
use crate::options::RecorderOptions;
use crate::sample::{self, TRACE_FOLDER};

fn lines(count: usize) -> Vec<Entry> {
    let entry = |number| Entry { at: sample::AT, signal: 0, text: format!("line {number}") };
    (0..count).map(entry).collect()
}

fn file_head() -> FileHead {
    FileHead::new(&RecorderOptions::new(sample::APPLICATION, "", "2", "hub.lab.example", sample::AT))
}

fn trace(dir: &Path, limits: Limits) -> Log {
    Log::trace(dir, Readers::default(), limits, file_head(), sample::AT).expect("opened")
}

/// The head of a file, with its line break. A number of more digits makes it longer.
fn head(number: u64) -> String {
    format!("{}\n", file_head().line(0, sample::AT, number))
}

/// Octets of the head of each of the first nine files.
fn head_size() -> u64 {
    octets(&head(1))
}

/// Names and contents of a folder, by name.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        (name, fs::read_to_string(&path).expect("text"))
    };
    let mut files: Vec<_> = entries.map(read).collect();
    files.sort();
    files
}

fn names(folder: &Path) -> Vec<String> {
    contents(folder).into_iter().map(|(name, _)| name).collect()
}

fn files(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_file_takes_lines_up_to_its_size_and_not_one_octet_more() {
    // Three lines of seven octets, line break included, behind the head.
    for (bytes, sizes) in
        [(21, vec![21]), (20, vec![14, 7]), (14, vec![14, 7]), (13, vec![7, 7, 7]), (1, vec![7, 7, 7])]
    {
        let dir = tempfile::tempdir().expect("a folder");
        let mut log = trace(dir.path(), Limits { bytes: head_size() + bytes, files: 9 });
        log.append(&lines(3)).expect("written");
        let written = contents(&dir.path().join(TRACE_FOLDER));
        let behind = (1..).zip(&written).map(|(number, (_, text))| text.strip_prefix(&head(number)));
        let behind: Vec<_> = behind.map(|lines| lines.expect("a file begins with its head")).collect();
        assert_eq!(behind.iter().map(|text| text.len()).collect::<Vec<_>>(), sizes, "{bytes} octets");
        assert_eq!(behind.concat(), "line 0\nline 1\nline 2\n");
    }
}

#[test]
fn line_by_line_is_the_same_as_all_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut log = trace(dir.path(), Limits { bytes: head_size() + 14, files: 9 });
    for line in lines(3) {
        log.append(&[line]).expect("written");
    }
    let [first, second] = [head(1) + "line 0\nline 1\n", head(2) + "line 2\n"];
    let want = [("SDL001_600_000001.txt", first.as_str()), ("SDL001_600_000002.txt", &second)];
    assert_eq!(contents(&dir.path().join(TRACE_FOLDER)), files(&want));
}

#[test]
fn the_oldest_trace_file_goes_when_there_is_one_too_many() {
    for (count, kept) in
        [(2, vec!["000001", "000002"]), (3, vec!["000002", "000003"]), (5, vec!["000004", "000005"])]
    {
        let dir = tempfile::tempdir().expect("a folder");
        let mut log = trace(dir.path(), Limits { bytes: 1, files: 2 });
        log.append(&lines(count)).expect("written");
        let kept: Vec<_> = kept.iter().map(|number| format!("SDL001_600_{number}.txt")).collect();
        assert_eq!(names(&dir.path().join(TRACE_FOLDER)), kept, "{count} files");
    }
}

#[test]
fn a_new_process_begins_a_new_trace_file_after_the_highest() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join(TRACE_FOLDER);
    let open = || trace(dir.path(), Limits { bytes: 100, files: 3 });
    assert_eq!(open().path(), folder.join("SDL001_600_000001.txt"));
    assert_eq!(open().path(), folder.join("SDL001_600_000002.txt"));
    fs::write(folder.join("SDL001_600_000041.txt"), "").expect("written");
    fs::write(folder.join("SDL001_600_99.txt"), "not ours").expect("written");
    assert_eq!(open().path(), folder.join("SDL001_600_000042.txt"));
    let kept = ["000002", "000041", "000042"].map(|number| format!("SDL001_600_{number}.txt"));
    assert_eq!(names(&folder), [&kept[..], &["SDL001_600_99.txt".to_owned()]].concat());
    fs::write(folder.join("SDL001_600_999999.txt"), "").expect("written");
    assert_eq!(open().path(), folder.join("SDL001_600_1000000.txt"));
}

#[test]
fn the_alarm_file_is_continued_and_shifted() {
    let dir = tempfile::tempdir().expect("a folder");
    let open =
        || Log::syslog(dir.path(), Readers::default(), Limits { bytes: 14, files: 3 }).expect("opened");
    let folder = dir.path().join(SYSLOG_FOLDER);
    open().append(&lines(1)).expect("written");
    open().append(&lines(1)).expect("written");
    assert_eq!(contents(&folder), files(&[("CiscoSyslog", "line 0\nline 0\n")]));
    open().append(&lines(6)).expect("written");
    let want = [
        ("CiscoSyslog", "line 4\nline 5\n"),
        ("CiscoSyslog.1", "line 2\nline 3\n"),
        ("CiscoSyslog.2", "line 0\nline 1\n"),
    ];
    assert_eq!(contents(&folder), files(&want), "the two oldest lines went with their file");
}

#[test]
fn a_torn_line_of_a_killed_process_is_cut_off() {
    for (case, before, after) in [
        ("torn", "whole\nto", "whole\nline 0\n"),
        ("whole", "whole\n", "whole\nline 0\n"),
        ("only torn", "to", "line 0\n"),
        ("empty", "", "line 0\n"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join(SYSLOG_FOLDER);
        fs::create_dir_all(&folder).expect("created");
        fs::write(folder.join(SYSLOG_NAME), before).expect("written");
        let mut log = Log::syslog(dir.path(), Readers::default(), Limits::SYSLOG).expect("opened");
        log.append(&lines(1)).expect("written");
        assert_eq!(contents(&folder), files(&[("CiscoSyslog", after)]), "{case}");
    }
}

#[test]
fn what_was_removed_is_made_again_but_not_the_data_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("hub");
    fs::create_dir(&data).expect("created");
    let mut log = trace(&data, Limits::TRACE);
    log.append(&lines(1)).expect("written");
    fs::remove_dir_all(data.join("activelog")).expect("removed");
    log.append(&lines(2)).expect("written");
    let folder = data.join(TRACE_FOLDER);
    let want = head(1) + "line 0\nline 1\n";
    assert_eq!(contents(&folder), files(&[("SDL001_600_000001.txt", &want)]));
    fs::remove_dir_all(&data).expect("removed");
    let lost = log.append(&lines(3)).expect_err("no folder");
    assert_eq!((lost.lines, lost.error.kind()), (3, io::ErrorKind::NotFound));
    assert!(!data.exists());
    fs::create_dir(&data).expect("created");
    log.append(&lines(1)).expect("written");
    assert_eq!(contents(&folder), files(&[("SDL001_600_000001.txt", &(head(1) + "line 0\n"))]));
}

#[test]
fn a_full_disk_loses_lines_and_nothing_else() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: /dev/full is not there");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut log = Log::syslog(dir.path(), Readers::default(), Limits::SYSLOG).expect("opened");
    let path = log.path();
    fs::remove_file(&path).expect("removed");
    symlink("/dev/full", &path).expect("linked");
    let lost = log.append(&lines(3)).expect_err("no space");
    assert_eq!((lost.lines, lost.error.kind()), (3, io::ErrorKind::StorageFull));
    fs::remove_file(&path).expect("removed");
    log.append(&lines(1)).expect("written");
    assert_eq!(fs::read_to_string(&path).expect("text"), "line 0\n");
}

#[test]
fn lines_before_a_failed_rotation_are_not_counted_as_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut log = trace(dir.path(), Limits { bytes: head_size() + 14, files: 9 });
    let folder = dir.path().join(TRACE_FOLDER);
    fs::create_dir(folder.join("SDL001_600_000002.txt")).expect("created");
    let lost = log.append(&lines(5)).expect_err("a folder is in the way");
    assert_eq!(lost.lines, 3);
    let kept = fs::read_to_string(folder.join("SDL001_600_000001.txt")).expect("text");
    assert_eq!(kept, head(1) + "line 0\nline 1\n");
}

#[test]
fn an_old_file_that_cannot_be_deleted_costs_no_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join(TRACE_FOLDER);
    fs::create_dir_all(folder.join("SDL001_600_000001.txt")).expect("created");
    let mut log = trace(dir.path(), Limits { bytes: 1, files: 2 });
    log.append(&lines(2)).expect("written");
    let last = fs::read_to_string(folder.join("SDL001_600_000003.txt")).expect("text");
    assert_eq!(last, head(3) + "line 1\n");
}
