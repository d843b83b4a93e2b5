//! From the first frame to a stored join: a `Handshake`, then the registry.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;

use ils_core::admission::Denied;
use ils_core::claim::Claim;
use ils_core::event::{ConnectionId, Direction, Happening, PeerAddress};
use ils_core::handshake::{Channel, Claimed, Ending, Handshake, Joined, Local, Progress, Refusal};
use ils_core::limits;
use ils_core::outcome::Outcome;
use ils_core::registry::name_of;
use ils_core::session::Session;
use ils_core::snapshot::{Peer, Snapshot};
use ils_core::time::Timestamp;
use ils_wire::{RawFrame, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::{Conversation, Established, Stop, Watcher};
use crate::clock;
use crate::dice::octets;
use crate::keeper::{JoinError, ORDERS, Order, Request};
use crate::seat::{CROWDED_OUT, Seat};
use crate::stream::{Read, SCANNED, ended, until};
use crate::tls;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Conversation<S> {
    /// From the first frame to a stored join.
    pub(super) async fn join(
        &mut self, channel: Channel, seat: &mut Option<Seat>,
    ) -> Result<Established, Stop> {
        let era = self.era.clone();
        let crowded_out = async {
            match seat {
                Some(seat) => seat.wanted().await,
                None => pending().await,
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
        Ok((Box::new(session), orders, watcher))
    }

    fn local(&self) -> Local {
        let config = &self.era.config;
        Local {
            entry: self.era.own.clone(),
            identity: self.era.common.identity_key.clone(),
            instance: self.era.common.instance,
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
                self.say(hello).await?;
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
                    self.say(bytes).await?;
                    handshake = next;
                }
                Progress::Claimed(claimed) => return Ok(claimed),
            }
        }
    }

    /// Before a failed write is believed, the peer's alert is read: with TLS 1.3 it comes after our Hello.
    async fn say(&mut self, frame: Vec<u8>) -> Result<(), Stop> {
        match self.frames.write(frame).await {
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

    async fn frame(&mut self, handshake: &Handshake) -> Result<Option<RawFrame>, Stop> {
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
        let watcher = self.keeper().news();
        let refused = match self.ask(&claimed).await {
            Ok(receiver) => {
                let peer = name_of(claimed.info());
                let accepted = claimed.accept();
                let (bytes, joined) = accepted?;
                if let Some(bytes) = bytes {
                    self.write(bytes).await?;
                }
                let certificate = self.shown.as_ref().map(|shown| shown.display.clone());
                self.note(Happening::Established { peer, certificate }).await;
                self.frames.joined();
                return Ok((joined, receiver, watcher));
            }
            Err(denied) => denied,
        };
        Err(self.deny(*claimed, &refused).await.into())
    }

    /// Once more where another life of the same node stands in its place, and may have ended unnoticed.
    async fn ask(&mut self, claimed: &Claimed) -> Result<mpsc::Receiver<Order>, Denied> {
        let first = self.ask_once(claimed, false).await;
        let Err(JoinError::Contested(rival, contact)) = first else { return first.map_err(refused) };
        self.settled(rival, contact).await;
        self.ask_once(claimed, true).await.map_err(refused)
    }

    async fn ask_once(&self, claimed: &Claimed, is_last: bool) -> Result<mpsc::Receiver<Order>, JoinError> {
        let claim = self.claim_of(claimed, is_last);
        let (orders, receiver) = mpsc::channel(ORDERS);
        let asked = self.keeper().ask(|answer| Request::Join { claim, orders, answer }).await;
        asked
            .unwrap_or_else(|| Err(JoinError::Temporary("the service is stopping".into())))
            .map(|()| receiver)
    }

    /// Waits until that connection has ended, or something has come on it; not longer than it has to answer, twice over.
    async fn settled(&self, rival: ConnectionId, asked: Option<Timestamp>) {
        let mut states = self.keeper().watch();
        let is_settled = |snapshot: &Arc<Snapshot>| last_contact(snapshot, rival) != asked;
        let limit = self.era.config.timers.challenge * 2;
        // Late or not, what then stands decides.
        let _ = tokio::time::timeout(limit, states.wait_for(is_settled)).await;
    }

    fn claim_of(&self, claimed: &Claimed, is_last: bool) -> Box<Claim> {
        Box::new(Claim {
            connection: self.link.id,
            direction: self.link.direction,
            tls: self.link.tls,
            entry: claimed.entry().clone(),
            instance: claimed.instance(),
            is_last,
            certificate: self.shown.as_ref().map(|shown| shown.names.clone()),
            shown: self.shown.as_ref().map(|shown| shown.display.clone()),
            admitted_by: self.shown.as_ref().and_then(|shown| shown.admitted_by.clone()),
        })
    }

    async fn deny(&mut self, claimed: Claimed, denied: &Denied) -> Refusal {
        let outcome = Outcome::from(denied.reason);
        let reply = claimed.refuse(denied.reason, &denied.text);
        let claim = denied.claim.clone();
        Refusal { reply, claim, ..Refusal::new(outcome, Ending::Request, denied.text.clone()) }
    }
}

/// When something came last on a joined connection; nothing once it has ended.
fn last_contact(snapshot: &Snapshot, connection: ConnectionId) -> Option<Timestamp> {
    let is_on = |peer: &&Peer| peer.link.as_ref().is_some_and(|link| link.connection == connection);
    snapshot.joined().find(is_on)?.last_contact
}

/// What the peer is told of a claim that does not stand.
fn refused(error: JoinError) -> Denied {
    match error {
        JoinError::Denied(denied) => denied,
        JoinError::Temporary(error) => {
            let text = format!("the join cannot be stored now: {error}");
            Denied::new(Reason::Temporary, text, "")
        }
        // Not of a claim that is the last.
        JoinError::Contested(..) => Denied::new(Reason::Temporary, "another connection is in its place", ""),
    }
}
