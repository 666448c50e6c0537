//! Which rows a row says are there, so that a missing one can be found.

use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{GroupId, Position, RoomId};

use crate::across;
use crate::command::{Class, FileOwner};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, FileNumber, ScheduleNumber, UserNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::row;
use crate::rows::account::{GroupCid, GroupPush, group_cid_key, group_push_key};
use crate::rows::across::GuestNumber;
use crate::rows::app::{App, ByAppKey, ByAppName, app_key, text_key};
use crate::rows::bridge::{PushToken, TokenOwner, push_token_key, token_chunk_key, token_owner_key};
use crate::rows::callback::CallbackEvent;
use crate::rows::chat::{Chat, Conversation, ConversationKind, SingleChat, conversation_key, single_chat_key};
use crate::rows::chunk::{
    ChunkRow, DormantChunk, GroupChunk, PlatformChunk, RoomChunk, StopChunk, TagChunk, TokenChunk, TraitChunk,
    UserChunk, chunk_of, platform_chunk_key, tag_chunk_key,
};
use crate::rows::device::{
    ByRegistrationId, ByTagName, DeviceRow, DeviceTags, Tag, alias_key, device_key, registration_id_key, tag_key,
    tag_name_key,
};
use crate::rows::file::{FileRow, file_key, file_part_key};
use crate::rows::followup::Followup;
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::import::{FormerGroup, FormerRoom, Waiting};
use crate::rows::media::{Media, MediaContent, MediaMention, MediaThumb, media_body_key};
use crate::rows::operator::OperatorSession;
use crate::rows::people::{UserClass, user_chunk_key};
use crate::rows::push::{Cid, Expiry, SlowPush, cid_key, expiry_key, push_key, slice_due_key};
use crate::rows::receipt::{Receipt, receipt_key};
use crate::rows::record::{Amendment, log_key};
use crate::rows::relation::{Tie, friend_key, tie_key};
use crate::rows::room::{Room, RoomMemberRow, UserRoom, room_chunk_key, room_key, room_member_key, user_room_key};
use crate::rows::schedule::{ScheduleCid, ScheduleRow, due_key, firing_key, schedule_key};
use crate::rows::standing::{GroupClass, group_chunk_key};
use crate::rows::told::EventRow;
use crate::rows::traits::{DeviceTraits, OTHER, count_of_chunk, trait_chunk_key};
use crate::rows::user::{ByUsername, Session, Token, User, session_key, token_key, user_key, username_key};
use crate::table::Table;
use crate::tables::Tables;

type Named = Vec<(Table, Key)>;

