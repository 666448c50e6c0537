//! How the file store writes keys and values: one version byte, then postcard.

use anser_protocol::content::Content;
use anser_protocol::frame::chat::{Record, Window};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, TimeMs};
use anser_protocol::names::Chat;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ConversationRow, LocalId, Message, OutboxEntry};

/// Before every value; a value with another one is not read.
const VERSION: u8 = 1;

pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![VERSION])
        .expect("memory takes every byte, and every value is of types postcard knows")
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body).ok(),
        _ => None,
    }
}

/// A chat as a key: 0 and the username, 1 and the group's number, or 2 for the notices.
pub(super) fn chat_key(chat: &Chat) -> Vec<u8> {
    match chat {
        Chat::User(name) => [&[0], name.as_bytes()].concat(),
        Chat::Group(group) => [&[1], &group.0.to_be_bytes()[..]].concat(),
        Chat::Notices => vec![2],
    }
}

/// Before the number of a chat room, which is no chat: only what waits to be sent is for one.
const ROOM: u8 = 3;

fn target_key(entry: &OutboxEntry) -> Vec<u8> {
    match entry.room() {
        Some(room) => [&[ROOM], &room.0.to_be_bytes()[..]].concat(),
        None => chat_key(&entry.chat),
    }
}

pub(super) fn chat_from_key(key: &[u8]) -> Option<Chat> {
    match key.split_first()? {
        (0, name) => Some(Chat::User(std::str::from_utf8(name).ok()?.into())),
        (1, group) => Some(Chat::Group(GroupId(u32::from_be_bytes(group.try_into().ok()?)))),
        (2, []) => Some(Chat::Notices),
        _ => None,
    }
}

/// A message without what its key says.
#[derive(Serialize, Deserialize)]
pub(super) struct MessageValue {
    at_ms: TimeMs,
    from: String,
    outbox: OutboxNumber,
    content: Content,
}

impl MessageValue {
    pub(super) fn new(record: &Record) -> Self {
        Self {
            at_ms: record.at_ms,
            from: record.from.to_string(),
            outbox: record.outbox,
            content: record.content.clone(),
        }
    }

    /// The same message with another content.
    pub(super) fn with(self, content: Content) -> Self {
        Self { content, ..self }
    }

    pub(super) fn from(&self) -> &str {
        &self.from
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    pub(super) fn into_content(self) -> Content {
        self.content
    }

    pub(super) fn is_own(&self) -> bool {
        self.outbox != 0
    }

    pub(super) fn message(self, user: &str, chat: Chat, position: Position) -> Message {
        let record = Record {
            position,
            at_ms: self.at_ms,
            from: self.from.as_str().into(),
            outbox: self.outbox,
            content: self.content,
        };
        Message { user: user.into(), chat, record }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OutboxValue {
    number: Option<OutboxNumber>,
    user: String,
    chat: Vec<u8>,
    content: Content,
}

impl OutboxValue {
    pub(super) fn new(entry: &OutboxEntry) -> Self {
        Self {
            number: entry.number,
            user: entry.user.to_string(),
            chat: target_key(entry),
            content: entry.content.clone(),
        }
    }

    /// It had its number, so it may have been written to a link.
    pub(super) fn may_have_been_sent(&self) -> bool {
        self.number.is_some()
    }

    pub(super) fn entry(self, local: LocalId) -> Option<OutboxEntry> {
        let (chat, is_room) = match self.chat.split_first()? {
            (&ROOM, room) => (Chat::Group(GroupId(u32::from_be_bytes(room.try_into().ok()?))), true),
            _ => (chat_from_key(&self.chat)?, false),
        };
        let user = self.user.as_str().into();
        Some(OutboxEntry { local, number: self.number, user, chat, is_room, content: self.content })
    }
}

/// Where the message of a local id is.
#[derive(Serialize, Deserialize)]
pub(super) struct SentValue {
    pub(super) user: String,
    pub(super) chat: Vec<u8>,
    pub(super) position: Position,
}

impl SentValue {
    pub(super) fn new(user: &str, chat: &Chat, position: Position) -> Self {
        Self { user: user.to_owned(), chat: chat_key(chat), position }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ConversationValue {
    name: String,
    windows: Vec<Window>,
    last: Position,
    last_seq: u64,
    read_mark: Position,
}

impl ConversationValue {
    pub(super) fn new(row: &ConversationRow) -> Self {
        Self {
            name: row.name.clone(),
            windows: row.windows.clone(),
            last: row.last,
            last_seq: row.last_seq,
            read_mark: row.read_mark,
        }
    }

    pub(super) fn row(self, chat: Chat) -> ConversationRow {
        ConversationRow {
            chat,
            name: self.name,
            windows: self.windows,
            last: self.last,
            last_seq: self.last_seq,
            read_mark: self.read_mark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chats_are_read_back_from_their_keys() {
        for chat in [Chat::User("鸿雁".into()), Chat::Group(GroupId(10_000_007))] {
            assert_eq!(chat_from_key(&chat_key(&chat)), Some(chat));
        }
    }

    #[test]
    fn a_value_of_another_version_or_with_bytes_missing_is_not_read() {
        let mut bytes = encode(&(5u64, "text"));
        assert_eq!(decode::<(u64, String)>(&bytes), Some((5, "text".into())));
        assert_eq!(decode::<(u64, String)>(&bytes[..bytes.len() - 1]), None);
        bytes[0] = 2;
        assert_eq!(decode::<(u64, String)>(&bytes), None);
    }
}
