//! What is asked of the tables.

use std::collections::BTreeMap;
use std::ops::Bound;

use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::Failed;
use super::local::add_messages;
use super::rebuild::Unread;
use super::rows::{read, value_of};
use super::tables::*;
use crate::display::NoticeId;
use crate::store::encoding::{ConversationValue, MessageValue, OutboxValue, chat_from_key, chat_key};
use crate::store::reads::Mark;
use crate::store::{ConversationRow, LocalId, Message, OutboxEntry, ReceiptCount, Released, Stored};

pub(super) fn load(database: &Database) -> Result<Stored, Failed> {
    let transaction = database.begin_read()?;
    let mut stored = Stored {
        outbox_next: 1,
        outbox: load_outbox(&transaction, OUTBOX)?,
        failed: load_outbox(&transaction, FAILED)?,
        unsure: load_outbox(&transaction, UNSURE)?,
        ..Stored::default()
    };
    // Everything is walked over, nothing looked up: a row whose key is damaged would look like one that was never there.
    for row in transaction.open_table(META.0)?.iter()? {
        let row = row?;
        match row.0.value() {
            "identity" => stored.identity = Some(value_of(META.1, &row)?),
            "push_cursor" => stored.push_cursor = value_of(META.1, &row)?,
            "outbox_next" => stored.outbox_next = value_of(META.1, &row)?,
            "local_next" => stored.local_next = value_of(META.1, &row)?,
            "format" => value_of::<_, u32>(META.1, &row).map(drop)?,
            _ => return Err(Failed::Damaged(META.1)),
        }
    }
    for row in transaction.open_table(PUSH_IDS.0)?.iter()? {
        stored.push_ids.push(value_of(PUSH_IDS.1, &row?)?);
    }
    stored.pushes_wait = transaction.open_table(PUSHES.0)?.first()?.is_some();
    load_display(&transaction, &mut stored)?;
    load_users(&transaction, &mut stored)?;
    load_reads(&transaction, &mut stored)?;
    load_networks(&transaction, &mut stored)?;
    Ok(stored)
}

