//! Rows of conversations: who sees what of which chain.

use anser_protocol::ids::{GroupId, Position};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;

/// The other side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Chat {
    User(UserNumber),
    Group(GroupId),
    /// What the server tells the user alone.
    Notices,
}

/// What a window lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowKind {
    All,
    EventsOnly,
}

/// A run of a chain's records that a user may see, both ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub first_seq: u64,
    /// [`Window::OPEN`] while it is open.
    pub last_seq: u64,
    /// Where the record `last_seq` stands, so that a reader need not walk over what came later.
    pub last: Position,
    pub kind: WindowKind,
}

impl Window {
    pub const OPEN: u64 = u64::MAX;
    /// Older windows of one conversation are forgotten.
    pub(crate) const COUNT_MAX: usize = 64;

    pub fn from_seq(first_seq: u64) -> Self {
        Self { first_seq, last_seq: Self::OPEN, last: Position(u64::MAX), kind: WindowKind::All }
    }

    pub fn is_open(&self) -> bool {
        self.last_seq == Self::OPEN
    }

    pub fn holds(&self, seq: u64) -> bool {
        (self.first_seq..=self.last_seq).contains(&seq)
    }
}

/// What a chain is to one user. Made with the chain's first record for that user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub chat: Chat,
    /// Oldest first; only the last can be open.
    pub windows: Vec<Window>,
    pub read_mark: Position,
    /// When it last changed for this user, other than by a new record.
    pub changed: Position,
}
serde_row!(Conversation, Conversations);

impl Conversation {
    pub fn new(chat: Chat, first_seq: u64, changed: Position) -> Self {
        Self { chat, windows: vec![Window::from_seq(first_seq)], read_mark: Position::START, changed }
    }

    pub fn is_open(&self) -> bool {
        self.windows.last().is_some_and(Window::is_open)
    }

    pub fn open(&mut self, first_seq: u64, changed: Position) {
        self.windows.push(Window::from_seq(first_seq));
        let surplus = self.windows.len().saturating_sub(Window::COUNT_MAX);
        self.windows.drain(..surplus);
        self.changed = changed;
    }

    /// What comes after the record `newest_seq` at `newest`, the chain's newest, is shown by this kind of window.
    pub fn turn(&mut self, kind: WindowKind, newest_seq: u64, newest: Position, changed: Position) {
        let Some(open) = self.windows.pop_if(|open| open.is_open()) else { return };
        let first_seq = open.first_seq.max(newest_seq + 1);
        if open.first_seq <= newest_seq {
            self.windows.push(Window { last_seq: newest_seq, last: newest, ..open });
        }
        // Where nothing lies between, an earlier window of the kind goes on: a chat keeps only so many.
        match self.windows.pop_if(|before| before.kind == kind && before.last_seq + 1 == first_seq) {
            Some(before) => self.windows.push(Window { kind, ..Window::from_seq(before.first_seq) }),
            None => self.windows.push(Window { kind, ..Window::from_seq(first_seq) }),
        }
        let surplus = self.windows.len().saturating_sub(Window::COUNT_MAX);
        self.windows.drain(..surplus);
        self.changed = changed;
    }

    pub fn close(&mut self, last_seq: u64, last: Position) {
        if let Some(window) = self.windows.last_mut() {
            window.last_seq = last_seq;
            window.last = last;
        }
        self.changed = last;
    }
}

/// Kinds of conversations, part of their key so that a user's groups can be listed without the single chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ConversationKind {
    Single = 1,
    Group = 2,
    Notices = 3,
}

impl ConversationKind {
    pub fn of(chat: Chat) -> Self {
        match chat {
            Chat::User(_) => Self::Single,
            Chat::Group(_) => Self::Group,
            Chat::Notices => Self::Notices,
        }
    }
}

pub(crate) fn conversations_prefix(app: AppNumber, user: UserNumber) -> Key {
    Key::app(app).u32(user.0)
}

pub(crate) fn conversation_key(app: AppNumber, user: UserNumber, kind: ConversationKind, chain: ChainNumber) -> Key {
    conversations_prefix(app, user).u8(kind as u8).u64(chain.0)
}

/// The chain of two users (or of one with itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SingleChat {
    pub chain: ChainNumber,
}
serde_row!(SingleChat, SingleChats);

/// The same for both of them.
pub(crate) fn single_chat_key(app: AppNumber, one: UserNumber, other: UserNumber) -> Key {
    Key::app(app).u32(one.min(other).0).u32(one.max(other).0)
}
