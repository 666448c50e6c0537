//! What is of this device alone: deleting, texts of conversations, messages by their local ids.

use std::collections::BTreeMap;

use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::Failed;
use super::rows::{read, value_of};
use super::tables::*;
use crate::store::amendment;
use crate::store::encoding::{MessageValue, OutboxValue, SentValue, chat_from_key, chat_key};
use crate::store::local::Held;
use crate::store::reads::Mark;
use crate::store::{ConversationRow, ConversationText, DELETED_KEPT, LocalId, LocalMessage, Message};

impl Tables<'_> {
    pub(super) fn is_deleted(&self, (user, chat): (&str, &[u8]), position: u64) -> Result<bool, Failed> {
        let cleared: Option<Position> = self.cleared.get((user, chat))?;
        let is_cleared = cleared.is_some_and(|cleared| position <= cleared.0);
        Ok(is_cleared || self.deleted.get::<()>((user, chat, position))?.is_some())
    }

    fn held(&self, (user, chat): (&str, &[u8])) -> Result<Held, Failed> {
        let counted = self.chat((user, chat))?;
        let newest = self.messages.table.range((user, chat, 0)..=(user, chat, u64::MAX))?.next_back().transpose()?;
        Ok(Held {
            newest: Position(newest.map_or(0, |(key, _)| key.value().2)),
            newest_of_others: Position(counted.newest),
            taken: Position(counted.taken),
            cursor: self.cursors.get(user)?.unwrap_or_default(),
        })
    }

    pub(super) fn delete_messages(&mut self, user: &str, chat: &Chat, to: Position) -> Result<(), Failed> {
        let key = &chat_key(chat)[..];
        let deletion = self.held((user, key))?.delete_to(to);
        if deletion.is_all {
            self.change_mark(user, chat, Mark::forget_by_hand)?;
        }
        if deletion.to == Position::START {
            return Ok(());
        }
        let before = self.cleared.get((user, key))?.unwrap_or_default();
        let cleared = deletion.below.max(before);
        self.cleared.put((user, key), &cleared)?;
        let all_below = (user, key, 0)..=(user, key, cleared.0);
        self.deleted.table.retain_in(all_below.clone(), |_, _| false)?;
        self.amendments.table.retain_in(all_below.clone(), |_, _| false)?;
        self.receipts.table.retain_in(all_below, |_, _| false)?;
        let mut gone = Vec::new();
        for row in self.messages.table.range((user, key, 0)..=(user, key, deletion.to.0))? {
            gone.push(row?.0.value().2);
        }
        for position in &gone {
            self.remove_message((user, key), *position)?;
            if *position > cleared.0 {
                self.remember_deleted((user, key), *position)?;
            }
        }
        let mut counted = self.chat((user, key))?;
        counted.messages = counted.messages.saturating_sub(gone.len() as u64);
        counted.taken = counted.taken.max(cleared.0);
        self.chats.put((user, key), &counted)?;
        Ok(())
    }

    pub(super) fn delete_message(&mut self, (user, chat): (&str, &[u8]), position: Position) -> Result<(), Failed> {
        // One that is not known yet would be lost when it comes.
        if position > self.held((user, chat))?.top() || self.is_deleted((user, chat), position.0)? {
            return Ok(());
        }
        amendment::forget(&mut ChatPlace { tables: self, user, chat }, position)?;
        if self.messages.table.get((user, chat, position.0))?.is_some() {
            let mut counted = self.chat((user, chat))?;
            counted.messages = counted.messages.saturating_sub(1);
            self.chats.put((user, chat), &counted)?;
        }
        self.remove_message((user, chat), position.0)?;
        self.remember_deleted((user, chat), position.0)
    }

    pub(super) fn delete_conversation(&mut self, user: &str, chat: &Chat) -> Result<(), Failed> {
        self.delete_messages(user, chat, Position(u64::MAX))?;
        let key = chat_key(chat);
        self.conversations.remove((user, &key))?;
        self.extras.remove((user, &key))?;
        self.drafts.remove((user, &key))?;
        Ok(())
    }

    pub(super) fn put_text(&mut self, key: (&str, &[u8]), which: ConversationText, text: &str) -> Result<(), Failed> {
        let texts = match which {
            ConversationText::Extras => &mut self.extras,
            ConversationText::Draft => &mut self.drafts,
        };
        if text.is_empty() {
            texts.remove(key)?
        } else {
            texts.put(key, &text)?
        }
        Ok(())
    }

    fn remove_message(&mut self, (user, chat): (&str, &[u8]), position: u64) -> Result<(), Failed> {
        self.messages.remove((user, chat, position))?;
        self.amendments.remove((user, chat, position))?;
        self.receipts.remove((user, chat, position))?;
        Ok(())
    }

    fn remember_deleted(&mut self, (user, chat): (&str, &[u8]), position: u64) -> Result<(), Failed> {
        self.deleted.put((user, chat, position), &())?;
        let known = self.deleted.table.range((user, chat, 0)..=(user, chat, u64::MAX))?;
        let mut known = known.map(|row| row.map(|(key, _)| key.value().2));
        let (oldest, others) = (known.next().transpose()?, known.count());
        if let Some(oldest) = oldest.filter(|_| others >= DELETED_KEPT) {
            self.deleted.remove((user, chat, oldest))?;
        }
        Ok(())
    }
}

