//! An event in the words of somebody who learns ILS: what `--log text` prints.

use std::collections::BTreeMap;

use ils_core::event::{
    Admitted, Direction, Happening, Link, Noted, PeerAddress, PeerName, ServiceEvent, Subject,
};
use ils_core::wire::Fqdn;
use ilslab_names::Source;
use ilslab_names::{escape, escape_name};
use ilslab_time::{TimeOfDay, UtcOffset};
use ilslab_trace::AlarmSource;

use crate::catalogue::alarm_text;
use crate::openssl::TlsError;

/// Time, arrow (`->` we dialled, `<-` the peer did, `--` the service itself), who, what; and a line `!!` for an alarm
/// that begins to stand. No line breaks at the ends.
pub fn lines(noted: &Noted, source: &AlarmSource, offset: UtcOffset) -> Vec<String> {
    let time = TimeOfDay::of(noted.event.at, offset);
    let what = match &noted.event.subject {
        Subject::Connection { link, happening } => {
            let arrow = if link.direction == Direction::Dialled { "->" } else { "<-" };
            format!("{arrow} {} #{} {}", peer(link), link.id.0, of_connection(link, happening))
        }
        Subject::Service(event) => format!("-- service {}", of_service(event)),
    };
    let alarm = noted.raised.as_ref().map(|alarm| format!("{time} !! {}", alarm_text(alarm, source)));
    [format!("{time} {what}")].into_iter().chain(alarm).collect()
}

/// What happened, in one sentence without time and place.
pub fn sentence(noted: &Noted) -> String {
    match &noted.event.subject {
        Subject::Connection { link, happening } => of_connection(link, happening),
        Subject::Service(event) => of_service(event),
    }
}

fn of_connection(link: &Link, happening: &Happening) -> String {
    match happening {
        Happening::Requested if link.tls => "connecting, with TLS certificates".into(),
        Happening::Requested => "connecting, with the password and without TLS".into(),
        Happening::NotConnected { outcome, error, .. } => {
            format!("no TCP connection ({outcome}): {}", escape(error))
        }
        Happening::PeerRejected { rejection } => {
            format!("the peer's certificate is refused: {}", escape(&rejection.to_string()))
        }
        Happening::AlertReceived { alert } => {
            format!(
                "the peer ended the TLS handshake with alert {alert}: {}",
                TlsError::alert(*alert).reason()
            )
        }
        Happening::TlsFailed { outcome, error } => {
            format!("the TLS handshake failed ({outcome}): {}", escape(error))
        }
        Happening::NotKnown { name } => format!(
            "turned away: the certificate is not in tomcat-trust, and its name {} is not in the PeerInfoVector{}",
            escape_name(name),
            if is_host_name(name) { "" } else { ": it is no host name" }
        ),
        Happening::Accepted { admitted } => format!("connection accepted{}", because(admitted.as_ref())),
        Happening::Connected { admitted } => format!("connected{}", because(admitted.as_ref())),
        Happening::Opened { .. } => "the first sealed frame opens: both sides have the same password".into(),
        Happening::OpenFailed => {
            "a sealed frame does not open: the passwords differ; closing without a word".into()
        }
        Happening::Established { peer, .. } => format!("joined: {}", name(peer)),
        Happening::ClosedHere { outcome, detail, .. } => {
            format!("closed by this node ({outcome}): {}", escape(detail))
        }
        Happening::ClosedThere { outcome, detail } => {
            format!("closed by the peer ({outcome}): {}", escape(detail))
        }
    }
}

/// One that is none can be in no PeerInfoVector.
fn is_host_name(name: &str) -> bool {
    name.parse::<Fqdn>().is_ok()
}

fn because(admitted: Option<&Admitted>) -> String {
    match admitted {
        None => String::new(),
        Some(Admitted::InStore) => ": the peer's certificate is in tomcat-trust".into(),
        Some(Admitted::RootUploaded) => {
            ": the peer's CA is in tomcat-trust, and the password is still to decide".into()
        }
        Some(Admitted::KnownFqdn(fqdn)) => {
            format!(": the FQDN {} is in the PeerInfoVector", escape_name(fqdn))
        }
    }
}

/// What happened to the service, as a sentence.
pub fn of_service(event: &ServiceEvent) -> String {
    match event {
        ServiceEvent::Started => "started".into(),
        ServiceEvent::Restarted => "restarted: certificates are read again, alarms are cleared".into(),
        ServiceEvent::Stopped => "stopped".into(),
        ServiceEvent::Configured { keys } => format!("settings changed: {}", escape(&keys.join(", "))),
        ServiceEvent::OverrideDropped { key } => {
            format!(
                "the stored change of {} is dropped, since its start-up value is another now",
                escape(key)
            )
        }
        ServiceEvent::IdentityGivenUp { former, own } => format!(
            "the peer ID {former} is given up: this node is {own} from now on, the fingerprint of the key in \
             platform/identity.key; where the old one is known, `disconnect` forgets it"
        ),
        ServiceEvent::Forgotten { peer } => format!("forgot {}", name(peer)),
        ServiceEvent::PeerCount { count } => format!("the network has {count} clusters"),
        ServiceEvent::StoreFailed { error } => format!("the database took no change: {}", escape(error)),
        ServiceEvent::StoreRecovered => "the database takes changes again".into(),
        ServiceEvent::Strangers { source, attempts, outcomes } => {
            strangers(source.as_ref(), *attempts, outcomes)
        }
        ServiceEvent::PortInUse { port } => format!("port {port} is taken"),
        ServiceEvent::ListenFailed { port, error } => {
            format!("port {port} cannot be opened: {}", escape(error))
        }
    }
}

