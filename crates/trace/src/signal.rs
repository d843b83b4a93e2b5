//! Numbers for lines: one event is one signal, and its lines are counted within it.

use ils_core::event::Noted;

use crate::ils;
use crate::line::{Kind, Line, SIGNALS};
use crate::stamp::{TimeOfDay, UtcOffset};

/// Numbers signals from 1, for the life of one process.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    last: u32,
}

impl Signals {
    /// The numbered lines of an event. One that writes nothing takes no number.
    ///
    /// A signal's own line is `.000`; what is written while it is handled counts from `.001`.
    pub fn lines(&mut self, noted: &Noted, offset: UtcOffset) -> Vec<Line> {
        let texts = ils::lines(noted);
        if texts.is_empty() {
            return Vec::new();
        }
        self.last = (self.last + 1) % SIGNALS;
        let time = TimeOfDay::of(noted.event.at, offset);
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
    use ils_core::event::{Admitted, Direction, Happening, ServiceEvent};
    use ils_core::time::Timestamp;

    use super::*;
    use crate::sample;

    #[test]
    fn an_event_is_a_signal_and_its_lines_are_counted_within() {
        let mut signals = Signals::default();
        let head = |lines: Vec<Line>| {
            lines.iter().map(|line| line.to_string().chars().take(38).collect::<String>()).collect::<Vec<_>>()
        };
        let requested = sample::noted(Direction::Dialled, true, Happening::Requested);
        assert_eq!(
            head(signals.lines(&requested, UtcOffset::UTC)),
            [
                "00000001.001 |16:58:42.888 |AppInfo  |",
                "00000001.002 |16:58:42.888 |AppInfo  |",
                "00000001.003 |16:58:42.888 |AppInfo  |",
            ]
        );
        let silent = sample::service(Timestamp(0), ServiceEvent::Started);
        assert_eq!(signals.lines(&silent, UtcOffset::UTC), []);
        let connected = Happening::Connected { admitted: Some(Admitted::InStore) };
        let connected = sample::noted(Direction::Dialled, true, connected);
        let east = UtcOffset::from_minutes(90).expect("below a day");
        assert_eq!(
            head(signals.lines(&connected, east)),
            [
                "00000002.000 |18:28:42.888 |SdlSig   |",
                "00000002.001 |18:28:42.888 |AppInfo  |",
                "00000002.002 |18:28:42.888 |AppInfo  |",
                "00000002.003 |18:28:42.888 |AppInfo  |",
            ]
        );
    }

    #[test]
    fn numbers_begin_again_after_the_last_of_eight_digits() {
        let mut signals = Signals { last: SIGNALS - 2 };
        let mut next = || {
            let noted = sample::noted(Direction::Dialled, false, Happening::Requested);
            signals.lines(&noted, UtcOffset::UTC).first().map(Line::signal)
        };
        assert_eq!([next(), next(), next()], [Some(99_999_999), Some(0), Some(1)]);
    }
}
