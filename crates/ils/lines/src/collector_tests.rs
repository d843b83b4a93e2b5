//! Every alarm of the catalogue, as a recorder writes it, before two collectors that are made for Cisco's logs.
//!
//! ```text
//! an event for each alarm -> Recorder -> CiscoSyslog -> as it is, and as it goes over the wire
//!                                                         +-> syslog-ng's cisco-parser(), the real one
//!                                                         +-> what Splunk Connect for Syslog asks of a line
//! ```
//! No process of this lab sends syslog: the wire form is the line of the file from its sequence number on, behind the
//! priority of local7, as `docs/ci.md` makes it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ilslab_time::clock::monotonic;
use ilslab_trace::rotation::{SYSLOG_FOLDER, SYSLOG_NAME};
use ilslab_trace::{ALARM_LINE_MAX, RecorderOptions};

use crate::catalogue::{NAMES, entry};
use crate::{APPLICATION, Recorder, sample};

/// The lines of `CiscoSyslog` once every alarm was raised.
fn of_the_file(folder: &Path, offset: &str) -> Vec<String> {
    let options = RecorderOptions::new(APPLICATION, folder, "2", "cucm1150.adfs.uccs.com", sample::AT);
    let options = RecorderOptions { offset: offset.parse().expect("an offset"), ..options };
    let recorder = Recorder::open(&options).expect("opened");
    sample::an_event_for_each_alarm().into_iter().for_each(|noted| recorder.record(noted));
    recorder.close();
    let text = fs::read_to_string(folder.join(SYSLOG_FOLDER).join(SYSLOG_NAME)).expect("text");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), NAMES.len());
    lines
}

/// The same lines as they would leave the node, made from the file by the command that `docs/ci.md` shows.
fn on_the_wire(folder: &Path) -> Vec<String> {
    let page = include_str!("../../../../docs/ci.md");
    let (_, command) = page.split_once("awk '").expect("the command");
    let (program, _) = command.split_once("' CiscoSyslog").expect("its file");
    let mut awk = Command::new("awk");
    let output =
        awk.arg(program).arg(folder.join(SYSLOG_FOLDER).join(SYSLOG_NAME)).output().expect("awk runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), NAMES.len(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn of_the_longest_names_every_alarm_keeps_its_text_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let node_id = format!("{}.{}", "h".repeat(63), "d".repeat(189));
    let options = RecorderOptions::new(APPLICATION, dir.path(), "c".repeat(50), &node_id, sample::AT);
    let recorder = Recorder::open(&options).expect("opened");
    for mut noted in sample::an_event_for_each_alarm() {
        let alarm = noted.raised.as_mut().expect("raised");
        alarm.parameters.iter_mut().for_each(|(_, value)| *value = "\u{1b}]".repeat(1000));
        recorder.record(noted);
    }
    recorder.close();
    let text = fs::read_to_string(dir.path().join(SYSLOG_FOLDER).join(SYSLOG_NAME)).expect("text");
    assert_eq!(text.lines().count(), NAMES.len());
    for (name, line) in NAMES.into_iter().zip(text.lines()) {
        assert!(line.len() <= ALARM_LINE_MAX, "{} octets: {line}", line.len());
        assert!(line.ends_with(&format!("[NodeID={node_id}]: {}", entry(name).text)), "{line}");
        assert!(line.contains("...]"), "{line}");
    }
}

#[test]
fn the_wire_form_is_the_line_of_the_file_behind_its_priority() {
    let dir = tempfile::tempdir().expect("a folder");
    let lines = of_the_file(dir.path(), "Z");
    for ((name, line), sent) in NAMES.into_iter().zip(&lines).zip(on_the_wire(dir.path())) {
        let severity = entry(name).severity;
        let (_, message) = line.split_once(&format!(" local7 {severity} ils: ")).expect("the process");
        assert_eq!(sent, format!("<{}>{message}", 23 * 8 + severity));
    }
}

/// What Splunk Connect for Syslog (`app-almost-syslog-cisco_syslog`, `app-cisco-cisco_ucm`) looks for in a line, in the
/// words of this test; answers what it would call facility, severity and name.
fn splunk_connect(line: &str) -> Result<(&str, &str, &str), &'static str> {
    let (header, message) = line.split_once(": %").ok_or("no `: %`")?;
    if line.contains("junos") || !header.contains(':') {
        return Err("another maker's");
    }
    let last = header.rsplit(char::is_whitespace).next().unwrap_or_default();
    let from_a_letter = last.find(|c: char| c.is_ascii_lowercase()).is_some_and(|at| at + 1 < last.len());
    if from_a_letter || last.ends_with(']') {
        return Err("a program's name ends the head");
    }
    let (triplet, _) = message.split_once(':').ok_or("no end of the name")?;
    let (before, name) = triplet.rsplit_once('-').ok_or("no name")?;
    let (facility, severity) = before.rsplit_once('-').ok_or("no severity")?;
    let is_named = !name.is_empty() && !name.contains(' ');
    let is_severity = severity.len() == 1 && ("0"..="7").contains(&severity);
    if !(is_named && is_severity && facility.starts_with("UC_")) {
        return Err("not of a Communications Manager");
    }
    header
        .match_indices(' ')
        .any(|(at, _)| begins_a_date(&header[at + 1..]))
        .then_some(())
        .ok_or("no date")?;
    Ok((facility, severity, name))
}

