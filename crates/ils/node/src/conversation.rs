//! One connection from its first frame to its end: a `Handshake`, then a `Session`, over any byte stream.
//!
//! ```text
//! Frames -> Handshake -> Claimed -> keeper: Join -> Joined -> Session -> ... -> Bye | Close
//! ```
//! Every end goes through [`Conversation::end`], which writes it into the trace and lets go of the connection.

mod join;
mod talk;

use std::sync::Arc;
use std::time::Instant;

use ils_core::event::{Happening, Link};
use ils_core::handshake::{Channel, Ending, Refusal, Sizes};
use ils_core::outcome::Outcome;
use ils_core::session::Session;
use ils_core::snapshot::Snapshot;
use ils_wire::Reason;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::era::Era;
use crate::keeper::{Keeper, Order, Request};
use crate::seat::Seat;
use crate::stream::{Frames, ended};

/// What TLS found out about the peer.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    /// FQDNs of its certificate.
    pub(crate) names: Vec<String>,
    /// The name that alarms give it.
    pub(crate) display: String,
    /// The FQDN that let it in, where one did.
    pub(crate) admitted_by: Option<String>,
}

/// How a conversation ended, for whoever dialled.
pub(crate) struct Ended {
    /// It had joined.
    pub(crate) joined: bool,
    /// The peer said why.
    pub(crate) told: Option<Reason>,
}

/// One connection, with all that its end must tell.
pub(crate) struct Conversation<S> {
    pub(crate) era: Era,
    pub(crate) link: Link,
    pub(crate) frames: Frames<S>,
    pub(crate) shown: Option<Shown>,
    /// A dialler on TLS tells of its connection when the first read brings no fatal alert.
    pub(crate) untold: Option<Happening>,
    /// Upper bound for everything up to the join.
    pub(crate) join_by: Instant,
}

/// Why a phase did not come to its good end.
enum Stop {
    /// A rule, a timer or the peer ended it.
    Refused(Refusal),
    /// It ended before a connection was told: by an alert after the handshake, or by a change of settings.
    Untold(Happening),
    /// The era is over.
    Over(Reason),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Conversation<S> {
    /// Runs it to its end. The seat is let go at the join: until then the place may go to another connection.
    pub(crate) async fn run(mut self, channel: Channel, mut seat: Option<Seat>) -> Ended {
        // Each phase has its own room, and gives it back: connections are many, and most of their life is one of these.
        let (mut session, orders, watcher) = match Box::pin(self.join(channel, &mut seat)).await {
            Ok(established) => established,
            Err(stop) => {
                // The join may have been stored although it was given up here: no link may stay behind.
                self.keeper().send(Request::Gone(self.link.id)).await;
                return Box::pin(self.end(stop, None, (false, seat))).await;
            }
        };
        drop(seat);
        let stop = Box::pin(self.talk(&mut session, orders, watcher)).await;
        self.keeper().send(Request::Gone(self.link.id)).await;
        Box::pin(self.end(stop, Some(session), (true, None))).await
    }

    fn keeper(&self) -> &Keeper {
        &self.era.common.keeper
    }

    async fn note(&self, happening: Happening) {
        self.keeper().note(&self.link, happening).await;
    }

    async fn note_opened(&self, opened: Option<Sizes>) {
        if let Some(Sizes { inlen, outlen }) = opened {
            self.note(Happening::Opened { inlen, outlen }).await;
        }
    }

    async fn write(&mut self, frame: Vec<u8>) -> Result<(), Refusal> {
        self.frames.write(frame).await.map_err(|error| ended(Some(error)))
    }

    /// The one end of every connection: last words, trace, close.
    async fn end(
        mut self, stop: Stop, session: Option<Box<Session>>, (joined, seat): (bool, Option<Seat>),
    ) -> Ended {
        let mut refusal = match self.tell_at_last(stop).await {
            Stop::Refused(refusal) => named(refusal, session.as_deref()),
            Stop::Untold(happening) => {
                self.note(happening).await;
                self.era.common.linger(self.frames.into_stream(), seat);
                return Ended { joined, told: None };
            }
            Stop::Over(reason) => {
                let detail = format!("this node ends its connections: {reason}");
                let reply = session.and_then(|mut session| session.bye(reason, ""));
                Refusal { reply, ..Refusal::new(Outcome::Closed, Ending::Request, detail) }
            }
        };
        self.note_opened(refusal.opened).await;
        if let Some(reply) = refusal.reply.take() {
            self.frames.last_words(reply).await;
        }
        let told = refusal.told;
        self.note(self.farewell(refusal)).await;
        self.era.common.linger(self.frames.into_stream(), seat);
        Ended { joined, told }
    }

    /// A dialler on TLS that was interrupted while its first read waited: a change of settings cancels the attempt,
    /// whatever else ends it ends a connection, which is told first.
    async fn tell_at_last(&mut self, stop: Stop) -> Stop {
        match (self.untold.take(), stop) {
            (Some(_), Stop::Over(_)) => Stop::Untold(cancelled()),
            (Some(connected), stop) => {
                self.note(connected).await;
                stop
            }
            (None, stop) => stop,
        }
    }

    fn farewell(&self, refusal: Refusal) -> Happening {
        let Refusal { outcome, detail, ending, claim, .. } = refusal;
        match ending {
            Ending::Silent => Happening::OpenFailed,
            Ending::Indication => Happening::ClosedThere { outcome, detail },
            Ending::Request => {
                let certificate = self.shown.as_ref().map(|shown| shown.display.clone());
                Happening::ClosedHere { outcome, detail, claim, certificate }
            }
        }
    }
}

/// An attempt that a change of settings overtook: no failure to raise an alarm for.
pub(crate) fn cancelled() -> Happening {
    let error = "cancelled: this node's settings have changed".to_owned();
    Happening::NotConnected { outcome: Outcome::Closed, error, quiet: true }
}

/// The alarm of a joined peer names its cluster.
fn named(refusal: Refusal, session: Option<&Session>) -> Refusal {
    match session {
        Some(session) if refusal.claim.is_empty() => {
            Refusal { claim: session.peer().cluster_id.to_string(), ..refusal }
        }
        _ => refusal,
    }
}

type Watcher = watch::Receiver<Arc<Snapshot>>;
type Established = (Box<Session>, mpsc::Receiver<Order>, Watcher);
