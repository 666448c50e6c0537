//! What a client keeps on its own disk: identity, cursors, holes, outbox, messages, pushes.
//!
//! The session core says what to keep as [`Write`]s; all writes of one action are one durable transaction. A store answers
//! two questions: what the session must know at its start ([`Stored`]), and which records may be handed to the application
//! now ([`Release`]).
//!
//! Rules that every store keeps:
//! - A message that is already there (same user, chat and position) stays as it is, but for what becomes of it: a stored
//!   record that tells of an amendment changes the message that it names, also when that one is stored later (see
//!   [`amendment`]).
//! - A push whose `msg_id` is among the last [`PUSH_IDS_KEPT`] is not taken again.
//! - Records are handed out in the order of their positions, once each: a mark per chat says how far. The mark moves when
//!   the application has taken the record, so a kill in between hands it out again.
//! - What was deleted does not come back, whatever the server sends again (see [`local`]).
//! - Of pushes that the application does not take, the newest [`PUSHES_KEPT`] wait.

mod amendment;
mod encoding;
mod file;
mod local;
mod memory;
mod reads;

use std::collections::BTreeMap;

use anser_protocol::content::{Content, ContentKind, Notice, PushContent};
use anser_protocol::frame::chat::{Record, Window};
use anser_protocol::ids::{OutboxNumber, Position, RoomId, TimeMs};
use anser_protocol::names::{Chat, Name};
use serde::{Deserialize, Serialize};

pub use self::file::FileStore;
pub use self::local::{CONVERSATION_TEXT_BYTES_MAX, ConversationText, DELETED_KEPT, LocalMessage, SENT_KEPT};
pub use self::memory::MemoryStore;
pub use self::reads::ReceiptCount;
use crate::display::{DisplayChange, Saved};
use crate::session::Transport;

/// So many msg_ids of pushes are remembered, to know one that comes twice.
pub const PUSH_IDS_KEPT: usize = 1000;

/// So many pushes wait for an application that does not take them; the oldest go first.
pub const PUSHES_KEPT: usize = 1000;

/// So many messages that were refused for good are kept, to be sent again; the oldest go first.
pub const FAILED_KEPT: usize = 1000;

/// How much a store keeps of what nobody waits for any more. What the application has not taken, the outbox, cursors, holes
/// and the marks against duplicates are never touched by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest messages of each chat; older ones can be asked of the server ([`Request::History`]). The default is 1,000:
    /// of short texts about 100 KB. Now and then an eighth more are there.
    ///
    /// [`Request::History`]: crate::session::Request::History
    pub messages_per_chat: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { messages_per_chat: 1000 }
    }
}

/// What became of a damaged store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Rows that could not be read, as far as they could be counted.
    pub rows_lost: u64,
}

/// The application's name for a message that it sends; never reused within a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalId(pub u64);

/// Who this device is. Nonce and secret are on disk before the server first sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub nonce: [u8; 16],
    pub secret: [u8; 16],
    /// Empty until the server has answered the registration.
    pub registration_id: String,
}

/// Records strictly between `after` and `before` may exist and are not here yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    pub after: Position,
    pub before: Position,
}

/// A message that the server has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    pub local: LocalId,
    /// Given when the message is first sent, on disk before that; nothing until then.
    pub number: Option<OutboxNumber>,
    pub user: Name,
    pub chat: Chat,
    /// It is for the chat room of the group's number: groups and rooms are numbered together.
    pub is_room: bool,
    pub content: Content,
}

impl OutboxEntry {
    /// The chat room that it is for.
    pub fn room(&self) -> Option<RoomId> {
        match self.chat {
            Chat::Group(number) if self.is_room => Some(RoomId(number.0)),
            _ => None,
        }
    }
}

/// A message or event of one of `user`'s chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub user: Name,
    pub chat: Chat,
    /// Its `outbox` is not 0 when this device sent it.
    pub record: Record,
}

impl Message {
    /// What the server tells this user alone, when it is that.
    pub fn notice(&self) -> Option<Notice> {
        let is_notice = self.chat == Chat::Notices && self.record.content.kind == ContentKind::NOTICE;
        is_notice.then(|| Notice::from_bytes(&self.record.content.body)).flatten()
    }
}

/// A push that this device got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    pub position: Position,
    pub msg_id: Position,
    pub at_ms: TimeMs,
    pub content: PushContent,
    /// The push whose place this one takes.
    pub replaces: Option<Position>,
}