/// For a whole row of an app that is not being deleted. Records of the log name others by position, see `scrub`.
pub(crate) fn rows_named_by(tables: &impl Tables, table: Table, key: &[u8], value: &[u8]) -> Result<Named, ReadError> {
    let app = AppNumber(u32_at(key, 0).unwrap_or_default());
    let second = u32_at(key, 4).unwrap_or_default();
    Ok(match table {
        Table::Apps => by_app(&row::decode(key, value)?, app),
        Table::AppKeys => vec![(Table::Apps, app_key(row::decode::<ByAppKey>(key, value)?.0))],
        Table::AppNames => vec![(Table::Apps, app_key(row::decode::<ByAppName>(key, value)?.0))],
        Table::Devices => by_device(&row::decode(key, value)?, app, DeviceNumber(second)),
        Table::RegistrationIds => {
            vec![(Table::Devices, device_key(app, row::decode::<ByRegistrationId>(key, value)?.0))]
        }
        Table::DeviceTags => by_tags(tables, row::decode(key, value)?, app, DeviceNumber(second))?,
        Table::Tags => vec![(Table::TagNames, tag_name_key(app, &row::decode::<Tag>(key, value)?.name))],
        Table::TagNames => vec![(Table::Tags, tag_key(app, row::decode::<ByTagName>(key, value)?.0))],
        Table::TagChunks => {
            let devices = row::decode::<TagChunk>(key, value)?.chunk();
            each_device(Table::DeviceTags, app, devices.devices(u32_at(key, 8).unwrap_or_default()))
        }
        Table::DeviceTraits => by_traits(tables, row::decode(key, value)?, app, DeviceNumber(second))?,
        Table::TraitChunks => {
            let devices = row::decode::<TraitChunk>(key, value)?.chunk();
            let chunk = u32_at(key, key.len().saturating_sub(4)).unwrap_or_default();
            let named = each_device(Table::DeviceTraits, app, devices.devices(chunk));
            named.into_iter().chain(count_of_chunk(key).map(|count| (Table::TraitValues, count))).collect()
        }
        Table::PlatformChunks => {
            let devices = row::decode::<PlatformChunk>(key, value)?.chunk();
            each_device(Table::Devices, app, devices.devices(u32_at(key, 5).unwrap_or_default()))
        }
        Table::Dormant => {
            let devices = row::decode::<DormantChunk>(key, value)?.chunk();
            each_device(Table::Devices, app, devices.devices(second))
        }
        Table::PushStops => {
            let devices = row::decode::<StopChunk>(key, value)?.chunk();
            each_device(Table::Devices, app, devices.devices(second))
        }
        Table::Aliases => each_device(Table::Devices, app, u32_at(key, key.len().saturating_sub(4))),
        Table::TestDevices | Table::Badges => vec![(Table::Devices, device_key(app, DeviceNumber(second)))],
        Table::DeveloperApps => vec![(Table::Apps, app_key(app))],
        Table::Users => by_user(tables, &row::decode(key, value)?, app, UserNumber(second))?,
        Table::Guests => vec![(Table::Users, user_key(app, UserNumber(second)))],
        Table::GuestNumbers => by_guest_number(tables, row::decode(key, value)?, app, key)?,
        Table::Copies => {
            let message = Position(u64_at(key, 4).unwrap_or_default());
            let is_kept = message >= find::floor(tables, app, Class::Chat)?;
            is_kept.then(|| (Table::Log, log_key(app, Class::Chat, message))).into_iter().collect()
        }
        Table::Mirrors => vec![(Table::Groups, group_key(app, GroupId(second)))],
        Table::UserStates | Table::Erasures => vec![(Table::Users, user_key(app, UserNumber(second)))],
        Table::DepartedUsers => vec![(Table::UserStates, user_key(app, UserNumber(second)))],
        Table::Ties => by_tie(app, UserNumber(second), key),
        Table::Friends => {
            let friend = UserNumber(u32_at(key, 8).unwrap_or_default());
            vec![(Table::Users, user_key(app, friend)), (Table::Friends, friend_key(app, friend, UserNumber(second)))]
        }
        Table::Shields | Table::GroupAdmins | Table::Silences | Table::Nicknames => {
            vec![(Table::Members, member_key(app, GroupId(second), UserNumber(u32_at(key, 8).unwrap_or_default())))]
        }
        Table::GroupBans | Table::JoinRequests => vec![
            (Table::Groups, group_key(app, GroupId(second))),
            (Table::Users, user_key(app, UserNumber(u32_at(key, 8).unwrap_or_default()))),
        ],
        Table::Announcements | Table::DissolvedGroups => vec![(Table::Groups, group_key(app, GroupId(second)))],
        Table::GroupChunks => {
            let groups = row::decode::<GroupChunk>(key, value)?.chunk();
            let chunk = u32_at(key, 5).unwrap_or_default();
            groups.devices(chunk).map(|group| (Table::Groups, group_key(app, GroupId(group)))).collect()
        }
        Table::UserChunks => {
            let users = row::decode::<UserChunk>(key, value)?.chunk();
            let chunk = u32_at(key, 5).unwrap_or_default();
            users.devices(chunk).map(|user| (Table::Users, user_key(app, UserNumber(user)))).collect()
        }
        Table::UserNames => vec![(Table::Users, user_key(app, row::decode::<ByUsername>(key, value)?.0))],
        Table::Tokens => by_token(row::decode(key, value)?, app, key),
        Table::Sessions => vec![(Table::Tokens, token_key(app, &row::decode::<Session>(key, value)?.token_hash))],
        Table::SingleChats => by_single_chat(row::decode(key, value)?, app, second, u32_at(key, 8)),
        Table::Conversations => by_conversation(&row::decode(key, value)?, app, UserNumber(second)),
        Table::Groups => by_group(tables, &row::decode(key, value)?, app, GroupId(second))?,
        Table::Members => by_member(tables, app, GroupId(second), UserNumber(u32_at(key, 8).unwrap_or_default()))?,
        Table::Rooms => by_room(&row::decode(key, value)?, app, RoomId(second)),
        Table::RoomChunks => {
            let rooms = row::decode::<RoomChunk>(key, value)?.chunk();
            rooms.devices(second).map(|room| (Table::Rooms, room_key(app, RoomId(room)))).collect()
        }
        Table::RoomMembers => by_room_member(tables, row::decode(key, value)?, app, RoomId(second))?,
        Table::UserRooms => {
            let room = RoomId(u32_at(key, 8).unwrap_or_default());
            let order = row::decode::<UserRoom>(key, value)?.order;
            vec![(Table::Rooms, room_key(app, room)), (Table::RoomMembers, room_member_key(app, room, order))]
        }
        Table::RoomRoles => {
            let user = UserNumber(u32_at(key, 9).unwrap_or_default());
            vec![(Table::Rooms, room_key(app, RoomId(second))), (Table::Users, user_key(app, user))]
        }
        Table::RetiredRooms => vec![(Table::Rooms, room_key(app, RoomId(second)))],
        Table::PushStates => {
            let push = Position(u64_at(key, 4).unwrap_or_default());
            let is_kept = push >= find::floor(tables, app, Class::Push)?;
            let record = is_kept.then(|| (Table::Log, log_key(app, Class::Push, push)));
            record.into_iter().chain([(Table::PushTargets, push_key(app, push))]).collect()
        }
        Table::Reports | Table::PushTargets | Table::PushOrigins => {
            vec![(Table::PushStates, Key::app(app).u64(u64_at(key, 4).unwrap_or_default()))]
        }
        Table::SlowPushes => {
            let push = Position(u64_at(key, 4).unwrap_or_default());
            let due_ms = row::decode::<SlowPush>(key, value)?.due_ms();
            vec![(Table::PushStates, push_key(app, push)), (Table::SlicesDue, slice_due_key(due_ms, app, push))]
        }
        Table::SlicesDue => {
            let app = AppNumber(u32_at(key, 8).unwrap_or_default());
            vec![(Table::SlowPushes, push_key(app, Position(u64_at(key, 12).unwrap_or_default())))]
        }
        Table::Amendments => {
            let floor = find::floor(tables, app, Class::Chat)?;
            let told_at = row::decode::<Amendment>(key, value)?.told_at;
            let both = [Position(u64_at(key, 4).unwrap_or_default()), told_at];
            let kept = both.into_iter().filter(|position| *position >= floor);
            kept.map(|position| (Table::Log, log_key(app, Class::Chat, position))).collect()
        }
        Table::Receipts => {
            let message = Position(u64_at(key, 4).unwrap_or_default());
            let is_kept = message >= find::floor(tables, app, Class::Chat)?;
            let record = is_kept.then(|| (Table::Log, log_key(app, Class::Chat, message)));
            let sender = row::decode::<Receipt>(key, value)?.from;
            record
                .into_iter()
                .chain([
                    (Table::Users, user_key(app, sender)),
                    (Table::ReceiptReaders, receipt_key(app, message)),
                ])
                .collect()
        }
        Table::ReceiptReaders => {
            let message = Position(u64_at(key, 4).unwrap_or_default());
            vec![(Table::Receipts, receipt_key(app, message))]
        }
        Table::ReceiptNews => {
            let message = Position(u64_at(key, 16).unwrap_or_default());
            vec![(Table::ReceiptReaders, receipt_key(app, message))]
        }
        Table::Cids => by_cid(&row::decode(key, value)?, app, key.get(4..).unwrap_or_default()),
        Table::Expiries => by_expiry(row::decode(key, value)?),
        Table::Schedules => by_schedule(&row::decode(key, value)?, app, schedule_at(key, 4)),
        Table::OpenSchedules | Table::Firings => vec![(Table::Schedules, schedule_key(app, schedule_at(key, 4)))],
        Table::DueSchedules => {
            let app = AppNumber(u32_at(key, 8).unwrap_or_default());
            vec![(Table::Schedules, schedule_key(app, schedule_at(key, 12)))]
        }
        Table::ScheduleCids => by_schedule_cid(&row::decode(key, value)?, app, key.get(4..).unwrap_or_default()),
        Table::Files => by_file(&row::decode(key, value)?, FileOwner::App(app), key),
        Table::GroupPushes => {
            let push = Position(u64_at(key, 0).unwrap_or_default());
            let expires_ms = row::decode::<GroupPush>(key, value)?.expires_ms;
            vec![(Table::Expiries, expiry_key(expires_ms, &Expiry::GroupPush { push }))]
        }
        Table::GroupCids => by_group_cid(&row::decode(key, value)?, key),
        Table::OperatorSessions => {
            vec![(Table::Operators, text_key(&row::decode::<OperatorSession>(key, value)?.name))]
        }
        Table::Registration
        | Table::Retention
        | Table::Access
        | Table::PushCertificates
        | Table::BridgeCursors
        | Table::HourCounts
        | Table::HourSets
        | Table::MessageCallbacks
        | Table::EventCallbacks
        | Table::MediaBodies
        | Table::Words
        | Table::MediaSpaces => {
            vec![(Table::Apps, app_key(app))]
        }
        Table::FormerGroups => vec![(Table::Groups, group_key(app, row::decode::<FormerGroup>(key, value)?.0))],
        Table::FormerRooms => vec![(Table::Rooms, room_key(app, row::decode::<FormerRoom>(key, value)?.0))],
        Table::WaitingDevices => {
            let until_ms = row::decode::<Waiting>(key, value)?.until_ms;
            let over = Key::empty().u64(until_ms).bytes(key);
            vec![(Table::WaitsOver, over)]
        }
        Table::WaitsOver => vec![(Table::WaitingDevices, Key::empty().bytes(key.get(8..).unwrap_or_default()))],
        Table::Media => by_content(&row::decode::<Media>(key, value)?.content, app),
        Table::MediaThumbs => {
            let content = row::decode::<MediaThumb>(key, value)?.0;
            by_content(&content, app).into_iter().chain([(Table::Media, media_at(key))]).collect()
        }
        Table::AppEvents => {
            let event: EventRow = row::decode(key, value)?;
            let users = event.by.into_iter().chain(event.users);
            users.map(|user| (Table::Users, user_key(app, user))).chain([(Table::Apps, app_key(app))]).collect()
        }
        Table::MediaIdle => vec![(Table::Media, media_at(key))],
        Table::MediaMentions => {
            let class = row::decode::<MediaMention>(key, value)?.0;
            let position = Position(u64_at(key, 20).unwrap_or_default());
            let is_kept = position >= find::floor(tables, app, class)?;
            let record = is_kept.then(|| (Table::Log, log_key(app, class, position)));
            record.into_iter().chain([(Table::Media, media_at(key))]).collect()
        }
        Table::PushTokens => by_push_token(&row::decode(key, value)?, app, DeviceNumber(second)),
        Table::Callbacks => vec![match CallbackEvent::of_key(key) {
            // It may outlive its push's callback.
            Some(event) => (Table::Devices, device_key(app, event.device)),
            None => (Table::PushStates, push_key(app, Position(u64_at(key, 5).unwrap_or_default()))),
        }],
        Table::Followups => {
            let floor = find::floor(tables, app, Class::Push)?;
            let audience = row::decode::<Followup>(key, value)?.audience.filter(|position| *position >= floor);
            let audience = audience.map(|position| (Table::Log, log_key(app, Class::Push, position)));
            let push = Position(u64_at(key, 4).unwrap_or_default());
            audience.into_iter().chain([(Table::PushStates, push_key(app, push))]).collect()
        }
        Table::TokenOwners => {
            let device = row::decode::<TokenOwner>(key, value)?.0;
            vec![(Table::PushTokens, push_token_key(app, device, token_kind_of(key)))]
        }
        Table::TokenChunks => {
            let devices = row::decode::<TokenChunk>(key, value)?.chunk();
            let devices = devices.devices(u32_at(key, 5).unwrap_or_default());
            let kind = token_kind_of(key);
            devices.map(|device| (Table::PushTokens, push_token_key(app, DeviceNumber(device), kind))).collect()
        }
        Table::Meta
        | Table::Log
        | Table::Heads
        | Table::Floors
        | Table::AppCounters
        | Table::RetiredTags
        | Table::AppGroups
        | Table::Developers
        | Table::Operators
        | Table::Audit
        | Table::SetUp
        | Table::ChatCursors
        | Table::GaveWay
        | Table::PushCursors
        | Table::FileParts
        | Table::Presence
        | Table::Segments
        | Table::TraitValues
        // It may outlive its push.
        | Table::FollowupsDue
        | Table::Uses
        | Table::Broadcasts
        | Table::PushCounts => Vec::new(),
    })
}

