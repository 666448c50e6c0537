//! Rows of groups and their members.

use anser_protocol::ids::{GroupId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub description: String,
    pub avatar: String,
    pub is_public: bool,
    pub owner: UserNumber,
    pub chain: ChainNumber,
    pub created_ms: TimeMs,
    pub changed_ms: TimeMs,
    pub members_max: u32,
    pub members: u32,
    /// The place in the joining order that the next member gets.
    pub next_order: u64,
    /// Kept as a nameplate for those who were members.
    pub is_dissolved: bool,
}
serde_row!(Group, Groups);

pub(crate) fn group_key(app: AppNumber, group: GroupId) -> Key {
    Key::app(app).u32(group.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    pub order: u64,
    pub joined_ms: TimeMs,
}
serde_row!(MemberRow, Members);

pub(crate) fn member_key(app: AppNumber, group: GroupId, user: UserNumber) -> Key {
    group_key(app, group).u32(user.0)
}
