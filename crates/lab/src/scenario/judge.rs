//! From what the two APIs show to what is said of a scenario. Pure: a canned answer is judged like a live one.

use std::time::Duration;

use ils_core::outcome::Outcome;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::catalogue::Scenario;
use crate::process::Side;

/// The part of `GET connections` that counts here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Connections {
    connections: Vec<Attempt>,
}

/// One attempt to join.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Attempt {
    id: u64,
    /// Of the node's configuration when the attempt began.
    revision: u64,
    outcome: Option<Outcome>,
}

/// From which attempt on a node is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Since {
    /// Begun with this configuration or a later one.
    pub(crate) revision: u64,
    /// Attempts up to this number may have been refused a connection only because the other node had not changed yet:
    /// such a refusal says nothing.
    pub(crate) refusals_until: u64,
}

impl Connections {
    /// Reads the answer of `GET connections`.
    ///
    /// # Errors
    /// What is odd about it.
    pub(crate) fn read(answer: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(answer)
    }

    /// The number of the latest attempt; 0 where there is none.
    pub(crate) fn latest(&self) -> u64 {
        self.connections.iter().map(|attempt| attempt.id).max().unwrap_or(0)
    }

    /// Did any attempt join?
    pub(crate) fn have_joined(&self) -> bool {
        self.connections.iter().any(|attempt| attempt.outcome == Some(Outcome::Joined))
    }

    /// How the first attempt since then ended; nothing while it goes on or has not begun.
    pub(crate) fn seen(&self, since: Since) -> Option<Outcome> {
        let says_nothing = |attempt: &Attempt| {
            attempt.id <= since.refusals_until && attempt.outcome == Some(Outcome::RefusedConnection)
        };
        let judged = self.connections.iter().filter(|attempt| attempt.revision >= since.revision);
        judged.filter(|attempt| !says_nothing(attempt)).min_by_key(|attempt| attempt.id)?.outcome
    }
}

/// One side of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedSide {
    /// As documented.
    pub wanted: Outcome,
    /// As it was; nothing where no attempt came to an end in time.
    pub seen: Option<Outcome>,
}

impl JudgedSide {
    /// Is what was seen what was wanted?
    pub fn is_as_wanted(&self) -> bool {
        self.seen == Some(self.wanted)
    }
}

/// What a scenario came to. Its JSON is `{"id", "hub", "spoke", "as_expected", "seconds"}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Which scenario.
    pub id: &'static str,
    /// The hub's side.
    pub hub: JudgedSide,
    /// The spoke's side.
    pub spoke: JudgedSide,
    /// Are both as documented?
    pub as_expected: bool,
    /// From the start of the first daemon to the verdict.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
}

impl Judged {
    /// Holds what was seen against what is documented.
    pub(crate) fn new(
        scenario: &Scenario, hub: Option<Outcome>, spoke: Option<Outcome>, took: Duration,
    ) -> Self {
        let side = |wanted, seen| JudgedSide { wanted, seen };
        let (hub, spoke) = (side(scenario.wanted.hub, hub), side(scenario.wanted.spoke, spoke));
        Self { id: scenario.id, hub, spoke, as_expected: hub.is_as_wanted() && spoke.is_as_wanted(), took }
    }

    /// One side of it.
    pub fn side(&self, side: Side) -> JudgedSide {
        match side {
            Side::Hub => self.hub,
            Side::Spoke => self.spoke,
        }
    }

    /// Was there no end in time on some side?
    pub fn has_timed_out(&self) -> bool {
        self.hub.seen.is_none() || self.spoke.seen.is_none()
    }

    /// 0 as documented, 1 otherwise, 5 where time ran out.
    pub fn exit_code(&self) -> u8 {
        match (self.as_expected, self.has_timed_out()) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 5,
        }
    }
}

