//! Stdout and stderr in whole lines: each write to the system ends with a line break.
//!
//! ```text
//! writeln!(stream, "{}: {}", …) -> pieces -> WholeLines -> "…: …\n" -> one write(2)
//! ```
//! Both streams often lead to the same terminal or pipe, and other threads and processes write there as well. What is
//! written in one piece, and is not longer than [`AT_ONCE`], nobody else's words come between.

use std::fmt::Display;
use std::io::{self, Write};

/// Octets that a pipe takes whole or not at all: `PIPE_BUF` of Linux. A longer line is written by itself.
pub const AT_ONCE: usize = 4096;

/// A stream that keeps what has no line break yet, until it has one, is flushed, or ends.
#[derive(Debug)]
pub struct WholeLines<W: Write> {
    stream: W,
    begun: Vec<u8>,
}

impl<W: Write> WholeLines<W> {
    /// Nothing is begun yet.
    pub fn new(stream: W) -> Self {
        Self { stream, begun: Vec::new() }
    }

    /// Writes what has come to its end; what cannot be written is dropped, and never written twice.
    fn put_whole(&mut self) -> io::Result<()> {
        let Some(end) = self.begun.iter().rposition(|octet| *octet == b'\n') else { return Ok(()) };
        let rest = self.begun.split_off(end.saturating_add(1));
        let whole = std::mem::replace(&mut self.begun, rest);
        pieces(&whole).into_iter().try_for_each(|piece| self.stream.write_all(piece))
    }
}

impl<W: Write> Write for WholeLines<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(octets);
        self.put_whole()?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() {
            self.stream.write_all(&begun)?;
        }
        self.stream.flush()
    }
}

impl<W: Write> Drop for WholeLines<W> {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.flush();
    }
}

/// Stdout of this process.
pub fn stdout() -> WholeLines<io::Stdout> {
    WholeLines::new(io::stdout())
}

/// Stderr of this process.
pub fn stderr() -> WholeLines<io::Stderr> {
    WholeLines::new(io::stderr())
}

/// A text and a line break on stderr. A stderr that is closed is no reason to fail.
pub fn tell(text: impl Display) {
    let _ = stderr().write_all(format!("{text}\n").as_bytes());
}

/// Whole lines as many at once as [`AT_ONCE`] allows.
fn pieces(lines: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), lines);
    while !rest.is_empty() {
        let within = rest.get(..AT_ONCE).unwrap_or(rest);
        let last = within.iter().rposition(|octet| *octet == b'\n');
        let end = last.or_else(|| rest.iter().position(|octet| *octet == b'\n'));
        let (piece, behind) = rest.split_at(end.map_or(rest.len(), |end| end.saturating_add(1)));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps each write apart.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Writes {
        fn seen(&self) -> Vec<String> {
            self.0.lock().expect("not poisoned").clone()
        }
    }

    impl Write for Writes {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(octets.to_vec()).expect("text");
            self.0.lock().expect("not poisoned").push(text);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_of_many_pieces_is_one_write() {
        let writes = Writes::default();
        let mut stream = WholeLines::new(writes.clone());
        let mut pieces = |pieces: &[&str]| {
            pieces.iter().for_each(|piece| stream.write_all(piece.as_bytes()).expect("written"));
            writes.seen()
        };
        assert_eq!(pieces(&["a", " b:", "7", "\n"]), ["a b:7\n"]);
        assert_eq!(pieces(&["two\n", "lines", "\nbegun"])[1..], ["two\n", "lines\n"]);
        assert_eq!(pieces(&[" and ", "ended\nthen\n"])[3..], ["begun and ended\nthen\n"]);
        write!(stream, "a prompt").expect("written");
        stream.flush().expect("flushed");
        write!(stream, "left").expect("written");
        drop(stream);
        assert_eq!(writes.seen()[4..], ["a prompt", "left"]);
    }

    #[test]
    fn many_lines_are_written_whole_in_pieces_that_a_pipe_takes_at_once() {
        let line = |octets: usize| "x".repeat(octets - 1) + "\n";
        for (case, lines, want) in [
            ("nothing", vec![], vec![]),
            ("as long as a piece may be", vec![4096], vec![4096]),
            ("two that fit", vec![2048, 2048], vec![4096]),
            ("two that do not", vec![2048, 2049], vec![2048, 2049]),
            ("one that is too long, alone", vec![10, 4097, 10], vec![10, 4097, 10]),
            ("many", vec![1000; 9], vec![4000, 4000, 1000]),
        ] {
            let writes = Writes::default();
            let text: String = lines.into_iter().map(line).collect();
            WholeLines::new(writes.clone()).write_all(text.as_bytes()).expect("written");
            let seen = writes.seen();
            assert_eq!(seen.concat(), text, "{case}");
            assert!(seen.iter().all(|write| write.ends_with('\n')), "{case}");
            let lengths: Vec<usize> = seen.iter().map(String::len).collect();
            assert_eq!(lengths, want, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_once_and_not_tried_again() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut stream = WholeLines::new(Full);
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        assert_eq!(kind(stream.write_all(b"begun")), Ok(()));
        assert_eq!(kind(stream.write_all(b" and ended\n")), Err(io::ErrorKind::StorageFull));
        assert_eq!(kind(stream.flush()), Ok(()));
    }
}
