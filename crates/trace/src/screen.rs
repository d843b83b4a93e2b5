//! Stdout of a node, with a thread of its own: a reader that does not read holds up neither files nor node.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::say::say;

/// Lines that wait to be shown; more are dropped, counted and told on stderr.
pub(crate) const SHOWN_QUEUE: usize = 16_384;

/// Most lines shown at once.
const BATCH: usize = 512;

/// Takes lines and never waits. Dropping it waits until what it took is shown.
pub(crate) struct Screen {
    /// Absent once it is being dropped.
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    pub(crate) fn start(stream: Box<dyn Write + Send>) -> io::Result<Self> {
        let (lines, taken) = sync_channel(SHOWN_QUEUE);
        let thread = std::thread::Builder::new().name("screen".into());
        let thread = thread.spawn(move || show(stream, &taken))?;
        Ok(Self { lines: Some(lines), thread: Some(thread) })
    }

    /// Hands a line over; false where too many wait.
    pub(crate) fn show(&self, line: String) -> bool {
        self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.lines.take();
        // It does not panic; if it did, there would be nobody to tell.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn show(mut stream: Box<dyn Write + Send>, lines: &Receiver<String>) {
    while let Ok(first) = lines.recv() {
        let batch = std::iter::once(first).chain(lines.try_iter().take(BATCH - 1));
        let text: String = batch.flat_map(|line| [line, "\n".to_owned()]).collect();
        say(&mut *stream, &text);
    }
}
