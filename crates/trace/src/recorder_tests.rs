use std::fs;
use std::io::Write;
use std::time::Duration;

use ilslab_time::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::line::Line;
use crate::options::{LogFormat, UnknownFormat};
use crate::rotation::SYSLOG_FOLDER;
use crate::sample::{self, Hello, TRACE_FOLDER, hello, refused};
use crate::screen::SHOWN_QUEUE;
use crate::tail::read_trace;

/// A stream that a test can read.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("text")
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe that nobody reads.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// A recorder in a folder of its own, with a clock that the test turns.
struct Bench {
    dir: TempDir,
    stdout: Screen,
    stderr: Screen,
    seconds: Arc<AtomicU64>,
    recorder: Recorder<Hello>,
}

impl Bench {
    fn new(stdout: Option<LogFormat>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (out, err, seconds) = (Screen::default(), Screen::default(), Arc::new(AtomicU64::new(0)));
        let consoles = Consoles {
            stdout: Box::new(out.clone()),
            stderr: Box::new(err.clone()),
            clock: turned(Arc::clone(&seconds)),
        };
        let options = RecorderOptions { stdout, ..options(dir.path()) };
        let recorder = Recorder::<Hello>::with_consoles(&options, consoles).expect("opened");
        Self { dir, stdout: out, stderr: err, seconds, recorder }
    }

    fn record(&self, event: Hello) {
        self.recorder.record(event);
        self.recorder.flush();
    }

    fn path(&self, folder: &str) -> PathBuf {
        self.dir.path().join(folder)
    }

    /// The lines of its events.
    fn trace(&self) -> Vec<String> {
        lines(&self.path(TRACE_FOLDER)).iter().map(ToString::to_string).collect()
    }

    fn alarms(&self) -> String {
        fs::read_to_string(self.path(SYSLOG_FOLDER).join("CiscoSyslog")).expect("text")
    }
}

/// The lines of a trace, without the heads of its files.
fn lines(folder: &std::path::Path) -> Vec<Line> {
    read_trace(folder).expect("a trace").into_iter().filter(|line| !line.is_head()).collect()
}

fn options(dir: &std::path::Path) -> RecorderOptions {
    RecorderOptions::new(sample::APPLICATION, dir, "2", "cucm1150.adfs.uccs.com", sample::AT)
}

fn turned(seconds: Arc<AtomicU64>) -> Box<dyn Fn() -> std::time::Instant + Send> {
    let begin = clock::monotonic();
    Box::new(move || begin + Duration::from_secs(seconds.load(Ordering::Relaxed)))
}

#[test]
fn an_event_comes_into_its_files_by_itself() {
    let bench = Bench::new(None);
    bench.recorder.record(refused(1));
    let alarms = bench.path(SYSLOG_FOLDER).join("CiscoSyslog");
    let begun = clock::monotonic();
    while !fs::read_to_string(&alarms).is_ok_and(|text| text.ends_with('\n')) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody asked for it, and it never came");
        std::thread::yield_now();
    }
    assert_eq!(bench.trace().len(), 2, "the trace is written first");
}

#[test]
fn an_event_is_in_its_files_once_it_is_flushed_and_an_alarm_only_when_it_begins() {
    let bench = Bench::new(None);
    bench.record(refused(7));
    bench.record(hello(7));
    let trace = bench.trace();
    let heads: Vec<_> = trace.iter().map(|line| &line[..38]).collect();
    assert_eq!(
        heads,
        [
            "00000001.001 |16:58:42.888 |AppInfo  |",
            "00000001.002 |16:58:42.888 |AppInfo  |",
            "00000002.001 |16:58:42.888 |AppInfo  |",
        ]
    );
    let alarms = bench.alarms();
    assert_eq!(alarms.lines().count(), 1, "{alarms}");
    assert!(alarms.contains(" UTC : %UC_HELLO-3-HelloRefused: %[Caller=7]"), "{alarms}");
    assert_eq!(bench.recorder.trace_write_errors(), 0);
}