fn by_content(content: &MediaContent, app: AppNumber) -> Named {
    vec![(Table::MediaBodies, media_body_key(app, &content.body)), (Table::MediaSpaces, app_key(app))]
}

/// Keys of what belongs to a medium begin with its own.
fn media_at(key: &[u8]) -> Key {
    Key::empty().bytes(key.get(..20).unwrap_or_default())
}

fn by_app(row: &App, app: AppNumber) -> Named {
    vec![
        (Table::AppKeys, text_key(&row.app_key)),
        (Table::AppNames, text_key(&row.name)),
        (Table::AppCounters, app_key(app)),
    ]
}

fn by_device(row: &DeviceRow, app: AppNumber, device: DeviceNumber) -> Named {
    let alias = row.alias.as_ref().map(|alias| (Table::Aliases, alias_key(app, alias, device)));
    let always = [
        (Table::RegistrationIds, registration_id_key(app, &row.registration_id)),
        (Table::PlatformChunks, platform_chunk_key(app, row.platform, chunk_of(device))),
    ];
    always.into_iter().chain(alias).collect()
}

/// Of the rows that are kept by the kind of a token.
fn token_kind_of(key: &[u8]) -> TokenKind {
    TokenKind(key.get(4).copied().unwrap_or_default())
}

fn by_user(tables: &impl Tables, row: &User, app: AppNumber, user: UserNumber) -> Result<Named, ReadError> {
    if find::is_deleted(tables, app, user)? || across::guest(tables, app, user)?.is_some() {
        return Ok(Vec::new());
    }
    let chunk = user_chunk_key(app, UserClass::of(row.is_admin), user);
    Ok(vec![(Table::UserNames, username_key(app, &row.username)), (Table::UserChunks, chunk)])
}