/// Seconds with three decimals.
fn in_seconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    serializer.serialize_f64(Duration::from_millis(millis).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    fn connections(rows: &[(u64, u64, Option<&str>)]) -> Connections {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(id, revision, outcome)| {
                json!({"id": id, "revision": revision, "outcome": outcome, "direction": "dialled", "steps": []})
            })
            .collect();
        Connections::read(json!({"connections": rows})).expect("an answer")
    }

    #[test]
    fn the_first_attempt_since_the_change_is_judged() {
        const REFUSED: Option<&str> = Some("refused-connection");
        const JOINED: Option<&str> = Some("joined");
        const REJECTED: Option<&str> = Some("peer-certificate-rejected:18");
        for (case, rows, revision, refusals_until, want) in [
            ("no attempt yet", &[][..], 1, 0, None),
            ("one that goes on", &[(1, 1, None)], 1, 0, None),
            ("one that ended", &[(1, 1, REJECTED)], 1, 0, REJECTED),
            ("the first of several", &[(1, 1, REJECTED), (2, 1, JOINED)], 1, 0, REJECTED),
            ("in the order of their numbers", &[(2, 1, JOINED), (1, 1, REJECTED)], 1, 0, REJECTED),
            ("a later one does not overtake", &[(1, 1, None), (2, 1, JOINED)], 1, 0, None),
            ("one of before the change", &[(1, 1, JOINED)], 2, 0, None),
            ("one of after the change", &[(1, 1, JOINED), (3, 2, REJECTED)], 2, 0, REJECTED),
            ("one of a later change", &[(1, 1, JOINED), (3, 3, REJECTED)], 2, 0, REJECTED),
            ("a refusal that counts", &[(1, 1, REFUSED), (2, 1, JOINED)], 1, 0, REFUSED),
            (
                "refusals of before the other's change",
                &[(1, 2, REFUSED), (2, 2, REFUSED), (3, 2, JOINED)],
                2,
                2,
                JOINED,
            ),
            ("a refusal of after it", &[(1, 2, REFUSED), (2, 2, REFUSED), (3, 2, JOINED)], 2, 1, REFUSED),
            ("a join during the other's change", &[(1, 2, REFUSED), (2, 2, JOINED)], 2, 2, JOINED),
        ] {
            let since = Since { revision, refusals_until };
            let seen = connections(rows).seen(since).map(|outcome| outcome.to_string());
            assert_eq!(seen.as_deref(), want, "{case}");
        }
    }

    #[test]
    fn the_latest_attempt_and_a_join_are_found() {
        let none = connections(&[]);
        let some = connections(&[(1, 1, Some("closed")), (7, 1, Some("joined")), (4, 1, None)]);
        assert_eq!((none.latest(), none.have_joined()), (0, false));
        assert_eq!((some.latest(), some.have_joined()), (7, true));
    }

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        for (case, answer) in [
            ("nothing", json!(null)),
            ("another object", json!({"peers": []})),
            ("no number", json!({"connections": [{"revision": 1, "outcome": null}]})),
            (
                "an outcome that is none",
                json!({"connections": [{"id": 1, "revision": 1, "outcome": "fine"}]}),
            ),
        ] {
            assert!(Connections::read(answer).is_err(), "{case}");
        }
    }

    #[test]
    fn the_result_is_documented_json_with_an_exit_code() {
        let scenario = Scenario::find("tls-password/spoke-self-signed").expect("a scenario");
        let took = Duration::from_micros(412_999);
        let rejected = Outcome::PeerCertificateRejected(Some(18));
        let judge = |hub, spoke| Judged::new(scenario, hub, spoke, took);
        let as_documented = judge(Some(rejected), Some(Outcome::OwnCertificateRejected));
        assert_eq!(
            serde_json::to_string(&as_documented).expect("JSON"),
            r#"{"id":"tls-password/spoke-self-signed","hub":{"wanted":"peer-certificate-rejected:18","seen":"peer-certificate-rejected:18"},"spoke":{"wanted":"own-certificate-rejected","seen":"own-certificate-rejected"},"as_expected":true,"seconds":0.412}"#
        );
        for (case, judged, want) in [
            ("as documented", as_documented, 0),
            (
                "without the number",
                judge(Some(Outcome::PeerCertificateRejected(None)), Some(Outcome::OwnCertificateRejected)),
                1,
            ),
            ("one side differs", judge(Some(rejected), Some(Outcome::Closed)), 1),
            ("no end on one side", judge(Some(rejected), None), 5),
            ("no end at all", judge(None, None), 5),
        ] {
            assert_eq!((judged.exit_code(), judged.as_expected), (want, want == 0), "{case}");
        }
        let unseen = serde_json::to_value(judge(None, None)).expect("JSON");
        assert_eq!(unseen["hub"], json!({"wanted": "peer-certificate-rejected:18", "seen": null}));
    }
}
