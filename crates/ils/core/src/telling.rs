//! The PeerInfoVector on its way to one peer: a batch at a time, each from the newest snapshot. Sans-IO.
//!
//! ```text
//! a change, or the interval is over -> batch -> batch -> ... -> last -> changed meanwhile? once more
//! ```
//! Nothing of a snapshot is kept between two batches. A sending that has begun comes to its end, however often the vector
//! changes; all changes during it are one later sending, so the peer ends with a whole and current vector.

use std::time::{Duration, Instant};

use ils_wire::{Message, PeerId, vector_batch};

use crate::snapshot::{Place, Snapshot};

/// What one peer has been told of the PeerInfoVector.
pub(crate) struct Telling {
    /// Where the sending under way has come to.
    place: Option<Place>,
    /// The vector at the beginning of the last sending.
    version: Option<u64>,
    /// When it began.
    begun: Instant,
    every: Duration,
}

impl Telling {
    /// Nothing has been told yet.
    pub(crate) fn new(every: Duration, now: Instant) -> Self {
        Self { place: None, version: None, begun: now, every }
    }

    /// `Synchronize Clusters Every`.
    pub(crate) fn set_every(&mut self, every: Duration) {
        self.every = every;
    }

    /// When it is told again although nothing changes; not while it is being told.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.place.is_none().then(|| self.begun + self.every)
    }

    /// The next batch, where one is to be sent.
    pub(crate) fn next(&mut self, snapshot: &Snapshot, to: PeerId, now: Instant) -> Option<Message> {
        let mut place = self.place.take().or_else(|| self.begin(snapshot, now))?;
        let batch = vector_batch(&mut snapshot.vector_after(to, &place).peekable());
        if let Message::PeerInfoVector { entries, last: false } = &batch {
            place.past(entries, snapshot.peer_id);
            self.place = Some(place);
        }
        Some(batch)
    }

    fn begin(&mut self, snapshot: &Snapshot, now: Instant) -> Option<Place> {
        let is_news = self.version != Some(snapshot.vector_version);
        if !is_news && now < self.begun + self.every {
            return None;
        }
        (self.version, self.begun) = (Some(snapshot.vector_version), now);
        Some(Place::default())
    }
}
