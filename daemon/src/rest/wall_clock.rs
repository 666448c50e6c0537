//! Dates and times as callers write them: wall-clock text without a zone, in the zone that the server is set to.

use anser_protocol::ids::TimeMs;

use crate::clock::Date;
use crate::config::TimeZone;

const MINUTES_PER_DAY: i64 = 24 * 60;

/// Something that the wall clock of a zone shows, to the minute. Counts from 1970, and may lie before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    minutes: i64,
}

impl WallTime {
    /// `yyyy-MM-dd`
    pub fn parse_day(text: &str) -> Option<Self> {
        let [year, month, day] = fields(text, ["-", "-"], [4, 2, 2])?;
        Some(Self { minutes: days_since_1970(year, month, day)? * MINUTES_PER_DAY })
    }

    /// `yyyy-MM`
    pub fn parse_month(text: &str) -> Option<Self> {
        let [year, month] = fields(text, ["-"], [4, 2])?;
        Some(Self { minutes: days_since_1970(year, month, 1)? * MINUTES_PER_DAY })
    }

    /// `yyyy-MM-dd HH`
    pub fn parse_hour(text: &str) -> Option<Self> {
        let (day, hour) = text.split_once(' ')?;
        let [hour] = fields(hour, [], [2])?;
        let day = Self::parse_day(day)?;
        (hour < 24).then(|| day.plus_hours(hour.into()))
    }

    /// `yyyy-MM-dd HH:mm:ss`, as seconds since 1970 on the clock that shows it.
    pub fn parse_second(text: &str) -> Option<i64> {
        let (day, time) = text.split_once(' ')?;
        let [hour, minute, second] = fields(time, [":", ":"], [2, 2, 2])?;
        let is_time = hour < 24 && minute < 60 && second < 60;
        let day = Self::parse_day(day).filter(|_| is_time)?;
        Some(day.minutes * 60 + i64::from(hour * 3600 + minute * 60 + second))
    }

    pub fn of_ms(at_ms: TimeMs, zone: TimeZone) -> Self {
        Self { minutes: zone.local_s(at_ms).div_euclid(60) }
    }

    /// Minutes since 1970, UTC.
    pub fn utc_minutes(self, zone: TimeZone) -> i64 {
        zone.utc_s(self.minutes * 60).map_or(self.minutes, |seconds| seconds.div_euclid(60))
    }

    pub fn plus_hours(self, hours: i64) -> Self {
        Self { minutes: self.minutes + hours * 60 }
    }

    pub fn plus_days(self, days: i64) -> Self {
        Self { minutes: self.minutes + days * MINUTES_PER_DAY }
    }

    /// The first day of the month that lies so many months after this one.
    pub fn plus_months(self, months: i64) -> Self {
        let date = self.date();
        let month = i64::from(date.year) * 12 + i64::from(date.month) - 1 + months;
        let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
        let first =
            Date { year: i32::try_from(year).unwrap_or(i32::MAX), month: u8::try_from(month).unwrap_or(1), day: 1 };
        Self { minutes: first.days_since_1970() * MINUTES_PER_DAY }
    }

    pub fn midnight(self) -> Self {
        Self { minutes: self.minutes - self.minutes.rem_euclid(MINUTES_PER_DAY) }
    }

    pub fn hour(self) -> i64 {
        self.minutes.rem_euclid(MINUTES_PER_DAY) / 60
    }

    pub fn hour_text(self) -> String {
        format!("{} {:02}", self.day_text(), self.hour())
    }

    pub fn day_text(self) -> String {
        format!("{}-{:02}", self.month_text(), self.date().day)
    }

    pub fn month_text(self) -> String {
        let date = self.date();
        format!("{:04}-{:02}", date.year, date.month)
    }

    fn date(self) -> Date {
        Date::of_days(self.minutes.div_euclid(MINUTES_PER_DAY))
    }
}

/// Numbers of exactly so many digits between separators.
fn fields<const N: usize, const S: usize>(text: &str, separators: [&str; S], digits: [usize; N]) -> Option<[u32; N]> {
    let mut rest = text;
    let mut numbers = [0; N];
    for (index, number) in numbers.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(separators.get(index - 1)?)?;
        }
        let (field, after) = rest.split_at_checked(digits[index])?;
        if !field.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = field.parse().ok()?;
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

/// Nothing for a day that is not in the calendar.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i64> {
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)?;
    (year > 0).then(|| date.days_since_1970())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_is_read_strictly() {
        for (text, good) in
            [("2014-06-10", true), ("2014-6-10", false), ("2014-06-31", false), ("2014-06-10 00", false)]
        {
            assert_eq!(WallTime::parse_day(text).is_some(), good, "{text}");
        }
        for (text, good) in [("2014-06", true), ("2014-13", false), ("2014-06-01", false), ("0000-01", false)] {
            assert_eq!(WallTime::parse_month(text).is_some(), good, "{text}");
        }
        for (text, good) in [("2014-06-10 23", true), ("2014-06-10 24", false), ("2014-06-10", false), ("京", false)] {
            assert_eq!(WallTime::parse_hour(text).is_some(), good, "{text}");
        }
        assert!(WallTime::parse_day("2000-02-29").is_some() && WallTime::parse_day("1900-02-29").is_none());
    }

    #[test]
    fn a_moment_is_read_to_the_second() {
        assert_eq!(WallTime::parse_second("1970-01-02 00:01:01"), Some(86_461));
        for wrong in ["1970-01-02", "1970-01-02 24:00:00", "1970-01-02 00:60:00", "1970-1-2 00:00:00", "x", ""] {
            assert_eq!(WallTime::parse_second(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn wall_time_is_that_of_the_zone() {
        let eight = WallTime::parse_hour("1970-01-01 08").expect("an hour");
        assert_eq!(eight.utc_minutes(TimeZone::DEFAULT), 0);
        assert_eq!(WallTime::of_ms(0, TimeZone::DEFAULT), eight);
        assert_eq!(eight.midnight().hour_text(), "1970-01-01 00");
    }

    #[test]
    fn months_follow_one_another_over_the_year() {
        let december = WallTime::parse_month("2014-12").expect("a month");
        assert_eq!(december.plus_months(1).month_text(), "2015-01");
        assert_eq!(december.plus_months(-12).month_text(), "2013-12");
        assert_eq!(december.plus_days(31), december.plus_months(1));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,16}") {
            let _ = (WallTime::parse_day(&text), WallTime::parse_month(&text), WallTime::parse_hour(&text));
        }
    }
}
