//! All tables, and what each change does to them.

use anser_protocol::content::Content;
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableError, TableHandle, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::rows::{Kind, Rows, kind, value_of};
use super::{Failed, Retention};
use crate::display::DisplayChange;
use crate::session::Transport;
use crate::store::amendment::{self, Place, Standing};
use crate::store::encoding::{ConversationValue, MessageValue, OutboxValue, SentValue, chat_key};
use crate::store::reads::Mark;
use crate::store::{
    FAILED_KEPT, Message, OutboxEntry, PUSH_IDS_KEPT, PUSHES_KEPT, Push, ReceiptCount, SENT_KEPT, Write,
};

pub(super) type ChatKey = (&'static str, &'static [u8]);
pub(super) type MessageKey = (&'static str, &'static [u8], u64);
type Named<K> = (Kind<K>, &'static str);

pub(super) const META: Named<&str> = kind("meta");
pub(super) const TOKENS: Named<&str> = kind("tokens");
pub(super) const CURSORS: Named<&str> = kind("cursors");
pub(super) const HOLES: Named<ChatKey> = kind("holes");
pub(super) const CONVERSATIONS: Named<ChatKey> = kind("conversations");
pub(super) const MESSAGES: Named<MessageKey> = kind("messages");
pub(super) const AMENDMENTS: Named<MessageKey> = kind("amendments");
pub(super) const CHATS: Named<ChatKey> = kind("chats");
pub(super) const OUTBOX: Named<u64> = kind("outbox");
pub(super) const FAILED: Named<u64> = kind("failed");
pub(super) const UNSURE: Named<u64> = kind("unsure");
pub(super) const PUSHES: Named<u64> = kind("pushes");
pub(super) const PUSH_IDS: Named<u64> = kind("push_ids");
pub(super) const HEARTBEATS: Named<(&str, u8)> = kind("heartbeats");
pub(super) const WINNERS: Named<&str> = kind("winners");
pub(super) const SETTINGS: Named<&str> = kind("settings");
pub(super) const NOTICES: Named<u64> = kind("notices");
pub(super) const LOCAL_NOTICES: Named<u64> = kind("local_notices");
pub(super) const MARKS: Named<ChatKey> = kind("marks");
pub(super) const READS: Named<(&str, u64)> = kind("reads");
pub(super) const RECEIPTS: Named<MessageKey> = kind("receipts");
pub(super) const CLEARED: Named<ChatKey> = kind("cleared");
pub(super) const DELETED: Named<MessageKey> = kind("deleted");
pub(super) const EXTRAS: Named<ChatKey> = kind("extras");
pub(super) const DRAFTS: Named<ChatKey> = kind("drafts");
pub(super) const SENT: Named<u64> = kind("sent");

macro_rules! later {
    ($($table:ident)*) => {
        pub(super) const LATER: &[&str] = &[$($table.1),*];

        pub(super) fn make_later_ones(transaction: &WriteTransaction) -> Result<(), TableError> {
            $(transaction.open_table($table.0)?;)*
            Ok(())
        }
    };
}

// Tables that the stores of 0.1.0 do not have, and from the fourth on those of 0.2.0.
later! { SETTINGS NOTICES LOCAL_NOTICES FAILED MARKS READS RECEIPTS CLEARED DELETED EXTRAS DRAFTS SENT }

pub(super) fn lacks_later_ones(transaction: &ReadTransaction) -> Result<bool, Failed> {
    let known: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    Ok(LATER.iter().any(|name| !known.iter().any(|known| known == name)))
}

/// Names of settings.
pub(super) const PUSH_STOPPED: &str = "push_stopped";
pub(super) const PUSH_TIME: &str = "push_time";
pub(super) const SILENCE_TIME: &str = "silence_time";
pub(super) const KEEP_LATEST: &str = "keep_latest";
pub(super) const BADGE: &str = "badge";
pub(super) const NOTICE_NEXT: &str = "notice_next";

/// So many old messages are let go in one go.
const PRUNED_AT_ONCE: u64 = 500;

/// What is stored of a chat, counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct ChatValue {
    /// The newest position that this device did not send itself.
    pub(super) newest: u64,
    /// Up to here the application has taken the records.
    pub(super) taken: u64,
    pub(super) messages: u64,
}

