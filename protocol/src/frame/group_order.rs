//! Groups in full: orders about them, questions about what stands in them, and joining public ones.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::Extensions;
use crate::group_details::Announcement;
use crate::ids::{GroupId, Position, TimeMs};
use crate::limits;
use crate::wire;

/// Makes a group with all that can be said of it; the user who is logged in becomes its owner and a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMake {
    pub request: u32,
    pub name: String,
    pub description: String,
    pub avatar: String,
    pub is_public: bool,
    /// At least 3; 0 takes the server's default.
    pub maximum: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub extensions: Extensions,
}

/// Changes what a group is called and looks like; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEdit {
    pub request: u32,
    pub group: GroupId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub avatar: Option<String>,
    pub extensions: Extensions,
}

/// What shall be done in a group. What an order does not need is empty or 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOrder {
    pub request: u32,
    pub group: GroupId,
    pub order: GroupOrderKind,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub text: String,
    pub number: u64,
    pub extensions: Extensions,
}

/// An open enumeration of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupOrderKind(pub u8);

impl GroupOrderKind {
    pub const DISSOLVE: Self = Self(1);
    pub const MAKE_PUBLIC: Self = Self(2);
    pub const MAKE_PRIVATE: Self = Self(3);
    /// `number` members at most.
    pub const MAXIMUM: Self = Self(4);
    /// To the one member that is named.
    pub const TRANSFER: Self = Self(5);
    pub const ADD_ADMINS: Self = Self(6);
    pub const REMOVE_ADMINS: Self = Self(7);
    /// For `number` milliseconds; 0: until it is lifted.
    pub const SILENCE: Self = Self(8);
    pub const LIFT_SILENCE: Self = Self(9);
    pub const BAN: Self = Self(10);
    pub const UNBAN: Self = Self(11);
    /// Of the one member that is named, `text`; empty takes it away.
    pub const NICKNAME: Self = Self(12);
    /// `text`; with the `number` 1 also as a message.
    pub const ANNOUNCE: Self = Self(13);
    /// The announcement `number`.
    pub const DROP_ANNOUNCEMENT: Self = Self(14);
    pub const PIN_ANNOUNCEMENT: Self = Self(15);
    pub const UNPIN_ANNOUNCEMENT: Self = Self(16);
    /// To join; `text` is the reason.
    pub const APPLY: Self = Self(17);
    /// The members that are named; `text` is the reason.
    pub const INVITE: Self = Self(18);
}

/// Answers requests to join a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupJoinAnswer {
    pub request: u32,
    pub group: GroupId,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub answers: Vec<JoinAnswer>,
    pub is_accepted: bool,
    pub reason: String,
    pub extensions: Extensions,
}

/// One of them, and whom it would bring in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswer {
    pub id: Position,
    pub username: String,
}

/// Asks what stands in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAsk {
    pub request: u32,
    pub group: GroupId,
    pub question: GroupQuestion,
    pub extensions: Extensions,
}

/// An open enumeration of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupQuestion(pub u8);

impl GroupQuestion {
    /// Answered to everybody.
    pub const PROFILE: Self = Self(1);
    /// What follows is answered to members, the last two to the owner and admins.
    pub const STANDINGS: Self = Self(2);
    pub const SILENCES: Self = Self(3);
    pub const ANNOUNCEMENTS: Self = Self(4);
    pub const BANS: Self = Self(5);
    pub const JOINS: Self = Self(6);
}

/// Asks for the app's public groups in the order in which they were made, without the first `start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupsPublic {
    pub request: u32,
    pub start: u64,
    /// At most 500.
    pub count: u32,
    pub extensions: Extensions,
}

/// A group as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupShown {
    pub group: GroupId,
    pub name: String,
    pub description: String,
    pub avatar: String,
    pub owner: String,
    pub is_public: bool,
    pub members: u32,
    pub maximum: u32,
    pub created_ms: TimeMs,
    pub changed_ms: TimeMs,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupProfile {
    pub request: u32,
    pub shown: GroupShown,
    pub extensions: Extensions,
}

/// A part of the answer to [`GroupsPublic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPage {
    pub request: u32,
    /// Of the whole list.
    pub total: u64,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUP_PAGE_MAX as usize }, _, _>")]
    pub page: Vec<GroupShown>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

/// A part of the members, in joining order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStandings {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub standings: Vec<Standing>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

/// A member and what stands of them in the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub username: String,
    pub rank: GroupRank,
    /// Empty: none.
    pub nickname: String,
    pub joined_ms: TimeMs,
    /// 0: may speak; [`SILENT_UNTIL_LIFTED`]: until that is lifted.
    pub silent_until_ms: TimeMs,
}

/// The end of a silence that does not end by itself.
pub const SILENT_UNTIL_LIFTED: TimeMs = TimeMs::MAX;

/// An open enumeration, as JMessage numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupRank(pub u8);

impl GroupRank {
    pub const MEMBER: Self = Self(0);
    pub const OWNER: Self = Self(1);
    pub const ADMIN: Self = Self(2);
}

/// A part of those who are silenced, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSilences {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub silences: Vec<Silenced>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    pub username: String,
    pub since_ms: TimeMs,
    /// [`SILENT_UNTIL_LIFTED`]: until it is lifted.
    pub until_ms: TimeMs,
}

/// Those on a group's blacklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupBans {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub extensions: Extensions,
}

/// A part of a group's announcements: those that are pinned first, each part with the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAnnouncements {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::ANNOUNCEMENTS_MAX }, _, _>")]
    pub announcements: Vec<Announcement>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

/// A part of the requests that wait for an answer, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupJoins {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::JOIN_REQUESTS_MAX }, _, _>")]
    pub joins: Vec<JoinRequest>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    pub id: Position,
    pub username: String,
    /// Empty: the user applied.
    pub inviter: String,
    pub reason: String,
    pub at_ms: TimeMs,
}

/// An announcement was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAnnounced {
    pub request: u32,
    pub id: Position,
    pub extensions: Extensions,
}
