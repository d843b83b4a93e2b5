//! Places for connections that have not joined, of which there are so many.
//!
//! ```text
//! accept -> Seats::enter -> Seat -> joined: let go
//!               |             '---> refused: kept while the connection lingers, and the first to be called
//!               '- none left: one is called, lets go of its connection at once, and its place is taken
//! ```
//! A place is held for as long as the connection takes a descriptor, so however fast strangers come, no more descriptors
//! go to them.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Why the oldest connection that has not joined is closed.
pub(crate) const CROWDED_OUT: &str = "too many connections have not joined; the oldest gave way";
/// How long one that was called is waited for before the next is called as well.
const CALL_AGAIN: Duration = Duration::from_millis(100);

/// Half of the descriptors, which are raised to what the system allows.
pub(crate) fn half_of_descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where it cannot be raised, what there is has to do.
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    current.and_then(|most| usize::try_from(most / 2).ok()).unwrap_or(usize::MAX)
}

/// The places, as accepting sees them.
pub(crate) struct Seats {
    free: Arc<Semaphore>,
    /// Oldest first; also some that have been let go since.
    taken: VecDeque<Taken>,
}

struct Taken {
    call: oneshot::Sender<()>,
    parting: Arc<AtomicBool>,
}

impl Seats {
    /// The places of a node outlive its eras: what still lingers from the last one holds its own.
    pub(crate) fn new(free: Arc<Semaphore>) -> Self {
        Self { free, taken: VecDeque::new() }
    }

    /// A place for one more. Where there is none, one is taken away: from a connection that has ended and lingers, else
    /// from the oldest.
    pub(crate) async fn enter(&mut self) -> Seat {
        self.taken.retain(|taken| !taken.call.is_closed());
        loop {
            if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
                return self.seat(place);
            }
            self.call_one();
            let place = tokio::time::timeout(CALL_AGAIN, Arc::clone(&self.free).acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                return self.seat(place);
            }
        }
    }

    fn seat(&mut self, place: OwnedSemaphorePermit) -> Seat {
        let (call, called) = oneshot::channel();
        let parting = Arc::<AtomicBool>::default();
        self.taken.push_back(Taken { call, parting: Arc::clone(&parting) });
        Seat { called: Some(called), wanted: false, parting, _place: place }
    }

    fn call_one(&mut self) {
        let parting = self.taken.iter().position(|taken| taken.parting.load(Ordering::Relaxed));
        if let Some(taken) = self.taken.remove(parting.unwrap_or(0)) {
            // It may have joined, or be gone, just now.
            let _ = taken.call.send(());
        }
    }
}

/// The place of one connection: let go by being dropped.
pub(crate) struct Seat {
    called: Option<oneshot::Receiver<()>>,
    wanted: bool,
    parting: Arc<AtomicBool>,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// Waits until another needs the place; cancel-safe.
    pub(crate) async fn wanted(&mut self) {
        if self.wanted {
            return;
        }
        if let Some(called) = &mut self.called {
            self.wanted = called.await.is_ok();
            self.called = None;
        }
        // Accepting has ended with its era: nobody else is to come.
        if !self.wanted {
            pending::<()>().await;
        }
    }

    /// Another needs the place.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The connection has ended and only lingers: its place goes before that of one that may still join.
    pub(crate) fn part(&self) {
        self.parting.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(most: usize) -> Seats {
        Seats::new(Arc::new(Semaphore::new(most)))
    }

    /// Has it been called?
    async fn is_called(seat: &mut Seat) -> bool {
        tokio::select! {
            biased;
            () = seat.wanted() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn one_too_many_takes_the_place_of_the_oldest_that_has_not_joined() {
        let mut seats = seats(3);
        let (mut first, second, mut third) = (seats.enter().await, seats.enter().await, seats.enter().await);
        assert!(!is_called(&mut first).await, "three have room");
        // It joins, or ends.
        drop(second);
        let mut fourth = seats.enter().await;
        assert!(!is_called(&mut first).await, "there was room again");
        let leaves = async {
            first.wanted().await;
            drop(first);
        };
        let (_fifth, ()) = tokio::join!(seats.enter(), leaves);
        assert!(!is_called(&mut third).await && !is_called(&mut fourth).await);
        assert_eq!(seats.taken.len(), 3, "who has left is forgotten");
    }

    #[tokio::test]
    async fn one_that_only_lingers_goes_before_an_older_one_that_may_join() {
        let mut seats = seats(2);
        let (mut oldest, mut lingers) = (seats.enter().await, seats.enter().await);
        lingers.part();
        let leaves = async {
            lingers.wanted().await;
            assert!(lingers.is_wanted());
            drop(lingers);
        };
        let (_third, ()) = tokio::join!(seats.enter(), leaves);
        assert!(!is_called(&mut oldest).await && !oldest.is_wanted());
    }

    #[tokio::test]
    async fn one_that_is_slow_to_let_go_makes_the_next_one_called_and_never_one_too_many_enter() {
        let mut seats = seats(2);
        let (mut slow, mut next) = (seats.enter().await, seats.enter().await);
        let leaves = async {
            slow.wanted().await;
            next.wanted().await;
            drop(next);
        };
        let (_third, ()) = tokio::join!(seats.enter(), leaves);
        assert_eq!(seats.free.available_permits(), 0, "the slow one's place is still its own");
    }

    #[tokio::test]
    async fn after_the_end_of_accepting_nobody_is_called() {
        let mut seats = seats(1);
        let mut seat = seats.enter().await;
        drop(seats);
        assert!(!is_called(&mut seat).await && !is_called(&mut seat).await);
    }
}
