//! Limits and timers, as `--help` shows them: from the constants that are in force, never copied.

use std::fmt::Write;
use std::time::Duration;

use ils_core::limits::{self, Timers};
use ils_core::settings::format_duration;
use ils_wire::{CAP_JOINED, CAP_UNJOINED};
use ilslab_desk::HttpLimits;

/// The table, a row a line.
pub fn table() -> String {
    let mut text = String::from(
        "Limits and timers that a peer meets; --patience multiplies its timers (SECURITY.md has all of them):\n",
    );
    for (what, bound) in rows() {
        // A String takes whatever is written to it.
        let _ = writeln!(text, "  {what:<48} {bound}");
    }
    text
}

fn rows() -> Vec<(&'static str, String)> {
    let (timers, time) = (Timers::default(), |time: Duration| format_duration(time));
    let http = HttpLimits::default();
    let octets = |count: usize| format!("{count} octets");
    vec![
        ("TCP connect", time(timers.connect)),
        ("TLS handshake", time(timers.tls)),
        ("then to the peer's Hello", time(timers.hello)),
        ("then to Register or its answer", time(timers.register)),
        ("from accept or connect to the join, in all", time(timers.handshake)),
        ("silence before a Ping", time(timers.ping)),
        ("silence before a joined peer is dropped", time(timers.idle)),
        ("a write that nobody takes", time(timers.write)),
        ("payload before the join", octets(CAP_UNJOINED)),
        ("payload after the join", octets(CAP_JOINED)),
        ("octets that wait for a joined peer", octets(limits::OUTBOX_OCTETS)),
        ("connections not joined, or half the descriptors", limits::UNJOINED_CONNECTIONS.to_string()),
        ("wrong passwords a minute from one source", limits::PASSWORD_FAILURES_A_MINUTE.to_string()),
        ("... then its Hellos are answered late by", time(limits::PASSWORD_FAILURE_DELAY)),
        ("attempts that do not join, traced whole a minute", limits::STRANGERS_WHOLE.to_string()),
        ("clusters known; advertised", format!("{}; {}", limits::PEERS_KNOWN, limits::PEERS_ADVERTISED)),
        ("HTTP headers", format!("{} octets, {}", http.header_size, time(http.header_time))),
        ("HTTP body", format!("{} octets, {}", http.body_size, time(http.body_time))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of SECURITY.md, by its first words, for each row of the help.
    const ROWS: [(&str, &[&str]); 18] = [
        ("TCP connect", &["name look-up; TCP connect"]),
        ("TLS handshake", &["TLS handshake"]),
        ("then to the peer's Hello", &["then, to the peer's Hello"]),
        ("then to Register or its answer", &["from the Hello to Register or its answer"]),
        ("from accept or connect to the join, in all", &["from accept or connect to the join, in all"]),
        ("silence before a Ping", &["silence before a Ping is sent"]),
        ("silence before a joined peer is dropped", &["silence before a joined peer is dropped"]),
        ("a write that nobody takes", &["a write that nobody takes"]),
        ("payload before the join", &["payload before the join"]),
        ("payload after the join", &["payload after the join"]),
        (
            "octets that wait for a joined peer",
            &["octets that wait for a joined peer; then no further frame is made for it"],
        ),
        (
            "connections not joined, or half the descriptors",
            &["connections not joined; the oldest is closed"],
        ),
        ("wrong passwords a minute from one source", &["wrong passwords from one source, then late"]),
        ("... then its Hellos are answered late by", &["how late its Hellos are answered"]),
        (
            "attempts that do not join, traced whole a minute",
            &["attempts of one source that do not join, traced whole; then counted"],
        ),
        (
            "clusters known; advertised",
            &[
                "clusters known; a join beyond is refused as `peer-limit`",
                "clusters advertised; more raise an alarm",
            ],
        ),
        ("HTTP headers", &["request line and headers"]),
        ("HTTP body", &["body"]),
    ];

    fn numbers(text: &str) -> Vec<String> {
        let text = text.replace(',', "");
        let words = text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    /// The numbers of the one row with this name.
    fn promised(name: &str) -> Vec<String> {
        let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
        let page: Vec<_> = include_str!("../../SECURITY.md").lines().map(cells).collect();
        let rows: Vec<_> = page.iter().filter(|cells| cells.get(1) == Some(&name)).collect();
        let [row] = rows.as_slice() else { panic!("`{name}` is the name of {} rows", rows.len()) };
        numbers(row.get(2).copied().unwrap_or_default())
    }

    #[test]
    fn every_row_has_its_numbers_in_its_row_of_security_md() {
        assert_eq!(rows().len(), ROWS.len());
        for ((what, bound), (known, names)) in rows().into_iter().zip(ROWS) {
            assert_eq!(what, known);
            let wanted: Vec<String> = names.iter().flat_map(|name| promised(name)).collect();
            assert_eq!(numbers(&bound), wanted, "{what}");
        }
    }
}
