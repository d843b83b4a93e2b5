//! Whole traces compared with templates in which what varies has a name.
//!
//! A template has one line of trace a line, without number and time; a line that is not `AppInfo` begins with its type,
//! as in the trace. Empty lines and lines that begin with `#` are left out. A placeholder `«name»` stands for at least
//! one character; what it stood for first, it stands for in the rest of the trace:
//!
//! | Name | Stands for |
//! |---|---|
//! | `*` | anything, each time anew |
//! | `n`, `in`, `out`, `corr`, or ending in `port`, `-n` or `-corr` | decimal digits |
//! | beginning with `peer` | 32 lower-case hexadecimal digits that are not all 0 |
//! | any other | anything |

use std::collections::BTreeMap;
use std::fmt;

use crate::line::{Kind, Line};

/// What placeholders stand for in one trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<String, String>);

impl Bindings {
    /// Nothing is known beforehand.
    pub fn new() -> Self {
        Self::default()
    }

    /// A placeholder whose value is known beforehand, such as the hub's address.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// What a placeholder stands for, by its name without guillemets.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Whether a template matches a line as [`shown`] gives it. Placeholders are bound only where it does.
pub fn matches(template_line: &str, line: &str, bindings: &mut Bindings) -> bool {
    matches_parts(&parts(template_line), line, bindings)
}

/// A line without number and time: its text, after its type where that is not `AppInfo`.
pub fn shown(line: &Line) -> String {
    match line.kind() {
        kind if *kind == Kind::APP_INFO => line.text().to_owned(),
        kind => format!("{:<8} |{}", kind.as_str(), line.text()),
    }
}

/// Compares a whole trace with a whole template, line by line. Heads of files are passed over: they tell of no event.
///
/// # Errors
/// The first line that differs, is missing or is too many.
pub fn compare(template: &str, trace: &[Line], bindings: &mut Bindings) -> Result<(), Difference> {
    let wanted = template.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wanted = wanted.map(str::to_owned);
    let mut seen = trace.iter().filter(|line| !line.is_head()).map(shown);
    for number in 1.. {
        let (wanted, seen) = (wanted.next(), seen.next());
        let same = match (&wanted, &seen) {
            (None, None) => return Ok(()),
            (Some(wanted), Some(seen)) => matches(wanted, seen, bindings),
            _ => false,
        };
        if !same {
            return Err(Difference { number, wanted, seen, bindings: bindings.clone() });
        }
    }
    Ok(())
}

/// Where a trace differs from its template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Difference {
    /// Line of the trace, from 1.
    pub number: usize,
    /// What the template has there, if it goes on.
    pub wanted: Option<String>,
    /// What the trace has there, if it goes on.
    pub seen: Option<String>,
    /// What the placeholders stand for so far.
    pub bindings: Bindings,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = "(end of trace)";
        writeln!(f, "line {} of the trace is another", self.number)?;
        writeln!(f, "  wanted: {}", self.wanted.as_deref().unwrap_or(end))?;
        write!(f, "  seen:   {}", self.seen.as_deref().unwrap_or(end))?;
        for (name, value) in &self.bindings.0 {
            write!(f, "\n  «{name}» = {value}")?;
        }
        Ok(())
    }
}

/// A piece of a template.
enum Part<'a> {
    Literal(&'a str),
    Placeholder(&'a str),
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, (name, after))) =
        rest.split_once('«').and_then(|(literal, tail)| Some((literal, tail.split_once('»')?)))
    {
        parts.extend([Part::Literal(literal), Part::Placeholder(name)]);
        rest = after;
    }
    parts.push(Part::Literal(rest));
    parts
}

/// Shortest values first; goes back where the rest does not fit. Templates are our own and short.
fn matches_parts(parts: &[Part<'_>], text: &str, bindings: &mut Bindings) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    let name = match first {
        Part::Literal(literal) => {
            return text.strip_prefix(literal).is_some_and(|text| matches_parts(rest, text, bindings));
        }
        Part::Placeholder(name) => *name,
    };
    if let Some(value) = bindings.0.get(name) {
        let after = text.strip_prefix(value.as_str());
        return after.is_some_and(|text| matches_parts(rest, text, bindings));
    }
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
    let mut values = ends.filter_map(|end| text.split_at_checked(end));
    values.any(|(value, after)| may_be(name, value) && matches_with(name, value, rest, after, bindings))
}

