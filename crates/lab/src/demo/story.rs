//! What a demo prints while it goes on: each step in words, then its lines, told apart by node.

use std::collections::HashSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::merge::{CAUSE_WITHIN, HELD_BACK, Merge, Told};
use super::repeats::{Repeats, Shown};
use super::step::Step;
use crate::clock::{Deadline, glance, monotonic};
use crate::error::LabError;
use crate::process::Side;
use crate::scenario::Scenario;
use crate::style::{Paint, Style, columns};

/// The running text of a demo.
pub(crate) struct Story<'a> {
    screen: &'a mut dyn Write,
    style: Style,
    merge: Merge,
    /// What was told since the last join.
    told: HashSet<String>,
    only_news: bool,
    repeats: Repeats,
    /// Has a node told that it joined, and none since that it has no connection any more?
    established: bool,
}

/// Most different steps that are remembered as told; a demo knows some twenty.
const REMEMBERED: usize = 256;

impl<'a> Story<'a> {
    /// A story of the traces in these folders, hub first.
    pub(crate) fn new(screen: &'a mut dyn Write, style: Style, traces: [PathBuf; 2]) -> Self {
        Self {
            screen,
            style,
            merge: Merge::of(traces),
            told: HashSet::new(),
            only_news: false,
            repeats: Repeats::default(),
            established: false,
        }
    }

    /// What is to be seen.
    pub(crate) fn open(&mut self, scenario: &Scenario) -> Result<(), LabError> {
        let heading = self.style.paint(Paint::Strong, scenario.id);
        let method = format!("{}: {}", scenario.method, scenario.method.summary());
        self.say(&format!("{heading}  {}\nmethod {method}", scenario.title))
    }

    /// A line of its own among the steps: something that no trace says. What happened before it is told first.
    pub(crate) fn announce(&mut self, words: &str) -> Result<(), LabError> {
        self.finish()?;
        let words = self.style.paint(Paint::Strong, &format!("── {words}"));
        self.say(&format!("\n{words}"))
    }

    /// Tells what has happened since.
    pub(crate) fn go_on(&mut self) -> Result<(), LabError> {
        let now = monotonic();
        self.merge.read(now)?;
        while let Some(told) = self.merge.next(now) {
            self.tell(&told)?;
        }
        Ok(())
    }

    /// Tells all that was written up to now.
    pub(crate) fn finish(&mut self) -> Result<(), LabError> {
        let written = Deadline::within(HELD_BACK);
        // Bounded: two nodes that never fall silent are not waited for.
        let enough = Deadline::within(CAUSE_WITHIN * 2);
        loop {
            self.go_on()?;
            if (written.has_passed() && self.merge.is_empty()) || enough.has_passed() {
                return Ok(());
            }
            glance();
        }
    }

    /// From now on a step is told once, until the nodes join: a spoke that cannot join tries for ever, and is counted.
    pub(crate) fn tell_only_news(&mut self) {
        self.only_news = true;
    }

    /// Whether a node has told that it joined, since [`Story::forget_the_join`].
    pub(crate) fn tells_of_a_join(&self) -> bool {
        self.established
    }

    /// It is told.
    pub(crate) fn forget_the_join(&mut self) {
        self.established = false;
    }