#[test]
fn stdout_shows_the_format_that_was_asked_for() {
    for (format, want) in [
        (None, vec![]),
        (
            Some(LogFormat::Sdl),
            vec![
                "00000000.000 |16:58:42.888 |FileHead |UTC:+00:00,Date: 2016/08/26, ",
                "00000001.001 |16:58:42.888 |AppInfo  |hello [3] 1",
            ],
        ),
        (Some(LogFormat::Text), vec!["caller 3 says hello", "caller 4 says hello"]),
        (Some(LogFormat::Json), vec![r#"{"caller":3,"cluster":"2"}"#, r#"{"caller":4,"cluster":"2"}"#]),
    ] {
        let bench = Bench::new(format);
        bench.recorder.record(hello(3));
        bench.recorder.record(Hello { lines: 0, ..hello(4) });
        bench.recorder.close();
        let shown = bench.stdout.text();
        assert_eq!(shown.lines().count(), want.len(), "{format:?}: {shown}");
        assert!(shown.lines().zip(want).all(|(line, start)| line.starts_with(start)), "{format:?}: {shown}");
    }
}

/// An event of one line, so many milliseconds after the start.
fn hello_after(millis: i64) -> Hello {
    Hello { at: Timestamp(sample::AT.0 + millis), ..hello(1) }
}

#[test]
fn stdout_has_a_head_at_the_start_and_before_the_first_line_of_each_new_day() {
    const DAY: i64 = 86_400_000;
    let bench = Bench::new(Some(LogFormat::Sdl));
    for millis in [0, 1, DAY / 2, DAY, 3 * DAY, 3 * DAY + 5, 3 * DAY + 4, 3 * DAY - 5_000, 3 * DAY] {
        bench.recorder.record(hello_after(millis));
    }
    bench.recorder.close();
    let shown = bench.stdout.text();
    let seen: Vec<String> = shown
        .lines()
        .map(|line| match line.split_once("FileHead |UTC:+00:00,Date: ") {
            Some((number, fields)) => {
                let (_, file) = fields.split_once("FileNumber: ").expect("the field");
                format!("{} {} {}", &number[..12], &fields[..10], file.split(',').next().unwrap_or_default())
            }
            None => line[..26].to_owned(),
        })
        .collect();
    assert_eq!(
        seen,
        [
            "00000000.000 2016/08/26 1",
            "00000001.001 |16:58:42.888",
            "00000002.001 |16:58:42.889",
            "00000003.000 2016/08/27 2",
            "00000003.001 |04:58:42.888",
            "00000004.001 |16:58:42.888",
            "00000005.000 2016/08/29 3",
            "00000005.001 |16:58:42.888",
            "00000006.001 |16:58:42.893",
            // A moment early, and then a clock that was set back.
            "00000007.001 |16:58:42.893",
            "00000008.000 2016/08/29 4",
            "00000008.001 |16:58:37.888",
            "00000009.001 |16:58:42.888",
        ]
    );
}

#[test]
fn a_day_without_a_line_and_a_clock_set_back_begin_a_file_and_midnight_and_disorder_do_not() {
    const DAY: i64 = 86_400_000;
    let bench = Bench::new(None);
    for millis in [0, DAY - 1, DAY - 2, 3 * DAY, 2 * DAY] {
        bench.recorder.record(hello_after(millis));
    }
    bench.recorder.close();
    let files = crate::rotation::trace_files(&bench.path(TRACE_FOLDER)).expect("a folder");
    let dates = files.iter().map(|(_, path)| {
        let text = fs::read_to_string(path).expect("text");
        let (_, date) = text.split_once("Date: ").expect("a head");
        (date[..10].to_owned(), text.lines().count())
    });
    let want = [("2016/08/26", 4), ("2016/08/29", 2), ("2016/08/28", 2)];
    assert_eq!(dates.collect::<Vec<_>>(), want.map(|(date, lines)| (date.to_owned(), lines)));
}

#[test]
fn a_closed_pipe_ends_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = turned(Arc::default());
    let consoles = Consoles { stdout: Box::new(Broken), stderr: Box::new(Broken), clock };
    let options = RecorderOptions { stdout: Some(LogFormat::Json), ..options(dir.path()) };
    let recorder = Recorder::<Hello>::with_consoles(&options, consoles).expect("opened");
    (0..3).for_each(|id| recorder.record(hello(id)));
    drop(recorder);
    assert_eq!(lines(&dir.path().join(TRACE_FOLDER)).len(), 3);
}

/// A pipe whose reader reads nothing until the sender of this is dropped.
struct Stuck {
    entered: std::sync::mpsc::SyncSender<()>,
    held: std::sync::mpsc::Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.try_send(());
        // Nothing is ever sent: an error is the end of the wait.
        let _ = self.held.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stdout_that_nobody_reads_holds_up_no_file_and_is_told_with_its_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let (reader, held) = sync_channel(0);
    let (entered, in_it) = sync_channel(1);
    let err = Screen::default();
    let consoles = Consoles {
        stdout: Box::new(Stuck { entered, held }),
        stderr: Box::new(err.clone()),
        clock: turned(Arc::default()),
    };
    let options = RecorderOptions { stdout: Some(LogFormat::Sdl), ..options(dir.path()) };
    let recorder = Recorder::<Hello>::with_consoles(&options, consoles).expect("opened");
    recorder.record(hello(1));
    in_it.recv().expect("it is being shown, and stuck");
    let events = SHOWN_QUEUE + 2 * QUEUE;
    (1..events).for_each(|_| recorder.record(hello(1)));
    recorder.flush();
    assert_eq!(lines(&dir.path().join(TRACE_FOLDER)).len(), events);
    assert_eq!(recorder.trace_write_errors(), 0);
    let told = err.text();
    assert!(
        told.starts_with("ilslab: failed to write the output to stdout: its reader is too slow; "),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    drop(reader);
    while err.text() == told {
        recorder.record(hello(1));
        recorder.flush();
    }
    let end = err.text();
    assert!(end.contains("ilslab: the output to stdout is written again; "), "{end}");
}

#[test]
fn more_events_than_the_queue_holds_arrive_whole_and_each_senders_in_order() {
    let bench = Bench::new(None);
    let (senders, each) = (3, 2000);
    assert!(senders * each > u64::try_from(QUEUE).expect("small"));
    std::thread::scope(|scope| {
        for sender in 0..senders {
            let recorder = &bench.recorder;
            scope.spawn(move || (0..each).for_each(|number| recorder.record(hello(sender * each + number))));
        }
    });
    bench.recorder.close();
    let instance = |line: &String| {
        let (_, rest) = line.split_once("hello [").expect("a caller");
        rest.split_once(']').expect("closed").0.parse::<u64>().expect("a number")
    };
    let ids: Vec<u64> = bench.trace().iter().map(instance).collect();
    for sender in 0..senders {
        let own: Vec<u64> = ids.iter().copied().filter(|id| id / each == sender).collect();
        assert_eq!(own, (sender * each..(sender + 1) * each).collect::<Vec<_>>(), "sender {sender}");
    }
}

#[test]
fn what_comes_after_the_end_is_counted() {
    let bench = Bench::new(None);
    bench.recorder.record(hello(1));
    bench.recorder.close();
    assert_eq!((bench.trace().len(), bench.recorder.trace_write_errors()), (1, 0));
    bench.record(hello(2));
    bench.recorder.close();
    assert_eq!((bench.trace().len(), bench.recorder.trace_write_errors()), (1, 1));
}

#[test]
fn a_trace_that_cannot_be_written_is_told_once_a_minute_and_goes_on() {
    let bench = Bench::new(None);
    bench.record(hello(1));
    let folder = bench.path(TRACE_FOLDER);
    fs::remove_dir_all(&folder).expect("removed");
    fs::write(&folder, "in the way").expect("written");
    for (seconds, id) in [(0, 2), (1, 3), (59, 4), (60, 5)] {
        bench.seconds.store(seconds, Ordering::Relaxed);
        bench.record(hello(id));
    }
    assert_eq!(bench.recorder.trace_write_errors(), 4);
    fs::remove_file(&folder).expect("removed");
    bench.record(hello(6));
    bench.record(hello(7));
    let said = bench.stderr.text();
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(
        said[0].starts_with("ilslab: failed to write the trace ") && said[0].ends_with("; 1 line was lost")
    );
    assert!(said[1].ends_with("; 4 lines were lost"), "{said:#?}");
    assert!(said[2].ends_with("is written again; 4 lines were lost"), "{said:#?}");
    let trace = bench.trace();
    assert_eq!(trace.len(), 2);
    assert!(trace[0].starts_with("00000006.001 |"), "lost lines had their numbers: {trace:?}");
}

#[test]
fn a_new_recorder_begins_a_new_file() {
    let dir = tempfile::tempdir().expect("a folder");
    for id in 1..=2 {
        Recorder::<Hello>::open(&options(dir.path())).expect("opened").record(hello(id));
    }
    let folder = dir.path().join(TRACE_FOLDER);
    let lengths = [1, 2].map(|number| {
        let text = fs::read_to_string(folder.join(format!("SDL001_600_{number:06}.txt")));
        text.expect("text").lines().count()
    });
    assert_eq!(lengths, [2, 2], "a head and a line");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let error = Recorder::<Hello>::open(&options(&dir.path().join("absent"))).expect_err("no folder");
    let want =
        format!("failed to open the trace under {}/absent: the data folder is gone", dir.path().display());
    assert_eq!(error.to_string(), want);
}

#[test]
fn a_format_is_read_back_from_its_own_text() {
    for format in [LogFormat::Sdl, LogFormat::Text, LogFormat::Json] {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert_eq!("SDL".parse::<LogFormat>(), Err(UnknownFormat("SDL".into())));
}