/// What the server last said of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    pub chat: Chat,
    /// The group's name; empty for a single chat.
    pub name: String,
    pub windows: Vec<Window>,
    pub last: Position,
    pub last_seq: u64,
    pub read_mark: Position,
}

impl ConversationRow {
    /// Of a chat whose messages came while the device was connected, so that no row was told.
    fn of_messages(chat: Chat, last: Position, read_mark: Position) -> Self {
        Self { chat, name: String::new(), windows: Vec::new(), last, last_seq: 0, read_mark }
    }
}

/// What was learned about one transport in one network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatMemory {
    /// The longest silence that this network is known to forgive.
    pub interval_s: u16,
    /// A silence of this length lost the link; 0 when none did.
    pub ceiling_s: u16,
}

/// What was learned about one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkMemory {
    /// The transport that connected first when they raced.
    pub winner: Option<Transport>,
    pub heartbeats: BTreeMap<Transport, HeartbeatMemory>,
}

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Identity(Identity),
    /// The token that logs the user in again; empty forgets it.
    Token {
        user: Name,
        token: Vec<u8>,
    },
    /// Up to here the user's chats are stored, apart from holes.
    ChatCursor {
        user: Name,
        position: Position,
    },
    /// Up to here the pushes are stored; nothing on a new device.
    PushCursor(Option<Position>),
    /// The application wants no pushes.
    PushStopped(bool),
    /// What is shown, or by which rules.
    Display(DisplayChange),
    /// The chat's holes as they are now, ascending.
    Holes {
        user: Name,
        chat: Chat,
        holes: Vec<Hole>,
    },
    Conversation {
        user: Name,
        row: ConversationRow,
    },
    Message(Message),
    Push(Push),
    /// Adds the entry or replaces the one of the same local id. One that failed before is in the outbox again.
    Outbox(OutboxEntry),
    OutboxAnswered(LocalId),
    /// The server has the message at this position.
    Sent {
        local: LocalId,
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// The server will never take the entry: it leaves the outbox, and is kept to be sent again.
    SendFailed(OutboxEntry),
    /// It is not kept any more.
    FailedForgotten(LocalId),
    Heartbeat {
        network: String,
        transport: Transport,
        memory: HeartbeatMemory,
    },
    Winner {
        network: String,
        transport: Transport,
    },
    /// The user has read the chat up to here, on this device. A mark only moves forward.
    ReadMark {
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// The server has the user's mark up to here, whichever device moved it.
    MarkKnown {
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// So many messages count as unread besides those that come from now on, until the mark moves.
    UnreadByHand {
        user: Name,
        chat: Chat,
        count: u32,
    },
    /// The user has read these messages, which asked for receipts; the server is to be told.
    MessagesRead {
        user: Name,
        messages: Vec<Position>,
    },
    /// The server has been told.
    ReadsKnown {
        user: Name,
        messages: Vec<Position>,
    },
    /// How many have not read a message of the user's own. Of two numbers the smaller holds.
    Receipt {
        user: Name,
        chat: Chat,
        message: Position,
        count: ReceiptCount,
    },
    /// The chat's messages up to here go, of those that the store knows of; those not handed out yet will not be.
    MessagesDeleted {
        user: Name,
        chat: Chat,
        to: Position,
    },
    /// One message goes.
    MessageDeleted {
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// All messages of the chat, its row and its texts go, and a number of unread that was set by hand. A message that is new
    /// makes it anew.
    ConversationDeleted {
        user: Name,
        chat: Chat,
    },
    /// In place of the one before; empty for none.
    ConversationText {
        user: Name,
        chat: Chat,
        which: ConversationText,
        text: String,
    },
    /// The application has taken the chat's records up to here.
    MessagesTaken {
        user: Name,
        chat: Chat,
        position: Position,
    },
    /// The application has taken the pushes up to this arrival; of these only the msg_ids are kept.
    PushesTaken {
        arrival: u64,
    },
}

/// What may be handed to the application now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The chat's records up to here that others sent (or this user from another device).
    Messages { user: Name, chat: Chat, to: Position },
    /// Every stored push, in the order of arrival.
    Pushes,
}

/// Something handed to the application, with its place: a message's position, or the how-manieth push it is that this
/// store has taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    Message(Message),
    Push { arrival: u64, push: Push },
}

impl Release {
    /// The write that counts everything up to `place` as taken.
    pub fn taken(&self, place: u64) -> Write {
        match self {
            Self::Messages { user, chat, .. } => {
                Write::MessagesTaken { user: user.clone(), chat: chat.clone(), position: Position(place) }
            }
            Self::Pushes => Write::PushesTaken { arrival: place },
        }
    }
}

impl Released {
    pub fn place(&self) -> u64 {
        match self {
            Self::Message(message) => message.record.position.0,
            Self::Push { arrival, .. } => *arrival,
        }
    }
}

/// A place for what a client keeps.
pub trait Store: Send {
    /// What a session must know at its start.
    fn load(&self) -> Result<Stored, StoreError>;

    /// Makes the writes durable, all or none.
    fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError>;

    /// The next `limit` of what may be handed out: above the place `above` and above what the application has taken.
    fn waiting(&self, release: &Release, above: u64, limit: usize) -> Result<Vec<Released>, StoreError>;

    /// The newest `limit` messages of a chat below `before`, newest first.
    fn messages(&self, user: &str, chat: &Chat, before: Position, limit: usize) -> Result<Vec<Message>, StoreError>;

    /// The oldest `limit` messages of a chat above `after`, oldest first.
    fn messages_after(
        &self,
        user: &str,
        chat: &Chat,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// One message of a chat.
    fn message(&self, user: &str, chat: &Chat, position: Position) -> Result<Option<Message>, StoreError>;

    /// The message of this local id, if it is still here.
    fn local_message(&self, local: LocalId) -> Result<Option<LocalMessage>, StoreError>;

    /// What the application keeps with a conversation.
    fn conversation_text(&self, user: &str, chat: &Chat, which: ConversationText)
    -> Result<Option<String>, StoreError>;

    /// The same of all chats that have some.
    fn conversation_texts(&self, user: &str, which: ConversationText) -> Result<Vec<(Chat, String)>, StoreError>;

    /// The user's conversations, newest first: those that the server told of, and chats with messages that it told of one by
    /// one.
    fn conversations(&self, user: &str) -> Result<Vec<ConversationRow>, StoreError>;

    /// How many messages of a chat are unread, of those that are stored here.
    fn unread(&self, user: &str, chat: &Chat) -> Result<u32, StoreError>;

    /// The same of all chats that have some.
    fn unread_chats(&self, user: &str) -> Result<Vec<(Chat, u32)>, StoreError>;

    /// What the user's message was told of its readers.
    fn receipt(&self, user: &str, chat: &Chat, message: Position) -> Result<Option<ReceiptCount>, StoreError>;
}

/// Why the store cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path} is in use by another process (is another anser running with the same state folder?)")]
    InUse { path: String },
    #[error("{path} was written by a newer version of this program; update it")]
    Newer { path: String },
    #[error("{path} was written by a trial version of this program; remove it to begin anew as a new device")]
    Older { path: String },
    #[error("{path} cannot be used: {reason}")]
    Disk { path: String, reason: String },
    #[error(
        "{path} is damaged ({what}); when it is opened next it is made anew from what can be read, as a new device"
    )]
    Damaged { path: String, what: &'static str },
}

