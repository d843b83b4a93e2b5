//! The thread behind a recorder: takes what has gathered, writes it, and takes again.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use ilslab_time::{TimeOfDay, Timestamp, UtcOffset};

use crate::alarm::AlarmSource;
use crate::cisco_log::CiscoLog;
use crate::fault::Fault;
use crate::head::FileHead;
use crate::line::Line;
use crate::options::{LogFormat, RecorderOptions};
use crate::record::Record;
use crate::rotation::{Entry, Log, Lost};
use crate::say::say;
use crate::screen::Screen;
use crate::signal::Signals;

/// Most events written at once.
const BATCH: usize = 512;

/// Milliseconds by which an event may have looked at the clock before the one in front of it.
const DISORDER_MAX: i64 = 1_000;

/// What the writer is asked to do.
pub(crate) enum Order<R> {
    /// Write this event.
    Note(Box<R>),
    /// Answer when all before is written.
    Flush(SyncSender<()>),
}

/// Where a writer speaks besides its files, and its clock.
pub(crate) struct Consoles {
    pub(crate) stdout: Box<dyn Write + Send>,
    pub(crate) stderr: Box<dyn Write + Send>,
    pub(crate) clock: Box<dyn Fn() -> Instant + Send>,
}

/// Owns the files.
pub(crate) struct Writer {
    signals: Signals,
    source: AlarmSource,
    cisco_log: CiscoLog,
    offset: UtcOffset,
    format: Option<LogFormat>,
    moments: Moments,
    stream: Stream,
    trace: (Log, Fault),
    alarms: (Log, Fault),
    screen: (Screen, Fault),
    stderr: Box<dyn Write + Send>,
    clock: Box<dyn Fn() -> Instant + Send>,
    errors: Arc<AtomicU64>,
}

/// The trace on stdout: no files, and yet each line has a date, by the head before it.
struct Stream {
    head: FileHead,
    heads: u64,
    /// When the last line came to be.
    last: Option<Timestamp>,
}

impl Stream {
    fn new(head: FileHead) -> Self {
        Self { head, heads: 0, last: None }
    }

    /// The head that has to stand before a line of this moment, if any: one a day, and one where the clock was set back.
    fn head(&mut self, signal: u32, at: Timestamp) -> Option<String> {
        let last = self.last.replace(at);
        let same_day = |last| self.head.day(last) == self.head.day(at) && self.head.dates(last, at);
        if last.is_some_and(same_day) {
            return None;
        }
        self.heads = self.heads.saturating_add(1);
        Some(self.head.line(signal, at, self.heads).to_string())
    }
}

/// Moments of events, which come in the order in which they were decided.
#[derive(Default)]
struct Moments {
    last: Option<Timestamp>,
}

impl Moments {
    /// The moment that an event is written under. Tasks look at the clock before they queue: one that looked a little
    /// earlier than the one before it is given that one's moment, since a line that is earlier would be read as one of the
    /// next day. A longer step back is the clock's own.
    fn next(&mut self, at: Timestamp) -> Timestamp {
        let late = |last: &Timestamp| *last > at && last.0.saturating_sub(at.0) <= DISORDER_MAX;
        let at = self.last.filter(late).unwrap_or(at);
        self.last = Some(at);
        at
    }
}

/// The faces of some events.
struct Batch<R> {
    trace: Vec<Entry>,
    alarms: Vec<Entry>,
    stdout: Vec<String>,
    events: Vec<R>,
    flushes: Vec<SyncSender<()>>,
}

impl<R> Default for Batch<R> {
    fn default() -> Self {
        Self {
            trace: Vec::new(),
            alarms: Vec::new(),
            stdout: Vec::new(),
            events: Vec::new(),
            flushes: Vec::new(),
        }
    }
}

impl Writer {
    pub(crate) fn new(
        options: &RecorderOptions, trace: Log, alarms: Log, consoles: Consoles, errors: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let screen = Screen::start(consoles.stdout)?;
        let mut stream = Stream::new(FileHead::new(options));
        if options.stdout == Some(LogFormat::Sdl) {
            stream.head(0, options.started).map(|head| screen.show(head));
        }
        Ok(Self {
            signals: Signals::default(),
            source: options.source.clone(),
            cisco_log: CiscoLog::new(options.application.process, options.source.clone(), options.offset),
            offset: options.offset,
            format: options.stdout,
            moments: Moments::default(),
            stream,
            trace: (trace, Fault::none("trace")),
            alarms: (alarms, Fault::none("alarms")),
            screen: (screen, Fault::none("output to")),
            stderr: consoles.stderr,
            clock: consoles.clock,
            errors,
        })
    }

