//! The joined connection: a `Session`, the registry's news and its orders.
//!
//! ```text
//! Snapshot -> fill: while there is room -> Outbox -> turn -> peer
//! orders, deadline, news  ->  act       <- Session <- turn <- peer
//! ```
//! What a peer does not take makes nothing wait but what else it would be told.

use std::sync::Arc;

use ils_core::handshake::{Ending, Refusal};
use ils_core::outcome::Outcome;
use ils_core::session::{Action, Session};
use ils_wire::{Entry, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::{Conversation, Stop, Watcher};
use crate::clock;
use crate::keeper::{Order, Request};
use crate::stream::{Read, Turn, ended, until};

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Conversation<S> {
    /// The joined connection, until something ends it. The end of the era waits for nothing, least of all for a peer
    /// that takes nothing off its connection.
    pub(super) async fn talk(
        &mut self, session: &mut Session, orders: mpsc::Receiver<Order>, watcher: Watcher,
    ) -> Stop {
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
        loop {
            if let Err(refusal) = self.fill(session, &mut watcher) {
                return refusal.into();
            }
            let actions = tokio::select! {
                biased;
                Some(order) = orders.recv() => match order {
                    Order::Part(reason, text) => return self.obey(session, reason, text),
                    Order::Challenge => {
                        session.challenge(clock::monotonic());
                        Vec::new()
                    }
                },
                turn = self.frames.turn(!session.is_sated()) => match turn {
                    Turn::Gone => Vec::new(),
                    Turn::Read(Read::Frame(frame)) => session.on_frame(frame, clock::monotonic()),
                    Turn::Read(Read::Bad(refusal)) => return fault(session, refusal).into(),
                    Turn::Read(Read::End(error)) => return ended(error).into(),
                    Turn::Failed(error) => return ended(Some(error)).into(),
                },
                () = until(session.deadline()) => session.on_tick(clock::monotonic()),
                _ = watcher.changed() => Vec::new(),
            };
            if let Err(stop) = self.act(session, actions).await {
                return stop;
            }
        }
    }

    /// Makes frames while there is room for them. Of the state of the node nothing is held afterwards: however long a peer
    /// takes, it keeps no old one alive.
    fn fill(&mut self, session: &mut Session, watcher: &mut Watcher) -> Result<(), Refusal> {
        let snapshot = Arc::clone(&watcher.borrow_and_update());
        while self.frames.has_room()
            && let Some(frame) = session.next_frame(&snapshot, clock::monotonic())?
        {
            self.frames.push(frame);
        }
        Ok(())
    }

    fn obey(&self, session: &mut Session, reason: Reason, text: String) -> Stop {
        let reply = session.bye(reason, &text);
        Refusal { reply, ..Refusal::new(Outcome::from(reason), Ending::Request, text) }.into()
    }

    async fn act(&mut self, session: &mut Session, actions: Vec<Action>) -> Result<(), Stop> {
        for action in actions {
            match action {
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
    async fn learn(&mut self, session: &mut Session, entries: Vec<Entry>, last: bool) -> Result<(), Stop> {
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
