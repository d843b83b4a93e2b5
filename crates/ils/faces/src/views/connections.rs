//! `GET connections`: attempts with their steps and outcome, oldest first.

use std::net::SocketAddr;

use ils_core::event::{ConnectionId, Direction, Happening, PeerAddress, PeerName};
use ils_core::outcome::Outcome;
use ils_core::snapshot::{Attempt, Snapshot, Step};
use serde::Serialize;

use ilslab_time::Rfc3339;

/// The attempts that the node remembers.
#[derive(Serialize)]
pub(crate) struct ConnectionsView<'a> {
    connections: Vec<ConnectionView<'a>>,
}

#[derive(Serialize)]
struct ConnectionView<'a> {
    id: ConnectionId,
    direction: Direction,
    tls: bool,
    revision: u64,
    peer: &'a PeerAddress,
    local: Option<SocketAddr>,
    begun: Rfc3339,
    steps: Vec<StepView<'a>>,
    outcome: Option<Outcome>,
    joined_to: Option<&'a PeerName>,
    ended: Option<Ended>,
}

#[derive(Serialize)]
struct StepView<'a> {
    at: Rfc3339,
    #[serde(flatten)]
    happening: &'a Happening,
}

#[derive(Serialize)]
struct Ended {
    at: Rfc3339,
    outcome: Outcome,
}

impl<'a> ConnectionsView<'a> {
    /// The attempts as of this moment.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self { connections: snapshot.attempts.iter().map(|attempt| ConnectionView::new(attempt)).collect() }
    }
}

impl<'a> ConnectionView<'a> {
    fn new(attempt: &'a Attempt) -> Self {
        let link = &attempt.link;
        Self {
            id: link.id,
            direction: link.direction,
            tls: link.tls,
            revision: link.revision,
            peer: &link.peer,
            local: link.local,
            begun: Rfc3339(attempt.link.begun),
            steps: attempt.steps.iter().map(StepView::new).collect(),
            outcome: attempt.outcome,
            joined_to: attempt.peer.as_ref(),
            ended: attempt.ended.map(|(at, outcome)| Ended { at: Rfc3339(at), outcome }),
        }
    }
}

impl<'a> StepView<'a> {
    fn new(step: &'a Step) -> Self {
        Self { at: Rfc3339(step.at), happening: &step.happening }
    }
}
