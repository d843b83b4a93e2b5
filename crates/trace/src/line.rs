//! One line of an SDL trace, written and parsed.
//!
//! ```text
//! 00154617.001 |16:58:42.888 |AppInfo  |IlsD IlsHandler: …
//! signal . line within it | time | type, padded to 8 | text
//! ```

use std::borrow::Cow;
use std::fmt;

use ilslab_names::escape;
use ilslab_time::{TimeOfDay, digits};

/// Signal numbers have eight digits and begin again after the last.
pub const SIGNALS: u32 = 100_000_000;
/// Lines within a signal have three digits.
pub const WITHIN: u16 = 1_000;

/// The type column: one to eight printable ASCII characters without `|`, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A line written while a signal is handled.
    pub const APP_INFO: Self = Self(Cow::Borrowed("AppInfo"));
    /// The line of the signal itself.
    pub const SDL_SIG: Self = Self(Cow::Borrowed("SdlSig"));

    /// The first line of a file: what it is a trace of, and of which day.
    pub const FILE_HEAD: Self = Self(Cow::Borrowed("FileHead"));

    /// A type by its name; `None` for one that would break the line's columns.
    pub fn named(name: &str) -> Option<Self> {
        let printable = name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'|');
        let fits = (1..=8).contains(&name.len()) && name.trim_matches(' ') == name;
        (printable && fits).then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    signal: u32,
    within: u16,
    time: TimeOfDay,
    kind: Kind,
    text: String,
}

impl Line {
    /// A line. Numbers too large for their column begin again at 0; a control character in the text, a line break
    /// above all, is written as `\xNN`, so that no text can look like two lines.
    pub fn new(signal: u32, within: u16, time: TimeOfDay, kind: Kind, text: &str) -> Self {
        Self { signal: signal % SIGNALS, within: within % WITHIN, time, kind, text: without_controls(text) }
    }

    /// Number of the signal.
    pub fn signal(&self) -> u32 {
        self.signal
    }

    /// Number within the signal: 0 is the signal's own line.
    pub fn within(&self) -> u16 {
        self.within
    }

    /// Local time of day.
    pub fn time(&self) -> TimeOfDay {
        self.time
    }

    /// The type column.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether it is the head of a file, which tells of no event.
    pub fn is_head(&self) -> bool {
        self.kind == Kind::FILE_HEAD
    }

    /// All that follows the third `|`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads one line without its line break. Total: any text is a line or an error.
    ///
    /// # Errors
    /// [`LineError`] names the first column that is not as it has to be.
    pub fn parse(line: &str) -> Result<Self, LineError> {
        let mut columns = line.splitn(4, '|');
        let number = column(&mut columns)?;
        let time = column(&mut columns)?;
        let kind = column(&mut columns)?;
        let text = columns.next().ok_or(LineError::Columns)?;
        let (signal, within) = parse_number(number).ok_or_else(|| LineError::Number(number.to_owned()))?;
        let time = TimeOfDay::parse(time).ok_or_else(|| LineError::Time(time.to_owned()))?;
        let kind = parse_kind(kind).ok_or_else(|| LineError::Kind(kind.to_owned()))?;
        if text.contains(char::is_control) {
            return Err(LineError::Control);
        }
        Ok(Self { signal, within, time, kind, text: text.to_owned() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { signal, within, time, kind, text } = self;
        write!(f, "{signal:08}.{within:03} |{time} |{:<8} |{text}", kind.as_str())
    }
}

/// The text is no line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Fewer than four columns, or one without the space before its `|`.
    #[error("the line has fewer than four columns that end in ` |`")]
    Columns,
    /// Not eight digits, a point and three digits.
    #[error("`{}` is no signal number", escape(.0))]
    Number(String),
    /// Not `HH:MM:SS.mmm`.
    #[error("`{}` is no time of day", escape(.0))]
    Time(String),
    /// Not a type of one to eight characters, padded to eight.
    #[error("`{}` is no type of line", escape(.0))]
    Kind(String),
    /// A control character in the text.
    #[error("the text holds a control character")]
    Control,
}

fn column<'a>(columns: &mut impl Iterator<Item = &'a str>) -> Result<&'a str, LineError> {
    columns.next().and_then(|column| column.strip_suffix(' ')).ok_or(LineError::Columns)
}

fn parse_number(text: &str) -> Option<(u32, u16)> {
    let (signal, within) = text.split_once('.')?;
    Some((digits(signal, 8)?, u16::try_from(digits(within, 3)?).ok()?))
}

fn parse_kind(text: &str) -> Option<Kind> {
    if text.len() != 8 {
        return None;
    }
    match text.trim_end_matches(' ') {
        "AppInfo" => Some(Kind::APP_INFO),
        "SdlSig" => Some(Kind::SDL_SIG),
        "FileHead" => Some(Kind::FILE_HEAD),
        name => Kind::named(name),
    }
}

