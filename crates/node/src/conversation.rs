//! One connection from its first frame to its end: a `Handshake`, then a `Session`, over any byte stream.
//!
//! ```text
//! Frames -> Handshake -> Claimed -> keeper: Join -> Joined -> Session -> ... -> Bye | Close
//! ```
//! Every end goes through [`Conversation::end`], which writes it into the trace and lets go of the connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ilslab_core::event::{Direction, Happening, Link, PeerAddress};
use ilslab_core::handshake::{Channel, Claimed, Ending, Handshake, Joined, Local, Progress, Refusal, Sizes};
use ilslab_core::limits;
use ilslab_core::outcome::Outcome;
use ilslab_core::registry::{Claim, name_of};
use ilslab_core::session::{Action, Session};
use ilslab_core::snapshot::Snapshot;
use ilslab_wire::Reason;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

use crate::accept::CROWDED_OUT;
use crate::clock;
use crate::dial::cancelled;
use crate::dice::octets;
use crate::era::Era;
use crate::keeper::{JoinError, Keeper, Order, Request};
use crate::stream::{Frames, Read, SCANNED, ended, until};
use crate::tls;

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
    /// Runs it to its end. `joined` is dropped at the join: until then the listener may close the connection.
    pub(crate) async fn run(mut self, channel: Channel, unjoined: Option<oneshot::Receiver<()>>) -> Ended {
        let (mut session, orders, watcher) = match self.join(channel, unjoined).await {
            Ok(established) => established,
            Err(stop) => {
                // The join may have been stored although it was given up here: no link may stay behind.
                self.keeper().send(Request::Gone(self.link.id)).await;
                return self.end(stop, None, false).await;
            }
        };
        let stop = self.talk(&mut session, orders, watcher).await;
        self.keeper().send(Request::Gone(self.link.id)).await;
        self.end(stop, Some(session), true).await
    }

    fn keeper(&self) -> &Keeper {
        &self.era.common.keeper
    }

    async fn note(&self, happening: Happening) {
        self.keeper().note(&self.link, happening).await;
    }

    /// From the first frame to a stored join.
    async fn join(
        &mut self, channel: Channel, unjoined: Option<oneshot::Receiver<()>>,
    ) -> Result<Established, Stop> {
        let era = self.era.clone();
        let crowded_out = async {
            // A door that is dropped belongs to an era that is over, which is told elsewhere.
            let shown_out = match unjoined {
                Some(unjoined) => unjoined.await.is_ok(),
                None => false,
            };
            if !shown_out {
                std::future::pending::<()>().await;
            }
        };
        let bound = self.join_by;
        tokio::select! {
            reason = era.ended() => Err(Stop::Over(reason)),
            () = crowded_out => {
                let refusal = Refusal::late(Outcome::Closed, CROWDED_OUT);
                Err(refusal.into())
            }
            () = until(bound) => Err(Refusal::late(Outcome::Timeout, "the whole handshake took too long").into()),
            joined = self.shake(channel) => joined,
        }
    }

    async fn shake(&mut self, channel: Channel) -> Result<Established, Stop> {
        let claimed = self.handshake(channel).await?;
        let opened = claimed.opened();
        self.note_opened(opened).await;
        let (joined, orders, watcher) = self.claim(claimed).await?;
        let session = Session::new(joined, self.era.config.sync_every, opened.is_some(), clock::monotonic());
        Ok((session, orders, watcher))
    }

    async fn note_opened(&self, opened: Option<Sizes>) {
        if let Some(Sizes { inlen, outlen }) = opened {
            self.note(Happening::Opened { inlen, outlen }).await;
        }
    }

    fn local(&self) -> Local {
        let config = &self.era.config;
        Local {
            info: self.era.own.clone(),
            boxes: config.boxes,
            key: config.sealing_key().cloned(),
            timers: config.timers,
        }
    }

    async fn handshake(&mut self, channel: Channel) -> Result<Box<Claimed>, Stop> {
        let random = octets(&*self.era.common.dice);
        let mut handshake = match self.link.direction {
            Direction::Accepted => Handshake::listen(self.local(), channel, random, clock::monotonic()),
            Direction::Dialled => {
                let (hello, handshake) = Handshake::dial(self.local(), channel, random, clock::monotonic())?;
                self.say(&hello).await?;
                handshake
            }
        };
        self.tell_connected(&handshake).await?;
        loop {
            let frame = match self.frame(&handshake).await? {
                Some(frame) => frame,
                None => return Err(handshake.on_deadline().into()),
            };
            self.delay(&handshake).await;
            match handshake.on_frame(frame, clock::monotonic())? {
                Progress::Send(bytes, next) => {
                    self.say(&bytes).await?;
                    handshake = next;
                }
                Progress::Claimed(claimed) => return Ok(claimed),
            }
        }
    }

    /// Before a failed write is believed, the peer's alert is read: with TLS 1.3 it comes after our Hello.
    async fn say(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match self.frames.write(bytes).await {
            Ok(()) => Ok(()),
            Err(_) if self.untold.is_some() => Ok(()),
            Err(error) => Err(ended(Some(error)).into()),
        }
    }

    /// A dialler on TLS: the first read after the handshake decides what is told.
    async fn tell_connected(&mut self, handshake: &Handshake) -> Result<(), Stop> {
        let Some(connected) = self.untold.clone() else { return Ok(()) };
        let first = tokio::time::timeout_at(handshake.deadline().into(), self.frames.first()).await;
        if let Ok(Err(error)) = &first
            && let Some(rustls::Error::AlertReceived(alert)) = tls::tls_error(error)
        {
            self.untold = None;
            return Err(Stop::Untold(Happening::AlertReceived { alert: u8::from(*alert) }));
        }
        self.note(connected).await;
        self.untold = None;
        Ok(())
    }

    async fn frame(&mut self, handshake: &Handshake) -> Result<Option<ilslab_wire::RawFrame>, Stop> {
        tokio::select! {
            // What has come has come in time, however late this node gets to it.
            biased;
            read = self.frames.read() => match read {
                Read::Frame(frame) => Ok(Some(frame)),
                Read::Bad(refusal) => Err(refusal.into()),
                Read::End(_) if self.is_scan(handshake) => {
                    let (outcome, detail) = (Outcome::NotIls, SCANNED.to_owned());
                    Err(Refusal { outcome, detail, ..Refusal::closed() }.into())
                }
                Read::End(error) => Err(ended(error).into()),
            },
            () = until(handshake.deadline()) => Ok(None),
        }
    }

    /// Nobody has shown or said anything: a hub was only tried for an open port.
    fn is_scan(&self, handshake: &Handshake) -> bool {
        let has_said_nothing = !handshake.has_hello() && self.frames.holds_nothing();
        self.link.direction == Direction::Accepted && self.shown.is_none() && has_said_nothing
    }

    /// A source with too many failures is answered a second late.
    async fn delay(&self, handshake: &Handshake) {
        let (Direction::Accepted, false, Some(source)) =
            (self.link.direction, handshake.has_hello(), self.source())
        else {
            return;
        };
        if self.keeper().ask(|answer| Request::IsLate { source, answer }).await == Some(true) {
            tokio::time::sleep(limits::PASSWORD_FAILURE_DELAY).await;
        }
    }

    fn source(&self) -> Option<IpAddr> {
        match &self.link.peer {
            PeerAddress::Socket(address) => Some(address.ip()),
            PeerAddress::Name(..) => None,
        }
    }

    /// The registry decides, stores and answers; only then is the peer told.
    async fn claim(
        &mut self, claimed: Box<Claimed>,
    ) -> Result<(Joined, mpsc::Receiver<Order>, Watcher), Stop> {
        let claim = self.claim_of(&claimed);
        let (orders, receiver) = mpsc::channel(1);
        let watcher = self.keeper().watch();
        let asked = self.keeper().ask(|answer| Request::Join { claim, orders, answer }).await;
        let refused = match asked.unwrap_or(Err(JoinError::Temporary("the service is stopping".into()))) {
            Ok(()) => {
                let peer = name_of(claimed.info());
                let accepted = claimed.accept();
                let (bytes, joined) = accepted?;
                if let Some(bytes) = bytes {
                    self.write(&bytes).await?;
                }
                let certificate = self.shown.as_ref().map(|shown| shown.display.clone());
                self.note(Happening::Established { peer, certificate }).await;
                self.frames.joined();
                return Ok((joined, receiver, watcher));
            }
            Err(JoinError::Denied(denied)) => denied,
            Err(JoinError::Temporary(error)) => {
                let text = format!("the join cannot be stored now: {error}");
                ilslab_core::admission::Denied::new(Reason::Temporary, text, "")
            }
        };
        Err(self.deny(*claimed, &refused).await.into())
    }

    fn claim_of(&self, claimed: &Claimed) -> Box<Claim> {
        Box::new(Claim {
            connection: self.link.id,
            direction: self.link.direction,
            tls: self.link.tls,
            info: claimed.info().clone(),
            certificate: self.shown.as_ref().map(|shown| shown.names.clone()),
            admitted_by: self.shown.as_ref().and_then(|shown| shown.admitted_by.clone()),
        })
    }

    async fn deny(&mut self, claimed: Claimed, denied: &ilslab_core::admission::Denied) -> Refusal {
        let outcome = Outcome::from(denied.reason);
        let reply = claimed.refuse(denied.reason, &denied.text);
        let claim = denied.claim.clone();
        Refusal { reply, claim, ..Refusal::new(outcome, Ending::Request, denied.text.clone()) }
    }

    /// The joined connection, until something ends it. The end of the era waits for nothing, least of all for a peer
    /// that takes nothing off its connection.
    async fn talk(&mut self, session: &mut Session, orders: mpsc::Receiver<Order>, watcher: Watcher) -> Stop {
        let era = self.era.clone();
        tokio::select! {
            biased;
            reason = era.ended() => Stop::Over(reason),
            stop = self.turns(session, orders, watcher) => stop,
        }
    }

    async fn turns(
        &mut self, session: &mut Session, mut orders: mpsc::Receiver<Order>, mut watcher: Watcher,
    ) -> Stop {
        let mut version = 0;
        loop {
            let snapshot = Arc::clone(&watcher.borrow_and_update());
            session.set_sync_every(snapshot.config.sync_every);
            let due = session.sync_is_due(clock::monotonic());
            if snapshot.vector_version != version || due {
                version = snapshot.vector_version;
                if let Err(stop) = self.send_vector(session, &snapshot).await {
                    return stop;
                }
            }
            let actions = tokio::select! {
                biased;
                Some((reason, text)) = orders.recv() => return self.obey(session, reason, text),
                read = self.frames.read() => match read {
                    Read::Frame(frame) => session.on_frame(frame, clock::monotonic()),
                    Read::Bad(refusal) => return fault(session, refusal).into(),
                    Read::End(error) => return ended(error).into(),
                },
                () = until(session.deadline()) => session.on_tick(clock::monotonic()),
                _ = watcher.changed() => Vec::new(),
            };
            if let Err(stop) = self.act(session, actions).await {
                return stop;
            }
        }
    }

    fn obey(&self, session: &mut Session, reason: Reason, text: String) -> Stop {
        let reply = session.bye(reason, &text);
        Refusal { reply, ..Refusal::new(Outcome::from(reason), Ending::Request, text) }.into()
    }

    async fn send_vector(&mut self, session: &mut Session, snapshot: &Snapshot) -> Result<(), Stop> {
        let vector = snapshot.vector_for(session.peer_id());
        for batch in session.send_vector(vector, clock::monotonic())? {
            self.write(&batch).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.frames.write(bytes).await.map_err(|error| ended(Some(error)))
    }

    async fn act(&mut self, session: &mut Session, actions: Vec<Action>) -> Result<(), Stop> {
        for action in actions {
            match action {
                Action::Send(bytes) => self.write(&bytes).await?,
                Action::Opened(sizes) => self.note_opened(Some(sizes)).await,
                Action::Contact => {
                    let (from, connection) = (session.peer_id(), self.link.id);
                    self.keeper().send(Request::Contact { from, connection }).await;
                }
                Action::Learn { entries, last } => self.learn(session, entries, last).await?,
                Action::Close(refusal) => return Err(refusal.into()),
            }
        }
        Ok(())
    }

    /// What cannot be stored is not taken for known: the peer is asked to come again.
    async fn learn(
        &mut self, session: &mut Session, entries: Vec<ilslab_wire::PeerInfo>, last: bool,
    ) -> Result<(), Stop> {
        let (from, connection) = (session.peer_id(), self.link.id);
        let learned = self
            .keeper()
            .ask(|answer| Request::Learn { from, connection, entries, last, answer })
            .await
            .unwrap_or_else(|| Err("the service is stopping".into()));
        learned.map_err(|error| {
            self.obey(session, Reason::Temporary, format!("it cannot be stored now: {error}"))
        })
    }

    /// The one end of every connection: last words, trace, close.
    async fn end(mut self, stop: Stop, session: Option<Session>, joined: bool) -> Ended {
        let refusal = match self.tell_at_last(stop).await {
            Stop::Refused(refusal) => named(refusal, session.as_ref()),
            Stop::Untold(happening) => {
                self.note(happening).await;
                self.era.common.linger(self.frames.into_stream());
                return Ended { joined, told: None };
            }
            Stop::Over(reason) => {
                let detail = format!("this node ends its connections: {reason}");
                let reply = session.and_then(|mut session| session.bye(reason, ""));
                Refusal { reply, ..Refusal::new(Outcome::Closed, Ending::Request, detail) }
            }
        };
        self.note_opened(refusal.opened).await;
        if let Some(reply) = &refusal.reply {
            self.frames.last_words(reply).await;
        }
        let told = refusal.told;
        self.note(self.farewell(refusal)).await;
        self.era.common.linger(self.frames.into_stream());
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

/// The alarm of a joined peer names its cluster.
fn named(refusal: Refusal, session: Option<&Session>) -> Refusal {
    match session {
        Some(session) if refusal.claim.is_empty() => {
            Refusal { claim: session.peer().cluster_id.to_string(), ..refusal }
        }
        _ => refusal,
    }
}

// spec: WIRE.md#bye - whoever breaks a rule of the framing is told so
fn fault(session: &mut Session, refusal: Refusal) -> Refusal {
    match refusal.outcome {
        Outcome::ProtocolError => {
            Refusal { reply: session.bye(Reason::ProtocolError, &refusal.detail), ..refusal }
        }
        _ => refusal,
    }
}

type Watcher = watch::Receiver<Arc<Snapshot>>;
type Established = (Session, mpsc::Receiver<Order>, Watcher);
