//! A joined connection: PeerInfoVector both ways, changes as they come, Ping and Pong, Bye. Sans-IO.
//!
//! ```text
//! RawFrame -> [`Session::on_frame`] -> Vec<[`Action`]> -> bytes to the peer, commands to the registry
//! ```

use std::time::{Duration, Instant};

use ils_wire::{Message, PeerId, PeerInfo, RawFrame, Reason, vector_batches};

use crate::handshake::{Codec, Joined, Refusal, Sizes};
use crate::limits::Timers;
use crate::outcome::Outcome;

/// What the owner of the connection is to do, in this order.
#[derive(Debug)]
pub enum Action {
    /// Write these bytes.
    Send(Vec<u8>),
    /// The first sealed frame of this connection opened.
    Opened(Sizes),
    /// The peer is there.
    Contact,
    /// A batch of the peer's PeerInfoVector; with `last`, it is whole.
    Learn {
        /// What it holds.
        entries: Vec<PeerInfo>,
        /// The vector ends with it.
        last: bool,
    },
    /// The connection ends.
    Close(Refusal),
}

/// One joined connection.
pub struct Session {
    codec: Codec,
    peer: PeerInfo,
    timers: Timers,
    sync_every: Duration,
    first_opened: bool,
    last_heard: Instant,
    last_sent: Instant,
    last_sync: Instant,
    pings: u64,
}

impl Session {
    /// A session over a joined connection. `opened`: its first sealed frame has been noted already.
    pub fn new(joined: Joined, sync_every: Duration, opened: bool, now: Instant) -> Self {
        Self {
            codec: joined.codec,
            peer: joined.peer,
            timers: joined.timers,
            sync_every,
            first_opened: opened,
            last_heard: now,
            last_sent: now,
            last_sync: now,
            pings: 0,
        }
    }

    /// With whom.
    pub fn peer(&self) -> &PeerInfo {
        &self.peer
    }

    /// The peer's ID.
    pub fn peer_id(&self) -> PeerId {
        self.peer.peer_id
    }

    /// What this node knows, in batches under the frame cap; the last one says so.
    ///
    /// # Errors
    /// Where a message cannot be sealed any more.
    pub fn send_vector(&mut self, vector: Vec<PeerInfo>, now: Instant) -> Result<Vec<Vec<u8>>, Refusal> {
        self.last_sent = now;
        self.last_sync = now;
        vector_batches(vector).into_iter().map(|batch| self.codec.encode(&batch)).collect()
    }

    /// `Synchronize Clusters Every` may change while the connection stands.
    pub fn set_sync_every(&mut self, every: Duration) {
        self.sync_every = every;
    }

    /// Is the interval of `Synchronize Clusters Every` over?
    pub fn sync_is_due(&self, now: Instant) -> bool {
        now >= self.last_sync + self.sync_every
    }

    /// The connection's last words.
    pub fn bye(&mut self, reason: Reason, text: &str) -> Option<Vec<u8>> {
        self.codec.encode(&Message::bye(reason, text)).ok()
    }

    /// When [`Session::on_tick`] is due next.
    pub fn deadline(&self) -> Instant {
        let silent = self.last_heard + self.timers.idle;
        let ping = self.last_sent + self.timers.ping;
        silent.min(ping).min(self.last_sync + self.sync_every)
    }

    /// Time has passed: keeps the connection alive, or ends it.
    pub fn on_tick(&mut self, now: Instant) -> Vec<Action> {
        if now >= self.last_heard + self.timers.idle {
            let detail = format!("nothing came for {} s", self.timers.idle.as_secs());
            let reply = self.bye(Reason::Unresponsive, &detail);
            let claim = self.peer.cluster_id.to_string();
            return vec![Action::Close(Refusal {
                claim,
                reply,
                ..Refusal::late(Outcome::Unresponsive, detail)
            })];
        }
        if now < self.last_sent + self.timers.ping {
            return Vec::new();
        }
        self.last_sent = now;
        self.pings += 1;
        vec![self.send(&Message::Ping(self.pings))]
    }

    /// A frame has come.
    pub fn on_frame(&mut self, frame: RawFrame, now: Instant) -> Vec<Action> {
        self.last_heard = now;
        match self.codec.decode(frame) {
            Ok((message, opened)) => {
                let mut actions: Vec<Action> = self.first(opened).into_iter().collect();
                actions.extend(self.on_message(message, now));
                actions
            }
            Err(refusal) => vec![self.fault(refusal)],
        }
    }

    /// The trace tells the first sealed frame of a connection only.
    fn first(&mut self, opened: Option<Sizes>) -> Option<Action> {
        let sizes = opened.filter(|_| !self.first_opened)?;
        self.first_opened = true;
        Some(Action::Opened(sizes))
    }

    fn on_message(&mut self, message: Message, now: Instant) -> Vec<Action> {
        match message {
            Message::PeerInfoVector { entries, last } => vec![Action::Learn { entries, last }],
            Message::Ping(number) => {
                self.last_sent = now;
                vec![self.send(&Message::Pong(number)), Action::Contact]
            }
            Message::Pong(_) => vec![Action::Contact],
            Message::Bye { reason, text } => vec![Action::Close(Refusal::told(reason, text.as_str(), None))],
            other => vec![self.fault(Refusal::protocol(format!("a {:?} after the join", other.kind())))],
        }
    }

    /// Whoever breaks a rule is told; whoever does not know the password learns nothing.
    fn fault(&mut self, refusal: Refusal) -> Action {
        let reply = match refusal.outcome {
            Outcome::ProtocolError => self.bye(Reason::ProtocolError, &refusal.detail),
            _ => None,
        };
        Action::Close(Refusal { reply, ..refusal })
    }

    fn send(&mut self, message: &Message) -> Action {
        match self.codec.encode(message) {
            Ok(bytes) => Action::Send(bytes),
            Err(refusal) => Action::Close(refusal),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
