//! What is in the status bar: which push stands where, what goes when something comes.

use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use super::{Display, DisplayChange, LocalTime};
use crate::notification::{ALERT_LIGHT, AndroidNotification, BadgeChange};
use crate::store::Push;

/// The largest number on an icon.
pub const BADGE_MAX: u32 = 99_999;

/// Names something in the status bar. Never given twice on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeId(pub u64);

/// What stands under an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Nothing: the application planned it itself.
    pub msg_id: Option<Position>,
}

/// The world at the moment when something is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub time: LocalTime,
    /// The application is in front of the user.
    pub is_in_front: bool,
}

/// What a face is to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// Put this into the status bar, in the place of what has this id, if there is something.
    Put { id: NoticeId, notification: Box<AndroidNotification> },
    /// Take it out of the status bar.
    Remove(NoticeId),
    /// Write this number on the icon.
    Badge(u32),
}

/// What became of the notification of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Nothing: it is not shown. The application is told of the push all the same.
    pub id: Option<NoticeId>,
    pub show: Vec<Show>,
}

impl Display {
    /// A push came. It is not shown, but still the application's, when it has no notification, its alert is empty, it is
    /// outside the push time, or the application is in front and the push does not want to be shown then.
    pub fn handle_push(&mut self, push: &Push, moment: Moment) -> Notified {
        let Some(notification) = &push.content.notification else { return Notified::default() };
        let notification = AndroidNotification::of(notification);
        if self.saved.push_time.as_ref().is_some_and(|time| !time.allows(moment.time)) {
            return Notified::default();
        }
        let mut show = Vec::new();
        if let Some(badge) = self.count_badge(notification.badge) {
            show.push(Show::Badge(badge));
        }
        let may_interrupt = notification.display_foreground || !moment.is_in_front;
        if notification.alert.is_empty() || !may_interrupt {
            return Notified { id: None, show };
        }
        // What takes the place of a push that is not there any more is a notification like others.
        let replaced = push.replaces.and_then(|replaced| self.notice_of(replaced));
        let id = self.put(replaced, Notice { msg_id: Some(push.msg_id) });
        show.push(Show::Put { id, notification: Box::new(self.muted(notification, moment.time)) });
        show.extend(self.remove_the_oldest());
        Notified { id: Some(id), show }
    }

    /// The push was taken back.
    pub fn handle_withdrawn(&mut self, msg_id: Position) -> Option<Show> {
        self.notice_of(msg_id).map(|id| self.take_out(id))
    }

    /// The user tapped it or swept it away, and the system took it out of the status bar. Answers which push it was: what was
    /// tapped is to be reported.
    pub fn handle_gone(&mut self, id: NoticeId) -> Option<Position> {
        let msg_id = self.saved.notices.get(&id)?.msg_id;
        self.change(DisplayChange::Gone(id));
        msg_id
    }

    /// Takes one out of the status bar; nothing when it is none of ours.
    pub fn clear(&mut self, id: NoticeId) -> Option<Show> {
        self.saved.notices.contains_key(&id).then(|| self.take_out(id))
    }

    /// Takes all of ours out.
    pub fn clear_all(&mut self) -> Vec<Show> {
        let ids: Vec<NoticeId> = self.saved.notices.keys().copied().collect();
        ids.into_iter().map(|id| self.take_out(id)).collect()
    }

    /// In silence nothing sounds and nothing vibrates, whatever the channel would do.
    pub(super) fn muted(&self, mut notification: AndroidNotification, time: LocalTime) -> AndroidNotification {
        if self.saved.silence_time.is_some_and(|silence| silence.is_silent(time)) {
            notification.alert_type &= ALERT_LIGHT;
            notification.channel_id.clear();
            notification.sound.clear();
        }
        notification
    }

    pub(super) fn put(&mut self, place: Option<NoticeId>, notice: Notice) -> NoticeId {
        let id = place.unwrap_or(NoticeId(self.saved.notice_next));
        self.change(DisplayChange::Shown(id, notice));
        id
    }

    pub(super) fn remove_the_oldest(&mut self) -> Vec<Show> {
        let pushes = self.saved.notices.iter().filter(|(_, notice)| notice.msg_id.is_some());
        let shown: Vec<NoticeId> = pushes.map(|(id, _)| *id).collect();
        let too_many = shown.len().saturating_sub(self.saved.keep_latest as usize);
        shown.into_iter().take(too_many).map(|id| self.take_out(id)).collect()
    }

    fn take_out(&mut self, id: NoticeId) -> Show {
        self.change(DisplayChange::Gone(id));
        Show::Remove(id)
    }

    fn count_badge(&mut self, change: Option<BadgeChange>) -> Option<u32> {
        let count = match change? {
            BadgeChange::Add(more) => self.saved.badge.saturating_add(more),
            BadgeChange::Set(count) => count,
        };
        let count = count.min(BADGE_MAX);
        self.set_badge(count);
        Some(count)
    }
}
