//! Chat rooms: going in and out, what is said there, who may do what.
//!
//! A room stands outside the user's conversations: its messages move no cursor, and nothing of it waits for who is away.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::chat::{Record, WireRecord};
use crate::content::Content;
use crate::extension::Extensions;
use crate::ids::{OutboxNumber, Position, RoomId, TimeMs};
use crate::limits;
use crate::names::UserRef;
use crate::room::{RoomChangeKind, RoomEventKind, RoomRole};
use crate::wire;

/// Sends a message to a room; answered like every other send, from the same outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSend {
    pub outbox: OutboxNumber,
    pub room: RoomId,
    pub content: Content,
}

/// The link goes into a room, and the user with it unless they are a member already. Answered by `Done`; then the newest
/// messages above `after` come, and whatever happens there from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEnter {
    pub request: u32,
    pub room: RoomId,
    pub after: Position,
    /// Only as a member: a client that was inside comes back on a new link, and was perhaps removed meanwhile.
    pub is_again: bool,
    pub extensions: Extensions,
}

/// Names a room: to leave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRequest {
    pub request: u32,
    pub room: RoomId,
    pub extensions: Extensions,
}

/// Asks for a part of the app's rooms, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomList {
    pub request: u32,
    pub start: u32,
    /// At most [`limits::LIST_PAGE_MAX`].
    pub count: u32,
    pub extensions: Extensions,
}

/// Asks for the rooms that the user who is logged in is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyRooms {
    pub request: u32,
    pub extensions: Extensions,
}

/// Asks what these rooms are; those that do not exist are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::ROOMS_PER_FRAME_MAX }, _, _>")]
    pub rooms: Vec<RoomId>,
    pub extensions: Extensions,
}

/// A part of the answer to [`RoomList`], [`MyRooms`] or [`RoomInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooms {
    pub request: u32,
    /// Of the whole list.
    pub total: u64,
    #[serde(deserialize_with = "wire::list::<{ limits::ROOMS_PER_FRAME_MAX }, _, _>")]
    pub rooms: Vec<RoomSummary>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    pub room: RoomId,
    pub name: String,
    pub description: String,
    pub owner: String,
    pub members: u32,
    pub members_max: u32,
    pub created_ms: TimeMs,
}

/// Asks for a part of a room's members, in the order in which they came in; or with a role for those who have it, the
/// newest first. Only who is a member is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMembers {
    pub request: u32,
    pub room: RoomId,
    /// 0: everybody.
    pub role: RoomRole,
    pub start: u32,
    /// At most [`limits::LIST_PAGE_MAX`].
    pub count: u32,
    pub extensions: Extensions,
}

/// A part of the answer to [`RoomMembers`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUsers {
    pub request: u32,
    /// Of the whole list.
    pub total: u64,
    #[serde(deserialize_with = "wire::list::<{ limits::LIST_PAGE_MAX as usize }, _, _>")]
    pub users: Vec<RoomUser>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUser {
    pub username: String,
    /// May not speak, until then; the greatest number: until it is lifted. 0 for one who may.
    pub silent_until_ms: TimeMs,
}

/// Gives users a role in a room, or takes it from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChange {
    pub request: u32,
    pub room: RoomId,
    pub role: RoomRole,
    pub is_given: bool,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub users: Vec<String>,
    /// How long a silence lasts from now; 0 elsewhere.
    pub for_ms: u64,
    pub extensions: Extensions,
}

/// Asks whether a user may speak in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSilence {
    pub request: u32,
    pub room: RoomId,
    pub username: String,
    pub extensions: Extensions,
}

/// A new message in a room that the link is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDeliver {
    pub room: RoomId,
    pub record: Record,
}

/// The newest messages of a room, for a link that came in or missed some: oldest first, in several frames where they are
/// long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecords {
    pub room: RoomId,
    pub records: Vec<Record>,
    pub extensions: Extensions,
}

/// Somebody may do something in a room now, or no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    pub room: RoomId,
    pub kind: RoomEventKind,
    pub at_ms: TimeMs,
    /// Empty: an app server.
    pub by: String,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub users: Vec<String>,
    /// More users follow in another frame.
    pub is_partial: bool,
    pub extensions: Extensions,
}

/// The user is a member of a room, or no more, without having asked on this link; a link that was inside is not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChanged {
    pub room: RoomId,
    pub kind: RoomChangeKind,
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireRoomSend<'a> {
    pub outbox: u64,
    pub room: u32,
    pub kind: u8,
    pub body: &'a [u8],
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireRoomDeliver<'a> {
    pub room: u32,
    pub position_step: i64,
    #[serde(borrow)]
    pub from: UserRef<'a>,
    pub time_step: i64,
    pub kind: u8,
    pub body: &'a [u8],
    pub extensions: Extensions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireRoomRecords<'a> {
    pub room: u32,
    #[serde(borrow, deserialize_with = "wire::list::<{ limits::HISTORY_PAGE_MAX as usize }, _, _>")]
    pub records: Vec<WireRecord<'a>>,
    pub extensions: Extensions,
}
