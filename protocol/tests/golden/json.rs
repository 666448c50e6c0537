//! Frames as JSON: fields by name, in the order of the wire; bytes as hexadecimal digits.

use std::io::{self, Write};

use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{
    CatchUp, Conversation, ConversationPage, Deliver, History, HistoryPage, Record, Send,
};
use anser_protocol::frame::chat::{Sent, Window};
use anser_protocol::frame::room::{RoomDeliver, RoomSend};
use anser_protocol::frame::session::Hello;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::names;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

pub fn client(frame: &ClientFrame) -> String {
    match frame {
        ClientFrame::Hello(body) => text(&HelloFields::of(body)),
        ClientFrame::Login(body) => text(body),
        ClientFrame::Logout(body) => text(body),
        ClientFrame::RegisterUser(body) => text(body),
        ClientFrame::Ping | ClientFrame::Unknown(_) => "{}".into(),
        ClientFrame::Send(body) => text(&SendFields::of(body)),
        ClientFrame::Ack(body) => text(body),
        ClientFrame::History(body) => text(&HistoryFields::of(body)),
        ClientFrame::Conversations(body) => text(body),
        ClientFrame::GroupCreate(body) => text(body),
        ClientFrame::GroupAdd(body) | ClientFrame::GroupRemove(body) => text(body),
        ClientFrame::GroupLeave(body) | ClientFrame::GroupMembers(body) => text(body),
        ClientFrame::GroupMake(body) => text(body),
        ClientFrame::GroupEdit(body) => text(body),
        ClientFrame::GroupOrder(body) => text(body),
        ClientFrame::GroupJoinAnswer(body) => text(body),
        ClientFrame::GroupAsk(body) => text(body),
        ClientFrame::GroupsPublic(body) => text(body),
        ClientFrame::GroupList(body) => text(body),
        ClientFrame::UserInfo(body) => text(body),
        ClientFrame::Tags(body) => text(body),
        ClientFrame::Alias(body) => text(body),
        ClientFrame::PushAck(body) => text(body),
        ClientFrame::PushClicked(body) => text(body),
        ClientFrame::PushReport(body) => text(body),
        ClientFrame::PushToken(body) => text(body),
        ClientFrame::Badge(body) => text(body),
        ClientFrame::ProfileChange(body) => text(body),
        ClientFrame::PasswordChange(body) => text(body),
        ClientFrame::Blacklist(body) => text(body),
        ClientFrame::Mutes(body) => text(body),
        ClientFrame::Shields(body) => text(body),
        ClientFrame::FriendAsk(body) => text(body),
        ClientFrame::FriendAnswer(body) => text(body),
        ClientFrame::FriendRemove(body) => text(body),
        ClientFrame::FriendNote(body) => text(body),
        ClientFrame::PeopleList(body) => text(body),
        ClientFrame::UsersInfo(body) => text(body),
        ClientFrame::Mobile(body) => text(body),
        ClientFrame::PushStop(body) => text(body),
        ClientFrame::PushResume(body) => text(body),
        ClientFrame::Activity(body) => text(body),
        ClientFrame::MediaUpload(body) => text(body),
        ClientFrame::MediaAddress(body) => text(body),
        ClientFrame::RoomSend(body) => text(&RoomSendFields::of(body)),
        ClientFrame::RoomEnter(body) => text(body),
        ClientFrame::RoomLeave(body) => text(body),
        ClientFrame::RoomList(body) => text(body),
        ClientFrame::MyRooms(body) => text(body),
        ClientFrame::RoomInfo(body) => text(body),
        ClientFrame::RoomMembers(body) => text(body),
        ClientFrame::RoomChange(body) => text(body),
        ClientFrame::RoomSilence(body) => text(body),
        ClientFrame::SendCommand(body) => text(body),
        ClientFrame::Retract(body) => text(body),
        ClientFrame::ReadMarks(body) => text(body),
        ClientFrame::ReadMessages(body) => text(body),
        ClientFrame::ReadersAsk(body) => text(body),
        ClientFrame::UnreadAsk(body) => text(body),
        ClientFrame::OwnDevicesAsk(body) => text(body),
    }
}

