//! Attempts that never join, bounded by where they come from: the first ones are traced whole, the rest is counted.
//!
//! ```text
//! Noted -> Strangers::sift -> as it came       the first attempts of a source in a window, and what is no stranger
//!                          -> held back        a further one: written whole if it joins or raises an alarm, else counted
//!          Strangers::settle -> one line       how many were counted, when the window ends or the source joins
//! ```
//! Pure: time comes with the events. What is held back is at most what has not joined yet.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use ils_core::event::{ConnectionId, Direction, Happening, Link, Noted, PeerAddress, ServiceEvent, Subject};
use ils_core::limits;
use ilslab_names::Source;

/// What is to be written, in this order.
#[derive(Debug)]
pub(crate) enum Sifted {
    /// An event as it was noted.
    Noted(Box<Noted>),
    /// Attempts that are counted; still to be noted.
    Counted(ServiceEvent),
}

/// What becomes of a connection's events.
enum Open {
    /// They are written.
    Whole,
    /// They wait for what becomes of the attempt.
    Held(Vec<Noted>),
    /// It is no stranger any more.
    Joined,
}

/// What one source did since its first attempt in this window.
struct Window {
    ends: Instant,
    whole: usize,
    /// Attempts that ended and were not written, by outcome.
    counted: BTreeMap<&'static str, u64>,
}

impl Window {
    fn until(ends: Instant) -> Self {
        Self { ends, whole: 0, counted: BTreeMap::new() }
    }
}

/// The attempts of strangers. `None` stands for all the sources beyond [`limits::STRANGERS_SOURCES`].
pub(crate) struct Strangers {
    /// How long a window lasts.
    lasts: Duration,
    windows: HashMap<Option<Source>, Window>,
    open: HashMap<ConnectionId, Open>,
    /// Written whole of all sources together, and until when that counts.
    all: (usize, Instant),
    /// When somebody should ask for [`Strangers::settle`].
    wake: Option<Instant>,
}

impl Strangers {
    /// With windows of this length, [`limits::STRANGERS_WINDOW`] but in tests.
    pub(crate) fn new(lasts: Duration, now: Instant) -> Self {
        Self { lasts, windows: HashMap::new(), open: HashMap::new(), all: (0, now), wake: None }
    }

    /// What is to be written now that this was noted.
    pub(crate) fn sift(&mut self, noted: Noted, now: Instant) -> Vec<Sifted> {
        let (link, happening) = match &noted.event.subject {
            Subject::Connection { link, happening } => (link, happening),
            // Whatever is counted so far belongs before the end of a service.
            Subject::Service(ServiceEvent::Stopped | ServiceEvent::Restarted) => {
                let counted = self.windows.drain().filter_map(|(source, window)| entry(source, window));
                return counted.chain([Sifted::Noted(Box::new(noted))]).collect();
            }
            Subject::Service(_) => return vec![Sifted::Noted(Box::new(noted))],
        };
        match source(link) {
            None => vec![Sifted::Noted(Box::new(noted))],
            Some(from) => {
                let (id, is_end) = (link.id, happening.is_end());
                let joins = matches!(happening, Happening::Established { .. });
                self.sift_stranger(noted, (from, id), (is_end, joins), now)
            }
        }
    }

    fn sift_stranger(
        &mut self, noted: Noted, (from, id): (Source, ConnectionId), (is_end, joins): (bool, bool),
        now: Instant,
    ) -> Vec<Sifted> {
        let mut entries = Vec::new();
        let open = self.open.remove(&id).unwrap_or_else(|| self.admit(from, now, &mut entries));
        let next = match (open, joins) {
            (Open::Joined, _) => Open::Joined,
            (open, true) => {
                entries.extend(self.joined(from, &open));
                entries.extend(held(open));
                Open::Joined
            }
            // An alarm is never raised without its cause in the trace.
            (open @ Open::Held(_), false) if noted.raised.is_some() => {
                entries.extend(held(open));
                Open::Whole
            }
            (Open::Held(_), false) if is_end => {
                self.count(from, &noted, now);
                return entries;
            }
            (Open::Held(mut events), false) => {
                events.push(noted);
                self.open.insert(id, Open::Held(events));
                return entries;
            }
            (Open::Whole, false) => Open::Whole,
        };
        entries.push(Sifted::Noted(Box::new(noted)));
        if !is_end {
            self.open.insert(id, next);
        }
        entries
    }

