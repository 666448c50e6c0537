//! What the session asks for and what it tells: everything that ever comes out of it.

use anser_protocol::content::{Content, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::chat::{Conversation, Record};
use anser_protocol::frame::device::OwnDevice;
use anser_protocol::frame::group::GroupSummary;
pub use anser_protocol::frame::group_order::{GroupQuestion, GroupRank, GroupShown, JoinRequest, Silenced, Standing};
use anser_protocol::frame::media::{MediaKind, MediaLocation};
use anser_protocol::frame::people::Person;
use anser_protocol::frame::push::{PushState, TokenKind};
use anser_protocol::frame::room::{RoomSummary, RoomUser};
use anser_protocol::frame::session::UserProfile;
use anser_protocol::frame::talk::CommandTarget;
pub use anser_protocol::group_details::Announcement;
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};
use anser_protocol::names::{Chat, Name};
use anser_protocol::room::{RoomChangeKind, RoomEventKind, RoomRole};
use serde::{Deserialize, Serialize};

use super::labels::{LabelAnswer, LabelKind};
use super::people::PeopleRequest;
use crate::code::PushCode;
use crate::store::{LocalId, Release, Write};

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    Quic,
    Tcp,
    WebSocket,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::WebSocket => "ws",
        }
    }
}

/// Names a store action; they are answered in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the shell is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a link, and give up an attempt that is under way; answer by `handle_connected` or `handle_connect_failed`.
    Connect,
    /// Write this to the link: bytes of a stream, or one WebSocket message.
    Transmit(Vec<u8>),
    /// Make these changes in one durable transaction; answer by `handle_stored`, in the order of the tickets.
    Store(Ticket, Vec<Write>),
    /// Hand these stored records to the application, in order, as it has room.
    Release(Release),
    /// Tell the application.
    Emit(Event),
    /// Drop the link; nothing about it needs to be reported any more.
    Close,
}

/// Names a request of the application.
pub type RequestId = u32;

