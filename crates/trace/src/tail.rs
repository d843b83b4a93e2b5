//! A trace read from its files, whole or as it grows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::line::Line;
use crate::rotation::trace_files;

/// A place in a trace: each [`Tail::read`] gives the lines written since the one before.
#[derive(Clone, Debug)]
pub struct Tail {
    folder: PathBuf,
    /// Number of the file and octets of it that were read.
    place: (u64, u64),
}

impl Tail {
    /// The beginning of the trace in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), place: (0, 0) }
    }

    /// The lines that are new, oldest first, from all files, their heads included. What is not a whole line yet is left for the next call;
    /// in a file that others follow it is what a killed process left, and passed over.
    ///
    /// # Errors
    /// A file that cannot be read; `InvalidData`, with file and reason, for a line that is none. The place stays.
    pub fn read(&mut self) -> io::Result<Vec<Line>> {
        let files = match trace_files(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let (mut lines, mut place) = (Vec::new(), self.place);
        for (number, path) in files.into_iter().skip_while(|(number, _)| *number < self.place.0) {
            let from = if number == self.place.0 { self.place.1 } else { 0 };
            let Some(text) = text_from(&path, from)? else {
                continue;
            };
            let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
            for line in whole.lines() {
                lines.push(Line::parse(line).map_err(|error| invalid(&path, &error))?);
            }
            place = (number, from.saturating_add(u64::try_from(whole.len()).unwrap_or(u64::MAX)));
        }
        self.place = place;
        Ok(lines)
    }
}

/// Every line of the trace in a folder, oldest first.
///
/// # Errors
/// As [`Tail::read`].
pub fn read_trace(folder: &Path) -> io::Result<Vec<Line>> {
    Tail::new(folder).read()
}

/// What a file holds from there on; `None` for one that rotation has just deleted.
fn text_from(path: &Path, from: u64) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map(Some).map_err(|error| invalid(path, &error))
}

fn invalid(path: &Path, error: &dyn std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    fn line(signal: u32) -> String {
        format!("{signal:08}.001 |00:00:00.000 |AppInfo  |x")
    }

    fn append(folder: &Path, number: u64, text: &str) {
        let path = folder.join(format!("SDL001_600_{number:06}.txt"));
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn signals(lines: &[Line]) -> Vec<u32> {
        lines.iter().map(Line::signal).collect()
    }

    #[test]
    fn a_trace_is_read_in_the_order_of_its_files_without_the_unfinished_line() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read_trace(&folder.path().join("absent")).expect("none yet"), []);
        append(folder.path(), 10, &format!("{}\n{}", line(4), &line(5)[..20]));
        append(folder.path(), 9, &format!("{}\n{}\n", line(2), line(3)));
        append(folder.path(), 2, &format!("{}\n00", line(1)));
        fs::write(folder.path().join("SDL001_600_3.txt"), "another file").expect("written");
        assert_eq!(signals(&read_trace(folder.path()).expect("read")), [1, 2, 3, 4]);
    }

    #[test]
    fn a_tail_gives_each_line_once_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tail = Tail::new(folder.path());
        let (begun, rest) = (line(2)[..13].to_owned(), line(2)[13..].to_owned());
        append(folder.path(), 1, &format!("{}\n{begun}", line(1)));
        assert_eq!(signals(&tail.read().expect("read")), [1]);
        assert_eq!(signals(&tail.read().expect("read")), [0; 0]);
        append(folder.path(), 1, &format!("{rest}\n"));
        assert_eq!(signals(&tail.read().expect("read")), [2]);
        append(folder.path(), 1, &format!("{}\n", line(3)));
        append(folder.path(), 2, &format!("{}\n", line(4)));
        assert_eq!(signals(&tail.read().expect("read")), [3, 4]);
        fs::remove_file(folder.path().join("SDL001_600_000001.txt")).expect("removed");
        append(folder.path(), 2, &format!("{}\n", line(5)));
        assert_eq!(signals(&tail.read().expect("read")), [5]);
    }

    #[test]
    fn what_is_no_line_is_named_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        append(folder.path(), 1, &format!("{}\nforged\n", line(1)));
        let error = read_trace(folder.path()).expect_err("no line");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("SDL001_600_000001.txt: "), "{error}");
    }
}
