use std::fs;

use std::fs::OpenOptions;
use std::io::Write;

use super::*;

fn line(signal: u32, text: &str) -> String {
    format!("{signal:08}.001 |16:58:42.888 |AppInfo  |{text}")
}

fn append(folder: &Path, number: u64, text: &str) {
    let path = folder.join(format!("SDL001_600_{number:06}.txt"));
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

fn remove(folder: &Path, number: u64) {
    fs::remove_file(folder.join(format!("SDL001_600_{number:06}.txt"))).expect("removed");
}

fn lines(signals: &[u32]) -> String {
    signals.iter().map(|signal| format!("{}\n", line(*signal, "x"))).collect()
}

fn read(folder: &Path, after: Cursor, limit: usize) -> Page {
    Page::read(folder, after, limit).expect("readable")
}

fn signals(page: &Page) -> Vec<u32> {
    page.lines.iter().map(|line| line.columns.as_ref().map_or(0, |columns| columns.signal)).collect()
}

#[test]
fn each_line_comes_once_across_files_pages_and_growth() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let empty = read(&folder.join("absent"), Cursor::default(), 10);
    assert_eq!((signals(&empty), empty.next, empty.lost), (vec![], Cursor::default(), false));
    append(folder, 9, &lines(&[1, 2]));
    append(folder, 10, &lines(&[3]));
    let begun = line(4, "x");
    append(folder, 10, &begun[..20]);
    fs::write(folder.join("SDL001_600_3.txt"), "another file").expect("written");
    let mut at = Cursor::default();
    let mut seen = Vec::new();
    for (name, before, want) in [
        ("two a page", "", vec![1, 2]),
        ("the rest of them, without the unfinished line", "", vec![3]),
        ("nothing new", "", vec![]),
        ("the line is finished", &format!("{}\n{}", &begun[20..], lines(&[5])), vec![4, 5]),
    ] {
        append(folder, 10, before);
        let page = read(folder, at, 2);
        assert_eq!((signals(&page), page.lost), (want, false), "{name}");
        at = page.next;
        seen.extend(signals(&page));
    }
    append(folder, 11, &lines(&[6]));
    assert_eq!(signals(&read(folder, at, 2)), [6], "the file after it");
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[test]
fn a_cursor_whose_place_is_gone_goes_on_with_the_oldest_line_and_says_so() {
    for (name, change, after, want, lost) in [
        ("nothing happened", None, (2, 47), vec![4, 5], false),
        ("its file was rotated away", Some(2), (2, 47), vec![5], true),
        ("a file before it was", Some(1), (2, 47), vec![4, 5], false),
        ("the trace began again", None, (7, 47), vec![1, 2, 3, 4, 5], true),
        ("its file is shorter", None, (3, 480), vec![5], true),
        ("its file is another", None, (3, 5), vec![5], true),
        ("no cursor, and the first file is gone", Some(1), (0, 0), vec![3, 4, 5], false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let third = format!("{}\n", line(3, "as long:"));
        assert_eq!(third.len(), 47, "the offsets above");
        append(folder, 1, &lines(&[1, 2]));
        append(folder, 2, &format!("{third}{}", lines(&[4])));
        append(folder, 3, &lines(&[5]));
        if let Some(number) = change {
            remove(folder, number);
        }
        let page = read(folder, Cursor { file: after.0, offset: after.1 }, 10);
        assert_eq!((signals(&page), page.lost), (want, lost), "{name}");
        let next = read(folder, page.next, 10);
        assert_eq!((signals(&next), next.lost), (vec![], false), "{name}: said once");
    }
}

#[test]
fn a_trace_that_is_gone_altogether_is_said_to_be_lost_when_there_is_one_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    append(folder, 5, &lines(&[1]));
    let first = read(folder, Cursor::default(), 10);
    remove(folder, 5);
    let none = read(folder, first.next, 10);
    assert_eq!((none.lost, none.next), (false, first.next));
    append(folder, 1, &lines(&[2]));
    let again = read(folder, none.next, 10);
    assert_eq!((signals(&again), again.lost), (vec![2], true));
}

#[test]
fn a_page_is_bounded_in_lines_and_octets() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let long = "x".repeat(10_000);
    let text: String = (1..=30).map(|signal| format!("{}\n", line(signal, &long))).collect();
    append(folder, 1, &text);
    let (mut at, mut seen) = (Cursor::default(), Vec::new());
    loop {
        let page = read(folder, at, LINES_MAX);
        let octets = serde_json::to_string(&page.lines).expect("serialisable").len();
        assert!(octets <= ANSWER_MAX + 2, "{octets}");
        if page.lines.is_empty() {
            break;
        }
        at = page.next;
        seen.extend(signals(&page));
    }
    assert_eq!(seen, (1..=30).collect::<Vec<_>>(), "and nothing is left out");
    append(folder, 1, &format!("{}\n{}", "\u{1}".repeat(60_000), lines(&[32])));
    let alone = read(folder, at, LINES_MAX);
    assert_eq!(signals(&alone), [0], "a line that is too much by itself still comes");
    assert_eq!(signals(&read(folder, alone.next, LINES_MAX)), [32]);
}

#[test]
fn behind_a_line_that_has_no_end_a_file_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    append(folder, 1, &lines(&[1]));
    append(folder, 1, &"x".repeat(100_000));
    append(folder, 1, &format!("\n{}", lines(&[2])));
    append(folder, 2, &lines(&[3]));
    assert_eq!(signals(&read(folder, Cursor::default(), 10)), [1, 3]);
}

#[test]
fn what_is_no_line_of_a_trace_has_no_columns_and_does_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("SDL001_600_000001.txt"), b"\x1b[2J\xff]\n").expect("written");
    let page = read(folder.path(), Cursor::default(), 10);
    assert_eq!(page.text(), "\\x1b[2J\\xef\\xbf\\xbd\\x5d\n");
    assert!(page.lines[0].columns.is_none());
}

#[test]
fn a_cursor_is_read_back_and_nothing_else_is_one() {
    let cursor = Cursor { file: 7, offset: 4_096 };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for text in ["", "7", "7-", "-7", "7-1-2", "+7-1", "7- 1", "7-18446744073709551616", "../7-1", "٧-1"] {
        assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
    }
}