pub fn server(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Welcome(body) => text(body),
        ServerFrame::LoggedIn(body) => text(body),
        ServerFrame::Done(body) => text(body),
        ServerFrame::Failed(body) => text(body),
        ServerFrame::Pong | ServerFrame::Unknown(_) => "{}".into(),
        ServerFrame::Sent(body) => text(&SentFields::of(body)),
        ServerFrame::SendRefused(body) => text(body),
        ServerFrame::Deliver(body) => text(&DeliverFields::of(body)),
        ServerFrame::Covered(body) => text(&CoveredFields { after: body.after.0, to: body.to.0 }),
        ServerFrame::CatchUp(body) => text(&CatchUpFields::of(body)),
        ServerFrame::HistoryPage(body) => text(&HistoryPageFields::of(body)),
        ServerFrame::ConversationPage(body) => text(&ConversationPageFields::of(body)),
        ServerFrame::GroupCreated(body) => text(body),
        ServerFrame::GroupProfile(body) => text(body),
        ServerFrame::GroupPage(body) => text(body),
        ServerFrame::GroupStandings(body) => text(body),
        ServerFrame::GroupSilences(body) => text(body),
        ServerFrame::GroupBans(body) => text(body),
        ServerFrame::GroupAnnouncements(body) => text(body),
        ServerFrame::GroupJoins(body) => text(body),
        ServerFrame::GroupAnnounced(body) => text(body),
        ServerFrame::Groups(body) => text(body),
        ServerFrame::GroupMembers(body) => text(body),
        ServerFrame::UserProfile(body) => text(body),
        ServerFrame::TagList(body) => text(body),
        ServerFrame::AliasValue(body) => text(body),
        ServerFrame::PushDeliver(body) => text(body),
        ServerFrame::PushCovered(body) => text(body),
        ServerFrame::PushWithdrawn(body) => text(body),
        ServerFrame::People(body) => text(body),
        ServerFrame::MarksMoved(body) => text(body),
        ServerFrame::Receipts(body) => text(body),
        ServerFrame::Readers(body) => text(body),
        ServerFrame::UnreadCounts(body) => text(body),
        ServerFrame::OwnDevices(body) => text(body),
        ServerFrame::ProfileChanged(body) => text(body),
        ServerFrame::MediaTicket(body) => text(body),
        ServerFrame::MediaLocation(body) => text(body),
        ServerFrame::RoomDeliver(body) => text(&RoomDeliverFields::of(body)),
        ServerFrame::RoomRecords(body) => text(&RoomRecordsFields {
            room: body.room.0,
            records: RecordFields::all(&body.records),
            extensions: &body.extensions,
        }),
        ServerFrame::Rooms(body) => text(body),
        ServerFrame::RoomUsers(body) => text(body),
        ServerFrame::RoomEvent(body) => text(body),
        ServerFrame::RoomChanged(body) => text(body),
        ServerFrame::CommandCame(body) => text(body),
        ServerFrame::GoAway(body) => text(body),
        ServerFrame::Unsupported(body) => text(body),
    }
}

/// A text as a JSON string.
pub fn quoted(text_: &str) -> String {
    text(text_)
}

fn text(value: &(impl Serialize + ?Sized)) -> String {
    let mut out = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut out, BytesAsHex))
        .expect("frames have no maps and memory does not fail");
    String::from_utf8(out).expect("JSON is UTF-8")
}

struct BytesAsHex;

