//! Log files that rotate by size and count.
//!
//! ```text
//! numbered: SDL001_600_000001.txt, …000002.txt, …    the newest is written, the oldest is deleted
//! shifted:  CiscoSyslog <- written, CiscoSyslog.1, CiscoSyslog.2, …    the highest is deleted
//! ```
//! A file of the trace begins with its head. A file ends with a whole line: what a full disk or a killed process left of
//! one is cut off.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ilslab_time::Timestamp;

use crate::application::{Application, file_number};
use crate::head::FileHead;
use crate::limits::Limits;
use crate::readers::Readers;

/// Folder of the alarms, under a node's data folder.
pub const SYSLOG_FOLDER: &str = "activelog/syslog";
/// The file of the alarms in it.
pub const SYSLOG_NAME: &str = "CiscoSyslog";

/// How far back a torn line is looked for; lines are shorter.
const TORN_LINE_MAX: u64 = 64 * 1024;

impl Limits {
    /// The trace: 250 files of 2 MiB.
    pub const TRACE: Self = Self { bytes: 2 * 1024 * 1024, files: 250 };
    /// The alarms: `CiscoSyslog` and five before it, of 5 MiB.
    pub const SYSLOG: Self = Self { bytes: 5 * 1024 * 1024, files: 6 };
}

/// Lines that did not reach their file, and why.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) lines: usize,
    pub(crate) error: io::Error,
}

/// A line to be written, and when it came to be.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    /// Number of its signal, for the head of a file that begins with it.
    pub(crate) signal: u32,
    /// Without its line break.
    pub(crate) text: String,
}

/// How the files of a log are named.
#[derive(Clone, Copy, Debug)]
enum Naming {
    Numbered { application: Application, current: u64 },
    Shifted,
}

/// A log in one folder: the file being written, and those before it.
#[derive(Debug)]
pub(crate) struct Log {
    /// Never created: a data folder that is gone is an error, not a folder to be made anew.
    data_dir: PathBuf,
    folder: PathBuf,
    naming: Naming,
    readers: Readers,
    limits: Limits,
    /// What its files begin with; those of the alarms have none.
    head: Option<FileHead>,
    open: Option<Open>,
    written: Written,
}

/// What the file being written holds.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    /// Octets of its head.
    head: u64,
    /// When its last line came to be.
    last: Option<Timestamp>,
}

/// Lines on their way into the file being written.
#[derive(Debug, Default)]
struct Pending {
    text: String,
    /// How many there are, heads not counted.
    lines: usize,
    written: Written,
}

impl Pending {
    fn push(&mut self, line: &str, at: Timestamp) {
        self.text.push_str(line);
        self.text.push('\n');
        self.written.last = Some(at);
    }

    fn size(&self) -> u64 {
        octets(&self.text)
    }
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
    identity: (u64, u64),
}

impl Log {
    /// The trace: a new file after the highest that exists, begun at that moment.
    pub(crate) fn trace(
        data_dir: &Path, readers: Readers, limits: Limits, head: FileHead, at: Timestamp,
    ) -> io::Result<Self> {
        let application = head.application();
        let folder = application.trace_folder(data_dir);
        let last = match trace_files(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            files => files?.last().map_or(0, |(number, _)| *number),
        };
        let naming = Naming::Numbered { application, current: last.saturating_add(1) };
        let mut log = Self::new(data_dir, folder, naming, (readers, limits), Some(head))?;
        let mut pending = Pending::default();
        log.push_head(&mut pending, at, 0);
        // What has no room now is written with the first line.
        let _ = log.put(&pending);
        Ok(log)
    }

    /// The alarms: the file that exists, continued.
    pub(crate) fn syslog(data_dir: &Path, readers: Readers, limits: Limits) -> io::Result<Self> {
        Self::new(data_dir, data_dir.join(SYSLOG_FOLDER), Naming::Shifted, (readers, limits), None)
    }

    fn new(
        data_dir: &Path, folder: PathBuf, naming: Naming, (readers, limits): (Readers, Limits),
        head: Option<FileHead>,
    ) -> io::Result<Self> {
        let (data_dir, written) = (data_dir.to_owned(), Written::default());
        let mut log = Self { data_dir, folder, naming, readers, limits, head, open: None, written };
        log.opened()?;
        log.prune();
        Ok(log)
    }

    /// The file being written.
    pub(crate) fn path(&self) -> PathBuf {
        match self.naming {
            Naming::Numbered { application, current } => self.folder.join(application.file_name(current)),
            Naming::Shifted => self.folder.join(SYSLOG_NAME),
        }
    }

    /// Writes lines, each with a line break, into as many files as they need.
    ///
    /// # Errors
    /// The number of lines that were lost. The file is opened again for the next ones.
    pub(crate) fn append(&mut self, lines: &[Entry]) -> Result<(), Lost> {
        let mut kept = 0;
        self.append_counting(lines, &mut kept).map_err(|error| {
            self.open = None;
            Lost { lines: lines.len().saturating_sub(kept), error }
        })
    }

