//! Colour on a terminal that wants it, and plain text everywhere else.

use std::ffi::OsStr;
use std::io::IsTerminal;

use rustix::termios::tcgetwinsize;

/// How text for people looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Style {
    coloured: bool,
    terminal: bool,
}

/// What a text is, and so how it is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Of the hub.
    Hub,
    /// Of the spoke.
    Spoke,
    /// A heading, or words in plain language.
    Strong,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
}

impl Style {
    /// Without colour.
    pub const PLAIN: Self = Self { coloured: false, terminal: false };

    /// For stdout: colour only on a terminal that has it, and never with `NO_COLOR`.
    pub fn of_stdout() -> Self {
        let set = |name: &str| std::env::var_os(name);
        let terminal = std::io::stdout().is_terminal();
        Self::of(terminal, set("NO_COLOR").as_deref(), set("TERM").as_deref())
    }

    fn of(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let unwanted = no_color.is_some_and(|value| !value.is_empty());
        let dumb = term.is_some_and(|term| term == "dumb");
        Self { coloured: terminal && !unwanted && !dumb, terminal: terminal && !dumb }
    }

    /// Can a line be written anew in its place?
    pub(crate) fn can_rewrite(self) -> bool {
        self.terminal
    }

    /// The text in its colour (ECMA-48, 8.3.117), or as it is.
    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Hub => "36",
            Paint::Spoke => "33",
            Paint::Strong => "1",
            Paint::Good => "32",
            Paint::Bad => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Columns of the terminal that stdout leads to, as it is now; nothing where it leads elsewhere, or where the terminal
/// does not know.
pub fn columns() -> Option<usize> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_needs_a_terminal_that_wants_it() {
        let some = |text: &'static str| Some(OsStr::new(text));
        for (case, terminal, no_color, term, want) in [
            ("a terminal", true, None, some("xterm"), true),
            ("no terminal", false, None, some("xterm"), false),
            ("NO_COLOR", true, some("1"), some("xterm"), false),
            ("an empty NO_COLOR", true, some(""), some("xterm"), true),
            ("a dumb terminal", true, None, some("dumb"), false),
            ("no TERM", true, None, None, true),
        ] {
            let style = Style::of(terminal, no_color, term);
            assert_eq!(style.coloured, want, "{case}");
            assert_eq!(style.can_rewrite(), terminal && case != "a dumb terminal", "{case}");
        }
    }

    #[test]
    fn plain_text_has_no_escapes_and_coloured_text_ends_its_own() {
        assert_eq!(Style::PLAIN.paint(Paint::Hub, "hub"), "hub");
        assert_eq!(
            Style { coloured: true, terminal: true }.paint(Paint::Hub, "hub"),
            "\u{1b}[36mhub\u{1b}[0m"
        );
    }
}
