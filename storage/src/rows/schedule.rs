//! Rows of scheduled pushes.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::command::ScheduleContent;
use crate::ids::{AppNumber, ScheduleNumber};
use crate::key::Key;
use crate::outcome::Firing;
use crate::row::serde_row;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScheduleRow {
    /// The random half of its id.
    pub salt: [u8; 8],
    pub content: ScheduleContent,
    pub created_ms: TimeMs,
    /// The next firing; of one that is over, the last.
    pub due_ms: TimeMs,
    /// When it is forgotten; nothing as long as a firing lies ahead.
    pub forgotten_ms: Option<TimeMs>,
    /// Counts changes and firings, so that what was read can be told from what is there.
    pub revision: u64,
    /// Firings that were recorded.
    pub firings: u64,
}
serde_row!(ScheduleRow, Schedules);

pub(crate) fn schedule_key(app: AppNumber, schedule: ScheduleNumber) -> Key {
    Key::app(app).u64(schedule.0)
}

/// One with a firing ahead, among those of its app in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenSchedule;
serde_row!(OpenSchedule, OpenSchedules);

/// The same one among those of all apps, by the time of its firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueSchedule;
serde_row!(DueSchedule, DueSchedules);

pub(crate) fn due_key(due_ms: TimeMs, app: AppNumber, schedule: ScheduleNumber) -> Key {
    Key::empty().u64(due_ms).u32(app.0).u64(schedule.0)
}

/// What became of one due time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FiringRow(pub Firing);
serde_row!(FiringRow, Firings);

/// Counted from 0 in each schedule.
pub(crate) fn firing_key(app: AppNumber, schedule: ScheduleNumber, number: u64) -> Key {
    schedule_key(app, schedule).u64(number)
}

/// The first answer to a creation that named a cid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScheduleCid {
    pub id: [u8; 16],
    pub name: String,
    pub expires_ms: TimeMs,
}
serde_row!(ScheduleCid, ScheduleCids);
