use ilslab_time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::record::Record;
use crate::sample::{self, Hello};

fn log(offset: &str) -> CiscoLog {
    CiscoLog::new("hello", sample::source(), offset.parse().expect("an offset"))
}

fn refused() -> Hello {
    Hello { alarm: Some(vec![("Caller", "10.106.104.201".to_owned())]), ..sample::hello(1) }
}

/// The line of an alarm that began to stand with this event.
fn line_of(log: &mut CiscoLog, event: &Hello) -> String {
    log.line(&event.alarm().expect("it has one"))
}

#[test]
fn a_line_has_the_head_of_cisco_log_and_the_documented_text() {
    let tail = "%UC_HELLO-3-HelloRefused: %[Caller=10.106.104.201]\
                [AppID=Hello Service][ClusterID=2][NodeID=cucm1150.adfs.uccs.com]: A caller was turned away.";
    for (case, since, offset, head) in [
        (
            "UTC",
            sample::AT,
            "Z",
            "Aug 26 16:58:42 cucm1150.adfs.uccs.com local7 3 hello: 0: cucm1150.adfs.uccs.com: \
             Aug 26 2016 16:58:42.888 UTC : ",
        ),
        (
            "local time, and a day of one digit",
            Timestamp(86_400_007),
            "-03:30",
            "Jan  1 20:30:00 cucm1150.adfs.uccs.com local7 3 hello: 0: cucm1150.adfs.uccs.com: \
             Jan  1 1970 20:30:00.007 -0330 : ",
        ),
    ] {
        let event = Hello { at: since, ..refused() };
        assert_eq!(line_of(&mut log(offset), &event), format!("{head}{tail}"), "{case}");
    }
}

/// The sequence number of a line.
fn number(line: &str) -> u32 {
    let (_, behind) = line.split_once(" hello: ").expect("the process");
    behind.split(':').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn lines_are_numbered_from_0_without_a_gap_and_begin_again_after_the_last_of_32_bits() {
    let mut log = log("Z");
    let mut next = || number(&line_of(&mut log, &refused()));
    assert_eq!([next(), next(), next()], [0, 1, 2]);
    log.next = u32::MAX;
    let mut next = || number(&line_of(&mut log, &refused()));
    assert_eq!([next(), next(), next()], [4_294_967_295, 0, 1]);
}

#[test]
fn the_host_is_the_fqdn_or_of_a_long_one_its_first_label() {
    let long = "l".repeat(63);
    for (case, node_id, want) in [
        ("short", "hub.lab.example".to_owned(), "hub.lab.example".to_owned()),
        ("64 octets", format!("{long}.").replace("ll.", "l.x"), format!("{}.x", "l".repeat(62))),
        ("65 octets", format!("{long}.x"), long.clone()),
        ("one label", "m".repeat(253), "m".repeat(64)),
    ] {
        assert_eq!(host(&node_id), want, "{case}");
    }
}

#[test]
fn values_are_cut_longest_first_and_only_as_far_as_needed() {
    for (case, values, room, want) in [
        ("all have room", &["abcd", "ef"][..], 6, &["abcd", "ef"][..]),
        ("one too many", &["abcdefghij", "ef"], 11, &["abcdef...", "ef"]),
        ("the short one keeps all", &["ab", "cdefghijklmn"], 10, &["ab", "cdefg..."]),
        ("both are long", &["abcdefghij", "klmnopqrst"], 12, &["abc...", "klm..."]),
        ("no escape is torn", &["ab\\x0acdefg"], 8, &["ab..."]),
        ("a whole escape stays", &["ab\\x0acdefg"], 9, &["ab\\x0a..."]),
        ("hardly any room", &["abcdef"], 2, &[".."]),
        ("none", &["abcdef"], 0, &[""]),
        ("no values", &[], 0, &[]),
    ] {
        let mut values: Vec<String> = values.iter().map(ToString::to_string).collect();
        fit(&mut values, room);
        assert_eq!(values, want, "{case}");
    }
}

#[test]
fn the_longest_names_leave_the_text_whole_in_800_octets() {
    let source = AlarmSource {
        cluster_id: "c".repeat(50),
        node_id: format!("{}.{}", "h".repeat(63), "d".repeat(189)),
    };
    for parameters in [&["Caller"][..], &["Reason", "ConnectionDetail"]] {
        let values = parameters.iter().map(|name| (*name, "\u{1b}]".repeat(1000))).collect();
        let event = Hello { alarm: Some(values), ..sample::hello(1) };
        let offset = UtcOffset::from_minutes(-210).expect("below a day");
        let mut log = CiscoLog { next: u32::MAX, ..CiscoLog::new("hello", source.clone(), offset) };
        let line = line_of(&mut log, &event);
        assert!(line.len() <= LINE_MAX, "{} octets: {line}", line.len());
        assert!(line.ends_with(&format!("[NodeID={}]: {}", source.node_id, sample::ALARM.text)), "{line}");
        assert!(line.contains("...]"), "{line}");
    }
}

/// What stands between the brackets, and what follows: read as a collector does, that knows no escapes.
fn read(line: &str) -> Option<(Vec<&str>, &str)> {
    let (_, mut rest) = line.split_once(": %[")?;
    let mut tags = Vec::new();
    loop {
        let (tag, behind) = rest.split_once(']')?;
        tags.push(tag);
        match behind.strip_prefix('[') {
            Some(more) => rest = more,
            None => return Some((tags, behind.strip_prefix(": ")?)),
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_values_a_line_is_printable_bounded_and_read_back(
        count in 0..3_usize, value in ".{0,900}", at in any::<i64>(), offset in -1439..1440i16,
        node_id in "[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63}){0,3}",
    ) {
        let own = ["Reason", "ConnectionDetail"].get(..count).expect("at most two");
        let names: Vec<&str> = own.iter().chain(&["AppID", "ClusterID", "NodeID"]).copied().collect();
        let parameters = own.iter().map(|name| (*name, value.clone())).collect();
        let event = Hello { at: Timestamp(at), alarm: Some(parameters), ..sample::hello(1) };
        prop_assume!(node_id.len() <= 253);
        let source = AlarmSource { cluster_id: "2".into(), node_id };
        let offset = UtcOffset::from_minutes(offset).expect("below a day");
        let line = line_of(&mut CiscoLog::new("hello", source, offset), &event);
        prop_assert!(line.len() <= LINE_MAX && line.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{line}");
        let (tags, text) = read(&line).expect("tags, a colon and the text");
        let keys: Vec<&str> = tags.iter().map(|tag| tag.split('=').next().unwrap_or_default()).collect();
        prop_assert_eq!(keys, names);
        prop_assert_eq!(text, sample::ALARM.text);
    }
}
