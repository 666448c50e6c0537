//! Any frame at all, made out of bytes: property tests and fuzzers give the bytes, and shrink them.

mod body;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::frame::chat::{
    CatchUp, Conversation, ConversationPage, Covered, Deliver, History, HistoryPage, Record, Send, Sent,
};
use anser_protocol::frame::room::{RoomDeliver, RoomRecords, RoomSend};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::USERNAME_BYTES_MAX;
use anser_protocol::names::{Chat, Name};

use self::body::any;

/// The bytes that decide everything. When they are used up, zeros follow.
pub struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// At most `length` bytes.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// Mostly a small number or one at the edge of a width, sometimes any.
    fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..128 => u64::from(small),
            shift @ 128..192 => 1 << (shift - 128),
            shift @ 192..=254 => (1 << (shift - 191)) - 1,
            255 => self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.below(24));
        String::from_utf8_lossy(self.take(length)).into_owned()
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| item(self)).collect()
    }
}

pub fn client_frame(source: &mut Source<'_>) -> ClientFrame {
    let types = ClientFrame::TYPES;
    match types.get(usize::from(source.below(types.len() as u8 + 1))) {
        Some((number, _)) => client_frame_of(*number, source),
        None => ClientFrame::Unknown(unknown(64 + source.number() / 2, types)),
    }
}

pub fn server_frame(source: &mut Source<'_>) -> ServerFrame {
    let types = ServerFrame::TYPES;
    match types.get(usize::from(source.below(types.len() as u8 + 1))) {
        Some((number, _)) => server_frame_of(*number, source),
        None => ServerFrame::Unknown(unknown(128 + source.number() / 2, types)),
    }
}

/// A number near this one that is no type's.
fn unknown(number: u64, types: &[(u64, &str)]) -> u64 {
    if types.iter().any(|(known, _)| *known == number) { number + 10_000 } else { number }
}

pub fn client_frame_of(number: u64, source: &mut Source<'_>) -> ClientFrame {
    match number {
        1 => ClientFrame::Hello(any(source)),
        2 => ClientFrame::Login(any(source)),
        3 => ClientFrame::Logout(any(source)),
        4 => ClientFrame::RegisterUser(any(source)),
        5 => ClientFrame::Ping,
        6 => ClientFrame::Send(Send { outbox: source.number(), chat: chat(source), content: content(source) }),
        7 => ClientFrame::Ack(any(source)),
        8 => ClientFrame::History(History {
            request: any(source),
            chat: chat(source),
            before: position(source),
            after: position(source),
            limit: any(source),
        }),
        9 => ClientFrame::Conversations(any(source)),
        10 => ClientFrame::GroupCreate(any(source)),
        11 => ClientFrame::GroupAdd(any(source)),
        12 => ClientFrame::GroupRemove(any(source)),
        13 => ClientFrame::GroupLeave(any(source)),
        14 => ClientFrame::GroupList(any(source)),
        15 => ClientFrame::GroupMembers(any(source)),
        16 => ClientFrame::UserInfo(any(source)),
        17 => ClientFrame::Tags(any(source)),
        18 => ClientFrame::Alias(any(source)),
        19 => ClientFrame::PushAck(any(source)),
        20 => ClientFrame::PushClicked(any(source)),
        21 => ClientFrame::RoomSend(RoomSend { outbox: source.number(), room: any(source), content: content(source) }),
        160 => ClientFrame::RoomEnter(any(source)),
        161 => ClientFrame::RoomLeave(any(source)),
        162 => ClientFrame::RoomList(any(source)),
        163 => ClientFrame::MyRooms(any(source)),
        164 => ClientFrame::RoomInfo(any(source)),
        165 => ClientFrame::RoomMembers(any(source)),
        166 => ClientFrame::RoomChange(any(source)),
        167 => ClientFrame::RoomSilence(any(source)),
        28 => ClientFrame::PushReport(any(source)),
        40 => ClientFrame::PushToken(any(source)),
        41 => ClientFrame::Badge(any(source)),
        43 => ClientFrame::Mobile(any(source)),
        44 => ClientFrame::PushStop(any(source)),
        45 => ClientFrame::PushResume(any(source)),
        42 => ClientFrame::Activity(any(source)),
        220 => ClientFrame::ProfileChange(any(source)),
        221 => ClientFrame::PasswordChange(any(source)),
        222 => ClientFrame::Blacklist(any(source)),
        223 => ClientFrame::Mutes(any(source)),
        224 => ClientFrame::Shields(any(source)),
        225 => ClientFrame::FriendAsk(any(source)),
        226 => ClientFrame::FriendAnswer(any(source)),
        227 => ClientFrame::FriendRemove(any(source)),
        228 => ClientFrame::FriendNote(any(source)),
        229 => ClientFrame::PeopleList(any(source)),
        230 => ClientFrame::UsersInfo(any(source)),
        208 => ClientFrame::MediaUpload(any(source)),
        209 => ClientFrame::MediaAddress(any(source)),
        128 => ClientFrame::GroupMake(any(source)),
        129 => ClientFrame::GroupEdit(any(source)),
        130 => ClientFrame::GroupOrder(any(source)),
        131 => ClientFrame::GroupJoinAnswer(any(source)),
        132 => ClientFrame::GroupAsk(any(source)),
        133 => ClientFrame::GroupsPublic(any(source)),
        29 => ClientFrame::SendCommand(any(source)),
        192 => ClientFrame::Retract(any(source)),
        136 => ClientFrame::ReadMarks(any(source)),
        137 => ClientFrame::ReadMessages(any(source)),
        138 => ClientFrame::ReadersAsk(any(source)),
        139 => ClientFrame::UnreadAsk(any(source)),
        240 => ClientFrame::OwnDevicesAsk(any(source)),
        unknown => ClientFrame::Unknown(unknown),
    }
}

