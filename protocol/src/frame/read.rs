//! What was read: read marks, unread counts, and who has read a message that asked for it.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::Extensions;
use crate::ids::{GroupId, Position, TimeMs};
use crate::limits;
use crate::names::Chat;
use crate::wire;

/// A single chat, by the other's name, or a group: one of the two is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadChat {
    /// Empty for a group.
    pub username: String,
    /// 0 for a single chat.
    pub group: GroupId,
}

impl ReadChat {
    /// Nothing for the notices, which nobody counts.
    pub fn of(chat: &Chat) -> Option<Self> {
        match chat {
            Chat::User(name) => Some(Self { username: name.as_ref().into(), group: GroupId(0) }),
            Chat::Group(group) => Some(Self { username: String::new(), group: *group }),
            Chat::Notices => None,
        }
    }

    /// Nothing when it names both or neither.
    pub fn chat(&self) -> Option<Chat> {
        match (self.username.as_str(), self.group) {
            ("", GroupId(0)) => None,
            ("", group) => Some(Chat::Group(group)),
            (name, GroupId(0)) => Some(Chat::User(name.into())),
            _ => None,
        }
    }
}

/// A chat was read up to here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    pub chat: ReadChat,
    pub position: Position,
}

/// Moves read marks forward; what lies behind a mark already is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMarks {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub marks: Vec<ReadMark>,
    pub extensions: Extensions,
}

/// The user has read these messages, which asked for receipts; others among them are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMessages {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub messages: Vec<Position>,
    pub extensions: Extensions,
}

/// Who has read a message of the user's own, and who has not?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadersAsk {
    pub request: u32,
    pub message: Position,
    pub extensions: Extensions,
}

/// How much is unread?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadAsk {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub chats: Vec<ReadChat>,
    /// Also over all chats.
    pub total: bool,
    pub extensions: Extensions,
}

/// The user's read marks moved, by another device. It is a delivery: `after` and `to` are those of Covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksMoved {
    pub after: Position,
    pub to: Position,
    #[serde(deserialize_with = "wire::list::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub marks: Vec<ReadMark>,
    pub extensions: Extensions,
}

/// How many have not read a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub chat: ReadChat,
    pub message: Position,
    pub unread: u32,
    /// When the number last changed.
    pub at_ms: TimeMs,
}

/// How many have not read messages of the user's own that asked for receipts. Live it is a delivery like MarksMoved; in a
/// catch-up `to` is `after`, and it moves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    pub after: Position,
    pub to: Position,
    #[serde(deserialize_with = "wire::list::<{ limits::RECEIPTS_PER_FRAME_MAX }, _, _>")]
    pub receipts: Vec<Receipt>,
    pub extensions: Extensions,
}

/// A part of the answer to [`ReadersAsk`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readers {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub read: Vec<String>,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub unread: Vec<String>,
    pub is_last: bool,
    pub extensions: Extensions,
}

/// The answer to [`UnreadAsk`]; each number is at most [`UNREAD_MAX`](limits::UNREAD_MAX), totals are sums of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadCounts {
    pub request: u32,
    /// In the order of the chats that were asked for; 0 for one that the user does not have.
    #[serde(deserialize_with = "wire::list::<{ limits::MARKS_PER_FRAME_MAX }, _, _>")]
    pub counts: Vec<u32>,
    /// Over all chats; 0 when it was not asked for.
    pub total: u32,
    /// The same without what the user does not want to be disturbed by.
    pub total_loud: u32,
    pub extensions: Extensions,
}
