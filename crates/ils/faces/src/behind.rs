//! What is behind the door.

use std::path::PathBuf;
use std::sync::Arc;

use ilslab_time::UtcOffset;

use crate::backend::Backend;

/// What the routes reach behind the door.
#[derive(Clone)]
pub struct Behind {
    /// The node.
    pub backend: Arc<dyn Backend>,
    /// Its database, for `run sql`.
    pub database: PathBuf,
    /// Offset of printed times from UTC; JSON is always UTC.
    pub offset: UtcOffset,
}