/// What a session must know at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub identity: Option<Identity>,
    pub push_cursor: Option<Position>,
    /// The last msg_ids, oldest first.
    pub push_ids: Vec<Position>,
    /// Pushes are stored that the application has not taken.
    pub pushes_wait: bool,
    /// The application wants no pushes.
    pub push_stopped: bool,
    pub display: Saved,
    /// Above every outbox number that this device identity has used.
    pub outbox_next: OutboxNumber,
    pub local_next: LocalId,
    /// By local id.
    pub outbox: Vec<OutboxEntry>,
    /// Messages that were refused for good, by local id.
    pub failed: Vec<OutboxEntry>,
    /// Messages of a store that was damaged, of which nobody knows whether the server has them; until they are answered by
    /// [`Write::OutboxAnswered`].
    pub unsure: Vec<OutboxEntry>,
    pub users: BTreeMap<Name, StoredUser>,
    pub networks: BTreeMap<String, NetworkMemory>,
}

/// What is stored for one user, messages apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredUser {
    /// Empty: there is none.
    pub token: Vec<u8>,
    pub cursor: Option<Position>,
    /// Only chats that have holes.
    pub holes: BTreeMap<Chat, Vec<Hole>>,
    /// The newest stored position that this device did not send itself, of every chat with a hole or with records that the
    /// application has not taken.
    pub newest: BTreeMap<Chat, Position>,
    /// Read marks that the server does not have yet.
    pub marks: BTreeMap<Chat, Position>,
    /// Messages that were read, which the server does not know yet; ascending.
    pub reads: Vec<Position>,
}
