//! What a device shows of its pushes: the rules, without a screen.
//!
//! [`Display`] keeps the settings of the application (push time, silence time, how many notifications stay), what is shown at
//! the moment, and the notifications that the application planned itself. A face feeds it pushes and the local time and does
//! what comes out ([`Show`]); there is no clock in here. The session keeps its changes in the durable store
//! ([`Session::change_display`]).
//!
//! [`Session::change_display`]: crate::session::Session::change_display

mod local;
mod notices;
mod times;

use std::collections::BTreeMap;

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

pub use self::local::{LOCAL_NOTICES_MAX, LocalNotice, TooManyLocalNotices};
pub use self::notices::{BADGE_MAX, Moment, Notice, NoticeId, Notified, Show};
pub use self::times::{LocalTime, PushTime, SilenceTime};

/// So many notifications stay in the status bar unless the application says otherwise.
pub const KEEP_LATEST_DEFAULT: u32 = 5;

/// What is shown, and by which rules.
#[derive(Debug, Default)]
pub struct Display {
    saved: Saved,
    changes: Vec<DisplayChange>,
}

/// What the durable store keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub push_time: Option<PushTime>,
    pub silence_time: Option<SilenceTime>,
    pub keep_latest: u32,
    pub badge: u32,
    /// Above every id that was given to a notification.
    pub notice_next: u64,
    /// What is shown, in the order in which it came.
    pub notices: BTreeMap<NoticeId, Notice>,
    /// What is to be shown later, in the order in which it was added.
    pub local_notices: BTreeMap<u64, LocalNotice>,
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            push_time: None,
            silence_time: None,
            keep_latest: KEEP_LATEST_DEFAULT,
            badge: 0,
            notice_next: 1,
            notices: BTreeMap::new(),
            local_notices: BTreeMap::new(),
        }
    }
}

/// One change, to be made durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisplayChange {
    PushTime(Option<PushTime>),
    SilenceTime(Option<SilenceTime>),
    KeepLatest(u32),
    Badge(u32),
    Shown(NoticeId, Notice),
    Gone(NoticeId),
    Planned(u64, LocalNotice),
    Unplanned(u64),
}

impl Saved {
    pub fn apply(&mut self, change: &DisplayChange) {
        match change {
            DisplayChange::PushTime(time) => self.push_time.clone_from(time),
            DisplayChange::SilenceTime(time) => self.silence_time = *time,
            DisplayChange::KeepLatest(count) => self.keep_latest = *count,
            DisplayChange::Badge(count) => self.badge = *count,
            DisplayChange::Shown(id, notice) => {
                self.notice_next = self.notice_next.max(id.0 + 1);
                self.notices.insert(*id, notice.clone());
            }
            DisplayChange::Gone(id) => {
                self.notices.remove(id);
            }
            DisplayChange::Planned(number, notice) => {
                self.local_notices.insert(*number, notice.clone());
            }
            DisplayChange::Unplanned(number) => {
                self.local_notices.remove(number);
            }
        }
    }
}

impl Display {
    pub fn load(saved: Saved) -> Self {
        Self { saved, changes: Vec::new() }
    }

    pub fn saved(&self) -> &Saved {
        &self.saved
    }

    /// When notifications may be shown; nothing: always.
    pub fn set_push_time(&mut self, time: Option<PushTime>) {
        self.change(DisplayChange::PushTime(time));
    }

    /// When notifications make no noise; nothing: never.
    pub fn set_silence_time(&mut self, time: Option<SilenceTime>) {
        self.change(DisplayChange::SilenceTime(time));
    }

    /// So many notifications of pushes stay, at least one; the oldest go at once.
    pub fn set_keep_latest(&mut self, count: u32) -> Vec<Show> {
        self.change(DisplayChange::KeepLatest(count.max(1)));
        self.remove_the_oldest()
    }

    /// The number on the application's icon. Nothing is changed, and `false` answered, above [`BADGE_MAX`].
    pub fn set_badge(&mut self, count: u32) -> bool {
        let is_allowed = count <= BADGE_MAX;
        if is_allowed && count != self.saved.badge {
            self.change(DisplayChange::Badge(count));
        }
        is_allowed
    }

    /// What is shown of a push, if it is.
    pub fn notice_of(&self, msg_id: Position) -> Option<NoticeId> {
        let mut shown = self.saved.notices.iter();
        shown.find(|(_, notice)| notice.msg_id == Some(msg_id)).map(|(id, _)| *id)
    }

    /// When a notification that the application planned is due next, by the wall clock.
    pub fn next_due_ms(&self) -> Option<TimeMs> {
        self.saved.local_notices.values().map(|notice| notice.due_ms).min()
    }

    /// What has to be made durable since the last call.
    pub fn take_changes(&mut self) -> Vec<DisplayChange> {
        std::mem::take(&mut self.changes)
    }

    fn change(&mut self, change: DisplayChange) {
        self.saved.apply(&change);
        self.changes.push(change);
    }
}

#[cfg(test)]
mod tests;
