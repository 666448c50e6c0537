//! What happens in chat rooms.

use serde::{Deserialize, Serialize};

/// A change of who may do what in a chat room. Open: a reader takes a number that it does not know as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomEventKind(pub u16);

impl RoomEventKind {
    pub const ADMINS_ADDED: Self = Self(130);
    pub const ADMINS_REMOVED: Self = Self(131);
    pub const BLOCKED: Self = Self(132);
    pub const UNBLOCKED: Self = Self(133);
    pub const SILENCED: Self = Self(135);
    pub const UNSILENCED: Self = Self(136);
}

/// How a user came to be inside a chat room, or out of it, without having asked on this link. Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomChangeKind(pub u8);

impl RoomChangeKind {
    /// An app server let the user in. The session is not inside before it enters.
    pub const ADDED: Self = Self(1);
    /// The user left on another device, or an app server removed them.
    pub const LEFT: Self = Self(2);
    /// The user was put on the room's blacklist.
    pub const BLOCKED: Self = Self(3);
    /// The room is gone.
    pub const DELETED: Self = Self(4);
}

/// What a user is in a room, beside being a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomRole(pub u8);

impl RoomRole {
    pub const ADMIN: Self = Self(1);
    pub const BLOCKED: Self = Self(2);
    pub const SILENCED: Self = Self(3);
}
