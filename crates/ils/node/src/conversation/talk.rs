//! The joined connection: a `Session`, the registry's news and its orders.

use std::sync::Arc;

use ils_core::handshake::{Ending, Refusal};
use ils_core::outcome::Outcome;
use ils_core::session::{Action, Session};
use ils_core::snapshot::Snapshot;
use ils_wire::{PeerInfo, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::{Conversation, Stop, Watcher};
use crate::clock;
use crate::keeper::{Order, Request};
use crate::stream::{Read, ended, until};

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
    async fn learn(&mut self, session: &mut Session, entries: Vec<PeerInfo>, last: bool) -> Result<(), Stop> {
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
