//! Is the node of use? Asked often and by anyone, so the store is tried at most once a second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::backend::Backend;
use crate::clock::Clock;

/// How long an answer of the store stands.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What `/readyz` says.
#[derive(Serialize)]
pub(crate) struct Readiness {
    /// Bound, and the store is writable; whether anyone joined does not count.
    pub(crate) ready: bool,
    bound: bool,
    store: StoreState,
    /// What the system has to say.
    #[serde(flatten)]
    details: Map<String, Value>,
}

/// Whether the store can be written, and if not, why.
#[derive(Clone, Serialize)]
pub struct StoreState {
    pub(crate) writable: bool,
    error: Option<String>,
}

impl From<Option<String>> for StoreState {
    fn from(error: Option<String>) -> Self {
        Self { writable: error.is_none(), error }
    }
}

/// The last answer of the store, and when it was.
#[derive(Default)]
pub(crate) struct Probe {
    last: Mutex<Option<(Duration, StoreState)>>,
}

impl Probe {
    pub(crate) async fn readiness(&self, backend: &dyn Backend, clock: &dyn Clock) -> Readiness {
        let store = self.store(backend, clock).await;
        let bound = backend.is_bound();
        Readiness { ready: bound && store.writable, bound, store, details: backend.details() }
    }

    /// Whether the store could be written, at most a second ago.
    pub(crate) async fn store(&self, backend: &dyn Backend, clock: &dyn Clock) -> StoreState {
        let now = clock.uptime();
        if let Some((at, state)) = self.lock().as_ref()
            && now < *at + PROBE_EVERY
        {
            return state.clone();
        }
        let state = StoreState::from(backend.probe().await.err());
        *self.lock() = Some((now, state.clone()));
        state
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Duration, StoreState)>> {
        // It is only ever replaced whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