/// What happened, for the application. Messages and pushes are not among these: they come out of the store
/// (see [`Action::Release`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The device is known to the server.
    Registered {
        registration_id: String,
    },
    /// A device that the server does not know yet could not register; it tries again by itself.
    RegistrationFailed {
        code: PushCode,
    },
    /// A link is being opened.
    Connecting,
    /// The link is up and the server has welcomed this device.
    Connected {
        transport: Transport,
        registration_id: String,
    },
    Disconnected {
        reason: LinkEnd,
    },
    LoggedIn {
        user: Name,
    },
    /// The login failed for good.
    LoginFailed {
        user: Name,
        code: ErrorCode,
        message: String,
    },
    /// The stored token is no longer good, and no password was given.
    LoginNeeded {
        user: Name,
    },
    LoggedOut {
        user: Name,
    },
    /// The message was cancelled before it was sent.
    SendCancelled {
        user: Name,
        local: LocalId,
        chat: Chat,
    },
    /// Somebody whom the user has as a friend, in a single chat or in a group changed their profile, or an app server did: ask
    /// for it again where it is shown. Only told while connected, and not always.
    ProfileChanged {
        user: Name,
        username: Name,
        changed_ms: TimeMs,
    },
    /// A transparent command: nobody keeps it.
    CommandCame {
        user: Name,
        from: Name,
        target: CommandTarget,
        /// Through which group; 0 if through none.
        group: GroupId,
        /// Of the device that it came from.
        platform: Platform,
        text: String,
    },
    /// The server refuses something for the moment; it is tried again by itself. Not told for each thing refused.
    PutOff {
        code: ErrorCode,
        message: String,
    },
    /// The user has read this chat up to here, by another device or as a catch-up says. Also told where nothing is new.
    ReadMarked {
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// So many have not read a message of the user's own, which asked for receipts. Of two numbers the smaller holds.
    ReceiptChanged {
        user: Name,
        chat: Chat,
        message: Position,
        unread: u32,
        /// When the number last changed.
        at_ms: TimeMs,
    },
    /// What the user missed is listed in the store; older records of long chats may still be on their way.
    CaughtUp {
        user: Name,
    },
    /// A push was taken back: what shows it is to be removed. It comes behind the push itself.
    PushWithdrawn {
        msg_id: Position,
    },
    /// The message is on the server's disk. Its place in the chat is `position`.
    Sent {
        user: Name,
        local: LocalId,
        chat: Chat,
        position: Position,
        at_ms: TimeMs,
    },
    /// The message was refused for good. It is kept, and can be sent again ([`Session::resend`]).
    ///
    /// [`Session::resend`]: super::Session::resend
    SendFailed {
        user: Name,
        local: LocalId,
        chat: Chat,
        code: ErrorCode,
        message: String,
    },
    /// The store was damaged, and whether the server has this message is not known any more. It is not sent again by
    /// itself: that could double it.
    SendUnsure {
        user: Name,
        local: LocalId,
        chat: Chat,
        content: Content,
    },
    /// The message to a chat room is on the server's disk.
    RoomSent {
        user: Name,
        local: LocalId,
        room: RoomId,
        position: Position,
        at_ms: TimeMs,
    },
    /// The message to a chat room was refused for good.
    RoomSendFailed {
        user: Name,
        local: LocalId,
        room: RoomId,
        code: ErrorCode,
        message: String,
    },
    /// New messages of a chat room that the user is in on this device, oldest first. They are stored nowhere.
    RoomMessages {
        room: RoomId,
        records: Vec<Record>,
    },
    /// Somebody may do something in the room now, or no more.
    RoomEvent {
        room: RoomId,
        kind: RoomEventKind,
        at_ms: TimeMs,
        /// Empty: an app server.
        by: String,
        users: Vec<String>,
    },
    /// The user is in the room, or no more, without having asked on this device.
    RoomChanged {
        room: RoomId,
        kind: RoomChangeKind,
    },
    /// The answer to a call for tags, alias or mobile number.
    LabelAnswered {
        /// The application's own number of the call.
        sequence: u32,
        kind: LabelKind,
        result: Result<LabelAnswer, PushCode>,
    },
    /// The answer to a request.
    Answered {
        request: RequestId,
        result: Result<Answer, RequestError>,
    },
}

/// How far the connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    #[default]
    Closed,
    Connecting,
    /// The server has welcomed the device: pushes come.
    Connected,
    /// A user is logged in besides.
    LoggedIn,
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// No transport came through.
    Unreachable,
    /// The server or the network closed it.
    Closed,
    /// Nothing was heard although the server should have answered.
    Silent,
    /// The server sent what this client cannot read.
    Malformed,
    /// A delivery did not join on to the one before: what is between was lost on the way.
    Gap,
    /// The server asked this client to go away for a while.
    GoAway {
        code: ErrorCode,
        message: String,
    },
    /// Another has taken this device's place again, soon after the last time: it has a copy of this device's state.
    Copied,
    /// The server refused the link.
    Refused {
        code: ErrorCode,
        message: String,
    },
    NetworkChanged,
    Stopped,
}

