//! The thread behind a recorder: takes what has gathered, writes it, and takes again.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use ilslab_core::event::Noted;

use crate::catalogue::AlarmSource;
use crate::cisco_log::CiscoLog;
use crate::fault::Fault;
use crate::recorder::{LogFormat, RecorderOptions, say};
use crate::rotation::{Log, Lost};
use crate::screen::Screen;
use crate::signal::Signals;
use crate::stamp::UtcOffset;
use crate::{diagnostics, json, prose};

/// Most events written at once.
const BATCH: usize = 512;

/// What the writer is asked to do.
pub(crate) enum Order {
    /// Write this event.
    Note(Box<Noted>),
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
    trace: (Log, Fault),
    alarms: (Log, Fault),
    screen: (Screen, Fault),
    stderr: Box<dyn Write + Send>,
    clock: Box<dyn Fn() -> Instant + Send>,
    errors: Arc<AtomicU64>,
}

/// The faces of some events.
#[derive(Default)]
struct Batch {
    trace: Vec<String>,
    alarms: Vec<String>,
    stdout: Vec<String>,
    noted: Vec<Noted>,
    flushes: Vec<SyncSender<()>>,
}

impl Writer {
    pub(crate) fn new(
        options: &RecorderOptions, trace: Log, alarms: Log, consoles: Consoles, errors: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        Ok(Self {
            signals: Signals::default(),
            source: options.source.clone(),
            cisco_log: CiscoLog::new(options.source.clone(), options.offset),
            offset: options.offset,
            format: options.stdout,
            trace: (trace, Fault::none("trace")),
            alarms: (alarms, Fault::none("alarms")),
            screen: (Screen::start(consoles.stdout)?, Fault::none("output to")),
            stderr: consoles.stderr,
            clock: consoles.clock,
            errors,
        })
    }

    /// Until every sender is gone and everything sent is written.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            let mut batch = Batch::default();
            for order in std::iter::once(first).chain(orders.try_iter().take(BATCH - 1)) {
                self.take(order, &mut batch);
            }
            self.write(batch);
        }
    }

    fn take(&mut self, order: Order, batch: &mut Batch) {
        let noted = match order {
            Order::Note(noted) => *noted,
            Order::Flush(done) => return batch.flushes.push(done),
        };
        let lines =
            self.signals.lines(&noted, self.offset).iter().map(ToString::to_string).collect::<Vec<_>>();
        let alarm = noted.raised.as_ref().map(|alarm| self.cisco_log.line(alarm));
        match self.format {
            None => {}
            Some(LogFormat::Sdl) => batch.stdout.extend_from_slice(&lines),
            Some(LogFormat::Text) => batch.stdout.extend(prose::lines(&noted, &self.source, self.offset)),
            Some(LogFormat::Json) => batch.stdout.push(json::line(&noted, &self.source)),
        }
        batch.trace.extend(lines);
        batch.alarms.extend(alarm);
        batch.noted.push(noted);
    }

    fn write(&mut self, batch: Batch) {
        let now = (self.clock)();
        let complaints = [
            append(&mut self.trace, &batch.trace, &self.errors, now),
            append(&mut self.alarms, &batch.alarms, &self.errors, now),
            show(&mut self.screen, batch.stdout, now),
        ];
        for words in complaints.into_iter().flatten() {
            say(&mut *self.stderr, &format!("ilslab: {words}\n"));
        }
        batch.noted.iter().for_each(diagnostics::emit);
        for done in batch.flushes {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}

/// Answers what to say about the log, if anything.
fn append(
    (log, fault): &mut (Log, Fault), lines: &[String], errors: &AtomicU64, now: Instant,
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
