//! Notifications that the application plans itself: no network is needed for them.
//!
//! The time of one is a time of the wall clock, fixed when it is added: a device that was switched off meanwhile shows it when
//! it is on again, not later by as much.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use super::{Display, DisplayChange, Moment, Notice, Show};
use crate::notification::AndroidNotification;

/// So many may be planned.
pub const LOCAL_NOTICES_MAX: usize = 1000;

/// One that is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalNotice {
    /// The application's. One that is positive names it: adding another under it takes its place. With 0 or less it stands for
    /// itself, and only clearing all takes it away.
    pub id: i64,
    pub builder_id: u32,
    pub title: String,
    pub content: String,
    /// JSON object of the application's own keys, or empty.
    pub extras: String,
    pub due_ms: TimeMs,
}

/// [`LOCAL_NOTICES_MAX`] are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many local notifications are planned")]
pub struct TooManyLocalNotices;

impl Display {
    /// Plans a notification, or changes the one of the same id.
    pub fn add_local(&mut self, notice: LocalNotice) -> Result<(), TooManyLocalNotices> {
        let known = self.number_of_local(notice.id);
        if known.is_none() && self.saved.local_notices.len() >= LOCAL_NOTICES_MAX {
            return Err(TooManyLocalNotices);
        }
        let next = self.saved.local_notices.last_key_value().map_or(1, |(number, _)| number + 1);
        self.change(DisplayChange::Planned(known.unwrap_or(next), notice));
        Ok(())
    }

    /// It is not planned any more. `false` when there is none of this id.
    pub fn remove_local(&mut self, id: i64) -> bool {
        let number = self.number_of_local(id);
        if let Some(number) = number {
            self.change(DisplayChange::Unplanned(number));
        }
        number.is_some()
    }

    /// None is planned any more.
    pub fn clear_local(&mut self) {
        let numbers: Vec<u64> = self.saved.local_notices.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.change(DisplayChange::Unplanned(number)));
    }

    /// Shows what is due by the wall clock, the earliest first. It does not count among the latest that stay, and push time is
    /// not for it: the application chose its time.
    pub fn show_due(&mut self, now_ms: TimeMs, moment: Moment) -> Vec<Show> {
        let mut due: Vec<(TimeMs, u64)> = self
            .saved
            .local_notices
            .iter()
            .filter(|(_, notice)| notice.due_ms <= now_ms)
            .map(|(number, notice)| (notice.due_ms, *number))
            .collect();
        due.sort_unstable();
        due.into_iter().filter_map(|(_, number)| self.show_local(number, moment)).collect()
    }

    fn show_local(&mut self, number: u64, moment: Moment) -> Option<Show> {
        let planned = self.saved.local_notices.get(&number)?.clone();
        self.change(DisplayChange::Unplanned(number));
        let id = self.put(None, Notice { msg_id: None });
        let notification = AndroidNotification {
            alert: planned.content,
            title: planned.title,
            builder_id: planned.builder_id,
            extras: crate::notification::object(&planned.extras),
            ..AndroidNotification::default()
        };
        Some(Show::Put { id, notification: Box::new(self.muted(notification, moment.time)) })
    }

    fn number_of_local(&self, id: i64) -> Option<u64> {
        let mut planned = self.saved.local_notices.iter();
        planned.find(|(_, notice)| id > 0 && notice.id == id).map(|(number, _)| *number)
    }
}
