//! Push time and silence time, by the clock on the wall of whoever has the device.

use serde::{Deserialize, Serialize};

/// What the wall shows where the device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 is Sunday, 6 Saturday.
    pub weekday: u8,
    pub hour: u8,
    pub minute: u8,
}

/// When notifications may be shown: on these days, between these hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTime {
    /// One bit a weekday, the lowest is Sunday. None at all: never.
    weekdays: u8,
    start_hour: u8,
    end_hour: u8,
}

impl PushTime {
    /// Days are 0 (Sunday) to 6, an empty list is never; hours 0 to 23, and the end's hour counts as a whole. Nothing when a
    /// day or an hour is none, or the end comes before the start.
    pub fn new(weekdays: &[u8], start_hour: u8, end_hour: u8) -> Option<Self> {
        let are_hours = start_hour <= end_hour && end_hour <= 23;
        if !are_hours || weekdays.iter().any(|day| *day > 6) {
            return None;
        }
        let weekdays = weekdays.iter().fold(0, |days, day| days | 1 << day);
        Some(Self { weekdays, start_hour, end_hour })
    }

    pub fn allows(&self, time: LocalTime) -> bool {
        let is_day = time.weekday <= 6 && self.weekdays & 1 << time.weekday != 0;
        is_day && (self.start_hour..=self.end_hour).contains(&time.hour)
    }
}

/// When notifications make no sound and do not vibrate: from one minute of the day up to another, over midnight as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceTime {
    start_minute: u16,
    end_minute: u16,
}

impl SilenceTime {
    /// Nothing when an hour or a minute is none. A start that is the end leaves no silence.
    pub fn new((start_hour, start_minute): (u8, u8), (end_hour, end_minute): (u8, u8)) -> Option<Self> {
        let are_times = start_hour <= 23 && end_hour <= 23 && start_minute <= 59 && end_minute <= 59;
        are_times.then(|| Self {
            start_minute: minute_of_day(start_hour, start_minute),
            end_minute: minute_of_day(end_hour, end_minute),
        })
    }

    pub fn is_silent(&self, time: LocalTime) -> bool {
        let now = minute_of_day(time.hour, time.minute);
        if self.start_minute <= self.end_minute {
            (self.start_minute..self.end_minute).contains(&now)
        } else {
            now >= self.start_minute || now < self.end_minute
        }
    }
}

fn minute_of_day(hour: u8, minute: u8) -> u16 {
    u16::from(hour) * 60 + u16::from(minute)
}