/// What an application can ask the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    People(PeopleRequest),
    RegisterUser {
        username: String,
        password: String,
    },
    Logout,
    /// Records of one chat strictly between two positions, newest first; they are not put into the store.
    History {
        chat: Chat,
        before: Position,
        after: Position,
        limit: u32,
    },
    /// Conversations whose newest record stands below `before`, newest first.
    Conversations {
        before: Position,
        limit: u32,
    },
    GroupCreate {
        name: String,
        description: String,
        members: Vec<String>,
    },
    GroupAdd {
        group: GroupId,
        members: Vec<String>,
    },
    GroupRemove {
        group: GroupId,
        members: Vec<String>,
    },
    GroupLeave {
        group: GroupId,
    },
    GroupList,
    GroupMembers {
        group: GroupId,
    },
    /// What is done and asked about groups beside the plain calls above.
    Group(Box<GroupCall>),
    UserInfo {
        username: String,
    },
    /// Where to put a file of these fields; [`crate::shell::Client::upload`] does all of it.
    MediaUpload {
        kind: MediaKind,
        bytes: u64,
        sha256: [u8; 32],
        name: String,
        thumb_of: String,
    },
    /// Where to get a medium; [`crate::shell::Client::download`] does all of it.
    MediaAddress {
        media_id: String,
    },
    /// Goes into a chat room. Its newest messages and all that follow come as events, also over later links, until the
    /// user leaves it or is put out.
    RoomEnter {
        room: RoomId,
    },
    RoomLeave {
        room: RoomId,
    },
    /// The rooms of the app, in the order in which they were made.
    RoomList {
        start: u32,
        count: u32,
    },
    /// The rooms that the user is a member of.
    MyRooms,
    RoomInfo {
        rooms: Vec<RoomId>,
    },
    /// Members in the order in which they came in; or those in a role, the newest first.
    RoomMembers {
        room: RoomId,
        role: Option<RoomRole>,
        start: u32,
        count: u32,
    },
    /// Makes users admins, puts them on the blacklist or silences them; or takes that back.
    RoomChange {
        room: RoomId,
        role: RoomRole,
        is_given: bool,
        users: Vec<String>,
        /// How long a silence lasts; 0 elsewhere.
        for_ms: u64,
    },
    /// May the user speak in the room?
    RoomSilence {
        room: RoomId,
        username: String,
    },
    /// Takes a message of the user's own back. Asked again, it is refused with 855004.
    Retract {
        message: Position,
    },
    /// Of each kind of device the one of the user's that was used last, other than this one where there is another.
    OwnDevices,
    /// Who has read a message of the user's own.
    Readers {
        message: Position,
    },
    /// How much is unread by the server's count: in these chats, at most 100, and over all.
    Unread {
        chats: Vec<Chat>,
        total: bool,
    },
    /// A text for whoever is connected now, at most 1,024 bytes. Nobody keeps it.
    Command {
        to: CommandTo,
        text: String,
    },
    TagsGet,
    TagsSet {
        tags: Vec<String>,
    },
    TagsAdd {
        tags: Vec<String>,
    },
    TagsDelete {
        tags: Vec<String>,
    },
    AliasGet,
    AliasSet {
        alias: String,
    },
    AliasDelete,
    /// The telephone number of this device; empty takes it away.
    MobileSet {
        mobile: String,
    },
    /// The user opened these pushes. Repeated until the server has it.
    PushClicked {
        pushes: Vec<Position>,
    },
    /// What else became of these pushes: shown, or acted on. Repeated until the server has it.
    PushReport {
        state: PushState,
        pushes: Vec<Position>,
    },
    /// Where this device can be reached without a link; an empty token takes it back.
    PushToken {
        kind: TokenKind,
        token: String,
    },
    /// What the application's icon shows, so that a push can say one more.
    Badge {
        badge: u32,
    },
}

/// What is done and asked about groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupCall {
    /// A group with all that can be said of it; the maximum 0 takes the server's default.
    Make {
        name: String,
        description: String,
        avatar: String,
        is_public: bool,
        maximum: u32,
        members: Vec<String>,
    },
    /// What is absent stays.
    Edit {
        group: GroupId,
        name: Option<String>,
        description: Option<String>,
        avatar: Option<String>,
    },
    Order {
        group: GroupId,
        order: GroupOrder,
    },
    /// Takes in, or refuses, those who asked to join, by the numbers of their requests.
    AnswerJoins {
        group: GroupId,
        answers: Vec<(Position, String)>,
        is_accepted: bool,
        reason: String,
    },
    Ask {
        group: GroupId,
        question: GroupQuestion,
    },
    /// The app's public groups, without the first `start`; at most 500.
    Public {
        start: u64,
        count: u32,
    },
}

