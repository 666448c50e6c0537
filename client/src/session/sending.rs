//! Sending messages: from the application's call to the server's answer.

use std::time::Duration;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::tag;
use anser_protocol::frame::chat::{Record, SendRefused, Sent};
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};
use anser_protocol::limits;
use anser_protocol::names::Chat;
use anser_protocol::options::{InvalidOption, SendOptions};

use super::transaction::Then;
use super::{Event, SendError, Session};
use crate::store::{LocalId, Message, OutboxEntry, Write};

impl Session {
    /// Takes a message over for sending as the user who is to be logged in; it survives a kill as soon as the store action
    /// that this makes is done. The outcome is an [`Event::Sent`] or [`Event::SendFailed`] with the same local id.
    pub fn send(&mut self, chat: Chat, content: Content, now: Duration) -> Result<LocalId, SendError> {
        self.send_to(chat, false, content, now)
    }

    /// The same to a chat room. The message is kept until the server has it, and nowhere after that; the outcome is an
    /// [`Event::RoomSent`] or [`Event::RoomSendFailed`].
    pub fn send_to_room(&mut self, room: RoomId, content: Content, now: Duration) -> Result<LocalId, SendError> {
        self.send_to(Chat::Group(GroupId(room.0)), true, content, now)
    }

    fn send_to(&mut self, chat: Chat, is_room: bool, content: Content, now: Duration) -> Result<LocalId, SendError> {
        self.now = now;
        let user = self.user().cloned().ok_or(SendError::NotLoggedIn)?;
        check(&chat, &content)?;
        if self.outbox.is_full() {
            return Err(SendError::OutboxFull);
        }
        let is_head_known = self.is_welcomed();
        let entry = self.outbox.push(user, (chat, is_room), content, is_head_known);
        let local = entry.local;
        self.hand_over(entry);
        Ok(local)
    }

    /// Sends a message again that was refused for good, as the same message of the application: with the same local id. It
    /// goes behind what waits already. One that is on its way or was sent is none (871325 of the Android SDK).
    pub fn resend(&mut self, local: LocalId, now: Duration) -> Result<(), SendError> {
        self.now = now;
        let user = self.user().cloned().ok_or(SendError::NotLoggedIn)?;
        if self.outbox.is_full() {
            return Err(SendError::OutboxFull);
        }
        let is_head_known = self.is_welcomed();
        let entry = self.outbox.push_again(&user, local, is_head_known).ok_or(SendError::NotFailed)?;
        self.hand_over(entry);
        Ok(())
    }

    /// Lets a message go that was refused for good.
    pub fn forget_failed(&mut self, local: LocalId, now: Duration) -> Result<(), SendError> {
        self.now = now;
        if !self.outbox.forget_failed(local) {
            return Err(SendError::NotFailed);
        }
        self.transaction.writes.push(Write::FailedForgotten(local));
        self.drive();
        Ok(())
    }

    fn hand_over(&mut self, entry: OutboxEntry) {
        let local = entry.local;
        self.transaction.then.push(Then::Outbox { local, number: entry.number });
        self.transaction.writes.push(Write::Outbox(entry));
        self.drive();
    }

    pub(super) fn write_sends(&mut self) {
        if self.requests.is_logging_out() {
            return;
        }
        while let Some(user) = self.sync.as_ref().map(|sync| sync.user().clone())
            && let Some(send) = self.outbox.next_to_send(&user, self.now)
        {
            self.transmit(&send);
        }
    }

    pub(super) fn on_sent(&mut self, sent: Sent) {
        if let Some(entry) = self.outbox.handle_answered(sent.outbox) {
            if let Some(room) = entry.room() {
                self.rooms.note_own(room, sent.position);
                return self.finish_send(entry, sent.position, sent.at_ms);
            }
            let record = Record {
                position: sent.position,
                at_ms: sent.at_ms,
                from: entry.user.clone(),
                outbox: sent.outbox,
                content: entry.content.clone(),
            };
            let message = Message { user: entry.user.clone(), chat: entry.chat.clone(), record };
            self.transaction.writes.push(Write::Message(message));
            self.finish_send(entry, sent.position, sent.at_ms);
        }
    }

    /// A record that this device sent came back from the log: that answers it, if the answer itself was lost.
    pub(super) fn on_own_record(&mut self, record: &Record) {
        if let Some(entry) = self.outbox.handle_own_record(record.outbox) {
            self.finish_send(entry, record.position, record.at_ms);
        }
    }

    fn finish_send(&mut self, entry: OutboxEntry, position: Position, at_ms: TimeMs) {
        self.transaction.writes.push(Write::OutboxAnswered(entry.local));
        let room = entry.room();
        let OutboxEntry { user, local, chat, .. } = entry;
        if room.is_none() {
            self.transaction.writes.push(Write::Sent { local, user: user.clone(), chat: chat.clone(), position });
        }
        self.transaction.then.push(Then::Emit(match room {
            Some(room) => Event::RoomSent { user, local, room, position, at_ms },
            None => Event::Sent { user, local, chat, position, at_ms },
        }));
    }

    pub(super) fn on_send_refused(&mut self, refused: SendRefused) {
        if refused.code.is_passing() {
            self.outbox.handle_refused_for_now(refused.outbox, &mut self.random, self.now);
            self.tell_put_off(refused.code, &refused.message);
        } else if let Some(entry) = self.outbox.handle_refused_for_good(refused.outbox) {
            let message = if refused.message.is_empty() { refused.code.text().to_owned() } else { refused.message };
            self.outbox.keep_failed(entry.clone());
            self.transaction.writes.push(Write::SendFailed(entry.clone()));
            self.transaction.then.push(Then::Emit(failed(entry, refused.code, message)));
        }
    }
}

fn failed(entry: OutboxEntry, code: ErrorCode, message: String) -> Event {
    let room = entry.room();
    let OutboxEntry { user, local, chat, .. } = entry;
    match room {
        Some(room) => Event::RoomSendFailed { user, local, room, code, message },
        None => Event::SendFailed { user, local, chat, code, message },
    }
}

/// The store was damaged: nobody knows whether the server has the message. Of a room nobody would look for it later.
pub(super) fn unsure(entry: OutboxEntry) -> Event {
    if entry.is_room {
        let message = "the store was damaged before the server answered".to_owned();
        return failed(entry, ErrorCode::SEND_FAILED, message);
    }
    let OutboxEntry { user, local, chat, content, .. } = entry;
    Event::SendUnsure { user, local, chat, content }
}

fn check(chat: &Chat, content: &Content) -> Result<(), SendError> {
    if let Chat::User(name) = chat
        && (name.is_empty() || name.len() > limits::GUEST_NAME_BYTES_MAX)
    {
        return Err(SendError::Target);
    }
    if !content.kind.is_sendable() {
        return Err(SendError::Kind);
    }
    let extras = content.extensions.value(tag::EXTRAS).map_or(0, <[u8]>::len);
    if content.body.len() + extras > limits::MESSAGE_BODY_BYTES_MAX {
        return Err(SendError::TooLong);
    }
    let is_fine = match content.kind {
        ContentKind::TEXT => content.as_text().is_some_and(|text| !text.is_empty()),
        // What belongs in it the server says.
        _ => serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&content.body).is_ok(),
    };
    if !is_fine {
        return Err(SendError::Malformed("the body must be a text that is not empty, or a JSON object"));
    }
    let in_group = matches!(chat, Chat::Group(_));
    SendOptions::check(content, in_group).map_err(|InvalidOption(what)| SendError::Malformed(what))
}
