//! Rows of chat rooms, their members, and who is what in them.

use anser_protocol::ids::{RoomId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::chunk::chunk_of;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub name: String,
    pub description: String,
    pub owner: UserNumber,
    pub chain: ChainNumber,
    pub created_ms: TimeMs,
    pub members_max: u32,
    pub members: u32,
    /// The place in the joining order that the next member gets.
    pub next_order: u64,
    /// What an app server said when it made the room; it has no effect.
    pub flag: i64,
    /// Kept as a nameplate of its messages.
    pub is_deleted: bool,
}
serde_row!(Room, Rooms);

pub(crate) fn room_key(app: AppNumber, room: RoomId) -> Key {
    Key::app(app).u32(room.0)
}

/// A room is in one of these sets while it exists.
pub(crate) fn room_chunk_key(app: AppNumber, room: RoomId) -> Key {
    Key::app(app).u32(chunk_of(in_chunk(room)))
}

/// Sets in chunks hold numbers of devices; rooms are counted in the same way.
pub(crate) fn in_chunk(room: RoomId) -> DeviceNumber {
    DeviceNumber(room.0)
}

/// By place in the joining order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoomMemberRow {
    pub user: UserNumber,
    pub joined_ms: TimeMs,
}
serde_row!(RoomMemberRow, RoomMembers);

pub(crate) fn room_member_key(app: AppNumber, room: RoomId, order: u64) -> Key {
    room_key(app, room).u64(order)
}

/// That a user is in a room, and where among its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRoom {
    pub order: u64,
}
serde_row!(UserRoom, UserRooms);

pub(crate) fn user_rooms_prefix(app: AppNumber, user: UserNumber) -> Key {
    Key::app(app).u32(user.0)
}

pub(crate) fn user_room_key(app: AppNumber, user: UserNumber, room: RoomId) -> Key {
    user_rooms_prefix(app, user).u32(room.0)
}

/// What a user can be in a room. A blacklisted user is not inside; a silenced one may have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    Admin = 1,
    Blocked = 2,
    Silenced = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRow {
    pub since_ms: TimeMs,
    /// Nothing: until it is taken back.
    pub until_ms: Option<TimeMs>,
}
serde_row!(RoleRow, RoomRoles);

impl RoleRow {
    pub fn holds_at(&self, now_ms: TimeMs) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }
}

pub(crate) fn roles_prefix(app: AppNumber, room: RoomId, role: Role) -> Key {
    room_key(app, room).u8(role as u8)
}

pub(crate) fn role_key(app: AppNumber, room: RoomId, role: Role, user: UserNumber) -> Key {
    roles_prefix(app, room, role).u32(user.0)
}

/// That rows of a deleted room are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetiredRoom;
serde_row!(RetiredRoom, RetiredRooms);