/// The other app may be on its way out.
fn by_guest_number(
    tables: &impl Tables,
    GuestNumber(number): GuestNumber,
    home: AppNumber,
    key: &[u8],
) -> Result<Named, ReadError> {
    let (user, there) = (u32_at(key, 4).unwrap_or_default(), AppNumber(u32_at(key, 8).unwrap_or_default()));
    let mut named = vec![(Table::Users, user_key(home, UserNumber(user)))];
    if find::app(tables, there)?.is_some() {
        named.push((Table::Guests, user_key(there, number)));
    }
    Ok(named)
}

fn by_tie(app: AppNumber, user: UserNumber, key: &[u8]) -> Named {
    let other = u32_at(key, 9).unwrap_or_default();
    match key.get(8).copied().and_then(Tie::by_number) {
        Some(Tie::MutesGroup) => vec![(Table::Members, member_key(app, GroupId(other), user))],
        Some(Tie::MutesEverything) | None => vec![(Table::Users, user_key(app, user))],
        Some(tie) => {
            let mirrored = tie.mirror().map(|mirror| (Table::Ties, tie_key(app, UserNumber(other), mirror, user.0)));
            mirrored.into_iter().chain([(Table::Users, user_key(app, UserNumber(other)))]).collect()
        }
    }
}

