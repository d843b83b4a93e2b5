//! Time as users read it: RFC 3339 in JSON, the page's own form in tables.

use ils_core::time::Timestamp;
use ilslab_trace::UtcOffset;
use serde::{Serialize, Serializer};

/// `2016-09-28T16:58:42.888Z`: UTC, milliseconds.
pub fn rfc3339(at: Timestamp) -> String {
    instant(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `8/26/16 5:06 PM`, as CUCM's pages print it, at this offset from UTC.
pub fn page_time(at: Timestamp, offset: UtcOffset) -> String {
    let local = at.0.saturating_add(i64::from(offset.minutes()) * 60_000);
    instant(Timestamp(local)).strftime("%-m/%-d/%y %-I:%M %p").to_string()
}

/// Beyond the years that a calendar has, the last moment that it has.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let limit = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(limit)
}

/// A time that serialises as [`rfc3339`] prints it.
#[derive(Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_time_is_utc_with_milliseconds() {
        for (name, millis, want) in [
            ("epoch", 0, "1970-01-01T00:00:00.000Z"),
            ("document 200694", 1_475_081_922_888, "2016-09-28T16:58:42.888Z"),
            ("before the epoch", -1, "1969-12-31T23:59:59.999Z"),
            ("beyond the calendar", i64::MAX, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(rfc3339(Timestamp(millis)), want, "{name}");
        }
    }

    #[test]
    fn page_time_is_the_documents() {
        let utc = UtcOffset::UTC;
        let india = UtcOffset::from_minutes(330).expect("within a day");
        for (name, millis, offset, want) in [
            ("as in the table", 1_472_231_160_000, utc, "8/26/16 5:06 PM"),
            ("half past midnight", 1_472_171_400_000, utc, "8/26/16 12:30 AM"),
            ("noon", 1_480_593_600_000, utc, "12/1/16 12:00 PM"),
            ("half an hour off", 1_472_231_160_000, india, "8/26/16 10:36 PM"),
        ] {
            assert_eq!(page_time(Timestamp(millis), offset), want, "{name}");
        }
    }
}
