//! Short words for what tests do with scheduled pushes.

use anser_protocol::ids::TimeMs;
use anser_storage::command::*;
use anser_storage::ids::{ScheduleId, ScheduleNumber};
use anser_storage::outcome::{Answer, Firing};
use anser_storage::{DueSchedule, Schedule};

use super::World;

pub fn content(name: &str) -> ScheduleContent {
    ScheduleContent { name: name.into(), is_enabled: true, trigger: "daily".into(), push: "hello".into() }
}

impl World {
    pub fn new_schedule(&self, name: &str, due_ms: TimeMs) -> NewSchedule {
        let (app, content) = (self.app, content(name));
        NewSchedule { app, content, due_ms, random: [7; 8], open_max: 100, cid: None, only_repeats: false }
    }

    pub fn schedule(&mut self, name: &str, due_ms: TimeMs) -> ScheduleId {
        self.schedule_as(name, due_ms, |_| {})
    }

    pub fn schedule_as(&mut self, name: &str, due_ms: TimeMs, change: impl FnOnce(&mut NewSchedule)) -> ScheduleId {
        let mut new = self.new_schedule(name, due_ms);
        change(&mut new);
        match self.answer(Command::Schedule(ScheduleCommand::Create(Box::new(new)))) {
            Answer::Scheduled { schedule, .. } => schedule,
            other => panic!("{other:?}"),
        }
    }

    pub fn the_schedule(&self, id: ScheduleId) -> Schedule {
        self.read().schedule(self.app, id).expect("nothing is damaged").expect("it is there")
    }

    pub fn due(&self) -> Vec<DueSchedule> {
        self.read().due_schedules(None, 1000).expect("nothing is damaged")
    }

    /// Fires what the schedule is due for, as it stands now.
    pub fn fire_command(&self, id: ScheduleId, next_ms: Option<TimeMs>, act: FireAct) -> Command {
        let schedule = self.the_schedule(id);
        Command::Schedule(ScheduleCommand::Fire(Box::new(Fire {
            app: self.app,
            schedule: number_of(id),
            revision: schedule.revision,
            due_ms: schedule.due_ms,
            next_ms,
            act,
        })))
    }

    pub fn push_act(&self, audience: Audience) -> FireAct {
        FireAct::Push(Box::new(self.submission(audience)))
    }

    pub fn fire(&mut self, id: ScheduleId, next_ms: Option<TimeMs>, audience: Audience) -> Firing {
        match self.answer(self.fire_command(id, next_ms, self.push_act(audience))) {
            Answer::Fired(Some(firing)) => firing,
            other => panic!("{other:?}"),
        }
    }

    pub fn firings(&self, id: ScheduleId) -> Vec<Firing> {
        self.read().firings(self.app, id).expect("nothing is damaged").expect("it is there")
    }
}

/// As it stands in the second half of the id.
pub fn number_of(id: ScheduleId) -> ScheduleNumber {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&id.0[8..]);
    ScheduleNumber(u64::from_be_bytes(bytes) & 0x3fff_ffff_ffff_ffff)
}
