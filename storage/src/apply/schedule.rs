//! Pushes that are sent later: made, changed, and fired.
//!
//! A firing submits its push and moves the schedule on in one command, so that a crash leaves both or neither.

use anser_protocol::ids::TimeMs;

use super::push::CID_LIFETIME_MS;
use super::{Batch, Decided, Stop};
use crate::command::{Fire, FireAct, NewSchedule, ScheduleCommand, ScheduleContent, Submit};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ScheduleId, ScheduleNumber};
use crate::key::Key;
use crate::outcome::{Answer, Firing, FiringResult, Refusal};
use crate::rows::push::{Expiry, cid_key, expiry_key};
use crate::rows::schedule::{
    DueSchedule, FiringRow, OpenSchedule, ScheduleCid, ScheduleRow, due_key, firing_key, schedule_key,
};
use crate::table::Table;
use crate::tables::Tables;

/// For how long one that is over can still be asked about.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Of the newest firings of a schedule: more than a year of days.
const FIRINGS_KEPT: u64 = 400;

impl Batch<'_> {
    pub(super) fn schedule(&mut self, command: &ScheduleCommand) -> Decided<Answer> {
        match command {
            ScheduleCommand::Create(new) => self.create_schedule(new),
            ScheduleCommand::Update { app, schedule, revision, content, due_ms } => {
                self.update_schedule(*app, *schedule, *revision, content, *due_ms)
            }
            ScheduleCommand::Delete { app, schedule } => self.delete_schedule(*app, *schedule),
            ScheduleCommand::Fire(fire) => self.fire(fire),
        }
    }

    fn create_schedule(&mut self, new: &NewSchedule) -> Decided<Answer> {
        self.require_app(new.app)?;
        if let Some(first) = self.first_of_cid(new)? {
            return Ok(Answer::Scheduled { schedule: ScheduleId(first.id), name: first.name });
        }
        if new.only_repeats {
            return Err(Refusal::CidExpired.into());
        }
        let open_max = usize::try_from(new.open_max).unwrap_or(usize::MAX);
        if self.keys(Table::OpenSchedules, &Key::app(new.app), open_max)?.len() == open_max {
            return Err(Refusal::TooManySchedules.into());
        }
        let number = ScheduleNumber(self.take_position().0);
        let id = ScheduleId::new(new.random, number);
        let row = ScheduleRow {
            salt: id.salt(),
            content: new.content.clone(),
            created_ms: self.now_ms(),
            due_ms: new.due_ms,
            forgotten_ms: None,
            revision: 0,
            firings: 0,
        };
        self.put(&schedule_key(new.app, number), &row)?;
        self.put(&schedule_key(new.app, number), &OpenSchedule)?;
        self.put(&due_key(new.due_ms, new.app, number), &DueSchedule)?;
        self.keep_schedule_cid(new, id)?;
        Ok(Answer::Scheduled { schedule: id, name: new.content.name.clone() })
    }

    fn first_of_cid(&self, new: &NewSchedule) -> Result<Option<ScheduleCid>, ReadError> {
        let Some(cid) = &new.cid else { return Ok(None) };
        let first = self.row::<ScheduleCid>(&cid_key(new.app, cid))?;
        Ok(first.filter(|first| first.expires_ms > self.now_ms()))
    }

    fn keep_schedule_cid(&mut self, new: &NewSchedule, id: ScheduleId) -> Result<(), ReadError> {
        let Some(cid) = &new.cid else { return Ok(()) };
        let expires_ms = self.now_ms() + CID_LIFETIME_MS;
        let row = ScheduleCid { id: id.0, name: new.content.name.clone(), expires_ms };
        self.put(&cid_key(new.app, cid), &row)?;
        self.put_expiry(expires_ms, &Expiry::ScheduleCid { app: new.app, cid: cid.clone() })
    }

    fn update_schedule(
        &mut self,
        app: AppNumber,
        id: ScheduleId,
        revision: u64,
        content: &ScheduleContent,
        due_ms: TimeMs,
    ) -> Decided<Answer> {
        let row = self.require_schedule(app, id)?;
        if row.forgotten_ms.is_some() {
            return Err(Refusal::ScheduleOver.into());
        }
        if row.revision != revision {
            return Err(Refusal::ScheduleChanged.into());
        }
        let row = ScheduleRow { content: content.clone(), revision: revision + 1, ..row };
        self.move_on(app, id.number(), row, Some(due_ms))?;
        Ok(Answer::Done)
    }

    fn delete_schedule(&mut self, app: AppNumber, id: ScheduleId) -> Decided<Answer> {
        let row = self.require_schedule(app, id)?;
        let number = id.number();
        match row.forgotten_ms {
            None => self.remove_places(app, number, row.due_ms)?,
            Some(at_ms) => {
                let expiry = Expiry::Schedule { app, schedule: number };
                self.remove(Table::Expiries, &expiry_key(at_ms, &expiry))?;
            }
        }
        for key in self.keys(Table::Firings, &schedule_key(app, number), usize::MAX)? {
            self.remove_bytes(Table::Firings, &key)?;
        }
        self.remove(Table::Schedules, &schedule_key(app, number))?;
        Ok(Answer::Done)
    }

    fn fire(&mut self, fire: &Fire) -> Decided<Answer> {
        let row: Option<ScheduleRow> = match find::app(self, fire.app)? {
            Some(_) => self.row(&schedule_key(fire.app, fire.schedule))?,
            None => None,
        };
        let Some(row) = row else {
            // Nobody else would take its place away from what is due.
            self.remove(Table::DueSchedules, &due_key(fire.due_ms, fire.app, fire.schedule))?;
            return Err(Refusal::ScheduleUnknown.into());
        };
        if row.forgotten_ms.is_some() || row.due_ms != fire.due_ms {
            return Err(Refusal::AlreadyFired.into());
        }
        if row.revision != fire.revision {
            return Err(Refusal::ScheduleChanged.into());
        }
        let result = match &fire.act {
            FireAct::Push(submit) => Some(self.push_of_schedule(submit)?),
            FireAct::Invalid { code, message } => Some(FiringResult::Invalid { code: *code, message: message.clone() }),
            FireAct::Missed { count } => Some(FiringResult::Missed { count: *count }),
            FireAct::PassOver => None,
        };
        let mut row = ScheduleRow { revision: row.revision + 1, ..row };
        let firing = result.map(|result| Firing { due_ms: fire.due_ms, at_ms: self.now_ms(), result });
        if let Some(firing) = &firing {
            self.record_firing(fire.app, fire.schedule, row.firings, firing)?;
            row.firings += 1;
        }
        self.move_on(fire.app, fire.schedule, row, fire.next_ms.filter(|next| *next > fire.due_ms))?;
        Ok(Answer::Fired(firing))
    }

    /// A refused push is a firing as well: the schedule moves on.
    fn push_of_schedule(&mut self, submit: &Submit) -> Result<FiringResult, ReadError> {
        if find::access(self, submit.app)?.is_blocked {
            return Ok(FiringResult::AppBlocked);
        }
        match self.submit_push(submit) {
            Ok(Answer::Pushed { msg_id, .. }) => Ok(FiringResult::Pushed { msg_id }),
            Ok(_) => Ok(FiringResult::Refused),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Refused(refusal)) => Ok(match refusal {
                Refusal::NoTarget { msg_id } => FiringResult::NoTarget { msg_id },
                Refusal::RegistrationIdUnknown => FiringResult::RegistrationIdUnknown,
                Refusal::NothingToPush => FiringResult::NothingToPush,
                Refusal::FileUnknown => FiringResult::FileUnknown,
                Refusal::TooManyBroadcasts => FiringResult::TooManyBroadcasts,
                _ => FiringResult::Refused,
            }),
        }
    }

    fn record_firing(
        &mut self,
        app: AppNumber,
        schedule: ScheduleNumber,
        number: u64,
        firing: &Firing,
    ) -> Result<(), ReadError> {
        if let Some(oldest) = number.checked_sub(FIRINGS_KEPT) {
            self.remove(Table::Firings, &firing_key(app, schedule, oldest))?;
        }
        self.put(&firing_key(app, schedule, number), &FiringRow(firing.clone()))
    }

    /// Puts the row with its next firing; without one it is over, and will be forgotten.
    fn move_on(
        &mut self,
        app: AppNumber,
        schedule: ScheduleNumber,
        mut row: ScheduleRow,
        next_ms: Option<TimeMs>,
    ) -> Result<(), ReadError> {
        match next_ms {
            Some(next_ms) => {
                self.remove(Table::DueSchedules, &due_key(row.due_ms, app, schedule))?;
                self.put(&due_key(next_ms, app, schedule), &DueSchedule)?;
                row.due_ms = next_ms;
            }
            None => {
                self.remove_places(app, schedule, row.due_ms)?;
                let forgotten_ms = self.now_ms() + KEPT_MS;
                self.put_expiry(forgotten_ms, &Expiry::Schedule { app, schedule })?;
                row.forgotten_ms = Some(forgotten_ms);
            }
        }
        self.put(&schedule_key(app, schedule), &row)
    }

    /// From the lists of those with a firing ahead.
    fn remove_places(&mut self, app: AppNumber, schedule: ScheduleNumber, due_ms: TimeMs) -> Result<(), ReadError> {
        self.remove(Table::OpenSchedules, &schedule_key(app, schedule))?;
        self.remove(Table::DueSchedules, &due_key(due_ms, app, schedule))
    }

    fn require_schedule(&self, app: AppNumber, id: ScheduleId) -> Decided<ScheduleRow> {
        self.require_app(app)?;
        find::schedule(self, app, id)?.ok_or(Stop::Refused(Refusal::ScheduleUnknown))
    }
}
