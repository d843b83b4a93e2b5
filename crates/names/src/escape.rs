//! Foreign text made fit for a log line or a terminal.

use std::fmt::Write as _;

/// Writes `text` so that a log line or a terminal shows it and nothing else happens.
///
/// Byte for byte: controls (0x00–0x1f, 0x7f), `|` and `]` (the trace's own separators), the backslash
/// (so that two different texts never look the same) and everything that is not ASCII become `\xNN`,
/// two lower-case hexadecimal digits. All else stays as it is.
pub fn escape(text: &str) -> String {
    escape_bytes(text.as_bytes())
}

/// Text of somebody else's for a terminal: lines stay lines, and what is not printable ASCII becomes `\xNN` as in
/// [`escape`]. Nothing else changes, so that what was escaped before is not escaped again.
pub fn printable(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'\n' | b' '..=b'~' => out.push(char::from(byte)),
            _ => write_hex(&mut out, byte),
        }
        out
    })
}

/// [`escape`] for a name: a blank that nobody would see, at an end or beside another, becomes `\x20` too. Two names that
/// differ in such a blank alone would look the same.
pub fn escape_name(text: &str) -> String {
    let (mut out, mut before) = (String::with_capacity(text.len()), ' ');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_unseen = before == ' ' || rest.peek().is_none_or(|next| *next == ' ');
        match c {
            ' ' if is_unseen => write_hex(&mut out, b' '),
            c => out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
        before = c;
    }
    out
}

/// [`escape`] for bytes that need not be UTF-8.
pub fn escape_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut out, &byte| {
        match byte {
            b'|' | b']' | b'\\' => write_hex(&mut out, byte),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => write_hex(&mut out, byte),
        }
        out
    })
}

/// JSON in ASCII, `\uXXXX` for what is not, so that a terminal shows it and nothing else happens: a character that is not stands in a string only, where its escape means the same.
pub fn ascii_json(json: &str) -> String {
    let plain = |c: char| c.is_ascii() && c != '\u{7f}';
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut out, c| {
        if plain(c) {
            out.push(c);
        } else {
            let escapes = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            out.extend(escapes);
        }
        out
    })
}

/// Lower-case hexadecimal digits without separators.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn write_hex(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_lines_of_printable_characters_and_nothing_else() {
        for (case, text, want) in [
            ("lines", "a | b]\n\\x41\n", "a | b]\n\\x41\n"),
            ("a carriage return", "a\rb", "a\\x0db"),
            ("a tab", "a\tb", "a\\x09b"),
            ("a bell and a delete", "\u{7}\u{7f}", "\\x07\\x7f"),
            ("an escape of eight bits", "\u{9b}31m", "\\xc2\\x9b31m"),
            ("direction marks", "\u{202e}\u{2066}", "\\xe2\\x80\\xae\\xe2\\x81\\xa6"),
            ("nothing to see", "\u{200b}\u{feff}", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf"),
        ] {
            assert_eq!(printable(text), want, "{case}");
        }
    }

    #[test]
    fn what_could_mislead_a_reader_is_escaped() {
        for (case, text, want) in [
            ("a plain name", "hub.example.com", "hub.example.com"),
            ("nothing", "", ""),
            ("a space stays", "CN=a b", "CN=a b"),
            ("a line break", "a\r\nb", "a\\x0d\\x0ab"),
            ("a terminal escape", "\u{1b}[31m", "\\x1b[31m"),
            ("a delete", "a\u{7f}", "a\\x7f"),
            ("the column separator", "a|b", "a\\x7cb"),
            ("a closing bracket", "[a]", "[a\\x5d"),
            ("a backslash", "\\x41", "\\x5cx41"),
            ("a NUL", "a\0b", "a\\x00b"),
            ("an umlaut, byte by byte", "ü", "\\xc3\\xbc"),
            ("right-to-left override", "\u{202e}", "\\xe2\\x80\\xae"),
        ] {
            assert_eq!(escape(text), want, "{case}");
        }
    }

    #[test]
    fn a_blank_that_nobody_would_see_is_visible_in_a_name() {
        for (case, text, want) in [
            ("no blank", "hub.example.com", "hub.example.com"),
            ("nothing", "", ""),
            ("one between words", "Lab Root CA", "Lab Root CA"),
            ("one at the end", "hub.example.com ", "hub.example.com\\x20"),
            ("one at the beginning", " hub", "\\x20hub"),
            ("two between words", "a  b", "a\\x20\\x20b"),
            ("nothing else", "   ", "\\x20\\x20\\x20"),
            ("a tabulator is a control", "hub\t", "hub\\x09"),
            ("a no-break space is not ASCII", "hub\u{a0}", "hub\\xc2\\xa0"),
            ("the escape itself", "hub\\x20", "hub\\x5cx20"),
            ("all that an escape has", "a]|b\n", "a\\x5d\\x7cb\\x0a"),
        ] {
            assert_eq!(escape_name(text), want, "{case}");
        }
    }
}
