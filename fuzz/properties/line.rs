//! The trace: any text is a line or an error, any line can be read back, no text makes two lines of one, an escaped text
//! stands for one text only, and a template matches what was made from it.

use ilslab_names::escape;
use ilslab_time::{TimeOfDay, Timestamp, UtcOffset};
use ilslab_trace::golden::{Bindings, matches, shown};
use ilslab_trace::{Kind, Line};

use crate::choices::Choices;

const DIGITS: &[char] = &['0', '1', '2', '5', '7', '9'];

/// Raw: the bytes are lines. Structured: a line, and a template with its values.
pub(crate) fn check(data: &[u8]) {
    match Choices::of(data) {
        Some(mut choices) => {
            let what = if choices.flag() { template } else { written };
            what(&mut choices);
        }
        None => {
            let text = String::from_utf8_lossy(data);
            read(&text);
            text.lines().for_each(read);
            against_itself(&text);
        }
    }
}

fn read(text: &str) {
    match Line::parse(text) {
        Ok(line) => {
            assert_eq!(line.to_string(), text, "a line is written as it was read");
            assert!(matches(&shown(&line), &shown(&line), &mut Bindings::new()) || text.contains('«'));
        }
        Err(error) => fit_to_show(&error.to_string()),
    }
    if let Some(time) = TimeOfDay::parse(text) {
        assert_eq!(time.to_string(), text);
    }
    if let Ok(offset) = text.parse::<UtcOffset>() {
        assert_eq!(offset.to_string().parse(), Ok(offset));
    }
    let escaped = escape(text);
    fit_to_show(&escaped);
    assert_eq!(unescaped(&escaped), text.as_bytes(), "two texts never look the same");
}

/// As a template, too, any text is harmless. Templates are our own and their matching goes back and forth, so only two
/// placeholders are asked for.
fn against_itself(text: &str) {
    let Some((template, line)) = text.split_once('\0') else { return };
    if template.matches('«').count() <= 2 && line.len() <= 200 {
        matches(template, line, &mut Bindings::new());
    }
}

fn written(choices: &mut Choices<'_>) {
    let at = Timestamp(i64::from_be_bytes(choices.array()));
    let minutes = i16::from_be_bytes(choices.array());
    let offset = UtcOffset::from_minutes(minutes).unwrap_or(UtcOffset::UTC);
    let name = choices.text(9);
    let kind = Kind::named(&name).unwrap_or(Kind::SDL_SIG);
    let [signal, within] = [choices.number(), choices.number()];
    let signal = u32::try_from(signal % (1 << 32)).expect("the remainder");
    let within = u16::try_from(within % (1 << 16)).expect("the remainder");
    let line = Line::new(signal, within, TimeOfDay::of(at, offset), kind, &choices.text(300));
    let written = line.to_string();
    assert!(!written.contains(char::is_control), "{written:?} is one line");
    assert_eq!(Line::parse(&written), Ok(line), "what was written is read back");
}

/// Builds a template together with a line that it must match.
fn template(choices: &mut Choices<'_>) {
    let (mut template, mut line) = (String::new(), String::new());
    for place in 0..1 + choices.below(4) {
        let literal = choices.text(12).replace(['«', '»'], "");
        template.push_str(&literal);
        line.push_str(&literal);
        let (name, value) = match choices.below(5) {
            0 => (format!("{place}-n"), choices.word(DIGITS, 6)),
            1 => (format!("peer-{place}"), format!("1{}", hex(&choices.array::<16>()).split_off(1))),
            2 => ("*".to_owned(), choices.word(&['a', ' ', ']', '«', '|', 'é'], 5)),
            3 => (format!("{place}-port"), choices.word(DIGITS, 5)),
            _ => (format!("name-of-{place}"), choices.word(&['a', '.', ':', ' ', ']', 'é'], 8)),
        };
        template.push_str(&format!("«{name}»"));
        line.push_str(&value);
    }
    let mut bindings = Bindings::new();
    assert!(matches(&template, &line, &mut bindings), "{template:?} stands for {line:?}");
    assert!(matches(&template, &line, &mut bindings.clone()), "and does so again with what it learned");
    let mut other = line.clone();
    other.push('\u{7}');
    if template.ends_with("-n»") || template.ends_with("-port»") {
        assert!(!matches(&template, &other, &mut Bindings::new()), "no digit");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an escaped text stands for.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("\\x") {
        let (digits, left) = after.split_at_checked(2).expect("two digits follow");
        out.extend_from_slice(before.as_bytes());
        out.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
        rest = left;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn fit_to_show(text: &str) {
    assert!(!text.contains(char::is_control), "a control character in {text:?}");
}