    /// Until every sender is gone and everything sent is written.
    pub(crate) fn run<R: Record>(mut self, orders: &Receiver<Order<R>>) {
        while let Ok(first) = orders.recv() {
            let mut batch = Batch::default();
            for order in std::iter::once(first).chain(orders.try_iter().take(BATCH - 1)) {
                self.take(order, &mut batch);
            }
            self.write(batch);
        }
    }

    fn take<R: Record>(&mut self, order: Order<R>, batch: &mut Batch<R>) {
        let mut event = match order {
            Order::Note(event) => *event,
            Order::Flush(done) => return batch.flushes.push(done),
        };
        let at = self.moments.next(event.at());
        event.set_at(at);
        let lines = self.signals.lines(event.lines(), TimeOfDay::of(at, self.offset));
        match self.format {
            None => {}
            Some(LogFormat::Sdl) => batch.stdout.extend(self.shown(at, &lines)),
            Some(LogFormat::Text) => batch.stdout.extend(event.sentences(&self.source, self.offset)),
            Some(LogFormat::Json) => batch.stdout.push(event.json(&self.source)),
        }
        let entry = |line: &Line| Entry { at, signal: line.signal(), text: line.to_string() };
        batch.trace.extend(lines.iter().map(entry));
        let alarm = event.alarm().map(|alarm| self.cisco_log.line(&alarm));
        batch.alarms.extend(alarm.map(|text| Entry { at, signal: 0, text }));
        batch.events.push(event);
    }

    /// The lines of an event as stdout shows them.
    fn shown(&mut self, at: Timestamp, lines: &[Line]) -> Vec<String> {
        let head = lines.first().and_then(|line| self.stream.head(line.signal(), at));
        head.into_iter().chain(lines.iter().map(ToString::to_string)).collect()
    }

    fn write<R: Record>(&mut self, batch: Batch<R>) {
        let now = (self.clock)();
        let complaints = [
            append(&mut self.trace, &batch.trace, &self.errors, now),
            append(&mut self.alarms, &batch.alarms, &self.errors, now),
            show(&mut self.screen, batch.stdout, now),
        ];
        for words in complaints.into_iter().flatten() {
            say(&mut *self.stderr, &format!("ilslab: {words}\n"));
        }
        batch.events.iter().for_each(Record::emit);
        for done in batch.flushes {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}

/// Answers what to say about the log, if anything.
fn append(
    (log, fault): &mut (Log, Fault), lines: &[Entry], errors: &AtomicU64, now: Instant,
) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    match log.append(lines) {
        Ok(()) => fault.written(&log.path()),
        Err(lost) => {
            errors.fetch_add(u64::try_from(lost.lines).unwrap_or(u64::MAX), Ordering::Relaxed);
            fault.failed(&lost, &log.path(), now)
        }
    }
}

/// Answers what to say about stdout, if anything. It is no log: what it misses is in the trace.
fn show((screen, fault): &mut (Screen, Fault), lines: Vec<String>, now: Instant) -> Option<String> {
    let stdout = Path::new("stdout");
    let shown = !lines.is_empty();
    match lines.into_iter().map(|line| screen.show(line)).filter(|shown| !shown).count() {
        0 if shown => fault.written(stdout),
        0 => None,
        lines => {
            fault.failed(&Lost { lines, error: io::Error::other("its reader is too slow") }, stdout, now)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_looked_at_the_clock_a_little_early_is_given_the_moment_before_it() {
        let mut moments = Moments::default();
        for (case, at, want) in [
            ("the first", 5_000, 5_000),
            ("later", 7_000, 7_000),
            ("a little earlier", 6_999, 7_000),
            ("earlier still, counted from what was written", 6_000, 7_000),
            ("the clock was set back", 5_999, 5_999),
            ("and goes on", 6_000, 6_000),
            ("before all time", i64::MIN, i64::MIN),
        ] {
            assert_eq!(moments.next(Timestamp(at)), Timestamp(want), "{case}");
        }
    }
}