fn load_outbox(
    transaction: &ReadTransaction,
    (kind, name): (super::rows::Kind<u64>, &'static str),
) -> Result<Vec<OutboxEntry>, Failed> {
    let mut entries = Vec::new();
    for row in transaction.open_table(kind)?.iter()? {
        let row = row?;
        let value: OutboxValue = value_of(name, &row)?;
        entries.push(value.entry(LocalId(row.0.value())).ok_or(Failed::Damaged(name))?);
    }
    Ok(entries)
}

fn load_display(transaction: &ReadTransaction, stored: &mut Stored) -> Result<(), Failed> {
    for row in transaction.open_table(SETTINGS.0)?.iter()? {
        let row = row?;
        match row.0.value() {
            PUSH_STOPPED => stored.push_stopped = value_of(SETTINGS.1, &row)?,
            PUSH_TIME => stored.display.push_time = value_of(SETTINGS.1, &row)?,
            SILENCE_TIME => stored.display.silence_time = value_of(SETTINGS.1, &row)?,
            KEEP_LATEST => stored.display.keep_latest = value_of(SETTINGS.1, &row)?,
            BADGE => stored.display.badge = value_of(SETTINGS.1, &row)?,
            NOTICE_NEXT => stored.display.notice_next = value_of(SETTINGS.1, &row)?,
            // A setting of a later version, or a damaged name: then the checksum is not that of the row.
            _ => value_of::<_, Unread>(SETTINGS.1, &row).map(drop)?,
        }
    }
    for row in transaction.open_table(NOTICES.0)?.iter()? {
        let row = row?;
        stored.display.notices.insert(NoticeId(row.0.value()), value_of(NOTICES.1, &row)?);
    }
    for row in transaction.open_table(LOCAL_NOTICES.0)?.iter()? {
        let row = row?;
        stored.display.local_notices.insert(row.0.value(), value_of(LOCAL_NOTICES.1, &row)?);
    }
    Ok(())
}

fn load_users(transaction: &ReadTransaction, stored: &mut Stored) -> Result<(), Failed> {
    for row in transaction.open_table(TOKENS.0)?.iter()? {
        let row = row?;
        stored.users.entry(row.0.value().into()).or_default().token = value_of(TOKENS.1, &row)?;
    }
    for row in transaction.open_table(CURSORS.0)?.iter()? {
        let row = row?;
        stored.users.entry(row.0.value().into()).or_default().cursor = Some(value_of(CURSORS.1, &row)?);
    }
    for row in transaction.open_table(HOLES.0)?.iter()? {
        let row = row?;
        let (user, chat) = row.0.value();
        let chat = chat_from_key(chat).ok_or(Failed::Damaged(HOLES.1))?;
        stored.users.entry(user.into()).or_default().holes.insert(chat, value_of(HOLES.1, &row)?);
    }
    for row in transaction.open_table(CHATS.0)?.iter()? {
        let row = row?;
        let (user, chat) = row.0.value();
        let chat = chat_from_key(chat).ok_or(Failed::Damaged(CHATS.1))?;
        let value: ChatValue = value_of(CHATS.1, &row)?;
        let user = stored.users.entry(user.into()).or_default();
        if value.newest > 0 && (value.newest > value.taken || user.holes.contains_key(&chat)) {
            user.newest.insert(chat, Position(value.newest));
        }
    }
    Ok(())
}

fn load_reads(transaction: &ReadTransaction, stored: &mut Stored) -> Result<(), Failed> {
    for row in transaction.open_table(MARKS.0)?.iter()? {
        let row = row?;
        let (user, chat) = row.0.value();
        let chat = chat_from_key(chat).ok_or(Failed::Damaged(MARKS.1))?;
        let mark: Mark = value_of(MARKS.1, &row)?;
        if let Some(pending) = mark.pending() {
            stored.users.entry(user.into()).or_default().marks.insert(chat, pending);
        }
    }
    for row in transaction.open_table(READS.0)?.iter()? {
        let row = row?;
        let (user, message) = row.0.value();
        value_of::<_, ()>(READS.1, &row)?;
        stored.users.entry(user.into()).or_default().reads.push(Position(message));
    }
    Ok(())
}

fn load_networks(transaction: &ReadTransaction, stored: &mut Stored) -> Result<(), Failed> {
    for row in transaction.open_table(HEARTBEATS.0)?.iter()? {
        let row = row?;
        let (network, transport) = row.0.value();
        let memory = value_of(HEARTBEATS.1, &row)?;
        if let Some(transport) = transport_from_number(transport) {
            stored.networks.entry(network.into()).or_default().heartbeats.insert(transport, memory);
        }
    }
    for row in transaction.open_table(WINNERS.0)?.iter()? {
        let row = row?;
        let winner = transport_from_number(value_of(WINNERS.1, &row)?);
        stored.networks.entry(row.0.value().into()).or_default().winner = winner;
    }
    Ok(())
}

pub(super) fn waiting_messages(
    database: &Database,
    (user, chat): (&str, &Chat),
    above: u64,
    to: Position,
    limit: usize,
) -> Result<Vec<Released>, Failed> {
    let transaction = database.begin_read()?;
    let key = chat_key(chat);
    let taken = read::<_, ChatValue>(&transaction, CHATS, (user, &key))?.unwrap_or_default().taken;
    let above = above.max(taken);
    let mut waiting = Vec::new();
    if above >= to.0 {
        return Ok(waiting);
    }
    let table = transaction.open_table(MESSAGES.0)?;
    for row in table.range((user, &key[..], above + 1)..=(user, &key[..], to.0))? {
        let row = row?;
        let value: MessageValue = value_of(MESSAGES.1, &row)?;
        if value.is_own() {
            continue;
        }
        waiting.push(Released::Message(value.message(user, chat.clone(), Position(row.0.value().2))));
        if waiting.len() >= limit {
            break;
        }
    }
    Ok(waiting)
}

pub(super) fn waiting_pushes(database: &Database, above: u64, limit: usize) -> Result<Vec<Released>, Failed> {
    let transaction = database.begin_read()?;
    let mut waiting = Vec::new();
    let above: (Bound<u64>, Bound<u64>) = (Bound::Excluded(above), Bound::Unbounded);
    for row in transaction.open_table(PUSHES.0)?.range(above)?.take(limit) {
        let row = row?;
        waiting.push(Released::Push { arrival: row.0.value(), push: value_of(PUSHES.1, &row)? });
    }
    Ok(waiting)
}

pub(super) fn newest_messages(
    database: &Database,
    (user, chat): (&str, &Chat),
    before: Position,
    limit: usize,
) -> Result<Vec<Message>, Failed> {
    let transaction = database.begin_read()?;
    let key = chat_key(chat);
    let mut messages = Vec::new();
    let table = transaction.open_table(MESSAGES.0)?;
    for row in table.range((user, &key[..], 0)..(user, &key[..], before.0))?.rev().take(limit) {
        let row = row?;
        let value: MessageValue = value_of(MESSAGES.1, &row)?;
        messages.push(value.message(user, chat.clone(), Position(row.0.value().2)));
    }
    Ok(messages)
}

pub(super) fn conversations(database: &Database, user: &str) -> Result<Vec<ConversationRow>, Failed> {
    let transaction = database.begin_read()?;
    let mut rows = BTreeMap::new();
    for row in transaction.open_table(CONVERSATIONS.0)?.range((user, &[][..])..)? {
        let row = row?;
        let (of, chat) = row.0.value();
        if of != user {
            break;
        }
        let chat = chat_from_key(chat).ok_or(Failed::Damaged(CONVERSATIONS.1))?;
        rows.insert(chat.clone(), value_of::<_, ConversationValue>(CONVERSATIONS.1, &row)?.row(chat));
    }
    add_messages(&transaction, user, &mut rows)?;
    let mut rows: Vec<ConversationRow> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.last));
    Ok(rows)
}