    /// A text and a line end.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), LabError> {
        self.end_line()?;
        self.write(&format!("{text}\n"))
    }

    /// A count that stands in its place stays there.
    fn end_line(&mut self) -> Result<(), LabError> {
        if self.repeats.give_way() { self.write("\n") } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> Result<(), LabError> {
        let written = self.screen.write_all(text.as_bytes());
        written.and_then(|()| self.screen.flush()).map_err(LabError::Report)
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    fn tell(&mut self, told: &Told) -> Result<(), LabError> {
        let words = told.step.words(told.side);
        self.note(&told.step);
        let is_news = self.told.insert(words.clone());
        if self.only_news && !is_news {
            return self.repeat(&told.step);
        }
        let words = self.style.paint(Paint::Strong, &words);
        let margin = self.margin(told.side);
        let lines: String = told.lines.iter().map(|line| format!("\n{margin}{line}")).collect();
        self.say(&format!("\n{words}{lines}"))
    }

    fn note(&mut self, step: &Step) {
        match step {
            Step::Established => {
                self.established = true;
                self.repeats.forget();
                self.told.clear();
            }
            Step::ClosedHere | Step::ClosedThere => self.established = false,
            _ => {}
        }
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
    }

    /// What was told before: of a whole try its beginning is counted.
    fn repeat(&mut self, step: &Step) -> Result<(), LabError> {
        if !matches!(step, Step::Requested { .. }) {
            return Ok(());
        }
        let shown = match self.style.can_rewrite() {
            true => Shown::InPlace(columns().and_then(NonZeroUsize::new)),
            false => Shown::InLines,
        };
        let text = self.repeats.count(shown);
        if text.is_empty() { Ok(()) } else { self.write(&text) }
    }

    fn margin(&self, side: Side) -> String {
        let paint = match side {
            Side::Hub => Paint::Hub,
            Side::Spoke => Paint::Spoke,
        };
        self.style.paint(paint, &format!("{side:<5} │ "))
    }
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        // Whatever comes next on this screen begins a line; where it cannot be written to, nobody sees it.
        let _ = self.end_line();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::path::Path;

    use pretty_assertions::assert_eq;

    use super::*;

    const REQUESTED: &str =
        "IlsD Ils::ConnectReq(): Requesting Connection to IpAddr(127.0.0.1), IpPort(7502), TLSReq(f)";
    const REFUSED: &str = "IlsD ERROR(000005C9): Connection to peerId(0) failed, ConnReason(1)";
    const JOINED: &str = "IlsD ::ConnectIndInner starting  to PeerId(1), TLSReq(f) established";

    fn write(folder: &Path, signal: u32, text: &str) {
        fs::create_dir_all(folder).expect("made");
        let path = folder.join("SDL001_600_000001.txt");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opened");
        writeln!(file, "{signal:08}.001 |10:00:00.{signal:03} |AppInfo  |{text}").expect("written");
    }

    #[test]
    fn a_step_is_told_in_words_and_then_in_the_lines_of_its_node() {
        let home = tempfile::tempdir().expect("a folder");
        let traces = ["hub", "spoke"].map(|name| home.path().join(name));
        write(&traces[1], 1, REQUESTED);
        write(&traces[0], 2, "IlsD IlsHandler: Close Req. DeviceName=");
        let mut screen = Vec::new();
        let mut story = Story::new(&mut screen, Style::PLAIN, traces);
        story.finish().expect("told");
        story.announce("now something else").expect("told");
        drop(story);
        assert_eq!(
            String::from_utf8(screen).expect("text"),
            format!(
                "\nthe spoke asks the hub for a connection on port 7502, without TLS\n\
                 spoke │ 00000001.001 |10:00:00.001 |AppInfo  |{REQUESTED}\n\
                 \nthe hub ends the connection\n\
                 hub   │ 00000002.001 |10:00:00.002 |AppInfo  |IlsD IlsHandler: Close Req. DeviceName=\n\
                 \n── now something else\n"
            )
        );
    }

    #[test]
    fn a_spoke_that_tries_for_ever_is_told_once_until_it_joins() {
        let home = tempfile::tempdir().expect("a folder");
        let traces = ["hub", "spoke"].map(|name| home.path().join(name));
        let spoke = traces[1].clone();
        let mut screen = Vec::new();
        let mut story = Story::new(&mut screen, Style::PLAIN, traces);
        write(&spoke, 1, REQUESTED);
        story.finish().expect("told");
        story.tell_only_news();
        let texts = [REQUESTED, REFUSED, REQUESTED, REFUSED, JOINED, REQUESTED, REQUESTED];
        for (signal, text) in (2..).zip(texts) {
            write(&spoke, signal, text);
        }
        story.finish().expect("told");
        assert!(story.tells_of_a_join());
        drop(story);
        let text = String::from_utf8(screen).expect("text");
        let again =
            |text: &str| text.matches("still not joined: the spoke tries again (once by now)").count();
        // One before the join, told with what was new of it, and one after.
        assert_eq!(again(&text), 2, "{text}");
        let signals: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("spoke │ ")).map(|line| &line[7..8]).collect();
        assert_eq!(signals, ["1", "3", "6", "7"]);
    }
}
