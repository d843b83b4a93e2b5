//! Work that takes a while: how much of it goes on at once, and that it goes on though nobody waits for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Commands that read the database, pages of the trace and readings of certificates at once.
const READERS: usize = 4;

/// Takes turns. Every request carries them, as an extension.
#[derive(Clone)]
pub struct Turns {
    /// What reads files: commands, queries, the trace, certificates; each on a thread of its own.
    readers: Arc<Semaphore>,
    /// One change of the certificates at a time.
    uploads: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { readers: Arc::new(Semaphore::new(READERS)), uploads: Arc::new(Semaphore::new(1)) }
    }
}

impl Turns {
    /// Reads files where that may block. The permit goes along, so that hanging up does not make room for more.
    ///
    /// # Errors
    /// A bug that broke the work off.
    pub async fn on_a_thread<T: Send + 'static>(
        &self, work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = permit(&self.readers).await?;
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| Problem::internal("the answer broke off; the node's log says why"))
    }

    /// The turn of a change of the certificates.
    pub(crate) async fn upload(&self) -> Result<OwnedSemaphorePermit, Problem> {
        permit(&self.uploads).await
    }
}

/// Goes on even when the caller has hung up.
///
/// # Errors
/// A bug that broke the change off.
pub async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(change).await.map_err(|_| Problem::internal("the change broke off; the node's log says why"))
}

/// Waits for its turn. A semaphore that is never closed gives one in the end.
async fn permit(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(turns).acquire_owned().await.map_err(|_| Problem::internal("the node is stopping"))
}
