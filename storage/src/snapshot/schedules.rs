//! Reading scheduled pushes: by id, by app, and by when they are due.

use anser_protocol::ids::TimeMs;

use super::Snapshot;
use crate::command::ScheduleContent;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ScheduleId, ScheduleNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::outcome::Firing;
use crate::rows::schedule::{FiringRow, ScheduleRow, due_key, schedule_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// A scheduled push as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub content: ScheduleContent,
    pub created_ms: TimeMs,
    /// The next firing; of one that is over, the last.
    pub due_ms: TimeMs,
    pub is_over: bool,
    pub revision: u64,
}

/// Some of an app's schedules with a firing ahead, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulePage {
    pub total: usize,
    pub schedules: Vec<Schedule>,
}

/// A place in the list of what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSchedule {
    pub due_ms: TimeMs,
    pub app: AppNumber,
    pub schedule: ScheduleNumber,
}

impl Snapshot {
    pub fn schedule(&self, app: AppNumber, id: ScheduleId) -> Result<Option<Schedule>, ReadError> {
        Ok(find::schedule(self, app, id)?.map(|row| shown(id.number(), row)))
    }

    pub fn open_schedules(&self, app: AppNumber, skip: usize, limit: usize) -> Result<SchedulePage, ReadError> {
        let keys = self.keys(Table::OpenSchedules, &Key::app(app), usize::MAX)?;
        let mut schedules = Vec::new();
        for number in keys.iter().skip(skip).take(limit).filter_map(|key| u64_at(key, 4)).map(ScheduleNumber) {
            let row = find::required::<ScheduleRow>(self, schedule_key(app, number))?;
            schedules.push(shown(number, row));
        }
        Ok(SchedulePage { total: keys.len(), schedules })
    }

    /// What is known of the firings of a schedule, oldest first; nothing when there is no such schedule.
    pub fn firings(&self, app: AppNumber, id: ScheduleId) -> Result<Option<Vec<Firing>>, ReadError> {
        if find::schedule(self, app, id)?.is_none() {
            return Ok(None);
        }
        let mut firings = Vec::new();
        self.rows::<FiringRow>(&schedule_key(app, id.number()), |_, firing| {
            firings.push(firing.0);
            Ok(NEXT)
        })?;
        Ok(Some(firings))
    }

    /// Places of all apps in order of their times, behind `after`, at most `limit`.
    pub fn due_schedules(&self, after: Option<DueSchedule>, limit: usize) -> Result<Vec<DueSchedule>, ReadError> {
        let from = match after {
            Some(DueSchedule { due_ms, app, schedule }) => due_key(due_ms, app, schedule).u8(0),
            None => Key::empty(),
        };
        let mut due = Vec::new();
        self.scan(Table::DueSchedules, from.as_bytes(), None, &mut |key, _| {
            if due.len() == limit {
                return Ok(STOP);
            }
            if let (Some(due_ms), Some(app), Some(schedule)) = (u64_at(key, 0), u32_at(key, 8), u64_at(key, 12)) {
                due.push(DueSchedule { due_ms, app: AppNumber(app), schedule: ScheduleNumber(schedule) });
            }
            Ok(NEXT)
        })?;
        Ok(due)
    }

    /// The schedule at such a place; nothing when it is gone.
    pub fn schedule_at(&self, due: &DueSchedule) -> Result<Option<Schedule>, ReadError> {
        let row: Option<ScheduleRow> = self.row(&schedule_key(due.app, due.schedule))?;
        Ok(row.map(|row| shown(due.schedule, row)))
    }
}

fn shown(number: ScheduleNumber, row: ScheduleRow) -> Schedule {
    Schedule {
        id: ScheduleId::new(row.salt, number),
        content: row.content,
        created_ms: row.created_ms,
        due_ms: row.due_ms,
        is_over: row.forgotten_ms.is_some(),
        revision: row.revision,
    }
}
