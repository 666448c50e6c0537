//! Lists for operators, found by walking tables a bounded way: users, groups, rooms, tags, devices, pushes.
//!
//! Each part says where the next goes on; a search that finds little may give an empty part with more behind it.

use anser_protocol::content::Platform;
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};

use super::{PushSteps, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::{Key, behind_prefix, u32_at, u64_at};
use crate::outcome::Push;
use crate::row;
use crate::rows::chunk::{ChunkRow, PlatformChunk, TagChunk, tag_chunk_key};
use crate::rows::device::{ByTagName, device_key, tag_name_key};
use crate::rows::group::{Group, group_key};
use crate::rows::operator::PushOrigin;
use crate::rows::push::push_key;
use crate::rows::record::Body;
use crate::rows::room::{Room, room_key};
use crate::rows::user::{ByUsername, User, username_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Rows that one part looks at.
const LOOKED_AT_MAX: usize = 5000;

/// What becomes of a key with its value; nothing when the row is not wanted.
type Reading<'r, T> = dyn FnMut(&[u8], &[u8]) -> Result<Option<T>, ReadError> + 'r;

/// A part of a list, and where the next begins, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T, P> {
    pub items: Vec<T>,
    pub next: Option<P>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagShown {
    pub name: String,
    pub devices: u64,
}

/// A push in the history of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedPush {
    pub msg_id: Position,
    pub accepted_ms: TimeMs,
    pub expires_ms: TimeMs,
    pub standing: PushStanding,
    /// The operator who had the console send it, and the push object; empty where it was too long to be kept.
    pub origin: Option<(String, String)>,
    pub targets: u64,
    pub platforms: Vec<(Platform, u64)>,
    pub counts: PushSteps<u64>,
    /// Nothing when retention has cut it.
    pub push: Option<Push>,
    /// What was kept of it beside that: a JSON object, or empty.
    pub kept: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushStanding {
    Waiting,
    Expired,
    Withdrawn,
    Replaced,
}

impl Snapshot {
    /// Devices of an app, whether they were seen lately or not.
    pub fn device_total(&self, app: AppNumber) -> Result<u64, ReadError> {
        let mut total = 0;
        self.rows::<PlatformChunk>(&Key::app(app), |_, row| {
            total += row.chunk().len();
            Ok(NEXT)
        })?;
        Ok(total)
    }

    /// Users whose names come after `after`, in order of these, whom `is_wanted` takes.
    pub fn list_users(
        &self,
        app: AppNumber,
        after: Option<&str>,
        limit: usize,
        is_wanted: impl Fn(&User) -> bool,
    ) -> Result<Part<(UserNumber, User), String>, ReadError> {
        self.by_name(Table::UserNames, app, after, limit, |name| {
            let Some(ByUsername(number)) = self.row(&username_key(app, name))? else { return Ok(None) };
            let user = find::user(self, app, number)?.filter(|user| is_wanted(user));
            Ok(user.map(|user| (number, user)))
        })
    }

    /// Tags whose names come after `after` and contain `part`, in order of these, with how many devices have each.
    pub fn list_tags(
        &self,
        app: AppNumber,
        after: Option<&str>,
        limit: usize,
        part: &str,
    ) -> Result<Part<TagShown, String>, ReadError> {
        self.by_name(Table::TagNames, app, after, limit, |name| {
            if !name.contains(part) {
                return Ok(None);
            }
            let Some(ByTagName(tag)) = self.row(&tag_name_key(app, name))? else { return Ok(None) };
            let mut devices = 0;
            self.rows::<TagChunk>(&Key::app(app).u32(tag.0), |_, row| {
                devices += row.chunk().len();
                Ok(NEXT)
            })?;
            Ok(Some(TagShown { name: name.to_owned(), devices }))
        })
    }

    /// What `read` makes of the names of an app behind `after`, in order of these. The place is the last name that was looked
    /// at.
    fn by_name<T>(
        &self,
        table: Table,
        app: AppNumber,
        after: Option<&str>,
        limit: usize,
        read: impl Fn(&str) -> Result<Option<T>, ReadError>,
    ) -> Result<Part<T, String>, ReadError> {
        let prefix = Key::app(app);
        let from = match after {
            // The next text in order of bytes.
            Some(name) => Key::app(app).bytes(name.as_bytes()).u8(0),
            None => Key::app(app),
        };
        let to = behind_prefix(prefix.as_bytes());
        let mut part = Part { items: Vec::new(), next: None };
        let (mut looked_at, mut last) = (0, None);
        self.scan(table, from.as_bytes(), to.as_deref(), &mut |key, _| {
            if part.items.len() == limit || looked_at == LOOKED_AT_MAX {
                part.next = last.take();
                return Ok(STOP);
            }
            looked_at += 1;
            let name = String::from_utf8_lossy(&key[prefix.as_bytes().len()..]).into_owned();
            part.items.extend(read(&name)?);
            last = Some(name);
            Ok(NEXT)
        })?;
        Ok(part)
    }

    /// Groups that are there with lower numbers than `before`, the newest first.
    pub fn list_groups(
        &self,
        app: AppNumber,
        before: Option<GroupId>,
        limit: usize,
        is_wanted: impl Fn(GroupId, &Group) -> bool,
    ) -> Result<Part<(GroupId, Group), GroupId>, ReadError> {
        let to = before.map(|group| group_key(app, group));
        let part = self.newest(Table::Groups, app, to, limit, &mut |key, value| {
            let (id, group) = (GroupId(u32_at(key, 4).unwrap_or_default()), row::decode::<Group>(key, value)?);
            let is_here = !group.is_dissolved && !self.is_mirror(app, id)?;
            Ok((is_here && is_wanted(id, &group)).then_some((id, group)))
        })?;
        Ok(Part { items: part.items, next: part.next.and_then(|key| u32_at(&key, 4)).map(GroupId) })
    }

    /// Is it shown here only for members of this app, while it lives in another?
    fn is_mirror(&self, app: AppNumber, group: GroupId) -> Result<bool, ReadError> {
        Ok(self.joined_group(app, group)?.is_none_or(|joined| joined.home != app))
    }

    /// The same of rooms.
    pub fn list_rooms(
        &self,
        app: AppNumber,
        before: Option<RoomId>,
        limit: usize,
        is_wanted: impl Fn(RoomId, &Room) -> bool,
    ) -> Result<Part<(RoomId, Room), RoomId>, ReadError> {
        let to = before.map(|room| room_key(app, room));
        let part = self.newest(Table::Rooms, app, to, limit, &mut |key, value| {
            let (id, room) = (RoomId(u32_at(key, 4).unwrap_or_default()), row::decode::<Room>(key, value)?);
            Ok((!room.is_deleted && is_wanted(id, &room)).then_some((id, room)))
        })?;
        Ok(Part { items: part.items, next: part.next.and_then(|key| u32_at(&key, 4)).map(RoomId) })
    }

    /// Devices with lower numbers than `before`, the newest first.
    pub fn list_devices(
        &self,
        app: AppNumber,
        before: Option<DeviceNumber>,
        limit: usize,
    ) -> Result<Part<DeviceNumber, DeviceNumber>, ReadError> {
        let to = before.map(|device| device_key(app, device));
        let part = self.newest(Table::Devices, app, to, limit, &mut |key, _| Ok(u32_at(key, 4).map(DeviceNumber)))?;
        Ok(Part { items: part.items, next: part.next.and_then(|key| u32_at(&key, 4)).map(DeviceNumber) })
    }

    /// Devices of a tag with higher numbers than `after`, the oldest first.
    pub fn list_devices_of_tag(
        &self,
        app: AppNumber,
        tag: &str,
        after: Option<DeviceNumber>,
        limit: usize,
    ) -> Result<Part<DeviceNumber, DeviceNumber>, ReadError> {
        let mut part = Part { items: Vec::new(), next: None };
        let Some(ByTagName(tag)) = self.row(&tag_name_key(app, tag))? else { return Ok(part) };
        let chunks = Key::app(app).u32(tag.0);
        let from = tag_chunk_key(app, tag, after.map_or(0, crate::rows::chunk::chunk_of));
        let to = behind_prefix(chunks.as_bytes());
        self.scan(Table::TagChunks, from.as_bytes(), to.as_deref(), &mut |key, value| {
            let chunk = row::decode::<TagChunk>(key, value)?.chunk();
            for device in chunk.devices(u32_at(key, 8).unwrap_or_default()).map(DeviceNumber) {
                if after.is_some_and(|after| device <= after) {
                    continue;
                }
                if part.items.len() == limit {
                    part.next = part.items.last().copied();
                    return Ok(STOP);
                }
                part.items.push(device);
            }
            Ok(NEXT)
        })?;
        Ok(part)
    }

    /// Pushes of an app before this one that `is_wanted` takes, the newest first.
    pub fn list_pushes(
        &self,
        app: AppNumber,
        before: Option<Position>,
        limit: usize,
        now_ms: TimeMs,
        is_wanted: impl Fn(&ListedPush) -> bool,
    ) -> Result<Part<ListedPush, Position>, ReadError> {
        let to = before.map(|push| push_key(app, push));
        let part = self.newest(Table::PushTargets, app, to, limit, &mut |key, _| {
            let Some(msg_id) = u64_at(key, 4).map(Position) else { return Ok(None) };
            Ok(self.listed_push(app, msg_id, now_ms)?.filter(|push| is_wanted(push)))
        })?;
        Ok(Part { items: part.items, next: part.next.and_then(|key| u64_at(&key, 4)).map(Position) })
    }

    /// One of them; nothing when it is unknown or too old.
    pub fn listed_push(
        &self,
        app: AppNumber,
        msg_id: Position,
        now_ms: TimeMs,
    ) -> Result<Option<ListedPush>, ReadError> {
        let Some(trace) = self.push_trace(app, msg_id)? else { return Ok(None) };
        let standing = match trace {
            _ if trace.is_withdrawn => PushStanding::Withdrawn,
            _ if trace.replaced_by.is_some() => PushStanding::Replaced,
            _ if trace.expires_ms <= now_ms => PushStanding::Expired,
            _ => PushStanding::Waiting,
        };
        let state = find::push_state(self, app, msg_id)?;
        let push = match &state {
            Some(state) => find::push_payload(self, app, msg_id, state)?,
            None => None,
        };
        let kept = match find::record(self, app, Class::Push, msg_id)?.map(|record| record.body) {
            Some(Body::Push(push)) => push.kept,
            _ => String::new(),
        };
        let origin = self.row::<PushOrigin>(&push_key(app, msg_id))?.map(|origin| (origin.operator, origin.object));
        Ok(Some(ListedPush {
            msg_id,
            accepted_ms: trace.accepted_ms,
            expires_ms: trace.expires_ms,
            standing,
            origin,
            targets: trace.targets,
            platforms: trace.platforms,
            counts: trace.counts,
            push,
            kept,
        }))
    }

    /// Rows of an app below `to`, from behind; of each what `read` makes of it.
    fn newest<T>(
        &self,
        table: Table,
        app: AppNumber,
        to: Option<Key>,
        limit: usize,
        read: &mut Reading<'_, T>,
    ) -> Result<Part<T, Vec<u8>>, ReadError> {
        self.newest_below(table, &Key::app(app), to, limit, LOOKED_AT_MAX, read)
    }

    /// Rows of a prefix below `to`, from behind, at most `limit` after looking at so many. The place is the key of the last
    /// row that was looked at.
    pub(super) fn newest_below<T>(
        &self,
        table: Table,
        prefix: &Key,
        to: Option<Key>,
        limit: usize,
        looked_at_max: usize,
        read: &mut Reading<'_, T>,
    ) -> Result<Part<T, Vec<u8>>, ReadError> {
        let end = to.map(Key::into_bytes).or_else(|| behind_prefix(prefix.as_bytes()));
        let mut part = Part { items: Vec::new(), next: None };
        let (mut looked_at, mut last) = (0, Vec::new());
        self.scan_back(table, prefix.as_bytes(), end.as_deref(), &mut |key, value| {
            if part.items.len() == limit || looked_at == looked_at_max {
                part.next = Some(std::mem::take(&mut last));
                return Ok(STOP);
            }
            looked_at += 1;
            last = key.to_vec();
            part.items.extend(read(key, value)?);
            Ok(NEXT)
        })?;
        Ok(part)
    }
}
