//! What is of this device alone: deleting, extras and drafts of conversations, and messages by their local ids.
//!
//! Deleting changes nothing on the server, which may send a deleted message again: while a catch-up is tried again, as a page
//! of history, or to a store that was made anew. So a chat remembers up to where everything was deleted, and which messages
//! above that; what is sent again is not stored and not handed out. A message that the device has never had is not deleted
//! along with others, unless it is older than what was.

use anser_protocol::ids::Position;

use super::{Message, OutboxEntry};

/// So many messages of a chat are remembered as deleted one by one, the newest; older ones stay away unless the server sends
/// them again.
pub const DELETED_KEPT: usize = 1000;

/// Of so many messages that were sent the local id is remembered, of the newest.
pub const SENT_KEPT: usize = 10_000;

/// The most bytes of a conversation's extras, and of its draft.
pub const CONVERSATION_TEXT_BYTES_MAX: usize = 16 * 1024;

/// A text that the application keeps with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConversationText {
    /// A JSON object of the application's own.
    Extras,
    /// What the user has begun to write.
    Draft,
}

/// A message that this device sent or is to send, where it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalMessage {
    /// The server has not answered it yet.
    Waiting(OutboxEntry),
    /// It was refused for good.
    Failed(OutboxEntry),
    Sent(Message),
}

impl LocalMessage {
    /// The user who sends it.
    pub fn user(&self) -> &str {
        match self {
            Self::Waiting(entry) | Self::Failed(entry) => &entry.user,
            Self::Sent(message) => &message.user,
        }
    }
}

/// What a chat holds, as far as it matters to deleting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// The newest stored message.
    pub(super) newest: Position,
    /// The newest that this device did not send itself.
    pub(super) newest_of_others: Position,
    /// Up to here the application has taken the records.
    pub(super) taken: Position,
    /// Of the user: what is below was stored, apart from holes.
    pub(super) cursor: Position,
}

/// How far to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deletion {
    /// Everything up to here, also what comes again.
    pub(super) below: Position,
    /// And what is stored up to here, each by itself: own messages are answered ahead of what others sent before them.
    pub(super) to: Position,
    pub(super) is_all: bool,
}

impl Held {
    /// The newest position that the device knows of.
    pub(super) fn top(self) -> Position {
        self.newest.max(self.newest_of_others).max(self.taken)
    }

    pub(super) fn delete_to(self, to: Position) -> Deletion {
        let settled = self.newest_of_others.max(self.taken).max(self.cursor);
        let (top, to) = (self.top(), to.min(self.top()));
        Deletion { below: to.min(settled), to, is_all: to == top }
    }
}

#[cfg(test)]
mod tests;
