//! What sessions ask of the store, as values, and how each is answered from one snapshot.
//!
//! Runs on the reader threads, never on an async worker: a question may wait for the disk.

mod room;

use std::sync::Arc;

use anser_protocol::content::{Amendment, Content, ContentKind, GroupEvent, Notice, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Conversation, Record, Window};
use anser_protocol::frame::group::GroupSummary;
use anser_protocol::frame::people::{ListKind, People};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, TimeMs};
use anser_protocol::limits::{FRAME_BYTES_MAX, RECEIPTS_PER_FRAME_MAX};
use anser_protocol::names;
use anser_protocol::traits::Traits;
pub use anser_storage::PlannedChat;
use anser_storage::command::Profile;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::media::MediaName;
use anser_storage::outcome::{GroupChange, MessageBody, Push};
use anser_storage::{
    Chat, ConversationRow, JoinedGroup, LinkedPerson, Media, MediaContent, OwnDevice, ReadError, ReadRecord, Readers,
    ReceiptPage, Snapshot, Unread, UserState, Viewer,
};

mod people;
mod read;

pub use self::room::{RoomAnswer, RoomList, RoomQuery};
use super::group_query::{self, GroupAnswer, GroupQuery};
use super::session::{GivenPassword, WantedPage, record_bytes, row_bytes};
use super::web_signature::{Judged, WebSignature};

mod command;

/// Bytes of records in one history page: the frame that carries it stays below the limit.
const PAGE_BYTES: usize = FRAME_BYTES_MAX * 3 / 4;
/// Receipts in a page, but that those of one command, as many at most, stay together: two such pages fill a frame.
const RECEIPTS_PER_PAGE: usize = RECEIPTS_PER_FRAME_MAX / 2;

#[derive(Clone, Debug)]
pub enum Query {
    Greet {
        app_key: String,
        registration_id: String,
    },
    LogIn {
        app: AppNumber,
        username: String,
        token_hash: Option<[u8; 32]>,
        /// A token of the app's server that must be good.
        signed: Option<GivenPassword>,
        /// Beside a password, where the page shows one: it must be good.
        web: Option<WebSignature>,
    },
    /// Was the user logged out on this device because another of its kind came?
    GaveWay {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
    },
    /// Of each kind of device one.
    OwnDevices {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        pushed_off: Option<DeviceNumber>,
    },
    PlanCatchUp {
        app: AppNumber,
        user: UserNumber,
        /// Of a login that has just begun to be told of what ends it: is it still good?
        token_hash: Option<[u8; 32]>,
        since: Position,
        /// And receipts that changed.
        with_receipts: bool,
    },
    /// More receipts that changed.
    Receipts {
        app: AppNumber,
        user: UserNumber,
        since: Position,
    },
    Readers {
        app: AppNumber,
        user: UserNumber,
        message: Position,
    },
    Unread {
        app: AppNumber,
        user: UserNumber,
        present_since: Position,
        chats: Vec<names::Chat>,
        /// Also over all chats.
        total: bool,
    },
    CatchUp {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        /// Since when this session is told what is for those who are connected only.
        present_since: Position,
        chats: Vec<PlannedChat>,
        since: Position,
        to: Position,
        newest: usize,
    },
    History {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        present_since: Position,
        pages: Vec<WantedPage>,
    },
    Conversations {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        before: Position,
        limit: usize,
    },
    Pushes {
        app: AppNumber,
        device: DeviceNumber,
        platform: Platform,
        since: Position,
        limit: usize,
    },
    Groups {
        app: AppNumber,
        user: UserNumber,
    },
    Members {
        app: AppNumber,
        user: UserNumber,
        group: GroupId,
    },
    Group {
        app: AppNumber,
        query: GroupQuery,
    },
    Profile {
        app: AppNumber,
        username: String,
    },
    PeopleList {
        app: AppNumber,
        user: UserNumber,
        list: ListKind,
    },
    Users {
        app: AppNumber,
        user: UserNumber,
        usernames: Vec<String>,
    },
    Tags {
        app: AppNumber,
        device: DeviceNumber,
    },
    Alias {
        app: AppNumber,
        device: DeviceNumber,
    },
    /// Of a medium, or of nothing but the app.
    Media {
        app: AppNumber,
        name: Option<MediaName>,
    },
    /// Of a medium that the app's users may have been sent.
    MediaInReach {
        app: AppNumber,
        name: MediaName,
    },
    Room {
        app: AppNumber,
        asked: RoomQuery,
    },
    /// Who is to get a transparent command of this user on this device.
    CommandReceivers {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        to: CommandFor,
    },
}

