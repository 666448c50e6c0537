//! What happened in an app's chats, hour by hour: how much was said, who said it, who came and went.
//!
//! Hours are whole hours of UTC, counted from 1970.

use anser_protocol::content::ContentKind;
use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;
use crate::key::{Key, u32_at};
use crate::row::serde_row;

/// Messages by what they contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageKinds {
    pub text: u64,
    pub image: u64,
    pub voice: u64,
    pub other: u64,
}

impl MessageKinds {
    pub fn total(self) -> u64 {
        self.text + self.image + self.voice + self.other
    }

    pub fn plus(self, more: Self) -> Self {
        Self {
            text: self.text + more.text,
            image: self.image + more.image,
            voice: self.voice + more.voice,
            other: self.other + more.other,
        }
    }

    pub(crate) fn count(&mut self, kind: ContentKind) {
        *match kind {
            ContentKind::TEXT => &mut self.text,
            ContentKind::IMAGE => &mut self.image,
            ContentKind::VOICE => &mut self.voice,
            _ => &mut self.other,
        } += 1;
    }
}

/// What happened in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCounts {
    /// The first message of the hour that was counted, of whatever class; [`Position::START`] while there is none.
    pub(crate) first: Position,
    pub single: MessageKinds,
    pub group: MessageKinds,
    pub room: u64,
    /// Users who were registered and deleted, without admins.
    pub new_users: u64,
    pub gone_users: u64,
    pub new_groups: u64,
    pub gone_groups: u64,
}
serde_row!(HourCounts, HourCounts);

impl HourCounts {
    /// Of an hour and a later part of it, or of two hours.
    pub fn plus(self, more: Self) -> Self {
        Self {
            first: if self.first == Position::START { more.first } else { self.first },
            single: self.single.plus(more.single),
            group: self.group.plus(more.group),
            room: self.room + more.room,
            new_users: self.new_users + more.new_users,
            gone_users: self.gone_users + more.gone_users,
            new_groups: self.new_groups + more.new_groups,
            gone_groups: self.gone_groups + more.gone_groups,
        }
    }

    pub(crate) fn messages(&self) -> u64 {
        self.single.total() + self.group.total() + self.room
    }
}

pub(crate) fn hour_counts_key(app: AppNumber, hour: u32) -> Key {
    Key::app(app).u32(hour)
}

/// The hour that such a key names.
pub(crate) fn hour_in(key: &[u8]) -> Option<u32> {
    u32_at(key, 4)
}

/// Who is in a set of an hour. Sets of users hold their numbers, the one of groups their public numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HourSet {
    /// Users who sent a message to a user or a group.
    Senders = 1,
    /// Users who sent a message to a room.
    RoomSenders = 2,
    /// Users who were logged in over a link.
    LoggedIn = 3,
    /// Groups in which somebody said something.
    ActiveGroups = 4,
}

impl HourSet {
    pub(crate) const ALL: [Self; 4] = [Self::Senders, Self::RoomSenders, Self::LoggedIn, Self::ActiveGroups];
}

pub(crate) fn hour_set_prefix(app: AppNumber, set: HourSet, hour: u32) -> Key {
    Key::app(app).u8(set as u8).u32(hour)
}

pub(crate) fn hour_set_key(app: AppNumber, set: HourSet, hour: u32, chunk: u32) -> Key {
    hour_set_prefix(app, set, hour).u32(chunk)
}
