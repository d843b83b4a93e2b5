//! A list as snapshots share it.
//!
//! share -> Arc<Vec<T>>, the same one until it is stale -> share makes another

use std::cell::OnceCell;
use std::sync::Arc;

/// Made when a snapshot asks for it, and anew once it is stale.
#[derive(Debug)]
pub(crate) struct Listing<T>(OnceCell<Arc<Vec<T>>>);

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> Listing<T> {
    /// What is listed has changed.
    pub(crate) fn stale(&mut self) {
        self.0.take();
    }

    /// The list, which `all` makes where there is none.
    pub(crate) fn share<I: Iterator<Item = T>>(&self, all: impl FnOnce() -> I) -> Arc<Vec<T>> {
        Arc::clone(self.0.get_or_init(|| Arc::new(all().collect())))
    }
}
