//! What the application changes on this device alone; the server hears nothing of it.

use std::time::Duration;

use anser_protocol::ids::Position;
use anser_protocol::names::{Chat, Name};

use super::{RequestError, Session};
use crate::store::{CONVERSATION_TEXT_BYTES_MAX, ConversationText, Write};

impl Session {
    /// Deletes the chat's messages up to this position, as far as they are stored. Nothing counts as read by it.
    pub fn delete_messages(&mut self, user: Name, chat: Chat, to: Position, now: Duration) -> Result<(), RequestError> {
        self.change_locally(Write::MessagesDeleted { user, chat, to }, now)
    }

    pub fn delete_message(
        &mut self,
        user: Name,
        chat: Chat,
        position: Position,
        now: Duration,
    ) -> Result<(), RequestError> {
        self.change_locally(Write::MessageDeleted { user, chat, position }, now)
    }

    /// Deletes the conversation with all its messages, also those that failed, and with its extras and draft. What waits to
    /// be sent is sent nevertheless, and makes it anew.
    pub fn delete_conversation(&mut self, user: Name, chat: Chat, now: Duration) -> Result<(), RequestError> {
        for local in self.outbox.forget_failed_of(&user, &chat) {
            self.transaction.writes.push(Write::FailedForgotten(local));
        }
        self.change_locally(Write::ConversationDeleted { user, chat }, now)
    }

    /// Keeps a text with the conversation, in place of the one before; an empty one removes it.
    pub fn set_conversation_text(
        &mut self,
        user: Name,
        chat: Chat,
        (which, text): (ConversationText, String),
        now: Duration,
    ) -> Result<(), RequestError> {
        if text.len() > CONVERSATION_TEXT_BYTES_MAX {
            return Err(RequestError::Invalid("the extras or the draft of a conversation are too long"));
        }
        let is_object = |text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        if which == ConversationText::Extras && !text.is_empty() && !is_object(&text) {
            return Err(RequestError::Invalid("the extras of a conversation must be a JSON object"));
        }
        self.change_locally(Write::ConversationText { user, chat, which, text }, now)
    }

    fn change_locally(&mut self, write: Write, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        self.transaction.writes.push(write);
        self.drive();
        Ok(())
    }
}
