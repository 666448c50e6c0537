//! Reading chat rooms: what they are, who is in them, what was said there last.

use std::collections::BTreeSet;
use std::sync::Arc;

use anser_protocol::ids::{Position, RoomId, TimeMs};

use super::{ReadRecord, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Refusal, RoomRefusal};
use crate::room_moves;
use crate::rows::chunk::{ChunkRow, RoomChunk};
use crate::rows::record::{Body, log_key};
use crate::rows::room::{Role, RoleRow, Room, RoomMemberRow, role_key, roles_prefix, room_key, user_rooms_prefix};
use crate::rows::user::{User, user_key};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// A part of a list of rooms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomPage {
    /// Of the whole list.
    pub total: u64,
    pub rooms: Vec<(RoomId, Room)>,
}

/// A part of a room's members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomMemberPage {
    pub total: u64,
    pub members: Vec<RoomMember>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RoomMember {
    pub user: User,
    pub joined_ms: TimeMs,
    pub is_silenced: bool,
}

/// A part of those who may not speak in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilencePage {
    pub total: u64,
    /// Names and until when; nothing: until it is lifted.
    pub users: Vec<(String, Option<TimeMs>)>,
}

impl Snapshot {
    /// Nothing for a deleted room.
    pub fn room(&self, app: AppNumber, room: RoomId) -> Result<Option<Room>, ReadError> {
        find::room(self, app, room)
    }

    /// In the order in which they were made, without the first `start`.
    pub fn room_page(&self, app: AppNumber, start: u64, count: usize) -> Result<RoomPage, ReadError> {
        let prefix = Key::app(app);
        let (mut total, mut ids) = (0, Vec::new());
        self.rows::<RoomChunk>(&prefix, |key, row| {
            let chunk = row.chunk();
            let skipped = start.saturating_sub(total).min(chunk.len());
            if skipped < chunk.len() && ids.len() < count {
                let rooms = chunk.devices(u32_at(key, prefix.as_bytes().len()).unwrap_or_default());
                let rooms = rooms.skip(usize::try_from(skipped).unwrap_or(usize::MAX));
                ids.extend(rooms.take(count - ids.len()).map(RoomId));
            }
            total += chunk.len();
            Ok(NEXT)
        })?;
        let rooms = ids.into_iter().map(|id| Ok((id, find::required(self, room_key(app, id))?)));
        Ok(RoomPage { total, rooms: rooms.collect::<Result<_, ReadError>>()? })
    }

    /// Why an app server may not let all of them in, if so.
    pub fn check_room_joiners(
        &self,
        app: AppNumber,
        room: RoomId,
        names: &[String],
    ) -> Result<Option<Refusal>, ReadError> {
        let Some(row) = self.room(app, room)? else { return Ok(Some(Refusal::Room(RoomRefusal::Unknown))) };
        Ok(room_moves::joiners(self, (app, room), &row, names, false)?.err().map(Refusal::Room))
    }

    /// The same for removing all of them.
    pub fn check_room_leavers(
        &self,
        app: AppNumber,
        room: RoomId,
        names: &[String],
    ) -> Result<Option<Refusal>, ReadError> {
        let Some(row) = self.room(app, room)? else { return Ok(Some(Refusal::Room(RoomRefusal::Unknown))) };
        Ok(room_moves::leavers(self, (app, room), &row, names, false)?.err().map(Refusal::Room))
    }

    /// The same for a room that is still to be made.
    pub fn check_room_founders(
        &self,
        app: AppNumber,
        owner: &str,
        members: &[String],
        members_max: u32,
    ) -> Result<Option<Refusal>, ReadError> {
        let mut users = BTreeSet::new();
        for username in std::iter::once(owner).chain(members.iter().map(String::as_str)) {
            match find::user_number(self, app, username)? {
                Some(user) => users.insert(user),
                None => {
                    let username = username.into();
                    return Ok(Some(Refusal::Room(RoomRefusal::UserUnknown { username })));
                }
            };
        }
        Ok((users.len() > members_max as usize).then_some(Refusal::Room(RoomRefusal::Full)))
    }