/// Month, day in two characters, year, time to the millisecond: the order and width that its parser of dates takes.
fn begins_a_date(text: &str) -> bool {
    let shape = "Aaa _9 9999 99:99:99.999";
    let fits = |(c, shape): (char, char)| match shape {
        'A' => c.is_ascii_uppercase(),
        'a' => c.is_ascii_lowercase(),
        '_' => c == ' ' || c.is_ascii_digit(),
        '9' => c.is_ascii_digit(),
        other => c == other,
    };
    text.len() >= shape.len() && text.chars().zip(shape.chars()).all(fits)
}

#[test]
fn splunk_connect_takes_every_alarm_for_one_of_a_communications_manager() {
    for offset in ["Z", "+05:30", "-03:00"] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = of_the_file(dir.path(), offset);
        for lines in [on_the_wire(dir.path()), file] {
            for (name, line) in NAMES.into_iter().zip(&lines) {
                let severity = entry(name).severity.to_string();
                assert_eq!(splunk_connect(line), Ok(("UC_ILS", severity.as_str(), name.as_str())), "{line}");
            }
        }
    }
}

#[test]
fn what_splunk_connect_would_not_take_is_not_taken_here() {
    const GOOD: &str =
        "<187>0: hub: Aug 26 2016 16:58:42.888 UTC : %UC_ILS-3-ILSTCPInUse: %[PortNumber=1]: x";
    assert_eq!(splunk_connect(GOOD), Ok(("UC_ILS", "3", "ILSTCPInUse")));
    for (case, line) in [
        ("the line of before", "Aug 26 16:58:42 hub ils: %UC_ILS-3-ILSTCPInUse: %[PortNumber=1]: x"),
        ("no colon before the percent", &GOOD.replace(" : %UC", " %UC")),
        ("another catalogue", &GOOD.replace("UC_", "SYS_")),
        ("no severity", &GOOD.replace("-3-", "-")),
        ("a severity that is none", &GOOD.replace("-3-", "-8-")),
        ("no year", &GOOD.replace(" 2016", "")),
        ("no milliseconds", &GOOD.replace(".888", "")),
        ("a program at the end of the head", &GOOD.replace(" UTC :", " ils:")),
    ] {
        assert!(splunk_connect(line).is_err(), "{case}: {line}");
    }
}

/// syslog-ng with cisco-parser(), ended with the test.
struct SyslogNg(Child);

