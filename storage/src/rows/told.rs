//! How far an app's server has been told of the log, and the events that it is still to hear of.

use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};
use anser_protocol::room::RoomEventKind;
use serde::{Deserialize, Serialize};

use crate::command::{EventFamilies, EventFamily};
use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;

/// Everything below was told, or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub next: Position,
}
serde_row!(Told, MessageCallbacks);

/// The same of events; only of those families rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventsTold {
    pub next: Position,
    pub families: EventFamilies,
}
serde_row!(EventsTold, EventCallbacks);

/// An event that the log does not tell of. It goes when it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub at_ms: TimeMs,
    pub kind: NotedKind,
    pub by: Option<UserNumber>,
    pub users: Vec<UserNumber>,
    pub group: Option<GroupId>,
    pub room: Option<RoomId>,
    /// A reason, in the words of whoever gave it; or empty.
    pub text: String,
    /// The number of a request to join.
    pub request: Option<Position>,
}
serde_row!(EventRow, AppEvents);

/// What happened that the log does not tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotedKind {
    UsersRegistered,
    UsersDeleted,
    UserDisabled,
    UserEnabled,
    PasswordChanged,
    ProfileChanged,
    FriendAsked,
    FriendAccepted,
    FriendRefused,
    /// By an app server, without anybody having asked.
    FriendsMade,
    FriendsParted,
    JoinAsked,
    JoinRefused,
    RoomCreated,
    RoomChanged,
    RoomDeleted,
    RoomRoles(RoomEventKind),
    RoomEntered,
    RoomLeft,
}

impl NotedKind {
    pub fn family(self) -> EventFamily {
        match self {
            Self::UsersRegistered
            | Self::UsersDeleted
            | Self::UserDisabled
            | Self::UserEnabled
            | Self::PasswordChanged
            | Self::ProfileChanged => EventFamily::Users,
            Self::FriendAsked
            | Self::FriendAccepted
            | Self::FriendRefused
            | Self::FriendsMade
            | Self::FriendsParted => EventFamily::Friends,
            Self::JoinAsked | Self::JoinRefused => EventFamily::Groups,
            Self::RoomCreated | Self::RoomChanged | Self::RoomDeleted | Self::RoomRoles(_) => EventFamily::Rooms,
            Self::RoomEntered | Self::RoomLeft => EventFamily::RoomMembers,
        }
    }

    /// By whom, and whom it concerns; nothing else to say yet.
    pub(crate) fn by(self, by: Option<UserNumber>, users: &[UserNumber]) -> EventRow {
        let (group, room, text, request) = (None, None, String::new(), None);
        EventRow { at_ms: 0, kind: self, by, users: users.to_vec(), group, room, text, request }
    }
}

impl EventRow {
    pub fn of_group(self, group: GroupId) -> Self {
        Self { group: Some(group), ..self }
    }

    pub fn of_room(self, room: RoomId) -> Self {
        Self { room: Some(room), ..self }
    }

    pub fn saying(self, text: &str) -> Self {
        Self { text: text.into(), ..self }
    }

    pub fn of_request(self, request: Position) -> Self {
        Self { request: Some(request), ..self }
    }
}

pub(crate) fn events_prefix(app: AppNumber) -> Key {
    Key::app(app)
}

pub(crate) fn event_key(app: AppNumber, position: Position) -> Key {
    events_prefix(app).u64(position.0)
}
