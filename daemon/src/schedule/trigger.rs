//! When a scheduled push is due: the rules of the contract, on the clock of the wall.
//!
//! Knows no clock and no zone but the one given: a moment comes in, the next due moment comes out. Times are seconds
//! since 1970 on a clock in the server's zone, so that days are 86,400 of them and nothing else.

mod parse;
#[cfg(test)]
mod tests;

use anser_protocol::ids::TimeMs;

use crate::clock::Date;
use crate::config::TimeZone;

pub use parse::parse;

const DAY_S: i64 = 86_400;

/// A moment on the server's wall clock, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local(pub i64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    Single(Local),
    Periodical(Periodical),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periodical {
    pub start: Local,
    pub end: Local,
    /// Seconds of the day.
    pub time_s: i64,
    /// Every so many blocks, counted from the one that `start` is in.
    pub frequency: i64,
    pub points: Points,
}

/// The unit of the blocks, and the days within one: bit 0 is Monday, or the first of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    Days,
    Weeks(u8),
    Months(u32),
}

impl Trigger {
    /// The first due moment that lies after `after_ms`.
    pub fn next_after(&self, after_ms: TimeMs, zone: TimeZone) -> Option<TimeMs> {
        // A clock that is put forward or back by some hours shows what is due early, late or twice: from a day before,
        // the first that lies ahead as a moment.
        let mut after = Local(Local::floor(after_ms, zone).0.saturating_sub(DAY_S));
        loop {
            let next = match self {
                Self::Single(at) => Some(*at).filter(|at| *at > after),
                Self::Periodical(periodical) => periodical.next_after(after),
            }?;
            match next.to_ms(zone) {
                Some(at_ms) if at_ms > after_ms => return Some(at_ms),
                _ => after = next,
            }
        }
    }

    /// Is a trigger of this kind the same kind as the other?
    pub fn is_single(&self) -> bool {
        matches!(self, Self::Single(_))
    }

    /// Due moments after `from_ms` up to `to_ms`, and the first one behind them.
    pub fn pass(&self, from_ms: TimeMs, to_ms: TimeMs, zone: TimeZone) -> (u32, Option<TimeMs>) {
        let mut passed = 0;
        let mut next = self.next_after(from_ms, zone);
        while let Some(at_ms) = next.filter(|at_ms| *at_ms <= to_ms) {
            passed += 1;
            next = self.next_after(at_ms, zone);
        }
        (passed, next)
    }
}

impl Periodical {
    fn next_after(&self, after: Local) -> Option<Local> {
        let from = self.start.max(Local(after.0.saturating_add(1)));
        let first_day = Local(from.0.saturating_sub(self.time_s)).day_up();
        // A year of days at most: what is parsed spans no more.
        (first_day..)
            .map(|day| (day, Local(day.saturating_mul(DAY_S).saturating_add(self.time_s))))
            .take_while(|(_, at)| *at <= self.end)
            .find(|(day, _)| self.is_on(*day))
            .map(|(_, at)| at)
    }

    /// Is the day in an active block, and one of its points?
    fn is_on(&self, day: i64) -> bool {
        let first = self.start.day();
        let (blocks, is_point) = match self.points {
            Points::Days => (day - first, true),
            Points::Weeks(days) => (week(day) - week(first), days >> weekday(day) & 1 == 1),
            Points::Months(days) => {
                let date = Date::of_days(day);
                (month(date) - month(Date::of_days(first)), days >> (date.day - 1) & 1 == 1)
            }
        };
        is_point && blocks % self.frequency == 0
    }
}

impl Local {
    /// The second that the moment lies in.
    pub fn floor(at_ms: TimeMs, zone: TimeZone) -> Self {
        Self(zone.local_s(at_ms))
    }

    /// Nothing before 1970.
    fn to_ms(self, zone: TimeZone) -> Option<TimeMs> {
        TimeMs::try_from(zone.utc_s(self.0)?).ok()?.checked_mul(1000)
    }

    fn of(date: Date, second_of_day: i64) -> Self {
        Self(date.days_since_1970() * DAY_S + second_of_day)
    }

    /// The same wall-clock time a calendar year later; 1 March for a leap day.
    pub fn a_year_later(self) -> Self {
        let date = Date::of_days(self.day());
        let later = match (date.month, date.day) {
            (2, 29) => Date { year: date.year + 1, month: 3, day: 1 },
            _ => Date { year: date.year + 1, ..date },
        };
        Self::of(later, self.0.rem_euclid(DAY_S))
    }

    fn day(self) -> i64 {
        self.0.div_euclid(DAY_S)
    }

    /// The day that begins then, or the next one to begin.
    fn day_up(self) -> i64 {
        self.day() + i64::from(self.0.rem_euclid(DAY_S) > 0)
    }
}

/// 1 January 1970 was a Thursday.
fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

fn week(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

fn month(date: Date) -> i64 {
    i64::from(date.year) * 12 + i64::from(date.month)
}