/// All tables, open for writing.
pub(super) struct Tables<'t> {
    pub(super) meta: Rows<'t, &'static str>,
    pub(super) tokens: Rows<'t, &'static str>,
    pub(super) cursors: Rows<'t, &'static str>,
    pub(super) holes: Rows<'t, ChatKey>,
    pub(super) conversations: Rows<'t, ChatKey>,
    pub(super) messages: Rows<'t, MessageKey>,
    pub(super) amendments: Rows<'t, MessageKey>,
    pub(super) chats: Rows<'t, ChatKey>,
    pub(super) outbox: Rows<'t, u64>,
    pub(super) failed: Rows<'t, u64>,
    pub(super) unsure: Rows<'t, u64>,
    pub(super) pushes: Rows<'t, u64>,
    pub(super) push_ids: Rows<'t, u64>,
    pub(super) heartbeats: Rows<'t, (&'static str, u8)>,
    pub(super) winners: Rows<'t, &'static str>,
    pub(super) settings: Rows<'t, &'static str>,
    pub(super) notices: Rows<'t, u64>,
    pub(super) local_notices: Rows<'t, u64>,
    pub(super) marks: Rows<'t, ChatKey>,
    pub(super) reads: Rows<'t, (&'static str, u64)>,
    pub(super) receipts: Rows<'t, MessageKey>,
    pub(super) cleared: Rows<'t, ChatKey>,
    pub(super) deleted: Rows<'t, MessageKey>,
    pub(super) extras: Rows<'t, ChatKey>,
    pub(super) drafts: Rows<'t, ChatKey>,
    pub(super) sent: Rows<'t, u64>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            meta: Rows::open(transaction, META)?,
            tokens: Rows::open(transaction, TOKENS)?,
            cursors: Rows::open(transaction, CURSORS)?,
            holes: Rows::open(transaction, HOLES)?,
            conversations: Rows::open(transaction, CONVERSATIONS)?,
            messages: Rows::open(transaction, MESSAGES)?,
            amendments: Rows::open(transaction, AMENDMENTS)?,
            chats: Rows::open(transaction, CHATS)?,
            outbox: Rows::open(transaction, OUTBOX)?,
            failed: Rows::open(transaction, FAILED)?,
            unsure: Rows::open(transaction, UNSURE)?,
            pushes: Rows::open(transaction, PUSHES)?,
            push_ids: Rows::open(transaction, PUSH_IDS)?,
            heartbeats: Rows::open(transaction, HEARTBEATS)?,
            winners: Rows::open(transaction, WINNERS)?,
            settings: Rows::open(transaction, SETTINGS)?,
            notices: Rows::open(transaction, NOTICES)?,
            local_notices: Rows::open(transaction, LOCAL_NOTICES)?,
            marks: Rows::open(transaction, MARKS)?,
            reads: Rows::open(transaction, READS)?,
            receipts: Rows::open(transaction, RECEIPTS)?,
            cleared: Rows::open(transaction, CLEARED)?,
            deleted: Rows::open(transaction, DELETED)?,
            extras: Rows::open(transaction, EXTRAS)?,
            drafts: Rows::open(transaction, DRAFTS)?,
            sent: Rows::open(transaction, SENT)?,
        })
    }

    pub(super) fn write(&mut self, write: &Write, retention: Retention) -> Result<(), Failed> {
        match write {
            Write::Identity(identity) => self.meta.put("identity", identity)?,
            Write::PushCursor(cursor) => self.meta.put("push_cursor", cursor)?,
            Write::PushStopped(is_stopped) => self.settings.put(PUSH_STOPPED, is_stopped)?,
            Write::Display(change) => self.write_display(change)?,
            Write::Token { user, token } if token.is_empty() => self.tokens.remove(user)?,
            Write::Token { user, token } => self.tokens.put(user, token)?,
            Write::ChatCursor { user, position } => self.cursors.put(user, position)?,
            Write::Holes { user, chat, holes } if holes.is_empty() => self.holes.remove((user, &chat_key(chat)))?,
            Write::Holes { user, chat, holes } => self.holes.put((user, &chat_key(chat)), holes)?,
            Write::Conversation { user, row } => {
                let key = chat_key(&row.chat);
                let is_known = self.conversations.table.get((&**user, &key[..]))?.is_some();
                if is_known || !self.is_deleted((user, &key), row.last.0)? {
                    self.conversations.put((user, &key), &ConversationValue::new(row))?;
                }
            }
            Write::Message(message) => self.write_message(message, retention)?,
            Write::Push(push) => self.write_push(push)?,
            Write::Outbox(entry) => self.write_outbox(entry)?,
            Write::OutboxAnswered(local) => {
                self.outbox.remove(local.0)?;
                self.unsure.remove(local.0)?;
            }
            Write::Sent { local, user, chat, position } => {
                self.sent.put(local.0, &SentValue::new(user, chat, *position))?;
                if self.sent.table.len()? > SENT_KEPT as u64 {
                    self.sent.table.pop_first()?;
                }
            }
            Write::SendFailed(entry) => {
                self.outbox.remove(entry.local.0)?;
                self.failed.put(entry.local.0, &OutboxValue::new(entry))?;
                if self.failed.table.len()? > FAILED_KEPT as u64 {
                    self.failed.table.pop_first()?;
                }
            }
            Write::FailedForgotten(local) => self.failed.remove(local.0)?,
            Write::Heartbeat { network, transport, memory } => {
                self.heartbeats.put((network, number_of_transport(*transport)), memory)?;
            }
            Write::Winner { network, transport } => self.winners.put(network, &number_of_transport(*transport))?,
            Write::ReadMark { user, chat, position } => self.change_mark(user, chat, |mark| mark.move_to(*position))?,
            Write::MarkKnown { user, chat, position } => self.change_mark(user, chat, |mark| mark.know(*position))?,
            Write::UnreadByHand { user, chat, count } => {
                let key = chat_key(chat);
                let newest = self.messages.table.range((&**user, &key[..], 0)..=(&**user, &key[..], u64::MAX))?;
                let newest = newest.last().transpose()?.map_or(0, |(key, _)| key.value().2);
                self.change_mark(user, chat, |mark| mark.set_by_hand(*count, Position(newest)))?;
            }
            Write::MessagesRead { user, messages } => {
                for message in messages {
                    self.reads.put((user, message.0), &())?;
                }
            }
            Write::ReadsKnown { user, messages } => {
                for message in messages {
                    self.reads.remove((user, message.0))?;
                }
            }
            Write::Receipt { user, chat, message, count } => {
                let key = chat_key(chat);
                let place = (&**user, &key[..], message.0);
                if !self.is_deleted((user, &key), message.0)? {
                    let known = self.receipts.get(place)?;
                    self.receipts.put(place, &ReceiptCount::meet(known, *count))?;
                }
            }
            Write::MessagesDeleted { user, chat, to } => self.delete_messages(user, chat, *to)?,
            Write::MessageDeleted { user, chat, position } => {
                self.delete_message((user, &chat_key(chat)), *position)?
            }
            Write::ConversationDeleted { user, chat } => self.delete_conversation(user, chat)?,
            Write::ConversationText { user, chat, which, text } => {
                self.put_text((user, &chat_key(chat)), *which, text)?;
            }
            Write::MessagesTaken { user, chat, position } => {
                let key = chat_key(chat);
                let mut value = self.chat((user, &key))?;
                value.taken = value.taken.max(position.0);
                self.put_chat((user, &key), value, retention)?;
            }
            Write::PushesTaken { arrival } => self.pushes.table.retain_in(..=*arrival, |_, _| false)?,
        }
        Ok(())
    }

    pub(super) fn change_mark(
        &mut self,
        user: &str,
        chat: &Chat,
        change: impl FnOnce(&mut Mark),
    ) -> Result<(), Failed> {
        let key = chat_key(chat);
        let before: Mark = self.marks.get((user, &key))?.unwrap_or_default();
        let mut mark = before;
        change(&mut mark);
        if mark != before {
            self.marks.put((user, &key), &mark)?;
        }
        Ok(())
    }

    fn write_message(&mut self, message: &Message, retention: Retention) -> Result<(), Failed> {
        let (user, chat) = (&*message.user, chat_key(&message.chat));
        let position = message.record.position.0;
        let is_known = self.messages.table.get((user, &chat[..], position))?.is_some();
        if is_known || self.is_deleted((user, &chat), position)? {
            return Ok(());
        }
        let content = amendment::receive(&mut ChatPlace { tables: self, user, chat: &chat }, &message.record)?;
        let value = MessageValue::new(&message.record).with(content);
        self.messages.put((user, &chat, position), &value)?;
        let mut counted = self.chat((user, &chat))?;
        counted.messages += 1;
        if !value.is_own() {
            counted.newest = counted.newest.max(position);
        }
        self.put_chat((user, &chat), counted, retention)
    }

    pub(super) fn chat(&self, key: (&str, &[u8])) -> Result<ChatValue, Failed> {
        Ok(self.chats.get(key)?.unwrap_or_default())
    }

    /// Stores the count, and lets go of the oldest messages when there are too many. What the application has not taken
    /// stays, so nothing is let go that a cursor, a hole or a release still counts on.
    fn put_chat(
        &mut self,
        (user, chat): (&str, &[u8]),
        mut value: ChatValue,
        retention: Retention,
    ) -> Result<(), Failed> {
        let excess = value.messages.saturating_sub(u64::from(retention.messages_per_chat));
        // A few more are kept for a while: looking for old ones each time would cost more than they do.
        if excess > u64::from(retention.messages_per_chat / 8) {
            let old = self.oldest_taken((user, chat), value.taken, excess.min(PRUNED_AT_ONCE))?;
            for position in &old {
                self.messages.remove((user, chat, *position))?;
                self.amendments.remove((user, chat, *position))?;
            }
            // Nothing that old comes any more, also not what was never here.
            if let Some(last) = old.last().map(|last| value.taken.min(*last)) {
                self.amendments.table.retain_in((user, chat, 0)..=(user, chat, last), |_, _| false)?;
                self.receipts.table.retain_in((user, chat, 0)..=(user, chat, last), |_, _| false)?;
            }
            value.messages = value.messages.saturating_sub(old.len() as u64);
        }
        self.chats.put((user, chat), &value)?;
        Ok(())
    }

    /// The positions of the chat's oldest messages that nobody waits for any more. Own ones are never handed out.
    fn oldest_taken(&self, (user, chat): (&str, &[u8]), taken: u64, most: u64) -> Result<Vec<u64>, Failed> {
        let mut old = Vec::new();
        for row in self.messages.table.range((user, chat, 0)..=(user, chat, u64::MAX))? {
            let row = row?;
            let position = row.0.value().2;
            let is_free = position <= taken || value_of::<MessageKey, MessageValue>(MESSAGES.1, &row)?.is_own();
            if !is_free || old.len() as u64 >= most {
                break;
            }
            old.push(position);
        }
        Ok(old)
    }

    /// The session passes on only pushes whose msg_id it does not know.
    fn write_push(&mut self, push: &Push) -> Result<(), Failed> {
        let last_id = self.push_ids.table.last()?.map_or(0, |(arrival, _)| arrival.value());
        let last_waiting = self.pushes.table.last()?.map_or(0, |(arrival, _)| arrival.value());
        let arrival = last_id.max(last_waiting) + 1;
        self.push_ids.put(arrival, &push.msg_id)?;
        if let Some(old) = arrival.checked_sub(PUSH_IDS_KEPT as u64) {
            self.push_ids.remove(old)?;
        }
        self.pushes.put(arrival, push)?;
        if let Some(old) = arrival.checked_sub(PUSHES_KEPT as u64) {
            self.pushes.remove(old)?;
        }
        Ok(())
    }

    fn write_display(&mut self, change: &DisplayChange) -> Result<(), Failed> {
        match change {
            DisplayChange::PushTime(time) => self.settings.put(PUSH_TIME, time)?,
            DisplayChange::SilenceTime(time) => self.settings.put(SILENCE_TIME, time)?,
            DisplayChange::KeepLatest(count) => self.settings.put(KEEP_LATEST, count)?,
            DisplayChange::Badge(count) => self.settings.put(BADGE, count)?,
            DisplayChange::Shown(id, notice) => {
                self.notices.put(id.0, notice)?;
                if id.0 >= self.settings.get::<u64>(NOTICE_NEXT)?.unwrap_or_default() {
                    self.settings.put(NOTICE_NEXT, &(id.0 + 1))?;
                }
            }
            DisplayChange::Gone(id) => self.notices.remove(id.0)?,
            DisplayChange::Planned(number, notice) => self.local_notices.put(*number, notice)?,
            DisplayChange::Unplanned(number) => self.local_notices.remove(*number)?,
        }
        Ok(())
    }

    fn write_outbox(&mut self, entry: &OutboxEntry) -> Result<(), Failed> {
        self.outbox.put(entry.local.0, &OutboxValue::new(entry))?;
        self.failed.remove(entry.local.0)?;
        self.raise("local_next", entry.local.0 + 1)?;
        if let Some(number) = entry.number {
            self.raise("outbox_next", number.saturating_add(1))?;
        }
        Ok(())
    }

    pub(super) fn raise(&mut self, name: &str, to: u64) -> Result<(), Failed> {
        if to > self.meta.get::<u64>(name)?.unwrap_or(0) {
            self.meta.put(name, &to)?;
        }
        Ok(())
    }
}