impl Formatter for BytesAsHex {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()> {
        write!(writer, "\"{}\"", data_encoding::HEXLOWER.encode(value))
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Chat<'a> {
    User(&'a str),
    Group(u32),
    Notices,
}

impl<'a> Chat<'a> {
    fn of(chat: &'a names::Chat) -> Self {
        match chat {
            names::Chat::User(name) => Self::User(name),
            names::Chat::Group(group) => Self::Group(group.0),
            names::Chat::Notices => Self::Notices,
        }
    }
}

#[derive(Serialize)]
struct HelloFields<'a> {
    version_min: u8,
    version_max: u8,
    capabilities: u64,
    app_key: &'a str,
    registration_id: &'a str,
    secret: Bytes<'a>,
    nonce: Bytes<'a>,
    platform: u8,
    push_cursor: Option<u64>,
    extensions: &'a Extensions,
}

impl<'a> HelloFields<'a> {
    fn of(body: &'a Hello) -> Self {
        Self {
            version_min: body.version_min,
            version_max: body.version_max,
            capabilities: body.capabilities,
            app_key: &body.app_key,
            registration_id: &body.registration_id,
            secret: Bytes(&body.secret),
            nonce: Bytes(&body.nonce),
            platform: body.platform.0,
            push_cursor: body.push_cursor.map(|cursor| cursor.0),
            extensions: &body.extensions,
        }
    }
}

#[derive(Serialize)]
struct SendFields<'a> {
    outbox: u64,
    chat: Chat<'a>,
    kind: u8,
    body: Bytes<'a>,
    extensions: &'a Extensions,
}

impl<'a> SendFields<'a> {
    fn of(send: &'a Send) -> Self {
        Self {
            outbox: send.outbox,
            chat: Chat::of(&send.chat),
            kind: send.content.kind.0,
            body: Bytes(&send.content.body),
            extensions: &send.content.extensions,
        }
    }
}

#[derive(Serialize)]
struct SentFields {
    outbox: u64,
    position: u64,
    at_ms: u64,
}

impl SentFields {
    fn of(sent: &Sent) -> Self {
        Self { outbox: sent.outbox, position: sent.position.0, at_ms: sent.at_ms }
    }
}

#[derive(Serialize)]
struct DeliverFields<'a> {
    position: u64,
    after: u64,
    chat: Chat<'a>,
    from: &'a str,
    at_ms: u64,
    kind: u8,
    body: Bytes<'a>,
    extensions: &'a Extensions,
}

impl<'a> DeliverFields<'a> {
    fn of(deliver: &'a Deliver) -> Self {
        let record = &deliver.record;
        Self {
            position: record.position.0,
            after: deliver.after.0,
            chat: Chat::of(&deliver.chat),
            from: &record.from,
            at_ms: record.at_ms,
            kind: record.content.kind.0,
            body: Bytes(&record.content.body),
            extensions: &record.content.extensions,
        }
    }
}

#[derive(Serialize)]
struct RoomSendFields<'a> {
    outbox: u64,
    room: u32,
    kind: u8,
    body: Bytes<'a>,
    extensions: &'a Extensions,
}

impl<'a> RoomSendFields<'a> {
    fn of(send: &'a RoomSend) -> Self {
        Self {
            outbox: send.outbox,
            room: send.room.0,
            kind: send.content.kind.0,
            body: Bytes(&send.content.body),
            extensions: &send.content.extensions,
        }
    }
}

#[derive(Serialize)]
struct RoomDeliverFields<'a> {
    room: u32,
    position: u64,
    from: &'a str,
    at_ms: u64,
    kind: u8,
    body: Bytes<'a>,
    extensions: &'a Extensions,
}

impl<'a> RoomDeliverFields<'a> {
    fn of(deliver: &'a RoomDeliver) -> Self {
        let record = &deliver.record;
        Self {
            room: deliver.room.0,
            position: record.position.0,
            from: &record.from,
            at_ms: record.at_ms,
            kind: record.content.kind.0,
            body: Bytes(&record.content.body),
            extensions: &record.content.extensions,
        }
    }
}

