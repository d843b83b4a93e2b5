//! Two growing traces as one: steps of both nodes in the order in which they happened.
//!
//! ```text
//! Tail of the hub   -> steps \
//!                             > by time, then by cause and effect; a node's own order is never changed
//! Tail of the spoke -> steps /
//! ```
//!
//! A line is in its file within 100 ms: so a step is held back a little longer than that, until nothing older can come.
//! Times alone do not do for an alert: the node that sends one may write its refusal a moment after the other has heard.
//! So what a node says of an alert waits for the refusal that it came of, though not for ever: a node may not tell.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ilslab_trace::{Line, Tail};

use super::step::Step;
use crate::error::LabError;
use crate::process::Side;

/// How long a step is held back after its last line was read.
pub(crate) const HELD_BACK: Duration = Duration::from_millis(130);
/// How long what a node says of an alert waits for the other's refusal, after its last line was read.
pub(crate) const CAUSE_WITHIN: Duration = Duration::from_secs(1);
const DAY: u32 = 86_400_000;

/// The lines of one signal, and what they mean.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) side: Side,
    pub(crate) step: Step,
    pub(crate) lines: Vec<Line>,
}

/// Both traces.
pub(crate) struct Merge {
    hub: Source,
    spoke: Source,
}

impl Merge {
    /// The traces in these folders, hub first; they need not exist yet.
    pub(crate) fn of([hub, spoke]: [PathBuf; 2]) -> Self {
        Self { hub: Source::new(Side::Hub, hub), spoke: Source::new(Side::Spoke, spoke) }
    }

    /// Reads what is new, as of `now`.
    ///
    /// # Errors
    /// [`LabError::Trace`].
    pub(crate) fn read(&mut self, now: Instant) -> Result<(), LabError> {
        for source in [&mut self.hub, &mut self.spoke] {
            source.read(now).map_err(|error| LabError::Trace { side: source.side, source: error })?;
        }
        Ok(())
    }

    /// The oldest step, once nothing older can come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Told> {
        let hub = self.hub.first(now, self.spoke.has_refused);
        let spoke = self.spoke.first(now, self.hub.has_refused);
        let hub_first = match (hub, spoke) {
            (None, None) => return None,
            (Some(hub), Some(spoke)) => is_before(hub.key(Side::Hub), spoke.key(Side::Spoke)),
            (hub, _) => hub.is_some(),
        };
        let source = if hub_first { &mut self.hub } else { &mut self.spoke };
        if source.waiting.front()?.age(now) < HELD_BACK {
            return None;
        }
        let Waiting { lines, step, .. } = source.waiting.pop_front()?;
        let side = source.side;
        self.note(side, &step);
        Some(Told { side, step, lines })
    }

    /// Which refusals are told, and not yet heard of by the other side.
    fn note(&mut self, side: Side, step: &Step) {
        let (own, other) = match side {
            Side::Hub => (&mut self.hub, &mut self.spoke),
            Side::Spoke => (&mut self.spoke, &mut self.hub),
        };
        if step.is_refusal() {
            own.has_refused = true;
        } else if step.is_of_an_alert() {
            other.has_refused = false;
        } else if matches!(step, Step::Requested { .. }) {
            // Another attempt: a refusal that nobody has heard of was of an earlier one.
            (own.has_refused, other.has_refused) = (false, false);
        }
    }

    /// Is everything told that was read?
    pub(crate) fn is_empty(&self) -> bool {
        self.hub.waiting.is_empty() && self.spoke.waiting.is_empty()
    }
}

/// One trace, and its steps that wait to be told.
struct Source {
    side: Side,
    tail: Tail,
    waiting: VecDeque<Waiting>,
    /// Has it told a refusal that the other has not heard of yet?
    has_refused: bool,
}

/// A step, complete as far as it was read.
struct Waiting {
    lines: Vec<Line>,
    step: Step,
    /// Milliseconds since midnight of its first line.
    time: u32,
    last_read: Instant,
}

impl Source {
    fn new(side: Side, folder: PathBuf) -> Self {
        Self { side, tail: Tail::new(folder), waiting: VecDeque::new(), has_refused: false }
    }

    /// The step whose turn it is on this side; nothing while it waits for the other's refusal.
    fn first(&self, now: Instant, other_has_refused: bool) -> Option<&Waiting> {
        let knows_why = |step: &Waiting| {
            !step.step.is_of_an_alert() || other_has_refused || step.age(now) >= CAUSE_WITHIN
        };
        self.waiting.front().filter(|step| knows_why(step))
    }

