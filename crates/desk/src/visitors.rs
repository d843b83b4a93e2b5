//! Connections to the API, bounded by source and in all: where there is no room, one gives way.
//!
//! ```text
//! accept -> enter -> Visit: stranger --log-in--> known        free < a request begins, its answer ends > busy
//! no room left:      the free stranger of the source with most connections that has been free for longest;
//!                    else a busy stranger; else a free known one; else the newcomer
//! ```
//! A caller of one command needs a connection for a moment only, so who has just come stays, whoever fills the house.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ilslab_names::Source;
use tokio::sync::Notify;

/// One connection, as its requests see it.
pub(crate) struct Visit {
    /// Address of the caller.
    pub(crate) from: IpAddr,
    source: Source,
    is_known: AtomicBool,
    is_busy: AtomicBool,
    /// When it came, or the last beginning or end of a request.
    since: AtomicU64,
    /// Orders what happens on all connections, without a clock.
    moments: Arc<AtomicU64>,
    sent_away: Notify,
}

impl Visit {
    fn new(from: IpAddr, moments: &Arc<AtomicU64>) -> Self {
        let visit = Self {
            from,
            source: Source::of(from),
            is_known: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            since: AtomicU64::new(0),
            moments: Arc::clone(moments),
            sent_away: Notify::new(),
        };
        visit.mark(false);
        visit
    }

