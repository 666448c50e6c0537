//! A damaged store is made anew from what can still be read, as the store of a new device.
//!
//! What the old identity had begun and nobody can vouch for any more does not come along:
//! - the identity, its push cursor and its tokens: the server gives the device another number, so that no outbox number can
//!   mean two messages, and its users log in by password;
//! - cursors and holes, and messages that the application has not taken: the server is asked again from the beginning of what
//!   it keeps, and the marks of what was taken keep those from being handed out twice;
//! - unanswered messages that may have reached the server: they are set apart, for the application to be told. Those that
//!   cannot have been sent yet stay in the outbox.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anser_protocol::ids::Position;
use redb::{Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::Failed;
use super::rows::{Kind, Row, Rows, read, value_of};
use super::tables::*;
use crate::display::{LocalNotice, Notice, PushTime, SilenceTime};
use crate::store::amendment::Standing;
use crate::store::encoding::{ConversationValue, MessageValue, OutboxValue, SentValue};
use crate::store::reads::Mark;
use crate::store::{HeartbeatMemory, Push, Rebuilt, ReceiptCount};

/// Fills the new store, which is empty, from the old one.
pub(super) fn salvage(old: &Database, new: &Database) -> Result<Rebuilt, Failed> {
    let mut lost = 0;
    let old = catch_unwind(AssertUnwindSafe(|| old.begin_read()));
    let transaction = new.begin_write()?;
    if let Ok(Ok(old)) = old {
        let mut salvage = Salvage { old, new: Tables::open(&transaction)?, lost: 0 };
        salvage.run()?;
        lost = salvage.lost;
    }
    transaction.commit()?;
    Ok(Rebuilt { rows_lost: lost })
}

struct Salvage<'t> {
    old: ReadTransaction,
    new: Tables<'t>,
    lost: u64,
}

/// A value that is whole, whatever it is.
pub(super) struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// User and key of a chat.
type OwnedKey = (String, Vec<u8>);