fn by_push_token(token: &PushToken, app: AppNumber, device: DeviceNumber) -> Named {
    vec![
        (Table::Devices, device_key(app, device)),
        (Table::TokenOwners, token_owner_key(app, token.kind, &token.token)),
        (Table::TokenChunks, token_chunk_key(app, token.kind, chunk_of(device))),
    ]
}

fn by_tags(tables: &impl Tables, tags: DeviceTags, app: AppNumber, device: DeviceNumber) -> Result<Named, ReadError> {
    let mut named = Vec::with_capacity(tags.0.len() * 2);
    for tag in tags.0 {
        // A retired tag has lost its name, but not its chunk while a device lists it.
        if !tables.has(Table::RetiredTags, &tag_key(app, tag))? {
            named.push((Table::Tags, tag_key(app, tag)));
        }
        named.push((Table::TagChunks, tag_chunk_key(app, tag, chunk_of(device))));
    }
    Ok(named)
}

/// A value is in a set of its own, or there were too many as it came.
fn by_traits(
    tables: &impl Tables,
    row: DeviceTraits,
    app: AppNumber,
    device: DeviceNumber,
) -> Result<Named, ReadError> {
    let mut named = vec![(Table::Devices, device_key(app, device))];
    for (kind, value) in row.0 {
        let own = trait_chunk_key(app, kind, &value, chunk_of(device));
        let chunk: Option<TraitChunk> = tables.row(&own)?;
        let is_its_own = chunk.is_some_and(|chunk| chunk.chunk().contains(device));
        let key = if is_its_own { own } else { trait_chunk_key(app, kind, OTHER, chunk_of(device)) };
        named.push((Table::TraitChunks, key));
    }
    Ok(named)
}

