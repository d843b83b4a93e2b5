//! What is said on stderr about a log that cannot be written: at once, then at most once a minute.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::rotation::Lost;

/// Between two complaints about the same log.
pub(crate) const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// One log's trouble. Time is an argument.
#[derive(Debug)]
pub(crate) struct Fault {
    what: &'static str,
    /// Lines lost since the trouble began.
    lost: usize,
    said: Option<Instant>,
}

impl Fault {
    /// No trouble with this log yet.
    pub(crate) fn none(what: &'static str) -> Self {
        Self { what, lost: 0, said: None }
    }

    /// Lines were lost. Answers what to say, if it is time to say something.
    pub(crate) fn failed(&mut self, lost: &Lost, path: &Path, now: Instant) -> Option<String> {
        self.lost = self.lost.saturating_add(lost.lines);
        if self.said.is_some_and(|said| now.saturating_duration_since(said) < COMPLAIN_EVERY) {
            return None;
        }
        self.said = Some(now);
        let (what, path, error) = (self.what, path.display(), &lost.error);
        Some(format!("failed to write the {what} {path}: {error}; {}", lines_lost(self.lost)))
    }

    /// Lines were written. Answers what to say where the last were not.
    pub(crate) fn written(&mut self, path: &Path) -> Option<String> {
        self.said.take()?;
        let lost = lines_lost(std::mem::take(&mut self.lost));
        Some(format!("the {} {} is written again; {lost}", self.what, path.display()))
    }
}

fn lines_lost(count: usize) -> String {
    match count {
        1 => "1 line was lost".to_owned(),
        count => format!("{count} lines were lost"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn trouble_is_told_at_once_then_once_a_minute_and_its_end_once() {
        let (path, begin) = (Path::new("log"), ilslab_time::clock::monotonic());
        let at = |millis| begin + Duration::from_millis(millis);
        let lost = |lines| Lost { lines, error: io::Error::other("disk full") };
        let mut fault = Fault::none("trace");
        assert_eq!(fault.written(path), None, "no trouble, no word");
        for (millis, lines, said) in [
            (0, 1, Some("failed to write the trace log: disk full; 1 line was lost")),
            (1, 3, None),
            (59_999, 1, None),
            (60_000, 2, Some("failed to write the trace log: disk full; 7 lines were lost")),
            (119_999, 1, None),
        ] {
            assert_eq!(fault.failed(&lost(lines), path, at(millis)).as_deref(), said, "{millis} ms");
        }
        assert_eq!(fault.written(path).as_deref(), Some("the trace log is written again; 8 lines were lost"));
        assert_eq!(fault.written(path), None, "said once");
        let again = fault.failed(&lost(2), path, at(120_000));
        assert_eq!(again.as_deref(), Some("failed to write the trace log: disk full; 2 lines were lost"));
    }
}
