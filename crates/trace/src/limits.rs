//! How much a log keeps.

/// When a file is full, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets a file, its head included; a longer line gets a file of its own.
    pub bytes: u64,
    /// Files, the one being written included; at least 1.
    pub files: usize,
}