fn each_device(table: Table, app: AppNumber, devices: impl IntoIterator<Item = u32>) -> Named {
    devices.into_iter().map(|device| (table, device_key(app, DeviceNumber(device)))).collect()
}

fn by_token(token: Token, app: AppNumber, key: &[u8]) -> Named {
    let mut named = vec![(Table::Sessions, session_key(app, token.user, token.device))];
    if let Some(Ok(hash)) = key.get(4..).map(TryInto::try_into) {
        named.push((Table::Expiries, expiry_key(token.expires_ms, &Expiry::Token { app, hash })));
    }
    named
}

fn by_single_chat(row: SingleChat, app: AppNumber, one: u32, other: Option<u32>) -> Named {
    let of = |user: u32| conversation_key(app, UserNumber(user), ConversationKind::Single, row.chain);
    [Some(one), other].into_iter().flatten().map(|user| (Table::Conversations, of(user))).collect()
}

fn by_conversation(row: &Conversation, app: AppNumber, user: UserNumber) -> Named {
    let other_side = match row.chat {
        Chat::User(peer) => Some((Table::SingleChats, single_chat_key(app, user, peer))),
        Chat::Group(group) => Some((Table::Groups, group_key(app, group))),
        Chat::Notices => None,
    };
    [(Table::Users, user_key(app, user))].into_iter().chain(other_side).collect()
}

/// Of a mirror the owner may be a guest, and no list has it.
fn by_group(tables: &impl Tables, row: &Group, app: AppNumber, group: GroupId) -> Result<Named, ReadError> {
    let mut named = vec![(Table::Users, user_key(app, row.owner))];
    if !row.is_dissolved && across::home_of_group(tables, app, group)?.is_none() {
        named.push((Table::Members, member_key(app, group, row.owner)));
        named.push((Table::GroupChunks, group_chunk_key(app, GroupClass::Any, group)));
    }
    Ok(named)
}

fn by_member(tables: &impl Tables, app: AppNumber, group: GroupId, user: UserNumber) -> Result<Named, ReadError> {
    let mut named = vec![(Table::Groups, group_key(app, group)), (Table::Users, user_key(app, user))];
    if let Some(row) = find::group_nameplate(tables, app, group)? {
        named.push((Table::Conversations, group_conversation(app, user, row.chain)));
    }
    Ok(named)
}

fn group_conversation(app: AppNumber, user: UserNumber, chain: ChainNumber) -> Key {
    conversation_key(app, user, ConversationKind::Group, chain)
}

