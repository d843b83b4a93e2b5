//! Numbers for lines: one event is one signal, and its lines are counted within it.

use ilslab_time::TimeOfDay;

use crate::line::{Kind, Line, SIGNALS};
use crate::record::Text;

/// Numbers signals from 1, for the life of one process.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    last: u32,
}

impl Signals {
    /// The lines of an event that happened at this time, numbered. One that writes nothing takes no number.
    ///
    /// A signal's own line is `.000`; what is written while it is handled counts from `.001`.
    pub fn lines(&mut self, texts: Vec<Text>, time: TimeOfDay) -> Vec<Line> {
        if texts.is_empty() {
            return Vec::new();
        }
        self.last = (self.last + 1) % SIGNALS;
        let mut within = 0;
        texts
            .into_iter()
            .map(|text| {
                let own = text.kind == Kind::SDL_SIG;
                within += u16::from(!own);
                Line::new(self.last, if own { 0 } else { within }, time, text.kind, &text.text)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use ilslab_time::{Timestamp, UtcOffset};

    use super::*;

    fn time(millis: i64) -> TimeOfDay {
        TimeOfDay::of(Timestamp(millis), UtcOffset::UTC)
    }

    fn texts(kinds: &[Kind]) -> Vec<Text> {
        kinds.iter().map(|kind| Text { kind: kind.clone(), text: "x".into() }).collect()
    }

    #[test]
    fn an_event_is_a_signal_and_its_lines_are_counted_within() {
        let mut signals = Signals::default();
        let mut shown =
            |texts, at| signals.lines(texts, time(at)).iter().map(Line::to_string).collect::<Vec<_>>();
        let (info, own) = (Kind::APP_INFO, Kind::SDL_SIG);
        assert_eq!(
            shown(texts(&[info.clone(), info.clone()]), 0),
            ["00000001.001 |00:00:00.000 |AppInfo  |x", "00000001.002 |00:00:00.000 |AppInfo  |x"]
        );
        assert_eq!(shown(Vec::new(), 1), [""; 0], "what writes nothing takes no number");
        assert_eq!(
            shown(texts(&[own, info.clone(), info]), 61_001),
            [
                "00000002.000 |00:01:01.001 |SdlSig   |x",
                "00000002.001 |00:01:01.001 |AppInfo  |x",
                "00000002.002 |00:01:01.001 |AppInfo  |x",
            ]
        );
    }

    #[test]
    fn numbers_begin_again_after_the_last_of_eight_digits() {
        let mut signals = Signals { last: SIGNALS - 2 };
        let mut next = || signals.lines(texts(&[Kind::APP_INFO]), time(0)).first().map(Line::signal);
        assert_eq!([next(), next(), next()], [Some(99_999_999), Some(0), Some(1)]);
    }
}