    /// An attempt begins: is it one of the first?
    fn admit(&mut self, from: Source, now: Instant, entries: &mut Vec<Sifted>) -> Open {
        let has_ended = |window: &Window| window.ends <= now;
        if self.windows.len() >= limits::STRANGERS_SOURCES
            || self.windows.get(&Some(from)).is_some_and(has_ended)
        {
            entries.extend(self.settle(now));
        }
        if self.all.1 <= now {
            self.all = (0, now + self.lasts);
        }
        let (key, ends) = (self.key(from), now + self.lasts);
        let window = self.windows.entry(key).or_insert_with(|| Window::until(ends));
        if window.whole >= limits::STRANGERS_WHOLE || self.all.0 >= limits::STRANGERS_WHOLE_IN_ALL {
            return Open::Held(Vec::new());
        }
        window.whole += 1;
        self.all.0 += 1;
        Open::Whole
    }

    /// A source of its own as long as there is room.
    fn key(&self, from: Source) -> Option<Source> {
        let known = self.windows.contains_key(&Some(from));
        (known || self.windows.len() < limits::STRANGERS_SOURCES).then_some(from)
    }

    fn count(&mut self, from: Source, noted: &Noted, now: Instant) {
        let Subject::Connection { happening, .. } = &noted.event.subject else { return };
        let Some(outcome) = happening.outcome() else { return };
        let (key, ends) = (self.key(from), now + self.lasts);
        let window = self.windows.entry(key).or_insert_with(|| Window::until(ends));
        if window.counted.is_empty() {
            self.wake = Some(window.ends);
        }
        let count = window.counted.entry(outcome.name()).or_default();
        *count = count.saturating_add(1);
    }

    /// Somebody from there is no stranger: what was counted is told, and the next ones are the first ones again.
    fn joined(&mut self, from: Source, open: &Open) -> Option<Sifted> {
        if matches!(open, Open::Whole) {
            self.all.0 = self.all.0.saturating_sub(1);
        }
        let window = self.windows.remove(&Some(from))?;
        entry(Some(from), window)
    }

    /// What was counted in the windows that have ended.
    pub(crate) fn settle(&mut self, now: Instant) -> Vec<Sifted> {
        let ended = self.windows.extract_if(|_, window| window.ends <= now);
        ended.filter_map(|(source, window)| entry(source, window)).collect()
    }

    /// When [`Strangers::settle`] will have something to say; told once.
    pub(crate) fn wake(&mut self) -> Option<Instant> {
        self.wake.take()
    }
}

fn held(open: Open) -> impl Iterator<Item = Sifted> {
    let events = match open {
        Open::Held(events) => events,
        Open::Whole | Open::Joined => Vec::new(),
    };
    events.into_iter().map(|noted| Sifted::Noted(Box::new(noted)))
}

fn entry(source: Option<Source>, window: Window) -> Option<Sifted> {
    let attempts = window.counted.values().sum();
    let outcomes = window.counted;
    (attempts > 0).then_some(Sifted::Counted(ServiceEvent::Strangers { source, attempts, outcomes }))
}

/// Who comes uninvited: whom this node dials is no stranger.
fn source(link: &Link) -> Option<Source> {
    match (link.direction, &link.peer) {
        (Direction::Accepted, PeerAddress::Socket(address)) => Some(Source::of(address.ip())),
        _ => None,
    }
}

#[cfg(test)]
#[path = "strangers_tests.rs"]
mod tests;