fn by_room(row: &Room, app: AppNumber, room: RoomId) -> Named {
    let owner = (Table::Users, user_key(app, row.owner));
    let listed = (!row.is_deleted).then(|| (Table::RoomChunks, room_chunk_key(app, room)));
    std::iter::once(owner).chain(listed).collect()
}

/// Of a deleted room's members some may have gone from their own list first, with the user.
fn by_room_member(tables: &impl Tables, row: RoomMemberRow, app: AppNumber, room: RoomId) -> Result<Named, ReadError> {
    let is_live = find::room(tables, app, room)?.is_some();
    let listed = is_live.then(|| (Table::UserRooms, user_room_key(app, row.user, room)));
    Ok(std::iter::once((Table::Rooms, room_key(app, room))).chain(listed).collect())
}

fn by_cid(row: &Cid, app: AppNumber, cid: &[u8]) -> Named {
    let Ok(cid) = String::from_utf8(cid.to_vec()) else { return Vec::new() };
    vec![(Table::Expiries, expiry_key(row.expires_ms, &Expiry::Cid { app, cid }))]
}

fn schedule_at(key: &[u8], start: usize) -> ScheduleNumber {
    ScheduleNumber(u64_at(key, start).unwrap_or_default())
}

fn by_schedule(row: &ScheduleRow, app: AppNumber, schedule: ScheduleNumber) -> Named {
    let last = row.firings.checked_sub(1).map(|last| (Table::Firings, firing_key(app, schedule, last)));
    let place = match row.forgotten_ms {
        None => vec![
            (Table::OpenSchedules, schedule_key(app, schedule)),
            (Table::DueSchedules, due_key(row.due_ms, app, schedule)),
        ],
        Some(at_ms) => vec![(Table::Expiries, expiry_key(at_ms, &Expiry::Schedule { app, schedule }))],
    };
    place.into_iter().chain(last).collect()
}

fn by_schedule_cid(row: &ScheduleCid, app: AppNumber, cid: &[u8]) -> Named {
    let Ok(cid) = String::from_utf8(cid.to_vec()) else { return Vec::new() };
    vec![(Table::Expiries, expiry_key(row.expires_ms, &Expiry::ScheduleCid { app, cid }))]
}

/// For files of apps: developers' are under an app that there is not.
fn by_file(row: &FileRow, owner: FileOwner, key: &[u8]) -> Named {
    let file = FileNumber(u64_at(key, 4).unwrap_or_default());
    let parts = (0..row.parts).map(|part| (Table::FileParts, file_part_key(&owner, row.body, part)));
    let mut named: Named = parts.collect();
    named.push((Table::Expiries, expiry_key(row.expires_ms, &Expiry::File { owner, file })));
    named
}

/// The group's key, which may have been deleted since, is the first part of the row's.
fn by_group_cid(row: &GroupCid, key: &[u8]) -> Named {
    let texts = key.split_first_chunk().and_then(|(length, texts)| {
        let (group, cid) = texts.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some((String::from_utf8(group.to_vec()).ok()?, String::from_utf8(cid.to_vec()).ok()?))
    });
    let Some((group, cid)) = texts else { return Vec::new() };
    vec![(Table::Expiries, expiry_key(row.expires_ms, &Expiry::GroupCid { group, cid }))]
}

fn by_expiry(expiry: Expiry) -> Named {
    vec![match expiry {
        Expiry::Cid { app, cid } => (Table::Cids, cid_key(app, &cid)),
        Expiry::Token { app, hash } => (Table::Tokens, token_key(app, &hash)),
        Expiry::Push { app, push } => (Table::PushStates, push_key(app, push)),
        Expiry::Schedule { app, schedule } => (Table::Schedules, schedule_key(app, schedule)),
        Expiry::ScheduleCid { app, cid } => (Table::ScheduleCids, cid_key(app, &cid)),
        Expiry::File { owner, file } => (Table::Files, file_key(&owner, file)),
        Expiry::GroupPush { push } => (Table::GroupPushes, group_push_key(push)),
        Expiry::GroupCid { group, cid } => (Table::GroupCids, group_cid_key(&group, &cid)),
    }]
}
