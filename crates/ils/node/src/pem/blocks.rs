//! The blocks of a PEM text, each with its line: whatever looks like one is a block, or is refused.
//!
//! ```text
//! subject=CN = hub                      text around blocks is for people
//! -----BEGIN CERTIFICATE-----           [`Block`] { line: 2, label: "CERTIFICATE", body }
//! MIID...
//! -----END CERTIFICATE-----
//! ----BEGIN CERTIFICATE-----            [`Fault`] { line: 5, .. }
//! ```
//! A reader that skips what it does not know would leave a certificate out of a store, and say nothing.

/// What stands between a line that begins a block and the one that ends it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Number of the line that begins it, from 1.
    pub(super) line: usize,
    /// What it says it is.
    pub(super) label: &'a str,
    /// Base64, and whatever else is there.
    pub(super) body: &'a [u8],
}

/// A line that looks like the bound of a block and is none, or bounds that do not belong together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong, with line and label.
    pub(super) problem: String,
    /// What to do.
    pub(super) cure: &'static str,
}

/// Longest label; real ones have up to 23 characters.
const LABEL_MAX: usize = 40;

const MARK: &[u8] = b"\xef\xbb\xbf";
const SAVE: &str = "save the file as UTF-8 without a byte-order mark";
const WHOLE: &str = "export it again, and copy each block whole";
const ALONE: &str = "write -----BEGIN LABEL----- and -----END LABEL----- on lines of their own, nothing before them or behind";

/// All blocks of a text, in its order.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, Fault> {
    refuse_utf16(text)?;
    let mut found = Vec::new();
    let mut open: Option<(usize, &str, usize)> = None;
    for Line { number, text: line, start, end } in Lines::new(text) {
        match (bound(number, line)?, open) {
            (None, _) => {}
            (Some(Bound::Begin(label)), None) => open = Some((number, label, end)),
            (Some(Bound::End(label)), Some((line, begun, body))) if label == begun => {
                found.push(Block { line, label, body: text.get(body..start).unwrap_or_default() });
                open = None;
            }
            (Some(other), Some((line, begun, _))) => {
                let problem = format!("line {line}: {begun} does not end before line {number}: {other}");
                return Err(Fault { problem, cure: WHOLE });
            }
            (Some(end), None) => {
                let problem = format!("line {number}: {end} ends a block that does not begin");
                return Err(Fault { problem, cure: WHOLE });
            }
        }
    }
    match open {
        None => Ok(found),
        Some((line, label, _)) => {
            Err(Fault { problem: format!("line {line}: {label} has no end"), cure: WHOLE })
        }
    }
}

/// In UTF-16 no line looks like anything.
fn refuse_utf16(text: &[u8]) -> Result<(), Fault> {
    let has = |wanted: &[u8]| text.windows(wanted.len()).any(|some| some == wanted);
    let marked = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    if marked || has(b"B\0E\0G\0I\0N\0") || has(b"\0B\0E\0G\0I\0N") {
        let problem = "line 1: is text in UTF-16, in which no block can be read".to_owned();
        return Err(Fault { problem, cure: SAVE });
    }
    Ok(())
}

enum Bound<'a> {
    Begin(&'a str),
    End(&'a str),
}

impl std::fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begin(label) => write!(f, "BEGIN {label}"),
            Self::End(label) => write!(f, "END {label}"),
        }
    }
}

/// What a line bounds; nothing, unless it looks as if it should.
fn bound(number: usize, line: &[u8]) -> Result<Option<Bound<'_>>, Fault> {
    let line = line.trim_ascii_end();
    if let Some(label) = label_between(line, b"-----BEGIN ") {
        return Ok(Some(Bound::Begin(label)));
    }
    if let Some(label) = label_between(line, b"-----END ") {
        return Ok(Some(Bound::End(label)));
    }
    let Some(words) = words_of_a_bound(line) else { return Ok(None) };
    if line.starts_with(MARK) {
        let problem = format!("line {number}: a byte-order mark stands before {words}");
        return Err(Fault { problem, cure: SAVE });
    }
    let problem =
        format!("line {number}: {words} does not stand alone on its line, with five dashes on each side");
    Err(Fault { problem, cure: ALONE })
}

fn label_between<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(begin)?.strip_suffix(b"-----")?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" #".contains(byte);
    let good = !label.is_empty() && label.len() <= LABEL_MAX && label.iter().all(plain);
    if good { str::from_utf8(label).ok() } else { None }
}

/// `BEGIN` or `END` behind dashes of whatever kind and number, or before some; and its label. Nothing else of the line
/// is repeated: in a file that lost its line breaks the rest of it is the key.
fn words_of_a_bound(line: &[u8]) -> Option<String> {
    ["BEGIN ", "END "].iter().find_map(|word| {
        let at = line.windows(word.len()).position(|some| some.eq_ignore_ascii_case(word.as_bytes()))?;
        let (before, rest) = line.split_at_checked(at)?;
        let before = before.trim_ascii_end();
        // Word processors make one long dash of several, in whatever encoding.
        let dashed = before.ends_with(b"--") || before.last().is_some_and(|byte| !byte.is_ascii());
        let bare = before.is_empty() && rest.ends_with(b"--");
        (dashed || bare).then(|| label_words(rest))
    })
}

