//! What was read, and what was not: unread messages of a user, and who has read a message that asked for it.

use std::sync::Arc;

use anser_protocol::ids::Position;
use anser_protocol::limits::UNREAD_MAX;

use super::Snapshot;
use super::walk::{Viewer, Walk};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::u64_at;
use crate::outcome::{MessageBody, ReceiptState};
use crate::row;
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key};
use crate::rows::receipt::{Receipt, ReceiptNews, ReceiptReaders, receipt_key, receipt_news_key, receipt_news_prefix};
use crate::rows::record::{Body, Record, log_key};
use crate::rows::relation::Tie;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Records that a count looks at, in one chat and in all of them together; what lies below counts as read.
const STEPS_MAX: usize = 10_000;
const STEPS_IN_ALL_MAX: usize = 100_000;

/// Unread messages over all chats, each counted up to [`UNREAD_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    pub total: u32,
    /// Without what the user does not want to be disturbed by.
    pub loud: u32,
}

/// A part of what a sender is told of receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptPage {
    /// In the order of their last changes.
    pub receipts: Vec<ReceiptState>,
    /// Where the next part begins; nothing when this was the last.
    pub next: Option<Position>,
}

/// Who has read a message, and who of those who were given it has not; in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    Known {
        read: Vec<Arc<str>>,
        unread: Vec<Arc<str>>,
    },
    /// The message did not ask, or what was answered is not kept any more.
    NotAsked,
    NotTheSender,
    /// There is no such message that the user could see.
    Unknown,
}

impl Snapshot {
    /// Unread messages of one chat; 0 where there is no such conversation.
    pub fn unread(&self, app: AppNumber, viewer: impl Into<Viewer>, chat: &Chat) -> Result<u32, ReadError> {
        let viewer = viewer.into();
        let Some((chain, _)) = self.windows_of(app, viewer.user, chat)? else { return Ok(0) };
        let key = conversation_key(app, viewer.user, ConversationKind::of(*chat), chain);
        match self.row::<Conversation>(&key)? {
            Some(row) => self.unread_in(app, viewer, chain, &row, &mut { STEPS_MAX }),
            None => Ok(0),
        }
    }

    /// Over all chats that a list of conversations shows.
    pub fn unread_in_all(&self, app: AppNumber, viewer: impl Into<Viewer>) -> Result<Unread, ReadError> {
        let viewer = viewer.into();
        let is_everything_muted = find::is_tied(self, app, viewer.user, Tie::MutesEverything, 0)?;
        let (mut unread, mut steps) = (Unread::default(), STEPS_IN_ALL_MAX);
        for found in self.conversations_found(app, viewer.user)? {
            if self.is_superseded(app, found.row.chat)? {
                continue;
            }
            let count = self.unread_in(app, viewer, found.chain, &found.row, &mut steps)?;
            let is_muted = match found.row.chat {
                Chat::User(peer) => find::is_tied(self, app, viewer.user, Tie::MutesUser, peer.0)?,
                Chat::Group(group) => find::is_tied(self, app, viewer.user, Tie::MutesGroup, group.0)?,
                Chat::Notices => true,
            };
            unread.total = unread.total.saturating_add(count);
            if !is_muted && !is_everything_muted {
                unread.loud = unread.loud.saturating_add(count);
            }
        }
        Ok(unread)
    }

    /// From the newest record down to the mark: what the user may see and did not write.
    fn unread_in(
        &self,
        app: AppNumber,
        viewer: Viewer,
        chain: ChainNumber,
        row: &Conversation,
        steps: &mut usize,
    ) -> Result<u32, ReadError> {
        let mut unread = 0;
        let mut walk = Walk::from_newest(self, app, viewer, &row.windows, self.head(chain)?);
        for _ in 0..STEPS_MAX.min(*steps) {
            if unread >= UNREAD_MAX || walk.next_position().is_none_or(|position| position <= row.read_mark) {
                break;
            }
            *steps -= 1;
            let Some(step) = walk.step()? else { break };
            let Some((position, record)) = step else { continue };
            let is_of_others = matches!(&record.body, Body::Message(message) if message.from != viewer.user);
            if is_of_others
                && let Some(message) = find::message(self, app, position, record)?
                && let MessageBody::Content(content) = message.body
            {
                unread += content.unread_weight();
            }
        }
        Ok(unread.min(UNREAD_MAX))
    }

