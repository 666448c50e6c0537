//! Rows of the log, and its floors.

use anser_protocol::content::{AmendmentKind, Content, GroupEventKind, NoticeKind, Platform, PushContent};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::{Amended, Class};
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::chat::Chat;
use crate::rows::standing::AnnouncementRow;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub chain: ChainNumber,
    /// The record before it in its chain; 0 for the first.
    pub prev: Position,
    /// Its count in the chain, from 1.
    pub seq: u64,
    pub at_ms: TimeMs,
    pub body: Body,
}
serde_row!(Record, Log);

impl Record {
    /// The chains that it belongs to: its own, and that of what its device sent.
    pub fn chains(&self) -> impl Iterator<Item = ChainNumber> {
        let own = (self.seq > 0).then_some(self.chain);
        let sent = match &self.body {
            Body::Message(message) => message.sent.map(|sent| sent.chain),
            Body::Event(_)
            | Body::Push(_)
            | Body::Release(_)
            | Body::Amended(_)
            | Body::Notice(_)
            | Body::Change(_) => None,
            Body::Room(message) => message.sent.map(|sent| sent.chain),
        };
        own.into_iter().chain(sent)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Body {
    Message(MessageRecord),
    Event(EventRecord),
    /// On the chain 0, which nobody walks.
    Push(PushRecord),
    Release(Release),
    Amended(AmendedRecord),
    Notice(NoticeRecord),
    Change(ChangeRecord),
    /// Only in the class of rooms.
    Room(RoomRecord),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    pub from: UserNumber,
    pub to: Chat,
    pub sent: Option<Sent>,
    pub content: Content,
}

/// A message to a chat room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoomRecord {
    pub from: UserNumber,
    pub room: RoomId,
    pub sent: Option<Sent>,
    pub content: Content,
}

/// The record's place in what its device sent: messages to rooms stand there as well, so `prev` may lead from one class
/// to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub device: DeviceNumber,
    pub chain: ChainNumber,
    pub outbox: OutboxNumber,
    /// How far the device's highest number stood above `outbox` when this was accepted.
    pub behind: u64,
    pub prev: Position,
    pub seq: u64,
}

/// What happened in a group. Users are numbers: names are looked up when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub to: Chat,
    pub kind: GroupEventKind,
    pub by: Option<UserNumber>,
    pub users: Vec<UserNumber>,
    pub new_owner: Option<UserNumber>,
}

/// What one user is told, on the chain of their notices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NoticeRecord {
    pub kind: NoticeKind,
    pub detail: u8,
    pub by: Option<UserNumber>,
    pub users: Vec<UserNumber>,
    pub group: Option<GroupId>,
    /// A reason, in the words of whoever did it; or empty.
    pub text: String,
    /// The number of a request to join.
    pub request: Option<Position>,
    /// Messages that were read, ascending.
    pub messages: Vec<Position>,
}

impl NoticeRecord {
    pub fn new(kind: NoticeKind, detail: u8, by: Option<UserNumber>) -> Self {
        Self {
            kind,
            detail,
            by,
            users: Vec::new(),
            group: None,
            text: String::new(),
            request: None,
            messages: Vec::new(),
        }
    }

    pub fn about(self, users: &[UserNumber]) -> Self {
        Self { users: users.to_vec(), ..self }
    }

    pub fn of_group(self, group: GroupId) -> Self {
        Self { group: Some(group), ..self }
    }

    pub fn with_messages(self, messages: Vec<Position>) -> Self {
        Self { messages, ..self }
    }

    pub fn of_request(self, request: Position) -> Self {
        Self { request: Some(request), ..self }
    }

    pub fn saying(self, text: &str) -> Self {
        Self { text: text.into(), ..self }
    }
}

/// An event of a group that has more to say than whom it concerns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeRecord {
    pub event: EventRecord,
    pub detail: ChangeDetail,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ChangeDetail {
    /// Set or added.
    Set,
    /// Lifted or removed.
    Unset,
    Silenced {
        /// Nothing: until it is lifted.
        until_ms: Option<TimeMs>,
    },
    Info {
        name: Option<String>,
        description: Option<String>,
        avatar: Option<String>,
    },
    Type {
        is_public: bool,
    },
    Maximum(u32),
    Nickname {
        old: String,
        new: String,
    },
    /// Published or pinned, or pinned no more.
    Announcement {
        id: Position,
        row: AnnouncementRow,
    },
    AnnouncementGone(Position),
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PushRecord {
    pub contents: Vec<(Platform, PushContent)>,
    pub replaces: Option<Position>,
    /// JSON object, or empty.
    pub kept: String,
}

/// Hands a push to devices. On the chain 0 it hands out nothing: there it says who the whole audience is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Release {
    pub push: Position,
    pub to: ReleaseTo,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ReleaseTo {
    /// On the device's own chain.
    Device(DeviceNumber),
    /// On the app's chain of broadcasts: a roaring bitmap in its portable format.
    Many(Vec<u8>),
}

/// Tells, in the chain of a message, what became of it. What it was edited to stands with the amendment only, so that
/// nothing is left of it when the message is erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AmendedRecord {
    pub to: Chat,
    pub position: Position,
    /// The message's number in the chain: whoever may not see it is not told of it either.
    pub seq: u64,
    pub kind: AmendmentKind,
    /// Nobody: an app server.
    pub by: Option<UserNumber>,
}

/// What became of a message, read with every reading of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Amendment {
    pub what: Amended,
    pub by: Option<UserNumber>,
    pub at_ms: TimeMs,
    /// The record that tells of it.
    pub told_at: Position,
}
serde_row!(Amendment, Amendments);

pub(crate) fn amendments_prefix(app: AppNumber) -> Key {
    Key::app(app)
}

pub(crate) fn amendment_key(app: AppNumber, position: Position) -> Key {
    amendments_prefix(app).u64(position.0)
}

pub(crate) fn log_prefix(app: AppNumber, class: Class) -> Key {
    Key::app(app).u8(class as u8)
}

pub(crate) fn log_key(app: AppNumber, class: Class, position: Position) -> Key {
    log_prefix(app, class).u64(position.0)
}

/// Where the log of a class begins: what stood below it was cut by retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Floor(pub Position);
serde_row!(Floor, Floors);

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Chat, Self::Room, Self::Push];
}
