//! Rows of what stands in a group: ranks, silence, the blacklist, nicknames, announcements, requests to join; and the
//! lists of groups.

use anser_protocol::ids::{GroupId, Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::chunk::chunk_of;
use crate::rows::group::group_key;

/// That a member is an admin of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdminRow {
    pub since_ms: TimeMs,
}
serde_row!(AdminRow, GroupAdmins);

/// That a member may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SilenceRow {
    pub since_ms: TimeMs,
    /// [`SilenceRow::UNTIL_LIFTED`] when only lifting it ends it.
    pub until_ms: TimeMs,
}
serde_row!(SilenceRow, Silences);

impl SilenceRow {
    pub const UNTIL_LIFTED: TimeMs = TimeMs::MAX;

    pub fn holds_at(&self, now_ms: TimeMs) -> bool {
        now_ms < self.until_ms
    }
}

/// That somebody may not become a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BanRow {
    pub since_ms: TimeMs,
}
serde_row!(BanRow, GroupBans);

/// What a member is called in the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NicknameRow(pub String);
serde_row!(NicknameRow, Nicknames);

/// Under the position of the event that told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnnouncementRow {
    pub text: String,
    /// Nobody: an app server.
    pub by: Option<UserNumber>,
    pub at_ms: TimeMs,
    pub pinned_ms: Option<TimeMs>,
}
serde_row!(AnnouncementRow, Announcements);

pub(crate) fn announcement_key(app: AppNumber, group: GroupId, id: Position) -> Key {
    group_key(app, group).u64(id.0)
}

/// Under the user whom it would bring in; it goes with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JoinRow {
    /// A position of its own: all whom one member invites at once share it.
    pub id: Position,
    /// Nobody: the user applied.
    pub inviter: Option<UserNumber>,
    pub reason: String,
    pub at_ms: TimeMs,
}
serde_row!(JoinRow, JoinRequests);

/// That rows of a dissolved group are left. Its members see its chain up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DissolvedRow {
    pub last_seq: u64,
    pub last: Position,
}
serde_row!(DissolvedRow, DissolvedGroups);

/// Lists of an app's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum GroupClass {
    Any = 0,
    Public = 1,
}

pub(crate) fn group_class_prefix(app: AppNumber, class: GroupClass) -> Key {
    Key::app(app).u8(class as u8)
}

pub(crate) fn group_chunk_key(app: AppNumber, class: GroupClass, group: GroupId) -> Key {
    group_class_prefix(app, class).u32(chunk_of(in_group_chunk(group)))
}

/// Sets in chunks hold numbers of devices; groups are counted in the same way.
pub(crate) fn in_group_chunk(group: GroupId) -> DeviceNumber {
    DeviceNumber(group.0)
}