    /// Receipts of a sender's messages that changed above `since`: about `limit` of them.
    pub fn receipts_since(
        &self,
        app: AppNumber,
        sender: UserNumber,
        since: Position,
        limit: usize,
    ) -> Result<ReceiptPage, ReadError> {
        let prefix = receipt_news_prefix(app, sender);
        let (changed_at, message_at) = (prefix.as_bytes().len(), prefix.as_bytes().len() + 8);
        let from = receipt_news_key(app, sender, Position(since.0.saturating_add(1)), Position::START);
        let to = receipt_news_key(app, sender, Position(u64::MAX), Position(u64::MAX));
        let (mut messages, mut last, mut next) = (Vec::new(), since, None);
        self.scan(Table::ReceiptNews, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            row::decode::<ReceiptNews>(key, value)?;
            let (Some(changed), Some(message)) = (u64_at(key, changed_at), u64_at(key, message_at)) else {
                return Ok(NEXT);
            };
            // What changed at once stays together.
            if messages.len() >= limit && Position(changed) > last {
                next = Some(last);
                return Ok(STOP);
            }
            last = Position(changed);
            messages.push(Position(message));
            Ok(NEXT)
        })?;
        let mut receipts = Vec::with_capacity(messages.len());
        for message in messages {
            receipts.extend(self.receipt_state(app, message)?);
        }
        Ok(ReceiptPage { receipts, next })
    }

    /// Nothing for a chat that devices cannot name any more.
    fn receipt_state(&self, app: AppNumber, message: Position) -> Result<Option<ReceiptState>, ReadError> {
        let receipt: Receipt = find::required(self, receipt_key(app, message))?;
        let readers: ReceiptReaders = find::required(self, receipt_key(app, message))?;
        if self.is_superseded(app, receipt.to)? {
            return Ok(None);
        }
        let name = find::chat_name(self, app, receipt.to)?;
        let unread = receipt.members.len().saturating_sub(readers.users.len()) as u32;
        Ok(Some(ReceiptState { chat: receipt.to, name, message, unread, at_ms: readers.at_ms }))
    }

    /// Who has read a message, as far as its sender may know.
    pub fn readers(&self, app: AppNumber, user: UserNumber, message: Position) -> Result<Readers, ReadError> {
        if message < find::floor(self, app, Class::Chat)? {
            return Ok(Readers::Unknown);
        }
        let Some(record) = self.row::<Record>(&log_key(app, Class::Chat, message))? else {
            return Ok(Readers::Unknown);
        };
        let Body::Message(body) = &record.body else { return Ok(Readers::Unknown) };
        if body.from != user {
            let chat = match body.to {
                Chat::User(peer) if peer == user => Chat::User(body.from),
                chat => chat,
            };
            let shown = self.windows_of(app, user, &chat)?;
            let is_shown =
                shown.is_some_and(|(chain, windows)| chain == record.chain && super::shows(&windows, record.seq));
            return Ok(if is_shown { Readers::NotTheSender } else { Readers::Unknown });
        }
        let Some(receipt) = self.row::<Receipt>(&receipt_key(app, message))? else { return Ok(Readers::NotAsked) };
        let readers: ReceiptReaders = find::required(self, receipt_key(app, message))?;
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for member in &receipt.members {
            let list = if readers.users.contains(member) { &mut read } else { &mut unread };
            list.push(find::username(self, app, UserNumber(member))?);
        }
        Ok(Readers::Known { read, unread })
    }
}
