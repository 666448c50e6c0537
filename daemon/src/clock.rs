//! Wall-clock time and its textual form. Only the edges read it; commands carry it into the store.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anser_protocol::ids::TimeMs;
use jiff::{SignedDuration, civil};

use crate::config::TimeZone;

const DAY_S: i64 = 86_400;

/// Milliseconds since 1970; 0 while the clock stands before that.
pub fn now_ms() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as the REST APIs write it: `2024-05-01 09:30:00` in the server's zone.
pub struct Written(pub TimeMs, pub TimeZone);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local_s = self.1.local_s(self.0);
        let date = Date::of_days(local_s.div_euclid(DAY_S));
        let seconds = local_s.rem_euclid(DAY_S);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", date.year, date.month, date.day)
    }
}

/// A day of the Gregorian calendar, in a year of four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: i32,
    pub month: u8,
    pub day: u8,
}

const EPOCH: civil::Date = civil::date(1970, 1, 1);

impl Date {
    /// In UTC.
    pub fn of_ms(at_ms: TimeMs) -> Self {
        Self::of_days(TimeZone::UTC.local_s(at_ms).div_euclid(DAY_S))
    }

    /// Nothing when the calendar has no such day, or not within four digits of the year.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let is_day = (0..=9999).contains(&year) && Self { year, month, day }.civil().is_some();
        is_day.then_some(Self { year, month, day })
    }

    /// The inverse of [`Self::of_days`].
    pub fn days_since_1970(self) -> i64 {
        self.civil().unwrap_or(civil::Date::MAX).duration_since(EPOCH).as_hours() / 24
    }

    /// The calendar's last day when there is no such day.
    pub fn of_days(since_1970: i64) -> Self {
        let span = SignedDuration::try_from_hours(since_1970.saturating_mul(24)).unwrap_or(SignedDuration::MAX);
        let date = EPOCH.saturating_add(span);
        Self { year: date.year().into(), month: date.month().unsigned_abs(), day: date.day().unsigned_abs() }
    }

    fn civil(self) -> Option<civil::Date> {
        civil::Date::new(self.year.try_into().ok()?, self.month.try_into().ok()?, self.day.try_into().ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbered_without_a_gap_and_back_again() {
        let mut date = Date::of_days(-1);
        for day in 0..200_000 {
            let next = Date::of_days(day);
            assert_eq!(next.days_since_1970(), day);
            assert_eq!(Date::new(next.year, next.month, next.day), Some(next));
            let begins = Date::new(date.year, date.month, date.day + 1).unwrap_or(match date.month {
                12 => Date { year: date.year + 1, month: 1, day: 1 },
                month => Date { month: month + 1, day: 1, ..date },
            });
            assert_eq!(next, begins);
            date = next;
        }
    }

    #[test]
    fn days_that_no_calendar_has_are_none() {
        for (year, month, day) in
            [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0)]
        {
            assert_eq!(Date::new(year, month, day), None);
        }
        assert!(Date::new(2000, 2, 29).is_some() && Date::new(2024, 2, 29).is_some());
        assert_eq!(Date::new(10_000, 1, 1), None);
    }

    #[test]
    fn moments_are_written_in_the_servers_zone() {
        let utc = TimeZone::UTC;
        assert_eq!(Written(0, utc).to_string(), "1970-01-01 00:00:00");
        assert_eq!(Written(951_782_400_000, utc).to_string(), "2000-02-29 00:00:00");
        assert_eq!(Written(1_714_700_000_123, utc).to_string(), "2024-05-03 01:33:20");
        assert_eq!(Written(1_714_700_000_123, TimeZone::DEFAULT).to_string(), "2024-05-03 09:33:20");
        assert_eq!(Written(1_735_689_599_000, TimeZone::DEFAULT).to_string(), "2025-01-01 07:59:59");
    }
}
