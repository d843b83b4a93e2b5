use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::limits::Limits;
use crate::readers::Readers;
use crate::rotation::{Entry, Log, trace_files};
use crate::sample::{self, TRACE_FOLDER};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn head(offset: &str) -> FileHead {
    let offset = offset.parse().expect("an offset");
    let address = "10.106.104.220".parse().expect("an address");
    let options = RecorderOptions::new(sample::APPLICATION, "", "2", "cucm1150.adfs.uccs.com", sample::AT);
    FileHead::new(&RecorderOptions { offset, address, ..options })
}

#[test]
fn a_head_has_the_fields_of_a_live_one_in_their_order() {
    for (case, offset, at, number, want) in [
        (
            "UTC",
            "Z",
            sample::AT,
            1,
            "00154617.000 |16:58:42.888 |FileHead |UTC:+00:00,Date: 2016/08/26, AppName: Hello, AppId: 600, \
             AppNodeId: 1, AppVersion: CUCM Install=11.5.1.10000(4) Build=ilslab-0.1.0, HostName: cucm1150, \
             HostIPAddress: 10.106.104.220, AppStartTime: 2016/08/26 16:58:42, FileNumber: 1, TraceVer: 3.0",
        ),
        (
            "local, over midnight, a day after the start",
            "-05:00",
            Timestamp(sample::AT.0 + DAY - 12 * HOUR),
            1_000_000,
            "00154617.000 |23:58:42.888 |FileHead |UTC:-05:00,Date: 2016/08/26, AppName: Hello, AppId: 600, \
             AppNodeId: 1, AppVersion: CUCM Install=11.5.1.10000(4) Build=ilslab-0.1.0, HostName: cucm1150, \
             HostIPAddress: 10.106.104.220, AppStartTime: 2016/08/26 11:58:42, FileNumber: 1000000, TraceVer: 3.0",
        ),
    ] {
        let line = head(offset).line(154_617, at, number);
        assert_eq!(line.to_string(), want, "{case}");
        assert_eq!(Line::parse(want), Ok(line), "{case}");
    }
}

#[test]
fn a_line_is_dated_by_the_one_before_it_unless_a_day_went_by_or_the_clock_was_set_back() {
    for (case, gap, want) in [
        ("the same moment", 0, true),
        ("a moment later", 1, true),
        ("the last of the day", 7 * HOUR, true),
        ("over midnight", 8 * HOUR, true),
        ("a day less a moment", DAY - 1, true),
        ("a day", DAY, false),
        ("two days less a moment", 2 * DAY - 1, false),
        ("a moment earlier", -1, false),
        ("on the day before", -17 * HOUR, false),
        ("a day earlier", -DAY, false),
        ("the end of time", i64::MAX - sample::AT.0, false),
    ] {
        let at = Timestamp(sample::AT.0 + gap);
        assert_eq!(head("Z").dates(sample::AT, at), want, "{case}");
    }
}

