//! Finding things by number or name, in a snapshot and in a batch alike.

use std::sync::Arc;

use anser_protocol::content::{self, Content, GroupEvent};
use anser_protocol::extension::Extensions;
use anser_protocol::group_details::{Announcement, GroupDetails};
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};

use crate::command::{Amended, Class, FileName, FileOwner};
use crate::error::ReadError;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, FileId, ScheduleId, TagNumber, UserNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::outcome::{GroupChange, Message, MessageBody, Push, Rank};
use crate::row::Row;
use crate::rows::account::DeveloperApp;
use crate::rows::app::{Access, App, app_key, text_key};
use crate::rows::chat::{Chat, ConversationKind, SingleChat, conversations_prefix, single_chat_key};
use crate::rows::device::{ByRegistrationId, DeviceRow, Tag, TestDevice, device_key, registration_id_key, tag_key};
use crate::rows::file::{FileRow, file_key};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::people::UserState;
use crate::rows::push::{PushState, push_key};
use crate::rows::record::{
    AmendedRecord, Amendment, Body, ChangeDetail, ChangeRecord, EventRecord, Floor, NoticeRecord, PushRecord, Record,
    amendment_key, log_key, log_prefix,
};
use crate::rows::relation::{Registration, Tie, tie_key};
use crate::rows::room::{Role, RoleRow, Room, UserRoom, role_key, room_key, user_room_key};
use crate::rows::schedule::{ScheduleRow, schedule_key};
use crate::rows::standing::AnnouncementRow;
use crate::rows::user::{ByUsername, Session, User, user_key, username_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// All rows of a table whose keys are names, with these, in their order.
pub(crate) fn named<R: Row>(tables: &impl Tables) -> Result<Vec<(String, R)>, ReadError> {
    let mut named = Vec::new();
    tables.rows::<R>(&Key::empty(), |key, row| {
        named.push((String::from_utf8_lossy(key).into_owned(), row));
        Ok(NEXT)
    })?;
    Ok(named)
}

/// Nothing for a deleted app.
pub(crate) fn app(tables: &impl Tables, app: AppNumber) -> Result<Option<App>, ReadError> {
    Ok(tables.row::<App>(&app_key(app))?.filter(|app| !app.is_deleted))
}

pub(crate) fn access(tables: &impl Tables, app: AppNumber) -> Result<Access, ReadError> {
    Ok(tables.row(&app_key(app))?.unwrap_or_default())
}

/// Nothing when the id's random half is another one.
pub(crate) fn schedule(
    tables: &impl Tables,
    app: AppNumber,
    schedule: ScheduleId,
) -> Result<Option<ScheduleRow>, ReadError> {
    let row: Option<ScheduleRow> = tables.row(&schedule_key(app, schedule.number()))?;
    Ok(row.filter(|row| ScheduleId::new(row.salt, schedule.number()) == schedule))
}

/// Also one that is not finished or has expired. Nothing when the id's random half is another one.
pub(crate) fn file_or_upload(
    tables: &impl Tables,
    owner: &FileOwner,
    file: FileId,
) -> Result<Option<FileRow>, ReadError> {
    let row: Option<FileRow> = tables.row(&file_key(owner, file.number()))?;
    Ok(row.filter(|row| FileId::new(row.salt, file.number()) == file))
}

pub(crate) fn file(
    tables: &impl Tables,
    owner: &FileOwner,
    file: FileId,
    now_ms: TimeMs,
) -> Result<Option<FileRow>, ReadError> {
    Ok(file_or_upload(tables, owner, file)?.filter(|row| row.is_complete && row.expires_ms > now_ms))
}

/// A list to which the app may push: its own, or one of the developer who made it.
pub(crate) fn usable_list(
    tables: &impl Tables,
    app: AppNumber,
    name: &FileName,
    now_ms: TimeMs,
) -> Result<Option<(FileOwner, FileRow)>, ReadError> {
    let Some(row) = self::app(tables, app)? else { return Ok(None) };
    let owner = if row.app_key == name.owner_key {
        FileOwner::App(app)
    } else {
        let made_by = tables.row::<DeveloperApp>(&app_key(app))?.map(|origin| origin.developer);
        match made_by {
            Some(developer) if developer == name.owner_key && has_developer(tables, &developer)? => {
                FileOwner::Developer(developer)
            }
            _ => return Ok(None),
        }
    };
    let list = file(tables, &owner, name.id, now_ms)?.filter(|row| row.kind.is_list());
    Ok(list.map(|list| (owner, list)))
}

pub(crate) fn has_developer(tables: &impl Tables, key: &str) -> Result<bool, ReadError> {
    tables.has(Table::Developers, &text_key(key))
}

pub(crate) fn user_number(tables: &impl Tables, app: AppNumber, name: &str) -> Result<Option<UserNumber>, ReadError> {
    Ok(tables.row::<ByUsername>(&username_key(app, name))?.map(|found| found.0))
}

/// The devices on which a user has a session, at most `limit`, and the hash of each one's token.
pub(crate) fn sessions(
    tables: &impl Tables,
    app: AppNumber,
    user: UserNumber,
    limit: usize,
) -> Result<Vec<(DeviceNumber, [u8; 32])>, ReadError> {
    let prefix = user_key(app, user);
    let device_at = prefix.as_bytes().len();
    let mut sessions = Vec::new();
    tables.rows::<Session>(&prefix, |key, session| {
        sessions.extend(u32_at(key, device_at).map(|device| (DeviceNumber(device), session.token_hash)));
        Ok(if sessions.len() < limit { NEXT } else { STOP })
    })?;
    Ok(sessions)
}

/// What devices call a chat: the other user's name; a group has its number.
pub(crate) fn chat_name(tables: &impl Tables, app: AppNumber, chat: Chat) -> Result<Arc<str>, ReadError> {
    match chat {
        Chat::User(peer) => username(tables, app, peer),
        Chat::Group(_) | Chat::Notices => Ok("".into()),
    }
}

/// Also the nameplate of one who was deleted.
pub(crate) fn user(tables: &impl Tables, app: AppNumber, user: UserNumber) -> Result<Option<User>, ReadError> {
    tables.row(&user_key(app, user))
}

/// Nothing for one who is there and may log in.
pub(crate) fn user_state(
    tables: &impl Tables,
    app: AppNumber,
    user: UserNumber,
) -> Result<Option<UserState>, ReadError> {
    tables.row(&user_key(app, user))
}

pub(crate) fn is_tied(
    tables: &impl Tables,
    app: AppNumber,
    user: UserNumber,
    tie: Tie,
    other: u32,
) -> Result<bool, ReadError> {
    tables.has(Table::Ties, &tie_key(app, user, tie, other))
}

/// A nameplate only?
pub(crate) fn is_deleted(tables: &impl Tables, app: AppNumber, user: UserNumber) -> Result<bool, ReadError> {
    Ok(user_state(tables, app, user)? == Some(UserState::Deleted))
}

/// May devices of the app register users?
pub(crate) fn is_registration_open(tables: &impl Tables, app: AppNumber) -> Result<bool, ReadError> {
    Ok(tables.row::<Registration>(&app_key(app))?.is_none_or(|switch| switch.is_open))
}

/// The name of a user that some row mentions: its absence is damage.
pub(crate) fn username(tables: &impl Tables, app: AppNumber, number: UserNumber) -> Result<Arc<str>, ReadError> {
    let user = user(tables, app, number)?;
    let user = user.ok_or_else(|| missing(Table::Users, user_key(app, number)))?;
    Ok(user.username.into())
}

pub(crate) fn device_number(
    tables: &impl Tables,
    app: AppNumber,
    registration_id: &str,
) -> Result<Option<DeviceNumber>, ReadError> {
    Ok(tables.row::<ByRegistrationId>(&registration_id_key(app, registration_id))?.map(|found| found.0))
}

pub(crate) fn device(
    tables: &impl Tables,
    app: AppNumber,
    device: DeviceNumber,
) -> Result<Option<DeviceRow>, ReadError> {
    tables.row(&device_key(app, device))
}

pub(crate) fn known_test_device(
    tables: &impl Tables,
    app: AppNumber,
    device: DeviceNumber,
) -> Result<Option<TestDevice>, ReadError> {
    tables.row(&device_key(app, device))
}

pub(crate) fn tag_name(tables: &impl Tables, app: AppNumber, tag: TagNumber) -> Result<String, ReadError> {
    required::<Tag>(tables, tag_key(app, tag)).map(|tag| tag.name)
}

/// Also a dissolved one.
pub(crate) fn group_nameplate(
    tables: &impl Tables,
    app: AppNumber,
    group: GroupId,
) -> Result<Option<Group>, ReadError> {
    tables.row(&group_key(app, group))
}

pub(crate) fn group(tables: &impl Tables, app: AppNumber, group: GroupId) -> Result<Option<Group>, ReadError> {
    Ok(group_nameplate(tables, app, group)?.filter(|group| !group.is_dissolved))
}

pub(crate) fn single_chat(
    tables: &impl Tables,
    app: AppNumber,
    one: UserNumber,
    other: UserNumber,
) -> Result<Option<ChainNumber>, ReadError> {
    Ok(tables.row::<SingleChat>(&single_chat_key(app, one, other))?.map(|chat| chat.chain))
}

pub(crate) fn floor(tables: &impl Tables, app: AppNumber, class: Class) -> Result<Position, ReadError> {
    Ok(tables.row::<Floor>(&log_prefix(app, class))?.map_or(Position::START, |floor| floor.0))
}

/// The record at a position that a chain names. Nothing when retention has cut it; if it is missing otherwise, that is
/// damage.
pub(crate) fn record(
    tables: &impl Tables,
    app: AppNumber,
    class: Class,
    position: Position,
) -> Result<Option<Record>, ReadError> {
    let key = log_key(app, class, position);
    match tables.row(&key)? {
        Some(record) => Ok(Some(record)),
        None if position < floor(tables, app, class)? => Ok(None),
        None => Err(missing(Table::Log, key)),
    }
}

/// A record that a device's sent chain names: its messages to chats and to rooms lie in two classes. Nothing when
/// retention has cut either of them up to there.
pub(crate) fn sent_record(
    tables: &impl Tables,
    app: AppNumber,
    position: Position,
) -> Result<Option<Record>, ReadError> {
    for class in [Class::Chat, Class::Room] {
        if let Some(record) = tables.row(&log_key(app, class, position))? {
            return Ok(Some(record));
        }
    }
    let is_cut = is_cut_for_senders(tables, app, position)?;
    if is_cut { Ok(None) } else { Err(missing(Table::Log, log_key(app, Class::Chat, position))) }
}

/// Does retention account for the absence of what a device sent?
pub(crate) fn is_cut_for_senders(tables: &impl Tables, app: AppNumber, sent: Position) -> Result<bool, ReadError> {
    Ok(sent < floor(tables, app, Class::Chat)? || sent < floor(tables, app, Class::Room)?)
}

/// Nothing for a deleted room.
pub(crate) fn room(tables: &impl Tables, app: AppNumber, room: RoomId) -> Result<Option<Room>, ReadError> {
    Ok(room_nameplate(tables, app, room)?.filter(|room| !room.is_deleted))
}

/// Also a deleted one.
pub(crate) fn room_nameplate(tables: &impl Tables, app: AppNumber, room: RoomId) -> Result<Option<Room>, ReadError> {
    tables.row(&room_key(app, room))
}

/// Where the user stands among the room's members; nothing for one who is not inside.
pub(crate) fn user_room(
    tables: &impl Tables,
    app: AppNumber,
    user: UserNumber,
    room: RoomId,
) -> Result<Option<UserRoom>, ReadError> {
    tables.row(&user_room_key(app, user, room))
}

/// May the user not speak in the room, now?
pub(crate) fn is_silenced(
    tables: &impl Tables,
    app: AppNumber,
    room: RoomId,
    user: UserNumber,
    now_ms: TimeMs,
) -> Result<bool, ReadError> {
    let row: Option<RoleRow> = tables.row(&role_key(app, room, Role::Silenced, user))?;
    Ok(row.is_some_and(|row| row.holds_at(now_ms)))
}

/// The record as a reader sees it; nothing for pushes.
pub(crate) fn message(
    tables: &impl Tables,
    app: AppNumber,
    position: Position,
    record: Record,
) -> Result<Option<Message>, ReadError> {
    let (body, sent_by) = match record.body {
        Body::Message(message) => {
            let amendment: Option<Amendment> = tables.row(&amendment_key(app, position))?;
            let content = match amendment.map(|amendment| amendment.what) {
                None => message.content,
                Some(Amended::Edited(content)) => content,
                Some(Amended::Retracted | Amended::Erased) => Content::retracted(),
            };
            (MessageBody::Content(content), message.sent.map(|sent| (sent.device, sent.outbox)))
        }
        Body::Room(message) => {
            (MessageBody::Content(message.content), message.sent.map(|sent| (sent.device, sent.outbox)))
        }
        Body::Amended(amended) => (MessageBody::Amendment(amendment(tables, app, &amended)?), None),
        Body::Event(event) => (MessageBody::Event(group_event(tables, app, &event)?), None),
        Body::Notice(record) => (MessageBody::Notice(notice(tables, app, &record)?), None),
        Body::Change(change) => (MessageBody::Change(Box::new(group_change(tables, app, &change)?)), None),
        Body::Push(_) | Body::Release(_) => return Ok(None),
    };
    Ok(Some(Message { seq: record.seq, body, sent_by }))
}

/// The chain of a user's notices, once there was one.
pub(crate) fn notices_chain(
    tables: &impl Tables,
    app: AppNumber,
    user: UserNumber,
) -> Result<Option<ChainNumber>, ReadError> {
    let prefix = conversations_prefix(app, user).u8(ConversationKind::Notices as u8);
    let key = tables.keys(Table::Conversations, &prefix, 1)?.pop();
    Ok(key.and_then(|key| u64_at(&key, prefix.as_bytes().len())).map(ChainNumber))
}

/// The notice with its users' names.
pub(crate) fn notice(
    tables: &impl Tables,
    app: AppNumber,
    record: &NoticeRecord,
) -> Result<content::Notice, ReadError> {
    let name = |user: &UserNumber| username(tables, app, *user).map(|name| name.to_string());
    let notice = content::Notice {
        kind: record.kind,
        detail: record.detail,
        by: record.by.as_ref().map_or(Ok(String::new()), name)?,
        users: record.users.iter().map(name).collect::<Result<_, _>>()?,
        group: record.group.unwrap_or(GroupId(0)),
        text: record.text.clone(),
        request: record.request.unwrap_or(Position::START),
        extensions: Extensions::default(),
    };
    Ok(match record.messages.is_empty() {
        true => notice,
        false => notice.with_read_messages(&record.messages),
    })
}

/// What a record tells of another one, with the name of who did it.
pub(crate) fn amendment(
    tables: &impl Tables,
    app: AppNumber,
    record: &AmendedRecord,
) -> Result<content::Amendment, ReadError> {
    let by = record.by.map(|user| username(tables, app, user)).transpose()?;
    let by = by.map(|name| name.to_string()).unwrap_or_default();
    // As it is now: whoever reads of an edit later gets what was made of the message since.
    let now: Option<Amendment> = tables.row(&amendment_key(app, record.position))?;
    let content = match now.map(|amendment| amendment.what) {
        Some(Amended::Edited(content)) => Some(content),
        Some(Amended::Retracted | Amended::Erased) | None => None,
    };
    Ok(content::Amendment { position: record.position, kind: record.kind, by, content })
}

/// The event with its users' names.
pub(crate) fn group_event(tables: &impl Tables, app: AppNumber, event: &EventRecord) -> Result<GroupEvent, ReadError> {
    let name = |user: &UserNumber| username(tables, app, *user).map(|name| name.to_string());
    let optional = |user: &Option<UserNumber>| user.as_ref().map_or(Ok(String::new()), name);
    Ok(GroupEvent {
        kind: event.kind,
        by: optional(&event.by)?,
        users: event.users.iter().map(name).collect::<Result<_, _>>()?,
        new_owner: optional(&event.new_owner)?,
    })
}

/// The same with what else there is to say of it.
pub(crate) fn group_change(
    tables: &impl Tables,
    app: AppNumber,
    change: &ChangeRecord,
) -> Result<GroupChange, ReadError> {
    let event = group_event(tables, app, &change.event)?;
    let none = GroupDetails::default();
    let details = match change.detail.clone() {
        ChangeDetail::Set => GroupDetails { is_set: Some(true), ..none },
        ChangeDetail::Unset => GroupDetails { is_set: Some(false), ..none },
        ChangeDetail::Silenced { until_ms } => GroupDetails { is_set: Some(true), until_ms, ..none },
        ChangeDetail::Info { name, description, avatar } => GroupDetails { name, description, avatar, ..none },
        ChangeDetail::Type { is_public } => GroupDetails { is_public: Some(is_public), ..none },
        ChangeDetail::Maximum(maximum) => GroupDetails { maximum: Some(maximum), ..none },
        ChangeDetail::Nickname { old, new } => GroupDetails { nicknames: Some((old, new)), ..none },
        ChangeDetail::Announcement { id, row } => {
            GroupDetails { announcement: Some(announcement(tables, app, id, row)?), ..none }
        }
        ChangeDetail::AnnouncementGone(id) => {
            GroupDetails { announcement: Some(Announcement { id, ..Announcement::default() }), ..none }
        }
    };
    Ok(GroupChange { event, details })
}

pub(crate) fn announcement(
    tables: &impl Tables,
    app: AppNumber,
    id: Position,
    row: AnnouncementRow,
) -> Result<Announcement, ReadError> {
    let publisher = row.by.map(|user| username(tables, app, user)).transpose()?;
    Ok(Announcement {
        id,
        text: row.text,
        publisher: publisher.map(|name| name.to_string()).unwrap_or_default(),
        at_ms: row.at_ms,
        pinned_ms: row.pinned_ms.unwrap_or(0),
    })
}

/// What a member of the group, or an app server, may do in it; nothing for others.
pub(crate) fn rank(
    tables: &impl Tables,
    app: AppNumber,
    id: GroupId,
    group: &Group,
    user: UserNumber,
) -> Result<Option<Rank>, ReadError> {
    if user == group.owner {
        return Ok(Some(Rank::Owner));
    }
    let key = member_key(app, id, user);
    Ok(match tables.has(Table::Members, &key)? {
        false => None,
        true if tables.has(Table::GroupAdmins, &key)? => Some(Rank::Admin),
        true => Some(Rank::Member),
    })
}

pub(crate) fn push_state(tables: &impl Tables, app: AppNumber, push: Position) -> Result<Option<PushState>, ReadError> {
    tables.row(&push_key(app, push))
}

/// A push's payload; nothing when retention has cut it.
pub(crate) fn push_payload(
    tables: &impl Tables,
    app: AppNumber,
    msg_id: Position,
    state: &PushState,
) -> Result<Option<Push>, ReadError> {
    let expires_ms = state.expires_ms;
    match record(tables, app, Class::Push, msg_id)?.map(|record| record.body) {
        Some(Body::Push(PushRecord { contents, replaces, .. })) => {
            Ok(Some(Push { msg_id, expires_ms, contents, replaces }))
        }
        Some(_) => Err(missing(Table::Log, log_key(app, Class::Push, msg_id))),
        None => Ok(None),
    }
}

/// A row that another row says exists.
pub(crate) fn required<R: Row>(tables: &impl Tables, key: Key) -> Result<R, ReadError> {
    tables.row(&key)?.ok_or_else(|| missing(R::TABLE, key))
}

pub(crate) fn missing(table: Table, key: Key) -> ReadError {
    ReadError::Damaged { table, key: key.into_bytes() }
}
