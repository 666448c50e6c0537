//! Wall-clock time and its textual form. Only the edges read it; commands carry it into the store.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anser_protocol::ids::TimeMs;

use crate::config::TimeZone;

/// Milliseconds since 1970; 0 while the clock stands before that.
pub fn now_ms() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as the REST APIs write it: `2024-05-01 09:30:00` in the server's zone.
pub struct Written(pub TimeMs, pub TimeZone);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = Date::of_ms(self.0, self.1.offset_minutes);
        let seconds = (self.0 / 1000).saturating_add_signed(i64::from(self.1.offset_minutes) * 60) % 86_400;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{:04}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", date.year, date.month, date.day)
    }
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: i32,
    pub month: u8,
    pub day: u8,
}

impl Date {
    pub fn of_ms(at_ms: TimeMs, offset_minutes: i32) -> Self {
        let seconds = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX / 2) + i64::from(offset_minutes) * 60;
        Self::of_days(seconds.div_euclid(86_400))
    }

    /// Nothing when the calendar has no such day, or not within four digits of the year.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => return None,
        };
        ((0..=9999).contains(&year) && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    /// The inverse of [`Self::of_days`].
    pub fn days_since_1970(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// Counts from 1 March of the year 0, so that the leap day is the last of its year and of its 400 years.
    pub fn of_days(since_1970: i64) -> Self {
        let days = since_1970 + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self {
            year: i32::try_from(year).unwrap_or(9999),
            month: u8::try_from(month).expect("a month is at most 12"),
            day: u8::try_from(day).expect("a day is at most 31"),
        }
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
        let utc = TimeZone { offset_minutes: 0 };
        assert_eq!(Written(0, utc).to_string(), "1970-01-01 00:00:00");
        assert_eq!(Written(951_782_400_000, utc).to_string(), "2000-02-29 00:00:00");
        assert_eq!(Written(1_714_700_000_123, utc).to_string(), "2024-05-03 01:33:20");
        assert_eq!(Written(1_714_700_000_123, TimeZone::DEFAULT).to_string(), "2024-05-03 09:33:20");
        assert_eq!(Written(1_735_689_599_000, TimeZone::DEFAULT).to_string(), "2025-01-01 07:59:59");
    }
}