fn without_controls(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { escape(&c.to_string()) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use ilslab_time::{Timestamp, UtcOffset};
    use proptest::prelude::*;

    use super::*;

    const DOCUMENTED: &str =
        "00154617.001 |16:58:42.888 |AppInfo  |IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New";

    #[test]
    fn the_documented_line_is_read_and_written_back() {
        let line = Line::parse(DOCUMENTED).expect("a line");
        assert_eq!(
            (line.signal(), line.within(), line.time().to_string()),
            (154_617, 1, "16:58:42.888".into())
        );
        assert_eq!(line.kind(), &Kind::APP_INFO);
        assert_eq!(line.text(), "IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New");
        assert_eq!(line.to_string(), DOCUMENTED);
    }

    #[test]
    fn a_text_may_hold_the_separator() {
        let line = Line::parse("00000001.000 |00:00:00.000 |SdlSig   |A |B | |C").expect("a line");
        assert_eq!((line.kind(), line.text()), (&Kind::SDL_SIG, "A |B | |C"));
    }

    #[test]
    fn what_is_no_line_is_refused_with_the_column() {
        let number = |text: &str| LineError::Number(text.into());
        for (line, error) in [
            ("", LineError::Columns),
            ("IlsD something", LineError::Columns),
            ("00154617.001 |16:58:42.888 |AppInfo  ", LineError::Columns),
            ("00154617.001|16:58:42.888 |AppInfo  |x", LineError::Columns),
            ("0154617.001 |16:58:42.888 |AppInfo  |x", number("0154617.001")),
            ("000154617.001 |16:58:42.888 |AppInfo  |x", number("000154617.001")),
            ("00154617.01 |16:58:42.888 |AppInfo  |x", number("00154617.01")),
            ("+0154617.001 |16:58:42.888 |AppInfo  |x", number("+0154617.001")),
            ("00154617.001 |24:58:42.888 |AppInfo  |x", LineError::Time("24:58:42.888".into())),
            ("00154617.001 |16:58:42.888 |AppInfo |x", LineError::Kind("AppInfo".into())),
            ("00154617.001 |16:58:42.888 |         |x", LineError::Kind("        ".into())),
            ("00154617.001 |16:58:42.888 |AppInfo  |x\ny", LineError::Control),
            ("00154617.001 |16:58:42.888 |AppInfo  |x\r", LineError::Control),
        ] {
            assert_eq!(Line::parse(line), Err(error), "{line}");
        }
    }

    #[test]
    fn a_text_with_a_line_break_stays_one_line() {
        let time = TimeOfDay::of(Timestamp(0), UtcOffset::UTC);
        let line = Line::new(1, 1, time, Kind::APP_INFO, "a\r\nb\u{85}c");
        assert_eq!(line.text(), "a\\x0d\\x0ab\\xc2\\x85c");
    }

    #[test]
    fn numbers_begin_again_when_their_column_is_full() {
        let time = TimeOfDay::of(Timestamp(0), UtcOffset::UTC);
        let numbers = |signal, within| {
            let line = Line::new(signal, within, time, Kind::APP_INFO, "");
            (line.signal(), line.within())
        };
        assert_eq!(numbers(99_999_999, 999), (99_999_999, 999));
        assert_eq!(numbers(100_000_000, 1_000), (0, 0));
    }

    fn any_line() -> impl Strategy<Value = Line> {
        let kind = "[!-{}~]([ -{}~]{0,6}[!-{}~])?".prop_filter_map("a type", |name| Kind::named(&name));
        (0..SIGNALS, 0..WITHIN, any::<i64>(), kind, any::<String>()).prop_map(
            |(signal, within, at, kind, text)| {
                Line::new(signal, within, TimeOfDay::of(Timestamp(at), UtcOffset::UTC), kind, &text)
            },
        )
    }

    proptest! {
        #[test]
        fn a_line_that_is_written_is_read_back(line in any_line()) {
            let written = line.to_string();
            prop_assert!(!written.contains(['\n', '\r']));
            prop_assert_eq!(Line::parse(&written), Ok(line));
        }

        #[test]
        fn any_text_is_a_line_or_an_error(
            text in any::<String>(), at in 0..DOCUMENTED.len(), other in any::<char>(),
        ) {
            let altered = format!("{}{other}{}", &DOCUMENTED[..at], &DOCUMENTED[at + 1..]);
            for text in [text, altered] {
                if let Ok(line) = Line::parse(&text) {
                    prop_assert_eq!(line.to_string(), text);
                }
            }
        }
    }
}