/// One chat, for what becomes of its messages.
pub(super) struct ChatPlace<'p, 't> {
    pub(super) tables: &'p mut Tables<'t>,
    pub(super) user: &'p str,
    pub(super) chat: &'p [u8],
}

impl Place for ChatPlace<'_, '_> {
    type Error = Failed;

    fn content(&self, position: Position) -> Result<Option<Content>, Failed> {
        let value: Option<MessageValue> = self.tables.messages.get((self.user, self.chat, position.0))?;
        Ok(value.map(MessageValue::into_content))
    }

    fn replace(&mut self, position: Position, content: Content) -> Result<(), Failed> {
        let key = (self.user, self.chat, position.0);
        if let Some(value) = self.tables.messages.get::<MessageValue>(key)? {
            self.tables.messages.put(key, &value.with(content))?;
        }
        Ok(())
    }

    fn standing(&self, position: Position) -> Result<Option<Standing>, Failed> {
        self.tables.amendments.get((self.user, self.chat, position.0))
    }

    fn put_standing(&mut self, position: Position, standing: Standing) -> Result<(), Failed> {
        Ok(self.tables.amendments.put((self.user, self.chat, position.0), &standing)?)
    }

    fn is_deleted(&self, position: Position) -> Result<bool, Failed> {
        self.tables.is_deleted((self.user, self.chat), position.0)
    }
}

pub(super) fn number_of_transport(transport: Transport) -> u8 {
    match transport {
        Transport::Quic => 1,
        Transport::Tcp => 2,
        Transport::WebSocket => 3,
    }
}

pub(super) fn transport_from_number(number: u8) -> Option<Transport> {
    [Transport::Quic, Transport::Tcp, Transport::WebSocket]
        .into_iter()
        .find(|transport| number_of_transport(*transport) == number)
}
