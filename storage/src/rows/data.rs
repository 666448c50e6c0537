//! Rows of erasures under way, and of how long an app keeps what.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::{Class, Keep};
use crate::ids::UserNumber;
use crate::row::serde_row;
use crate::rows::record::{Body, ChangeDetail};

/// How far the erasure of a user's data has come; the row goes with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub begun_ms: TimeMs,
    /// The class of the log whose turn it is; nothing when both are done and media are left.
    pub class: Option<Class>,
    /// Where the walk over the class goes on.
    pub next: Position,
    /// The user has said nothing from here on.
    pub end: Position,
    /// Records that have lost what they said.
    pub records: u64,
    pub media: u64,
}
serde_row!(Erasure, Erasures);

/// Does the record hold words of this user, or a name that they bore in a group?
pub(crate) fn is_said_by(body: &Body, user: UserNumber) -> bool {
    match body {
        Body::Message(message) => message.from == user,
        Body::Room(message) => message.from == user && !message.content.body.is_empty(),
        Body::Notice(notice) => notice.by == Some(user) && (!notice.text.is_empty() || notice.request.is_some()),
        Body::Change(change) => match &change.detail {
            ChangeDetail::Announcement { row, .. } => row.by == Some(user) && !row.text.is_empty(),
            ChangeDetail::Nickname { old, new } => {
                change.event.users.first() == Some(&user) && !(old.is_empty() && new.is_empty())
            }
            _ => false,
        },
        Body::Event(_) | Body::Push(_) | Body::Release(_) | Body::Amended(_) => false,
    }
}

/// Where an app keeps what for another time than the daemon's settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRetention {
    pub chat: Option<Keep>,
    pub room: Option<Keep>,
    pub push: Option<Keep>,
}
serde_row!(AppRetention, Retention);

impl AppRetention {
    pub fn of(&self, class: Class) -> Option<Keep> {
        match class {
            Class::Chat => self.chat,
            Class::Room => self.room,
            Class::Push => self.push,
        }
    }

    pub(crate) fn set(&mut self, class: Class, keep: Option<Keep>) {
        match class {
            Class::Chat => self.chat = keep,
            Class::Room => self.room = keep,
            Class::Push => self.push = keep,
        }
    }
}
