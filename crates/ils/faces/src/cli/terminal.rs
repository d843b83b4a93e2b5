//! What a command can see.

use std::path::Path;

use ils_core::snapshot::Snapshot;
use ilslab_time::UtcOffset;

/// What a command can see.
#[derive(Clone, Copy)]
pub struct Terminal<'a> {
    /// The node.
    pub snapshot: &'a Snapshot,
    /// Its database, opened only by the commands that read it.
    pub database: &'a Path,
    /// Offset of printed times from UTC.
    pub offset: UtcOffset,
}