/// How many connections were not written down one by one, and what became of them.
pub(crate) fn strangers(
    source: Option<&Source>, attempts: u64, outcomes: &BTreeMap<&'static str, u64>,
) -> String {
    let from = source.map_or_else(|| "other sources".to_owned(), Source::to_string);
    let outcomes: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
    format!(
        "{attempts} more connections from {from} did not join and are counted, not traced: {}",
        outcomes.join(", ")
    )
}

fn name(peer: &PeerName) -> String {
    format!("cluster {} ({})", peer.cluster_id, peer.fqdn)
}

/// The peer's address, fit for a terminal.
pub(crate) fn peer(link: &Link) -> String {
    match &link.peer {
        PeerAddress::Socket(address) => address.to_string(),
        PeerAddress::Name(host, port) => format!("{}:{port}", escape(host)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn shown(noted: &Noted) -> Vec<String> {
        lines(noted, &sample::source(), UtcOffset::UTC)
    }

    #[test]
    fn an_event_reads_as_time_arrow_who_and_what() {
        let dialled = sample::noted(Direction::Dialled, true, Happening::Requested);
        assert_eq!(
            shown(&dialled),
            ["16:58:42.888 -> 10.106.104.220:7501 #5 connecting, with TLS certificates"]
        );
        let joined = sample::peer("f7f885dcaca845f18f3b7e583ff6c457");
        let joined = Happening::Established { peer: joined, certificate: None };
        let accepted = sample::noted(Direction::Accepted, false, joined);
        let want = "16:58:42.888 <- 10.106.104.201:37816 #5 joined: cluster 1 (cucm11.adfs.uccs.com)";
        assert_eq!(shown(&accepted), [want]);
        let service = sample::service(sample::AT, ServiceEvent::Started);
        assert_eq!(shown(&service), ["16:58:42.888 -- service started"]);
    }

    #[test]
    fn an_alarm_that_begins_to_stand_has_a_line_of_its_own() {
        let lines = shown(&sample::alarming(Direction::Accepted, false, Happening::OpenFailed));
        assert!(lines[0].contains("the passwords differ"), "{lines:?}");
        assert!(lines[1].starts_with("16:58:42.888 !! %UC_ILS-3-ILSPwdAuthenticationFailed: "), "{lines:?}");
        assert_eq!(lines.len(), 2);
        assert_eq!(shown(&sample::noted(Direction::Accepted, false, Happening::OpenFailed)).len(), 1);
    }

    #[test]
    fn strangers_that_are_counted_are_one_sentence_with_their_outcomes() {
        let outcomes = [("closed", 1), ("not-ils", 41)].into();
        let source = Some(Source::of("2001:db8::7".parse().expect("an address")));
        for (source, from) in [(source, "2001:db8::/64"), (None, "other sources")] {
            let counted =
                ServiceEvent::Strangers { source, attempts: 42, outcomes: BTreeMap::clone(&outcomes) };
            let want = format!(
                "16:58:42.888 -- service 42 more connections from {from} did not join and are counted, not traced: closed 1, not-ils 41"
            );
            assert_eq!(shown(&sample::service(sample::AT, counted)), [want]);
        }
    }

    #[test]
    fn foreign_text_reaches_no_terminal_as_it_is() {
        let name = "evil\u{1b}[2J\nroot".to_owned();
        let lines = shown(&sample::noted(Direction::Accepted, true, Happening::NotKnown { name }));
        assert!(lines[0].contains("its name evil\\x1b[2J\\x0aroot is not"), "{lines:?}");
    }

    #[test]
    fn a_name_is_told_as_it_was_compared_with_its_blanks_and_that_it_is_no_host_name() {
        let none = ": it is no host name";
        for (name, told, ending) in [
            ("cucm-pub.corp.example", "cucm-pub.corp.example", "PeerInfoVector"),
            ("cucm-pub.corp.example ", "cucm-pub.corp.example\\x20", none),
            ("DNS:cucm-pub.corp.example", "DNS:cucm-pub.corp.example", none),
            ("a.corp.example,b.corp.example", "a.corp.example,b.corp.example", none),
        ] {
            let noted = sample::noted(Direction::Accepted, true, Happening::NotKnown { name: name.into() });
            let lines = shown(&noted);
            assert!(lines[0].contains(&format!("its name {told} is not")), "{lines:?}");
            assert!(lines[0].ends_with(ending), "{lines:?}");
        }
    }
}