    /// Somebody has logged in on it.
    pub(crate) fn log_in(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has logged in on it.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// A request is under way on it, or no longer.
    pub(crate) fn mark(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
        self.since.store(self.moments.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Resolves once it has to give way.
    pub(crate) async fn sent_away(&self) {
        self.sent_away.notified().await;
    }

    /// Who goes first; a request of somebody who has logged in is never cut off.
    fn class(&self) -> Option<u8> {
        match (self.is_known(), self.is_busy.load(Ordering::Relaxed)) {
            (false, false) => Some(0),
            (false, true) => Some(1),
            (true, false) => Some(2),
            (true, true) => None,
        }
    }
}

/// All connections there are.
pub(crate) struct Visitors {
    most: usize,
    most_of_a_source: usize,
    moments: Arc<AtomicU64>,
    visits: Mutex<Vec<Arc<Visit>>>,
}

impl Visitors {
    /// A house without guests.
    pub(crate) fn new(most: usize, most_of_a_source: usize) -> Self {
        Self { most, most_of_a_source, moments: Arc::default(), visits: Mutex::default() }
    }

    /// A place for a new connection; none where everybody who is there comes first.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Guest> {
        let visit = Arc::new(Visit::new(from, &self.moments));
        let mut visits = self.visits();
        let of_source = visits.iter().filter(|other| other.source == visit.source).count();
        if of_source >= self.most_of_a_source {
            send_away(&mut visits, |other| other.source == visit.source)?;
        } else if visits.len() >= self.most {
            send_away(&mut visits, |_| true)?;
        }
        visits.push(Arc::clone(&visit));
        Some(Guest { visitors: Arc::clone(self), visit })
    }

    fn visits(&self) -> MutexGuard<'_, Vec<Arc<Visit>>> {
        // Nobody who holds it can panic half way through a change.
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room among these; none where nobody may be asked to go.
fn send_away(visits: &mut Vec<Arc<Visit>>, among: impl Fn(&Visit) -> bool) -> Option<()> {
    let position = first_to_go(visits, among)?;
    visits.swap_remove(position).sent_away.notify_one();
    Some(())
}

fn first_to_go(visits: &[Arc<Visit>], among: impl Fn(&Visit) -> bool) -> Option<usize> {
    let mut crowds: HashMap<Source, usize> = HashMap::new();
    visits.iter().for_each(|visit| *crowds.entry(visit.source).or_default() += 1);
    let rank = |visit: &Visit| {
        let crowd = crowds.get(&visit.source).copied().unwrap_or_default();
        Some((visit.class()?, Reverse(crowd), visit.since.load(Ordering::Relaxed)))
    };
    let candidates = visits.iter().enumerate().filter(|(_, visit)| among(visit));
    let ranked = candidates.filter_map(|(position, visit)| Some((rank(visit)?, position)));
    ranked.min().map(|(_, position)| position)
}

/// A connection and its place, which is given back when this is dropped.
pub(crate) struct Guest {
    visitors: Arc<Visitors>,
    /// What its requests see.
    pub(crate) visit: Arc<Visit>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Who was sent away is not among them any more.
        self.visitors.visits().retain(|visit| !Arc::ptr_eq(visit, &self.visit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(most: usize, most_of_a_source: usize) -> Arc<Visitors> {
        Arc::new(Visitors::new(most, most_of_a_source))
    }

    fn enter(visitors: &Arc<Visitors>, from: &str) -> Option<Guest> {
        visitors.enter(from.parse().expect("an address"))
    }

    fn is_there(guest: &Guest) -> bool {
        guest.visitors.visits().iter().any(|visit| Arc::ptr_eq(visit, &guest.visit))
    }

    /// Stranger or known, free or busy.
    fn guest(visitors: &Arc<Visitors>, from: &str, is_known: bool, is_busy: bool) -> Guest {
        let guest = enter(visitors, from).expect("there is room");
        if is_known {
            guest.visit.log_in();
        }
        guest.visit.mark(is_busy);
        guest
    }

    #[test]
    fn who_gives_way_is_ordered() {
        let (known, busy) = (true, true);
        for (case, guests, gone) in [
            (
                "the oldest of those alike",
                [("10.0.0.1", !known, !busy), ("10.0.0.2", !known, !busy)],
                Some(0),
            ),
            (
                "a free one before a busy one",
                [("10.0.0.1", !known, busy), ("10.0.0.2", !known, !busy)],
                Some(1),
            ),
            (
                "a busy stranger before a known one",
                [("10.0.0.1", known, !busy), ("10.0.0.2", !known, busy)],
                Some(1),
            ),
            (
                "a free known one at the last",
                [("10.0.0.1", known, busy), ("10.0.0.2", known, !busy)],
                Some(1),
            ),
            (
                "nobody whose request is under way",
                [("10.0.0.1", known, busy), ("10.0.0.2", known, busy)],
                None,
            ),
        ] {
            let visitors = house(2, 2);
            let guests = guests.map(|(from, known, busy)| guest(&visitors, from, known, busy));
            let newcomer = enter(&visitors, "10.0.0.3");
            assert_eq!(guests.iter().position(|guest| !is_there(guest)), gone, "{case}");
            assert_eq!(newcomer.is_some(), gone.is_some(), "{case}");
            assert!(visitors.visits().len() <= 2, "{case}");
        }
    }

    #[test]
    fn a_source_with_many_makes_room_for_one_with_few_though_that_has_waited_longer() {
        let visitors = house(4, 4);
        let first = guest(&visitors, "10.0.0.1", false, false);
        let crowd = [(); 3].map(|()| guest(&visitors, "10.0.0.2", false, false));
        let newcomer = enter(&visitors, "10.0.0.3").expect("room is made");
        assert!(is_there(&first) && is_there(&newcomer));
        assert_eq!(crowd.iter().map(is_there).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn a_source_has_its_own_bound_within_which_nobody_else_gives_way() {
        let visitors = house(10, 2);
        let other = guest(&visitors, "2001:db8:0:1::1", false, false);
        let [first, second] = [1, 2].map(|host| guest(&visitors, &format!("2001:db8::{host}"), false, false));
        assert!(is_there(&first), "two are within the bound");
        let third = enter(&visitors, "2001:db8::3").expect("room is made");
        assert_eq!([&other, &first, &second, &third].map(is_there), [true, false, true, true]);
    }

    #[test]
    fn who_has_just_been_busy_is_not_the_first_to_go_and_who_leaves_makes_room() {
        let visitors = house(2, 2);
        let first = guest(&visitors, "10.0.0.1", false, false);
        let second = guest(&visitors, "10.0.0.1", false, false);
        first.visit.mark(true);
        first.visit.mark(false);
        drop(enter(&visitors, "10.0.0.1").expect("room is made"));
        assert_eq!([&first, &second].map(is_there), [true, false]);
        let third = enter(&visitors, "10.0.0.1").expect("the newcomer's place is free again");
        assert!(is_there(&first) && is_there(&third));
    }
}
