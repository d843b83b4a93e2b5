//! The time between two changes of who this node is and how it authenticates. Every connection belongs to one era:
//! it takes one snapshot of configuration and identity, and ends with the era.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use ils_core::config::Config;
use ils_wire::{Entry, IdentityKey, Instance, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::identity::Identity;
use crate::keeper::Keeper;
use crate::seat::Seat;
use crate::stream::linger;

/// What outlives every era.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) keeper: Keeper,
    /// By which this node is itself.
    pub(crate) identity_key: IdentityKey,
    /// This life of its process.
    pub(crate) instance: Instance,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) provider: Arc<rustls::crypto::CryptoProvider>,
    /// Held by each closed connection until the peer has hung up too, for a second at most.
    pub(crate) lingering: mpsc::Sender<()>,
    /// Places for connections that have not joined.
    pub(crate) seats: Arc<Semaphore>,
    /// How often accepting has paused.
    pub(crate) accept_errors: Arc<AtomicU64>,
}

impl Common {
    /// Closes a connection beside everything else: nobody waits for a peer to hang up. One whose place is wanted is
    /// closed at once.
    pub(crate) fn linger<S>(&self, stream: S, seat: Option<Seat>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if seat.as_ref().is_some_and(Seat::is_wanted) {
            return;
        }
        let held = self.lingering.clone();
        tokio::spawn(async move {
            match seat {
                Some(seat) => linger_seated(stream, seat).await,
                None => linger(stream).await,
            }
            drop(held);
        });
    }
}

/// Lingers until the place is wanted; the stream goes before the place does.
async fn linger_seated<S: AsyncRead + AsyncWrite + Unpin>(stream: S, mut seat: Seat) {
    seat.part();
    tokio::select! {
        () = linger(stream) => {}
        () = seat.wanted() => {}
    }
}

/// What the connections of one era share.
#[derive(Clone)]
pub(crate) struct Era {
    pub(crate) common: Common,
    pub(crate) config: Arc<Config>,
    pub(crate) own: Entry,
    pub(crate) identity: Option<Arc<Identity>>,
    /// When the era began by a change of method: then the dialler is quick and quiet for a while.
    pub(crate) changed_at: Option<Instant>,
    ended: watch::Receiver<Option<Reason>>,
    /// Of one part of it, which may end alone.
    parted: Option<watch::Receiver<Option<Reason>>>,
    /// Held by all that still has last words to say.
    _alive: mpsc::Sender<()>,
}

/// Ends an era, and waits for its last words.
pub(crate) struct EraEnd {
    /// A hub's accepting, which ends before anybody is told.
    pub(crate) accepting: Option<JoinHandle<()>>,
    end: watch::Sender<Option<Reason>>,
    alive: mpsc::Receiver<()>,
}

impl Era {
    pub(crate) fn begin(
        common: Common, config: Arc<Config>, own: Entry, identity: Option<Arc<Identity>>,
        changed_at: Option<Instant>,
    ) -> (Self, EraEnd) {
        let (end, ended) = watch::channel(None);
        let (held, alive) = mpsc::channel(1);
        (
            Self { common, config, own, identity, changed_at, ended, parted: None, _alive: held },
            EraEnd { accepting: None, end, alive },
        )
    }

    /// The same era for a part of it that may end earlier, and what ends it.
    pub(crate) fn part(&self) -> (Self, PartEnd) {
        let (end, parted) = watch::channel(None);
        (Self { parted: Some(parted), ..self.clone() }, PartEnd { end })
    }

    /// Waits for the end of the era, or of this part of it; answers what peers are told.
    pub(crate) async fn ended(&self) -> Reason {
        tokio::select! {
            biased;
            reason = told(self.ended.clone()) => reason.unwrap_or(Reason::Shutdown),
            Some(reason) = parted(self.parted.clone()) => reason,
        }
    }

    /// `Config::revision` for a connection that begins now: settings that end no era have raised it too.
    pub(crate) fn revision(&self) -> u64 {
        let now = &self.common.keeper.snapshot().config;
        if now.conversation == self.config.conversation { now.revision } else { self.config.revision }
    }

    /// Has it, or this part of it, ended already?
    pub(crate) fn is_over(&self) -> bool {
        let parted = self.parted.as_ref().is_some_and(|parted| parted.borrow().is_some());
        parted || self.ended.borrow().is_some()
    }
}

/// What was told at the end; nothing where nobody is left who could.
async fn told(mut ended: watch::Receiver<Option<Reason>>) -> Option<Reason> {
    ended.wait_for(Option::is_some).await.ok().and_then(|reason| *reason)
}

/// Of a part that nobody can end any more there is only the end of the era.
async fn parted(parted: Option<watch::Receiver<Option<Reason>>>) -> Option<Reason> {
    match parted {
        Some(parted) => told(parted).await,
        None => None,
    }
}

/// Ends a part of an era. Dropped, it leaves that to the end of the era.
pub(crate) struct PartEnd {
    end: watch::Sender<Option<Reason>>,
}

impl PartEnd {
    /// Ends it; its last words are among those that the era's end waits for.
    pub(crate) fn finish(self, reason: Reason) {
        self.end.send_replace(Some(reason));
    }
}

impl EraEnd {
    /// Closes the port first, so that no peer which is told dials the old one and is taken for a moment. Then tells
    /// everybody, and waits until the last of them has said Bye. Each has a bound for that of its own.
    pub(crate) async fn finish(mut self, reason: Reason) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // It was aborted, or it had ended: its listener is gone either way.
            let _ = accepting.await;
        }
        self.end.send_replace(Some(reason));
        while self.alive.recv().await.is_some() {}
    }
}
