//! Hours, days and months of the server's zone, as the hours since 1970 that presence is kept by.
//!
//! Those are whole hours of UTC. In a zone that is not whole hours away from it, an hour counts where it begins.

use std::ops::Range;

use anser_protocol::ids::TimeMs;

use super::wall_clock::WallTime;
use crate::config::TimeZone;

pub const HOURS_PER_DAY: i64 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hour,
    Day,
    Month,
}

impl Unit {
    /// In any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Month].into_iter().find(|unit| unit.name().eq_ignore_ascii_case(name.trim()))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "HOUR",
            Self::Day => "DAY",
            Self::Month => "MONTH",
        }
    }

    pub fn read(self, text: &str) -> Option<WallTime> {
        match self {
            Self::Hour => WallTime::parse_hour(text),
            Self::Day => WallTime::parse_day(text),
            Self::Month => WallTime::parse_month(text),
        }
    }

    pub fn written(self, time: WallTime) -> String {
        match self {
            Self::Hour => time.hour_text(),
            Self::Day => time.day_text(),
            Self::Month => time.month_text(),
        }
    }

    /// The beginning of the unit that lies so many after the one of `start`.
    pub fn after(self, start: WallTime, units: i64) -> WallTime {
        match self {
            Self::Hour => start.plus_hours(units),
            Self::Day => start.plus_days(units),
            Self::Month => start.plus_months(units),
        }
    }

    /// The beginning of the unit that the moment lies in.
    pub fn of_ms(self, at_ms: TimeMs, zone: TimeZone) -> WallTime {
        let time = WallTime::of_ms(at_ms, zone);
        match self {
            Self::Hour => time.midnight().plus_hours(time.hour()),
            Self::Day => time.midnight(),
            Self::Month => time.plus_months(0),
        }
    }

    /// The hours of the unit that begins so; none that have not begun.
    pub fn hours(self, begin: WallTime, zone: TimeZone, now_ms: TimeMs) -> Range<u32> {
        let end = hour_of(i64::try_from(now_ms / 60_000).unwrap_or(i64::MAX)).saturating_add(1);
        let first_hour = |time: WallTime| hour_of(time.utc_minutes(zone)).min(end);
        first_hour(begin)..first_hour(self.after(begin, 1))
    }
}

/// The first hour since 1970 that does not begin before.
fn hour_of(minutes: i64) -> u32 {
    let hours = minutes.div_euclid(60) + i64::from(minutes.rem_euclid(60) > 0);
    u32::try_from(hours.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_lies_in_an_hour_a_day_and_a_month() {
        let at_ms = 1_714_700_000_123;
        let names = [Unit::Hour, Unit::Day, Unit::Month].map(|unit| unit.written(unit.of_ms(at_ms, TimeZone::DEFAULT)));
        assert_eq!(names, ["2024-05-03 09", "2024-05-03", "2024-05"]);
        let may = Unit::Month.of_ms(at_ms, TimeZone::DEFAULT);
        assert_eq!(Unit::Month.after(may, -5), WallTime::parse_month("2023-12").expect("a month"));
    }
}