fn label_words(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).to_ascii_uppercase();
    let is_word = |word: &&str| word.len() <= 11 && word.chars().all(|c| c.is_ascii_alphanumeric());
    let words = text.split([' ', '-', '\u{2013}', '\u{2014}']).take_while(is_word).take(4);
    words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// The lines of a text, whichever way they end.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: usize,
}

struct Line<'a> {
    number: usize,
    text: &'a [u8],
    start: usize,
    /// Behind its end.
    end: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(length)?;
        let break_length = if after.starts_with(b"\r\n") { 2 } else { usize::from(!after.is_empty()) };
        self.at = start + length + break_length;
        self.number += 1;
        Some(Line { number: self.number, text: line, start, end: self.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_found_with_its_line_however_lines_end() {
        for line_break in ["\n", "\r\n", "\r"] {
            let text =
                "subject=CN = x\n-----BEGIN A 1-----\nAAAA\nBBBB\n-----END A 1-----  \n\n-----BEGIN B-----\n\
                        -----END B-----"
                    .replace('\n', line_break);
            let found = blocks(text.as_bytes()).expect("two blocks");
            let body = format!("AAAA{line_break}BBBB{line_break}");
            let want = [
                Block { line: 2, label: "A 1", body: body.as_bytes() },
                Block { line: 7, label: "B", body: b"" },
            ];
            assert_eq!(found, want, "{line_break:?}");
        }
        assert_eq!(blocks(b"no block\n-- \nhere, to the END -- or the BEGINNING\n"), Ok(Vec::new()));
        assert_eq!(blocks(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_looks_like_a_block_and_is_none_is_told_with_line_and_label() {
        const END: &str = "-----END CERTIFICATE-----";
        for (case, begin, end, wanted) in [
            (
                "a byte-order mark",
                "\u{feff}-----BEGIN CERTIFICATE-----",
                END,
                "line 2: a byte-order mark stands before BEGIN CERTIFICATE",
            ),
            (
                "four dashes before",
                "----BEGIN CERTIFICATE-----",
                END,
                "line 2: BEGIN CERTIFICATE does not stand",
            ),
            (
                "four dashes behind",
                "-----BEGIN CERTIFICATE----",
                END,
                "line 2: BEGIN CERTIFICATE does not stand",
            ),
            (
                "a blank before",
                " -----BEGIN CERTIFICATE-----",
                END,
                "line 2: BEGIN CERTIFICATE does not stand",
            ),
            ("a comment", "# -----BEGIN CERTIFICATE-----", END, "line 2: BEGIN CERTIFICATE does not stand"),
            ("small letters", "-----begin certificate-----", END, "line 2: BEGIN CERTIFICATE does not stand"),
            (
                "long dashes",
                "\u{2014}BEGIN CERTIFICATE\u{2014}",
                END,
                "line 2: BEGIN CERTIFICATE does not stand",
            ),
            ("dashes lost", "BEGIN CERTIFICATE-----", END, "line 2: BEGIN CERTIFICATE does not stand"),
            (
                "blanks in between",
                "---- BEGIN SSH2 PUBLIC KEY ----",
                END,
                "line 2: BEGIN SSH2 PUBLIC KEY does not stand",
            ),
            ("no label", "-----BEGIN -----", END, "line 2: BEGIN does not stand"),
            ("no beginning", "AAAA", END, "line 4: END CERTIFICATE ends a block that does not begin"),
            (
                "another end",
                "-----BEGIN CERTIFICATE-----",
                "-----END PKCS7-----",
                "line 2: CERTIFICATE does not end before line 4: END PKCS7",
            ),
            (
                "a bad end",
                "-----BEGIN CERTIFICATE-----",
                "-----END CERTIFICATE---",
                "line 4: END CERTIFICATE does not stand",
            ),
            (
                "another beginning",
                "-----BEGIN A-----",
                "-----BEGIN B-----",
                "line 2: A does not end before line 4: BEGIN B",
            ),
            ("no end", "-----BEGIN CERTIFICATE-----", "AAAA", "line 2: CERTIFICATE has no end"),
            (
                "no line break",
                "-----BEGIN A-----",
                "-----END A----------BEGIN B-----",
                "line 4: BEGIN B does not stand",
            ),
        ] {
            let text = format!("first\n{begin}\nAAAA\n{end}\n");
            let fault = blocks(text.as_bytes()).expect_err(case);
            assert!(fault.problem.starts_with(wanted), "{case}: {}", fault.problem);
        }
    }

    #[test]
    fn nothing_of_a_key_that_lost_its_line_breaks_is_repeated() {
        for text in [
            "-----BEGIN PRIVATE KEY----- MIGHAgEAMBMGByqGSM49 -----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY MIGHAgEAMBMGByqGSM49",
        ] {
            let fault = blocks(text.as_bytes()).expect_err("no block");
            assert!(!fault.problem.to_uppercase().contains("MIGH"), "{}", fault.problem);
            assert!(fault.problem.contains("PRIVATE KEY"), "{}", fault.problem);
        }
    }

    #[test]
    fn utf_16_is_told_with_and_without_a_mark() {
        let text = "-----BEGIN CERTIFICATE-----\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xff\xfe".to_vec(), little.clone()].concat();
        for (case, bytes) in [("little", little), ("big", big), ("with a mark", marked)] {
            assert!(blocks(&bytes).expect_err(case).problem.contains("UTF-16"), "{case}");
        }
    }
}
