//! Rows of what users are to each other and to their groups: blocked, muted, shielded, friends.

use anser_protocol::ids::{GroupId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::FriendNote;
use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::group::group_key;

/// What a row of ties says of its user and another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tie {
    /// The other may not send to the user's single chat.
    Blocks = 1,
    /// The same, to be found from the other side.
    BlockedBy = 2,
    MutesUser = 3,
    MutedBy = 4,
    MutesGroup = 5,
    /// With the number 0.
    MutesEverything = 6,
    /// Wants to be the other's friend, who has not answered yet.
    Asks = 7,
    AskedBy = 8,
}

impl Tie {
    pub fn by_number(number: u8) -> Option<Self> {
        let all = [
            Self::Blocks,
            Self::BlockedBy,
            Self::MutesUser,
            Self::MutedBy,
            Self::MutesGroup,
            Self::MutesEverything,
            Self::Asks,
            Self::AskedBy,
        ];
        all.into_iter().find(|tie| *tie as u8 == number)
    }

    /// What stands with the other user.
    pub fn mirror(self) -> Option<Self> {
        match self {
            Self::Blocks => Some(Self::BlockedBy),
            Self::BlockedBy => Some(Self::Blocks),
            Self::MutesUser => Some(Self::MutedBy),
            Self::MutedBy => Some(Self::MutesUser),
            Self::Asks => Some(Self::AskedBy),
            Self::AskedBy => Some(Self::Asks),
            Self::MutesGroup | Self::MutesEverything => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tied;
serde_row!(Tied, Ties);

pub(crate) fn ties_prefix(app: AppNumber, user: UserNumber, tie: Tie) -> Key {
    Key::app(app).u32(user.0).u8(tie as u8)
}

pub(crate) fn tie_key(app: AppNumber, user: UserNumber, tie: Tie, other: u32) -> Key {
    ties_prefix(app, user, tie).u32(other)
}

/// A friend of a user, as the user sees them. The friend has such a row of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FriendRow {
    pub since_ms: TimeMs,
    pub note_name: String,
    pub others: String,
}
serde_row!(FriendRow, Friends);

impl FriendRow {
    /// What the note does not speak of stays.
    pub fn take(&mut self, note: &FriendNote) {
        if let Some(note_name) = &note.note_name {
            self.note_name.clone_from(note_name);
        }
        if let Some(others) = &note.others {
            self.others.clone_from(others);
        }
    }
}

pub(crate) fn friend_key(app: AppNumber, user: UserNumber, friend: UserNumber) -> Key {
    Key::app(app).u32(user.0).u32(friend.0)
}

/// That a member gets no more of a group than its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shielded;
serde_row!(Shielded, Shields);

pub(crate) fn shield_key(app: AppNumber, group: GroupId, user: UserNumber) -> Key {
    group_key(app, group).u32(user.0)
}

/// May devices register users? Without a row they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub is_open: bool,
}
serde_row!(Registration, Registration);