    /// The rooms that the user is in, in order of their numbers.
    pub fn rooms_of_user(&self, app: AppNumber, user: UserNumber) -> Result<Vec<(RoomId, Room)>, ReadError> {
        let prefix = user_rooms_prefix(app, user);
        let keys = self.keys(Table::UserRooms, &prefix, usize::MAX)?;
        let ids = keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())).map(RoomId);
        let mut rooms = Vec::with_capacity(keys.len());
        for id in ids {
            rooms.extend(self.room(app, id)?.map(|room| (id, room)));
        }
        Ok(rooms)
    }

    pub fn is_in_room(&self, app: AppNumber, room: RoomId, user: UserNumber) -> Result<bool, ReadError> {
        Ok(find::user_room(self, app, user, room)?.is_some())
    }

    /// In the order in which they came in, without the first `start`; nothing when there is no such room.
    pub fn room_member_page(
        &self,
        app: AppNumber,
        room: RoomId,
        start: u64,
        count: usize,
        now_ms: TimeMs,
    ) -> Result<Option<RoomMemberPage>, ReadError> {
        let Some(row) = self.room(app, room)? else { return Ok(None) };
        let (mut passed, mut found) = (0, Vec::new());
        if start < row.members.into() && count > 0 {
            self.rows::<RoomMemberRow>(&room_key(app, room), |_, member| {
                if passed >= start {
                    found.push(member);
                }
                passed += 1;
                Ok(if found.len() < count { NEXT } else { crate::tables::STOP })
            })?;
        }
        let member = |member: RoomMemberRow| {
            Ok(RoomMember {
                user: find::required(self, user_key(app, member.user))?,
                joined_ms: member.joined_ms,
                is_silenced: find::is_silenced(self, app, room, member.user, now_ms)?,
            })
        };
        let members = found.into_iter().map(member).collect::<Result<_, ReadError>>()?;
        Ok(Some(RoomMemberPage { total: row.members.into(), members }))
    }

    /// Names of the room's admins, or of those on its blacklist, the newest first. The owner is in neither list.
    pub fn room_roles(&self, app: AppNumber, room: RoomId, role: Role) -> Result<Vec<String>, ReadError> {
        let mut users = self.users_in_role(app, room, role)?;
        users.sort_unstable_by_key(|(user, row)| (std::cmp::Reverse(row.since_ms), *user));
        users.into_iter().map(|(user, _)| Ok(find::username(self, app, user)?.to_string())).collect()
    }

    pub fn has_room_role(&self, app: AppNumber, room: RoomId, role: Role, user: UserNumber) -> Result<bool, ReadError> {
        self.has(Table::RoomRoles, &role_key(app, room, role, user))
    }

    /// Those who may not speak now, the last to be silenced first, without the first `start`.
    pub fn room_silences(
        &self,
        app: AppNumber,
        room: RoomId,
        start: u64,
        count: usize,
        now_ms: TimeMs,
    ) -> Result<SilencePage, ReadError> {
        let mut users = self.users_in_role(app, room, Role::Silenced)?;
        users.retain(|(_, row)| row.holds_at(now_ms));
        users.sort_unstable_by_key(|(user, row)| (std::cmp::Reverse(row.since_ms), *user));
        let total = users.len() as u64;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let shown = users.into_iter().skip(start).take(count);
        let named = shown.map(|(user, row)| Ok((find::username(self, app, user)?.to_string(), row.until_ms)));
        Ok(SilencePage { total, users: named.collect::<Result<_, ReadError>>()? })
    }

    /// Is the user silenced in the room now, and until when?
    pub fn room_silence(
        &self,
        app: AppNumber,
        room: RoomId,
        user: UserNumber,
        now_ms: TimeMs,
    ) -> Result<Option<Option<TimeMs>>, ReadError> {
        let row: Option<RoleRow> = self.row(&role_key(app, room, Role::Silenced, user))?;
        Ok(row.filter(|row| row.holds_at(now_ms)).map(|row| row.until_ms))
    }

    /// Without those who were deleted.
    fn users_in_role(&self, app: AppNumber, room: RoomId, role: Role) -> Result<Vec<(UserNumber, RoleRow)>, ReadError> {
        let prefix = roles_prefix(app, room, role);
        let mut users = Vec::new();
        self.rows::<RoleRow>(&prefix, |key, row| {
            users.extend(u32_at(key, prefix.as_bytes().len()).map(|user| (UserNumber(user), row)));
            Ok(NEXT)
        })?;
        let mut living = Vec::with_capacity(users.len());
        for (user, row) in users {
            if !find::is_deleted(self, app, user)? {
                living.push((user, row));
            }
        }
        Ok(living)
    }

    /// Where the newest messages of a room stand above `after`, at most `limit`, oldest first.
    pub fn room_latest(
        &self,
        app: AppNumber,
        room: &Room,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Position>, ReadError> {
        let mut positions = Vec::new();
        let mut next = self.head(room.chain)?.map_or(Position::START, |head| head.last);
        while next > after && positions.len() < limit {
            let Some(record) = find::record(self, app, Class::Room, next)? else { break };
            positions.push(next);
            next = record.prev;
        }
        positions.reverse();
        Ok(positions)
    }

    /// A message of a room; nothing when retention has cut it, or what it said was erased.
    pub fn room_record(&self, app: AppNumber, position: Position) -> Result<Option<ReadRecord>, ReadError> {
        let Some(record) = find::record(self, app, Class::Room, position)? else { return Ok(None) };
        let damaged = || find::missing(Table::Log, log_key(app, Class::Room, position));
        let Body::Room(message) = &record.body else { return Err(damaged()) };
        // No message that was sent is empty.
        if message.content.body.is_empty() {
            return Ok(None);
        }
        let from = Some((message.from, find::username(self, app, message.from)?));
        let at_ms = record.at_ms;
        let message = find::message(self, app, position, record)?.ok_or_else(damaged)?;
        Ok(Some(ReadRecord { position, at_ms, from, message: Arc::new(message) }))
    }
}