#[derive(Serialize)]
struct RoomRecordsFields<'a> {
    room: u32,
    records: Vec<RecordFields<'a>>,
    extensions: &'a Extensions,
}

#[derive(Serialize)]
struct CoveredFields {
    after: u64,
    to: u64,
}

#[derive(Serialize)]
struct RecordFields<'a> {
    position: u64,
    at_ms: u64,
    from: &'a str,
    outbox: u64,
    kind: u8,
    body: Bytes<'a>,
    extensions: &'a Extensions,
}

impl<'a> RecordFields<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            position: record.position.0,
            at_ms: record.at_ms,
            from: &record.from,
            outbox: record.outbox,
            kind: record.content.kind.0,
            body: Bytes(&record.content.body),
            extensions: &record.content.extensions,
        }
    }

    fn all(records: &'a [Record]) -> Vec<Self> {
        records.iter().map(Self::of).collect()
    }
}

#[derive(Serialize)]
struct ConversationFields<'a> {
    chat: Chat<'a>,
    name: &'a str,
    windows: &'a [Window],
    last: u64,
    last_seq: u64,
    read_mark: u64,
    hole: bool,
    newest: Vec<RecordFields<'a>>,
    extensions: &'a Extensions,
}

impl<'a> ConversationFields<'a> {
    fn of(row: &'a Conversation) -> Self {
        Self {
            chat: Chat::of(&row.chat),
            name: &row.name,
            windows: &row.windows,
            last: row.last.0,
            last_seq: row.last_seq,
            read_mark: row.read_mark.0,
            hole: row.hole,
            newest: RecordFields::all(&row.newest),
            extensions: &row.extensions,
        }
    }

    fn all(rows: &'a [Conversation]) -> Vec<Self> {
        rows.iter().map(Self::of).collect()
    }
}

#[derive(Serialize)]
struct CatchUpFields<'a> {
    after: u64,
    to: u64,
    is_last: bool,
    conversations: Vec<ConversationFields<'a>>,
    extensions: &'a Extensions,
}

impl<'a> CatchUpFields<'a> {
    fn of(page: &'a CatchUp) -> Self {
        Self {
            after: page.after.0,
            to: page.to.0,
            is_last: page.is_last,
            conversations: ConversationFields::all(&page.conversations),
            extensions: &page.extensions,
        }
    }
}

#[derive(Serialize)]
struct HistoryFields<'a> {
    request: u32,
    chat: Chat<'a>,
    before: u64,
    after: u64,
    limit: u32,
    extensions: Extensions,
}

impl<'a> HistoryFields<'a> {
    fn of(body: &'a History) -> Self {
        Self {
            request: body.request,
            chat: Chat::of(&body.chat),
            before: body.before.0,
            after: body.after.0,
            limit: body.limit,
            extensions: Extensions::default(),
        }
    }
}

#[derive(Serialize)]
struct HistoryPageFields<'a> {
    request: u32,
    chat: Chat<'a>,
    records: Vec<RecordFields<'a>>,
    is_complete: bool,
    extensions: &'a Extensions,
}

impl<'a> HistoryPageFields<'a> {
    fn of(page: &'a HistoryPage) -> Self {
        Self {
            request: page.request,
            chat: Chat::of(&page.chat),
            records: RecordFields::all(&page.records),
            is_complete: page.is_complete,
            extensions: &page.extensions,
        }
    }
}

#[derive(Serialize)]
struct ConversationPageFields<'a> {
    request: u32,
    conversations: Vec<ConversationFields<'a>>,
    is_complete: bool,
    extensions: &'a Extensions,
}

impl<'a> ConversationPageFields<'a> {
    fn of(page: &'a ConversationPage) -> Self {
        Self {
            request: page.request,
            conversations: ConversationFields::all(&page.conversations),
            is_complete: page.is_complete,
            extensions: &page.extensions,
        }
    }
}