/// To whom a transparent command is addressed.
#[derive(Clone, Debug)]
pub enum CommandFor {
    User(String),
    Group(GroupId),
    /// Of this platform; [`Platform::OTHER`] means all.
    OwnDevices(Platform),
}

/// Whose links a transparent command goes to.
#[derive(Clone, Debug)]
pub enum CommandReceivers {
    /// Wherever they are logged in.
    Users(Vec<UserNumber>),
    /// The devices on which this user is logged in.
    Devices(UserNumber, Vec<DeviceNumber>),
    /// A user of another app, where the sender has another name.
    Elsewhere(LinkedPerson),
}

impl Query {
    /// The app of which it asks; a hello does not know it yet.
    fn app(&self) -> Option<AppNumber> {
        match self {
            Self::Greet { .. } => None,
            Self::LogIn { app, .. }
            | Self::GaveWay { app, .. }
            | Self::OwnDevices { app, .. }
            | Self::PlanCatchUp { app, .. }
            | Self::CatchUp { app, .. }
            | Self::Receipts { app, .. }
            | Self::Readers { app, .. }
            | Self::Unread { app, .. }
            | Self::History { app, .. }
            | Self::Conversations { app, .. }
            | Self::Pushes { app, .. }
            | Self::Groups { app, .. }
            | Self::Members { app, .. }
            | Self::Group { app, .. }
            | Self::Profile { app, .. }
            | Self::PeopleList { app, .. }
            | Self::Users { app, .. }
            | Self::Tags { app, .. }
            | Self::Media { app, .. }
            | Self::MediaInReach { app, .. }
            | Self::Alias { app, .. }
            | Self::Room { app, .. }
            | Self::CommandReceivers { app, .. } => Some(*app),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// The app was deleted: what is left of it is told to nobody.
    AppGone,
    /// Nothing: the app key is unknown.
    Greet(Option<Greeted>),
    LogIn(Option<LoginUser>),
    GaveWay(bool),
    OwnDevices(Vec<OwnDevice>),
    /// The user is disabled, or the login was ended: why.
    UserGone(ErrorCode),
    Plan {
        to: Position,
        chats: Vec<PlannedChat>,
        /// The first of them.
        receipts: ReceiptPage,
    },
    Receipts(ReceiptPage),
    Readers(Readers),
    Unread {
        counts: Vec<u32>,
        all: Unread,
    },
    /// Of the chats that were asked for the first `read`: as many as fill a page.
    CatchUp {
        rows: Vec<Conversation>,
        read: usize,
    },
    Conversations {
        rows: Vec<Conversation>,
        is_complete: bool,
    },
    /// Of the pages that were asked for the first: as many as fill a frame, and at least one.
    History(Vec<Page>),
    Pushes {
        to: Position,
        pushes: Vec<(Position, TimeMs, Arc<Push>)>,
    },
    Groups(Vec<GroupSummary>),
    /// Owner and members; nothing when the asking user is no member.
    Members(Option<(String, Vec<String>)>),
    Group(GroupAnswer),
    Profile(Option<(String, Profile)>),
    People(Box<People>),
    Tags(Vec<String>),
    Alias(String),
    Media(Box<FoundMedia>),
    Room(RoomAnswer),
    CommandReceivers(Result<CommandReceivers, ErrorCode>),
}

#[derive(Clone, Debug, Default)]
pub struct FoundMedia {
    pub app_key: String,
    pub media: Option<Media>,
    pub thumb: Option<MediaContent>,
}

#[derive(Clone, Debug)]
pub struct Page {
    pub records: Vec<Record>,
    pub is_complete: bool,
}

#[derive(Clone, Debug)]
pub struct Greeted {
    pub app: AppNumber,
    pub device: Option<KnownDevice>,
}

#[derive(Clone, Debug)]
pub struct KnownDevice {
    pub number: DeviceNumber,
    pub secret_hash: [u8; 32],
    pub platform: Platform,
    pub outbox_head: OutboxNumber,
    pub push_cursor: Option<Position>,
    pub traits: Traits,
    /// It was away for so long that no push is for it.
    pub is_dormant: bool,
    /// What is stored of it.
    pub has_stopped_pushes: bool,
}

#[derive(Clone, Debug)]
pub struct LoginUser {
    pub number: UserNumber,
    pub password: String,
    pub token: Option<KnownToken>,
}

#[derive(Clone, Debug)]
pub struct KnownToken {
    pub user: UserNumber,
    pub device: DeviceNumber,
    pub expires_ms: TimeMs,
}

/// Answers a question from one snapshot. `now` decides what has expired.
pub fn answer(snapshot: &Snapshot, query: Query, now: TimeMs) -> Result<Answer, ReadError> {
    if let Some(app) = query.app()
        && snapshot.app(app)?.is_none()
    {
        return Ok(Answer::AppGone);
    }
    match query {
        Query::Greet { app_key, registration_id } => greet(snapshot, &app_key, &registration_id),
        Query::LogIn { app, username, token_hash, signed, web } => {
            if let Some(code) = why_not_web(snapshot, app, web.as_ref(), now)? {
                return Ok(Answer::UserGone(code));
            }
            log_in(snapshot, app, &username, token_hash, signed.as_ref(), now)
        }
        Query::GaveWay { app, user, device } => snapshot.gave_way(app, user, device).map(Answer::GaveWay),
        Query::OwnDevices { app, user, device, pushed_off } => {
            Ok(Answer::OwnDevices(snapshot.own_devices(app, user, device, pushed_off, now)?))
        }
        Query::PlanCatchUp { app, user, token_hash, since, with_receipts } => {
            if let Some(hash) = token_hash
                && let Some(code) = why_gone(snapshot, app, user, &hash)?
            {
                return Ok(Answer::UserGone(code));
            }
            let chats = snapshot.catch_up_plan(app, user, since)?;
            let receipts = match with_receipts {
                true => snapshot.receipts_since(app, user, since, RECEIPTS_PER_PAGE)?,
                false => ReceiptPage::default(),
            };
            Ok(Answer::Plan { to: snapshot.end(), chats, receipts })
        }
        Query::Receipts { app, user, since } => {
            Ok(Answer::Receipts(snapshot.receipts_since(app, user, since, RECEIPTS_PER_PAGE)?))
        }
        Query::Readers { app, user, message } => Ok(Answer::Readers(snapshot.readers(app, user, message)?)),
        Query::Unread { app, user, present_since, chats, total } => {
            read::unread(snapshot, app, Viewer { user, present_since }, &chats, total)
        }
        Query::CatchUp { app, user, device, present_since, chats, since, to, newest } => {
            let viewer = Viewer { user, present_since };
            let (mut rows, mut bytes, mut read) = (Vec::new(), 0, 0);
            while read < chats.len() && bytes < PAGE_BYTES {
                let row = snapshot.catch_up_rows(app, viewer, &chats[read..=read], since, to, newest)?;
                let row = conversations(row, (user, device));
                bytes += row.iter().map(row_bytes).sum::<usize>();
                rows.extend(row);
                read += 1;
            }
            Ok(Answer::CatchUp { rows, read })
        }
        Query::History { app, user, device, present_since, pages } => {
            history(snapshot, app, (Viewer { user, present_since }, device), &pages)
        }
        Query::Conversations { app, user, device, before, limit } => {
            let rows = snapshot.conversations(app, user, before, limit, 1)?;
            let is_complete = rows.len() < limit;
            let rows = conversations(rows, (user, device));
            Ok(Answer::Conversations { rows, is_complete })
        }
        Query::Pushes { app, device, platform, since, limit } => {
            let pending = snapshot.pending_pushes(app, device, platform, since, now, limit)?;
            let pushes = pending.into_iter().map(|push| (push.position, push.at_ms, push.push)).collect();
            Ok(Answer::Pushes { to: snapshot.end(), pushes })
        }
        Query::Groups { app, user } => groups(snapshot, app, user),
        Query::Members { app, user, group } => members(snapshot, app, user, group),
        Query::Group { app, query } => Ok(Answer::Group(group_query::answer(snapshot, app, &query, now)?)),
        Query::Profile { app, username } => {
            let user = snapshot.user_by_name(app, &username)?;
            Ok(Answer::Profile(user.map(|(_, user)| (user.username, user.profile))))
        }
        Query::PeopleList { app, user, list } => people::list(snapshot, app, user, list),
        Query::Users { app, user, usernames } => people::users(snapshot, app, user, &usernames),
        Query::Media { app, name } => {
            let Some(row) = snapshot.app(app)? else { return Ok(Answer::AppGone) };
            let media = name.map_or(Ok(None), |name| snapshot.media(app, &name))?;
            let thumb = name.map_or(Ok(None), |name| snapshot.media_thumb(app, name.id))?;
            Ok(Answer::Media(Box::new(FoundMedia { app_key: row.app_key, media, thumb })))
        }
        Query::MediaInReach { app, name } => {
            let Some((home, media)) = snapshot.media_in_reach(app, &name)? else {
                return Ok(Answer::Media(Box::default()));
            };
            let app_key = snapshot.app(home)?.map(|row| row.app_key).unwrap_or_default();
            let thumb = snapshot.media_thumb(home, name.id)?;
            Ok(Answer::Media(Box::new(FoundMedia { app_key, media: Some(media), thumb })))
        }
        Query::Room { app, asked } => Ok(Answer::Room(room::answer(snapshot, app, asked, now)?)),
        Query::CommandReceivers { app, user, device, to } => {
            Ok(Answer::CommandReceivers(command::receivers(snapshot, app, (user, device), to)?))
        }
        Query::Tags { app, device } => Ok(Answer::Tags(snapshot.tags_of_device(app, device)?)),
        Query::Alias { app, device } => {
            Ok(Answer::Alias(snapshot.device(app, device)?.and_then(|device| device.alias).unwrap_or_default()))
        }
    }
}

fn why_gone(
    snapshot: &Snapshot,
    app: AppNumber,
    user: UserNumber,
    token_hash: &[u8; 32],
) -> Result<Option<ErrorCode>, ReadError> {
    Ok(match snapshot.user_state(app, user)? {
        Some(UserState::Deleted) => Some(ErrorCode::USER_UNKNOWN),
        Some(UserState::Disabled) => Some(ErrorCode::USER_DISABLED),
        None if snapshot.token(app, token_hash)?.is_none() => Some(ErrorCode::TOKEN_INVALID),
        None => None,
    })
}

fn greet(snapshot: &Snapshot, app_key: &str, registration_id: &str) -> Result<Answer, ReadError> {
    let Some((app, _)) = snapshot.app_by_key(app_key)? else { return Ok(Answer::Greet(None)) };
    let Some((number, device)) = snapshot.device_by_registration_id(app, registration_id)? else {
        return Ok(Answer::Greet(Some(Greeted { app, device: None })));
    };
    let device = KnownDevice {
        number,
        secret_hash: device.secret_hash,
        platform: device.platform,
        outbox_head: device.outbox_head,
        push_cursor: snapshot.push_cursor(app, number)?,
        traits: snapshot.traits_of_device(app, number)?,
        is_dormant: snapshot.is_dormant(app, number)?,
        has_stopped_pushes: snapshot.has_stopped_pushes(app, number)?,
    };
    Ok(Answer::Greet(Some(Greeted { app, device: Some(device) })))
}

/// Why what the app's server signed for a page does not let it log in.
fn why_not_web(
    snapshot: &Snapshot,
    app: AppNumber,
    web: Option<&WebSignature>,
    now: TimeMs,
) -> Result<Option<ErrorCode>, ReadError> {
    let Some(web) = web else { return Ok(None) };
    let Some(row) = snapshot.app(app)? else { return Ok(Some(ErrorCode::WEB_SIGNATURE)) };
    Ok(match web.judge(&row.app_key, &row.master_secret, now) {
        Judged::Good => None,
        Judged::Wrong => Some(ErrorCode::WEB_SIGNATURE),
        Judged::Over => Some(ErrorCode::WEB_SIGNATURE_OVER),
    })
}

fn log_in(
    snapshot: &Snapshot,
    app: AppNumber,
    username: &str,
    token_hash: Option<[u8; 32]>,
    signed: Option<&GivenPassword>,
    now: TimeMs,
) -> Result<Answer, ReadError> {
    if let Some(GivenPassword(token)) = signed {
        let is_good = snapshot
            .app(app)?
            .is_some_and(|row| super::signed::is_good(token, &row.app_key, &row.master_secret, username, now));
        if !is_good {
            return Ok(Answer::UserGone(ErrorCode::SIGNED_TOKEN));
        }
    }
    let Some((number, user)) = snapshot.user_by_name(app, username)? else { return Ok(Answer::LogIn(None)) };
    if snapshot.user_state(app, number)? == Some(UserState::Disabled) {
        return Ok(Answer::UserGone(ErrorCode::USER_DISABLED));
    }
    let token = match token_hash {
        Some(hash) => snapshot.token(app, &hash)?,
        None => None,
    };
    let token = token.map(|token| KnownToken { user: token.user, device: token.device, expires_ms: token.expires_ms });
    Ok(Answer::LogIn(Some(LoginUser { number, password: user.password, token })))
}

/// A page that cannot be read ends the answer; asked for as the first, it is the error.
fn history(
    snapshot: &Snapshot,
    app: AppNumber,
    reader: (Viewer, DeviceNumber),
    wanted: &[WantedPage],
) -> Result<Answer, ReadError> {
    let (mut pages, mut bytes) = (Vec::with_capacity(wanted.len()), 0);
    for wanted in wanted {
        // The first holds its newest record however long it is: any record fits into a frame.
        let room = if pages.is_empty() { Room::OfItsOwn } else { Room::Left(PAGE_BYTES.saturating_sub(bytes)) };
        let page = match history_page(snapshot, app, reader, wanted, room) {
            Ok(page) => page,
            Err(error) if pages.is_empty() => return Err(error),
            Err(_) => break,
        };
        // The rest of the room was too small for its newest record.
        if page.records.is_empty() && !page.is_complete {
            break;
        }
        bytes += page.records.iter().map(record_bytes).sum::<usize>();
        pages.push(page);
    }
    Ok(Answer::History(pages))
}

/// What a page of history may take.
#[derive(Clone, Copy)]
enum Room {
    /// A frame: its newest record at least.
    OfItsOwn,
    /// So many bytes, which may be too few for any record.
    Left(usize),
}

impl Room {
    fn holds(self, records: usize, bytes: usize) -> bool {
        match self {
            Self::OfItsOwn => records == 1 || bytes <= PAGE_BYTES,
            Self::Left(room) => bytes <= room,
        }
    }
}

/// A page without records that is not complete had no room for the newest.
fn history_page(
    snapshot: &Snapshot,
    app: AppNumber,
    (viewer, device): (Viewer, DeviceNumber),
    wanted: &WantedPage,
    room: Room,
) -> Result<Page, ReadError> {
    let chat = match &wanted.chat {
        names::Chat::Group(group) => Chat::Group(*group),
        names::Chat::Notices => Chat::Notices,
        names::Chat::User(name) => match snapshot.number_of(app, name)? {
            Some(peer) => Chat::User(peer),
            None => return Ok(Page { records: Vec::new(), is_complete: true }),
        },
    };
    let mut page = snapshot.history(app, viewer, &chat, wanted.before, wanted.after, wanted.limit)?;
    // A page may end empty because of the work that it took; the client could not ask on from that.
    while page.records.is_empty() && !page.complete {
        page = snapshot.history(app, viewer, &chat, page.reached, wanted.after, wanted.limit)?;
    }
    let read = page.records.len();
    let (mut taken, mut bytes) = (0, 0);
    let records: Vec<Record> = page
        .records
        .into_iter()
        .map(|read| record(read, (viewer.user, device)))
        .take_while(|record| {
            taken += 1;
            bytes += record_bytes(record);
            room.holds(taken, bytes)
        })
        .collect();
    let is_complete = page.complete && records.len() == read;
    Ok(Page { records, is_complete })
}

fn conversations(rows: Vec<ConversationRow>, reader: (UserNumber, DeviceNumber)) -> Vec<Conversation> {
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let (chat, name) = match row.chat {
            Chat::Group(group) => (names::Chat::Group(group), row.name),
            Chat::User(_) => (names::Chat::User(row.name.as_str().into()), String::new()),
            Chat::Notices => (names::Chat::Notices, String::new()),
        };
        read.push(Conversation {
            chat,
            name,
            windows: row
                .windows
                .iter()
                .map(|window| Window { first_seq: window.first_seq, last_seq: window.last_seq })
                .collect(),
            last: row.last,
            last_seq: row.last_seq,
            read_mark: row.read_mark,
            newest: row.newest.into_iter().map(|read| record(read, reader)).collect(),
            hole: row.hole,
            extensions: Extensions::default(),
        });
    }
    read
}

pub(super) fn record(read: ReadRecord, reader: (UserNumber, DeviceNumber)) -> Record {
    // What another user of the same device sent is not the reader's own.
    let outbox = match (&read.from, read.message.sent_by) {
        (Some((user, _)), Some((device, outbox))) if (*user, device) == reader => outbox,
        _ => 0,
    };
    let content = match &read.message.body {
        MessageBody::Content(content) => content.clone(),
        MessageBody::Event(event) => event_content(event),
        MessageBody::Change(change) => change_content(change),
        MessageBody::Amendment(amendment) => amendment_content(amendment),
        MessageBody::Notice(notice) => notice_content(notice),
    };
    let from = read.from.map_or_else(|| "".into(), |(_, name)| name);
    Record { position: read.position, at_ms: read.at_ms, from, outbox, content }
}

/// What became of a message, as a content of its own.
pub fn amendment_content(amendment: &Amendment) -> Content {
    Content { kind: ContentKind::AMENDED, body: amendment.to_bytes(), extensions: Extensions::default() }
}

/// What a user is told, as a content of its own.
pub fn notice_content(notice: &Notice) -> Content {
    Content { kind: ContentKind::NOTICE, body: notice.to_bytes(), extensions: Extensions::default() }
}

/// A group's event as the content of a message.
pub fn event_content(event: &GroupEvent) -> Content {
    let body = event.to_bytes();
    Content { kind: ContentKind::EVENT, body, extensions: Extensions::default() }
}

/// The same with what else there is to say, which old clients skip.
pub fn change_content(change: &GroupChange) -> Content {
    Content { extensions: change.details.to_extensions(), ..event_content(&change.event) }
}

fn groups(snapshot: &Snapshot, app: AppNumber, user: UserNumber) -> Result<Answer, ReadError> {
    let mut summaries = Vec::new();
    for JoinedGroup { id, group: row, owner, .. } in snapshot.joined_groups_of(app, user)? {
        summaries.push(GroupSummary { group: id, name: row.name, description: row.description, owner });
    }
    Ok(Answer::Groups(summaries))
}

fn members(snapshot: &Snapshot, app: AppNumber, user: UserNumber, group: GroupId) -> Result<Answer, ReadError> {
    if !snapshot.is_member(app, group, user)? {
        return Ok(Answer::Members(None));
    }
    let members = snapshot.joined_group_members(app, group)?;
    let owner =
        members.iter().find(|member| member.is_owner).map(|owner| owner.username.to_string()).unwrap_or_default();
    Ok(Answer::Members(Some((owner, members.into_iter().map(|member| member.username.to_string()).collect()))))
}