/// What is done in a group by its owner, its admins, or a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupOrder {
    Dissolve,
    SetPublic(bool),
    /// How many members the group may have.
    SetMaximum(u32),
    TransferTo(String),
    AddAdmins(Vec<String>),
    RemoveAdmins(Vec<String>),
    /// For so many milliseconds, or until it is lifted.
    Silence {
        members: Vec<String>,
        for_ms: Option<u64>,
    },
    LiftSilence(Vec<String>),
    Ban(Vec<String>),
    Unban(Vec<String>),
    /// Empty takes it away.
    SetNickname {
        username: String,
        nickname: String,
    },
    Announce {
        text: String,
        /// Also as a message of this user's.
        as_message: bool,
    },
    DropAnnouncement(Position),
    PinAnnouncement {
        id: Position,
        is_pinned: bool,
    },
    Apply {
        reason: String,
    },
    /// At once, or, by a plain member of a public group, once the owner or an admin agrees.
    Invite {
        members: Vec<String>,
        reason: String,
    },
}

/// To whom a transparent command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandTo {
    User(String),
    /// The other members.
    Group(GroupId),
    /// The user's other devices of this platform; [`Platform::OTHER`] means all.
    OwnDevices(Platform),
}

/// Where a message stands that was handed over for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    /// It waits for the store, for a link or for its turn.
    Waiting,
    /// It was written to a link; the answer is awaited, on this link or the next.
    OnItsWay,
    /// The server wants it later.
    PutOff,
}

/// Why a message cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    #[error("the message is not on its way")]
    Unknown,
    #[error("the server may have the message already")]
    TooLate,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    History {
        records: Vec<Record>,
        is_complete: bool,
    },
    Conversations {
        conversations: Vec<Conversation>,
        is_complete: bool,
    },
    GroupCreated {
        group: GroupId,
    },
    Groups(Vec<GroupSummary>),
    Members {
        owner: String,
        members: Vec<String>,
    },
    Group(Box<GroupShown>),
    GroupPage {
        /// Of the whole list.
        total: u64,
        groups: Vec<GroupShown>,
    },
    Standings(Vec<Standing>),
    Silences(Vec<Silenced>),
    Bans(Vec<String>),
    Announcements(Vec<Announcement>),
    Joins(Vec<JoinRequest>),
    Announced {
        id: Position,
    },
    Profile(Box<UserProfile>),
    /// Of the mutes also groups, and whether everything is muted; of the shields only groups.
    People {
        people: Vec<Person>,
        groups: Vec<GroupId>,
        everything: bool,
    },
    OwnDevices(Vec<OwnDevice>),
    /// Of those who were given the message.
    Readers {
        read: Vec<String>,
        unread: Vec<String>,
    },
    Unread {
        /// In the order of the chats.
        counts: Vec<u32>,
        total: u32,
        /// Without what the user does not want to be disturbed by.
        total_loud: u32,
    },
    MediaTicket {
        url: String,
    },
    MediaLocation(Box<MediaLocation>),
    Rooms {
        /// Of the whole list.
        total: u64,
        rooms: Vec<RoomSummary>,
    },
    RoomUsers {
        total: u64,
        users: Vec<RoomUser>,
    },
    Tags(Vec<String>),
    /// Empty: the device has none.
    Alias(String),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("{message} (code {})", code.0)]
    Refused { code: ErrorCode, message: String },
    #[error("the server did not answer in time")]
    TimedOut,
    #[error("the link was lost before the answer: the change may or may not have been made")]
    LinkLost,
    #[error("no user is logged in")]
    NotLoggedIn,
    #[error("push is stopped on this device; resume it first (code 6012)")]
    PushStopped,
    #[error("too many requests are waiting")]
    TooMany,
    #[error("{0}")]
    Invalid(&'static str),
    /// What the server would answer, found here.
    #[error("{} (code {})", .0.text(), .0.0)]
    Forbidden(ErrorCode),
}

/// Why a message was not taken over for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("no user is logged in")]
    NotLoggedIn,
    #[error("too many messages wait to be sent")]
    OutboxFull,
    #[error("the message is longer than 4096 bytes")]
    TooLong,
    #[error("this kind of message cannot be sent")]
    Kind,
    /// The body or an option is not as it must be.
    #[error("{0}")]
    Malformed(&'static str),
    #[error("a user name has 1 to 128 bytes")]
    Target,
    #[error("only a message that failed can be sent again")]
    NotFailed,
}
