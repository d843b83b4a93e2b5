//! Times as traces, alarms and JSON print them: always from a [`Timestamp`], never from a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::timestamp::Timestamp;

const MILLIS_A_DAY: i64 = 86_400_000;
const MINUTES_A_DAY: i16 = 24 * 60;

/// How far local time is from UTC, in whole minutes; less than a day either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset {
    minutes: i16,
}

impl UtcOffset {
    /// No offset: `Z`.
    pub const UTC: Self = Self { minutes: 0 };

    /// Minutes east of UTC; `None` for a day or more.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        (minutes > -MINUTES_A_DAY && minutes < MINUTES_A_DAY).then_some(Self { minutes })
    }

    /// Minutes east of UTC.
    pub fn minutes(self) -> i16 {
        self.minutes
    }

    /// The zone of CiscoLog, three or five of at most seven characters: `UTC`, `+0200`, `-0330`.
    pub fn zone(self) -> String {
        if self.minutes == 0 { "UTC".to_owned() } else { self.signed().replace(':', "") }
    }

    /// With its sign and never as a letter, as the head of a trace file has it: `+00:00`, `-03:30`.
    pub fn signed(self) -> String {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The text is no offset from UTC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no offset from UTC; write Z, +02:00 or -03:30")]
pub struct OffsetError(pub String);

/// `Z`, `+HH:MM` or `-HH:MM`.
impl FromStr for UtcOffset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "Z" {
            return Ok(Self::UTC);
        }
        hours_and_minutes(text).and_then(Self::from_minutes).ok_or_else(|| OffsetError(text.to_owned()))
    }
}

fn hours_and_minutes(text: &str) -> Option<i16> {
    let (sign, rest) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let in_range = hours < 24 && minutes < 60;
    in_range.then_some(())?;
    Some(sign * i16::try_from(hours * 60 + minutes).ok()?)
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minutes == 0 { f.write_str("Z") } else { f.write_str(&self.signed()) }
    }
}