pub(super) fn messages_after(
    database: &Database,
    (user, chat): (&str, &Chat),
    after: Position,
    limit: usize,
) -> Result<Vec<Message>, Failed> {
    let transaction = database.begin_read()?;
    let key = chat_key(chat);
    let mut messages = Vec::new();
    let Some(first) = after.0.checked_add(1) else { return Ok(messages) };
    let table = transaction.open_table(MESSAGES.0)?;
    for row in table.range((user, &key[..], first)..=(user, &key[..], u64::MAX))?.take(limit) {
        let row = row?;
        let value: MessageValue = value_of(MESSAGES.1, &row)?;
        messages.push(value.message(user, chat.clone(), Position(row.0.value().2)));
    }
    Ok(messages)
}

pub(super) fn message(
    database: &Database,
    (user, chat): (&str, &Chat),
    position: Position,
) -> Result<Option<Message>, Failed> {
    message_in(&database.begin_read()?, (user, chat), position)
}

fn message_in(
    transaction: &ReadTransaction,
    (user, chat): (&str, &Chat),
    position: Position,
) -> Result<Option<Message>, Failed> {
    let value: Option<MessageValue> = read(transaction, MESSAGES, (user, &chat_key(chat), position.0))?;
    Ok(value.map(|value| value.message(user, chat.clone(), position)))
}

pub(super) fn local_message(database: &Database, local: LocalId) -> Result<Option<LocalMessage>, Failed> {
    let transaction = database.begin_read()?;
    let kinds: [(_, fn(_) -> _); 2] = [(OUTBOX, LocalMessage::Waiting), (FAILED, LocalMessage::Failed)];
    for (table, stands) in kinds {
        if let Some(value) = read::<_, OutboxValue>(&transaction, table, local.0)? {
            return Ok(Some(stands(value.entry(local).ok_or(Failed::Damaged(table.1))?)));
        }
    }
    let Some(sent) = read::<_, SentValue>(&transaction, SENT, local.0)? else { return Ok(None) };
    let chat = chat_from_key(&sent.chat).ok_or(Failed::Damaged(SENT.1))?;
    Ok(message_in(&transaction, (&sent.user, &chat), sent.position)?.map(LocalMessage::Sent))
}

fn table_of(which: ConversationText) -> (super::rows::Kind<ChatKey>, &'static str) {
    match which {
        ConversationText::Extras => EXTRAS,
        ConversationText::Draft => DRAFTS,
    }
}

pub(super) fn conversation_text(
    database: &Database,
    (user, chat): (&str, &Chat),
    which: ConversationText,
) -> Result<Option<String>, Failed> {
    read(&database.begin_read()?, table_of(which), (user, &chat_key(chat)))
}

pub(super) fn conversation_texts(
    database: &Database,
    user: &str,
    which: ConversationText,
) -> Result<Vec<(Chat, String)>, Failed> {
    let transaction = database.begin_read()?;
    let (kind, name) = table_of(which);
    let mut texts = Vec::new();
    for row in transaction.open_table(kind)?.range((user, &[][..])..)? {
        let row = row?;
        let (of, chat) = row.0.value();
        if of != user {
            break;
        }
        texts.push((chat_from_key(chat).ok_or(Failed::Damaged(name))?, value_of(name, &row)?));
    }
    Ok(texts)
}

/// Adds what the stored messages say to what the server told of conversations.
pub(super) fn add_messages(
    transaction: &ReadTransaction,
    user: &str,
    rows: &mut BTreeMap<Chat, ConversationRow>,
) -> Result<(), Failed> {
    let messages = transaction.open_table(MESSAGES.0)?;
    for row in transaction.open_table(CHATS.0)?.range((user, &[][..])..)? {
        let row = row?;
        let (of, key) = row.0.value();
        if of != user {
            break;
        }
        let newest = messages.range((user, key, 0)..=(user, key, u64::MAX))?.next_back().transpose()?;
        let Some(newest) = newest.map(|(key, _)| Position(key.value().2)) else { continue };
        let chat = chat_from_key(key).ok_or(Failed::Damaged(CHATS.1))?;
        if let Some(row) = rows.get_mut(&chat) {
            row.last = row.last.max(newest);
        } else {
            let mark: Mark = read(transaction, MARKS, (user, key))?.unwrap_or_default();
            rows.insert(chat.clone(), ConversationRow::of_messages(chat, newest, mark.read));
        }
    }
    Ok(())
}