    fn append_counting(&mut self, lines: &[Entry], kept: &mut usize) -> io::Result<()> {
        let mut size = self.opened()?.size;
        let mut pending = Pending { written: self.written, ..Pending::default() };
        for line in lines {
            if size > 0 && self.begins_a_file(line, size, pending.written) {
                self.put(&pending)?;
                *kept += std::mem::take(&mut pending).lines;
                self.rotate()?;
                size = 0;
            }
            if size == 0 {
                self.push_head(&mut pending, line.at, line.signal);
                size = pending.size();
            }
            pending.push(&line.text, line.at);
            pending.lines += 1;
            size = size.saturating_add(octets(&line.text)).saturating_add(1);
        }
        self.put(&pending)?;
        *kept += pending.lines;
        Ok(())
    }

    /// Whether a line has no room in a file of that size, or would be given another date there than its own.
    fn begins_a_file(&self, line: &Entry, size: u64, written: Written) -> bool {
        let whole = size.saturating_add(octets(&line.text)).saturating_add(1);
        let is_full = size > written.head && whole > self.limits.bytes;
        let dated = |head: &FileHead| written.last.is_none_or(|last| head.dates(last, line.at));
        is_full || !self.head.as_ref().is_none_or(dated)
    }

    /// Puts the head of the current file before a line of that moment and signal.
    fn push_head(&self, pending: &mut Pending, at: Timestamp, signal: u32) {
        let number = match self.naming {
            Naming::Numbered { current, .. } => current,
            Naming::Shifted => 0,
        };
        if let Some(head) = &self.head {
            pending.push(&head.line(signal, at, number).to_string(), at);
            pending.written.head = pending.size();
        }
    }

    /// All or nothing, as far as the file allows.
    fn put(&mut self, pending: &Pending) -> io::Result<()> {
        if pending.text.is_empty() {
            return Ok(());
        }
        let open = self.opened()?;
        if let Err(error) = open.file.write_all(pending.text.as_bytes()) {
            // Half a line must not stay. Where even this fails, the next opening cuts it off.
            let _ = open.file.set_len(open.size);
            return Err(error);
        }
        open.size = open.size.saturating_add(pending.size());
        self.written = pending.written;
        Ok(())
    }

    /// The open file; opened again where it, or its folder, was removed or replaced.
    fn opened(&mut self) -> io::Result<&mut Open> {
        let path = self.path();
        let here = |open: &Open| fs::metadata(&path).is_ok_and(|found| identity(&found) == open.identity);
        let open = match self.open.take().filter(here) {
            Some(open) => open,
            None => self.open_file(&path)?,
        };
        Ok(self.open.insert(open))
    }

    fn open_file(&self, path: &Path) -> io::Result<Open> {
        if !self.data_dir.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the data folder is gone"));
        }
        self.readers.folder(&self.data_dir, &self.folder)?;
        let mut file = self.readers.file(path)?;
        cut_torn_line(&mut file)?;
        let metadata = file.metadata()?;
        Ok(Open { size: metadata.len(), identity: identity(&metadata), file })
    }

    /// Begins the next file.
    fn rotate(&mut self) -> io::Result<()> {
        (self.open, self.written) = (None, Written::default());
        match &mut self.naming {
            Naming::Numbered { current, .. } => *current = current.saturating_add(1),
            Naming::Shifted => self.shift()?,
        }
        self.opened()?;
        self.prune();
        Ok(())
    }

    /// `CiscoSyslog.1` -> `.2`, … and `CiscoSyslog` -> `.1`; the last that may be kept is overwritten.
    fn shift(&self) -> io::Result<()> {
        let file = |age: usize| match age {
            0 => self.folder.join(SYSLOG_NAME),
            age => self.folder.join(format!("{SYSLOG_NAME}.{age}")),
        };
        let old = self.limits.files.saturating_sub(1);
        if old == 0 {
            return gone_is_fine(fs::remove_file(file(0)));
        }
        for age in (0..old).rev() {
            gone_is_fine(fs::rename(file(age), file(age + 1)))?;
        }
        Ok(())
    }

    /// Deletes the oldest numbered files above the count; shifting keeps the count by itself. A file that cannot be
    /// deleted must not cost a line: the next rotation tries again.
    fn prune(&self) {
        if matches!(self.naming, Naming::Shifted) {
            return;
        }
        let files = trace_files(&self.folder).unwrap_or_default();
        let surplus = files.len().saturating_sub(self.limits.files.max(1));
        for (_, path) in files.iter().take(surplus) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The trace files of a folder with their numbers, oldest first. Other names are passed over.
///
/// # Errors
/// The system's, as for a folder that is not there.
pub fn trace_files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(file_number);
        files.extend(number.map(|number| (number, entry.path())));
    }
    files.sort_unstable();
    Ok(files)
}

/// Device and inode: whether a path still leads to the file that is open.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn octets(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Cuts off what follows the last line break.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TORN_LINE_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TORN_LINE_MAX).read_to_end(&mut tail)?;
    let torn = tail.iter().rev().take_while(|byte| **byte != b'\n').count();
    let torn = u64::try_from(torn).unwrap_or(0);
    // A device such as /dev/full reads for ever and has no length: there is nothing to cut.
    if torn > 0 && torn <= length { file.set_len(length - torn) } else { Ok(()) }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