/// Milliseconds since midnight: the time column of a trace, `HH:MM:SS.mmm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// The time of day of a moment, where clocks are `offset` away from UTC.
    pub fn of(at: Timestamp, offset: UtcOffset) -> Self {
        let local = at.0.saturating_add(i64::from(offset.minutes) * 60_000);
        let millis = u32::try_from(local.rem_euclid(MILLIS_A_DAY));
        Self(millis.expect("a remainder of a day's milliseconds is below 2^27"))
    }

    /// Milliseconds since midnight.
    pub fn millis(self) -> u32 {
        self.0
    }

    /// Reads `HH:MM:SS.mmm`; `None` for anything else, a 24th hour or 60th minute included.
    pub fn parse(text: &str) -> Option<Self> {
        let (clock, millis) = text.split_once('.')?;
        let mut parts = clock.split(':');
        let hours = digits(parts.next()?, 2).filter(|hours| *hours < 24)?;
        let minutes = digits(parts.next()?, 2).filter(|minutes| *minutes < 60)?;
        let seconds = digits(parts.next()?, 2).filter(|seconds| *seconds < 60)?;
        let millis = digits(millis, 3)?;
        parts.next().is_none().then_some(Self(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
        write!(f, "{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
    }
}

/// RFC 3339 in UTC with milliseconds: `2016-08-26T16:58:42.888Z`.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{:.3}", moment(at))
}

/// `8/26/16 5:06 PM`, as CUCM's pages print it, in local time.
pub fn page_time(at: Timestamp, offset: UtcOffset) -> String {
    local(at, offset).strftime("%-m/%-d/%y %-I:%M %p").to_string()
}

/// The stamp of RFC 3164, section 4.1.2, in local time: `Aug 26 16:58:42`. A day of one digit has a blank before it.
pub fn rfc3164(at: Timestamp, offset: UtcOffset) -> String {
    local(at, offset).strftime("%b %e %H:%M:%S").to_string()
}

/// The time stamp of CiscoLog, in local time with its zone: `Aug 26 2016 16:58:42.888 UTC`; the day as in RFC 3164.
pub fn cisco_log(at: Timestamp, offset: UtcOffset) -> String {
    format!("{} {}", local(at, offset).strftime("%b %e %Y %H:%M:%S%.3f"), offset.zone())
}

/// The local date as the head of a trace file has it: `2016/08/26`.
pub fn date(at: Timestamp, offset: UtcOffset) -> String {
    local(at, offset).strftime("%Y/%m/%d").to_string()
}

/// Local date and time as the head of a trace file has them: `2016/08/26 16:58:42`.
pub fn date_and_time(at: Timestamp, offset: UtcOffset) -> String {
    local(at, offset).strftime("%Y/%m/%d %H:%M:%S").to_string()
}

/// Which local day it is, counted from that of the epoch.
pub fn day(at: Timestamp, offset: UtcOffset) -> i64 {
    at.0.saturating_add(i64::from(offset.minutes) * 60_000).div_euclid(MILLIS_A_DAY)
}

fn local(at: Timestamp, offset: UtcOffset) -> jiff::civil::DateTime {
    let offset = jiff::tz::Offset::from_seconds(i32::from(offset.minutes) * 60);
    let offset = offset.expect("less than a day is within the calendar's 25 hours and 59 minutes");
    offset.to_datetime(moment(at))
}

/// A time beyond the calendar (the years -9999 to 9999) is shown as its nearest end.
fn moment(at: Timestamp) -> jiff::Timestamp {
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(end)
}

/// Exactly `count` ASCII digits, at most nine.
pub fn digits(text: &str, count: usize) -> Option<u32> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// A time that serialises as [`rfc3339`] prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2016-08-26 16:58:42.888 UTC.
    const AT: Timestamp = Timestamp(1_472_230_722_888);

    #[test]
    fn the_time_of_day_follows_the_offset_across_midnight() {
        for (case, at, offset, want) in [
            ("UTC", AT, "Z", "16:58:42.888"),
            ("east", AT, "+05:30", "22:28:42.888"),
            ("west", AT, "-07:00", "09:58:42.888"),
            ("over midnight", AT, "+08:00", "00:58:42.888"),
            ("the epoch", Timestamp(0), "Z", "00:00:00.000"),
            ("before the epoch", Timestamp(-1), "Z", "23:59:59.999"),
            ("the end of time", Timestamp(i64::MAX), "+00:01", "07:12:55.807"),
        ] {
            let offset = offset.parse().expect("an offset");
            assert_eq!(TimeOfDay::of(at, offset).to_string(), want, "{case}");
        }
    }

    #[test]
    fn a_time_of_day_is_read_strictly() {
        for (text, millis) in [
            ("00:00:00.000", Some(0)),
            ("23:59:59.999", Some(86_399_999)),
            ("24:00:00.000", None),
            ("12:60:00.000", None),
            ("12:00:60.000", None),
            ("1:00:00.000", None),
            ("01:00:00.00", None),
            ("01:00:00:00.000", None),
            ("+1:00:00.000", None),
            ("", None),
        ] {
            assert_eq!(TimeOfDay::parse(text).map(TimeOfDay::millis), millis, "{text}");
        }
    }

    #[test]
    fn an_offset_is_whole_minutes_below_a_day() {
        for (text, minutes) in [
            ("Z", Some(0)),
            ("+00:00", Some(0)),
            ("+02:00", Some(120)),
            ("-03:30", Some(-210)),
            ("+23:59", Some(1439)),
            ("+24:00", None),
            ("-23:60", None),
            ("+2:00", None),
            ("02:00", None),
            ("é2:00", None),
            ("", None),
        ] {
            let read = text.parse::<UtcOffset>().ok();
            assert_eq!(read.map(UtcOffset::minutes), minutes, "{text}");
            if let Some(offset) = read {
                assert_eq!(offset.to_string().parse(), Ok(offset), "{text}");
            }
        }
    }

    #[test]
    fn dates_are_printed_as_their_rfcs_say() {
        assert_eq!(rfc3339(AT), "2016-08-26T16:58:42.888Z");
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3164(AT, UtcOffset::UTC), "Aug 26 16:58:42");
        let west = UtcOffset::from_minutes(-60).expect("an hour");
        assert_eq!(rfc3164(Timestamp(86_400_000), west), "Jan  1 23:00:00", "a day of one digit is padded");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(
            rfc3339(Timestamp(i64::MAX)),
            "9999-12-30T22:00:00.999Z",
            "the last moment of the calendar"
        );
    }

    #[test]
    fn page_time_is_the_documents() {
        for (case, millis, offset, want) in [
            ("as in the table", 1_472_231_160_000, "Z", "8/26/16 5:06 PM"),
            ("half past midnight", 1_472_171_400_000, "Z", "8/26/16 12:30 AM"),
            ("noon", 1_480_593_600_000, "Z", "12/1/16 12:00 PM"),
            ("half an hour off", 1_472_231_160_000, "+05:30", "8/26/16 10:36 PM"),
        ] {
            let offset = offset.parse().expect("an offset");
            assert_eq!(page_time(Timestamp(millis), offset), want, "{case}");
        }
    }

    #[test]
    fn dates_of_cisco_log_and_of_a_trace_file_are_local_and_name_their_zone() {
        for (case, at, offset, stamp, started, signed, days) in [
            ("UTC", AT, "Z", "Aug 26 2016 16:58:42.888 UTC", "2016/08/26 16:58:42", "+00:00", 17_039),
            ("east", AT, "+05:30", "Aug 26 2016 22:28:42.888 +0530", "2016/08/26 22:28:42", "+05:30", 17_039),
            (
                "a day on",
                AT,
                "+08:00",
                "Aug 27 2016 00:58:42.888 +0800",
                "2016/08/27 00:58:42",
                "+08:00",
                17_040,
            ),
            (
                "west",
                Timestamp(7),
                "-03:00",
                "Dec 31 1969 21:00:00.007 -0300",
                "1969/12/31 21:00:00",
                "-03:00",
                -1,
            ),
            (
                "a day of one digit",
                Timestamp(0),
                "Z",
                "Jan  1 1970 00:00:00.000 UTC",
                "1970/01/01 00:00:00",
                "+00:00",
                0,
            ),
        ] {
            let offset: UtcOffset = offset.parse().expect("an offset");
            assert_eq!(cisco_log(at, offset), stamp, "{case}");
            assert_eq!(date_and_time(at, offset), started, "{case}");
            assert!(started.starts_with(&date(at, offset)), "{case}");
            assert_eq!((offset.signed().as_str(), day(at, offset)), (signed, days), "{case}");
            assert!((1..=7).contains(&offset.zone().len()), "{case}");
        }
    }
}