pub(super) fn unread(database: &Database, user: &str, chat: &Chat) -> Result<u32, Failed> {
    unread_in(&database.begin_read()?, user, &chat_key(chat))
}

pub(super) fn unread_chats(database: &Database, user: &str) -> Result<Vec<(Chat, u32)>, Failed> {
    let transaction = database.begin_read()?;
    let mut chats = Vec::new();
    for row in transaction.open_table(CHATS.0)?.range((user, &[][..])..)? {
        let row = row?;
        let (of, key) = row.0.value();
        if of != user {
            break;
        }
        let unread = unread_in(&transaction, user, key)?;
        if unread > 0 {
            chats.push((chat_from_key(key).ok_or(Failed::Damaged(CHATS.1))?, unread));
        }
    }
    Ok(chats)
}

fn unread_in(transaction: &ReadTransaction, user: &str, chat: &[u8]) -> Result<u32, Failed> {
    let mark: Mark = read(transaction, MARKS, (user, chat))?.unwrap_or_default();
    let mut count = mark.count();
    let first = mark.counted_above().0.saturating_add(1);
    for row in transaction.open_table(MESSAGES.0)?.range((user, chat, first)..=(user, chat, u64::MAX))? {
        if count.is_full() {
            break;
        }
        let value: MessageValue = value_of(MESSAGES.1, &row?)?;
        count.add(user, value.from(), value.content());
    }
    Ok(count.total())
}

pub(super) fn receipt(
    database: &Database,
    user: &str,
    chat: &Chat,
    message: Position,
) -> Result<Option<ReceiptCount>, Failed> {
    read(&database.begin_read()?, RECEIPTS, (user, &chat_key(chat), message.0))
}
