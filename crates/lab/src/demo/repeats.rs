//! A spoke that cannot join tries for ever: its tries are counted instead of told again.
//!
//! ```text
//! on a terminal   one line, written anew in its place          still not joined: the spoke tries again (7 times by now)
//! elsewhere       a line at the try 1, 2, 5, 10, 20, 50 …
//! ```

use std::num::NonZeroUsize;

/// Goes back to the beginning of the line and empties it (ECMA-48, 8.3.41).
const ANEW: &str = "\r\u{1b}[2K";

/// The count, and whether it stands on the screen without a line end.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    tries: u64,
    is_open: bool,
}

/// Where the count is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// In its place, in a terminal of so many columns where it says so.
    InPlace(Option<NonZeroUsize>),
    /// In lines of their own.
    InLines,
}

impl Repeats {
    /// One more try that came to nothing new; answers what is to be written, without a line break to be added.
    pub(super) fn count(&mut self, shown: Shown) -> String {
        self.tries = self.tries.saturating_add(1);
        let text = self.text();
        match shown {
            Shown::InPlace(columns) => {
                self.is_open = true;
                format!("{ANEW}{}", cut(&text, columns))
            }
            Shown::InLines if is_told(self.tries) => format!("\n{text}\n"),
            Shown::InLines => String::new(),
        }
    }

    /// Somebody else is to write: answers whether the line has to be ended first.
    pub(super) fn give_way(&mut self) -> bool {
        std::mem::take(&mut self.is_open)
    }

    /// They have joined: the next count begins anew.
    pub(super) fn forget(&mut self) {
        self.tries = 0;
    }

    fn text(&self) -> String {
        let times = match self.tries {
            1 => "once".to_owned(),
            tries => format!("{tries} times"),
        };
        format!("still not joined: the spoke tries again ({times} by now)")
    }
}

/// A line that is longer than the terminal is wide cannot be written anew: its beginning is in the line above.
fn cut(text: &str, columns: Option<NonZeroUsize>) -> String {
    text.chars().take(columns.map_or(usize::MAX, |columns| columns.get() - 1)).collect()
}

/// 1, 2 or 5, with any number of noughts.
fn is_told(tries: u64) -> bool {
    let mut first = tries;
    while first > 0 && first.is_multiple_of(10) {
        first /= 10;
    }
    matches!(first, 1 | 2 | 5)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn in_lines_a_count_is_told_ever_more_seldom() {
        let told: Vec<u64> = (0..=2_000).filter(|tries| is_told(*tries)).collect();
        assert_eq!(told, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]);
        let mut repeats = Repeats::default();
        let written: Vec<String> = (0..4).map(|_| repeats.count(Shown::InLines)).collect();
        let line = |times| format!("\nstill not joined: the spoke tries again ({times} by now)\n");
        assert_eq!(written, [line("once"), line("2 times"), String::new(), String::new()]);
        assert!(!repeats.give_way());
    }

    #[test]
    fn in_place_each_count_stands_where_the_last_one_stood_until_somebody_else_writes() {
        let mut repeats = Repeats::default();
        let place = Shown::InPlace(None);
        repeats.count(place);
        assert_eq!(
            repeats.count(place),
            "\r\u{1b}[2Kstill not joined: the spoke tries again (2 times by now)"
        );
        assert!(repeats.give_way() && !repeats.give_way());
        repeats.forget();
        assert!(repeats.count(place).ends_with("(once by now)"));
    }

    #[test]
    fn in_place_a_count_is_shorter_than_the_terminal_is_wide() {
        for (columns, want) in
            [(1, ""), (6, "still"), (80, "still not joined: the spoke tries again (once by now)")]
        {
            let text = Repeats::default().count(Shown::InPlace(NonZeroUsize::new(columns)));
            assert_eq!(text.strip_prefix(ANEW), Some(want), "{columns}");
        }
    }
}
