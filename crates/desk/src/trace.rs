//! The node's trace, a page at a time: at most [`LINES_MAX`] lines and [`ANSWER_MAX`] octets, however long it is.
//!
//! ```text
//! Cursor -> the file it names, from there on -> the files after it -> Page { lines, next, lost }
//! ```
//! Rotation deletes the oldest file, and an emptied folder begins again at the first number: a cursor whose place is
//! gone goes on with the oldest line there is, and the page says that something was lost.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ilslab_trace::Line;
use ilslab_trace::rotation::trace_files;
use serde::Serialize;

/// Most lines of a page.
pub(crate) const LINES_MAX: usize = 1_000;
/// Most octets of a page's lines in JSON, unless a single line has more.
const ANSWER_MAX: usize = 256 * 1024;
/// Octets of the longest line that is read, its break included; no trace has one. Behind it a file is passed over.
const LINE_MAX: u64 = 64 * 1024;

/// A place between two lines. Its text is opaque to callers; the default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Number of the file; 0 is before the oldest.
    file: u64,
    /// Octets of it that were read.
    offset: u64,
}

/// The text is no cursor that a page gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`after` takes the `next` of an earlier answer")]
pub struct CursorError;

/// Some lines, and where to go on.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    lines: Vec<TraceLine>,
    next: Cursor,
    lost: bool,
    /// What the lines take in JSON.
    #[serde(skip)]
    octets: usize,
}

/// A line, and its columns where it has them: a file that somebody edited may hold anything.
#[derive(Debug, Serialize)]
struct TraceLine {
    #[serde(flatten)]
    columns: Option<Columns>,
    line: String,
}

#[derive(Debug, Serialize)]
struct Columns {
    number: String,
    signal: u32,
    within: u16,
    time: String,
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

impl Page {
    /// The lines behind the cursor, at most so many. No folder is an empty trace.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub(crate) fn read(folder: &Path, after: Cursor, limit: usize) -> io::Result<Self> {
        let files = files_of(folder)?;
        let is_there = files.iter().any(|(number, _)| *number == after.file);
        let lost = after.file != 0 && !files.is_empty() && !is_there;
        let mut page = Self { lines: Vec::new(), next: after, lost, octets: 0 };
        // A number beyond the last is of a trace that is gone: this one is read from its beginning.
        let onward = files.iter().position(|(number, _)| *number >= after.file).unwrap_or(0);
        for (number, path) in files.iter().skip(onward) {
            if *number != page.next.file {
                page.next = Cursor { file: *number, offset: 0 };
            }
            if page.fill(path, limit)? {
                break;
            }
        }
        Ok(page)
    }

    /// The lines as the files have them.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.line.as_str(), "\n"]).collect()
    }

    pub(crate) fn next(&self) -> Cursor {
        self.next
    }

    pub(crate) fn lost(&self) -> bool {
        self.lost
    }

    /// Takes lines of one file, from the cursor on; answers whether the page is full. What is no whole line yet stays
    /// for the next page, or, in a file that others follow, is what a killed process left.
    fn fill(&mut self, path: &Path, limit: usize) -> io::Result<bool> {
        let mut file = match File::open(path) {
            // Rotation was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.lost = true;
                return Ok(false);
            }
            file => file?,
        };
        if !begins_line(&mut file, self.next.offset)? {
            (self.lost, self.next.offset) = (true, 0);
        }
        file.seek(SeekFrom::Start(self.next.offset))?;
        let mut reader = BufReader::new(file);
        loop {
            let mut octets = Vec::new();
            reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut octets)?;
            let Some(line) = octets.strip_suffix(b"\n") else { return Ok(false) };
            let taken = self.lines.len() < limit && self.take(TraceLine::new(line));
            if !taken {
                return Ok(true);
            }
            self.next.offset =
                self.next.offset.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        }
    }

    /// Takes a line if there is room for it; the first one always has.
    fn take(&mut self, line: TraceLine) -> bool {
        // A struct of strings and numbers always serialises; its comma counts too.
        let octets = serde_json::to_string(&line).map_or(0, |json| json.len()).saturating_add(1);
        let fits = self.lines.is_empty() || self.octets.saturating_add(octets) <= ANSWER_MAX;
        if fits {
            self.octets = self.octets.saturating_add(octets);
            self.lines.push(line);
        }
        fits
    }
}

impl TraceLine {
    /// What is no line of a trace is shown without columns, and escaped: it may hold anything.
    fn new(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets);
        match Line::parse(&text) {
            Ok(line) => Self { columns: Some(Columns::new(&line)), line: text.into_owned() },
            Err(_) => Self { columns: None, line: ilslab_names::escape(&text) },
        }
    }
}

impl Columns {
    fn new(line: &Line) -> Self {
        Self {
            number: format!("{:08}.{:03}", line.signal(), line.within()),
            signal: line.signal(),
            within: line.within(),
            time: line.time().to_string(),
            kind: line.kind().as_str().to_owned(),
            text: line.text().to_owned(),
        }
    }
}

/// Whether a line begins there. Not so in a file that is another than the cursor was made for.
fn begins_line(file: &mut File, offset: u64) -> io::Result<bool> {
    let Some(before) = offset.checked_sub(1) else { return Ok(true) };
    file.seek(SeekFrom::Start(before))?;
    let mut last = Vec::new();
    file.take(1).read_to_end(&mut last)?;
    Ok(last == b"\n")
}

/// The files of a trace with their numbers, oldest first; none where there is no trace yet.
fn files_of(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    match trace_files(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        files => files,
    }
}

/// Digits alone: `parse` would take a sign too.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (file, offset) = text.split_once('-').ok_or(CursorError)?;
        let numbers = number(file).zip(number(offset));
        numbers.map(|(file, offset)| Self { file, offset }).ok_or(CursorError)
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
