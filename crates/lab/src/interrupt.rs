//! Ctrl-C and its kin: noticed, so that both daemons are stopped in order and temporary folders go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether SIGINT, SIGTERM or SIGHUP has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on these signals no longer end the process; whoever runs looks here instead.
    ///
    /// # Errors
    /// The system's, where a signal cannot be caught.
    pub(crate) fn watch() -> io::Result<Self> {
        let interrupt = Self::default();
        let come = interrupt.clone();
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("signals".to_owned()).spawn(move || match catch() {
            Ok((runtime, signals)) => {
                // The other end waits for exactly this word.
                let _ = tell.send(Ok(()));
                runtime.block_on(first_of(signals));
                come.0.store(true, Ordering::SeqCst);
            }
            Err(error) => {
                let _ = tell.send(Err(error));
            }
        })?;
        told.recv().map_err(io::Error::other)??;
        Ok(interrupt)
    }

    /// Has one come?
    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn catch() -> io::Result<(Runtime, [Signal; 3])> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let inside = runtime.enter();
    let signals =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    drop(inside);
    Ok((runtime, signals))
}

async fn first_of([mut interrupt, mut terminate, mut hangup]: [Signal; 3]) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_come_before_a_signal() {
        assert!(!Interrupt::default().has_come());
    }
}
