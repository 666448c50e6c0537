//! What users have read: the marks of their chats, and messages that asked for receipts.
//!
//! A mark is a part of the conversation's row. Moving it takes a position without a record: the row then counts as changed, so
//! that devices that were away are told by their next catch-up, and those that are connected by the same position.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::content::NoticeKind;
use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, is_planted};
use roaring::RoaringBitmap;

use super::{Batch, Decided};
use crate::across;
use crate::command::Target;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::key::u64_at;
use crate::outcome::{Answer, ReadMark, ReceiptState, Route};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key};
use crate::rows::receipt::{Receipt, ReceiptNews, ReceiptReaders, receipt_key, receipt_news_key, receipts_prefix};
use crate::rows::record::NoticeRecord;
use crate::snapshot::newest_visible;
use crate::table::Table;
use crate::tables::{NEXT, Tables};

impl Batch<'_> {
    /// What is behind a mark already, and a chat that the user does not have, is passed over: a repeat changes nothing.
    pub(super) fn mark_read(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        marks: &[(Target, Position)],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let (mut moved, mut changed) = (Vec::new(), None);
        for (target, position) in marks {
            let Some((chat, chain)) = self.chat_of_target(app, user, target)? else { continue };
            let key = conversation_key(app, user, ConversationKind::of(chat), chain);
            let Some(row) = self.row::<Conversation>(&key)? else { continue };
            let newest = newest_visible(&row.windows, self.head(chain)?).map_or(Position::START, |(last, _)| last);
            let read_mark = newest.min(*position);
            if read_mark > row.read_mark {
                let changed = *changed.get_or_insert_with(|| self.take_position());
                let changed = if is_planted(Fault::MarkUnnoticed) { row.changed } else { changed };
                self.put(&key, &Conversation { read_mark, changed, ..row })?;
                moved.push(ReadMark { chat, name: find::chat_name(self, app, chat)?, position: read_mark });
            }
        }
        if let Some(changed) = changed {
            self.announce(app, changed, Route::Read { user, by: device, marks: moved.into() });
        }
        Ok(Answer::Done)
    }

    fn chat_of_target(
        &self,
        app: AppNumber,
        user: UserNumber,
        target: &Target,
    ) -> Result<Option<(Chat, ChainNumber)>, ReadError> {
        match target {
            Target::User(name) => {
                let Some(peer) = across::number(self, app, name)? else { return Ok(None) };
                Ok(find::single_chat(self, app, user, peer)?.map(|chain| (Chat::User(peer), chain)))
            }
            Target::Group(id) | Target::GroupOf { group: id, .. } => {
                Ok(find::group_nameplate(self, app, *id)?.map(|row| (Chat::Group(*id), row.chain)))
            }
            Target::Room(_) | Target::RoomOf { .. } => Ok(None),
        }
    }

    /// The message at `message` asks for receipts of those who are given it.
    pub(super) fn open_receipt(
        &mut self,
        app: AppNumber,
        from: UserNumber,
        to: Chat,
        message: Position,
        readers: &[UserNumber],
    ) -> Result<(), ReadError> {
        let mut members: RoaringBitmap =
            readers.iter().filter(|reader| **reader != from).map(|reader| reader.0).collect();
        if let Chat::Group(group) = to
            && across::mirror(self, app, group)?.is_some()
        {
            // Guests read in their own app, which does not tell.
            for reader in readers {
                if across::guest(self, app, *reader)?.is_some() {
                    members.remove(reader.0);
                }
            }
        }
        if members.is_empty() {
            return Ok(());
        }
        let (changed, at_ms) = (self.take_position(), self.now_ms());
        let unread = members.len() as u32;
        let key = receipt_key(app, message);
        self.put(&key, &Receipt { from, to, members })?;
        self.put(&key, &ReceiptReaders { users: RoaringBitmap::new(), changed, at_ms })?;
        self.put(&receipt_news_key(app, from, changed, message), &ReceiptNews)?;
        let state = ReceiptState { chat: to, name: find::chat_name(self, app, to)?, message, unread, at_ms };
        self.announce(app, changed, Route::Receipts { user: from, receipts: Arc::new([state]) });
        Ok(())
    }

    /// Of these messages the ones that asked this user and were not answered yet.
    pub(super) fn read_messages(&mut self, app: AppNumber, user: UserNumber, messages: &[Position]) -> Decided<Answer> {
        self.require_app(app)?;
        let (mut read, mut changed) = (Vec::new(), None);
        let mut told: BTreeMap<UserNumber, Vec<ReceiptState>> = BTreeMap::new();
        for message in messages {
            let key = receipt_key(app, *message);
            let Some(receipt) = self.row::<Receipt>(&key)? else { continue };
            let before: ReceiptReaders = find::required(self, key.clone())?;
            if !receipt.members.contains(user.0) || before.users.contains(user.0) {
                continue;
            }
            let changed = *changed.get_or_insert_with(|| self.take_position());
            let mut users = before.users;
            users.insert(user.0);
            let (unread, at_ms) = ((receipt.members.len() - users.len()) as u32, self.now_ms());
            self.remove(Table::ReceiptNews, &receipt_news_key(app, receipt.from, before.changed, *message))?;
            self.put(&key, &ReceiptReaders { users, changed, at_ms })?;
            self.put(&receipt_news_key(app, receipt.from, changed, *message), &ReceiptNews)?;
            let name = find::chat_name(self, app, receipt.to)?;
            let state = ReceiptState { chat: receipt.to, name, message: *message, unread, at_ms };
            told.entry(receipt.from).or_default().push(state);
            read.push(*message);
        }
        let Some(changed) = changed else { return Ok(Answer::Done) };
        // Each is told of their own, so that one position serves all of them.
        for (sender, receipts) in told {
            self.announce(app, changed, Route::Receipts { user: sender, receipts: receipts.into() });
        }
        read.sort_unstable();
        let notice = NoticeRecord::new(NoticeKind::OWN_READS, 0, Some(user)).with_messages(read);
        self.notify(app, &[user], &notice)?;
        Ok(Answer::Done)
    }

    /// Nobody reads the message any more.
    pub(super) fn close_receipt(&mut self, app: AppNumber, message: Position) -> Result<(), ReadError> {
        let key = receipt_key(app, message);
        let Some(receipt) = self.row::<Receipt>(&key)? else { return Ok(()) };
        if let Some(readers) = self.row::<ReceiptReaders>(&key)? {
            self.remove(Table::ReceiptNews, &receipt_news_key(app, receipt.from, readers.changed, message))?;
        }
        self.remove(Table::ReceiptReaders, &key)?;
        self.remove(Table::Receipts, &key)
    }

    /// Of messages below the floor, which are no more than were cut.
    pub(super) fn cut_receipts(&mut self, app: AppNumber, floor: Position) -> Decided<()> {
        let (from, to) = (receipts_prefix(app), receipt_key(app, floor));
        let place = from.as_bytes().len();
        let mut messages = Vec::new();
        self.scan(Table::Receipts, from.as_bytes(), Some(to.as_bytes()), &mut |key, _| {
            messages.extend(u64_at(key, place).map(Position));
            Ok(NEXT)
        })?;
        for message in messages {
            self.close_receipt(app, message)?;
        }
        Ok(())
    }
}
