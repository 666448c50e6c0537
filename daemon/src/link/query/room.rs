//! What sessions ask about chat rooms.

use anser_protocol::frame::chat::Record;
use anser_protocol::frame::room::{RoomSummary, RoomUser};
use anser_protocol::ids::{Position, RoomId, TimeMs};
use anser_protocol::limits::ROOM_BACKLOG_MAX;
use anser_protocol::room::RoomRole;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::{ReadError, Role, Room, Snapshot};

use super::{PAGE_BYTES, record, record_bytes};

#[derive(Clone, Debug)]
pub enum RoomQuery {
    /// The newest messages above `after`; or of these places, which an earlier answer had no room for.
    Latest {
        room: RoomId,
        reader: (UserNumber, DeviceNumber),
        after: Position,
        places: Option<Vec<Position>>,
    },
    List(RoomList),
    /// Members, or those in a role; answered to members.
    Users {
        room: RoomId,
        user: UserNumber,
        role: RoomRole,
        start: u64,
        count: usize,
    },
    /// May the user of this name speak?
    Silence {
        room: RoomId,
        user: UserNumber,
        username: String,
    },
}

#[derive(Clone, Debug)]
pub enum RoomList {
    OfApp { start: u64, count: usize },
    OfUser(UserNumber),
    Named(Vec<RoomId>),
}

#[derive(Clone, Debug)]
pub enum RoomAnswer {
    /// There is no such room.
    Unknown,
    /// The user is no member.
    Outside,
    UserUnknown,
    /// Oldest first; places that are still to be read, and up to where nothing else is.
    Latest {
        records: Vec<Record>,
        rest: Vec<Position>,
        to: Position,
    },
    List {
        total: u64,
        rooms: Vec<RoomSummary>,
    },
    Users {
        total: u64,
        users: Vec<RoomUser>,
    },
}

pub(super) fn answer(
    snapshot: &Snapshot,
    app: AppNumber,
    query: RoomQuery,
    now: TimeMs,
) -> Result<RoomAnswer, ReadError> {
    match query {
        RoomQuery::Latest { room, reader, after, places } => {
            let row = match member_of(snapshot, app, room, reader.0)? {
                Ok(row) => row,
                Err(reason) => return Ok(reason),
            };
            let places = match places {
                Some(places) => places,
                None => snapshot.room_latest(app, &row, after, ROOM_BACKLOG_MAX)?,
            };
            latest(snapshot, app, reader, places)
        }
        RoomQuery::List(list) => {
            let (total, rooms) = match list {
                RoomList::OfApp { start, count } => {
                    let page = snapshot.room_page(app, start, count)?;
                    (page.total, page.rooms)
                }
                RoomList::OfUser(user) => {
                    let rooms = snapshot.rooms_of_user(app, user)?;
                    (rooms.len() as u64, rooms)
                }
                RoomList::Named(ids) => {
                    let mut rooms = Vec::with_capacity(ids.len());
                    for id in ids {
                        rooms.extend(snapshot.room(app, id)?.map(|room| (id, room)));
                    }
                    (rooms.len() as u64, rooms)
                }
            };
            let rooms = rooms.into_iter().map(|(id, room)| summary(snapshot, app, id, room));
            Ok(RoomAnswer::List { total, rooms: rooms.collect::<Result<_, _>>()? })
        }
        RoomQuery::Users { room, user, role, start, count } => {
            if let Err(reason) = member_of(snapshot, app, room, user)? {
                return Ok(reason);
            }
            users(snapshot, app, room, role, (start, count), now)
        }
        RoomQuery::Silence { room, user, username } => {
            if let Err(reason) = member_of(snapshot, app, room, user)? {
                return Ok(reason);
            }
            let Some((number, _)) = snapshot.user_by_name(app, &username)? else { return Ok(RoomAnswer::UserUnknown) };
            let silent_until_ms = until(snapshot.room_silence(app, room, number, now)?);
            Ok(RoomAnswer::Users { total: 1, users: vec![RoomUser { username, silent_until_ms }] })
        }
    }
}

fn member_of(
    snapshot: &Snapshot,
    app: AppNumber,
    room: RoomId,
    user: UserNumber,
) -> Result<Result<Room, RoomAnswer>, ReadError> {
    let Some(row) = snapshot.room(app, room)? else { return Ok(Err(RoomAnswer::Unknown)) };
    Ok(if snapshot.is_in_room(app, room, user)? { Ok(row) } else { Err(RoomAnswer::Outside) })
}

/// As many as fill a frame. What retention has cut meanwhile is left out.
fn latest(
    snapshot: &Snapshot,
    app: AppNumber,
    reader: (UserNumber, DeviceNumber),
    mut places: Vec<Position>,
) -> Result<RoomAnswer, ReadError> {
    let (mut records, mut bytes, mut read) = (Vec::new(), 0, 0);
    for place in &places {
        if let Some(found) = snapshot.room_record(app, *place)? {
            let found = record(found, reader);
            bytes += record_bytes(&found);
            if bytes > PAGE_BYTES && !records.is_empty() {
                break;
            }
            records.push(found);
        }
        read += 1;
    }
    let rest = places.split_off(read);
    let to = if rest.is_empty() { snapshot.end() } else { places.last().copied().unwrap_or_default() };
    Ok(RoomAnswer::Latest { records, rest, to })
}

fn summary(snapshot: &Snapshot, app: AppNumber, id: RoomId, room: Room) -> Result<RoomSummary, ReadError> {
    Ok(RoomSummary {
        room: id,
        name: room.name,
        description: room.description,
        owner: snapshot.user(app, room.owner)?.map(|owner| owner.username).unwrap_or_default(),
        members: room.members,
        members_max: room.members_max,
        created_ms: room.created_ms,
    })
}

fn users(
    snapshot: &Snapshot,
    app: AppNumber,
    room: RoomId,
    role: RoomRole,
    (start, count): (u64, usize),
    now: TimeMs,
) -> Result<RoomAnswer, ReadError> {
    let stored = match role {
        RoomRole::ADMIN => Role::Admin,
        RoomRole::BLOCKED => Role::Blocked,
        RoomRole::SILENCED => {
            let page = snapshot.room_silences(app, room, start, count, now)?;
            let user = |(username, ends)| RoomUser { username, silent_until_ms: until(Some(ends)) };
            return Ok(RoomAnswer::Users { total: page.total, users: page.users.into_iter().map(user).collect() });
        }
        _ => {
            let page = snapshot.room_member_page(app, room, start, count, now)?.unwrap_or_default();
            let mut users = Vec::with_capacity(page.members.len());
            for member in page.members {
                let username = member.user.username;
                let silence = match member.is_silenced.then(|| snapshot.user_by_name(app, &username)).transpose()? {
                    Some(Some((number, _))) => snapshot.room_silence(app, room, number, now)?,
                    Some(None) | None => None,
                };
                users.push(RoomUser { username, silent_until_ms: until(silence) });
            }
            return Ok(RoomAnswer::Users { total: page.total, users });
        }
    };
    let names = snapshot.room_roles(app, room, stored)?;
    let total = names.len() as u64;
    let names = names.into_iter().skip(usize::try_from(start).unwrap_or(usize::MAX)).take(count);
    let users = names.map(|username| RoomUser { username, silent_until_ms: 0 }).collect();
    Ok(RoomAnswer::Users { total, users })
}

/// As the wire has it.
fn until(silence: Option<Option<TimeMs>>) -> TimeMs {
    silence.map_or(0, |until_ms| until_ms.unwrap_or(TimeMs::MAX))
}
