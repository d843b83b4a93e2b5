//! The same events for `tracing`: a copy for diagnostics, never the source of a trace or an alarm.

use ils_core::event::{Noted, Subject};
use ils_core::outcome::Outcome;

use crate::prose;

/// Their target. No crate has a name that begins so: a filter for one is none for the other.
pub const EVENTS: &str = "events";

/// One event: a warning where something failed or an alarm begins to stand, else information.
pub(crate) fn emit(noted: &Noted) {
    let message = prose::sentence(noted);
    let alarm = noted.raised.as_ref().map(|alarm| alarm.name.as_str());
    let (connection, peer, outcome) = match &noted.event.subject {
        Subject::Connection { link, happening } => {
            (Some(link.id.0), Some(prose::peer(link)), happening.outcome())
        }
        Subject::Service(_) => (None, None, None),
    };
    let name = outcome.map(|outcome| outcome.to_string());
    let (peer, name) = (peer.as_deref(), name.as_deref());
    if alarm.is_some() || outcome.is_some_and(is_failure) {
        tracing::warn!(target: EVENTS, connection, peer, outcome = name, alarm, "{message}");
    } else {
        tracing::info!(target: EVENTS, connection, peer, outcome = name, alarm, "{message}");
    }
}

fn is_failure(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Joined | Outcome::Closed)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use ils_core::event::{Direction, Happening, ServiceEvent};
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(noted: &Noted) -> Value {
        let screen = Screen::default();
        let writer = screen.clone();
        let log =
            tracing_subscriber::fmt().json().without_time().with_writer(move || writer.clone()).finish();
        // Beside a second subscriber each is asked for itself; one alone would get what the thread that came first to an
        // event had set.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        tracing::subscriber::with_default(log, || emit(noted));
        let text = screen.0.lock().expect("not poisoned").clone();
        serde_json::from_slice(&text).expect("one object")
    }

    #[test]
    fn a_failure_is_a_warning_with_its_outcome_and_alarm() {
        let noted = sample::alarming(Direction::Accepted, false, Happening::OpenFailed);
        let want = json!({
            "level": "WARN", "target": EVENTS,
            "fields": {
                "connection": 5, "peer": "10.106.104.201:37816", "outcome": "password-mismatch",
                "alarm": "ILSPwdAuthenticationFailed", "message": prose::sentence(&noted)
            }
        });
        assert_eq!(logged(&noted), want);
    }

    #[test]
    fn what_goes_well_is_information() {
        let started = sample::service(sample::AT, ServiceEvent::Started);
        let want = json!({"level": "INFO", "target": EVENTS, "fields": {"message": "started"}});
        assert_eq!(logged(&started), want);
        let joined = Happening::Established { peer: sample::peer(&"7".repeat(32)), certificate: None };
        assert_eq!(logged(&sample::noted(Direction::Accepted, true, joined))["level"], "INFO");
    }
}
