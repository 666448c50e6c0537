//! Reading groups: lists of them, and what stands in one.

use std::sync::Arc;

use anser_protocol::group_details::Announcement;
use anser_protocol::ids::{GroupId, Position, TimeMs};

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{u32_at, u64_at};
use crate::outcome::Rank;
use crate::rows::chunk::{ChunkRow, GroupChunk};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::standing::{AnnouncementRow, GroupClass, JoinRow, NicknameRow, SilenceRow, group_class_prefix};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupPage {
    /// Of the whole list.
    pub total: u64,
    pub groups: Vec<(GroupId, Group)>,
}

/// A member with what stands of them in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub username: Arc<str>,
    pub rank: Rank,
    /// Empty: none.
    pub nickname: String,
    pub joined_ms: TimeMs,
    pub silence: Option<Silence>,
}

/// A silence that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub since_ms: TimeMs,
    /// Nothing: until it is lifted.
    pub until_ms: Option<TimeMs>,
}

/// Somebody who would be brought into the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    pub id: Position,
    pub username: Arc<str>,
    /// Nobody: the user applied.
    pub inviter: Option<Arc<str>>,
    pub reason: String,
    pub at_ms: TimeMs,
}

impl Snapshot {
    /// Groups of a class in the order in which they were made, without the first `start`.
    pub fn group_page(
        &self,
        app: AppNumber,
        class: GroupClass,
        start: u64,
        count: usize,
    ) -> Result<GroupPage, ReadError> {
        let prefix = group_class_prefix(app, class);
        let chunk_at = prefix.as_bytes().len();
        let (mut total, mut numbers) = (0, Vec::new());
        self.rows::<GroupChunk>(&prefix, |key, row| {
            let chunk = row.chunk();
            let skipped = start.saturating_sub(total).min(chunk.len());
            if skipped < chunk.len() && numbers.len() < count {
                let groups = chunk.devices(u32_at(key, chunk_at).unwrap_or_default());
                let groups = groups.skip(usize::try_from(skipped).unwrap_or(usize::MAX));
                numbers.extend(groups.take(count - numbers.len()).map(GroupId));
            }
            total += chunk.len();
            Ok(NEXT)
        })?;
        let groups = numbers.into_iter().map(|id| Ok((id, find::required::<Group>(self, group_key(app, id))?)));
        Ok(GroupPage { total, groups: groups.collect::<Result<_, ReadError>>()? })
    }

    /// What the user is in the group; nothing for one who is no member, or when there is no such group.
    pub fn rank(&self, app: AppNumber, id: GroupId, user: UserNumber) -> Result<Option<Rank>, ReadError> {
        match self.group(app, id)? {
            Some(group) => find::rank(self, app, id, &group, user),
            None => Ok(None),
        }
    }

    /// The members in the order in which they joined, with what stands of them.
    pub fn standings(&self, app: AppNumber, id: GroupId, now_ms: TimeMs) -> Result<Vec<Standing>, ReadError> {
        let Some(group) = self.group(app, id)? else { return Ok(Vec::new()) };
        let mut standings = Vec::new();
        for member in self.group_members(app, id)? {
            let key = member_key(app, id, member.user);
            standings.push(Standing {
                rank: find::rank(self, app, id, &group, member.user)?.unwrap_or(Rank::Member),
                nickname: self.row::<NicknameRow>(&key)?.map(|row| row.0).unwrap_or_default(),
                silence: self.row::<SilenceRow>(&key)?.and_then(|row| silence(row, now_ms)),
                username: member.username,
                joined_ms: member.joined_ms,
            });
        }
        Ok(standings)
    }

    /// Those who are silenced, the newest silence first.
    pub fn silences(&self, app: AppNumber, id: GroupId, now_ms: TimeMs) -> Result<Vec<(Arc<str>, Silence)>, ReadError> {
        let mut rows = Vec::new();
        self.rows::<SilenceRow>(&group_key(app, id), |key, row| {
            rows.extend(u32_at(key, 8).zip(silence(row, now_ms)));
            Ok(NEXT)
        })?;
        rows.sort_by_key(|(user, silence)| (std::cmp::Reverse(silence.since_ms), *user));
        let named = rows.into_iter();
        named.map(|(user, silence)| Ok((find::username(self, app, UserNumber(user))?, silence))).collect()
    }

    /// Those on the group's blacklist, in the order in which they were registered.
    pub fn bans(&self, app: AppNumber, id: GroupId) -> Result<Vec<Arc<str>>, ReadError> {
        let mut names = Vec::new();
        for key in self.keys(Table::GroupBans, &group_key(app, id), usize::MAX)? {
            let user = UserNumber(u32_at(&key, 8).unwrap_or_default());
            if !find::is_deleted(self, app, user)? {
                names.push(find::username(self, app, user)?);
            }
        }
        Ok(names)
    }

    /// Those that are pinned first, each part with the newest first.
    pub fn announcements(&self, app: AppNumber, id: GroupId) -> Result<Vec<Announcement>, ReadError> {
        let mut rows = Vec::new();
        self.rows::<AnnouncementRow>(&group_key(app, id), |key, row| {
            rows.push((Position(u64_at(key, 8).unwrap_or_default()), row));
            Ok(NEXT)
        })?;
        rows.sort_by_key(|(id, row)| (std::cmp::Reverse(row.pinned_ms), std::cmp::Reverse(*id)));
        rows.into_iter().map(|(id, row)| find::announcement(self, app, id, row)).collect()
    }

    /// Those that wait for an answer, the oldest first.
    pub fn join_requests(&self, app: AppNumber, id: GroupId) -> Result<Vec<JoinRequest>, ReadError> {
        let mut rows = Vec::new();
        self.rows::<JoinRow>(&group_key(app, id), |key, row| {
            rows.push((UserNumber(u32_at(key, 8).unwrap_or_default()), row));
            Ok(NEXT)
        })?;
        rows.sort_by_key(|(user, row)| (row.id, *user));
        let mut requests = Vec::with_capacity(rows.len());
        for (user, row) in rows {
            if find::is_deleted(self, app, user)? {
                continue;
            }
            requests.push(JoinRequest {
                id: row.id,
                username: find::username(self, app, user)?,
                inviter: row.inviter.map(|inviter| find::username(self, app, inviter)).transpose()?,
                reason: row.reason,
                at_ms: row.at_ms,
            });
        }
        Ok(requests)
    }
}

fn silence(row: SilenceRow, now_ms: TimeMs) -> Option<Silence> {
    let until_ms = (row.until_ms != SilenceRow::UNTIL_LIFTED).then_some(row.until_ms);
    row.holds_at(now_ms).then_some(Silence { since_ms: row.since_ms, until_ms })
}