impl SyslogNg {
    /// Reads one file, line by line, and writes what its parser makes of each into another.
    fn start(folder: &Path, seen: &str) -> Self {
        let place = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "@version: current\n@include \"scl.conf\"\noptions {{ stats-freq(0); }};\n\
             log {{\n  source {{ file(\"{}\" flags(no-parse) follow-freq(0.1)); }};\n  parser {{ cisco-parser(); }};\n  \
             destination {{ file(\"{}\" template(\"{seen}\\n\")); }};\n}};\n",
            place("in.log"),
            place("out.log"),
        );
        fs::write(folder.join("syslog-ng.conf"), config).expect("written");
        let mut command = Command::new("syslog-ng");
        command.args(["--foreground", "--no-caps", "--cfgfile", &place("syslog-ng.conf")]);
        command.args([
            "--persist-file",
            &place("persist"),
            "--pidfile",
            &place("pid"),
            "--control",
            &place("ctl"),
        ]);
        let said = fs::File::create(folder.join("said")).expect("created");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        Self(command.spawn().expect("syslog-ng runs"))
    }

    /// The first so many lines of its output.
    fn lines(&mut self, folder: &Path, count: usize) -> Vec<String> {
        let begun = monotonic();
        loop {
            let text = fs::read_to_string(folder.join("out.log")).unwrap_or_default();
            if text.ends_with('\n') && text.lines().count() >= count {
                return text.lines().map(str::to_owned).collect();
            }
            let said = || fs::read_to_string(folder.join("said")).unwrap_or_default();
            assert_eq!(self.0.try_wait().expect("a child of ours"), None, "it has ended: {}", said());
            assert!(begun.elapsed() < Duration::from_secs(60), "seen so far: {text}; said: {}", said());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for SyslogNg {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Is syslog-ng there, and its parser of Cisco's logs? Where tools are required, it must be.
fn has_cisco_parser() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("syslog-ng.conf");
    let text = "@version: current\n@include \"scl.conf\"\nparser p { cisco-parser(); };\n";
    fs::write(&config, text).expect("written");
    let mut command = Command::new("syslog-ng");
    command
        .args(["--syntax-only", "--no-caps", "--cfgfile"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let has = command.status().is_ok_and(|status| status.success());
    let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(has || !required, "syslog-ng with its scl is required, and not installed");
    if !has {
        println!("skipped: syslog-ng with its scl is not installed");
    }
    has
}

#[test]
fn the_cisco_parser_of_syslog_ng_reads_every_alarm_from_the_file_and_from_the_wire() {
    if !has_cisco_parser() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = of_the_file(dir.path(), "Z");
    let wire = on_the_wire(dir.path());
    // What is no line of Cisco's is left out, or the parser would prove nothing.
    let stranger = "Aug 26 16:58:42 host local7 3 ils: a line without the mark".to_owned();
    let all = [&wire[..], &[stranger], &file[..]].concat();
    fs::write(dir.path().join("in.log"), all.join("\n") + "\n").expect("written");
    let seen = "${.cisco.facility}|${.cisco.severity}|${.cisco.mnemonic}|$HOST|$S_ISODATE";
    let lines = SyslogNg::start(dir.path(), seen).lines(dir.path(), 2 * NAMES.len());
    let (of_wire, of_file) = lines.split_at(NAMES.len());
    for (name, line) in NAMES.into_iter().zip(of_wire) {
        let fields =
            format!("UC_ILS|{}|{name}|cucm1150.adfs.uccs.com|2016-08-26T16:58:42", entry(name).severity);
        assert!(line.starts_with(&fields), "{line}");
    }
    // From the file as it is, the stamp of the file is read: host and year are the reader's own.
    for (name, line) in NAMES.into_iter().zip(of_file) {
        assert!(line.starts_with(&format!("UC_ILS|{}|{name}|", entry(name).severity)), "{line}");
        assert!(line.contains("-08-26T16:58:42"), "{line}");
    }
    assert_eq!(of_file.len(), NAMES.len(), "{of_file:?}");
}
