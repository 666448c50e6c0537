//! What becomes of chat rooms: why a change of one is refused, and what its members are told.

use std::sync::Arc;

use anser_protocol::room::RoomEventKind;

use super::Message;
use crate::ids::UserNumber;

/// Why something was not done in a chat room. The names are those of the users who are in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRefusal {
    /// There is no such room (any more).
    Unknown,
    UserUnknown {
        username: String,
    },
    NotInside {
        username: String,
    },
    /// Only who is inside may send.
    SenderOutside,
    AlreadyInside {
        username: String,
    },
    Full,
    /// The user is on the room's blacklist.
    Blocked {
        username: String,
    },
    /// The sender may not speak there now.
    Silenced,
    /// The owner can neither leave nor be removed.
    OwnerStays,
    /// Who asks is neither owner nor, where that would do, admin.
    NoRight,
    /// It cannot be done to the owner, or to an admin.
    IsOwner {
        username: String,
    },
    IsAdmin {
        username: String,
    },
    AlreadyAdmin {
        username: String,
    },
    NotAdmin {
        username: String,
    },
    TooManyAdmins,
    AlreadyBlocked {
        username: String,
    },
    NotBlocked {
        username: String,
    },
    TooManyBlocked,
    /// Nobody was named.
    NobodyNamed,
}

/// What is told of a chat room to the sessions that it concerns.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomNews {
    /// A record of the room's chain, for everybody inside.
    Said { from: UserNumber, from_name: Arc<str>, message: Arc<Message> },
    /// For everybody inside, and kept nowhere. Like all that follows it takes a position and leaves no record.
    Event(Arc<RoomEvent>),
    /// An app server let these users in: for all their sessions.
    Added(Vec<UserNumber>),
    /// These users are out: for their sessions inside. They left on another device, or an app server removed them.
    Left(Vec<UserNumber>),
    /// The room's owner or an admin put them on the blacklist.
    Blocked(Vec<UserNumber>),
    /// The room is gone: for everybody inside.
    Deleted,
}

/// A change of who may do what in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomEvent {
    pub kind: RoomEventKind,
    /// Empty: an app server.
    pub by: String,
    pub users: Vec<String>,
}
