//! The trace, the alarms and stdout of a node, written by one thread.
//!
//! ```text
//! any thread --record--> bounded channel --> writer thread -> files, tracing
//!                                                 +--> bounded channel --> screen thread -> stdout
//! ```
//! Recording never fails: what a file or stdout does not take is dropped, counted and told on stderr. Files can be
//! waited for; stdout holds nothing up but the end.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use ilslab_time::clock;

use crate::console;
use crate::head::FileHead;
use crate::options::RecorderOptions;
use crate::record::Record;
use crate::rotation::Log;
use crate::writer::{Consoles, Order, Writer};

/// Events that wait for the writer; the next one waits until there is room.
pub const QUEUE: usize = 4096;

/// A recorder cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// A log cannot be opened.
    #[error("failed to open the {what} under {}: {source}", .data_dir.display())]
    Open {
        /// `trace` or `alarms`.
        what: &'static str,
        /// The node's data folder.
        data_dir: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("failed to start the writer of the trace: {0}")]
    Thread(io::Error),
}

/// Records events of a system; shared by reference. Dropping it writes what is left.
#[derive(Debug)]
pub struct Recorder<R: Record> {
    /// Absent once closed.
    orders: RwLock<Option<SyncSender<Order<R>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    errors: Arc<AtomicU64>,
}

impl<R: Record> Recorder<R> {
    /// Opens the files, a new one for the trace, and starts the writer.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(options: &RecorderOptions) -> Result<Self, RecorderError> {
        let consoles = Consoles {
            stdout: Box::new(console::stdout()),
            stderr: Box::new(console::stderr()),
            clock: Box::new(clock::monotonic),
        };
        Self::with_consoles(options, consoles)
    }

    /// The same with other streams and another clock.
    pub(crate) fn with_consoles(
        options: &RecorderOptions, consoles: Consoles,
    ) -> Result<Self, RecorderError> {
        let failed = |what| {
            let data_dir = options.data_dir.clone();
            move |source| RecorderError::Open { what, data_dir, source }
        };
        let (head, started) = (FileHead::new(options), options.started);
        let (data_dir, readers) = (&options.data_dir, options.readers);
        let trace = Log::trace(data_dir, readers, options.trace, head, started).map_err(failed("trace"))?;
        let alarms = Log::syslog(data_dir, readers, options.syslog).map_err(failed("alarms"))?;
        let errors = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(options, trace, alarms, consoles, Arc::clone(&errors));
        let writer = writer.map_err(RecorderError::Thread)?;
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("recorder".into());
        let thread = thread.spawn(move || writer.run(&receiver)).map_err(RecorderError::Thread)?;
        Ok(Self { orders: RwLock::new(Some(sender)), writer: Mutex::new(Some(thread)), errors })
    }

    /// Hands an event to the writer; waits while 4096 others do. After [`Recorder::close`] it is counted as lost.
    pub fn record(&self, event: impl Into<R>) {
        if !self.order(Order::Note(Box::new(event.into()))) {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything recorded before is in its file, or counted as lost.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.order(Order::Flush(done)) {
            // An error means that the writer has ended; then there is nothing to wait for.
            let _ = written.recv();
        }
    }

    /// Writes and shows what is left, and ends the writer. A second call does nothing.
    pub fn close(&self) {
        self.orders.write().unwrap_or_else(PoisonError::into_inner).take();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The writer does not panic; if it did, there would be nobody to tell.
        let _ = writer.map(JoinHandle::join);
    }

    /// Lines of trace and alarms that did not reach their file, and events recorded too late, since the start.
    pub fn trace_write_errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    fn order(&self, order: Order<R>) -> bool {
        let orders = self.orders.read().unwrap_or_else(PoisonError::into_inner);
        orders.as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }
}

impl<R: Record> Drop for Recorder<R> {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