/// Binds the name, and lets go of it again where the rest does not fit: a copy for each try would cost more than the try.
fn matches_with(name: &str, value: &str, rest: &[Part<'_>], after: &str, bindings: &mut Bindings) -> bool {
    if name == "*" {
        return matches_parts(rest, after, bindings);
    }
    bindings.0.insert(name.to_owned(), value.to_owned());
    let found = matches_parts(rest, after, bindings);
    if !found {
        bindings.0.remove(name);
    }
    found
}

fn may_be(name: &str, value: &str) -> bool {
    match name {
        "n" | "in" | "out" | "corr" => value.bytes().all(|byte| byte.is_ascii_digit()),
        name if ["port", "-n", "-corr"].iter().any(|end| name.ends_with(end)) => {
            value.bytes().all(|byte| byte.is_ascii_digit())
        }
        name if name.starts_with("peer") => is_peer_id(value),
        _ => true,
    }
}

fn is_peer_id(value: &str) -> bool {
    let digits = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    value.len() == 32 && digits && value.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "77c59d0960cc4fdc959168a3d686a6de";

    #[test]
    fn a_placeholder_stands_for_what_its_name_allows() {
        let zeros = "0".repeat(32);
        for (case, template, line, want) in [
            ("no placeholder", "a b", "a b", true),
            ("another text", "a b", "a  b", false),
            ("a longer line", "a", "ab", false),
            ("an instance", "[1.600.13.«n»]", "[1.600.13.5]", true),
            ("an instance that is none", "[1.600.13.«n»]", "[1.600.13.x]", false),
            ("nothing", "Port=«port»,", "Port=,", false),
            ("a port", "«hub»:«hub-port»", "10.0.0.1:7502", true),
            ("a port that is none", "«hub»:«hub-port»", "10.0.0.1:http", false),
            ("an IPv6 address", "«hub»:«hub-port»", "[::1]:7502", true),
            ("a peer ID", "PeerId(«peer-hub»)", &format!("PeerId({PEER})"), true),
            ("32 zeros", "PeerId(«peer-hub»)", &format!("PeerId({zeros})"), false),
            ("31 digits", "PeerId(«peer-hub»)", &format!("PeerId({})", &PEER[1..]), false),
            ("upper case", "PeerId(«peer-hub»)", &format!("PeerId({})", PEER.to_uppercase()), false),
            ("anything, twice", "«*»-«*»", "a-b", true),
            ("the same twice", "«x»-«x»", "ab-ab", true),
            ("not the same twice", "«x»-«x»", "ab-ba", false),
            ("a shorter value would not do", "«x»)b", "a)a)b", true),
            ("not closed", "«x", "«x", true),
        ] {
            assert_eq!(matches(template, line, &mut Bindings::new()), want, "{case}");
        }
    }

    #[test]
    fn a_value_holds_for_the_rest_of_the_trace_once_a_line_matched() {
        let mut bindings = Bindings::new().with("hub", "10.0.0.1");
        assert!(!matches("«hub» «n»", "10.0.0.2 5", &mut bindings));
        assert_eq!(bindings.value("n"), None, "what did not match binds nothing");
        assert!(matches("«hub» «n»", "10.0.0.1 5", &mut bindings));
        assert_eq!(bindings.value("n"), Some("5"));
        assert!(!matches("n=«n»", "n=6", &mut bindings));
        assert!(matches("n=«n»", "n=5", &mut bindings));
    }

    #[test]
    fn what_can_be_cut_up_in_many_ways_comes_to_an_end_and_binds_nothing() {
        let mut bindings = Bindings::new().with("hub", "10.0.0.1");
        let before = bindings.clone();
        assert!(!matches("«a»«b»«*»«n»", &"y".repeat(100), &mut bindings));
        assert_eq!(bindings, before);
        assert!(matches("«a»«b»«*»«n»", &format!("{}7", "y".repeat(100)), &mut bindings));
    }

    fn trace(texts: &[&str]) -> Vec<Line> {
        let line = |text: &&str| Line::parse(&format!("00000001.001 |00:00:00.000 |{text}")).expect("a line");
        texts.iter().map(line).collect()
    }

    #[test]
    fn a_trace_is_compared_whole() {
        let template = "# R\nRequesting «n»\n\nSdlSig   |Rsp |«n»\n";
        let good = ["AppInfo  |Requesting 1", "SdlSig   |Rsp |1"];
        assert_eq!(compare(template, &trace(&good), &mut Bindings::new()), Ok(()));
        let in_two_files = ["FileHead |UTC:+00:00", good[0], "FileHead |UTC:+00:00", good[1]];
        assert_eq!(compare(template, &trace(&in_two_files), &mut Bindings::new()), Ok(()));
        for (case, texts, number) in [
            ("too short, whatever the head of a file", &["FileHead |Rsp |1", good[0]][..], 2),
            ("too short", &good[..1], 2),
            ("too long", &[good[0], good[1], "AppInfo  |more"], 3),
            ("another type", &[good[0], "AppInfo  |Rsp |1"], 2),
            ("another value", &[good[0], "SdlSig   |Rsp |2"], 2),
            ("out of order", &[good[1], good[0]], 1),
            ("empty", &[], 1),
        ] {
            let difference = compare(template, &trace(texts), &mut Bindings::new()).expect_err(case);
            assert_eq!(difference.number, number, "{case}");
        }
    }

    #[test]
    fn a_difference_says_where_what_and_with_which_values() {
        let bindings = &mut Bindings::new();
        let difference = compare("a «n»\nb", &trace(&["AppInfo  |a 7"]), bindings).expect_err("too short");
        let want = "line 2 of the trace is another\n  wanted: b\n  seen:   (end of trace)\n  «n» = 7";
        assert_eq!(difference.to_string(), want);
    }
}
