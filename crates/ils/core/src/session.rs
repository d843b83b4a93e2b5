//! A joined connection: PeerInfoVector both ways, changes as they come, Ping and Pong, Bye. Sans-IO.
//!
//! ```text
//! RawFrame -> [`Session::on_frame`] -> Vec<[`Action`]> -> commands to the registry, the end
//! room     -> [`Session::next_frame`] -> bytes to the peer: Pongs owed, a Ping that is due, a batch of the vector
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ils_wire::{Entry, Message, PeerId, PeerInfo, RawFrame, Reason};

use crate::handshake::{Codec, Joined, Refusal, Sizes};
use crate::limits::{self, Timers};
use crate::outcome::Outcome;
use crate::snapshot::Snapshot;
use crate::telling::Telling;

/// What the owner of the connection is to do, in this order.
#[derive(Debug)]
pub enum Action {
    /// The first sealed frame of this connection opened.
    Opened(Sizes),
    /// The peer is there.
    Contact,
    /// A batch of the peer's PeerInfoVector; with `last`, it is whole.
    Learn {
        /// What it holds.
        entries: Vec<Entry>,
        /// The vector ends with it.
        last: bool,
    },
    /// The connection ends.
    Close(Refusal),
}

/// One joined connection.
pub struct Session {
    codec: Codec,
    peer: Entry,
    timers: Timers,
    telling: Telling,
    first_opened: bool,
    last_heard: Instant,
    last_sent: Instant,
    pings: u64,
    ping_is_due: bool,
    /// Another wants to be in this peer's place: it has to be heard of by then.
    answer_by: Option<Instant>,
    /// Numbers of Pings that have not been answered yet, oldest first.
    owed: VecDeque<u64>,
}

impl Session {
    /// A session over a joined connection. `opened`: its first sealed frame has been noted already.
    pub fn new(joined: Joined, sync_every: Duration, opened: bool, now: Instant) -> Self {
        Self {
            codec: joined.codec,
            peer: joined.peer,
            timers: joined.timers,
            telling: Telling::new(sync_every, now),
            first_opened: opened,
            last_heard: now,
            last_sent: now,
            pings: 0,
            ping_is_due: false,
            answer_by: None,
            owed: VecDeque::new(),
        }
    }

    /// With whom.
    pub fn peer(&self) -> &PeerInfo {
        self.peer.info()
    }

    /// The peer's ID.
    pub fn peer_id(&self) -> PeerId {
        self.peer.peer_id()
    }

    /// The next frame that this side has to say, where there is one: asked for when there is room for it, since what is
    /// sealed must be sent, and in this order. Answers come first, then news.
    ///
    /// # Errors
    /// Where a message cannot be sealed any more.
    pub fn next_frame(&mut self, snapshot: &Snapshot, now: Instant) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(message) = self.next_message(snapshot, now) else { return Ok(None) };
        self.last_sent = now;
        self.codec.encode(&message).map(Some)
    }

    fn next_message(&mut self, snapshot: &Snapshot, now: Instant) -> Option<Message> {
        if let Some(number) = self.owed.pop_front() {
            return Some(Message::Pong(number));
        }
        if std::mem::take(&mut self.ping_is_due) {
            self.pings += 1;
            return Some(Message::Ping(self.pings));
        }
        self.telling.set_every(snapshot.config.sync_every);
        self.telling.next(snapshot, self.peer_id(), now)
    }

    /// So many answers wait that nothing more should be read before the peer takes some.
    pub fn is_sated(&self) -> bool {
        self.owed.len() >= limits::PONGS_OWED
    }

    /// Another process wants to be in the peer's place: is it there? If not, the connection ends within [`Timers::challenge`].
    pub fn challenge(&mut self, now: Instant) {
        self.ping_is_due = true;
        self.answer_by.get_or_insert(now + self.timers.challenge);
    }

    /// The connection's last words.
    pub fn bye(&mut self, reason: Reason, text: &str) -> Option<Vec<u8>> {
        self.codec.encode(&Message::bye(reason, text)).ok()
    }

    /// When [`Session::on_tick`] is due next.
    pub fn deadline(&self) -> Instant {
        let silent = self.last_heard + self.timers.idle;
        let ping = self.last_sent + self.timers.ping;
        let others = [self.telling.due(), self.answer_by];
        others.into_iter().flatten().fold(silent.min(ping), Instant::min)
    }

    /// Time has passed: a Ping falls due, or the connection ends.
    pub fn on_tick(&mut self, now: Instant) -> Vec<Action> {
        let is_missed = self.answer_by.is_some_and(|answer_by| now >= answer_by);
        if is_missed || now >= self.last_heard + self.timers.idle {
            let timers = self.timers;
            let waited = if is_missed { timers.challenge } else { timers.idle };
            let detail = format!("nothing came for {} s", waited.as_secs());
            let reply = self.bye(Reason::Unresponsive, &detail);
            let claim = self.peer().cluster_id.to_string();
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
        self.ping_is_due = true;
        Vec::new()
    }

    /// A frame has come.
    pub fn on_frame(&mut self, frame: RawFrame, now: Instant) -> Vec<Action> {
        self.last_heard = now;
        self.answer_by = None;
        match self.codec.decode(frame) {
            Ok((message, opened)) => {
                let mut actions: Vec<Action> = self.first(opened).into_iter().collect();
                actions.extend(self.on_message(message));
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

    fn on_message(&mut self, message: Message) -> Vec<Action> {
        match message {
            Message::PeerInfoVector { entries, last } => vec![Action::Learn { entries, last }],
            Message::Ping(number) => {
                self.owed.push_back(number);
                vec![Action::Contact]
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
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