pub fn server_frame_of(number: u64, source: &mut Source<'_>) -> ServerFrame {
    match number {
        64 => ServerFrame::Welcome(any(source)),
        65 => ServerFrame::LoggedIn(any(source)),
        66 => ServerFrame::Done(any(source)),
        67 => ServerFrame::Failed(any(source)),
        68 => ServerFrame::Pong,
        69 => {
            let (outbox, position, at_ms) = (source.number(), position(source), source.number());
            ServerFrame::Sent(Sent { outbox, position, at_ms })
        }
        70 => ServerFrame::SendRefused(any(source)),
        71 => {
            let (after, chat) = (position(source), chat(source));
            // A live delivery never carries an outbox number.
            let record = Record { outbox: 0, ..record(source) };
            ServerFrame::Deliver(Deliver { after, chat, record })
        }
        72 => ServerFrame::Covered(Covered { after: position(source), to: position(source) }),
        73 => ServerFrame::CatchUp(CatchUp {
            after: position(source),
            to: position(source),
            is_last: any(source),
            conversations: source.list(conversation),
            extensions: any(source),
        }),
        74 => ServerFrame::HistoryPage(HistoryPage {
            request: any(source),
            chat: chat(source),
            records: source.list(record),
            is_complete: any(source),
            extensions: any(source),
        }),
        75 => ServerFrame::ConversationPage(ConversationPage {
            request: any(source),
            conversations: source.list(conversation),
            is_complete: any(source),
            extensions: any(source),
        }),
        76 => ServerFrame::GroupCreated(any(source)),
        77 => ServerFrame::Groups(any(source)),
        78 => ServerFrame::GroupMembers(any(source)),
        79 => ServerFrame::UserProfile(any(source)),
        80 => ServerFrame::TagList(any(source)),
        81 => ServerFrame::AliasValue(any(source)),
        82 => ServerFrame::PushDeliver(any(source)),
        83 => ServerFrame::PushCovered(any(source)),
        96 => ServerFrame::PushWithdrawn(any(source)),
        1120 => ServerFrame::People(any(source)),
        88 => ServerFrame::MarksMoved(any(source)),
        89 => ServerFrame::Receipts(any(source)),
        90 => ServerFrame::Readers(any(source)),
        91 => ServerFrame::UnreadCounts(any(source)),
        1136 => ServerFrame::OwnDevices(any(source)),
        1137 => ServerFrame::ProfileChanged(any(source)),
        1104 => ServerFrame::MediaTicket(any(source)),
        1105 => ServerFrame::MediaLocation(any(source)),
        86 => {
            let room = any(source);
            // A live delivery never carries an outbox number.
            let record = Record { outbox: 0, ..record(source) };
            ServerFrame::RoomDeliver(RoomDeliver { room, record })
        }
        87 => ServerFrame::RoomRecords(RoomRecords {
            room: any(source),
            records: source.list(record),
            extensions: any(source),
        }),
        1056 => ServerFrame::Rooms(any(source)),
        1057 => ServerFrame::RoomUsers(any(source)),
        1058 => ServerFrame::RoomEvent(any(source)),
        1059 => ServerFrame::RoomChanged(any(source)),
        97 => ServerFrame::CommandCame(any(source)),
        84 => ServerFrame::GoAway(any(source)),
        85 => ServerFrame::Unsupported(any(source)),
        1024 => ServerFrame::GroupProfile(any(source)),
        1025 => ServerFrame::GroupPage(any(source)),
        1026 => ServerFrame::GroupStandings(any(source)),
        1027 => ServerFrame::GroupSilences(any(source)),
        1028 => ServerFrame::GroupBans(any(source)),
        1029 => ServerFrame::GroupAnnouncements(any(source)),
        1030 => ServerFrame::GroupJoins(any(source)),
        1031 => ServerFrame::GroupAnnounced(any(source)),
        unknown => ServerFrame::Unknown(unknown),
    }
}

fn position(source: &mut Source<'_>) -> Position {
    Position(source.number())
}

/// More names than a link remembers, so that they come again both known and forgotten, and some that are odd.
fn name(source: &mut Source<'_>) -> Name {
    match source.byte() {
        common @ 0..16 => format!("user{}", common % 4).into(),
        rare @ 16..128 => format!("user{rare}").into(),
        length @ 128..160 => "n".repeat(USERNAME_BYTES_MAX + usize::from(length) - 144).into(),
        160..176 => "".into(),
        _ => source.text().into(),
    }
}

fn chat(source: &mut Source<'_>) -> Chat {
    match source.byte() {
        0..120 => Chat::User(name(source)),
        120..128 => Chat::Notices,
        group => Chat::Group(GroupId(10_000_000 + u32::from(group))),
    }
}

fn content(source: &mut Source<'_>) -> Content {
    let kind = ContentKind(source.byte());
    let length = usize::from(source.below(64));
    Content { kind, body: source.take(length).to_vec(), extensions: any(source) }
}

fn record(source: &mut Source<'_>) -> Record {
    Record {
        position: position(source),
        at_ms: source.number(),
        from: name(source),
        outbox: source.number(),
        content: content(source),
    }
}

fn conversation(source: &mut Source<'_>) -> Conversation {
    Conversation {
        chat: chat(source),
        name: source.text(),
        windows: source.list(any),
        last: position(source),
        last_seq: source.number(),
        read_mark: position(source),
        newest: source.list(record),
        hole: any(source),
        extensions: any(source),
    }
}