impl Salvage<'_> {
    fn run(&mut self) -> Result<(), Failed> {
        self.copy::<_, ConversationValue>(CONVERSATIONS, |new| &mut new.conversations)?;
        self.copy::<_, Push>(PUSHES, |new| &mut new.pushes)?;
        self.copy::<_, Position>(PUSH_IDS, |new| &mut new.push_ids)?;
        self.copy::<_, HeartbeatMemory>(HEARTBEATS, |new| &mut new.heartbeats)?;
        self.copy::<_, u8>(WINNERS, |new| &mut new.winners)?;
        self.copy::<_, Standing>(AMENDMENTS, |new| &mut new.amendments)?;
        self.settings()?;
        self.copy::<_, Notice>(NOTICES, |new| &mut new.notices)?;
        self.copy::<_, LocalNotice>(LOCAL_NOTICES, |new| &mut new.local_notices)?;
        // The server has refused them, so nothing can be doubled by sending them again.
        self.walk::<_, OutboxValue>(FAILED, |new, local, value| {
            new.failed.put(local, &value)?;
            new.raise("local_next", local + 1)
        })?;
        self.copy::<_, Mark>(MARKS, |new| &mut new.marks)?;
        self.copy::<_, ()>(READS, |new| &mut new.reads)?;
        self.copy::<_, ReceiptCount>(RECEIPTS, |new| &mut new.receipts)?;
        self.copy::<_, Position>(CLEARED, |new| &mut new.cleared)?;
        self.copy::<_, ()>(DELETED, |new| &mut new.deleted)?;
        self.copy::<_, String>(EXTRAS, |new| &mut new.extras)?;
        self.copy::<_, String>(DRAFTS, |new| &mut new.drafts)?;
        self.walk::<_, SentValue>(SENT, |new, local, value| {
            new.sent.put(local, &value)?;
            new.raise("local_next", local + 1)
        })?;
        self.messages()?;
        self.outbox()?;
        let local_next = catch_unwind(AssertUnwindSafe(|| read::<_, u64>(&self.old, META, "local_next")));
        if let Ok(Ok(Some(local_next))) = local_next {
            self.new.raise("local_next", local_next)?;
        }
        // What is left behind on purpose is lost only when it was damaged.
        self.walk::<_, Unread>(META, |_, _, _| Ok(()))?;
        self.walk::<_, Unread>(TOKENS, |_, _, _| Ok(()))?;
        self.walk::<_, Unread>(CURSORS, |_, _, _| Ok(()))?;
        self.walk::<_, Unread>(HOLES, |_, _, _| Ok(()))
    }

    fn messages(&mut self) -> Result<(), Failed> {
        let mut chats: BTreeMap<OwnedKey, ChatValue> = BTreeMap::new();
        self.walk::<_, ChatValue>(CHATS, |_, (user, chat), value| {
            let value = ChatValue { taken: value.taken, ..ChatValue::default() };
            chats.insert((user.to_owned(), chat.to_owned()), value);
            Ok(())
        })?;
        self.walk::<_, MessageValue>(MESSAGES, |new, (user, chat, position), value| {
            let counted = chats.entry((user.to_owned(), chat.to_owned())).or_default();
            if !value.is_own() && position > counted.taken {
                return Ok(());
            }
            counted.messages += 1;
            if !value.is_own() {
                counted.newest = counted.newest.max(position);
            }
            Ok(new.messages.put((user, chat, position), &value)?)
        })?;
        for ((user, chat), counted) in &chats {
            self.new.chats.put((user, chat), counted)?;
        }
        Ok(())
    }

    /// Each setting is of a type of its own.
    fn settings(&mut self) -> Result<(), Failed> {
        self.setting::<bool>(PUSH_STOPPED)?;
        self.setting::<Option<PushTime>>(PUSH_TIME)?;
        self.setting::<Option<SilenceTime>>(SILENCE_TIME)?;
        self.setting::<u32>(KEEP_LATEST)?;
        self.setting::<u32>(BADGE)?;
        self.setting::<u64>(NOTICE_NEXT)?;
        self.walk::<_, Unread>(SETTINGS, |_, _, _| Ok(()))
    }

    fn setting<T: Serialize + DeserializeOwned>(&mut self, name: &'static str) -> Result<(), Failed> {
        // One that cannot be read is counted by whoever walks over all.
        let value = catch_unwind(AssertUnwindSafe(|| read::<_, T>(&self.old, SETTINGS, name)));
        if let Ok(Ok(Some(value))) = value {
            self.new.settings.put(name, &value)?;
        }
        Ok(())
    }

    fn outbox(&mut self) -> Result<(), Failed> {
        for from in [OUTBOX, UNSURE] {
            self.walk::<_, OutboxValue>(from, |new, local, value| {
                new.raise("local_next", local + 1)?;
                let to = if value.may_have_been_sent() { &mut new.unsure } else { &mut new.outbox };
                Ok(to.put(local, &value)?)
            })?;
        }
        Ok(())
    }

    fn copy<K, T>(
        &mut self,
        from: (Kind<K>, &'static str),
        to: impl for<'n, 't> Fn(&'n mut Tables<'t>) -> &'n mut Rows<'t, K>,
    ) -> Result<(), Failed>
    where
        K: Key + 'static,
        T: Serialize + DeserializeOwned,
    {
        self.walk::<K, T>(from, |new, key, value| Ok(to(new).put(key, &value)?))
    }

    /// Every row that can be read; what cannot is counted.
    fn walk<K, T>(
        &mut self,
        (kind, name): (Kind<K>, &'static str),
        mut keep: impl for<'k> FnMut(&mut Tables<'_>, K::SelfType<'k>, T) -> Result<(), Failed>,
    ) -> Result<(), Failed>
    where
        K: Key + 'static,
        T: DeserializeOwned,
    {
        // redb may panic on a damaged page.
        let opened = catch_unwind(AssertUnwindSafe(|| self.old.open_table(kind)));
        let table = match opened {
            Ok(Ok(table)) => table,
            // Stores of the first days have none; it is made by the first write.
            Ok(Err(TableError::TableDoesNotExist(_))) if name == AMENDMENTS.1 || LATER.contains(&name) => return Ok(()),
            Ok(Err(_)) | Err(_) => {
                self.lost += 1;
                return Ok(());
            }
        };
        let rows = catch_unwind(AssertUnwindSafe(|| table.iter()));
        let Ok(Ok(mut rows)) = rows else {
            self.lost += 1;
            return Ok(());
        };
        loop {
            let row: Row<'_, K> = match catch_unwind(AssertUnwindSafe(|| rows.next())) {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(row))) => row,
                // Where the next one would be is not known any more.
                Ok(Some(Err(_))) | Err(_) => {
                    self.lost += 1;
                    return Ok(());
                }
            };
            match value_of::<K, T>(name, &row) {
                Ok(value) => keep(&mut self.new, row.0.value(), value)?,
                Err(_) => self.lost += 1,
            }
        }
    }
}