    fn read(&mut self, now: Instant) -> io::Result<()> {
        // The head of a file is no step of anybody.
        for line in self.tail.read()?.into_iter().filter(|line| !line.is_head()) {
            self.push(line, now);
        }
        Ok(())
    }

    fn push(&mut self, line: Line, now: Instant) {
        match self.waiting.back_mut() {
            Some(last) if last.signal() == Some(line.signal()) => last.add(line, now),
            _ => self.waiting.push_back(Waiting::new(line, now)),
        }
    }
}

impl Waiting {
    fn new(line: Line, now: Instant) -> Self {
        let time = line.time().millis();
        let lines = vec![line];
        Self { step: Step::of(&lines), lines, time, last_read: now }
    }

    fn add(&mut self, line: Line, now: Instant) {
        self.lines.push(line);
        self.step = Step::of(&self.lines);
        self.last_read = now;
    }

    fn signal(&self) -> Option<u32> {
        self.lines.first().map(Line::signal)
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_read)
    }

    fn key(&self, side: Side) -> (u32, u8) {
        (self.time, self.step.rank(side))
    }
}

/// Is `a` before `b`? Times of day wrap at midnight: more than half a day later is earlier.
fn is_before(a: (u32, u8), b: (u32, u8)) -> bool {
    if a.0 == b.0 {
        return a.1 <= b.1;
    }
    let later = (DAY + b.0 - a.0) % DAY;
    later < DAY / 2
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::clock::monotonic;

    const ACCEPTED: &str =
        "IlsD IlsHandler: Ils::wait_SdlConnectionInd(): New connection accepted. DeviceName=";
    const REQUESTED: &str =
        "IlsD Ils::ConnectReq(): Requesting Connection to IpAddr(127.0.0.1), IpPort(7502), TLSReq(f)";
    const CLOSED: &str = "IlsD IlsHandler: Close Ind. DeviceName=";

    fn merge(home: &std::path::Path) -> Merge {
        Merge::of([home.join("hub"), home.join("spoke")])
    }

    fn line(signal: u32, within: u16, time: &str, text: &str) -> Line {
        Line::parse(&format!("{signal:08}.{within:03} |{time} |AppInfo  |{text}")).expect("a line")
    }

    fn told(merge: &mut Merge, now: Instant) -> Vec<(Side, usize, Step)> {
        std::iter::from_fn(|| merge.next(now)).map(|told| (told.side, told.lines.len(), told.step)).collect()
    }

    #[test]
    fn steps_come_in_the_order_of_their_time_and_then_of_cause_and_effect() {
        let home = tempfile::tempdir().expect("a folder");
        let (mut merge, now) = (merge(home.path()), monotonic());
        merge.hub.push(line(1, 1, "10:00:00.005", ACCEPTED), now);
        merge.hub.push(line(1, 2, "10:00:00.005", "IlsD Ils::ConnectInd"), now);
        merge.spoke.push(line(9, 1, "10:00:00.005", REQUESTED), now);
        merge.spoke.push(line(10, 1, "10:00:00.006", CLOSED), now);
        let requested = Step::Requested { port: "7502".to_owned(), tls: false };
        let accepted = Step::Accepted(super::super::step::Admission::Plain);
        assert_eq!(
            told(&mut merge, now + HELD_BACK),
            [(Side::Spoke, 1, requested), (Side::Hub, 2, accepted), (Side::Spoke, 1, Step::ClosedThere)]
        );
        assert!(merge.is_empty());
    }

    #[test]
    fn a_nodes_own_order_is_kept_whatever_its_steps_mean() {
        let home = tempfile::tempdir().expect("a folder");
        let (mut merge, now) = (merge(home.path()), monotonic());
        merge.spoke.push(line(1, 1, "10:00:00.005", CLOSED), now);
        merge.spoke.push(line(2, 1, "10:00:00.005", REQUESTED), now);
        let steps: Vec<_> = told(&mut merge, now + HELD_BACK).into_iter().map(|(_, _, step)| step).collect();
        let requested = Step::Requested { port: "7502".to_owned(), tls: false };
        assert_eq!(steps, [Step::ClosedThere, requested]);
    }

    #[test]
    fn nothing_is_told_before_the_other_side_can_have_written() {
        let home = tempfile::tempdir().expect("a folder");
        let (mut merge, now) = (merge(home.path()), monotonic());
        merge.spoke.push(line(1, 1, "10:00:00.005", CLOSED), now);
        assert_eq!(told(&mut merge, now + HELD_BACK - Duration::from_millis(1)), []);
        // A late line of the same signal belongs to the step and delays it.
        merge.spoke.push(line(1, 2, "10:00:00.005", CLOSED), now + HELD_BACK);
        assert_eq!(told(&mut merge, now + HELD_BACK), []);
        assert_eq!(told(&mut merge, now + HELD_BACK * 2).len(), 1);
    }

    const ALERT: &str = "[1, 600, 17, 5]: HandleSSLError - TLS protocol error(ssl reason code=tlsv1 alert unknown ca \
                         [1048]),lib=SSL routines [20]";
    const REFUSAL: &str = "[1, 600, 17, 5]: HandleSSLError - Certificate verification failed:(Verification error:18)- \
                           self signed certificate for 127.0.0.2:40000";

    /// What was told, one letter a step: a refusal, what is said of an alert, or anything else.
    fn letters(merge: &mut Merge, now: Instant) -> String {
        let letter = |(_, _, step): (Side, usize, Step)| match step {
            step if step.is_refusal() => 'R',
            step if step.is_of_an_alert() => 'A',
            _ => '.',
        };
        told(merge, now).into_iter().map(letter).collect()
    }

    #[test]
    fn a_refusal_is_told_before_what_the_other_side_says_of_the_alert() {
        for (case, refused_at) in
            [("it is dated later", "10:00:00.009"), ("at once", "10:00:00.006"), ("earlier", "10:00:00.005")]
        {
            for read_later in [Duration::ZERO, HELD_BACK * 3] {
                let home = tempfile::tempdir().expect("a folder");
                let (mut merge, now) = (merge(home.path()), monotonic());
                merge.spoke.push(line(1, 1, "10:00:00.001", REQUESTED), now);
                merge.spoke.push(line(2, 1, "10:00:00.006", ALERT), now);
                let mut told = String::new();
                if !read_later.is_zero() {
                    told += &letters(&mut merge, now + HELD_BACK * 2);
                }
                merge.hub.push(line(1, 1, refused_at, REFUSAL), now + read_later);
                told += &letters(&mut merge, now + read_later + HELD_BACK);
                assert_eq!(told, ".RA", "{case}, read {read_later:?} later");
            }
        }
    }

    #[test]
    fn an_alert_that_no_refusal_explains_is_told_after_a_while() {
        let home = tempfile::tempdir().expect("a folder");
        let (mut merge, now) = (merge(home.path()), monotonic());
        merge.hub.push(line(1, 1, "10:00:00.002", REFUSAL), now);
        merge.spoke.push(line(1, 1, "10:00:00.001", ALERT), now);
        assert_eq!(letters(&mut merge, now + HELD_BACK), "RA");
        // The refusal was of the attempt before: this one's is still to come.
        merge.hub.push(line(2, 1, "10:00:01.000", REFUSAL), now);
        merge.spoke.push(line(2, 1, "10:00:02.000", REQUESTED), now);
        merge.spoke.push(line(3, 1, "10:00:02.001", ALERT), now);
        assert_eq!(letters(&mut merge, now + CAUSE_WITHIN - Duration::from_millis(1)), "R.");
        assert_eq!(letters(&mut merge, now + CAUSE_WITHIN), "A");
        assert!(merge.is_empty());
    }

    #[test]
    fn midnight_does_not_turn_the_order_round() {
        for (case, a, b, want) in [
            ("earlier", (1, 9), (2, 0), true),
            ("later", (2, 0), (1, 9), false),
            ("the same, cause first", (1, 0), (1, 1), true),
            ("the same, effect", (1, 1), (1, 0), false),
            ("before midnight", (DAY - 1, 0), (0, 0), true),
            ("after midnight", (0, 0), (DAY - 1, 0), false),
        ] {
            assert_eq!(is_before(a, b), want, "{case}");
        }
    }

    #[test]
    fn a_trace_that_is_none_is_named_with_its_side() {
        let home = tempfile::tempdir().expect("a folder");
        let mut merge = merge(home.path());
        merge.read(monotonic()).expect("none yet");
        std::fs::create_dir(home.path().join("spoke")).expect("made");
        std::fs::write(home.path().join("spoke/SDL001_600_000001.txt"), "junk\n").expect("written");
        let error = merge.read(monotonic()).expect_err("junk");
        assert!(matches!(error, LabError::Trace { side: Side::Spoke, .. }), "{error}");
    }
}
