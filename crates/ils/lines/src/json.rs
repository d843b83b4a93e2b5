//! The same events and alarms as JSON, one object a line.

use ils_core::alarm::Alarm;
use ils_core::event::{Noted, Subject};
use ilslab_names::ascii_json;
use ilslab_time::rfc3339;
use ilslab_trace::AlarmSource;
use serde::{Serialize, Serializer};

use crate::catalogue::{alarm_text, entry};

/// An alarm as the JSON log shows it. Fields are serialised in this order, parameters in the catalogue's.
#[derive(Clone, Debug, Serialize)]
pub struct AlarmRecord {
    /// Its name.
    pub name: &'static str,
    /// What it stands for.
    pub key: String,
    /// Syslog severity.
    pub severity: u8,
    /// Name and value, as they are: JSON does the quoting.
    #[serde(serialize_with = "as_object")]
    pub parameters: Vec<(&'static str, String)>,
    /// RFC 3339, UTC, milliseconds.
    pub since: String,
    /// From `%UC_ILS` on, as in syslog.
    pub text: String,
}

/// An alarm, for JSON.
pub fn alarm_json(alarm: &Alarm, source: &AlarmSource) -> AlarmRecord {
    AlarmRecord {
        name: alarm.name.as_str(),
        key: alarm.key.clone(),
        severity: entry(alarm.name).severity,
        parameters: alarm.parameters.clone(),
        since: rfc3339(alarm.since),
        text: alarm_text(alarm, source),
    }
}

fn as_object<S: Serializer>(parameters: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(parameters.iter().map(|(name, value)| (name, value)))
}

/// An event with its time in words; otherwise the shape of [`Noted`].
#[derive(Serialize)]
struct Record<'a> {
    at: String,
    #[serde(flatten)]
    subject: &'a Subject,
    raised: Option<AlarmRecord>,
    alarmed_connections: usize,
}

/// An event as one line of JSON, without its line break. Pure ASCII: what is not is written as `\uXXXX`, so that a
/// terminal shows it and nothing else happens.
pub fn line(noted: &Noted, source: &AlarmSource) -> String {
    let record = Record {
        at: rfc3339(noted.event.at),
        subject: &noted.event.subject,
        raised: noted.raised.as_ref().map(|alarm| alarm_json(alarm, source)),
        alarmed_connections: noted.alarmed_connections,
    };
    let json = serde_json::to_string(&record);
    ascii_json(&json.expect("events have string keys and no fallible serialisers"))
}

#[cfg(test)]
mod tests {
    use ils_core::event::{Direction, Happening, ServiceEvent};
    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    fn read(line: &str) -> Value {
        serde_json::from_str(line).expect("valid JSON")
    }

    #[test]
    fn an_event_of_a_connection_keeps_its_shape_and_gets_a_time_in_words() {
        let noted = sample::alarming(Direction::Accepted, false, Happening::OpenFailed);
        let line = line(&noted, &sample::source());
        assert_eq!(
            read(&line),
            json!({
                "at": "2016-08-26T16:58:42.888Z",
                "connection": {
                    "link": {
                        "id": 5, "direction": "accepted", "tls": false, "revision": 1,
                        "peer": "10.106.104.201:37816", "local": "10.106.104.220:7502"
                    },
                    "step": "open-failed"
                },
                "raised": {
                    "name": "ILSPwdAuthenticationFailed", "key": "10.106.104.201", "severity": 3,
                    "parameters": {"IPAddress": "10.106.104.201"},
                    "since": "2016-08-26T16:58:42.888Z",
                    "text": alarm_text(noted.raised.as_ref().expect("raised"), &sample::source())
                },
                "alarmed_connections": 1
            })
        );
        assert!(line.starts_with(r#"{"at":"2016-08-26T16:58:42.888Z","connection":"#), "{line}");
    }

    #[test]
    fn an_event_of_the_service_has_no_connection() {
        let noted = sample::service(sample::AT, ServiceEvent::PortInUse { port: 7501 });
        let want = json!({
            "at": "2016-08-26T16:58:42.888Z", "service": {"step": "port-in-use", "port": 7501},
            "raised": null, "alarmed_connections": 0
        });
        assert_eq!(read(&line(&noted, &sample::source())), want);
    }

    #[test]
    fn a_name_comes_back_as_it_was_and_the_line_is_ascii() {
        let name = "a\u{202e}\u{1f600}\u{7f}\n\"b";
        let noted = sample::noted(Direction::Accepted, true, Happening::NotKnown { name: name.into() });
        let line = line(&noted, &sample::source());
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert_eq!(read(&line)["connection"]["name"], name);
    }
}