proptest! {
    #[test]
    fn no_name_makes_another_field_or_line_of_a_head(version in any::<String>(), node_id in any::<String>()) {
        let options = RecorderOptions::new(sample::APPLICATION, "", "2", node_id, sample::AT);
        let written = FileHead::new(&RecorderOptions { version, ..options }).line(1, sample::AT, 1).to_string();
        prop_assert!(Line::parse(&written).is_ok_and(|line| line.is_head()));
        prop_assert!(written.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{}", written);
        prop_assert_eq!(written.split(',').count(), 11, "{}", written);
    }
}

/// Milliseconds since the epoch of each line of a trace, as somebody reads it who has the files and nothing else.
fn dated(folder: &Path) -> Vec<(i64, String)> {
    let files = trace_files(folder).expect("a folder");
    files.iter().flat_map(|(_, path)| dated_file(&std::fs::read_to_string(path).expect("text"))).collect()
}

fn dated_file(text: &str) -> Vec<(i64, String)> {
    let mut lines = text.lines();
    let head = lines.next().expect("no file is empty");
    assert!(head.contains(" |FileHead |UTC:"), "{head}");
    let (mut day, mut last) = (day_of(between(head, "Date: ", ",")), time_of(head));
    let local = minutes_of(between(head, "|UTC:", ",")) * 60_000;
    let date = |line: &str| {
        let time = time_of(line);
        day += i64::from(time < last);
        last = time;
        (day * DAY + time - local, line.rsplit('|').next().unwrap_or_default().to_owned())
    };
    lines.map(date).collect()
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect("the field");
    rest.split(behind).next().unwrap_or_default()
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

/// `16:58:42.888`, in milliseconds.
fn time_of(line: &str) -> i64 {
    let parts: Vec<i64> = between(line, " |", " |").split([':', '.']).map(number).collect();
    let [hours, minutes, seconds, millis] = parts[..] else { panic!("no time: {line}") };
    ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
}

/// `-05:00`, in minutes.
fn minutes_of(offset: &str) -> i64 {
    let (hours, minutes) = offset[1..].split_once(':').expect("hours and minutes");
    let minutes = number(hours) * 60 + number(minutes);
    if offset.starts_with('-') { -minutes } else { minutes }
}

/// Days since the epoch, counted one year and one month after the other.
fn day_of(date: &str) -> i64 {
    let parts: Vec<i64> = date.split('/').map(number).collect();
    let [year, month, day] = parts[..] else { panic!("no date: {date}") };
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30];
    let months = usize::try_from(month - 1).expect("a month");
    years + lengths[..months].iter().sum::<i64>() + day - 1
}

/// Writes lines of these moments, so many a call, and dates them back.
fn is_dated_back(case: &str, offset: &str, bytes: u64, at_once: usize, moments: &[i64]) -> usize {
    let dir = tempfile::tempdir().expect("a folder");
    let started = Timestamp(moments[0]);
    let limits = Limits { bytes, files: 1000 };
    let mut log = Log::trace(dir.path(), Readers::default(), limits, head(offset), started).expect("opened");
    let line = |(signal, at): (u32, &i64)| {
        let (at, time) = (Timestamp(*at), TimeOfDay::of(Timestamp(*at), offset.parse().expect("an offset")));
        Entry {
            at,
            signal,
            text: Line::new(signal, 1, time, Kind::APP_INFO, &signal.to_string()).to_string(),
        }
    };
    let entries: Vec<Entry> = (1..).zip(moments).map(line).collect();
    entries.chunks(at_once).for_each(|entries| log.append(entries).expect("written"));
    let folder = dir.path().join(TRACE_FOLDER);
    let want: Vec<_> = (1..).zip(moments).map(|(signal, at)| (*at, u32::to_string(&signal))).collect();
    let read = dated(&folder);
    assert_eq!(read.iter().zip(&want).find(|(read, want)| read != want), None, "{case}");
    assert_eq!(read.len(), want.len(), "{case}");
    let files = trace_files(&folder).expect("a folder");
    let sizes = files.iter().map(|(_, path)| path.metadata().expect("a file").len());
    assert!(sizes.max() <= Some(bytes.max(400)), "{case}");
    files.len()
}

#[test]
fn every_line_is_dated_back_from_the_head_of_its_file_past_midnight_and_over_days() {
    // 2016-02-28 20:00 UTC: the year has a 29th of February.
    let begin = 1_456_689_600_000;
    let each = |step: i64, count: i64| (0..count).map(|number| begin + number * step).collect::<Vec<_>>();
    let quiet: Vec<i64> = [0, 1, DAY, DAY + 1, 5 * DAY, 40 * DAY, 400 * DAY].map(|gap| begin + gap).to_vec();
    let back: Vec<i64> = [0, 5, 4, 4, -HOUR, -DAY, -2 * DAY, HOUR].map(|gap| begin + gap).to_vec();
    for (case, moments, most_in_one) in [
        ("a line an hour, for four days", each(HOUR, 100), true),
        ("a line a day, less a moment", each(DAY - 1, 40), true),
        ("a line every ten minutes, over two midnights", each(HOUR / 6, 200), true),
        ("days without a line", quiet, false),
        ("a clock that is set back", back, false),
    ] {
        for offset in ["Z", "+05:30", "-05:00", "+23:59"] {
            for (at_once, bytes) in [(1, 1), (1, 700), (7, 700), (100, 1_000_000), (1, 1_000_000)] {
                let case = format!("{case}, {offset}, {at_once} at once, files of {bytes}");
                let files = is_dated_back(&case, offset, bytes, at_once, &moments);
                if most_in_one && bytes == 1_000_000 {
                    assert_eq!(files, 1, "{case}: midnight alone begins no file");
                }
            }
        }
    }
}

#[test]
fn a_head_stands_before_the_signal_that_its_file_begins_with() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut log =
        Log::trace(dir.path(), Readers::default(), Limits { bytes: 1, files: 9 }, head("Z"), sample::AT)
            .expect("opened");
    let entry = |signal| Entry { at: sample::AT, signal, text: format!("{signal:08}.001 |") };
    log.append(&[entry(7), entry(7), entry(8)]).expect("written");
    let files = trace_files(&dir.path().join(TRACE_FOLDER)).expect("a folder");
    let numbers = files.iter().map(|(_, path)| {
        let text = std::fs::read_to_string(path).expect("text");
        text.lines().map(|line| line[..12].to_owned()).collect::<Vec<_>>()
    });
    let want = [
        ["00000000.000", "00000007.001"],
        ["00000007.000", "00000007.001"],
        ["00000008.000", "00000008.001"],
    ];
    assert_eq!(numbers.collect::<Vec<_>>(), want);
}
